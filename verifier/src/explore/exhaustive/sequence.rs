//! Sequences of steps to be made: how a race is turned round, and what may come first in one.
//!
//! It knows steps and their footprints, not the tree they are planted in.

use super::event::{Event, Foot, Label};
use super::order::{Order, Race};

/// A step of a sequence to be planted.
#[derive(Clone)]
pub(super) struct Planted {
    pub(super) label: Label,
    pub(super) foot: Option<Foot>,
}

/// The sequence that turns a race round: what did not have to come after its first step, then its
/// second.
pub(super) fn turned_round(events: &[Event], made: usize, order: &Order, race: Race) -> Vec<Planted> {
    let between = (race.first + 1..race.second.min(made)).filter(|at| !order.is_before(race.first, *at));
    between
        .map(|at| Planted { label: events[at].label.clone(), foot: Some(events[at].foot.clone()) })
        .chain([last_step(&events[race.second])])
        .collect()
}

/// The second step of a race in its new place. What it touches there is known only if that is one
/// object, which is the one its call is for; what the kernel does besides may depend on the order.
fn last_step(event: &Event) -> Planted {
    let foot = (event.foot.touches.len() <= 1).then(|| event.foot.clone());
    Planted { label: Label::of(event.label.transition), foot }
}

pub(super) enum Begins {
    /// It is that step of the sequence.
    At(usize),
    /// It is not in the sequence, and could be made before it as well as after.
    Besides,
}

/// Whether a step could be the first of the sequence, in an equivalent order (a *weak initial*).
pub(super) fn may_begin(
    label: &Label,
    foot: Option<&Foot>,
    sequence: &[Planted],
    then: Option<&Foot>,
) -> Option<Begins> {
    for (at, step) in sequence.iter().enumerate() {
        if same_label(label, &step.label) {
            // Nothing before it may have to come before it.
            let own = step.foot.as_ref().or(foot);
            let first = sequence[..at].iter().all(|s| match (own, &s.foot) {
                (Some(a), Some(b)) => !a.conflicts(b),
                _ => false,
            });
            return first.then_some(Begins::At(at));
        }
        match (foot, &step.foot) {
            (Some(a), Some(b)) if !a.conflicts(b) => {}
            // A step that was not seen is taken to conflict.
            _ => return None,
        }
    }
    let stays = |foot: &Foot| then.is_none_or(|then| !then.conflicts(foot));
    foot.is_some_and(stays).then_some(Begins::Besides)
}

/// Whether two labels are the same step at the same point: one without picks stands for all.
fn same_label(a: &Label, b: &Label) -> bool {
    a.transition == b.transition && (a.picks == b.picks || a.picks.is_empty() || b.picks.is_empty())
}
