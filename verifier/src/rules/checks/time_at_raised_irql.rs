//! TimeAtRaisedIrql: interrupt service routines and DPCs are brief.

use super::stall::{self, FirstStalls, Kind, Stall};
use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen, Sites};
use kernel_sim::hook::{Event, Interest};

rule! {
    /// Interrupt service routines and DPCs are brief.
    ///
    /// ## What is checked
    /// The microseconds for which driver code keeps its processor busy by routines that stall: no more than
    /// 25 in one interrupt service routine and 100 in one DPC. What the system runs inside it, as Storport
    /// does its recovery where a request ends, is not counted. Code itself takes no machine time here, so a
    /// routine that is long without stalling is not found. Spin locks are left to StallAtRaisedIrql: the
    /// driver guide wants 25 microseconds for them, which a reset under a lock cannot keep.
    ///
    /// ## Why it matters
    /// What waits for this processor waits as long; a few such drivers together make a
    /// computer stutter. Off unless asked for: Windows goes on, and many drivers take longer in their resets.
    ///
    /// ## Source
    /// Our own check. Microsoft's guidance: 25 microseconds for an interrupt service routine and 100 for a
    /// DPC (bug check 0x133 DPC_WATCHDOG_VIOLATION).
    TimeAtRaisedIrql: Warning, Check, off,
    why "what waits for this processor waits as long: a few such drivers together make a computer stutter",
    exhibits "time-at-raised-irql" with "--rules all",
    make |_| TimeAtRaisedIrql::default()
}

/// Microseconds that each kind of code may take; of other callbacks the guidance says nothing.
fn budget_us(kind: Kind) -> Option<u64> {
    match kind {
        Kind::Interrupt => Some(25),
        Kind::Deferred => Some(100),
        Kind::Other | Kind::Lock => None,
    }
}

/// The rule.
#[derive(Default)]
struct TimeAtRaisedIrql {
    first: FirstStalls,
}

impl Rule for TimeAtRaisedIrql {
    fn interest(&self) -> Interest {
        stall::interest(Sites::Counted)
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let Some(stall) = Stall::at_raised_irql(event) else { return FINE };
        let mut stretches = stall::around(event, stall);
        stretches.retain(|stretch| stretch.own_us.is_some());
        self.first.note(event, &stretches);
        let over = stretches.iter().find_map(|stretch| {
            let (budget, us) = (budget_us(stretch.kind)?, stretch.own_us?);
            (us > budget).then_some((stretch, us, budget))
        });
        let Some((stretch, us, budget)) = over else { return FINE };
        let what = format!(
            "the processor is kept busy for {us} µs {}, all calls together; the guidance is {budget} µs",
            stretch.in_words()
        );
        Some(Breach::new(event, what).earlier(self.first.earlier(event, stretch)))
    }
}
