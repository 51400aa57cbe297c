//! Packets: an SRB with its sense buffer and the state of the request it works for.
//!
//! They are made as the first requests need them and kept for later ones, per processor, so that a
//! request allocates nothing. The packet that has been free longest is used next: a driver that touches
//! an SRB too late then mostly touches one that is not in use.

#![expect(unsafe_code, reason = "fills and reads IRPs and SRBs in driver memory")]

use super::trim::Trim;
use crate::ddi::SrbRoom;
use crossbeam::utils::CachePadded;
use kernel_sim::ddi::{KDPC, KTIMER, PIRP, PVOID};
use kernel_sim::machine::Machine;
use kernel_sim::processor::Processor;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::ffi::c_void;
use std::ptr::null_mut;

/// Bytes of sense data a packet has room for.
const SENSE_BYTES: usize = 64;
/// Packets made at a time.
const SLAB: usize = 16;

/// The command of a packet's SRB.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub(super) enum Operation {
    Read,
    Write,
    Flush,
    Unmap,
}

/// See the module page. Lies in the machine's memory, where the miniport can see the SRB.
#[repr(C)]
pub(super) struct Packet {
    pub srb: SrbRoom,
    pub sense: [u8; SENSE_BYTES],
    /// The `Disk` whose request it is. Opaque here: a disk owns its pool of packets, not the other way round.
    pub disk: *const c_void,
    pub irp: PIRP,
    pub operation: Operation,
    /// First block, bytes in all, bytes done, bytes of the piece that is below us.
    pub block: u64,
    pub length: u32,
    pub done: u32,
    pub piece: u32,
    pub retries: u32,
    /// Bytes that the pieces which succeeded have moved, as their SRBs say: not more than `done` if the
    /// miniport is right.
    pub moved: u32,
    /// The blocks that an UNMAP unmaps; null for other requests.
    pub trim: *mut Trim,
    /// For a piece that is sent again after a while.
    pub timer: KTIMER,
    pub dpc: KDPC,
}

/// A free packet.
struct Free(*mut Packet);
// SAFETY: only the pool refers to a free packet.
unsafe impl Send for Free {}

/// The packets of one disk.
pub(super) struct PacketPool {
    free: Box<[CachePadded<Mutex<VecDeque<Free>>>]>,
    slabs: Mutex<Vec<Slab>>,
}

struct Slab(PVOID);
// SAFETY: the address of a block that the pool owns.
unsafe impl Send for Slab {}

impl PacketPool {
    pub(super) fn new(machine: &Machine) -> PacketPool {
        let processors = usize::from(machine.processor_count());
        PacketPool {
            free: (0..processors).map(|_| CachePadded::default()).collect(),
            slabs: Mutex::new(Vec::new()),
        }
    }

    /// A packet; null when the machine is out of memory. Its contents are those of its last use.
    #[inline]
    pub(super) fn take(&self, cpu: &Processor) -> *mut Packet {
        let packet = self.free[usize::from(cpu.index())].lock().pop_front();
        packet.map_or_else(|| self.grow(cpu), |free| free.0)
    }

    /// Gives a packet back.
    #[inline]
    pub(super) fn give(&self, cpu: &Processor, packet: *mut Packet) {
        self.free[usize::from(cpu.index())].lock().push_back(Free(packet));
    }

    #[cold]
    fn grow(&self, cpu: &Processor) -> *mut Packet {
        let machine = Machine::current().expect("a processor of a machine");
        let slab: *mut Packet = machine.allocate_system(SLAB * size_of::<Packet>()).cast();
        if slab.is_null() {
            return null_mut();
        }
        self.slabs.lock().push(Slab(slab.cast()));
        let mut free = self.free[usize::from(cpu.index())].lock();
        free.extend((1..SLAB).map(|n| Free(slab.wrapping_add(n))));
        slab
    }

    /// Gives all memory back. No packet may be in use.
    pub(super) fn free_memory(&self, machine: &Machine) {
        for list in &self.free {
            list.lock().clear();
        }
        for slab in self.slabs.lock().drain(..) {
            machine.free_system(slab.0);
        }
    }
}
