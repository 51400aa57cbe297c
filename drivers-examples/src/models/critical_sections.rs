//! One lock for all (`one-lock-2x3` and its like), or a lock each: critical sections and nothing else.
//!
//! Each processor enters and leaves a critical section a number of times: `one-lock-2x3` is two processors
//! with three sections each. What distinguishes two schedules is only the order in which the sections were
//! entered, so with one lock, n processors and k sections each there are (nk)!/(k!)^n of them: 20 for 2x3, 90
//! for 3x2, 924 for 2x6, 1680 for 3x3. With a lock each there is one. The models of 4x200 are for measuring
//! what a step costs. No schedule fails.

use kernel_sim::machine::{Config, Outcome};
use kernel_sim::safe::SpinLock;

/// One lock for all.
fn one_lock(config: Config, sections: u32) -> Outcome {
    config.run_on_every_processor(SpinLock::new(()), move |lock, _cpu| {
        for _ in 0..sections {
            let _held = lock.lock();
        }
    })
}

/// 2 processors, 3 sections each.
pub fn two_by_three(config: Config) -> Outcome {
    one_lock(config, 3)
}

/// 3 processors, 2 sections each.
pub fn three_by_two(config: Config) -> Outcome {
    one_lock(config, 2)
}

/// 2 processors, 6 sections each.
pub fn two_by_six(config: Config) -> Outcome {
    one_lock(config, 6)
}

/// 3 processors, 3 sections each.
pub fn three_by_three(config: Config) -> Outcome {
    one_lock(config, 3)
}

/// 4 processors, 200 sections each.
pub fn four_by_two_hundred(config: Config) -> Outcome {
    one_lock(config, 200)
}

/// 4 processors, 200 sections each, with a lock for each processor.
pub fn a_lock_each(config: Config) -> Outcome {
    let locks: [SpinLock<()>; 4] = std::array::from_fn(|_| SpinLock::new(()));
    config.run_on_every_processor(locks, |locks, cpu| {
        for _ in 0..200 {
            let _held = locks[usize::from(cpu)].lock();
        }
    })
}
