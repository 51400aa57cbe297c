//! The disk device objects: one on top of every unit's, from the bus scan to removal.

#![expect(unsafe_code, reason = "fills and reads IRPs and SRBs in driver memory")]

use super::capacity::{self, Capacity};
use super::counters::DiskStatistics;
use super::disk::Disk;
use super::dispatch::dispatch;
use crate::wait::wait_while;
use kernel_sim::ddi::{
    DO_DEVICE_INITIALIZING, DO_DIRECT_IO, DRIVER_OBJECT, FALSE, FILE_DEVICE_DISK, IO_TYPE_DRIVER,
    IRP_MJ_MAXIMUM_FUNCTION, IoAttachDeviceToDeviceStack, IoCreateDevice, IoDeleteDevice, IoDetachDevice,
    NT_SUCCESS, PDEVICE_OBJECT, PDRIVER_OBJECT,
};
use kernel_sim::machine::Machine;
use parking_lot::Mutex;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

/// Seconds a request may take until [`Disks::set_timeout_s`] (Windows' TimeOutValue for disks).
const TIMEOUT_S: u32 = 60;

/// The disks of one adapter. One is added by a later scan, and none goes before the adapter does.
pub(crate) struct Disks {
    driver: PDRIVER_OBJECT,
    transfer_max: u32,
    is_extended: bool,
    timeout_s: Arc<AtomicU32>,
    #[expect(clippy::vec_box, reason = "device extensions point at disks, which must not move")]
    disks: Mutex<Vec<Box<Disk>>>,
}

// SAFETY: the disks are Sync and behind a mutex; the rest is read only or Sync.
unsafe impl Sync for Disks {}
// SAFETY: no field belongs to a host thread: pointers are to objects of the machine.
unsafe impl Send for Disks {}

impl Disks {
    /// A class driver for the units of one adapter; no disk yet. `transfer_max` is what one SRB may move,
    /// in bytes. `None`: the machine is out of memory.
    pub(crate) fn new(transfer_max: u32, is_extended: bool) -> Option<Disks> {
        let machine = Machine::current().expect("disks are attached on a machine");
        let driver: PDRIVER_OBJECT = machine.allocate_system(size_of::<DRIVER_OBJECT>()).cast();
        if driver.is_null() {
            return None;
        }
        // SAFETY: a fresh zeroed block of that size; zero is a valid value for every field.
        unsafe {
            (*driver).Type = IO_TYPE_DRIVER;
            (*driver).Size = size_of::<DRIVER_OBJECT>() as i16;
            (*driver).MajorFunction = [Some(dispatch); IRP_MJ_MAXIMUM_FUNCTION + 1];
        }
        let timeout_s = Arc::new(AtomicU32::new(TIMEOUT_S));
        Some(Disks { driver, transfer_max, is_extended, timeout_s, disks: Mutex::new(Vec::new()) })
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
        let piece_max = (self.transfer_max / block * block).max(block);
        let timeout_s = Arc::clone(&self.timeout_s);
        let mut disk = Box::new(Disk::new(machine, lower, capacity, piece_max, self.is_extended, timeout_s));
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
            let _ = IoAttachDeviceToDeviceStack(device, lower);
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

    /// How the requests of one disk ended so far; `None` if it is none of these.
    pub(crate) fn statistics(&self, device: PDEVICE_OBJECT) -> Option<DiskStatistics> {
        let disks = self.disks.lock();
        disks.iter().find(|disk| std::ptr::eq(disk.device, device)).map(|disk| disk.counters.sum())
    }

    /// Waits until no piece waits to be sent again. New ones fail below us by now.
    pub(crate) fn wait_for_delayed(&self) {
        wait_while(|| self.disks.lock().iter().any(|disk| disk.delayed.load(SeqCst) != 0));
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
