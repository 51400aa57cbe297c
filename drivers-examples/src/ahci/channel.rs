//! The device extension: the adapter, its channels (ports), and what a request keeps in its SRB extension.
//!
//! Channels are plain data under the interrupt lock. A routine that Storport calls with it (HwStorInterrupt,
//! ScsiStopAdapter, ScsiRestartAdapter) or that takes it ([`InterruptGuard`]) may turn the pointer into a
//! reference. What Storport itself writes (the DPC, timers) lies outside of them. Invariant: an SRB is in one
//! place: a list of its channel (`waiting`, `completed`, `resets`), a slot, or Storport's.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ata::{CommandTable, PortMemory};
use super::ddi::*;
use super::device::Device;
use super::registers;
use std::ptr::null_mut;

/// Ports an adapter can have, and slots of a port.
pub const CHANNELS_MAX: usize = 32;
pub const SLOTS: u32 = 32;
/// The slot of the driver's own commands; requests use the others.
pub const OWN_SLOT: u32 = 0;

/// The device extension. Zeroed by Storport.
#[repr(C)]
pub struct Adapter {
    /// The mapped registers.
    pub base: *mut u8,
    /// Ports there are, by bits.
    pub implemented: u32,
    /// The highest of them, and one.
    pub channel_count: u32,
    /// Slots of each port.
    pub slot_count: u32,
    pub takes_queued_commands: bool,
    /// Power is switched by ScsiAdapterPower: the parameter `AdapterPower`.
    pub is_power_managed: bool,
    /// It has been pulled out, or is about to be removed: nothing is started any more.
    pub is_gone: bool,
    /// Completes requests and reports changes of the bus.
    pub completion_dpc: STOR_DPC,
    pub channels: [Channel; CHANNELS_MAX],
}

/// The stages of a channel's start, from nothing to I/O.
#[repr(u32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    /// Not started, or stopped with the adapter.
    Stopped = 0,
    /// No device behind the port.
    Absent,
    /// Waits for PxCMD.CR to clear, to be reset.
    Stopping,
    /// Holds COMRESET.
    Resetting,
    /// Waits for the link.
    WaitLink,
    /// Waits for the device's first frame.
    WaitReady,
    /// Waits for identify data.
    Identify,
    /// Takes requests.
    Running,
    /// Waits for PxCMD.CR to clear after an error.
    StoppingAfterError,
    /// Asks which queued command failed.
    ReadLog,
    /// Asks an ATAPI device why its command failed.
    RequestSense,
}

/// The registers at the time of an error.
#[derive(Clone, Copy)]
pub struct Failure {
    pub is_fatal: bool,
    /// The slot whose command was being carried out.
    pub slot: u32,
    pub status: u8,
    pub error: u8,
    pub lba: u64,
}

/// One port.
#[repr(C)]
pub struct Channel {
    pub DeviceExtension: PVOID,
    pub number: u32,
    /// Its registers.
    pub base: *mut u8,
    pub memory: *mut PortMemory,
    pub memory_physical: u64,
    /// Made by StorPortInitializeTimer; null before the passive initialisation and after the removal.
    pub timer: PVOID,
    pub is_timer_armed: bool,

    pub phase: Phase,
    /// Timer ticks this phase may take.
    pub ticks_left: u32,
    /// Starts since the device last ran.
    pub attempts: u32,
    /// The status for requests that the device has when it is reset.
    pub reset_status: UCHAR,
    pub failure: Failure,
    pub device: Device,

    /// Requests the device has, by slot, and which slots those are.
    pub slots: [PSCSI_REQUEST_BLOCK; SLOTS as usize],
    pub issued: u32,
    /// Those of them that are queued commands.
    pub queued: u32,
    /// The request that runs has the device for itself.
    pub is_exclusive: bool,
    /// A command of the driver's own is out.
    pub is_own_out: bool,
    /// Slots whose requests were with the device when an error stopped it.
    pub suspended: u32,
    pub was_queued: bool,
    pub next_sequence: u64,

    pub waiting: List,
    pub completed: List,
    pub resets: List,
    /// The bus is to be looked at again.
    pub has_changed: bool,
}

/// Which other requests a request goes together with.
#[repr(u32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// Native command queueing: with others of its class.
    Queued,
    /// With others of its class; the adapter sends them one after the other.
    Normal,
    /// Alone.
    Exclusive,
}

/// A request's SRB extension. Not zeroed by Storport.
#[repr(C)]
pub struct Request {
    pub next: PSCSI_REQUEST_BLOCK,
    /// In `room`, at a multiple of 128.
    pub table: *mut CommandTable,
    pub table_physical: u64,
    /// PRDs of the SRB's data.
    pub prds: u32,
    /// The command has been written to the table.
    pub is_translated: bool,
    pub class: Class,
    /// Flags of the command header.
    pub header: u32,
    /// Bytes that must move, or the SRB's transfer was short.
    pub bytes: u32,
    /// In which order requests were given to the device.
    pub sequence: u64,
    pub room: [u8; ROOM],
}

