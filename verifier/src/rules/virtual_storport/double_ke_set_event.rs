//! DoubleKeSetEvent: one routine sets an event once.

use crate::rules::row::rule;
use crate::rules::state::{Empties, PerFrame};
use crate::rules::{Breach, FINE, Rule, Seen, is_of_driver};
use kernel_sim::ddi::{args, row};
use kernel_sim::hook::{Event, Interest};
use kernel_sim::moment::Moment;
use std::collections::BTreeMap;

rule! {
    /// A routine does not set the same event twice.
    ///
    /// ## What is checked
    /// KeSetEvent for an event that the same activation of a callback has set already, with no KeClearEvent,
    /// KeResetEvent, KeInitializeEvent or KeWaitForSingleObject for it in between. The static rule looks at
    /// the path through one routine and knows no such exceptions; a run is judged by activations. Off unless
    /// asked for: an event that is set twice is set.
    ///
    /// ## Why it matters
    /// The second call has no effect: where it was to say that something more has happened, nobody hears it.
    ///
    /// ## Source
    /// Microsoft, "DoubleKeSetEvent rule (Storport)": devtest/storport-doublekesetevent.
    DoubleKeSetEvent: VirtualStorport, Rule, off, only Virtual,
    why "the second call has no effect: where it was to say that something more has happened, nobody hears it",
    url "devtest/storport-doublekesetevent",
    exhibits "double-ke-set-event" with "--rules all",
    make |_| DoubleKeSetEvent::default()
}

/// The rule: the events that an activation has set, by host address.
#[derive(Default)]
struct DoubleKeSetEvent {
    set: PerFrame<BTreeMap<usize, Moment>>,
}

impl Rule for DoubleKeSetEvent {
    fn interest(&self) -> Interest {
        Interest::enter(&[
            &row::KeSetEvent,
            &row::KeClearEvent,
            &row::KeResetEvent,
            &row::KeInitializeEvent,
            &row::KeWaitForSingleObject,
        ])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        if !is_of_driver(event) {
            return FINE;
        }
        if let Some(call) = event.args::<args::KeSetEvent>() {
            let now = event.moment_to_keep().labelled("set");
            let before = self.set.of(event, |set| set.insert(call.Event.pointer(), now))??;
            return Some(Breach::new(event, "KeSetEvent for an event that it has set").earlier([before]));
        }
        let cleared = event.args::<args::KeClearEvent>().map(|call| call.Event);
        let reset = event.args::<args::KeResetEvent>().map(|call| call.Event);
        let initialized = event.args::<args::KeInitializeEvent>().map(|call| call.Event);
        let waited = event.args::<args::KeWaitForSingleObject>().map(|call| call.Object);
        if let Some(object) = cleared.or(reset).or(initialized).or(waited) {
            self.set.of(event, |set| set.remove(&object.pointer()));
        }
        FINE
    }

    fn state(&self) -> Option<&dyn Empties> {
        Some(&self.set)
    }
}
