//! Which callbacks a miniport registered, for the question which of them a run never called.
//!
//! A watcher of the one call that says it. What was called is a counter of the processors. Invariant: it
//! judges nothing: a callback that is not called is none that was tested.

use kernel_sim::hook::{Event, Halt, Interest, Watcher};
use kernel_sim::processor::ProcessorStats;
use kernel_sim::routine::Callback;
use parking_lot::Mutex;
use storport_sim::ddi::row;
use storport_sim::seen;

/// What was registered so far.
#[derive(Default)]
pub(super) struct Registered(Mutex<Vec<&'static Callback>>);

impl Registered {
    /// The callbacks that were registered and that no processor ran.
    pub(super) fn uncalled(&self, processors: &[ProcessorStats]) -> Vec<&'static Callback> {
        let ran = processors.iter().fold(0, |all, stats| all | stats.callbacks);
        self.0.lock().iter().copied().filter(|kind| ran >> kind.id & 1 == 0).collect()
    }
}

impl Watcher for Registered {
    fn interest(&self) -> Interest {
        Interest::enter(&[&row::StorPortInitialize])
    }

    fn event(&self, event: &Event<'_>) -> Option<Halt> {
        *self.0.lock() = seen::registered(event);
        None
    }
}
