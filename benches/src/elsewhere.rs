//! Watchers of routines that the measured loops do not call: they must cost these loops nothing.

use kernel_sim::ddi::{TABLE, row};
use kernel_sim::hook::{DdiSet, Event, Halt, Interest, Watcher};
use kernel_sim::routine::DdiInfo;
use std::sync::Arc;

/// How many there are.
const WATCHERS: usize = 60;

/// What the loops call.
static MEASURED: &[&DdiInfo] = &[
    &row::KeAcquireSpinLockRaiseToDpc,
    &row::KeReleaseSpinLock,
    &row::IoReuseIrp,
    &row::IoCallDriver,
    &row::IoCompleteRequest,
    &row::IoStartNextPacket,
    &row::KeInsertQueueDpc,
];

/// Watches one routine, and has no objection.
struct Bystander(&'static DdiInfo);

impl Watcher for Bystander {
    fn interest(&self) -> Interest {
        let own = DdiSet::of(&[self.0]);
        Interest { enter: own, exit: own, ..Interest::NOTHING }
    }

    fn event(&self, _event: &Event<'_>) -> Option<Halt> {
        None
    }
}

/// Sixty watchers, each of a routine of its own.
///
/// # Panics
/// When the kernel has too few routines.
pub(crate) fn watchers() -> impl Iterator<Item = Arc<dyn Watcher>> {
    let others = TABLE.iter().filter(|row| !MEASURED.contains(row));
    assert!(others.clone().count() >= WATCHERS, "too few routines to watch");
    others.take(WATCHERS).map(|row| Arc::new(Bystander(row)) as Arc<dyn Watcher>)
}
