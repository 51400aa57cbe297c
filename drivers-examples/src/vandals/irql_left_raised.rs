//! `vandal-irql-left-raised`: a thread that raises the IRQL and returns.
//!
//! **What is wrong.** The way out that was added last does not lower the IRQL again. The thread's end would
//! be at DISPATCH_LEVEL, where no thread can be switched. `vandal-irql-left-raised-near-miss` lowers it on
//! both ways.

#![expect(unsafe_code, reason = "vandals call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Outcome};
use std::ptr::null_mut;

/// The count of what is to be done; there is nothing.
const NOTHING: usize = 0;

unsafe extern "C-unwind" fn Work(Context: PVOID) {
    let mut Irql: KIRQL = 0;

    KeRaiseIrql(DISPATCH_LEVEL, &raw mut Irql);
    if Context as usize == NOTHING {
        return;
    }
    KeLowerIrql(Irql);
}

unsafe extern "C-unwind" fn WorkAndLower(Context: PVOID) {
    let mut Irql: KIRQL = 0;

    KeRaiseIrql(DISPATCH_LEVEL, &raw mut Irql);
    if Context as usize == NOTHING {
        KeLowerIrql(Irql);
        return;
    }
    KeLowerIrql(Irql);
}

unsafe fn Exercise(Routine: PKSTART_ROUTINE) {
    let (mut Handle, mut Thread) = (null_mut(), null_mut());

    let _ = PsCreateSystemThread(
        &raw mut Handle,
        0,
        null_mut(),
        null_mut(),
        null_mut(),
        Routine,
        NOTHING as PVOID,
    );
    ObReferenceObjectByHandle(Handle, 0, null_mut(), KernelMode, &raw mut Thread, null_mut());
    ZwClose(Handle);
    KeWaitForSingleObject(Thread, Executive, KernelMode, FALSE, null_mut());
    ObDereferenceObject(Thread);
}

/// A thread that forgets.
pub fn run(config: Config) -> Outcome {
    // SAFETY: it is not safe, and ends with the simulated machine.
    config.run(|| unsafe { Exercise(Some(Work)) })
}

/// A thread that does not.
pub fn near_miss(config: Config) -> Outcome {
    // SAFETY: the boot thread is at PASSIVE_LEVEL, and the memory is its own.
    config.run(|| unsafe { Exercise(Some(WorkAndLower)) })
}
