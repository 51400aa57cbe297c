//! CallUnderLock: other drivers' code, and the driver's own StartIo and cancel routines, run under no lock.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen, Sites, is_of_driver};
use kernel_sim::ddi::row;
use kernel_sim::hook::{DdiSet, Event, EventKind, Interest};

rule! {
    /// IoCallDriver, IoStartPacket and IoCancelIrp are not called while a spin lock is held.
    ///
    /// ## What is checked
    /// The count of SpinLockSafe, at three calls more: each runs driver code before it returns, the dispatch
    /// routine of the driver below, this driver's StartIo, or a cancel routine.
    ///
    /// ## Why it matters
    /// Code reached there that wants the same lock spins for ever at raised IRQL; a driver below that
    /// completes the request at once comes back up through this driver's completion routine.
    ///
    /// ## Source
    /// Our own check, drawn from SpinLockSafe and from Microsoft's guide to spin locks, which has a driver
    /// release its locks before it calls out.
    CallUnderLock: Checks, Check, on,
    why "driver code runs inside this call: what wants the lock there spins for ever, on a customer's machine",
    exhibits "call-under-lock",
    make |sites| CallUnderLock { sites }
}

/// The check.
struct CallUnderLock {
    /// Whether acquire sites are kept for the report.
    sites: Sites,
}

impl Rule for CallUnderLock {
    fn interest(&self) -> Interest {
        let calls = DdiSet::of(&[&row::IoCallDriver, &row::IoStartPacket, &row::IoCancelIrp]);
        let lock_sites = self.sites == Sites::Kept;
        Interest { enter_holding: calls, lock_sites, ..Interest::NOTHING }
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let EventKind::Enter(ddi, _) = event.kind else { return FINE };
        if !is_of_driver(event) {
            return FINE;
        }
        let locks = match event.held_count() {
            1 => "a spin lock".to_owned(),
            many => format!("{many} spin locks"),
        };
        let breach = Breach::new(event, format!("{} called while the driver holds {locks}", ddi.name));
        Some(breach.earlier(event.held_locks().iter().map(|lock| event.taken(lock))))
    }
}
