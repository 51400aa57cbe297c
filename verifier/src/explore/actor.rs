//! Actors: what strategies give priorities and weights to.
//!
//! An actor is a class of transitions: a processor that goes on, its interrupts, its DPCs, its thread
//! switches, a device, the timers. Once begun, a service routine goes on as its processor does, so a
//! processor's own actor covers all it runs; what the others decide is when something begins.

use kernel_sim::choose::{Enabled, Transition};

/// How many actors there may be.
pub(super) const ACTORS: usize = 5 * 64 + 1;
const TIMER: usize = ACTORS - 1;

/// The actor that a transition belongs to: a number below [`ACTORS`].
#[inline]
pub(super) fn actor(transition: Transition) -> usize {
    match transition {
        Transition::Run(n) => usize::from(n & 63),
        Transition::Interrupt(n) => 64 + usize::from(n & 63),
        Transition::Dpc(n) => 2 * 64 + usize::from(n & 63),
        Transition::Switch(n) => 3 * 64 + usize::from(n & 63),
        Transition::Device(n) => 4 * 64 + usize::from(n & 63),
        Transition::Timer => TIMER,
    }
}

/// The enabled transitions, in the order of their actors.
#[inline]
pub(super) fn each(enabled: &Enabled<'_>, mut take: impl FnMut(Transition)) {
    each_bit(enabled.run(), |n| take(Transition::Run(n)));
    if enabled.is_only_running() {
        return;
    }
    let others = enabled.others();
    each_bit(others.interrupt, |n| take(Transition::Interrupt(n)));
    each_bit(others.dpc, |n| take(Transition::Dpc(n)));
    each_bit(others.switch, |n| take(Transition::Switch(n)));
    each_bit(others.device, |n| take(Transition::Device(n)));
    if others.timer {
        take(Transition::Timer);
    }
}

#[inline]
fn each_bit(mut set: u64, mut take: impl FnMut(u8)) {
    while set != 0 {
        take(set.trailing_zeros() as u8);
        set &= set - 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel_sim::choose::OtherTransitions;

    #[test]
    fn every_transition_has_an_actor_of_its_own() {
        let others = OtherTransitions {
            interrupt: u64::MAX,
            dpc: u64::MAX,
            switch: u64::MAX,
            device: u64::MAX,
            timer: true,
        };
        let mut actors = Vec::new();
        each(&Enabled::with(u64::MAX, &others), |t| actors.push(actor(t)));
        assert_eq!(actors, (0..ACTORS).collect::<Vec<_>>());
    }

    #[test]
    fn the_enabled_transitions_are_those() {
        let others = OtherTransitions { interrupt: 2, dpc: 0, switch: 1, device: 4, timer: false };
        let enabled = Enabled::with(0b101, &others);
        let mut seen = Vec::new();
        each(&enabled, |t| seen.push(t));
        let expected: Vec<_> = (0..enabled.len()).map(|k| enabled.nth(k)).collect();
        assert_eq!(seen, expected);
    }
}
