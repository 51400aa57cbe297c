//! `deadlocks-on-itself`: a driver that takes a spin lock it already holds.
//!
//! The author guards a list with a lock, in every routine that touches the list. One of these
//! routines calls another.
//!
//! **What is wrong.** Spin locks are not recursive.
//!
//! **Why it hangs.** The processor spins at DISPATCH_LEVEL for a lock that only it could give back.

use kernel_sim::machine::{Config, Outcome};
use kernel_sim::safe::SpinLock;

fn count(list: &SpinLock<()>) {
    let _held = list.lock();
}

fn insert(list: &SpinLock<()>) {
    let _held = list.lock();
    count(list);
}

/// Each processor inserts once.
pub fn run(config: Config) -> Outcome {
    config.run_on_every_processor(SpinLock::new(()), |list, _cpu| insert(list))
}
