//! The check at the two completion calls: what does SpinLockSafe add to each?

#![expect(unsafe_code, reason = "the measured loops call layer 1")]

use crate::{Watching, timed};
use kernel_sim::ddi::*;
use kernel_sim::host_clock::HostClock;
use kernel_sim::machine::{Execution, Machine};
use std::ptr::null_mut;
use std::time::Duration;

unsafe extern "C-unwind" fn nothing(_driver: PDRIVER_OBJECT, _path: PUNICODE_STRING) -> NTSTATUS {
    STATUS_SUCCESS
}

/// `n` completions of an IRP that was just made ready again, at PASSIVE_LEVEL.
#[must_use]
pub fn complete_requests(watching: Watching, n: u64) -> Duration {
    timed(watching.machine(1, Execution::Parallel), move || {
        // SAFETY: the IRP is this thread's own from allocation to freeing.
        unsafe {
            let irp = IoAllocateIrp(1, FALSE);
            let clock = HostClock::start();
            for _ in 0..n {
                IoReuseIrp(irp, STATUS_SUCCESS);
                // As if sent to this driver: what is completed has a location.
                IoSetNextIrpStackLocation(irp);
                IoCompleteRequest(irp, IO_NO_INCREMENT);
            }
            let took = clock.elapsed();
            IoFreeIrp(irp);
            took
        }
    })
}

/// `n` calls of IoStartNextPacket on an idle device, at DISPATCH_LEVEL.
///
/// # Panics
/// When the machine has no memory for a device.
#[must_use]
pub fn start_next_packets(watching: Watching, n: u64) -> Duration {
    timed(watching.machine(1, Execution::Parallel), move || {
        let machine = Machine::current().expect("on a machine");
        let driver = machine.load_driver(Some(nothing)).expect("a driver that does nothing");
        // SAFETY: the output cell is machine memory; the device is this thread's own.
        unsafe {
            let out: *mut PDEVICE_OBJECT = machine.allocate_system(64).cast();
            assert_eq!(
                IoCreateDevice(driver, 0, null_mut(), FILE_DEVICE_DISK, 0, FALSE, out),
                STATUS_SUCCESS
            );
            let device = *out;
            let old = KeRaiseIrqlToDpcLevel();
            let clock = HostClock::start();
            for _ in 0..n {
                IoStartNextPacket(device, FALSE);
            }
            let took = clock.elapsed();
            KeLowerIrql(old);
            IoDeleteDevice(device);
            machine.unload_driver(driver);
            took
        }
    })
}
