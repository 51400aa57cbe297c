//! Moving blocks: READ, WRITE, SYNCHRONIZE CACHE, in every length of command block.

use super::commands::{Cdb, view};
use super::transfer::Transfer;
use super::{Extent, ScsiDisk};
use crate::scsi::{BlockCdb, Rw10, Sense};

/// READ (SBC-4, "READ (10) command" and its neighbours). FUA and DPO change nothing: there is no cache in front of
/// the store that a read could be served stale from.
pub(super) fn read<C: BlockCdb>(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let extent = disk.extent(view::<C>(cdb))?;
    let buffer = transfer.fill(extent.len)?;
    if buffer.is_empty() {
        return Ok(());
    }
    disk.store.read_at(extent.offset, buffer).map_err(|_| extent.read_error())
}

/// WRITE (SBC-4, "WRITE (10) command" and its neighbours). FUA flushes the store before the command completes.
pub(super) fn write<C: BlockCdb>(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let cdb = view::<C>(cdb);
    let extent = disk.extent(cdb)?;
    let data = transfer.take(extent.len)?;
    if data.is_empty() {
        return Ok(());
    }
    disk.store.write_at(extent.offset, data).map_err(|_| extent.write_error())?;
    if cdb.flags() & Rw10::FUA != 0 { disk.flush(&extent) } else { disk.settle(&extent) }
}

/// SYNCHRONIZE CACHE (SBC-4, section of that name): the whole store is flushed, whichever blocks are named.
///
/// IMMED does not hurry the answer: an initiator cannot tell, and an error is told to the command that caused it.
pub(super) fn synchronize_cache<C: BlockCdb>(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    _: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let extent = disk.extent(view::<C>(cdb))?;
    disk.flush(&extent)
}

impl ScsiDisk {
    /// Makes everything written so far durable.
    pub(super) fn flush(&mut self, extent: &Extent) -> Result<(), Sense> {
        self.store.flush().map_err(|_| extent.write_error())
    }

    /// What every write ends with: durable at once on a disk without a write cache, nothing on one with.
    pub(super) fn settle(&mut self, extent: &Extent) -> Result<(), Sense> {
        if self.geometry.write_cache { Ok(()) } else { self.flush(extent) }
    }
}
