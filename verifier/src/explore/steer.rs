//! Steering: holds a processor before certain calls until another party has come by.
//!
//! A random walk, except that a processor which is about to make a call at one of the given points stays
//! where it is while any other can go on, until the object of that call has been used by another party. Then
//! it goes first: what it does next is based on what it saw before. So among all orders of the two uses, this
//! makes the one that rarely happens by itself. After Joshi, Park, Sen and Naik, "A Randomized Dynamic
//! Program Analysis Technique for Detecting Real Deadlocks", PLDI 2009, and Sen, "Race Directed Random
//! Testing of Concurrent Programs", PLDI 2008.
//!
//! It can only delay: every schedule it makes is one of the machine's own, and no processor is held for ever.
//! A processor is let go when nothing else can happen, when the others only poll, and after
//! [`Steering::patience`] steps.

use super::calls::{Calls, Place};
use super::dice::Dice;
use kernel_sim::choose::{Access, Choose, Enabled, Parted, Step, Transition};
use kernel_sim::machine::Machine;
use kernel_sim::routine::Effect;

/// Calls in a row that only look at something, after which the held are let go and the world waits no longer.
const POLLS: u64 = 64;

/// How to steer one execution.
pub(super) struct Steering {
    /// The calls to hold at.
    pub(super) points: Vec<Place>,
    /// Of so many arrivals at a point, one goes on unheld; 0 for none.
    pub(super) unheld: u32,
    /// Whether devices, timers, interrupts, DPCs and thread switches wait until no processor that is not held
    /// can go on but to poll. What they bring about is then still to come when a processor is held.
    pub(super) world_waits: bool,
    /// Steps for which one is held at most.
    pub(super) patience: u64,
}

/// Whom it holds.
struct Held {
    cpu: u8,
    place: Place,
    object: u64,
    looks: bool,
    /// The step at which it is let go in any case.
    until: u64,
}

/// The choices of one execution.
pub(super) struct SteeredChooser {
    dice: Dice,
    steering: Steering,
    calls: Calls,
    held: Vec<Held>,
    /// Processors that were let go and have not made their call yet.
    free: u64,
    /// The one to go first, now that another has come by.
    first: Option<u8>,
}

impl SteeredChooser {
    pub(super) fn new(dice: Dice, steering: Steering) -> SteeredChooser {
        SteeredChooser { dice, steering, calls: Calls::default(), held: Vec::new(), free: 0, first: None }
    }

    /// Holds a processor that has come to a point, unless it is let off.
    fn arrive(&mut self, cpu: u8, step: u64) {
        let Some(call) = self.calls.pending(cpu) else { return };
        if call.object == 0 || self.free & (1 << cpu) != 0 || !self.steering.points.contains(&call.place) {
            return;
        }
        if self.held.iter().any(|h| h.cpu == cpu && h.place == call.place) {
            return;
        }
        if self.steering.unheld != 0 && self.dice.below(self.steering.unheld) == 0 {
            self.free |= 1 << cpu;
            return;
        }
        self.held.push(Held {
            cpu,
            place: call.place,
            object: call.object,
            looks: call.routine.effect() == Effect::Look,
            until: step + self.steering.patience,
        });
    }

    /// The processors that stay where they are.
    fn held_now(&self) -> u64 {
        let is_there = |h: &&Held| self.calls.pending(h.cpu).is_some_and(|call| call.place == h.place);
        self.held.iter().filter(is_there).fold(0, |set, h| set | 1 << h.cpu)
    }

    fn let_go(&mut self, at: usize) -> u8 {
        let held = self.held.swap_remove(at);
        self.free |= 1 << held.cpu;
        held.cpu
    }

    fn let_all_go(&mut self) {
        while !self.held.is_empty() {
            self.let_go(0);
        }
    }
}

impl Choose for SteeredChooser {
    fn choose(&mut self, step: u64, enabled: &Enabled<'_>) -> Option<Transition> {
        if enabled.len() == 1 {
            return Some(enabled.nth(0));
        }
        if let Some(cpu) = self.first.take()
            && enabled.contains(Transition::Run(cpu))
        {
            return Some(Transition::Run(cpu));
        }
        while let Some(at) = self.held.iter().position(|h| h.until <= step) {
            self.let_go(at);
        }
        let polls = Machine::current().is_some_and(|machine| machine.polls() >= POLLS);
        if polls {
            self.let_all_go();
        }
        let run = enabled.run() & !self.held_now();
        // Who polls waits for the world, as a rule.
        let waits = self.steering.world_waits && run != 0 && !polls;
        let mut open = if waits { Enabled::running(run) } else { Enabled::with(run, enabled.others()) };
        if open.is_empty() {
            // No processor but those held can go on: one of them that can.
            let can: Vec<usize> = (0..self.held.len())
                .filter(|at| enabled.contains(Transition::Run(self.held[*at].cpu)))
                .collect();
            let at = can[self.dice.below(can.len() as u32) as usize];
            open = Enabled::running(1 << self.let_go(at));
        }
        Some(open.nth(self.dice.below(open.len())))
    }

    fn pick(&mut self, _step: u64, n: u32) -> Option<u32> {
        Some(self.dice.below(n))
    }

    fn parted(&self) -> Parted {
        unreachable!("random choices never refuse")
    }

    fn follows(&self) -> bool {
        true
    }

    fn stepped(&mut self, step: &Step<'_>) {
        let made = self.calls.follow(step);
        if made.is_some() {
            self.free &= !(1 << step.cpu);
        }
        let used = |h: &Held| {
            let touched =
                step.touches.iter().any(|t| t.object == h.object && !(h.looks && t.access == Access::Look));
            // A routine of which no more is known than that it may do anything.
            touched || made.is_some_and(|c| c.routine.effect() == Effect::Everything && c.object == h.object)
        };
        if let Some(at) = self.held.iter().position(used) {
            self.first = Some(self.let_go(at));
        }
        self.arrive(step.cpu, step.number);
    }
}
