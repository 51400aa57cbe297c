//! The ramdisk with one mistake: it completes a service request under its own spin lock.
//!
//! The author wanted the counts not to change between reading them and handing them over, and so calls
//! `IoCompleteRequest` with the lock held. It works on every desk. The completion routine of a driver above
//! runs inside that call; the day one of them sends the next request from there, `start_io` asks for the
//! same lock on the same processor and never gets it.
//!
//! Breaks **SpinLockSafe** on every service request; no special schedule is needed to see it.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use crate::ramdisk::{Counts, Ramdisk};
use kernel_sim::ddi::{NTSTATUS, PDRIVER_OBJECT, PUNICODE_STRING, STATUS_BUFFER_TOO_SMALL, STATUS_SUCCESS};
use storport_sim::miniport::{
    AdapterControl, Configuration, FindError, ServiceIrp, Srb, VirtualMiniport, register,
};

/// The adapter: the ramdisk, but for one callback.
struct Hasty(Ramdisk);

/// The driver's entry point.
///
/// # Safety
/// Called by the I/O manager with its own arguments.
pub unsafe extern "C-unwind" fn driver_entry(
    driver: PDRIVER_OBJECT,
    registry_path: PUNICODE_STRING,
) -> NTSTATUS {
    // SAFETY: the I/O manager passes a live driver object and the path of its registry key.
    unsafe { register::<Hasty>(driver, registry_path) }
}

impl VirtualMiniport for Hasty {
    const SERVICE_REQUESTS: bool = true;
    const ABORTS_COMMANDS: bool = true;

    fn find_adapter(configuration: &mut Configuration<'_>) -> Result<Hasty, FindError> {
        Ramdisk::find_adapter(configuration).map(Hasty)
    }

    fn initialize(&self) -> bool {
        self.0.initialize()
    }

    fn threads(&self) -> u32 {
        self.0.threads()
    }

    fn thread(&self, number: u32) {
        self.0.thread(number);
    }

    fn end_threads(&self) {
        self.0.end_threads();
    }

    fn start_io(&self, srb: Srb) {
        self.0.start_io(srb);
    }

    fn reset_bus(&self, path: u8) -> bool {
        self.0.reset_bus(path)
    }

    fn adapter_control(&self, control: AdapterControl) -> bool {
        self.0.adapter_control(control)
    }

    /// Returns the counts of unit 0.
    fn process_service_request(&self, mut irp: ServiceIrp) {
        let counts = self.0.counts(0);
        let Some(report) = irp.buffer().get_mut(..Counts::BYTES) else {
            irp.complete(STATUS_BUFFER_TOO_SMALL, 0);
            return;
        };
        report.copy_from_slice(&counts.to_bytes());
        // Wrong: `counts` still holds the lock.
        irp.complete_with_io_manager(STATUS_SUCCESS, Counts::BYTES);
    }
}
