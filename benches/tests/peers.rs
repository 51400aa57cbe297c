//! The peers do what their figures claim: they explore, find what is there, and nothing else.

use benches::peers::loom::{self, Bounds, Ended};
use benches::peers::shuttle::{self, Scheduler};
use benches::programs::Program;

const PCT: Scheduler = Scheduler::Pct { depth: 2 };

fn failing() -> impl Iterator<Item = Program> {
    Program::ALL.into_iter().filter(|program| program.failure().is_some())
}

fn correct() -> impl Iterator<Item = Program> {
    Program::ALL.into_iter().filter(|program| program.failure().is_none())
}

fn bounded(executions: usize) -> Bounds {
    Bounds { executions: Some(executions), ..Bounds::default() }
}

#[test]
fn shuttle_runs_as_many_executions_as_it_was_asked_to() {
    for program in correct() {
        assert_eq!(shuttle::random(program, 20, 1).executions, 20, "{program:?}");
        assert_eq!(shuttle::pct(program, 20, 3, 1).executions, 20, "{program:?}");
    }
}

#[test]
fn every_acquisition_and_release_is_a_step_of_shuttle() {
    for (program, acquisitions) in [
        (Program::Lock2x3, 6),
        (Program::Lock3x3, 9),
        (Program::Lock4x200, 800),
        (Program::LockEach4x200, 800),
    ] {
        let explored = shuttle::random(program, 5, 1);
        assert!(explored.steps >= 5 * 2 * acquisitions, "{program:?}: {explored:?}");
    }
}

#[test]
fn the_same_seed_explores_the_same_schedules() {
    let steps = |seed| shuttle::random(Program::Lock4x200, 3, seed).steps;
    assert_eq!(steps(7), steps(7));
    assert_ne!(steps(7), steps(8));
    let found = |seed| shuttle::schedules_to_failure(Program::BuriedInversion, PCT, seed, 10_000);
    assert_eq!(found(7), found(7));
}

#[test]
fn shuttle_finds_every_fault_by_pct() {
    for program in failing() {
        let found = shuttle::schedules_to_failure(program, PCT, 1, 10_000);
        assert!(found.is_some_and(|n| (1..=10_000).contains(&n)), "{program:?}: {found:?}");
    }
}

#[test]
fn random_scheduling_misses_the_skewed_inversion_only() {
    for program in failing() {
        let found = shuttle::schedules_to_failure(program, Scheduler::Random, 1, 1_000);
        assert_eq!(found.is_none(), program == Program::SkewedInversion, "{program:?}: {found:?}");
    }
}

#[test]
fn shuttle_finds_nothing_in_a_correct_program() {
    for program in correct() {
        for scheduler in [Scheduler::Random, PCT] {
            assert_eq!(shuttle::schedules_to_failure(program, scheduler, 1, 50), None, "{program:?}");
        }
    }
}

#[test]
fn loom_explores_every_order_of_the_critical_sections() {
    // Six critical sections, three of each thread: 6! / (3! 3!) orders. loom may need more
    // executions than there are orders, never fewer.
    let explored = loom::exhaust(Program::Lock2x3, Bounds::default());
    assert_eq!(explored.ended, Ended::Exhausted);
    assert!(explored.executions >= 20, "{explored:?}");
}

#[test]
fn looms_bounds_bind() {
    let explored = loom::exhaust(Program::Lock3x2, bounded(10));
    assert_eq!((explored.executions, explored.ended), (10, Ended::NotFinished));
    let all = loom::exhaust(Program::Lock2x3, Bounds::default());
    let two = loom::exhaust(Program::Lock2x3, Bounds { preemptions: Some(2), ..Bounds::default() });
    assert_eq!(two.ended, Ended::Exhausted);
    assert!(two.executions < all.executions, "{two:?}, {all:?}");
}

#[test]
fn loom_finds_the_small_faults() {
    for program in [Program::Inversion, Program::CompletionAgainstCancel] {
        assert_eq!(loom::exhaust(program, bounded(1_000)).ended, Ended::Failed, "{program:?}");
    }
}

#[test]
fn loom_gives_up_on_the_spinning_lock() {
    assert_eq!(loom::exhaust(Program::TestAndSet, bounded(1_000)).ended, Ended::TooLong);
}
