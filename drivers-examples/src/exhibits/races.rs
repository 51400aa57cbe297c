//! A counter that two threads change: in no order, and by interlocked operations.

#![expect(unsafe_code, reason = "exhibits call layer 1, as a driver does")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::objects::{free, new};
use kernel_sim::ddi::*;
use kernel_sim::shared::Shared;
use std::ptr::null_mut;

type Counter = Shared<LONG>;

unsafe extern "C-unwind" fn add(counter: PVOID) {
    let counter = &*counter.cast::<Counter>();
    counter.set(counter.get() + 1);
}

unsafe extern "C-unwind" fn add_interlocked(counter: PVOID) {
    InterlockedIncrement((*counter.cast::<Counter>()).as_ptr());
}

/// Two threads add to a counter, which is looked at when the second has ended.
unsafe fn count(routine: unsafe extern "C-unwind" fn(PVOID)) {
    let counter: *mut Counter = new();
    let mut handle = null_mut();
    let _ = PsCreateSystemThread(
        &raw mut handle,
        0,
        null_mut(),
        null_mut(),
        null_mut(),
        Some(routine),
        counter.cast(),
    );
    let mut thread = null_mut();
    ObReferenceObjectByHandle(handle, 0, null_mut(), KernelMode, &raw mut thread, null_mut());
    ZwClose(handle);
    routine(counter.cast());
    KeWaitForSingleObject(thread, Executive, KernelMode, FALSE, null_mut());
    ObDereferenceObject(thread);
    (*counter).set((*counter).get() - 2);
    free(counter);
}

/// Two threads add to a counter as to a variable of their own.
pub(super) unsafe fn add_plainly() {
    count(add);
}

/// Two threads add to a counter by InterlockedIncrement; the one that waited for the other reads it plainly.
pub(super) unsafe fn add_in_one() {
    count(add_interlocked);
}
