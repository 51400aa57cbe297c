//! Machines: one seed is one run, with any watchers and after any earlier run; and how machines end.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![allow(unsafe_op_in_unsafe_fn, reason = "driver code is unsafe from end to end")]

mod common;

use common::*;
use kernel_sim::bugcheck::Ending;
use kernel_sim::choose::{Choice, Recorded, Transition};
use kernel_sim::ddi::*;
use kernel_sim::hook::{DdiSet, Event, Halt, Interest, Watcher};
use kernel_sim::machine::{BadProcessorCount, Config, Execution, Machine};
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// A little of everything, on three processors.
unsafe fn program(x: *mut Desk) {
    KeInitializeDpc(dpc(x, 0), Some(counts), x.cast());
    KeSetTargetProcessorDpc(dpc(x, 0), 2);
    // SAFETY: the desk lives as long as its machine.
    on_every_cpu(x, |x| unsafe {
        for n in 0..4 {
            let old = KeAcquireSpinLockRaiseToDpc(lock(x, 0));
            number(x, 1).set(number(x, 1).get() + 1);
            KeAcquireInStackQueuedSpinLockAtDpcLevel(
                lock(x, 1),
                handle(x, KeGetCurrentProcessorNumber() as usize),
            );
            KeReleaseInStackQueuedSpinLockFromDpcLevel(handle(x, KeGetCurrentProcessorNumber() as usize));
            KeReleaseSpinLock(lock(x, 0), old);
            KeInsertQueueDpc(dpc(x, 0), null_mut(), null_mut());
            if n == 2 {
                sleep_ms(1);
            }
        }
        let block = ExAllocatePoolWithTag(NonPagedPoolNx, 100, 1);
        KeQueryInterruptTime();
        ExFreePool(block);
    });
    KeFlushQueuedDpcs();
}

/// The hash of `program` for seed 1 on three processors. It changes when the program, the DDI table or
/// the executor's choices change, and with nothing else: not with the build profile, the host or the
/// process.
const GOLDEN: u64 = 0x02aa_82d9_bd32_602a;

fn hash(seed: u64) -> u64 {
    let outcome = run(3, Execution::Seeded(seed), program);
    completes(&outcome, "the program");
    outcome.trace_hash.unwrap()
}

#[test]
fn the_hash_of_a_seed_is_the_same_in_every_build() {
    assert_eq!(hash(1), GOLDEN, "{:#x}", hash(1));
}

/// Wants to see everything.
#[derive(Default)]
struct Curious(AtomicU64);

impl Watcher for Curious {
    fn interest(&self) -> Interest {
        Interest { enter_holding: DdiSet::ALL, lock_count: true, lock_sites: true, ..Interest::EVERYTHING }
    }
    fn event(&self, event: &Event<'_>) -> Option<Halt> {
        self.0.fetch_add(1 + event.held_locks().len() as u64, SeqCst);
        None
    }
}

#[test]
fn watching_changes_nothing() {
    for seed in 0..20 {
        let watcher = Arc::new(Curious::default());
        let config = Config::new(3, Execution::Seeded(seed)).unwrap().watch(Arc::clone(&watcher) as _);
        assert_eq!(run_config(config, program).trace_hash, Some(hash(seed)));
        assert!(watcher.0.load(SeqCst) > 100);
        let config = Config::new(3, Execution::Seeded(seed)).unwrap().keep_sites(false);
        assert_eq!(run_config(config, program).trace_hash, Some(hash(seed)));
    }
}

#[test]
fn what_ran_before_changes_nothing() {
    let first = hash(7);
    for seed in 100..200 {
        assert_ne!(hash(seed), first);
    }
    unsafe fn dirties(x: *mut Desk) {
        for n in 0..200 {
            let block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 1 + n * 50, 1);
            block.write_bytes(0x77, 1 + n * 50);
        }
        KeAcquireSpinLockRaiseToDpc(lock(x, 0));
        let mut old = 0;
        IoAcquireCancelSpinLock(&raw mut old);
        panic!("with locks held");
    }
    bug_check(run(4, Execution::Seeded(1), dirties));
    bug_check(run(4, Execution::Parallel, dirties));
    assert_eq!(hash(7), first);
}

