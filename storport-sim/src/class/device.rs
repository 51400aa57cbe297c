//! The disk device objects: one on top of every unit's, from the bus scan to removal.

#![expect(unsafe_code, reason = "fills and reads IRPs and SRBs in driver memory")]

use super::capacity::{self, Capacity};
use super::counters::{Counters, DiskStatistics};
use super::packet::PacketPool;
use super::request::{TIMEOUT_S, dispatch};
use super::trim::Provisioning;
use crate::port::StartError;
use kernel_sim::ddi::{
    DO_DEVICE_INITIALIZING, DO_DIRECT_IO, DRIVER_OBJECT, FALSE, FILE_DEVICE_DISK, IO_TYPE_DRIVER,
    IRP_MJ_MAXIMUM_FUNCTION, IoAttachDeviceToDeviceStack, IoCreateDevice, IoDeleteDevice, IoDetachDevice,
    KeDelayExecutionThread, KernelMode, LARGE_INTEGER, NT_SUCCESS, PDEVICE_OBJECT, PDRIVER_OBJECT,
};
use kernel_sim::machine::Machine;
use parking_lot::Mutex;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};

/// One disk.
pub(super) struct Disk {
    device: PDEVICE_OBJECT,
    /// The unit's device object.
    pub lower: PDEVICE_OBJECT,
    pub capacity: Capacity,
    /// Bytes one SRB may move: whole blocks.
    pub piece_max: u32,
    /// Whether SRBs are extended ones.
    pub is_extended: bool,
    pub counters: Counters,
    /// Pieces that wait to be sent again.
    pub delayed: AtomicU32,
    pub packets: PacketPool,
    /// Seconds a request may take: the class driver's, shared by its disks.
    pub timeout_s: Arc<AtomicU32>,
    /// What the unit says of giving blocks back, once somebody has asked; `None` in it: it takes no UNMAP.
    pub provisioning: OnceLock<Option<Provisioning>>,
}

// SAFETY: the device objects are the machine's, whose I/O manager synchronises their use; the rest is
// read only or Sync.
unsafe impl Sync for Disk {}
// SAFETY: as above.
unsafe impl Send for Disk {}

/// The disks of one adapter. One is added by a later scan, and none goes before the adapter does.
pub(crate) struct Disks {
    driver: PDRIVER_OBJECT,
    transfer_max: u32,
    is_extended: bool,
    timeout_s: Arc<AtomicU32>,
    #[expect(clippy::vec_box, reason = "device extensions point at disks, which must not move")]
    disks: Mutex<Vec<Box<Disk>>>,
}

// SAFETY: as for `Disk`.
unsafe impl Sync for Disks {}
// SAFETY: as for `Disk`.
unsafe impl Send for Disks {}

impl Disks {
    /// A class driver for the units of one adapter; no disk yet. `transfer_max` is what one SRB may move,
    /// in bytes.
    ///
    /// # Errors
    /// When the machine is out of memory.
    pub(crate) fn new(transfer_max: u32, is_extended: bool) -> Result<Disks, StartError> {
        let machine = Machine::current().expect("disks are attached on a machine");
        let driver: PDRIVER_OBJECT = machine.allocate_system(size_of::<DRIVER_OBJECT>()).cast();
        if driver.is_null() {
            return Err(StartError::OutOfMemory);
        }
        // SAFETY: a fresh zeroed block of that size; zero is a valid value for every field.
        unsafe {
            (*driver).Type = IO_TYPE_DRIVER;
            (*driver).Size = size_of::<DRIVER_OBJECT>() as i16;
            (*driver).MajorFunction = [Some(dispatch); IRP_MJ_MAXIMUM_FUNCTION + 1];
        }
        let timeout_s = Arc::new(AtomicU32::new(TIMEOUT_S));
        Ok(Disks { driver, transfer_max, is_extended, timeout_s, disks: Mutex::new(Vec::new()) })
    }

