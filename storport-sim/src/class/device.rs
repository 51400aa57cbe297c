//! The disk device objects: one on top of every unit's, from the bus scan to removal.

use super::capacity::{self, Capacity};
use super::packet::PacketPool;
use super::request::dispatch;
use crate::port::StartError;
use kernel_sim::ddi::{
    DO_DEVICE_INITIALIZING, DO_DIRECT_IO, DRIVER_OBJECT, FALSE, FILE_DEVICE_DISK, IO_TYPE_DRIVER,
    IRP_MJ_MAXIMUM_FUNCTION, IoAttachDeviceToDeviceStack, IoCreateDevice, IoDeleteDevice, IoDetachDevice,
    NT_SUCCESS, PDEVICE_OBJECT, PDRIVER_OBJECT,
};
use kernel_sim::machine::Machine;
use std::ptr::null_mut;

/// One disk.
pub(super) struct Disk {
    device: PDEVICE_OBJECT,
    /// The unit's device object.
    pub lower: PDEVICE_OBJECT,
    pub capacity: Capacity,
    /// Bytes one SRB may move: whole blocks.
    pub piece_max: u32,
    pub packets: PacketPool,
}

// SAFETY: the device objects are the machine's, whose I/O manager synchronises their use; the rest is
// read only or Sync.
unsafe impl Sync for Disk {}
// SAFETY: as above.
unsafe impl Send for Disk {}

/// The disks of one adapter.
pub(crate) struct Disks {
    driver: PDRIVER_OBJECT,
    #[expect(clippy::vec_box, reason = "device extensions point at disks, which must not move")]
    disks: Vec<Box<Disk>>,
}

// SAFETY: as for `Disk`.
unsafe impl Sync for Disks {}
// SAFETY: as for `Disk`.
unsafe impl Send for Disks {}

impl Disks {
    /// Puts a disk device on top of each unit's. A unit that does not say how big it is gets none.
    ///
    /// # Errors
    /// When the machine is out of memory; no device is left then.
    pub(crate) fn attach(units: &[PDEVICE_OBJECT], transfer_max: u32) -> Result<Disks, StartError> {
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
        let mut disks = Disks { driver, disks: Vec::new() };
        for lower in units {
            let Some(capacity) = capacity::ask(machine, *lower) else { continue };
            if !disks.attach_one(machine, *lower, capacity, transfer_max) {
                disks.detach();
                return Err(StartError::OutOfMemory);
            }
        }
        Ok(disks)
    }

    fn attach_one(
        &mut self,
        machine: &Machine,
        lower: PDEVICE_OBJECT,
        capacity: Capacity,
        transfer_max: u32,
    ) -> bool {
        let mut device = null_mut();
        let block = capacity.block_bytes;
        let mut disk = Box::new(Disk {
            device: null_mut(),
            lower,
            capacity,
            piece_max: (transfer_max / block * block).max(block),
            packets: PacketPool::new(machine),
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
        self.disks.push(disk);
        true
    }

    /// The device objects, in the order of the units.
    pub(crate) fn devices(&self) -> Vec<PDEVICE_OBJECT> {
        self.disks.iter().map(|disk| disk.device).collect()
    }

    /// Takes the devices off their stacks and deletes them. Nothing may be outstanding.
    pub(crate) fn detach(&self) {
        let machine = Machine::current().expect("disks are detached on a machine");
        for disk in &self.disks {
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
