//! Requests that take too long: a tick every second while any are outstanding.
//!
//! What is done about a late one is recovery's business (`recovery`). The tick is not armed while nothing is
//! outstanding, so a machine on which every thread waits for ever is still seen to stand still.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter::AdapterState;
use super::gates::RESET;
use super::own_cx;
use super::unit::{Slot, state};
use crate::callbacks::STORPORT;
use crate::ddi::SrbGetTimeOutValue;
use kernel_sim::ddi::{PKDPC, PVOID, as_system};
use kernel_sim::processor::Processor;
use kernel_sim::unhooked;
use std::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};

/// Microseconds between two ticks.
const TICK_US: u64 = 1_000_000;

impl AdapterState {
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
            unhooked::set_timer(&own_cx(), &raw mut (*o).tick_timer, TICK_US, &raw mut (*o).tick_dpc);
        }
    }

    /// Disarms the tick for good.
    pub(super) fn stop_ticks(&self) {
        self.tick_armed.store(true, SeqCst);
        // SAFETY: the timer was initialized with the adapter and lives as long as it is known.
        unsafe { unhooked::cancel_timer(&own_cx(), &raw mut (*self.objects).tick_timer) };
    }

    fn is_anything_outstanding(&self) -> bool {
        self.units().any(|unit| unit.recovering.load(Acquire) != 0 || unit.queue.lock().outstanding != 0)
    }

    fn tick(&self) {
        let now = self.ticks.fetch_add(1, SeqCst) + 1;
        for unit in self.units() {
            let late: Vec<&Slot> = unit.slots.iter().filter(|slot| is_late(slot, now)).collect();
            // A bus that is being reset ends the requests it has; what is late is judged afterwards.
            if !late.is_empty() && !self.gate.is_held(RESET) {
                give_more_time(&late, now);
                self.recover(unit, &late);
            }
        }
        self.reset_late_paths();
        self.tick_armed.store(false, SeqCst);
        // A request that started before the store saw the tick armed; one that starts after it arms it.
        if self.is_anything_outstanding() {
            self.arm_tick();
        }
    }
}

fn is_late(slot: &Slot, now: u32) -> bool {
    let due = slot.due.load(Relaxed);
    due != 0 && due <= now && slot.state.load(Acquire) == state::MINIPORT
}

/// Late requests get as much time again: for the reset that follows.
fn give_more_time(late: &[&Slot], now: u32) {
    for slot in late {
        give_time_again(slot, now);
    }
}

/// A request that the miniport has gets its whole time, from tick `now` on.
pub(super) fn give_time_again(slot: &Slot, now: u32) {
    // SAFETY: an SRB the miniport has is live. One that is completed at this moment is memory of the machine
    // still, and the slot's next use sets the tick anew.
    let timeout_s = unsafe { SrbGetTimeOutValue(slot.request().srb.cast()) };
    if timeout_s != 0 {
        slot.due.store(now.saturating_add(timeout_s), Relaxed);
    }
}

/// A second has passed.
pub(super) unsafe extern "C-unwind" fn tick_dpc(_dpc: PKDPC, context: PVOID, _a1: PVOID, _a2: PVOID) {
    // SAFETY: the context is the adapter, which is kept until the machine has come to rest.
    let adapter = unsafe { &*context.cast::<AdapterState>() };
    as_system(Processor::current(), &STORPORT, || adapter.tick());
}