/// Room for an aligned table, and a sector of TRIM ranges behind it.
pub const TABLE_ALIGNMENT: usize = 128;
pub const TRIM_OFFSET: usize = size_of::<CommandTable>().next_multiple_of(16);
const ROOM: usize = TABLE_ALIGNMENT + TRIM_OFFSET + super::ata::SECTOR;

/// The request of an SRB.
///
/// # Safety
/// The SRB is the miniport's.
pub unsafe fn request(Srb: PSCSI_REQUEST_BLOCK) -> *mut Request {
    SrbGetMiniportContext(Srb.cast()).cast()
}

/// A list of SRBs through their extensions, oldest first.
#[repr(C)]
pub struct List {
    first: PSCSI_REQUEST_BLOCK,
    last: PSCSI_REQUEST_BLOCK,
}

impl List {
    pub const fn new() -> List {
        List { first: null_mut(), last: null_mut() }
    }

    pub fn first(&self) -> PSCSI_REQUEST_BLOCK {
        self.first
    }

    pub fn is_empty(&self) -> bool {
        self.first.is_null()
    }

    pub unsafe fn push(&mut self, Srb: PSCSI_REQUEST_BLOCK) {
        (*request(Srb)).next = null_mut();
        if self.first.is_null() {
            self.first = Srb;
        } else {
            (*request(self.last)).next = Srb;
        }
        self.last = Srb;
    }

    pub unsafe fn push_front(&mut self, Srb: PSCSI_REQUEST_BLOCK) {
        (*request(Srb)).next = self.first;
        if self.first.is_null() {
            self.last = Srb;
        }
        self.first = Srb;
    }

    /// The oldest; null if there is none.
    pub unsafe fn pop(&mut self) -> PSCSI_REQUEST_BLOCK {
        let Srb = self.first;
        if !Srb.is_null() {
            self.first = (*request(Srb)).next;
        }
        Srb
    }

    pub fn take(&mut self) -> List {
        std::mem::replace(self, List::new())
    }
}

/// A handle for [`InterruptGuard`].
pub fn unused_handle() -> STOR_LOCK_HANDLE {
    // SAFETY: plain data, which StorPortAcquireSpinLock fills in.
    unsafe { std::mem::zeroed() }
}

/// The interrupt lock, taken by the driver; given back when it goes. The handle stays where it is: the queue
/// of the lock goes through it.
pub struct InterruptGuard<'a> {
    DeviceExtension: PVOID,
    handle: &'a mut STOR_LOCK_HANDLE,
}

impl InterruptGuard<'_> {
    pub unsafe fn acquire(DeviceExtension: PVOID, handle: &mut STOR_LOCK_HANDLE) -> InterruptGuard<'_> {
        StorPortAcquireSpinLock(DeviceExtension, InterruptLock, null_mut(), handle);
        InterruptGuard { DeviceExtension, handle }
    }
}

impl Drop for InterruptGuard<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is the one StorPortAcquireSpinLock filled in.
        unsafe { StorPortReleaseSpinLock(self.DeviceExtension, self.handle) };
    }
}

/// A channel of the adapter.
///
/// # Safety
/// The interrupt lock is held as long as the reference is used, and no other reference to the channel is.
pub unsafe fn channel<'a>(DeviceExtension: PVOID, number: u32) -> &'a mut Channel {
    &mut (*DeviceExtension.cast::<Adapter>()).channels[number as usize % CHANNELS_MAX]
}

/// The numbers of the ports there are.
pub unsafe fn numbers(DeviceExtension: PVOID) -> impl Iterator<Item = u32> {
    let implemented = (*DeviceExtension.cast::<Adapter>()).implemented;
    (0..CHANNELS_MAX as u32).filter(move |n| implemented & 1 << n != 0)
}

impl Channel {
    pub unsafe fn read(&self, offset: usize) -> u32 {
        registers::read(self.DeviceExtension, self.base, offset)
    }

    pub unsafe fn write(&self, offset: usize, value: u32) {
        registers::write(self.DeviceExtension, self.base, offset, value);
    }

    pub unsafe fn adapter_is_gone(&self) -> bool {
        (*self.DeviceExtension.cast::<Adapter>()).is_gone
    }

    /// Hands a finished SRB to the DPC.
    pub unsafe fn complete(&mut self, Srb: PSCSI_REQUEST_BLOCK, status: UCHAR) {
        SrbSetSrbStatus(Srb.cast(), status);
        self.completed.push(Srb);
    }

    /// Has the DPC run if it has anything to do. To be called before the interrupt lock is given back.
    pub unsafe fn ask_for_dpc(&self) {
        if !self.completed.is_empty() || self.has_changed {
            let dpc = &raw mut (*self.DeviceExtension.cast::<Adapter>()).completion_dpc;
            StorPortIssueDpc(self.DeviceExtension, dpc, null_mut(), null_mut());
        }
    }
}
