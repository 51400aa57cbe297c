//! CallIrql: every routine is called at the IRQLs of its page.

use crate::rules::irql::range;
use crate::rules::row::rule;
use crate::rules::{Rule, Seen};
use kernel_sim::ddi::{TABLE, row};
use kernel_sim::hook::{DdiSet, Event, Interest};
use kernel_sim::routine::DdiInfo;
use storport_sim::ddi::{TABLE as STORPORT, row as storport};

rule! {
    /// A routine is called at an IRQL that its page allows.
    ///
    /// ## What is checked
    /// The IRQL at each call of the routines that no rule of Microsoft's in this table names and whose page
    /// states a range, whether or not the call has to wait. Three are left out, because their limit is
    /// another in some cases: IoSetCancelRoutine needs DISPATCH_LEVEL only with the I/O manager's own queue,
    /// HwStorInitialize of a virtual miniport calls StorPortEnablePassiveInitialization at PASSIVE_LEVEL, and
    /// KeInitializeSemaphore has one limit on its page and another in the rule IrqlKeDispatchLte.
    ///
    /// ## Why it matters
    /// The routine waits, touches paged memory or takes a lock of the kernel's that interrupts here would
    /// wait for. It works as long as it happens not to.
    ///
    /// ## Source
    /// Our own check; the ranges are those of the routines' pages, which `DDI-COVERAGE.md` lists.
    CallIrql: Checks, Check, on,
    why "the routine waits, touches paged memory or takes a lock of the kernel's: it works as long as it happens not to",
    exhibits "call-irql",
    make |_| CallIrql
}

/// Routines whose page states one limit of several.
static CONDITIONAL: [&DdiInfo; 3] =
    [&row::IoSetCancelRoutine, &row::KeInitializeSemaphore, &storport::StorPortEnablePassiveInitialization];

/// The check.
struct CallIrql;

impl Rule for CallIrql {
    fn interest(&self) -> Interest {
        let mut named = DdiSet::of(&CONDITIONAL);
        range::named().for_each(|call| named.add(&DdiSet::of(&[call])));
        let mut calls = DdiSet::EMPTY;
        for call in TABLE.iter().chain(STORPORT).filter(|call| call.irql.is_some() && !named.has(call)) {
            calls.add(&DdiSet::of(&[*call]));
        }
        Interest { enter_outside_irql: calls, ..Interest::NOTHING }
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        range::judge(event)
    }
}
