//! Moving blocks: READ, WRITE, ORWRITE, COMPARE AND WRITE, PRE-FETCH, SYNCHRONIZE CACHE.
//!
//! Whatever writes goes through [`ScsiDisk::put`] or [`ScsiDisk::change`], which know what the write cache
//! must remember and what has to be durable when the command completes.

use super::commands::{Cdb, view};
use super::transfer::Transfer;
use super::{Extent, ScsiDisk};
use crate::scsi::{AdditionalSense, BlockCdb, CompareAndWrite, Rw10, Rw16, ScsiStatus, Sense, SenseKey};

/// Blocks one COMPARE AND WRITE may name: all it can say.
pub(super) const COMPARE_AND_WRITE_MAX: u8 = u8::MAX;

/// READ (SBC-4, "READ (10) command" and its neighbours). FUA moves what the write cache holds of these blocks
/// to the medium first; DPO and RARC change nothing.
pub(super) fn read<C: BlockCdb>(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let cdb = view::<C>(cdb);
    let extent = disk.extent(cdb)?;
    if cdb.flags() & Rw10::FUA != 0 {
        disk.destage(&extent)?;
    }
    let buffer = transfer.fill(extent.len)?;
    if buffer.is_empty() {
        return Ok(());
    }
    disk.store.read_at(extent.offset, buffer).map_err(|_| extent.read_error())
}

/// READ in the simple case: the blocks exist, nothing has to be flushed first, and several threads may read
/// the store at once. Any other case is left to [`read`].
pub(super) fn read_shared<C: BlockCdb>(
    disk: &ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Option<()> {
    let cdb = view::<C>(cdb);
    let extent = disk.extent(cdb).ok()?;
    if cdb.flags() & Rw10::FUA != 0 && disk.has_unflushed(&extent) {
        return None;
    }
    let buffer = transfer.fill(extent.len).ok()?;
    disk.store.read_shared(extent.offset, buffer)?.ok()
}

/// WRITE (SBC-4, "WRITE (10) command" and its neighbours). FUA flushes before the command completes.
pub(super) fn write<C: BlockCdb>(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let cdb = view::<C>(cdb);
    let extent = disk.extent(cdb)?;
    let data = transfer.take_blocks(extent.len)?;
    disk.put(&extent.cut(data.len()), data, cdb.flags() & Rw10::FUA != 0)
}

/// ORWRITE(16) (SBC-4, section of that name): every bit that is set in the data or on the medium.
pub(super) fn or_write(disk: &mut ScsiDisk, cdb: &Cdb, transfer: &mut Transfer<'_>) -> Result<(), Sense> {
    let cdb: &Rw16 = view(cdb);
    let extent = disk.extent(cdb)?;
    let data = transfer.take_blocks(extent.len)?;
    let extent = extent.cut(data.len());
    let mut merged = vec![0; data.len()];
    disk.store.read_at(extent.offset, &mut merged).map_err(|_| extent.read_error())?;
    for (merged, data) in merged.iter_mut().zip(data) {
        *merged |= data;
    }
    disk.put(&extent, &merged, cdb.flags & Rw10::FUA != 0)
}

/// COMPARE AND WRITE (SBC-4, section of that name): nothing comes between the comparison and the write,
/// because nothing comes between anything here. A difference is 0e/1d/00 with the offset of the first byte
/// that differs.
pub(super) fn compare_and_write(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let cdb: &CompareAndWrite = view(cdb);
    let extent = disk.extent(cdb)?;
    // At most 255 blocks, twice.
    let data = transfer.take(2 * extent.len)?;
    let (expected, new) = data.split_at(data.len() / 2);
    let mut medium = vec![0; expected.len()];
    disk.store.read_at(extent.offset, &mut medium).map_err(|_| extent.read_error())?;
    if let Some(at) = medium.iter().zip(expected).position(|(medium, expected)| medium != expected) {
        let miscompare = Sense::new(SenseKey::MISCOMPARE, AdditionalSense::MISCOMPARE_DURING_VERIFY);
        return Err(Sense { information: Some(at as u64), ..miscompare });
    }
    disk.put(&extent, new, cdb.flags & Rw10::FUA != 0)
}

/// PRE-FETCH (SBC-4, "PRE-FETCH (10) command" and its neighbour): CONDITION MET, "there was room for all of
/// it".
///
/// There is no read cache to be filled; memory is as fast as one would be. A length of zero is "to the end".
pub(super) fn pre_fetch<C: BlockCdb>(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    disk.extent_or_rest(view::<C>(cdb))?;
    transfer.end_with(ScsiStatus::CONDITION_MET)
}

/// SYNCHRONIZE CACHE (SBC-4, section of that name). A length of zero is "to the end". The store is flushed as
/// a whole; of the modelled write cache only the blocks named are, because a driver may not rely on more.
///
/// IMMED does not make the status come earlier: an initiator cannot tell, and an error is reported to the
/// command that caused it.
pub(super) fn synchronize_cache<C: BlockCdb>(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    _: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let extent = disk.extent_or_rest(view::<C>(cdb))?;
    disk.flush(&extent)
}

impl ScsiDisk {
    /// Writes `data`, which is as long as the extent, and makes it durable if that is asked for or there is
    /// no cache.
    pub(super) fn put(&mut self, extent: &Extent, data: &[u8], fua: bool) -> Result<(), Sense> {
        if data.is_empty() {
            return Ok(());
        }
        self.change(extent, fua, |disk| disk.store.write_at(extent.offset, data))
    }

    /// Changes blocks of the extent and no others; see [`put`](Self::put).
    pub(super) fn change(
        &mut self,
        extent: &Extent,
        fua: bool,
        change: impl FnOnce(&mut Self) -> std::io::Result<()>,
    ) -> Result<(), Sense> {
        let durable = fua || !self.mode.current.write_cache;
        if let Some(cache) = &mut self.cache
            && !durable
        {
            let blocks = extent.len >> self.geometry.block_size.shift();
            cache.before_write(&mut *self.store, extent.lba, blocks).map_err(|_| extent.write_error())?;
        }
        change(self).map_err(|_| extent.write_error())?;
        if durable { self.flush(extent) } else { Ok(()) }
    }

    /// Makes everything written to the extent durable.
    pub(super) fn flush(&mut self, extent: &Extent) -> Result<(), Sense> {
        self.store.flush().map_err(|_| extent.write_error())?;
        if let Some(cache) = &mut self.cache {
            cache.settle(extent.lba, extent.len >> self.geometry.block_size.shift());
        }
        Ok(())
    }

    /// Makes everything durable.
    pub(super) fn flush_all(&mut self) -> Result<(), Sense> {
        let whole = self.extent_of(0, self.blocks)?;
        self.flush(&whole)
    }

    /// What a command that looks at the medium needs first: no block of the extent only in the write cache.
    pub(super) fn destage(&mut self, extent: &Extent) -> Result<(), Sense> {
        if self.has_unflushed(extent) { self.flush(extent) } else { Ok(()) }
    }

    fn has_unflushed(&self, extent: &Extent) -> bool {
        let blocks = extent.len >> self.geometry.block_size.shift();
        self.cache.as_ref().is_some_and(|cache| cache.holds_any(extent.lba, blocks))
    }
}
