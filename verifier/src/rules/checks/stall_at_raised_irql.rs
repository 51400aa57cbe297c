//! StallAtRaisedIrql: at raised IRQL a processor is kept busy no longer than the pages allow.

use super::stall::{self, FirstStalls, Kind, Stall};
use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen, Sites};
use kernel_sim::hook::{Event, Interest};
use storport_sim::callbacks::HW_STOR_INITIALIZE;

rule! {
    /// At DISPATCH_LEVEL or above a processor is kept busy no longer than the pages allow.
    ///
    /// ## What is checked
    /// One call of KeStallExecutionProcessor for more than 50 microseconds, or of StorPortStallExecution for
    /// a millisecond or more, at DISPATCH_LEVEL or above. All such calls of one interrupt service routine,
    /// one deferred routine, one other callback, or for as long as a spin lock is held, when they come to
    /// more than half a second (five seconds in HwStorInitialize). StorPortStallExecution for more than a
    /// tenth of a second is a stop of Storport's verifier, 0xF1/0x2001, and left to it. Only stalls are
    /// counted: code itself takes no machine time here.
    ///
    /// ## Why it matters
    /// Nothing at or below that IRQL runs on this processor meanwhile: no other driver's DPC, no thread, no
    /// clock of the scheduler. Audio and networks drop out first; minutes of it are bug check 0x133.
    ///
    /// ## Source
    /// Our own check. The pages of KeStallExecutionProcessor (no more than 50 microseconds) and
    /// StorPortStallExecution (less than one millisecond); half a second and five are what Driver Verifier's
    /// SCSI Verification allows a miniport's routines (0xF1/0x1002). Storport Verification has such a limit
    /// without a number.
    StallAtRaisedIrql: Checks, Check, on,
    why "nothing else runs on this processor meanwhile, no DPC of any driver and no thread: sound and networks drop out first",
    exhibits "stall-at-raised-irql",
    make |sites| StallAtRaisedIrql { sites, first: FirstStalls::default() }
}

/// Microseconds of one stretch of code at raised IRQL.
const STRETCH_US_MAX: u64 = 500_000;
/// The same in HwStorInitialize.
const INITIALIZE_US_MAX: u64 = 5_000_000;
/// Above this StorPortStallExecution stops the machine by itself.
const STORPORT_STOPS_ABOVE_US: u64 = 100_000;

/// The rule.
struct StallAtRaisedIrql {
    /// Without sites it is not known for how long a lock has been held.
    sites: Sites,
    first: FirstStalls,
}

impl Rule for StallAtRaisedIrql {
    fn interest(&self) -> Interest {
        stall::interest(self.sites)
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let Some(stall) = Stall::at_raised_irql(event) else { return FINE };
        let stretches = stall::around(event, stall);
        self.first.note(event, &stretches);
        let is_long = stall.us > stall.us_max && !(stall.us_max > 50 && stall.us > STORPORT_STOPS_ABOVE_US);
        if is_long {
            let around = stretches.last();
            let place = around.map(|stretch| format!(" {}", stretch.in_words())).unwrap_or_default();
            let what = format!("the processor is kept busy for {} µs{place}; {}", stall.us, stall.page);
            let taken = around.filter(|stretch| stretch.kind == Kind::Lock);
            let earlier = taken.map(|lock| self.first.earlier(event, lock)).unwrap_or_default();
            return Some(Breach::new(event, what).earlier(earlier));
        }
        let most =
            |callback| if callback == &HW_STOR_INITIALIZE { INITIALIZE_US_MAX } else { STRETCH_US_MAX };
        let Some(long) = stretches.iter().find(|stretch| stretch.us > most(stretch.callback)) else {
            return FINE;
        };
        let what =
            format!("the processor was kept busy for {} ms {} by now", long.us / 1000, long.in_words());
        Some(Breach::new(event, what).earlier(self.first.earlier(event, long)))
    }
}
