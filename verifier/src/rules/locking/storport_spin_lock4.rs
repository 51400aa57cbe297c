//! StorPortSpinLock4: StorPortReleaseSpinLock gets the handle of an acquire.

use crate::rules::row::rule;
use crate::rules::state::PerCpu;
use crate::rules::{Breach, FINE, Rule, Seen, is_of_driver};
use kernel_sim::hook::{Event, Interest};
use storport_sim::ddi::{args, row};

rule! {
    /// StorPortReleaseSpinLock is given a handle with which StorPortAcquireSpinLock took a lock, once.
    ///
    /// ## What is checked
    /// At each StorPortReleaseSpinLock, that this very handle was used on this processor for
    /// StorPortAcquireSpinLock or StorPortAcquireSpinLockEx, and not released since. Off unless asked for:
    /// StorPortSpinLock finds a lock that is not held, whatever handle names it. A handle that was moved in
    /// memory is another handle.
    ///
    /// ## Why it matters
    /// The handle holds the IRQL to restore, and on Windows the place in the queue of the lock: with another
    /// handle the level is wrong and the queue corrupted.
    ///
    /// ## Source
    /// Microsoft, "StorPortSpinLock4 rule (Storport)": devtest/storport-storportspinlock4.
    StorPortSpinLock4: Locking, Rule, off,
    why "the handle holds the IRQL to restore and the place in the lock's queue: with another both are wrong",
    url "devtest/storport-storportspinlock4",
    exhibits "stor-port-spin-lock4" with "--rules all",
    make |_| StorPortSpinLock4::default()
}

/// The rule: the handles in use on each processor.
#[derive(Default)]
struct StorPortSpinLock4 {
    used: PerCpu<Vec<usize>>,
}

impl Rule for StorPortSpinLock4 {
    fn interest(&self) -> Interest {
        Interest::enter(&[
            &row::StorPortAcquireSpinLock,
            &row::StorPortAcquireSpinLockEx,
            &row::StorPortReleaseSpinLock,
        ])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let acquired = event.args::<args::StorPortAcquireSpinLock>().map(|call| call.LockHandle);
        let acquired =
            acquired.or_else(|| event.args::<args::StorPortAcquireSpinLockEx>().map(|call| call.LockHandle));
        if let Some(handle) = acquired {
            self.used.of(event, |used| used.push(handle.pointer()));
            return FINE;
        }
        let Some(call) = event.args::<args::StorPortReleaseSpinLock>() else { return FINE };
        let handle = call.LockHandle.pointer();
        let was_used = self
            .used
            .of(event, |used| used.iter().rposition(|at| *at == handle).map(|at| used.remove(at)).is_some());
        if was_used || !is_of_driver(event) {
            return FINE;
        }
        Some(Breach::new(event, "StorPortReleaseSpinLock with a handle that took no lock, or gave it back"))
    }
}
