//! One logical unit: its address, its extension, and the queue of its requests.
//!
//! A request waits in `waiting` or occupies a slot. A slot is the port driver's record of an SRB that the
//! miniport has; its state says whose the SRB is, and the code that changes the state takes the SRB over.
//! Invariant: `outstanding` is the number of slots that are not free.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter::AdapterState;
use super::gates::Gate;
use super::hands::Hands;
use super::loan::Loan;
use super::machine;
use super::slots::{self, SPARE, Slots};
use crate::ddi::{PSCSI_REQUEST_BLOCK, STOR_SCATTER_GATHER_LIST, SrbRoom};
use kernel_sim::ddi::{
    DEVICE_OBJECT, KDPC, KTIMER, KeInitializeDpc, KeInitializeTimer, PIRP, PKEVENT, PMDL, PVOID,
};
use kernel_sim::machine::Machine;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::ptr::null_mut;
use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicU32, Ordering::AcqRel, Ordering::Acquire, Ordering::Relaxed,
    Ordering::Release,
};

/// Where a unit is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Address {
    pub path: u8,
    pub target: u8,
    pub lun: u8,
}

/// A request on its way to the miniport.
#[derive(Clone, Copy)]
pub(super) struct Request {
    pub srb: PSCSI_REQUEST_BLOCK,
    /// The IRP to complete, or null.
    pub irp: PIRP,
    /// The event to signal if there is no IRP. Neither: the request is a step of recovery.
    pub event: PKEVENT,
    pub mdl: PMDL,
    /// System address of the data.
    pub data: PVOID,
    /// `DataBuffer` as the class driver set it.
    pub buffer: PVOID,
    /// How often the miniport said "busy".
    pub retries: u8,
}

// SAFETY: pointers to objects of the machine; they belong to the one holder of the request.
unsafe impl Send for Request {}

/// Whose the SRB of a slot is.
pub(super) mod state {
    pub const FREE: u32 = 0;
    pub const MINIPORT: u32 = 1;
    /// RequestComplete was called; the completion DPC has not come to it.
    pub const DONE: u32 = 2;
}

/// The record of one SRB the miniport has. All atomics, so that a driver that names an SRB it does
/// not own can do no worse than read a stale pointer.
#[derive(Default)]
pub(super) struct Slot {
    pub state: AtomicU32,
    pub srb: AtomicPtr<crate::ddi::SCSI_REQUEST_BLOCK>,
    /// The SRB as the miniport was given it last: another than the sender's where it was lent as a copy.
    pub given: AtomicPtr<crate::ddi::SCSI_REQUEST_BLOCK>,
    irp: AtomicPtr<kernel_sim::ddi::IRP>,
    event: AtomicPtr<kernel_sim::ddi::KEVENT>,
    pub mdl: AtomicPtr<kernel_sim::ddi::MDL>,
    pub data: AtomicPtr<std::ffi::c_void>,
    buffer: AtomicPtr<std::ffi::c_void>,
    /// `DataTransferLength` as the miniport was given it.
    pub length: AtomicU32,
    retries: AtomicU8,
    /// The processor the request was handed out on.
    pub origin: AtomicU8,
    pub dma: SlotDma,
    /// The tick at which the request has taken too long; 0: never.
    pub due: AtomicU32,
    /// How far recovery has gone for it, and for which use of the slot that holds; see `recovery`.
    reached: AtomicU32,
    /// When it changed hands.
    pub hands: Hands,
    /// What of the request is lent as a copy; see `loan`.
    pub loan: Mutex<Option<Loan>>,
    /// The SRB extension that is lent with the request instead of the slot's own, or null.
    pub lent_extension: AtomicPtr<std::ffi::c_void>,
}

/// As much of a slot's serial number as [`Slot::reached`] keeps.
const SERIAL: u32 = 0x00FF_FFFF;

/// What a slot's request lets the device reach, and its scatter/gather list.
#[derive(Default)]
pub(super) struct SlotDma {
    /// The list, made when the slot first needs one.
    pub list: AtomicPtr<STOR_SCATTER_GATHER_LIST>,
    pub list_room: AtomicU32,
    pub has_list: AtomicBool,
    pub data_bytes: AtomicU32,
    pub sense: AtomicPtr<std::ffi::c_void>,
    pub sense_bytes: AtomicU32,
}

impl Slot {
    /// Fills the slot and gives the SRB to the miniport.
    #[inline]
    pub(super) fn hand_out(&self, request: &Request, due: u32, origin: u8) {
        self.restore(request);
        self.given.store(request.srb, Relaxed);
        self.due.store(due, Relaxed);
        self.origin.store(origin, Relaxed);
        self.hands.begin();
        self.state.store(state::MINIPORT, Release);
    }

