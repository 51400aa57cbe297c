//! `vandal-shared-wait-blocks`: two threads wait with one array of wait blocks.
//!
//! **What is wrong.** The array lies in the device extension, to save the stack. While a thread sleeps its
//! blocks are links in the lists of the objects that it waits for; the second wait writes over the first's,
//! and the lists are corrupt. `vandal-shared-wait-blocks-near-miss` has an array on each stack.

#![expect(unsafe_code, reason = "vandals call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Outcome};
use std::cell::UnsafeCell;
use std::mem::zeroed;

/// Objects of one wait: one more than a thread has wait blocks for.
const OBJECTS: usize = THREAD_WAIT_OBJECTS as usize + 1;

/// What both threads work on.
pub struct EXTENSION {
    WaitBlocks: UnsafeCell<[KWAIT_BLOCK; OBJECTS]>,
}

// SAFETY: it is not safe to share the wait blocks, which is the mistake.
unsafe impl Sync for EXTENSION {}

/// Waits for any of four events, for a millisecond.
unsafe fn Wait(WaitBlocks: PKWAIT_BLOCK) {
    let mut Events: [KEVENT; OBJECTS] = zeroed();
    for Event in &mut Events {
        KeInitializeEvent(Event, NotificationEvent, FALSE);
    }
    let mut Objects: [PVOID; OBJECTS] = Events.each_mut().map(|Event| (&raw mut *Event).cast());
    let mut Timeout = LARGE_INTEGER::new(-10_000);

    KeWaitForMultipleObjects(
        OBJECTS as ULONG,
        Objects.as_mut_ptr(),
        WaitAny,
        Executive,
        KernelMode,
        FALSE,
        &raw mut Timeout,
        WaitBlocks,
    );
}

fn Exercise(config: Config, Shared: bool) -> Outcome {
    let Extension = EXTENSION { WaitBlocks: UnsafeCell::new([const { KWAIT_BLOCK::new() }; OBJECTS]) };
    config.run_on_every_processor(Extension, move |Extension, _| {
        let mut Own = [const { KWAIT_BLOCK::new() }; OBJECTS];
        let WaitBlocks = if Shared { Extension.WaitBlocks.get().cast() } else { Own.as_mut_ptr() };
        // SAFETY: it is not safe with shared wait blocks, and ends with the simulated machine.
        unsafe { Wait(WaitBlocks) }
    })
}

/// One array for both.
pub fn run(config: Config) -> Outcome {
    Exercise(config, true)
}

/// An array each.
pub fn near_miss(config: Config) -> Outcome {
    Exercise(config, false)
}
