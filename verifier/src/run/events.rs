//! The thread that makes events happen while requests are under way.
//!
//! It waits until so many requests have been sent, a number drawn from the seed, does one of the events asked
//! for, and waits again; so in the deterministic executor the same seed has the same events between the same
//! requests. What each stands for on Windows is said where [`Adapter`] has it. A second thread, where a fault
//! plan may pull the device out, looks every now and then whether it has, as the bus driver would notice.
//! Invariant: the adapter is whole when the thread ends, unless it is gone.

use super::disturbances::{Event, EventCounts};
use super::hotplug::Hotplug;
use super::rig::denied;
use crate::driver::Protocol;
use crate::rules;
use crate::workload::{self, Doorbell, PermittedErrors, Statistics};
use kernel_sim::machine::Machine;
use kernel_sim::safe::delay_us;
use kernel_sim::split_mix::SplitMix64;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use storport_sim::{Adapter, Medium, RebalanceError};

/// How often the second thread looks whether the device is still there, in microseconds: after 10 ms, and
/// then less and less often, down to once a second, which is long for a machine and short for a time-out.
const LOOK_US: u64 = 10_000;
const LOOK_US_MAX: u64 = 1_000_000;

/// How long a unit sleeps, in microseconds: time passes when nothing else goes on.
const STILL_US: u64 = 1_000;

/// Requests of the load between two looks at something else.
const LOOK_REQUESTS: u64 = 2;

/// Random numbers for when events happen and which.
#[derive(Clone, Copy)]
pub(super) struct Draws(SplitMix64);

impl Draws {
    pub(super) fn new(seed: u64) -> Draws {
        // Apart from the draws of the operations, which begin at the same seed.
        Draws(SplitMix64::new(seed ^ 0x6576_656E_7473_0000))
    }

    /// A number below `n`; 0 if that is 0.
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.0.below_u64(n)
    }
}

/// How a thread of events learns when it is its turn.
pub(super) struct Cue {
    /// Rung when requests are due, and when the load is over.
    bell: Doorbell,
    is_over: AtomicBool,
}

impl Cue {
    /// A load that is not over.
    pub(super) fn new(bell: Doorbell) -> Cue {
        Cue { bell, is_over: AtomicBool::new(false) }
    }

    /// Waits until the load has sent so many requests more; `false`: it is over.
    pub(super) fn wait(&self, permitted: &PermittedErrors, requests: u64) -> bool {
        permitted.ring_after(requests);
        // The ring of the end may have been for another wait.
        if !self.is_over() {
            self.bell.wait();
        }
        !self.is_over()
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(SeqCst)
    }

    /// The load is over.
    pub(super) fn end(&self) {
        self.is_over.store(true, SeqCst);
        self.bell.ring();
    }
}

/// What the threads of one run share.
pub(super) struct Stage {
    pub adapter: Adapter,
    pub medium: Arc<Medium>,
    /// Disks that the load goes to, and their command set.
    pub luns: u8,
    pub protocol: Protocol,
    pub permitted: Arc<PermittedErrors>,
    pub cue: Cue,
    pub counts: Mutex<EventCounts>,
    /// The statistics of the workloads on plugged units.
    pub elsewhere: Mutex<Statistics>,
}

impl Stage {
    /// Waits until the load has sent a few requests more; where it is over, a millisecond. A machine that
    /// works has no time: in the deterministic executor a delay would last until the load is over.
    pub(super) fn let_the_load_go_on(&self) {
        if !self.cue.wait(&self.permitted, LOOK_REQUESTS) {
            delay_us(1_000);
        }
    }
}

