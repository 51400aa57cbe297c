//! RESERVE and RELEASE (SPC-2, "RESERVE(10) command" and its neighbours), for initiators that still send
//! them.

use super::super::ScsiDisk;
use super::super::commands::Cdb;
use super::super::transfer::Transfer;
use crate::scsi::{ScsiStatus, Sense};

/// RESERVE: the unit is the sender's until it releases it, or a reset does.
///
/// A conflict with another holder is found before the handler runs. Registrations stop it too.
pub(in crate::disk) fn reserve(
    disk: &mut ScsiDisk,
    _: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    if !disk.reservations.is_idle() {
        return transfer.end_with(ScsiStatus::RESERVATION_CONFLICT);
    }
    disk.reservations.spc2 = Some(transfer.nexus());
    Ok(())
}

/// RELEASE: GOOD, and without effect, from an initiator that does not hold the unit.
pub(in crate::disk) fn release(
    disk: &mut ScsiDisk,
    _: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    if !disk.reservations.is_idle() {
        return transfer.end_with(ScsiStatus::RESERVATION_CONFLICT);
    }
    disk.reservations.spc2.take_if(|holder| *holder == transfer.nexus());
    Ok(())
}
