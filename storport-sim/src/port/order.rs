//! What the port driver orders: which callbacks of an adapter come wholly before which others.
//!
//! The kernel says what locks, DPCs, timers and threads order. Here is what besides comes from the port
//! driver's own tables: what set an adapter up, or changed it, comes before the callbacks that follow; an
//! adapter is controlled and taken down when what was under way is over; a request comes after the use of
//! its slot and of its SRB before, and after it was sent; a gate that opens lets what waited come after.
//! Told to watchers who look for data races (`kernel_sim::hook::Order`). Invariant: what Storport's pages
//! let a miniport rely on is said.

use super::adapter::AdapterState;
use super::unit::Slot;
use crate::callbacks::{
    HW_STOR_ADAPTER_CONTROL, HW_STOR_FIND_ADAPTER, HW_STOR_FREE_ADAPTER_RESOURCES, HW_STOR_INITIALIZE,
    HW_STOR_PASSIVE_INITIALIZE, HW_STOR_UNIT_CONTROL,
};
use kernel_sim::ddi::PVOID;
use kernel_sim::processor::Processor;
use kernel_sim::routine::Callback;

/// Callbacks that find the adapter at rest, or leave it so that others may begin.
static WHOLE: &[&Callback] = &[
    &HW_STOR_FIND_ADAPTER,
    &HW_STOR_INITIALIZE,
    &HW_STOR_PASSIVE_INITIALIZE,
    &HW_STOR_ADAPTER_CONTROL,
    &HW_STOR_UNIT_CONTROL,
    &HW_STOR_FREE_ADAPTER_RESOURCES,
];

impl AdapterState {
    // No memory has such addresses.
    fn set_up(&self) -> usize {
        self.extension as usize | 1 << 62
    }

    fn over(&self) -> usize {
        self.extension as usize | 1 << 63
    }

    /// A callback of that kind begins.
    #[inline]
    pub(super) fn callback_begins(&self, cpu: &Processor, kind: &Callback) {
        cpu.takes(self.set_up());
        if WHOLE.contains(&kind) {
            cpu.takes(self.over());
        }
    }

    /// A callback of that kind has returned.
    #[inline]
    pub(super) fn callback_ended(&self, cpu: &Processor, kind: &Callback) {
        cpu.gives(if WHOLE.contains(&kind) { self.set_up() } else { self.over() });
    }
}

/// A request is sent to the adapter; it may have to wait.
#[inline]
pub(super) fn request_sent(cpu: &Processor, srb: PVOID) {
    cpu.gives(srb as usize);
}

/// A request is about to be given to the miniport, or back to who sent it, in that slot.
#[inline]
pub(super) fn request_goes_on(cpu: &Processor, slot: &Slot, srb: PVOID) {
    cpu.takes_from_both(std::ptr::from_ref(slot) as usize, srb as usize);
}

/// The miniport has given a request back.
#[inline]
pub(super) fn request_ends(cpu: &Processor, slot: &Slot, srb: PVOID) {
    cpu.gives_to_both(std::ptr::from_ref(slot) as usize, srb as usize);
}
