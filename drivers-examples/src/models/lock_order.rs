//! `lock-order`, `lock-order-buried`, `lock-order-skewed`: two locks, taken in two orders.
//!
//! The author guards the list of requests with one lock and the adapter's state with another. Sending
//! takes the list and then looks at the adapter; resetting takes the adapter and then empties the
//! list. Each routine is right by itself.
//!
//! **What is wrong.** A processor that sends holds the list and wants the adapter; a processor that
//! resets holds the adapter and wants the list.
//!
//! **Why it is rare.** Each must have taken its first lock before the other asks for it. In `lock-order` both
//! start at once. In `lock-order-buried` the two routines are buried among fifty critical sections of another
//! lock on each of four processors, half of them before and half after. In `lock-order-skewed` the reset
//! comes twenty critical sections after the sending.
//!
//! **Why it hangs.** Neither spin lock is ever given back: both processors spin at DISPATCH_LEVEL.
//!
//! The near misses reset in the order in which requests are sent.

use kernel_sim::machine::{Config, Outcome};
use kernel_sim::safe::SpinLock;

struct Locks {
    list: SpinLock<()>,
    adapter: SpinLock<()>,
    /// Has nothing to do with the other two.
    statistics: SpinLock<()>,
}

impl Locks {
    fn new() -> Locks {
        Locks { list: SpinLock::new(()), adapter: SpinLock::new(()), statistics: SpinLock::new(()) }
    }

    fn send(&self) {
        let _list = self.list.lock();
        let _adapter = self.adapter.lock();
    }

    /// The wrong order.
    fn reset(&self) {
        let _adapter = self.adapter.lock();
        let _list = self.list.lock();
    }

    fn reset_in_order(&self) {
        let _list = self.list.lock();
        let _adapter = self.adapter.lock();
    }

    fn count(&self, times: u32) {
        for _ in 0..times {
            let _held = self.statistics.lock();
        }
    }
}

/// How a processor resets.
type Reset = fn(&Locks);

fn plain(config: Config, reset: Reset) -> Outcome {
    config.run_on_every_processor(Locks::new(), move |locks, cpu| match cpu {
        0 => locks.send(),
        _ => reset(locks),
    })
}

fn buried(config: Config, reset: Reset) -> Outcome {
    config.run_on_every_processor(Locks::new(), move |locks, cpu| {
        locks.count(25);
        match cpu {
            0 => locks.send(),
            1 => reset(locks),
            _ => {}
        }
        locks.count(25);
    })
}

fn skewed(config: Config, reset: Reset) -> Outcome {
    config.run_on_every_processor(Locks::new(), move |locks, cpu| match cpu {
        0 => locks.send(),
        _ => {
            locks.count(20);
            reset(locks);
        }
    })
}

/// Both at once.
pub fn plain_inverted(config: Config) -> Outcome {
    plain(config, Locks::reset)
}

/// As [`plain_inverted`], in one order.
pub fn plain_kept(config: Config) -> Outcome {
    plain(config, Locks::reset_in_order)
}

/// Buried among the critical sections of four processors.
pub fn buried_inverted(config: Config) -> Outcome {
    buried(config, Locks::reset)
}

/// As [`buried_inverted`], in one order.
pub fn buried_kept(config: Config) -> Outcome {
    buried(config, Locks::reset_in_order)
}

/// One at once, the other later.
pub fn skewed_inverted(config: Config) -> Outcome {
    skewed(config, Locks::reset)
}

/// As [`skewed_inverted`], in one order.
pub fn skewed_kept(config: Config) -> Outcome {
    skewed(config, Locks::reset_in_order)
}
