//! Spin locks under both executors.
#![expect(unused_crate_dependencies, reason = "integration tests use a few of the crate's dependencies")]

use kernel_sim::bugcheck::{Ending, SPIN_LOCK_ALREADY_OWNED};
use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Execution, Machine, Outcome};
use std::ptr::null_mut;

/// Runs `body` on every processor of a machine, each with the same block of shared words.
fn on_all(cpus: u8, execution: Execution, body: unsafe fn(*mut usize)) -> Outcome {
    Config::new(cpus, execution).unwrap().run(move || {
        let machine = Machine::current().unwrap();
        let words: *mut usize = machine.allocate_system(4096).cast();
        let done = words.wrapping_add(500).cast::<KEVENT>();
        // SAFETY: the block is large enough and lives until the machine ends.
        unsafe {
            KeInitializeSemaphore(done.cast(), 0, 64);
            *words.add(450) = body as usize;
            for _ in 0..cpus {
                let mut handle = null_mut();
                let out: *mut HANDLE = words.wrapping_add(490).cast();
                assert_eq!(
                    PsCreateSystemThread(
                        out,
                        0,
                        null_mut(),
                        null_mut(),
                        null_mut(),
                        Some(start),
                        words.cast()
                    ),
                    STATUS_SUCCESS
                );
                std::mem::swap(&mut handle, &mut *out);
                ZwClose(handle);
            }
            for _ in 0..cpus {
                KeWaitForSingleObject(done.cast(), Executive, KernelMode, FALSE, null_mut());
            }
        }
    })
}

unsafe extern "C-unwind" fn start(context: PVOID) {
    let words: *mut usize = context.cast();
    // SAFETY: `on_all` stored a function of this type.
    unsafe {
        let body: unsafe fn(*mut usize) = std::mem::transmute(*words.add(450));
        body(words);
        KeReleaseSemaphore(words.wrapping_add(500).cast(), 0, 1, FALSE);
    }
}

unsafe fn count_under_lock(words: *mut usize) {
    // SAFETY: words[0] is the lock, words[1] the counter it guards, words[16] a place on our side.
    unsafe {
        for _ in 0..50 {
            let old = KeAcquireSpinLockRaiseToDpc(words);
            let before = *words.add(1);
            KeGetCurrentProcessorNumber();
            *words.add(1) = before + 1;
            KeReleaseSpinLock(words, old);
        }
    }
}

#[test]
fn a_spin_lock_excludes_under_every_seed() {
    for seed in 0..50 {
        let outcome = on_all(4, Execution::seeded(seed), count_under_lock);
        assert!(matches!(outcome.ending, Ending::Completed), "seed {seed}: {:?}", outcome.ending);
    }
}

#[test]
fn a_spin_lock_excludes_on_real_threads() {
    for _ in 0..20 {
        let outcome = on_all(4, Execution::Parallel, count_under_lock);
        assert!(matches!(outcome.ending, Ending::Completed), "{:?}", outcome.ending);
    }
}

#[test]
fn a_seed_gives_one_trace_hash_whatever_ran_before() {
    let hash = |seed| on_all(3, Execution::seeded(seed), count_under_lock).trace_hash.unwrap();
    let first = hash(7);
    for seed in 0..20 {
        assert_eq!(hash(seed) == first, seed == 7);
    }
}

unsafe fn acquire_twice(words: *mut usize) {
    // SAFETY: words[0] is the lock.
    unsafe {
        KeAcquireSpinLockRaiseToDpc(words);
        KeAcquireSpinLockAtDpcLevel(words);
    }
}

#[test]
fn a_spin_lock_is_not_recursive() {
    for execution in [Execution::seeded(1), Execution::Parallel] {
        let outcome = on_all(1, execution, acquire_twice);
        let Ending::BugCheck(check) = outcome.ending else { panic!("{:?}", outcome.ending) };
        assert_eq!(check.stop, SPIN_LOCK_ALREADY_OWNED);
        assert_eq!(check.place.call, Some("KeAcquireSpinLockAtDpcLevel"));
    }
}

unsafe fn opposite_orders(words: *mut usize) {
    // SAFETY: words[0] and words[1] are locks, words[2] counts threads.
    unsafe {
        let turn = InterlockedIncrement(words.add(2).cast());
        let (first, second) = if turn % 2 == 0 { (words, words.add(1)) } else { (words.add(1), words) };
        for _ in 0..1_000_000 {
            let old = KeAcquireSpinLockRaiseToDpc(first);
            KeAcquireSpinLockAtDpcLevel(second);
            KeReleaseSpinLockFromDpcLevel(second);
            KeReleaseSpinLock(first, old);
        }
    }
}

#[test]
fn opposite_orders_end_in_a_deadlock_that_names_both() {
    for execution in [Execution::seeded(1), Execution::Parallel] {
        let outcome = on_all(2, execution, opposite_orders);
        let Ending::Deadlock(deadlock) = outcome.ending else { panic!("{:?}", outcome.ending) };
        assert_eq!(deadlock.waiters.len(), 2, "{deadlock:?}");
        assert!(deadlock.waiters.iter().all(|w| w.holder.is_some() && w.place.site.is_some()));
    }
}

unsafe fn panics(_words: *mut usize) {
    panic!("on purpose");
}

#[test]
fn a_drivers_panic_is_a_bug_check_and_the_process_goes_on() {
    for execution in [Execution::seeded(1), Execution::Parallel] {
        let outcome = on_all(2, execution, panics);
        let Ending::BugCheck(check) = outcome.ending else { panic!("{:?}", outcome.ending) };
        assert!(check.what.contains("on purpose"), "{}", check.what);
    }
    assert!(matches!(on_all(2, Execution::seeded(2), count_under_lock).ending, Ending::Completed));
}
