//! Recovery of late requests, step by step: abort, reset the unit, the target, the bus.
//!
//! A step that fails, or takes longer than ten seconds, is followed by the next at once; after one that
//! succeeds the requests get their time again, and those that are late once more start at the step after.
//! Aborting is for miniports that ask for it (STOR_ADAPTER_FEATURE_ABORT_COMMAND), resetting the target for
//! those that say they can (ResetTargetSupported). HwStorResetBus is to complete what the miniport has: a
//! request that the miniport had taken in before the routine was called, has still when it returns, and keeps
//! for its whole time after that, has been lost, which is a bug check. How long Storport waits between the
//! steps is not documented, so the ten seconds are our choice. The SRB of a step has a slot of its own and
//! passes closed gates. Invariant: at most one step is under way per unit, and `Unit::recovering` says which.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter::AdapterState;
use super::gates::{RECOVERY, RESET, SETTLING};
use super::own_cx;
use super::timeout::give_time_again;
use super::unit::{Request, Slot, Unit, state};
use crate::callbacks::HW_STOR_RESET_BUS;
use crate::ddi::{
    FALSE, SRB_FLAGS_NO_QUEUE_FREEZE, SRB_FUNCTION_ABORT_COMMAND, SRB_FUNCTION_RESET_DEVICE,
    SRB_FUNCTION_RESET_LOGICAL_UNIT, SRB_STATUS, SRB_STATUS_SUCCESS, STOR_ADAPTER_FEATURE_ABORT_COMMAND,
    SrbAssignSrbFlags, SrbGetSrbStatus, SrbGetTimeOutValue, SrbRoom, SrbSetNextSrb, SrbSetTimeOutValue,
    set_function,
};
use kernel_sim::bugcheck::SCSI_VERIFIER_DETECTED_VIOLATION;
use kernel_sim::ddi::{PDEVICE_OBJECT, PVOID};
use kernel_sim::frame::Frame;
use kernel_sim::image::Routine as _;
use kernel_sim::irql::Irql;
use kernel_sim::processor::Processor;
use kernel_sim::routine::Arg;
use kernel_sim::{report_address, unhooked};
use std::ptr::null_mut;
use std::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};

/// Seconds a step may take.
const STEP_TIMEOUT_S: u32 = 10;

/// The steps, in order; a request's slot and a unit under recovery name theirs by number.
mod step {
    pub const NONE: u8 = 0;
    pub const ABORT: u8 = 1;
    pub const UNIT: u8 = 2;
    pub const TARGET: u8 = 3;
    pub const BUS: u8 = 4;
    /// The bus has been reset, and the SRB of the step before is still out.
    pub const AFTER_BUS: u8 = 5;
}

impl AdapterState {
    /// Goes on with the recovery of a unit some of whose requests are late.
    pub(super) fn recover(&self, unit: &Unit, late: &[&Slot]) {
        for slot in late {
            if slot.reached() >= step::BUS {
                self.request_is_lost(slot);
            }
        }
        let under_way = unit.recovering.load(Acquire);
        let is_step_late =
            late.iter().any(|slot| std::ptr::eq(*slot, &unit.slots[usize::from(unit.spare_slot())]));
        if under_way != step::NONE && !is_step_late {
            // Its end decides.
            return;
        }
        let reached = late.iter().map(|slot| slot.reached()).max().unwrap_or(step::NONE);
        // The SRB of a step that is late is still out, so no other can be sent: the bus is next.
        let next = if is_step_late { step::BUS } else { reached + 1 };
        let first_late = late.first().map(|slot| slot.request().srb.cast());
        self.take_step(unit, next, first_late.unwrap_or(null_mut()));
    }

    /// Begins recovery of a unit at the step that resets it, though no request is late; `false` if recovery
    /// is under way, or the adapter or the unit is gone.
    pub(super) fn reset_unit_of(&self, device: PDEVICE_OBJECT) -> bool {
        let Some(unit) = self.unit_of(device) else { return false };
        let is_possible = !self.is_gone.load(Relaxed)
            && !self.removing.load(Relaxed)
            && !unit.is_gone.load(Relaxed)
            && unit.recovering.load(Acquire) == step::NONE;
        if is_possible {
            self.take_step(unit, step::UNIT, null_mut());
        }
        is_possible
    }

