//! VERIFY and WRITE AND VERIFY: is the medium readable, and does it hold what the initiator thinks?

use super::commands::{Cdb, view};
use super::transfer::Transfer;
use super::{Extent, ScsiDisk};
use crate::scsi::{AdditionalSense, BlockCdb, Rw10, Sense, SenseKey};

/// Bytes read at a time: a whole number of blocks of either size.
const CHUNK: usize = 64 * 1024;

/// VERIFY (SBC-4, "VERIFY (10) command" and its neighbours), BYTCHK 00b (read only), 01b (compare with as
/// many blocks) and 11b (compare each with one block). A difference is 0e/1d/00.
pub(super) fn verify<C: BlockCdb>(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let cdb = view::<C>(cdb);
    let extent = disk.extent(cdb)?;
    disk.destage(&extent)?;
    let block = disk.geometry.block_size.bytes() as usize;
    match byte_check(cdb) {
        0b00 => disk.scan(&extent, |_, _| true),
        0b01 => {
            let data = transfer.take(extent.len)?;
            disk.scan(&extent, |at, medium| data[at..].starts_with(medium))
        }
        0b11 if extent.len > 0 => {
            let data = transfer.take(block as u64)?;
            disk.scan(&extent, |_, medium| medium.chunks_exact(block).all(|medium| medium == data))
        }
        0b11 => Ok(()),
        _ => Err(RESERVED),
    }
}

/// WRITE AND VERIFY (SBC-4, "WRITE AND VERIFY (10) command" and its neighbours), BYTCHK 00b (read back) and
/// 01b (read back and compare). The blocks are on the medium when it completes, whatever the write cache.
pub(super) fn write_and_verify<C: BlockCdb>(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let cdb = view::<C>(cdb);
    let extent = disk.extent(cdb)?;
    // 11b means something to VERIFY only.
    let compare = match byte_check(cdb) {
        0b00 => false,
        0b01 => true,
        _ => return Err(RESERVED),
    };
    let data = transfer.take_blocks(extent.len)?;
    let extent = extent.cut(data.len());
    disk.put(&extent, data, true)?;
    disk.scan(&extent, |at, medium| !compare || data[at..].starts_with(medium))
}

/// A value of BYTCHK that is reserved.
const RESERVED: Sense = Sense::invalid_field(1, Some(2));

fn byte_check(cdb: &impl BlockCdb) -> u8 {
    (cdb.flags() & Rw10::BYTCHK) >> 1
}

impl ScsiDisk {
    /// Reads the extent piece by piece and shows each to `matches` with its distance from the beginning.
    fn scan(&mut self, extent: &Extent, matches: impl Fn(usize, &[u8]) -> bool) -> Result<(), Sense> {
        let mut piece = vec![0; usize::try_from(extent.len).map_or(CHUNK, |len| len.min(CHUNK))];
        let mut done = 0;
        while done < extent.len {
            let len = usize::try_from(extent.len - done).map_or(CHUNK, |left| left.min(CHUNK));
            let piece = &mut piece[..len];
            self.store.read_at(extent.offset + done, piece).map_err(|_| extent.read_error())?;
            // `done` is below the length of a buffer wherever `matches` looks at it.
            if !matches(done as usize, piece) {
                return Err(Sense::new(SenseKey::MISCOMPARE, AdditionalSense::MISCOMPARE_DURING_VERIFY));
            }
            done += len as u64;
        }
        Ok(())
    }
}
