//! `vandal-host-mutex`: two processors, and a mutex of the standard library held across a call.
//!
//! **What is wrong.** The mutex is none of the kernel's: the machine does not know who holds it, and a thread
//! that waits for it takes its host thread along, on which the holder would have to go on. On real threads
//! that goes well, unless the holder waits meanwhile for something that the other has:
//! `vandal-host-mutex-and-lock` takes a mutex and a spin lock in two orders, which hangs on any executor.

#![expect(unsafe_code, reason = "vandals call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Outcome};
use std::cell::UnsafeCell;
#[expect(clippy::disallowed_types, reason = "the mistake itself")]
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

#[expect(clippy::disallowed_types, reason = "the mistake itself")]
/// What is counted.
pub struct COUNTER(Mutex<u32>);

unsafe fn Count(Counter: &COUNTER) {
    for _ in 0..4 {
        let mut Count = Counter.0.lock().expect("no holder panics");
        let mut Now = LARGE_INTEGER { QuadPart: 0 };
        let mut Irql = 0;

        KeRaiseIrql(2, &mut Irql);
        KeQuerySystemTime(&mut Now);
        KeLowerIrql(Irql);
        *Count += 1;
    }
}

/// Every processor counts.
pub fn run(config: Config) -> Outcome {
    #[expect(clippy::disallowed_types, reason = "the mistake itself")]
    let counter = COUNTER(Mutex::new(0));
    // SAFETY: it is not safe, and ends with the simulated machine.
    config.run_on_every_processor(counter, |counter, _| unsafe { Count(counter) })
}

/// Two locks of two kinds, and who has taken which.
#[expect(clippy::disallowed_types, reason = "the mistake itself")]
pub struct LOCKS {
    Mutex: Mutex<u32>,
    Lock: UnsafeCell<KSPIN_LOCK>,
    Taken: [AtomicBool; 2],
}

// SAFETY: the spin lock is made to be shared; the rest is atomic, or the standard library's.
unsafe impl Sync for LOCKS {}

/// Says that the first lock is taken, and waits until the other processor has taken its own.
unsafe fn Meet(Locks: &LOCKS, Me: u8) {
    Locks.Taken[usize::from(Me)].store(true, SeqCst);
    while !Locks.Taken[usize::from(1 - Me)].load(SeqCst) {
        KeStallExecutionProcessor(1);
    }
}

unsafe fn TakeBoth(Locks: &LOCKS, Me: u8) {
    let mut Irql: KIRQL = 0;

    if Me == 0 {
        let _Count = Locks.Mutex.lock().expect("no holder panics");
        Meet(Locks, Me);
        KeAcquireSpinLock(Locks.Lock.get(), &raw mut Irql);
        KeReleaseSpinLock(Locks.Lock.get(), Irql);
    } else {
        KeAcquireSpinLock(Locks.Lock.get(), &raw mut Irql);
        Meet(Locks, Me);
        let _Count = Locks.Mutex.lock().expect("no holder panics");
        KeReleaseSpinLock(Locks.Lock.get(), Irql);
    }
}

/// Each processor has what the other wants.
pub fn with_lock(config: Config) -> Outcome {
    #[expect(clippy::disallowed_types, reason = "the mistake itself")]
    let mutex = Mutex::new(0);
    let locks =
        LOCKS { Mutex: mutex, Lock: UnsafeCell::new(0), Taken: [const { AtomicBool::new(false) }; 2] };
    // SAFETY: it is not safe, and ends with the simulated machine.
    config.run_on_every_processor(locks, |locks, me| unsafe { TakeBoth(locks, me) })
}