#[test]
fn recorded_choices_replay() {
    for seed in 0..20 {
        let first = run(3, Execution::Seeded(seed), program);
        let choose = Box::new(Recorded::new(first.choices.clone()));
        let again = run(3, Execution::Chosen(choose), program);
        assert_eq!((again.trace_hash, again.steps), (first.trace_hash, first.steps));
        assert_eq!((again.choices, again.time_ns), (first.choices, first.time_ns));
    }
}

#[test]
fn a_schedule_that_does_not_fit_says_where_it_parted() {
    let first = run(3, Execution::Seeded(3), program);
    let replay = |choices| match run(3, Execution::Chosen(Box::new(Recorded::new(choices))), program).ending {
        Ending::Parted(parted) => parted,
        other => panic!("{other:?}"),
    };
    let mut other = first.choices.clone();
    other[10] = Choice::Took(Transition::Device(0));
    let parted = replay(other);
    assert!(parted.step > 1 && parted.why.contains("device 0"), "{parted:?}");
    let half = first.choices.len() / 2;
    let parted = replay(first.choices[..half].to_vec());
    assert!(parted.why.contains(&format!("after {half} choices")), "{parted:?}");
    assert!(replay(vec![Choice::Picked(0); 400]).why.contains("chooses who goes on"));
}

#[test]
fn a_machine_has_1_to_64_processors() {
    for n in [0, 65, 255] {
        assert_eq!(Config::new(n, Execution::Seeded(1)).err(), Some(BadProcessorCount(n)));
    }
    assert_eq!(BadProcessorCount(65).to_string(), "a machine has 1 to 64 processors, not 65");
    unsafe fn everybody(x: *mut Desk) {
        let mask: *mut KAFFINITY = block();
        assert_eq!((KeQueryActiveProcessorCount(mask), *mask), (64, u64::MAX));
        // SAFETY: the desk lives as long as its machine.
        on_every_cpu(x, |x| unsafe {
            let old = KeAcquireSpinLockRaiseToDpc(lock(x, 0));
            note(x, KeGetCurrentProcessorNumber());
            KeReleaseSpinLock(lock(x, 0), old);
        });
        let mut seen = noted(x);
        seen.sort_unstable();
        assert_eq!(seen, (0..64).collect::<Vec<_>>());
    }
    for seed in 0..5 {
        completes(&run(64, Execution::Seeded(seed), everybody), "seeded");
    }
    completes(&run(64, Execution::Parallel, everybody), "parallel");
}

#[test]
#[should_panic(expected = "a machine cannot be started from inside another")]
fn a_machine_cannot_be_started_inside_another() {
    unsafe fn driver(_x: *mut Desk) {
        run(1, Execution::Seeded(1), program);
    }
    run(1, Execution::Seeded(1), driver);
}

#[test]
#[should_panic(expected = "KeGetCurrentIrql called where no machine runs")]
fn a_call_outside_a_machine_is_a_mistake() {
    // SAFETY: the call touches nothing.
    unsafe { KeGetCurrentIrql() };
}

/// Counts drops in number 5.
struct Local(*mut Desk);

impl Drop for Local {
    fn drop(&mut self) {
        // SAFETY: the desk lives as long as its machine; what a destructor calls is a no-op by then.
        unsafe {
            KeReleaseSpinLock(lock(self.0, 3), PASSIVE_LEVEL);
            DROPPED.fetch_add(1, SeqCst);
        }
    }
}

static DROPPED: AtomicU64 = AtomicU64::new(0);

unsafe extern "C-unwind" fn panics_in_dpc(_: PKDPC, context: PVOID, _: PVOID, _: PVOID) {
    let _local = Local(context.cast());
    panic!("in a DPC");
}

#[test]
fn a_panic_stops_the_machine_and_every_local_is_dropped() {
    unsafe fn in_thread(x: *mut Desk) {
        // SAFETY: the desk lives as long as its machine.
        spawn(x, 1, |x| unsafe {
            let _local = Local(x);
            KeSetEvent(event(x, 1), 0, FALSE);
            wait(event(x, 0));
        });
        let _local = Local(x);
        wait(event(x, 1));
        panic!("in a thread");
    }
    unsafe fn in_dpc(x: *mut Desk) {
        let _local = Local(x);
        KeInitializeDpc(dpc(x, 0), Some(panics_in_dpc), x.cast());
        KeInsertQueueDpc(dpc(x, 0), null_mut(), null_mut());
    }
    for (driver, place) in [(in_thread as Driver, "in a thread"), (in_dpc, "in a DPC")] {
        for execution in [Execution::Seeded(1), Execution::Parallel] {
            let before = DROPPED.load(SeqCst);
            let check = bug_check(run(2, execution, driver));
            assert_eq!((check.stop.code, check.parameters[0]), (0x1E, 0xC000_0420));
            assert!(check.what.contains(place) && check.what.contains("machine.rs"), "{}", check.what);
            assert_eq!(DROPPED.load(SeqCst), before + 2);
        }
    }
}

