//! A virtual miniport that does everything right: a disk in the memory of the machine's medium.
//!
//! Every request is executed and completed inside `start_io`, which is how a miniport works whose data is
//! at hand. What it did is counted per logical unit under a spin lock, and a service request asks for the
//! counts. The lock is held to count and for nothing else: no call into Storport is made under it.
//!
//! `ramdisk_service_irp_under_lock` is this driver with one mistake.

mod statistics;

pub use statistics::{Counts, REPORT_BYTES, UNITS_MAX};

use kernel_sim::ddi::{NTSTATUS, PDRIVER_OBJECT, PUNICODE_STRING, STATUS_BUFFER_TOO_SMALL, STATUS_SUCCESS};
use kernel_sim::machine::Machine;
use kernel_sim::safe::{SpinGuard, SpinLock};
use std::sync::Arc;
use storport_sim::Medium;
use storport_sim::miniport::{
    Configuration, FindError, ServiceIrp, Srb, SrbStatus, VirtualMiniport, register,
};

/// Bytes one request may move.
const TRANSFER_MAX: u32 = 256 << 10;

/// The adapter.
pub struct Ramdisk {
    medium: Arc<Medium>,
    units: [SpinLock<Counts>; UNITS_MAX],
}

/// The driver's entry point.
///
/// # Safety
/// Called by the I/O manager with its own arguments.
pub unsafe extern "C-unwind" fn driver_entry(
    driver: PDRIVER_OBJECT,
    registry_path: PUNICODE_STRING,
) -> NTSTATUS {
    // SAFETY: forwarded from the I/O manager.
    unsafe { register::<Ramdisk>(driver, registry_path) }
}

impl Ramdisk {
    /// The counts of one unit, locked; the highest-numbered unit counts for those beyond.
    #[track_caller]
    pub(crate) fn counts(&self, unit: usize) -> SpinGuard<'_, Counts> {
        self.units[unit.min(UNITS_MAX - 1)].lock()
    }
}

impl VirtualMiniport for Ramdisk {
    const SERVICE_REQUESTS: bool = true;

    fn find_adapter(configuration: &mut Configuration<'_>) -> Result<Ramdisk, FindError> {
        let medium = Machine::current().and_then(Medium::of).ok_or(FindError::NotFound)?;
        configuration.set_maximum_transfer_length(TRANSFER_MAX).set_addresses(1, 1, UNITS_MAX as u8);
        Ok(Ramdisk { medium, units: [const { SpinLock::new(Counts::NOTHING) }; UNITS_MAX] })
    }

    fn start_io(&self, mut srb: Srb) {
        if !srb.is_scsi() {
            srb.complete(SrbStatus::INVALID_REQUEST);
            return;
        }
        let (lun, cdb) = (srb.lun(), srb.cdb());
        let answer = self.medium.execute(lun, &cdb, srb.data().into());
        self.counts(usize::from(lun.number())).count(&cdb, &answer);
        srb.complete_as(&answer);
    }

    fn reset_bus(&self, _path: u8) -> bool {
        // Nothing is ever kept: every request was completed before start_io returned.
        true
    }

    fn process_service_request(&self, mut irp: ServiceIrp) {
        let Some(report) = irp.buffer().get_mut(..REPORT_BYTES) else {
            irp.complete(STATUS_BUFFER_TOO_SMALL, 0);
            return;
        };
        for (unit, place) in report.chunks_exact_mut(Counts::BYTES).enumerate() {
            let counts = *self.counts(unit);
            place.copy_from_slice(&counts.to_bytes());
        }
        irp.complete(STATUS_SUCCESS, REPORT_BYTES);
    }
}
