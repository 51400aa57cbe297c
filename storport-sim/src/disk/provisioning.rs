//! Giving blocks back and writing one block many times: UNMAP, WRITE SAME.
//!
//! What is unmapped reads as zero afterwards, always (LBPRZ). Whether it also frees anything is the store's affair.

use zerocopy::FromBytes;

use super::commands::{Cdb, view};
use super::transfer::Transfer;
use super::{Extent, ScsiDisk};
use crate::scsi::{
    AdditionalSense, BlockCdb, Rw10, Sense, SenseKey, Unmap, UnmapBlockDescriptor, UnmapHeader,
};

/// Blocks one UNMAP may name over all its ranges, so that one command over a file stays within seconds.
pub(super) const UNMAP_BLOCKS_MAX: u32 = 0x0080_0000;
/// Ranges one UNMAP may carry.
pub(super) const UNMAP_DESCRIPTORS_MAX: u32 = 256;
/// Blocks one WRITE SAME may name: all that WRITE SAME(10) can say.
pub(super) const WRITE_SAME_MAX: u32 = 0xffff;

/// Bytes written at a time: a whole number of blocks of either size.
const CHUNK: usize = 64 * 1024;

/// UNMAP (SBC-4, "UNMAP command"): all ranges are checked before the first is touched.
///
/// A list shorter than its own header, or than the descriptors the header counts, is 05/1a/00; too many ranges or
/// blocks are 05/26/00; a trailing piece of a descriptor is ignored, as the standard has it.
pub(super) fn unmap(disk: &mut ScsiDisk, cdb: &Cdb, transfer: &mut Transfer<'_>) -> Result<(), Sense> {
    let list = transfer.take(view::<Unmap>(cdb).parameter_list_length.get().into())?;
    if list.is_empty() {
        return Ok(());
    }
    let too_short = Sense::new(SenseKey::ILLEGAL_REQUEST, AdditionalSense::PARAMETER_LIST_LENGTH_ERROR);
    let (header, list) = UnmapHeader::read_from_prefix(list).map_err(|_| too_short)?;
    let list = list.get(..header.descriptors_length.get().into()).ok_or(too_short)?;
    let ranges = || {
        let (descriptors, _) = list.as_chunks::<{ size_of::<UnmapBlockDescriptor>() }>();
        descriptors.iter().map(|&bytes| -> UnmapBlockDescriptor { zerocopy::transmute!(bytes) })
    };
    if ranges().count() > UNMAP_DESCRIPTORS_MAX as usize {
        return Err(Sense::invalid_parameter(2));
    }
    let mut total = 0;
    // At most 256 ranges, so the byte counted stays below 8 + 256 * 16.
    for (range, byte) in ranges().zip((16..).step_by(16)) {
        disk.extent_of(range.lba.get(), range.blocks.get().into())?;
        total += u64::from(range.blocks.get());
        if total > UNMAP_BLOCKS_MAX.into() {
            return Err(Sense::invalid_parameter(byte));
        }
    }
    for range in ranges() {
        let extent = disk.extent_of(range.lba.get(), range.blocks.get().into())?;
        disk.zero(&extent)?;
    }
    Ok(())
}

/// WRITE SAME (SBC-4, "WRITE SAME (10) command" and "WRITE SAME (16) command").
///
/// A length of zero is refused (the Block Limits page says WSNZ), after the address has been checked. A block of
/// zeros, sent or meant (NDOB), is the same as unmapping, so UNMAP needs no look.
pub(super) fn write_same<C: BlockCdb>(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    // NUMBER OF LOGICAL BLOCKS sits where the layout of the operation code has it.
    let length_byte = if size_of::<C>() == size_of::<Rw10>() { 7 } else { 10 };
    let cdb = view::<C>(cdb);
    let extent = disk.extent(cdb)?;
    if extent.len == 0 || cdb.blocks() > WRITE_SAME_MAX.into() {
        return Err(Sense::invalid_field(length_byte, None));
    }
    let block: &[u8] = if cdb.flags() & Rw10::NDOB != 0 {
        &[]
    } else {
        transfer.take(disk.geometry.block_size.bytes().into())?
    };
    if block.iter().all(|&byte| byte == 0) { disk.zero(&extent) } else { disk.repeat(&extent, block) }
}

impl ScsiDisk {
    fn zero(&mut self, extent: &Extent) -> Result<(), Sense> {
        if extent.len == 0 {
            return Ok(());
        }
        self.store.zero_at(extent.offset, extent.len).map_err(|_| extent.write_error())?;
        self.settle(extent)
    }

    fn repeat(&mut self, extent: &Extent, block: &[u8]) -> Result<(), Sense> {
        let piece_len = usize::try_from(extent.len).map_or(CHUNK, |len| len.min(CHUNK));
        let piece = block.repeat(piece_len / block.len());
        let mut done = 0;
        while done < extent.len {
            let len = usize::try_from(extent.len - done).map_or(piece.len(), |left| left.min(piece.len()));
            self.store.write_at(extent.offset + done, &piece[..len]).map_err(|_| extent.write_error())?;
            done += len as u64;
        }
        self.settle(extent)
    }
}