    /// Names the parts of the slot's request.
    #[inline]
    pub(super) fn restore(&self, request: &Request) {
        self.srb.store(request.srb, Relaxed);
        self.irp.store(request.irp, Relaxed);
        self.event.store(request.event, Relaxed);
        self.mdl.store(request.mdl, Relaxed);
        self.data.store(request.data, Relaxed);
        self.buffer.store(request.buffer, Relaxed);
        self.retries.store(request.retries, Relaxed);
    }

    /// Takes the SRB back from the miniport; `false` if it does not have it.
    #[inline]
    pub(super) fn take_back(&self) -> bool {
        self.state.compare_exchange(state::MINIPORT, state::DONE, AcqRel, Acquire).is_ok()
    }

    /// The step of recovery that has been tried for the slot's request; 0: none.
    pub(super) fn reached(&self) -> u8 {
        let reached = self.reached.load(Relaxed);
        if reached >> 8 == self.hands.serial() & SERIAL { reached as u8 } else { 0 }
    }

    /// Notes that a step of recovery has been tried for the use `serial` of the slot. A slot that has been
    /// used again meanwhile does not take it for its own.
    pub(super) fn reach(&self, serial: u32, step: u8) {
        self.reached.store((serial & SERIAL) << 8 | u32::from(step), Relaxed);
    }

    /// The IRP of the slot's request, or null.
    pub(super) fn irp(&self) -> PIRP {
        self.irp.load(Relaxed)
    }

    #[inline]
    pub(super) fn request(&self) -> Request {
        Request {
            srb: self.srb.load(Relaxed),
            irp: self.irp.load(Relaxed),
            event: self.event.load(Relaxed),
            mdl: self.mdl.load(Relaxed),
            data: self.data.load(Relaxed),
            buffer: self.buffer.load(Relaxed),
            retries: self.retries.load(Relaxed),
        }
    }
}

/// Requests of one unit.
pub(super) struct Queue {
    pub waiting: VecDeque<Request>,
    /// Free slots, the one that has been free longest first: so an SRB extension that a miniport touches too
    /// late most likely belongs to no other request.
    free: VecDeque<u16>,
    pub outstanding: u32,
    pub depth: u32,
    /// The unit's device is removed: requests of others than the port driver are refused.
    pub is_closed: bool,
    /// It is removed, and its memory goes: every request is refused.
    pub is_removed: bool,
}

/// What becomes of a request that was sent to a unit.
pub(super) enum Admission {
    /// It has this slot.
    Starts(u16),
    /// It waits behind the others.
    Waits,
    /// The unit's device is gone for good.
    Refused,
}

/// The kernel objects of one unit, in the machine's memory.
#[repr(C)]
struct Objects {
    gate_timer: KTIMER,
    gate_dpc: KDPC,
    reset: SrbRoom,
}

/// One logical unit.
pub(crate) struct Unit {
    pub(super) index: u16,
    pub(super) address: Address,
    adapter: *const AdapterState,
    pub(super) slots: Slots,
    /// How many requests can be outstanding at once when it has all of its slots.
    depth_max: u16,
    pub(super) queue: Mutex<Queue>,
    pub(super) gate: Gate,
    /// What StorPortGetLogicalUnit returns; null if the miniport asked for none.
    pub(super) extension: PVOID,
    /// SRB extensions of the first slots, and of the others.
    srb_extensions: [AtomicPtr<std::ffi::c_void>; 2],
    srb_extension_bytes: usize,
    objects: *mut Objects,
    pub(super) device: AtomicPtr<DEVICE_OBJECT>,
    /// The step of recovery that is under way; see `recovery`.
    pub(super) recovering: AtomicU8,
    /// The unit no longer responds: requests for it fail.
    pub(super) is_gone: AtomicBool,
    /// Made for one request to the adapter, and no unit of the bus: scans and addresses do not know it.
    pub(super) is_private: AtomicBool,
}

// SAFETY: raw pointers are to objects of the machine or to the adapter that owns the unit; the unit
// itself only computes with them. The rest is Sync.
unsafe impl Sync for Unit {}
// SAFETY: the machine runs its processors on several host threads, and its objects synchronise themselves.
unsafe impl Send for Unit {}