    /// Does something at DISPATCH_LEVEL, where recovery is at home.
    pub(super) fn at_dispatch_level<R>(&self, action: impl FnOnce() -> R) -> R {
        let cpu = Processor::current();
        let before = unhooked::raise_irql(cpu, Irql::DISPATCH);
        let answer = action();
        unhooked::restore_irql(cpu, before);
        answer
    }

    /// Takes the first step from `from` on that the miniport is made for.
    fn take_step(&self, unit: &Unit, from: u8, late: PVOID) {
        let config = self.config();
        let function = match from {
            step::NONE..=step::ABORT if config.FeatureSupport & STOR_ADAPTER_FEATURE_ABORT_COMMAND != 0 => {
                Some((step::ABORT, SRB_FUNCTION_ABORT_COMMAND))
            }
            step::NONE..=step::UNIT => Some((step::UNIT, SRB_FUNCTION_RESET_LOGICAL_UNIT)),
            step::TARGET if config.ResetTargetSupported != FALSE => {
                Some((step::TARGET, SRB_FUNCTION_RESET_DEVICE))
            }
            _ => None,
        };
        match function {
            Some((step, function)) => self.send_step(unit, step, function, late),
            None => unit.recovering.store(step::BUS, SeqCst),
        }
    }

    /// Sends the SRB of a step, unless one is under way; notes it on the requests it is meant for, and
    /// holds new ones back.
    fn send_step(&self, unit: &Unit, step: u8, function: u8, late: PVOID) {
        let call = own_cx();
        if unit.recovering.compare_exchange(step::NONE, step, SeqCst, SeqCst).is_err() {
            // Another recovery has begun meanwhile.
            return;
        }
        for other in self.units_of_step(unit, step) {
            mark(other, step);
            other.gate.close(&call, RECOVERY, 0);
        }
        // SAFETY: the unit's own room, in which no request is out: `recovering` was NONE.
        let srb = unsafe {
            let srb = SrbRoom::prepare(unit.reset_srb(), self.takes_extended_srbs());
            set_function(srb, function);
            SrbAssignSrbFlags(srb, SRB_FLAGS_NO_QUEUE_FREEZE);
            SrbSetTimeOutValue(srb, STEP_TIMEOUT_S);
            if function == SRB_FUNCTION_ABORT_COMMAND {
                SrbSetNextSrb(srb, late);
            }
            srb
        };
        let request = Request {
            srb: srb.cast(),
            irp: null_mut(),
            event: null_mut(),
            mdl: null_mut(),
            data: null_mut(),
            buffer: null_mut(),
            retries: 0,
        };
        self.start(unit, unit.spare_slot(), &request);
    }

    /// The units whose requests a step ends.
    fn units_of_step<'a>(&'a self, unit: &'a Unit, step: u8) -> impl Iterator<Item = &'a Unit> {
        self.units().filter(move |other| {
            std::ptr::eq(*other, unit)
                || step == step::TARGET
                    && (other.address.path, other.address.target) == (unit.address.path, unit.address.target)
        })
    }

    /// The SRB of a step has come back.
    pub(super) fn recovery_step_done(&self, unit: &Unit, slot: u16) {
        let record = &unit.slots[usize::from(slot)];
        let srb: PVOID = record.request().srb.cast();
        // SAFETY: the unit's own SRB, which the miniport has given back.
        let succeeded = unsafe { SRB_STATUS(SrbGetSrbStatus(srb)) } == SRB_STATUS_SUCCESS;
        record.state.store(state::FREE, SeqCst);
        let step = unit.recovering.swap(step::NONE, SeqCst);
        let is_pointless = unit.queue.lock().outstanding == 0 || self.is_gone.load(Relaxed);
        if step < step::BUS && !succeeded && !is_pointless {
            let late = unit.slots.iter().find(|s| s.state.load(Acquire) == state::MINIPORT);
            self.take_step(unit, step + 1, late.map_or(null_mut(), |s| s.request().srb.cast()));
            self.reset_late_paths();
            return;
        }
        for other in self.units_of_step(unit, step) {
            if other.gate.open(RECOVERY) {
                self.kick(other);
            }
        }
        if self.removing.load(Acquire) {
            self.note_drained();
        }
    }

