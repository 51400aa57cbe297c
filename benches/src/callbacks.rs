//! A driver callback: what does the frame around it add to the call that makes it?
//!
//! Two round trips from a routine into a driver and back. The callbacks do next to nothing, so that what the
//! system does around them is what is measured.

#![expect(unsafe_code, reason = "the measured loops call layer 1")]

use crate::{Watching, timed};
use kernel_sim::ddi::*;
use kernel_sim::host_clock::HostClock;
use kernel_sim::machine::{Execution, Machine};
use std::ptr::null_mut;
use std::time::Duration;

unsafe extern "C-unwind" fn entry(driver: PDRIVER_OBJECT, _path: PUNICODE_STRING) -> NTSTATUS {
    // SAFETY: the loader passes a live driver object.
    unsafe { (*driver).MajorFunction[IRP_MJ_READ] = Some(dispatch) };
    STATUS_SUCCESS
}

unsafe extern "C-unwind" fn dispatch(_device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    // SAFETY: the IRP was sent to this driver, which completes it once.
    unsafe { IoCompleteRequest(irp, IO_NO_INCREMENT) };
    STATUS_SUCCESS
}

unsafe extern "C-unwind" fn deferred(_dpc: PKDPC, _context: PVOID, _one: PVOID, _two: PVOID) {}

/// `n` IRPs sent to a driver that completes each in its dispatch routine.
///
/// # Panics
/// When the machine has no memory for a device.
#[must_use]
pub fn call_driver(watching: Watching, n: u64) -> Duration {
    timed(watching.machine(1, Execution::Parallel), move || {
        let machine = Machine::current().expect("on a machine");
        let driver = machine.load_driver(Some(entry)).expect("a driver that completes what it gets");
        // SAFETY: the output cell is machine memory; device and IRP are this thread's own.
        unsafe {
            let out: *mut PDEVICE_OBJECT = machine.allocate_system(64).cast();
            assert_eq!(
                IoCreateDevice(driver, 0, null_mut(), FILE_DEVICE_DISK, 0, FALSE, out),
                STATUS_SUCCESS
            );
            let device = *out;
            let irp = IoAllocateIrp(1, FALSE);
            let clock = HostClock::start();
            for _ in 0..n {
                IoReuseIrp(irp, STATUS_SUCCESS);
                (*IoGetNextIrpStackLocation(irp)).MajorFunction = IRP_MJ_READ as UCHAR;
                IoCallDriver(device, irp);
            }
            let took = clock.elapsed();
            IoFreeIrp(irp);
            IoDeleteDevice(device);
            machine.unload_driver(driver);
            took
        }
    })
}

/// `n` DPCs queued at PASSIVE_LEVEL, each of which runs before the call that queues it returns.
///
/// # Panics
/// When the machine has no memory for a DPC.
#[must_use]
pub fn deferred_calls(watching: Watching, n: u64) -> Duration {
    timed(watching.machine(1, Execution::Parallel), move || {
        let dpc: PKDPC = Machine::current().expect("on a machine").allocate_system(size_of::<KDPC>()).cast();
        // SAFETY: the DPC is machine memory, used by this thread only.
        unsafe {
            KeInitializeDpc(dpc, Some(deferred), null_mut());
            let clock = HostClock::start();
            for _ in 0..n {
                KeInsertQueueDpc(dpc, null_mut(), null_mut());
            }
            clock.elapsed()
        }
    })
}
