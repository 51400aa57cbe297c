//! Models that never end on hardware end in a report here, in both executors.

use crate::program::run;
use verifier::finding::RunEnd;
use verifier::run::Executor;

const BOTH: [Executor; 2] = [Executor::Deterministic, Executor::Parallel];

#[test]
fn taking_a_lock_twice_names_processor_and_call() {
    for executor in BOTH {
        let RunEnd::Found(check) = run("deadlocks-on-itself", executor, 1).end else { panic!() };
        assert_eq!(check.of.name, "SPIN_LOCK_ALREADY_OWNED");
        assert_eq!(check.now.routine(), Some("KeAcquireSpinLockRaiseToDpc"));
        let labels: Vec<_> = check.earlier.iter().map(|moment| &*moment.label).collect();
        assert_eq!(labels, ["taken"], "the lock is shown once: {check:?}");
        assert!(check.what.contains(&format!("CPU {}", check.now.cpu)), "{}", check.what);
        assert!(check.now.site.unwrap().file().ends_with("deadlocks_on_itself.rs"));
    }
}

#[test]
fn polling_a_register_names_processor_and_call() {
    for executor in BOTH {
        let RunEnd::Found(livelock) = run("spins-on-register", executor, 1).end else { panic!() };
        assert_eq!((livelock.now.cpu, livelock.now.routine()), (0, Some("READ_REGISTER_ULONG")));
        assert!(livelock.now.site.unwrap().file().ends_with("spins_on_register.rs"));
    }
}

#[test]
fn a_service_routine_that_polls_is_named_with_its_irql() {
    for executor in BOTH {
        let RunEnd::Found(livelock) = run("isr-never-returns", executor, 1).end else { panic!() };
        assert_eq!(livelock.now.routine(), Some("READ_REGISTER_ULONG"));
        assert_eq!(livelock.now.irql.0, 4);
        assert_eq!(livelock.now.callbacks.last().map(|c| c.name), Some("InterruptService"));
    }
}

#[test]
fn a_panic_names_processor_and_line() {
    for executor in BOTH {
        let RunEnd::Found(check) = run("panics", executor, 1).end else { panic!() };
        assert_eq!((check.of.name, check.now.cpu), ("KMODE_EXCEPTION_NOT_HANDLED", 1));
        assert!(check.what.contains("panics.rs"), "{}", check.what);
        assert_eq!(check.now.callbacks.last().map(|c| c.name), Some("DpcRoutine"));
    }
}
