//! Guarded memory: what is closed faults where it is touched, what is open does not, and nothing else
//! changes.

#![expect(unsafe_code, reason = "tests call layer 1")]

use kernel_sim::bugcheck::{BugCheck, Ending};
use kernel_sim::ddi::*;
use kernel_sim::guard::{Memory, Placement};
use kernel_sim::machine::{Config, Execution, Machine};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

const TAG: ULONG = u32::from_le_bytes(*b"Test");

fn config(placement: Placement) -> Config {
    Config::new(1, Execution::Seeded(0)).unwrap().memory(Memory::Guarded(placement))
}

fn allocate(bytes: usize) -> *mut u8 {
    // SAFETY: an allocation routine with a valid size.
    unsafe { ExAllocatePool2(POOL_FLAG_NON_PAGED, bytes, TAG).cast() }
}

fn free(block: *mut u8) {
    // SAFETY: for blocks in use; in tests that free others a bug check of the simulated machine.
    unsafe { ExFreePoolWithTag(block.cast(), TAG) };
}

/// The bug check that a guarded run ends in.
fn stop(placement: Placement, body: impl FnOnce() + Send + 'static) -> BugCheck {
    match config(placement).run(body).ending {
        Ending::BugCheck(check) => *check,
        other => panic!("{other:?}"),
    }
}

fn labels(check: &BugCheck) -> Vec<&str> {
    check.earlier.iter().map(|moment| &*moment.label).collect()
}

#[test]
fn every_byte_of_every_block_can_be_used() {
    for placement in [Placement::AtEnd, Placement::Drawn(3)] {
        let outcome = config(placement).run(|| {
            for bytes in [1, 15, 16, 17, 64, 100, 4095, 4096, 4097, 12_000] {
                let blocks: Vec<_> = (0..5).map(|_| allocate(bytes)).collect();
                for block in &blocks {
                    assert_eq!(*block as usize % 16, 0, "{bytes} bytes are aligned");
                    assert!(bytes < 4096 || (*block as usize).is_multiple_of(4096), "a page and more is");
                    // SAFETY: the block has so many bytes.
                    let all = unsafe { std::slice::from_raw_parts_mut(*block, bytes) };
                    assert!(all.iter().all(|byte| *byte == 0), "fresh memory is zeroed");
                    all.fill(1);
                }
                blocks.into_iter().for_each(free);
            }
        });
        assert!(matches!(outcome.ending, Ending::Completed), "{:?}", outcome.ending);
    }
}

#[test]
fn the_byte_behind_a_block_and_a_freed_one_are_told_with_when_they_were_lent() {
    // SAFETY: not safe: a bug check of the simulated machine.
    let beyond = stop(Placement::AtEnd, || unsafe {
        std::ptr::read_volatile(allocate(64).add(64));
    });
    assert_eq!(beyond.stop.code, 0xD6);
    assert_eq!(labels(&beyond), ["allocated"]);
    assert!(beyond.what.contains("the byte behind a block of 64 bytes"), "{}", beyond.what);
    // SAFETY: as above.
    let freed = stop(Placement::AtEnd, || unsafe {
        let block = allocate(64);
        free(block);
        std::ptr::write_volatile(block.add(12), 1);
    });
    assert_eq!((freed.stop.code, freed.parameters[1]), (0xD5, 1));
    assert_eq!(labels(&freed), ["allocated", "freed"]);
    assert!(freed.what.contains("byte 12 of a block of 64 bytes, which is freed"), "{}", freed.what);
}

#[test]
fn what_lies_before_a_block_is_closed_where_it_begins_a_page() {
    // SAFETY: not safe: a bug check of the simulated machine.
    let body = || unsafe {
        let block = allocate(4096);
        std::ptr::read_volatile(block.sub(1));
    };
    let before = stop(Placement::Drawn(1), body);
    assert_eq!(before.stop.code, 0xD6);
    assert!(before.what.contains("the byte before a block of 4096 bytes"), "{}", before.what);
}