impl Unit {
    /// A unit with the memory that probes of it need; `None`: the machine is out of memory.
    pub(super) fn new(
        machine: &Machine,
        adapter: &AdapterState,
        index: u16,
        address: Address,
    ) -> Option<Box<Unit>> {
        let config = adapter.config();
        let depth_max = config.MaxIOsPerLun.clamp(1, adapter.lun_depth_max());
        let srb_extension_bytes = (config.SrbExtensionSize as usize).next_multiple_of(64);
        let allocate =
            |bytes: usize| if bytes == 0 { Some(null_mut()) } else { some(machine.allocate_system(bytes)) };
        let unit = Box::new(Unit {
            index,
            address,
            adapter,
            slots: Slots::default(),
            depth_max: depth_max as u16,
            queue: Mutex::new(Queue {
                waiting: VecDeque::new(),
                free: (0..SPARE).collect(),
                outstanding: 0,
                depth: adapter.initial_lun_depth().clamp(1, depth_max),
                is_closed: false,
                is_removed: false,
            }),
            gate: Gate::new(),
            extension: allocate(config.SpecificLuExtensionSize as usize)?,
            srb_extensions: [
                AtomicPtr::new(allocate(srb_extension_bytes * slots::FIRST)?),
                AtomicPtr::default(),
            ],
            srb_extension_bytes,
            objects: allocate(size_of::<Objects>())?.cast(),
            device: AtomicPtr::new(null_mut()),
            recovering: AtomicU8::new(0),
            is_gone: AtomicBool::new(false),
            is_private: AtomicBool::new(false),
        });
        // SAFETY: a fresh zeroed block of that size; the unit is boxed and owned by its adapter.
        unsafe {
            let context: PVOID = (&raw const *unit).cast_mut().cast();
            KeInitializeTimer(&raw mut (*unit.objects).gate_timer);
            KeInitializeDpc(&raw mut (*unit.objects).gate_dpc, Some(super::gates::unit_gate_dpc), context);
            unit.gate.attach(&raw mut (*unit.objects).gate_timer, &raw mut (*unit.objects).gate_dpc);
        }
        Some(unit)
    }

    /// Gives the unit the rest of its slots, with their memory, if it has not got them: it is there, and will
    /// have requests. `false`: the machine is out of memory.
    pub(super) fn complete_slots(&self, machine: &Machine) -> bool {
        let others = usize::from(self.depth_max) + 1 - slots::FIRST;
        let (has_all, bytes) = (self.slots.len() == slots::FIRST + others, others * self.srb_extension_bytes);
        if has_all {
            return true;
        }
        if bytes != 0 {
            let Some(block) = some(machine.allocate_system(bytes)) else { return false };
            self.srb_extensions[1].store(block, Release);
        }
        self.slots.add(others);
        self.queue.lock().free.extend(slots::FIRST as u16..=self.depth_max);
        true
    }

    /// Gives the unit's memory back. Nothing may be outstanding, and no DPC queued.
    pub(super) fn free_memory(&self, machine: &Machine) {
        for slot in self.slots.iter() {
            let list = slot.dma.list.swap(null_mut(), Acquire);
            if !list.is_null() {
                machine.free_system(list.cast());
            }
        }
        let [first, others] = self.srb_extensions.each_ref().map(|block| block.load(Acquire));
        for block in [self.extension, first, others, self.objects.cast()] {
            if !block.is_null() {
                machine.free_system(block);
            }
        }
    }

    pub(super) fn adapter(&self) -> &AdapterState {
        // SAFETY: an adapter owns its units and never moves.
        unsafe { &*self.adapter }
    }

    /// The SRB extension that goes with the request of a slot; null if the miniport asked for none. Not
    /// zeroed.
    #[inline]
    pub(super) fn srb_extension(&self, slot: u16) -> PVOID {
        let lent = self.slots[usize::from(slot)].lent_extension.load(Relaxed);
        if lent.is_null() { self.own_srb_extension(slot) } else { lent }
    }

    /// The SRB extension that belongs to a slot.
    #[inline]
    pub(super) fn own_srb_extension(&self, slot: u16) -> PVOID {
        let slot = usize::from(slot);
        let (block, n) = if slot < slots::FIRST { (0, slot) } else { (1, slot - slots::FIRST) };
        let block = self.srb_extensions[block].load(Acquire);
        if block.is_null() {
            return null_mut();
        }
        block.wrapping_byte_add(n * self.srb_extension_bytes)
    }

    pub(super) fn srb_extension_bytes(&self) -> usize {
        self.srb_extension_bytes
    }

    /// The slot whose SRB extension holds an address. Only a guarded machine lends extensions, and only
    /// there is each slot asked.
    #[inline]
    pub(super) fn slot_of_extension(&self, address: usize) -> Option<u16> {
        self.slot_of_own_extension(address)
            .or_else(|| machine().is_guarded().then(|| self.slot_of_lent_extension(address)).flatten())
    }