    /// Puts a disk device on top of every unit's that has none. A unit that does not say how big it is
    /// gets none. Returns whether there was memory for all.
    pub(crate) fn attach_new(&self, units: &[PDEVICE_OBJECT]) -> bool {
        let machine = Machine::current().expect("disks are attached on a machine");
        units.iter().all(|lower| {
            let is_known = self.disks.lock().iter().any(|disk| std::ptr::eq(disk.lower, *lower));
            if is_known {
                return true;
            }
            match capacity::ask(machine, *lower, self.is_extended) {
                Some(capacity) => self.attach_one(machine, *lower, capacity),
                None => true,
            }
        })
    }

    fn attach_one(&self, machine: &Machine, lower: PDEVICE_OBJECT, capacity: Capacity) -> bool {
        let mut device = null_mut();
        let block = capacity.block_bytes;
        let mut disk = Box::new(Disk {
            device: null_mut(),
            lower,
            capacity,
            piece_max: (self.transfer_max / block * block).max(block),
            is_extended: self.is_extended,
            counters: Counters::new(machine),
            delayed: AtomicU32::new(0),
            packets: PacketPool::new(machine),
            timeout_s: Arc::clone(&self.timeout_s),
            provisioning: OnceLock::new(),
        });
        // SAFETY: our driver object; the output is on this thread's stack; the lower device is live.
        unsafe {
            let bytes = size_of::<*const Disk>() as u32;
            let status =
                IoCreateDevice(self.driver, bytes, null_mut(), FILE_DEVICE_DISK, 0, FALSE, &raw mut device);
            if !NT_SUCCESS(status) {
                return false;
            }
            disk.device = device;
            (*device).DeviceExtension.cast::<*const Disk>().write(&raw const *disk);
            IoAttachDeviceToDeviceStack(device, lower);
            (*device).SectorSize = u16::try_from(block).unwrap_or(u16::MAX);
            (*device).Flags |= DO_DIRECT_IO;
            (*device).Flags &= !DO_DEVICE_INITIALIZING;
        }
        self.disks.lock().push(disk);
        true
    }

    /// The device objects, in the order of the units.
    pub(crate) fn devices(&self) -> Vec<PDEVICE_OBJECT> {
        self.disks.lock().iter().map(|disk| disk.device).collect()
    }

    /// How long requests may take from now on, in seconds; 0: for ever.
    pub(crate) fn set_timeout_s(&self, timeout_s: u32) {
        self.timeout_s.store(timeout_s, SeqCst);
    }

    /// The unit's device object under a disk; `None` if it is none of these.
    pub(crate) fn lower_of(&self, device: PDEVICE_OBJECT) -> Option<PDEVICE_OBJECT> {
        let disks = self.disks.lock();
        disks.iter().find(|disk| std::ptr::eq(disk.device, device)).map(|disk| disk.lower)
    }

    /// What has happened to the requests of one disk; `None` if it is none of these.
    pub(crate) fn statistics(&self, device: PDEVICE_OBJECT) -> Option<DiskStatistics> {
        let disks = self.disks.lock();
        disks.iter().find(|disk| std::ptr::eq(disk.device, device)).map(|disk| disk.counters.sum())
    }

    /// Waits until no piece waits to be sent again. New ones fail below us by now.
    pub(crate) fn wait_for_delayed(&self) {
        while self.disks.lock().iter().any(|disk| disk.delayed.load(SeqCst) != 0) {
            let mut interval = LARGE_INTEGER::new(-10_000);
            // SAFETY: PASSIVE_LEVEL; the interval is on this thread's stack.
            unsafe { KeDelayExecutionThread(KernelMode, FALSE, &raw mut interval) };
        }
    }

    /// Takes the devices off their stacks and deletes them. Nothing may be outstanding.
    pub(crate) fn detach(&self) {
        let machine = Machine::current().expect("disks are detached on a machine");
        for disk in self.disks.lock().iter() {
            // SAFETY: devices of ours, detached and deleted once.
            unsafe {
                IoDetachDevice(disk.lower);
                IoDeleteDevice(disk.device);
            }
            disk.packets.free_memory(machine);
        }
        machine.free_system(self.driver.cast());
    }
}