#[test]
fn what_was_written_within_the_last_page_is_told_when_the_block_is_freed() {
    // The one ends some bytes before the end of a page, the other begins inside of one.
    for (bytes, at, side) in [(5000, 5001, "past its end"), (100, -1, "before its beginning")] {
        // SAFETY: not safe: a bug check of the simulated machine.
        let body = move || unsafe {
            let block = allocate(bytes);
            std::ptr::write_volatile(block.offset(at), 1);
            free(block);
        };
        let late = stop(Placement::AtEnd, body);
        assert_eq!((late.stop.code, late.parameters[0]), (0xC4, 0x51));
        assert!(late.what.ends_with(&format!("was written {side}")), "{}", late.what);
    }
}

#[test]
fn more_blocks_than_can_be_guarded_are_lent_all_the_same() {
    let outcome = config(Placement::AtEnd).run(|| {
        let blocks: Vec<_> = (0..6000).map(|_| allocate(64)).collect();
        assert!(blocks.iter().all(|block| !block.is_null()));
        blocks.into_iter().for_each(free);
    });
    assert!(matches!(outcome.ending, Ending::Completed), "{:?}", outcome.ending);
}

#[test]
fn places_are_used_again_when_there_are_no_fresh_ones() {
    let outcome = config(Placement::AtEnd).run(|| {
        // 256 MiB a turn: more than the guarded half in the third.
        for _ in 0..6 {
            let block = allocate(256 << 20);
            assert!(!block.is_null());
            free(block);
        }
    });
    assert!(matches!(outcome.ending, Ending::Completed), "{:?}", outcome.ending);
}

#[test]
fn a_plain_machine_behind_a_guarded_one_has_all_its_memory() {
    let guarded = config(Placement::AtEnd).run(|| free(allocate(64)));
    assert!(matches!(guarded.ending, Ending::Completed), "{:?}", guarded.ending);
    let outcome = Config::new(1, Execution::Seeded(0)).unwrap().run(|| {
        // The second lies in what is guarded on other machines.
        for bytes in [300 << 20, 200 << 20] {
            let large = allocate(bytes);
            assert!(!large.is_null());
            // SAFETY: the block has that many bytes.
            unsafe { large.add(bytes - 1).write_volatile(1) };
        }
        assert!(!Machine::current().unwrap().is_guarded());
    });
    assert!(matches!(outcome.ending, Ending::Completed), "{:?}", outcome.ending);
}

#[test]
fn a_plain_machine_tells_of_a_freed_block_that_was_written_when_it_ends() {
    let outcome = Config::new(1, Execution::Seeded(0)).unwrap().run(|| {
        let block = allocate(64);
        free(block);
        // SAFETY: mapped memory of the machine that nobody has: what the test is about.
        unsafe { block.add(3).write_volatile(1) };
    });
    let Ending::BugCheck(check) = outcome.ending else { panic!("{:?}", outcome.ending) };
    assert_eq!(check.stop.code, 0xD5);
    assert!(check.what.starts_with("byte 3 of the freed block"), "{}", check.what);
    assert_eq!(labels(&check), ["freed"]);
}

#[test]
fn a_plain_machine_tells_of_it_when_the_place_is_lent_again() {
    let outcome = Config::new(1, Execution::Seeded(0)).unwrap().run(|| {
        let block = allocate(64);
        free(block);
        // SAFETY: as above.
        unsafe { block.write_volatile(1) };
        // Some other places come first.
        for _ in 0..64 {
            free(allocate(64));
        }
        panic!("nobody noticed");
    });
    let Ending::BugCheck(check) = outcome.ending else { panic!("{:?}", outcome.ending) };
    assert_eq!(check.stop.code, 0xD5, "{}", check.what);
    assert!(check.what.contains("allocated again"), "{}", check.what);
}

