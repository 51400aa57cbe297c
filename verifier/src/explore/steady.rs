//! The default scheduler: the one that every schedule is described against.
//!
//! It goes on with the running processor while that can go on, so a run of it has as few switches as the
//! program allows and reads like a program on one processor. It knows no seed and keeps no state: its choice
//! depends on what is enabled, on which processor runs and on how long all processors have only been polling.
//! Invariant: a transition that stays enabled while all processors poll is taken in the end, so polling for
//! it is no livelock.

use kernel_sim::choose::{Choose, Enabled, Transition};
use kernel_sim::machine::Machine;

/// Polling calls in a row after which another goes first.
pub const PATIENCE: u64 = 3;

/// What the default scheduler takes when `running` has the machine and the last `polls` calls only
/// looked at something.
///
/// When the running processor cannot go on, the first of the others, in this order: interrupts, DPCs,
/// processors that go on, devices, the timer, thread switches; processors counted upwards from the
/// running one and around. When it polls, the others take turns in that order, one for each poll.
///
/// # Panics
/// When nothing is enabled.
#[inline]
#[must_use]
pub fn steady(enabled: &Enabled<'_>, running: u8, polls: u64) -> Transition {
    let here = Transition::Run(running);
    if polls < PATIENCE && enabled.contains(here) {
        return here;
    }
    let others = u64::from(enabled.len() - u32::from(enabled.contains(here)));
    match polls.saturating_sub(PATIENCE).checked_rem(others) {
        Some(turn) => other(enabled, running, turn as u32),
        None => here,
    }
}

/// The `n`-th of the others.
fn other(enabled: &Enabled<'_>, running: u8, mut n: u32) -> Transition {
    let others = enabled.others();
    let timer = u64::from(others.timer);
    type Make = fn(u8) -> Transition;
    let classes: [(u64, Make, u8); 6] = [
        (others.interrupt, Transition::Interrupt, running),
        (others.dpc, Transition::Dpc, running),
        (enabled.run() & !(1 << running), Transition::Run, running),
        (others.device, Transition::Device, 0),
        (timer, |_| Transition::Timer, 0),
        (others.switch, Transition::Switch, running),
    ];
    for (set, make, from) in classes {
        if n < set.count_ones() {
            return make(nth_from(set, from, n));
        }
        n -= set.count_ones();
    }
    unreachable!("fewer are enabled than were counted")
}

/// The `n`-th member of `set`, counted upwards from `from` and around.
fn nth_from(set: u64, from: u8, n: u32) -> u8 {
    let mut turned = set.rotate_right(u32::from(from));
    for _ in 0..n {
        turned &= turned - 1;
    }
    (turned.trailing_zeros() as u8 + from) % 64
}

/// What the default scheduler takes on the machine that runs here.
///
/// # Panics
/// When no machine runs here.
#[inline]
pub(super) fn steady_here(enabled: &Enabled<'_>) -> Transition {
    let machine = Machine::current().expect("choices are made on a machine");
    steady(enabled, machine.running(), machine.polls())
}

/// [`steady`] as a strategy. Of several ready threads, timers or commands it picks the first.
#[derive(Clone, Copy, Debug)]
pub struct Steady;

impl Choose for Steady {
    fn choose(&mut self, _step: u64, enabled: &Enabled<'_>) -> Option<Transition> {
        Some(steady_here(enabled))
    }

    fn pick(&mut self, _step: u64, _n: u32) -> Option<u32> {
        Some(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kernel_sim::choose::OtherTransitions;
    use std::collections::BTreeSet;

    const RARE: OtherTransitions =
        OtherTransitions { interrupt: 0b11, dpc: 0b10, switch: 0b1, device: 0b101, timer: true };

    #[test]
    fn it_goes_on_while_it_can() {
        let enabled = Enabled::with(0b110, &RARE);
        assert_eq!(steady(&enabled, 1, 0), Transition::Run(1));
        assert_eq!(steady(&enabled, 2, PATIENCE - 1), Transition::Run(2));
    }

    #[test]
    fn when_it_cannot_the_others_come_in_their_order() {
        let order: Vec<_> = (0..9).map(|n| other(&Enabled::with(0b1101, &RARE), 2, n)).collect();
        use Transition::{Device, Dpc, Interrupt, Run, Timer};
        let expected = [
            Interrupt(0),
            Interrupt(1),
            Dpc(1),
            Run(3),
            Run(0),
            Device(0),
            Device(2),
            Timer,
            Transition::Switch(0),
        ];
        assert_eq!(order, expected);
        assert_eq!(steady(&Enabled::running(0b1001), 1, 0), Run(3), "the next one, not the lowest");
    }

    #[test]
    fn who_polls_lets_everybody_else_go_first_in_turn() {
        let enabled = Enabled::with(0b111, &RARE);
        let mut running = 0;
        let mut taken = BTreeSet::new();
        for polls in PATIENCE..PATIENCE + u64::from(enabled.len() - 1) {
            let t = steady(&enabled, running, polls);
            assert_ne!(t, Transition::Run(running));
            if let Transition::Run(n) = t {
                running = n;
            }
            taken.insert(t);
        }
        assert!(taken.contains(&Transition::Device(2)) && taken.contains(&Transition::Timer));
        assert!(taken.contains(&Transition::Switch(0)));
    }

    #[test]
    fn who_polls_alone_goes_on() {
        assert_eq!(steady(&Enabled::running(0b1), 0, 1000), Transition::Run(0));
    }

    #[test]
    fn the_highest_processors_are_processors_too() {
        let enabled = Enabled::running(1 << 63 | 1);
        assert_eq!(steady(&enabled, 63, PATIENCE), Transition::Run(0));
        assert_eq!(steady(&enabled, 0, PATIENCE), Transition::Run(63));
    }
}
