//! WithinCriticalRegion: a resource is acquired and released with normal kernel APCs off.

use crate::rules::row::rule;
use crate::rules::state::PerThread;
use crate::rules::{Breach, FINE, Rule, Seen, is_of_driver};
use kernel_sim::ddi::row;
use kernel_sim::hook::{Event, EventKind, Interest};
use kernel_sim::irql::Irql;

rule! {
    /// An executive resource is acquired and released between KeEnterCriticalRegion and
    /// KeLeaveCriticalRegion.
    ///
    /// ## What is checked
    /// At each call of ExAcquireResourceSharedLite, ExAcquireResourceExclusiveLite and ExReleaseResourceLite,
    /// that the thread has entered a critical region and not left it, or runs at APC_LEVEL or above, where no
    /// APC is delivered. Off unless asked for: the machine stops for the same mistake (0xC4/0x37, 0xC4/0x38),
    /// as Driver Verifier does.
    ///
    /// ## Why it matters
    /// A thread that is suspended while it has the resource keeps every other thread waiting.
    ///
    /// ## Source
    /// Microsoft, "WithinCriticalRegion rule (Storport)": devtest/storport-withincriticalregion.
    WithinCriticalRegion: VirtualStorport, Rule, off, only Virtual,
    why "a thread that is suspended while it has the resource keeps every other thread waiting",
    url "devtest/storport-withincriticalregion",
    exhibits "within-critical-region" with "--rules all",
    make |_| WithinCriticalRegion::default()
}

/// The rule: how many regions each thread is in.
#[derive(Default)]
struct WithinCriticalRegion {
    regions: PerThread<i32>,
}

impl Rule for WithinCriticalRegion {
    fn interest(&self) -> Interest {
        Interest::enter(&[
            &row::KeEnterCriticalRegion,
            &row::KeLeaveCriticalRegion,
            &row::ExAcquireResourceSharedLite,
            &row::ExAcquireResourceExclusiveLite,
            &row::ExReleaseResourceLite,
        ])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        let EventKind::Enter(ddi, _) = event.kind else { return FINE };
        let change = match ddi {
            ddi if *ddi == row::KeEnterCriticalRegion => 1,
            ddi if *ddi == row::KeLeaveCriticalRegion => -1,
            _ => 0,
        };
        let regions = self.regions.of(event, |regions| {
            *regions += change;
            *regions
        })?;
        if change != 0 || regions > 0 || event.irql() >= Irql::APC || !is_of_driver(event) {
            return FINE;
        }
        Some(Breach::new(event, format!("{} called outside a critical region", ddi.name)))
    }
}