#[test]
fn guarding_changes_no_step() {
    let steps = |memory| {
        let outcome = Config::new(2, Execution::Seeded(5)).unwrap().memory(memory).run(|| {
            let event = allocate(size_of::<KEVENT>()).cast::<KEVENT>();
            // SAFETY: a block with room for an event.
            unsafe {
                KeInitializeEvent(event, NotificationEvent, FALSE);
                KeSetEvent(event, 0, FALSE);
            }
            free(event.cast());
        });
        (outcome.steps, outcome.choices.len())
    };
    assert_eq!(steps(Memory::Plain), steps(Memory::Guarded(Placement::AtEnd)));
}

/// Paged pool, written at the IRQL that is given; a lock is taken between, so that a page may have gone.
fn paged_stop(irql: KIRQL) -> Ending {
    // SAFETY: a block of that size; raised and lowered as documented.
    let run = move || unsafe {
        let block: *mut u8 = ExAllocatePool2(POOL_FLAG_PAGED, 64, TAG).cast();
        let mut before: KIRQL = 0;
        block.add(3).write_volatile(7);
        KeRaiseIrql(irql, &raw mut before);
        let read = block.add(3).read_volatile();
        KeLowerIrql(before);
        assert_eq!((read, block.add(3).read_volatile()), (7, 7), "what was written is there still");
        free(block);
    };
    config(Placement::AtEnd).run(run).ending
}

#[test]
fn paged_pool_is_not_there_at_dispatch_level_and_is_there_below() {
    let Ending::BugCheck(check) = paged_stop(DISPATCH_LEVEL) else { panic!("it was there") };
    assert_eq!((check.stop.code, check.parameters[1], check.parameters[2]), (0xD1, 2, 0));
    assert_eq!(labels(&check), ["allocated"]);
    let what = "the driver read byte 3 of a block of 64 bytes of paged pool at DISPATCH_LEVEL";
    assert!(check.what.starts_with(what), "{}", check.what);
    for irql in [PASSIVE_LEVEL, APC_LEVEL] {
        assert!(matches!(paged_stop(irql), Ending::Completed));
    }
}

#[test]
fn a_machine_that_is_used_again_cannot_be_told_from_a_new_one() {
    let run = |seed: u64| {
        let config = Config::new(2, Execution::Seeded(seed)).unwrap();
        let config = config.memory(Memory::Guarded(Placement::Drawn(seed)));
        let distances = Arc::new(Mutex::new(Vec::new()));
        let (told, state) = (Arc::clone(&distances), AtomicUsize::new(0));
        let outcome = config.run_on_every_processor(state, move |state, cpu| {
            let first = allocate(64);
            told.lock().push(first as usize - std::ptr::from_ref(state) as usize);
            // One is left; the page of the other is closed again.
            if cpu == 0 {
                free(first);
            }
            state.store(allocate(100 * (usize::from(cpu) + 1)) as usize, Ordering::SeqCst);
            free(state.load(Ordering::SeqCst) as *mut u8);
        });
        (outcome.trace_hash, outcome.steps, std::mem::take(&mut *distances.lock()))
    };
    // On a host thread of its own each machine is a new one.
    let fresh = |seed| std::thread::scope(|scope| scope.spawn(|| run(seed)).join().unwrap());
    for seed in 0..20 {
        assert_eq!(run(seed), fresh(seed), "seed {seed}");
    }
}

#[test]
fn what_a_run_left_is_closed_for_the_next_on_the_same_machine() {
    let config = || Config::new(1, Execution::Seeded(0)).unwrap().memory(Memory::Guarded(Placement::AtEnd));
    let left = Arc::new(AtomicUsize::new(0));
    let leaves = Arc::clone(&left);
    let outcome = config().run_on_every_processor((), move |(), _| {
        leaves.store(allocate(64) as usize, Ordering::SeqCst);
    });
    assert!(matches!(outcome.ending, Ending::Completed), "{:?}", outcome.ending);
    // SAFETY: not safe: a bug check of the simulated machine.
    let outcome = config().run_on_every_processor((), move |(), _| unsafe {
        std::ptr::read_volatile(left.load(Ordering::SeqCst) as *const u8);
    });
    assert!(matches!(outcome.ending, Ending::BugCheck(_)), "{:?}", outcome.ending);
}
