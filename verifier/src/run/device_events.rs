//! The thread that makes events happen to a WDM driver's device while requests are under way.
//!
//! As `events.rs` does for adapters: it waits until so many requests have been sent, does one of the events
//! asked for, and waits again. It is the PnP manager and the power manager of the run; how the driver treats
//! their requests is watched by the kernel. What an event leaves stopped or asleep stays so until nothing
//! else goes on, so that requests meet it. Invariant: the device is started and awake when the thread ends,
//! unless it was removed, or could not start again for what was denied to it or for a lie of its device.

use super::disturbances::{Event, EventCounts};
use super::events::{Cue, Draws};
use super::rig;
use crate::rules;
use crate::workload::{self, PermittedErrors};
use kernel_sim::ddi::types::{NTSTATUS, status_name};
use kernel_sim::ddi::{NT_SUCCESS, PowerDeviceD0, PowerDeviceD3, PowerSystemSleeping3, PowerSystemWorking};
use kernel_sim::machine::Machine;
use kernel_sim::safe::delay_us;
use kernel_sim::{PnpDevice, Power};
use parking_lot::Mutex;
use std::sync::Arc;

/// How long a device stays stopped or asleep, in microseconds: time passes when nothing else goes on.
const STILL_US: u64 = 1_000;

/// What the threads of one run share.
pub(super) struct DeviceStage {
    pub device: PnpDevice,
    pub permitted: Arc<PermittedErrors>,
    pub cue: Cue,
    pub counts: Mutex<EventCounts>,
}

/// The thread of events. `gap` is how many requests apart two events are at most.
pub(super) fn run(stage: &DeviceStage, events: &[Event], seed: u64, gap: u64) {
    let mut draws = Draws::new(seed);
    let mut left: Vec<Event> = events.to_vec();
    // A driver without a dispatch routine for power is sent none.
    left.retain(|event| *event != Event::Power || stage.device.handles_power());
    while !left.is_empty() {
        if !stage.cue.wait(&stage.permitted, 1 + draws.below(gap)) {
            return;
        }
        match left[draws.below(left.len() as u64) as usize] {
            Event::StopRestart => {
                if !stop_and_restart(stage, &mut draws) {
                    return;
                }
            }
            Event::QueryRemove => query(stage),
            Event::Power => sleep_and_wake(stage, &mut draws),
            Event::Removal => {
                pull_out(stage);
                return;
            }
            Event::Reset | Event::Hotplug | Event::Rebalance | Event::Units => {
                unreachable!("refused for a WDM driver before the run")
            }
        }
    }
}

/// Lets requests come while the device is as it is, every other time.
fn stay(draws: &mut Draws) {
    if draws.below(2) == 0 {
        delay_us(STILL_US);
    }
}

fn pull_out(stage: &DeviceStage) {
    stage.permitted.device_is_gone();
    stage.device.surprise_removal();
    stage.counts.lock().removals += 1;
}

/// Returns whether the device is there still: one that had no memory to start again with is given up.
fn stop_and_restart(stage: &DeviceStage, draws: &mut Draws) -> bool {
    let device = &stage.device;
    if !NT_SUCCESS(device.query_stop()) {
        device.cancel_stop();
        stage.counts.lock().refused += 1;
        return true;
    }
    stay(draws);
    if draws.below(3) == 0 {
        device.cancel_stop();
        stage.counts.lock().taken_back += 1;
        return true;
    }
    device.stop();
    stay(draws);
    let denied = || Machine::current().map_or(0, rig::denied);
    let before = denied();
    let status = device.start();
    stage.counts.lock().restarts += 1;
    if !NT_SUCCESS(status) {
        if denied() != before || stage.permitted.may_fail_for_a_lie() {
            pull_out(stage);
            return false;
        }
        workload::report(
            &rules::adapter_restart::ROW,
            "every request for the device waits for ever, or fails",
            format!("the device was stopped and did not start again: {}", in_words(status)),
            Vec::new(),
        );
    }
    true
}

/// What is asked of a device now and then: all of it leaves it as it is.
fn query(stage: &DeviceStage) {
    let device = &stage.device;
    device.query_capabilities();
    device.query_state();
    device.send_unknown();
    if !NT_SUCCESS(device.query_remove()) {
        stage.counts.lock().refused += 1;
    }
    device.cancel_remove();
    stage.counts.lock().taken_back += 1;
}

fn sleep_and_wake(stage: &DeviceStage, draws: &mut Draws) {
    let device = &stage.device;
    let with_system = draws.below(2) == 0;
    if with_system && !NT_SUCCESS(device.query_power(Power::System(PowerSystemSleeping3)))
        || !NT_SUCCESS(device.query_power(Power::Device(PowerDeviceD3)))
    {
        stage.counts.lock().refused += 1;
        // The system, or the idle timer, thinks again: the device stays as it was.
        device.set_power(Power::Device(PowerDeviceD0));
        return;
    }
    device.set_power(Power::Device(PowerDeviceD3));
    if with_system {
        device.set_power(Power::System(PowerSystemSleeping3));
    }
    stay(draws);
    if with_system {
        device.set_power(Power::System(PowerSystemWorking));
    }
    device.set_power(Power::Device(PowerDeviceD0));
    stage.counts.lock().sleeps += 1;
}

fn in_words(status: NTSTATUS) -> String {
    status_name(status).map_or_else(|| format!("{status:#010x}"), str::to_owned)
}
