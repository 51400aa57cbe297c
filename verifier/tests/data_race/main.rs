//! DataRace: what orders accesses, and what does not.
//!
//! Each case is two routines on two threads. Where the system orders what they do to the number, nothing
//! may be found on any seed; where it does not, the race is found on each, whether or not the two met.

#![allow(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![allow(unsafe_op_in_unsafe_fn, reason = "the routines are driver code, unsafe from end to end")]

mod levels;
mod mechanisms;
mod words;

use kernel_sim::bugcheck::Ending;
use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Execution, Machine};
use kernel_sim::shared::Shared;
use std::ptr::null_mut;
use verifier::finding::Finding;
use verifier::rules::{self, Sites};

const SEEDS: u64 = 40;

/// What both sides work on: machine memory, zero at first but for the initialized objects.
#[repr(C)]
struct Desk {
    lock: KSPIN_LOCK,
    other: KSPIN_LOCK,
    handle: [KLOCK_QUEUE_HANDLE; 2],
    event: KEVENT,
    /// Set when a DPC or a work item is through.
    done: KEVENT,
    semaphore: KSEMAPHORE,
    mutex: KMUTEX,
    fast: FAST_MUTEX,
    resource: ERESOURCE,
    timer: KTIMER,
    dpc: KDPC,
    rundown: EX_RUNDOWN_REF,
    list: SLIST_HEADER,
    entry: SLIST_ENTRY,
    number: Shared<LONG>,
    flag: Shared<LONG>,
    counter: LONG,
    pointer: PVOID,
    ended: KSEMAPHORE,
    routines: [Option<Routine>; 2],
}

type X = *mut Desk;
type Routine = unsafe fn(X);

/// Runs the two on a thread each, on two processors.
fn run(seed: u64, first: Routine, second: Routine) -> Option<Finding> {
    let row = rules::find("DataRace").expect("a row of the table");
    let watcher = rules::watcher(row, Sites::Kept).expect("a rule that watches");
    let config = Config::new(2, Execution::Seeded(seed)).unwrap().watch(watcher);
    let outcome = config.run(move || {
        let machine = Machine::current().expect("a machine runs");
        let x: X = machine.allocate_system(size_of::<Desk>()).cast();
        // SAFETY: a fresh zeroed block; zero is a value of every field. It is never freed.
        unsafe {
            initialize(x);
            (*x).routines = [Some(first), Some(second)];
            for routine in [run_first as unsafe extern "C-unwind" fn(PVOID), run_second] {
                let mut handle = null_mut();
                let _ = PsCreateSystemThread(
                    &raw mut handle,
                    0,
                    null_mut(),
                    null_mut(),
                    null_mut(),
                    Some(routine),
                    x.cast(),
                );
                ZwClose(handle);
            }
            for _ in 0..2 {
                wait((&raw mut (*x).ended).cast());
            }
        }
    });
    match outcome.ending {
        Ending::Completed => None,
        Ending::Halted(found) => Some(*found.downcast::<Finding>().expect("the check's finding")),
        other => panic!("the test's program is at fault itself: {other:?}"),
    }
}

unsafe fn initialize(x: X) {
    for event in [&raw mut (*x).event, &raw mut (*x).done] {
        KeInitializeEvent(event, NotificationEvent, FALSE);
    }
    KeInitializeSemaphore(&raw mut (*x).semaphore, 0, LONG::MAX);
    KeInitializeSemaphore(&raw mut (*x).ended, 0, LONG::MAX);
    KeInitializeMutex(&raw mut (*x).mutex, 0);
    ExInitializeFastMutex(&raw mut (*x).fast);
    ExInitializeResourceLite(&raw mut (*x).resource);
    KeInitializeTimer(&raw mut (*x).timer);
    ExInitializeSListHead(&raw mut (*x).list);
    // A block behind others that are used again.
    words::use_a_block(x);
    (*x).pointer = ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<u64>(), u32::from_le_bytes(*b"Race"));
}

unsafe extern "C-unwind" fn run_first(x: PVOID) {
    run_routine(x.cast(), 0);
}

unsafe extern "C-unwind" fn run_second(x: PVOID) {
    run_routine(x.cast(), 1);
}

unsafe fn run_routine(x: X, n: usize) {
    if let Some(routine) = (*x).routines[n] {
        routine(x);
    }
    KeReleaseSemaphore(&raw mut (*x).ended, 0, 1, FALSE);
}

/// Waits for an object.
unsafe fn wait(object: PVOID) {
    KeWaitForSingleObject(object, Executive, KernelMode, FALSE, null_mut());
}

/// Changes the number as if no other code knew of it.
unsafe fn add(x: X) {
    (*x).number.set((*x).number.get() + 1);
}

#[track_caller]
fn is_ordered(what: &str, first: Routine, second: Routine) {
    for seed in 0..SEEDS {
        if let Some(found) = run(seed, first, second) {
            panic!("{what}, seed {seed}: a false alarm: {found:#?}");
        }
    }
}

/// On every seed, with both accesses.
#[track_caller]
fn is_race(what: &str, first: Routine, second: Routine) {
    for seed in 0..SEEDS {
        let found = run(seed, first, second).unwrap_or_else(|| panic!("{what}, seed {seed}: not found"));
        assert_eq!(found.of.name, "DataRace");
        let sites = [found.now.site, found.earlier.first().and_then(|moment| moment.site)];
        assert!(
            sites.iter().all(|site| site.is_some_and(|site| site.file().contains("data_race"))),
            "{what}: {found:#?}"
        );
    }
}