    #[inline]
    fn slot_of_own_extension(&self, address: usize) -> Option<u16> {
        let is_used = |slot: &Slot| slot.lent_extension.load(Relaxed).is_null();
        let ends = [slots::FIRST, self.slots.len()];
        for (block, (begin, end)) in self.srb_extensions.iter().zip([0, slots::FIRST].into_iter().zip(ends)) {
            let block = block.load(Acquire) as usize;
            let n = address.wrapping_sub(block).checked_div(self.srb_extension_bytes)?;
            if block != 0 && n < end - begin {
                let slot = begin + n;
                return self.slots.get(slot).is_some_and(is_used).then_some(slot as u16);
            }
        }
        None
    }

    #[cold]
    fn slot_of_lent_extension(&self, address: usize) -> Option<u16> {
        let is_lent = |slot: &Slot| {
            let start = slot.lent_extension.load(Relaxed);
            !start.is_null() && address.wrapping_sub(start as usize) < self.srb_extension_bytes
        };
        self.slots.iter().position(is_lent).map(|slot| slot as u16)
    }

    /// The slot kept back for recovery.
    pub(super) fn spare_slot(&self) -> u16 {
        SPARE
    }

    /// The SRB of recovery.
    pub(super) fn reset_srb(&self) -> *mut SrbRoom {
        // SAFETY: the unit's objects live as long as it is known; only an address is taken.
        unsafe { &raw mut (*self.objects).reset }
    }

    /// The largest depth the unit can be given.
    pub(super) fn depth_max(&self) -> u32 {
        u32::from(self.depth_max)
    }

    fn is_open(&self) -> bool {
        self.gate.is_open() && self.adapter().gate.is_open()
    }

    /// A slot for a new request, or none: then the request waits behind the others.
    #[inline]
    pub(super) fn admit(&self, request: &Request) -> Admission {
        let mut queue = self.queue.lock();
        if queue.is_removed || queue.is_closed && !request.irp.is_null() {
            return Admission::Refused;
        }
        if queue.waiting.is_empty()
            && self.is_open()
            && queue.has_room()
            && self.adapter().throttle.take()
            && let Some(slot) = queue.occupy()
        {
            return Admission::Starts(slot);
        }
        queue.waiting.push_back(*request);
        Admission::Waits
    }

    /// A slot for a request that goes past what holds others back.
    pub(super) fn admit_past_gates(&self) -> Option<u16> {
        let mut queue = self.queue.lock();
        let slot = queue.occupy()?;
        self.adapter().throttle.take_anyway();
        Some(slot)
    }

    /// The next waiting request that may start, and a slot for it.
    pub(super) fn next(&self) -> Option<(u16, Request)> {
        let mut queue = self.queue.lock();
        self.next_of(&mut queue)
    }

    #[inline]
    fn next_of(&self, queue: &mut Queue) -> Option<(u16, Request)> {
        if queue.waiting.is_empty() || !queue.has_room() || !self.is_open() || !self.adapter().throttle.take()
        {
            return None;
        }
        let slot = queue.occupy()?;
        Some((slot, queue.waiting.pop_front().expect("not empty")))
    }

    /// Frees a slot; returns the next request that may start, and whether the unit is idle now.
    #[inline]
    pub(super) fn release(&self, slot: u16) -> (Option<(u16, Request)>, bool) {
        self.slots[usize::from(slot)].state.store(state::FREE, Release);
        self.adapter().throttle.give();
        let mut queue = self.queue.lock();
        queue.vacate(slot);
        let next = self.next_of(&mut queue);
        (next, queue.outstanding == 0 && queue.waiting.is_empty())
    }

    /// Frees a slot whose request has to be sent again: it goes before those that wait.
    pub(super) fn put_back(&self, slot: u16, request: Request) {
        self.slots[usize::from(slot)].state.store(state::FREE, Release);
        self.adapter().throttle.give();
        let mut queue = self.queue.lock();
        queue.vacate(slot);
        queue.waiting.push_front(request);
    }

    /// Whether no request waits or is outstanding, of recovery neither.
    pub(super) fn is_idle(&self) -> bool {
        if self.recovering.load(Acquire) != 0 {
            return false;
        }
        let queue = self.queue.lock();
        queue.outstanding == 0 && queue.waiting.is_empty()
    }
}

impl Queue {
    /// Whether one more request may be outstanding. A unit that is being probed may have been given a depth
    /// that it has no slots for yet.
    #[inline]
    fn has_room(&self) -> bool {
        self.outstanding < self.depth && !self.free.is_empty()
    }

    #[inline]
    fn occupy(&mut self) -> Option<u16> {
        let slot = self.free.pop_front()?;
        self.outstanding += 1;
        Some(slot)
    }

    #[inline]
    fn vacate(&mut self, slot: u16) {
        self.free.push_back(slot);
        self.outstanding -= 1;
    }
}

fn some(block: PVOID) -> Option<PVOID> {
    (!block.is_null()).then_some(block)
}