/// Locals that were dropped while another processor was still in its driver's code.
static DROPPED_TOO_EARLY: AtomicU64 = AtomicU64::new(0);

#[test]
fn no_local_is_dropped_while_another_processor_still_uses_it() {
    /// Tells in the machine's memory that it is gone.
    struct Guarded(*mut Desk);
    impl Drop for Guarded {
        fn drop(&mut self) {
            // SAFETY: the desk lives as long as its machine.
            unsafe { (&raw mut (*self.0).pointers[1]).write_volatile(self.0.cast()) };
        }
    }
    unsafe fn driver(x: *mut Desk) {
        // SAFETY: the desk lives as long as its machine.
        spawn(x, 1, |x| unsafe {
            let [stopping, dropped] = [0, 1].map(|n| &raw const (*x).pointers[n]);
            number(x, 0).set(1);
            // No call in here: this processor cannot know that the machine has stopped.
            while stopping.read_volatile().is_null() {}
            for _ in 0..1_000_000 {
                if !dropped.read_volatile().is_null() {
                    DROPPED_TOO_EARLY.fetch_add(1, SeqCst);
                    break;
                }
            }
            KeStallExecutionProcessor(1);
        });
        let _guarded = Guarded(x);
        while number(x, 0).get() == 0 {}
        (&raw mut (*x).pointers[0]).write_volatile(x.cast());
        KeLowerIrql(HIGH_LEVEL);
    }
    for _ in 0..20 {
        assert_eq!(bug_check(run(2, Execution::Parallel, driver)).parameters[0], 0x31);
    }
    assert_eq!(DROPPED_TOO_EARLY.load(SeqCst), 0);
}

#[test]
fn a_stopped_machine_is_left_by_loops_that_only_look() {
    unsafe fn driver(x: *mut Desk) {
        // SAFETY: the desk lives as long as its machine.
        spawn(x, 1, |x| unsafe {
            number(x, 1).set(1);
            while number(x, 0).get() == 0 {}
        });
        // SAFETY: the desk lives as long as its machine.
        spawn(x, 2, |_| unsafe { KeStallExecutionProcessor(ULONG::MAX) });
        while number(x, 1).get() == 0 {}
        KeLowerIrql(HIGH_LEVEL);
    }
    assert_eq!(bug_check(run(3, Execution::Parallel, driver)).parameters[0], 0x31);
}

#[test]
fn a_watcher_may_end_the_run() {
    struct Halts;
    impl Watcher for Halts {
        fn interest(&self) -> Interest {
            Interest { enter: DdiSet::of(&[&row::KeLowerIrql]), ..Interest::NOTHING }
        }
        fn event(&self, _event: &Event<'_>) -> Option<Halt> {
            Some(Halt(Box::new("enough")))
        }
    }
    unsafe fn driver(_x: *mut Desk) {
        KeLowerIrql(PASSIVE_LEVEL);
        unreachable!("the run has ended");
    }
    for execution in [Execution::Seeded(1), Execution::Parallel] {
        let config = Config::new(2, execution).unwrap().watch(Arc::new(Halts));
        let Ending::Halted(what) = run_config(config, driver).ending else { panic!() };
        assert_eq!(what.downcast_ref(), Some(&"enough"));
    }
}

#[test]
fn a_machine_keeps_values_of_other_crates() {
    unsafe fn driver(_x: *mut Desk) {
        let machine = Machine::current().unwrap();
        machine.attach(Arc::new(7_u32));
        machine.attach(Arc::new("text"));
        assert_eq!(
            (machine.attached::<u32>().as_deref(), machine.attached_ref::<&str>()),
            (Some(&7), Some(&"text"))
        );
        assert!(machine.attached::<u64>().is_none());
    }
    everywhere(1, driver);
}
