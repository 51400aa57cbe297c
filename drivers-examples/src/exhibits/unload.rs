//! Drivers that are unloaded: while something of theirs goes on, and after it is over.

#![expect(unsafe_code, reason = "exhibits call layer 1, as a driver does")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::Machine;
use std::ptr::null_mut;

/// A fiftieth of a second, relative.
const LONG: i64 = -200_000;

unsafe extern "C-unwind" fn sleeps(_context: PVOID) {
    let mut time = LARGE_INTEGER::new(LONG);
    KeDelayExecutionThread(KernelMode, FALSE, &raw mut time);
}

/// Starts the thread; returns its object, with a reference.
unsafe fn start() -> PVOID {
    let (mut handle, mut thread) = (null_mut(), null_mut());
    let _ = PsCreateSystemThread(
        &raw mut handle,
        0,
        null_mut(),
        null_mut(),
        null_mut(),
        Some(sleeps),
        null_mut(),
    );
    ObReferenceObjectByHandle(handle, 0, null_mut(), KernelMode, &raw mut thread, null_mut());
    ZwClose(handle);
    thread
}

unsafe extern "C-unwind" fn starts(_driver: PDRIVER_OBJECT, _path: PUNICODE_STRING) -> NTSTATUS {
    ObDereferenceObject(start());
    STATUS_SUCCESS
}

unsafe extern "C-unwind" fn starts_and_waits(_driver: PDRIVER_OBJECT, _path: PUNICODE_STRING) -> NTSTATUS {
    let thread = start();
    // Without a time-out: on real threads a busy host lets the thread sleep longer.
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, null_mut());
    ObDereferenceObject(thread);
    STATUS_SUCCESS
}

unsafe fn load_and_unload(entry: PDRIVER_INITIALIZE) {
    let machine = Machine::current().expect("it runs on a machine");
    if let Ok(driver) = machine.load_driver(entry) {
        machine.unload_driver(driver);
    }
}

/// Nothing waits for the thread.
pub(super) unsafe fn with_thread() {
    load_and_unload(Some(starts));
}

/// The thread is waited for.
pub(super) unsafe fn after_thread() {
    load_and_unload(Some(starts_and_waits));
}
