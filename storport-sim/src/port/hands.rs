//! When SRBs changed hands: what a slot remembers of its request, for those who report a mistake later.
//!
//! A slot notes when its SRB was handed to a callback of the miniport, the last call the driver made in that
//! callback, and when the SRB was given back. What it noted stays until the slot is used again, so a
//! completion that comes too late still finds the first one. Nothing here decides anything. Invariant: where
//! it is not certain which request a note is about, there is no note. (The parallel executor has no order of
//! steps, so it knows less.)

use super::adapter::AdapterState;
use super::unit::{Slot, Unit, state};
use super::{ADAPTERS_MAX, Port, order};
use crate::ddi::PSCSI_REQUEST_BLOCK;
use kernel_sim::ddi::{Call, PIRP};
use kernel_sim::frame::Item;
use kernel_sim::hook::Owner;
use kernel_sim::lent::Lent;
use kernel_sim::machine::Machine;
use kernel_sim::moment::Moment;
use kernel_sim::processor::Processor;
use kernel_sim::report_address;
use kernel_sim::routine::Callback;
use kernel_sim::site::Site;
use kernel_sim::stamp::{Mark, Stamp};
use std::sync::atomic::{AtomicU32, Ordering::Acquire, Ordering::Relaxed, Ordering::Release};

/// What a slot notes of its present or last request.
#[derive(Default)]
pub(super) struct Hands {
    /// Which use of the slot this is.
    serial: AtomicU32,
    /// The last use whose callbacks have all returned: the miniport has taken the SRB in.
    taken_in: AtomicU32,
    handed_out: Stamp,
    given_back: Stamp,
}

impl Hands {
    /// The slot is filled anew.
    #[inline]
    pub(super) fn begin(&self) {
        self.serial.store(self.serial.load(Relaxed).wrapping_add(1), Release);
        self.handed_out.clear();
        self.given_back.clear();
    }

    /// Which use of the slot this is.
    pub(super) fn serial(&self) -> u32 {
        self.serial.load(Acquire)
    }

    /// Whether HwStorBuildIo and HwStorStartIo have returned for the present use. While one of them runs, a
    /// reset on another processor cannot know of the request.
    pub(super) fn is_taken_in(&self) -> bool {
        self.taken_in.load(Acquire) == self.serial()
    }
}

/// A slot's SRB on its way through one callback of the miniport.
pub(super) struct Visit<'a> {
    slot: &'a Slot,
    serial: u32,
}

impl<'a> Visit<'a> {
    /// Before the first callback: the SRB has just been handed out.
    #[inline]
    pub(super) fn new(slot: &'a Slot, cpu: &Processor, kind: &'static Callback) -> Visit<'a> {
        slot.hands.handed_out.note(Mark::of_entry(cpu, kind));
        cpu.moved(Site::caller(), slot.item(), Owner::System, Owner::Driver);
        Visit { slot, serial: slot.hands.serial.load(Relaxed) }
    }

    /// Before the next callback with the same SRB, unless the miniport has given it back.
    #[inline]
    pub(super) fn goes_on(&self, cpu: &Processor, kind: &'static Callback) {
        if self.is_still_out() {
            self.slot.hands.handed_out.note(Mark::of_entry(cpu, kind));
        }
    }

    /// The callback, which is the innermost frame, is about to return.
    #[inline]
    pub(super) fn returns(&self, cpu: &Processor) {
        if self.is_still_out() {
            self.slot.hands.handed_out.note_site(cpu.frame().last_site());
        }
    }

    /// The last callback has returned. The slot may be in use again by now; then this says nothing of it.
    #[inline]
    pub(super) fn ends(self) {
        self.slot.hands.taken_in.store(self.serial, Release);
    }

    /// Whether the miniport certainly has this very SRB. Under the parallel executor that may change at any
    /// time.
    fn is_still_out(&self) -> bool {
        super::machine().is_deterministic()
            && self.slot.state.load(Acquire) == state::MINIPORT
            && self.slot.hands.serial.load(Relaxed) == self.serial
    }
}

impl Slot {
    /// The miniport has given the SRB back in this call: notes it, and tells those who watch.
    #[inline]
    pub(super) fn given_back(&self, call: &Call) {
        self.hands.given_back.note(Mark::of(call));
        order::request_ends(call.cpu, self, self.srb.load(Relaxed).cast());
        call.cpu.moved(call.site, self.item(), Owner::Driver, Owner::System);
    }

    fn item(&self) -> Item {
        Item::Srb(self.given.load(Relaxed) as usize)
    }

    /// When the SRB was handed out, and when it was given back, which is called `given_back`.
    fn moments(&self, machine: &Machine, given_back: &'static str) -> Vec<Moment> {
        let hands = &self.hands;
        let serial = hands.serial();
        let label =
            if hands.handed_out.has_site() { "handed out; last call of that callback" } else { "handed out" };
        let out = hands.handed_out.moment(machine, label);
        let moments = out.into_iter().chain(hands.given_back.moment(machine, given_back)).collect();
        if hands.serial() == serial { moments } else { Vec::new() }
    }

