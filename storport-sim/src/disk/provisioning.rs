//! Giving blocks back, writing one block many times, and asking what is kept: UNMAP, WRITE SAME, GET LBA
//! STATUS.
//!
//! What is unmapped reads as zero afterwards, always (LBPRZ). Whether it also frees anything is the store's
//! affair.

use zerocopy::big_endian::U32;
use zerocopy::{FromBytes, IntoBytes};

use super::commands::{Cdb, view};
use super::transfer::Transfer;
use super::{Extent, ScsiDisk};
use crate::scsi::{
    BlockCdb, GetLbaStatus, LbaStatusDescriptor, LbaStatusHeader, Rw10, Sense, Unmap, UnmapBlockDescriptor,
    UnmapHeader,
};

/// Blocks one UNMAP may name over all its ranges, so that one command over a file stays within seconds.
pub(super) const UNMAP_BLOCKS_MAX: u32 = 0x0080_0000;
/// Ranges one UNMAP may carry.
pub(super) const UNMAP_DESCRIPTORS_MAX: u32 = 256;
/// Blocks one WRITE SAME may name: all that WRITE SAME(10) can say.
pub(super) const WRITE_SAME_MAX: u32 = 0xffff;

/// Ranges one GET LBA STATUS reports.
const RANGES_MAX: usize = 1024;

/// Bytes written at a time: a whole number of blocks of either size.
const CHUNK: usize = 64 * 1024;

/// UNMAP (SBC-4, "UNMAP command"): all ranges are checked before the first is touched.
///
/// A list shorter than its own header, or than the descriptors the header counts, is 05/1a/00; too many
/// ranges or blocks are 05/26/00; a trailing piece of a descriptor is ignored, as the standard has it.
pub(super) fn unmap(disk: &mut ScsiDisk, cdb: &Cdb, transfer: &mut Transfer<'_>) -> Result<(), Sense> {
    let list = transfer.take(view::<Unmap>(cdb).parameter_list_length.get().into())?;
    if list.is_empty() {
        return Ok(());
    }
    let too_short = Sense::parameter_list_length();
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
/// A length of zero is refused (the Block Limits page says WSNZ), after the address has been checked. A block
/// of zeros, sent or meant (NDOB), is the same as unmapping, so UNMAP needs no look.
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

/// GET LBA STATUS(16) (SBC-4, section of that name): which blocks are mapped, as the store keeps them.
///
/// A store gives back whole pages, so a block may be mapped although it was unmapped. Where the list is cut
/// off (at the allocation length, or after [`RANGES_MAX`] ranges) another command goes on.
pub(super) fn get_lba_status(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let cdb: &GetLbaStatus = view(cdb);
    // At least the block asked about must exist.
    disk.extent_of(cdb.lba.get(), 1)?;
    let room = (cdb.allocation_length.get() as usize).saturating_sub(size_of::<LbaStatusHeader>());
    // One range at least: the standard cuts what is sent, not what is told.
    let wanted = (room / size_of::<LbaStatusDescriptor>()).clamp(1, RANGES_MAX);
    let mut ranges = Vec::new();
    let mut lba = cdb.lba.get();
    while lba < disk.blocks && ranges.len() < wanted {
        let range = disk.range_from(lba);
        lba += u64::from(range.blocks.get());
        ranges.push(range);
    }
    let ranges = ranges.as_bytes();
    // At most 1024 ranges of 16 bytes.
    let length = U32::new((4 + ranges.len()) as u32);
    let header = LbaStatusHeader { length, reserved: [0; 3], condition: 0 };
    transfer.reply(&[header.as_bytes(), ranges].concat(), cdb.allocation_length.get())
}

impl ScsiDisk {
    /// Every block becomes zero.
    pub(super) fn zero_all(&mut self) -> Result<(), Sense> {
        let all = self.extent_of(0, self.blocks)?;
        self.zero(&all)
    }

    fn zero(&mut self, extent: &Extent) -> Result<(), Sense> {
        if extent.len == 0 {
            return Ok(());
        }
        self.change(extent, false, |disk| disk.store.zero_at(extent.offset, extent.len))
    }

    fn repeat(&mut self, extent: &Extent, block: &[u8]) -> Result<(), Sense> {
        let piece_len = usize::try_from(extent.len).map_or(CHUNK, |len| len.min(CHUNK));
        let piece = block.repeat(piece_len / block.len());
        self.change(extent, false, |disk| {
            let mut done = 0;
            while done < extent.len {
                let len =
                    usize::try_from(extent.len - done).map_or(piece.len(), |left| left.min(piece.len()));
                disk.store.write_at(extent.offset + done, &piece[..len])?;
                done += len as u64;
            }
            Ok(())
        })
    }

    /// The longest range from `lba` on whose blocks are in one state; `lba` is on the disk.
    fn range_from(&self, lba: u64) -> LbaStatusDescriptor {
        let shift = self.geometry.block_size.shift();
        let (mapped, mut len) = self.store.mapped_at(lba << shift);
        let end = self.store.len_bytes();
        loop {
            let next = (lba << shift) + len;
            if next >= end || len >> shift >= u32::MAX.into() {
                break;
            }
            match self.store.mapped_at(next) {
                (state, more) if state == mapped && more > 0 => len += more,
                _ => break,
            }
        }
        // A store that ends a range within a block keeps that block; one block at least, or the initiator
        // makes no progress.
        let blocks = (len >> shift).clamp(1, u32::MAX.into()) as u32;
        let status = if mapped { LbaStatusDescriptor::MAPPED } else { LbaStatusDescriptor::DEALLOCATED };
        LbaStatusDescriptor {
            lba: lba.into(),
            blocks: blocks.into(),
            status,
            additional: 0,
            reserved: [0; 2],
        }
    }
}
