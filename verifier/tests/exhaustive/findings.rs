//! Programs that fail under some schedules: the search meets them.

use super::*;
use kernel_sim::shared::Shared;

struct Pair {
    a: SpinLock<()>,
    b: SpinLock<()>,
}

fn inverted(config: Config) -> Outcome {
    config.run_on_every_processor(Pair { a: SpinLock::new(()), b: SpinLock::new(()) }, |pair, cpu| {
        let (first, second) = if cpu == 0 { (&pair.a, &pair.b) } else { (&pair.b, &pair.a) };
        let _outer = first.lock();
        let _inner = second.lock();
    })
}

#[test]
fn an_inversion_deadlocks_in_one_of_its_executions() {
    static INVERTED: Driver = model(2, &inverted);
    let (coverage, found) = explore(&INVERTED, 1);
    // Either processor first, or both locks taken and neither goes on, in either order.
    assert_eq!((coverage.executions, found), (3, 1), "{}", coverage.statement());
}

/// Two increments without a lock: reads and writes of one cell.
fn lost_update(config: Config) -> Outcome {
    config.run_on_every_processor((Shared::new(0_u32), Shared::new(0_u32)), |(count, done), cpu| {
        let seen = count.read_no_fence();
        count.write_no_fence(seen + 1);
        if cpu == 0 {
            done.write_no_fence(1);
        }
    })
}

#[test]
fn reads_and_writes_of_a_cell_are_told_apart() {
    static LOST: Driver = model(2, &lost_update);
    // r0 w0 r1 w1 and r1 w1 r0 w0; and both reads first, then either write first.
    let (coverage, _) = explore(&LOST, 1);
    assert_eq!((coverage.executions, coverage.redundant, coverage.impossible), (4, 0, 0));
}