    /// Resets the buses of units whose recovery has come to that.
    pub(super) fn reset_late_paths(&self) {
        let is_due = |unit: &Unit| unit.recovering.load(Acquire) == step::BUS;
        let mut paths: Vec<u8> = self.units().filter(|u| is_due(u)).map(|u| u.address.path).collect();
        paths.sort_unstable();
        paths.dedup();
        for path in paths {
            self.reset_bus(path);
        }
    }

    /// HwStorResetBus, with everything held back; afterwards the bus has BusResetHoldTime to settle.
    pub(super) fn reset_bus(&self, path: u8) {
        let Some(routine) = self.registration.data.HwResetBus else { return };
        let call = own_cx();
        self.gate.close(&call, RESET, 0);
        let on_path = || self.units().filter(|unit| unit.address.path == path);
        let slots = || on_path().flat_map(|unit| unit.slots.iter());
        // Noted as reset only when the routine has returned: it may take long, and a request that is late
        // meanwhile has not outlived it.
        let known: Vec<(&Slot, u32)> = slots().filter_map(|slot| Some((slot, taken_in(slot)?))).collect();
        self.call_with_start_io_out(
            Frame::new(&HW_STOR_RESET_BUS, &[Arg::Pointer(self.extension as usize), Arg::Value(path.into())]),
            || {
                // SAFETY: the miniport registered the routine for this call, and its extension lives as long
                // as the adapter.
                unsafe { routine.go((self.extension, u32::from(path))) }
            },
        );
        for (slot, serial) in known {
            if taken_in(slot) == Some(serial) {
                slot.reach(serial, step::BUS);
            }
        }
        let tick = self.ticks.load(Relaxed).saturating_add(1);
        for slot in slots().filter(|slot| slot.state.load(Acquire) == state::MINIPORT) {
            give_time_again(slot, tick);
        }
        for unit in on_path() {
            let spare = &unit.slots[usize::from(unit.spare_slot())];
            // A step whose SRB is still out ends with that.
            if spare.state.load(Acquire) == state::FREE {
                unit.recovering.store(step::NONE, SeqCst);
                unit.gate.open(RECOVERY);
            } else {
                unit.recovering.store(step::AFTER_BUS, SeqCst);
            }
        }
        let hold_us = self.config().BusResetHoldTime;
        if hold_us != 0 {
            self.gate.close(&call, SETTLING, u64::from(hold_us));
        }
        self.open(RESET);
    }

    /// A request that outlived a bus reset: the miniport has lost it.
    fn request_is_lost(&self, slot: &Slot) -> ! {
        let cpu = Processor::current();
        let machine = super::machine();
        let srb: PVOID = slot.request().srb.cast();
        // SAFETY: an SRB the miniport has is live.
        let timeout_s = unsafe { SrbGetTimeOutValue(srb) };
        let shown = machine.machine_address(srb as usize);
        let extension = machine.machine_address(self.extension as usize);
        cpu.bug_check_after(
            SCSI_VERIFIER_DETECTED_VIOLATION,
            [0x1007, machine.machine_address(self.objects as usize), extension, 0],
            format!(
                "the miniport still has SRB {} {timeout_s} s after HwStorResetBus, which was to complete it",
                report_address(shown)
            ),
            self.hands_of(machine, srb.cast(), "completed"),
        )
    }
}

/// Notes on every request the miniport has of a unit which step it is given.
fn mark(unit: &Unit, step: u8) {
    for slot in unit.slots.iter() {
        let serial = slot.hands.serial();
        if slot.state.load(Acquire) == state::MINIPORT && slot.reached() < step {
            slot.reach(serial, step);
        }
    }
}

/// The use of a slot whose request the miniport has and has taken in.
fn taken_in(slot: &Slot) -> Option<u32> {
    let serial = slot.hands.serial();
    (slot.state.load(Acquire) == state::MINIPORT && slot.hands.is_taken_in()).then_some(serial)
}