    fn records(&self, srb: PSCSI_REQUEST_BLOCK) -> bool {
        !srb.is_null() && std::ptr::eq(self.given.load(Relaxed), srb)
    }
}

impl AdapterState {
    fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.units().flat_map(|unit| unit.slots.iter())
    }

    /// The slot that recorded an SRB last, if that is certain: also one that is free again.
    pub(super) fn last_record(&self, machine: &Machine, srb: PSCSI_REQUEST_BLOCK) -> Option<&Slot> {
        let mut all = self.slots().filter(|slot| slot.records(srb));
        if machine.is_deterministic() {
            return all.max_by_key(|slot| slot.hands.handed_out.step());
        }
        let first = all.next()?;
        all.next().is_none().then_some(first)
    }

    /// What is known of the last request that an SRB was: when it was handed out, and when it was given back.
    pub(super) fn hands_of(
        &self,
        machine: &Machine,
        srb: PSCSI_REQUEST_BLOCK,
        given_back: &'static str,
    ) -> Vec<Moment> {
        self.last_record(machine, srb).map_or_else(Vec::new, |slot| slot.moments(machine, given_back))
    }

    /// Where the request of an IRP was last in the miniport's hands.
    fn hands_of_irp(&self, machine: &Machine, irp: PIRP) -> Vec<Moment> {
        let is_it = |slot: &&Slot| std::ptr::eq(slot.irp(), irp);
        let is_out = |slot: &&Slot| is_it(slot) && slot.state.load(Acquire) != state::FREE;
        if let Some(slot) = self.slots().find(is_out) {
            return slot.moments(machine, "completed");
        }
        // One that the miniport gave back as busy waits for its next turn; its slot is free.
        let went_round = |unit: &&Unit| {
            let queue = unit.queue.lock();
            queue.waiting.iter().any(|request| std::ptr::eq(request.irp, irp) && request.retries > 0)
        };
        if !machine.is_deterministic() {
            return Vec::new();
        }
        let tries = self.units().filter(went_round).flat_map(|unit| unit.slots.iter()).filter(is_it);
        let last = tries.max_by_key(|slot| slot.hands.handed_out.step());
        last.map_or_else(Vec::new, |slot| slot.moments(machine, "completed as busy"))
    }
}

impl AdapterState {
    /// The request that an address was lent for last: in the deterministic executor the one sent last, in the
    /// parallel one any.
    fn lent(&self, machine: &Machine, address: usize) -> Option<Lent> {
        let parts = |unit: &Unit, n: usize, slot: &Slot| {
            let ranges = self.reach_of(unit, n as u16, slot).into_iter().zip([
                "data",
                "sense buffer",
                "SRB extension",
            ]);
            let mut hits = ranges.map(|((from, bytes), name)| (address.wrapping_sub(from), bytes, name));
            hits.find(|(offset, bytes, _)| offset < bytes).map(|(offset, _, name)| (offset, name))
        };
        let used = |slot: &Slot| !slot.srb.load(Relaxed).is_null();
        let all =
            self.units().flat_map(|unit| unit.slots.iter().enumerate().map(move |(n, slot)| (unit, n, slot)));
        let hits = all
            .filter(|(_, _, slot)| used(slot))
            .filter_map(|(unit, n, slot)| Some((slot, parts(unit, n, slot)?)));
        let (slot, (offset, name)) = hits.max_by_key(|(slot, _)| slot.hands.handed_out.step())?;
        let srb = report_address(machine.machine_address(slot.given.load(Relaxed) as usize));
        let given_back = if slot.state.load(Acquire) == state::MINIPORT { "" } else { ", which is complete" };
        Some(Lent {
            what: format!("byte {offset} of the {name} of SRB {srb}{given_back}"),
            moments: slot.moments(machine, "completed"),
        })
    }
}

/// What requests the memory at an address was lent for.
pub(super) fn lent(machine: &Machine, address: usize) -> Option<Lent> {
    adapters(machine).find_map(|adapter| adapter.lent(machine, address))
}

fn adapters(machine: &Machine) -> impl Iterator<Item = &AdapterState> {
    let port = machine.attached_ref::<Port>();
    (0..ADAPTERS_MAX).filter_map(move |n| port?.adapter_at(n))
}

/// When the SRB at an address was handed to its miniport, if a miniport has it.
pub(crate) fn handed_out(machine: &Machine, srb: PSCSI_REQUEST_BLOCK) -> Option<Moment> {
    let is_out = |slot: &&Slot| slot.records(srb) && slot.state.load(Acquire) == state::MINIPORT;
    let slot = adapters(machine).find_map(|adapter| adapter.slots().find(is_out))?;
    slot.moments(machine, "completed").into_iter().next()
}

/// Where the request of an IRP was last in a miniport's hands, oldest first.
pub(crate) fn last_in_hands(machine: &Machine, irp: PIRP) -> Vec<Moment> {
    let known = adapters(machine).map(|adapter| adapter.hands_of_irp(machine, irp));
    known.into_iter().find(|moments| !moments.is_empty()).unwrap_or_default()
}
