//! Requests that take too long: a tick every second while any are outstanding, and `HwStorResetBus`.
//!
//! Of the three tiers of recovery only the last is here: no SRB_FUNCTION_RESET_LOGICAL_UNIT or
//! RESET_DEVICE is sent first. A request that is late again after a reset has been lost by the miniport,
//! which is a bug check and not another reset. The tick is not armed while nothing is outstanding,
//! so a machine on which everybody waits for ever is still seen to stand still.

use super::hba::Hba;
use super::holds::RESET;
use super::own_cx;
use super::unit::{Slot, state};
use crate::callbacks::{HW_STOR_RESET_BUS, STORPORT};
use kernel_sim::bugcheck::SCSI_VERIFIER_DETECTED_VIOLATION;
use kernel_sim::ddi::{PKDPC, PVOID, callback};
use kernel_sim::processor::Processor;
use kernel_sim::{report_address, system};
use std::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};

/// Microseconds between two ticks.
const TICK_US: u64 = 1_000_000;

impl Hba {
    /// The tick at which a request that starts now is late; 0 for one that may take for ever. Sees
    /// to it that ticks come.
    #[inline]
    pub(super) fn due_tick(&self, timeout_s: u32) -> u32 {
        if !self.tick_armed.load(Relaxed) {
            self.arm_tick();
        }
        if timeout_s == 0 { 0 } else { self.ticks.load(Relaxed).saturating_add(timeout_s).saturating_add(1) }
    }

    #[cold]
    fn arm_tick(&self) {
        if !self.tick_armed.swap(true, SeqCst) {
            self.set_tick();
        }
    }

    fn set_tick(&self) {
        // SAFETY: both objects were initialized with the adapter and live as long as it is known.
        unsafe {
            let o = self.objects;
            system::set_timer(&own_cx(), &raw mut (*o).tick_timer, TICK_US, &raw mut (*o).tick_dpc);
        }
    }

    /// Disarms the tick for good.
    pub(super) fn stop_ticks(&self) {
        self.tick_armed.store(true, SeqCst);
        // SAFETY: as in `set_tick`.
        unsafe { system::cancel_timer(&own_cx(), &raw mut (*self.objects).tick_timer) };
    }

    fn is_anything_outstanding(&self) -> bool {
        self.units().any(|unit| unit.queue.lock().outstanding != 0)
    }

    fn tick(&self) {
        let now = self.ticks.fetch_add(1, SeqCst) + 1;
        let mut late_paths = [false; 256];
        for unit in self.units() {
            for slot in &unit.slots {
                if is_late(slot, now) {
                    self.strike(slot, now);
                    late_paths[usize::from(unit.address.path)] = true;
                }
            }
        }
        for path in (0..late_paths.len()).filter(|path| late_paths[*path]) {
            self.reset_bus(path as u32);
        }
        self.tick_armed.store(false, SeqCst);
        // A request that started before the store saw the tick armed; one that starts after it arms it.
        if self.is_anything_outstanding() {
            self.arm_tick();
        }
    }

    /// A request is late: once may be, twice is a request that the miniport has lost.
    fn strike(&self, slot: &Slot, now: u32) {
        let request = slot.request();
        // SAFETY: an SRB the miniport has is live.
        let timeout_s = unsafe { (*request.srb).TimeOutValue };
        slot.due.store(now.saturating_add(timeout_s), Relaxed);
        if slot.strikes.fetch_add(1, Relaxed) == 0 {
            return;
        }
        let cpu = Processor::current();
        let machine = super::machine();
        let srb = machine.machine_address(request.srb as usize);
        let extension = machine.machine_address(self.extension as usize);
        cpu.bug_check(
            SCSI_VERIFIER_DETECTED_VIOLATION,
            [0x1007, machine.machine_address(self.objects as usize), extension, 0],
            format!(
                "the miniport still has SRB {} {timeout_s} s after HwStorResetBus, which was to complete it",
                report_address(srb)
            ),
        )
    }

    fn reset_bus(&self, path: u32) {
        let Some(routine) = self.registration.data.HwResetBus else { return };
        self.gate.close(&own_cx(), RESET, 0);
        self.call_under_start_io_lock(&HW_STOR_RESET_BUS, || {
            // SAFETY: the miniport's own routine, called as documented.
            unsafe { routine(self.extension, path) }
        });
        self.open(RESET);
    }
}

fn is_late(slot: &Slot, now: u32) -> bool {
    let due = slot.due.load(Relaxed);
    due != 0 && due <= now && slot.state.load(Acquire) == state::MINIPORT
}

/// A second has passed.
pub(super) unsafe extern "C-unwind" fn tick_dpc(_dpc: PKDPC, context: PVOID, _a1: PVOID, _a2: PVOID) {
    // SAFETY: the context is the adapter, which is kept until the machine has come to rest.
    let hba = unsafe { &*context.cast::<Hba>() };
    callback(Processor::current(), &STORPORT, || hba.tick());
}