/// The thread of events. `gap` is how many requests apart two events are at most.
pub(super) fn run(stage: &Stage, events: &[Event], seed: u64, gap: u64) {
    let machine = Machine::current().expect("events happen on a machine");
    let mut draws = Draws::new(seed);
    let mut left: Vec<Event> = events.to_vec();
    while !left.is_empty() && !stage.permitted.is_gone() {
        if !stage.cue.wait(&stage.permitted, 1 + draws.below(gap)) {
            return;
        }
        let event = left[draws.below(left.len() as u64) as usize];
        match event {
            Event::Reset => reset(stage, &mut draws),
            Event::StopRestart => stop_and_restart(stage, machine),
            Event::Removal => {
                left.retain(|event| *event != Event::Removal);
                stage.medium.pull_out();
                machine.touch_device(0);
                notice_removal(stage);
            }
            Event::Hotplug => Hotplug { stage, machine, seed: draws.below(u64::MAX) }.happen(),
            Event::Rebalance => rebalance(stage, machine),
            Event::Units => unit_event(stage, &mut draws),
            Event::Power | Event::QueryRemove => unreachable!("refused for a miniport before the run"),
        }
    }
}

fn reset(stage: &Stage, draws: &mut Draws) {
    stage.permitted.count_reset();
    if draws.below(2) == 0 {
        let Some(disk) = stage.adapter.disks().first() else { return };
        if stage.adapter.reset_unit(*disk) {
            stage.counts.lock().unit_resets += 1;
        }
    } else {
        stage.adapter.reset_bus(0);
        stage.counts.lock().bus_resets += 1;
    }
}

fn stop_and_restart(stage: &Stage, machine: &Machine) {
    let before = denied(machine);
    stage.adapter.stop();
    let restarted = stage.adapter.restart();
    stage.counts.lock().restarts += 1;
    // One that was pulled out meanwhile need not start.
    if let Err(why) = restarted
        && !stage.permitted.is_gone()
    {
        if denied(machine) != before || stage.permitted.may_fail_for_a_lie() {
            // Something was denied to it, or its device lies: it is given up, as the PnP manager does.
            notice_removal(stage);
            return;
        }
        workload::report(
            &rules::adapter_restart::ROW,
            "every request for its disks waits for ever",
            format!("the adapter was stopped and did not start again: {why}"),
            Vec::new(),
        );
    }
}

fn rebalance(stage: &Stage, machine: &Machine) {
    let before = denied(machine);
    let done = stage.adapter.rebalance();
    stage.counts.lock().rebalances += 1;
    let Err(why) = done else { return };
    if stage.permitted.is_gone() {
        return;
    }
    if denied(machine) != before || stage.permitted.may_fail_for_a_lie() {
        notice_removal(stage);
        return;
    }
    let (row, why_it_matters) = match why {
        RebalanceError::NotStopped(_) => (&rules::adapter_stop::ROW, rules::adapter_stop::ROW.why),
        RebalanceError::NotStarted(_) => {
            (&rules::adapter_restart::ROW, "every request for its disks waits for ever")
        }
    };
    let what = format!("the adapter was stopped for a rebalance: {why}");
    workload::report(row, why_it_matters, what, Vec::new());
}

/// One unit is asked for its capabilities, or sleeps for a while.
fn unit_event(stage: &Stage, draws: &mut Draws) {
    let disks = stage.adapter.present_disks();
    let Some(disk) = disks.get(draws.below(disks.len() as u64) as usize) else { return };
    if draws.below(2) == 0 {
        if stage.adapter.query_unit(*disk) {
            stage.counts.lock().unit_queries += 1;
        }
    } else if stage.adapter.put_unit_to_sleep(*disk) {
        // Lets requests come while it sleeps, every other time.
        if draws.below(2) == 0 {
            delay_us(STILL_US);
        }
        stage.adapter.wake_unit(*disk);
        stage.counts.lock().unit_sleeps += 1;
    }
}

fn notice_removal(stage: &Stage) {
    stage.permitted.device_is_gone();
    stage.adapter.surprise_removal();
    stage.counts.lock().removals += 1;
}

/// The thread that notices a removal which a fault brought about.
pub(super) fn watch_for_removal(stage: &Stage) {
    let mut look_us = LOOK_US;
    while !stage.cue.is_over() {
        if stage.medium.is_gone() {
            Machine::current().expect("a thread of a machine").touch_device(0);
            notice_removal(stage);
            return;
        }
        delay_us(look_us);
        look_us = (look_us * 2).min(LOOK_US_MAX);
    }
}
