//! `timer-remove-race`: memory is freed while the DPC of its timer is queued or runs.
//!
//! The author watches a device with a timer whose DPC looks at it and sets the timer again. Removal
//! says under the lock that it has begun, after which no DPC sets the timer; cancels the timer; and
//! frees the extension, which holds timer, DPC and lock.
//!
//! **What is wrong.** KeCancelTimer stops a timer that has not expired. The DPC of one that has is
//! queued, or runs on another processor, and uses the extension when that is gone. KeFlushQueuedDpcs
//! before the memory is freed would have waited for it.
//!
//! **Why it is rare.** The timer has to expire in the few instructions before the removal.
//!
//! **Why it hangs.** It does worse: the DPC takes a lock in memory that has another owner by then.
//! The machine stops at the freeing of a queued DPC, or where the DPC uses freed memory.
//!
//! `timer-remove-flushed` is the near miss.

#![expect(unsafe_code, reason = "models call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Outcome};
use kernel_sim::shared::Shared;

/// Between two looks at the device, in 100 ns units, relative: 20 µs.
const PERIOD: i64 = -200;
/// Looks at the device by the starting thread before it removes it, and the time between, in µs.
const POLLS: u32 = 4;
const POLL_US: ULONG = 10;
const TAG: ULONG = u32::from_le_bytes(*b"Wdog");

#[repr(C)]
struct DeviceExtension {
    Timer: KTIMER,
    Dpc: KDPC,
    /// Guards what follows, and the setting of the timer.
    Lock: KSPIN_LOCK,
    Removing: Shared<ULONG>,
}
type PDeviceExtension = *mut DeviceExtension;

unsafe fn SetWatchdog(Extension: PDeviceExtension) {
    KeSetTimer(&raw mut (*Extension).Timer, LARGE_INTEGER::new(PERIOD), &raw mut (*Extension).Dpc);
}

unsafe extern "C-unwind" fn Watchdog(_Dpc: PKDPC, Context: PVOID, _: PVOID, _: PVOID) {
    let Extension: PDeviceExtension = Context.cast();

    KeAcquireSpinLockAtDpcLevel(&raw mut (*Extension).Lock);
    if (*Extension).Removing.get() == 0 {
        SetWatchdog(Extension);
    }
    KeReleaseSpinLockFromDpcLevel(&raw mut (*Extension).Lock);
}

/// Starts the watchdog, uses the device for a while, removes it. `Flush`: waits for the DPC.
unsafe fn Exercise(Flush: bool) {
    let mut Irql: KIRQL = 0;

    let Extension: PDeviceExtension =
        ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<DeviceExtension>(), TAG).cast();
    KeInitializeSpinLock(&raw mut (*Extension).Lock);
    KeInitializeTimer(&raw mut (*Extension).Timer);
    KeInitializeDpc(&raw mut (*Extension).Dpc, Some(Watchdog), Extension.cast());
    KeSetTargetProcessorDpc(&raw mut (*Extension).Dpc, 1);
    SetWatchdog(Extension);

    for _ in 0..POLLS {
        KeStallExecutionProcessor(POLL_US);
    }

    KeAcquireSpinLock(&raw mut (*Extension).Lock, &raw mut Irql);
    (*Extension).Removing.set(1);
    KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
    KeCancelTimer(&raw mut (*Extension).Timer);
    if Flush {
        KeFlushQueuedDpcs();
    }
    ExFreePoolWithTag(Extension.cast(), TAG);
    // The DPC may be running still.
    let mut Pause = LARGE_INTEGER::new(PERIOD);
    KeDelayExecutionThread(KernelMode, FALSE, &raw mut Pause);
}

/// Frees after KeCancelTimer alone.
pub fn race(config: Config) -> Outcome {
    // SAFETY: the boot thread is at PASSIVE_LEVEL, and the routine's memory is its own.
    config.run(|| unsafe { Exercise(false) })
}

/// Waits for the DPC first.
pub fn flushed(config: Config) -> Outcome {
    // SAFETY: the boot thread is at PASSIVE_LEVEL, and the routine's memory is its own.
    config.run(|| unsafe { Exercise(true) })
}
