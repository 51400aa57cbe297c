//! The bus scan: which logical units an adapter has.
//!
//! As Storport does it: REPORT LUNS to unit 0 of every target, INQUIRY to every number reported; where REPORT
//! LUNS is not understood, INQUIRY to one number after the other. A disk that is there gets a device object.
//! Units of other kinds are left alone. A later scan finds what has come and marks what has gone.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter::AdapterState;
use super::dispatch::DeviceExtension;
use super::machine;
use super::own_requests::{Answer, DATA_BYTES, OwnRequests};
use super::start::StartError;
use super::unit::{Address, Unit};
use crate::class::Disks;
use crate::scsi::{
    Inquiry, InquiryData, Lun, PeripheralDeviceType, PeripheralQualifier, ReportLuns, ReportLunsHeader,
};
use kernel_sim::ddi::{
    DEVICE_OBJECT, DO_DEVICE_INITIALIZING, DO_DIRECT_IO, FALSE, FILE_DEVICE_DISK, IoCreateDevice, NT_SUCCESS,
    PDEVICE_OBJECT,
};
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{Ordering::Acquire, Ordering::Relaxed, Ordering::Release, Ordering::SeqCst};
use zerocopy::{FromBytes, IntoBytes};

impl OwnRequests<'_> {
    /// Whether there is a disk at the unit's address.
    fn is_disk(&mut self, unit: &Unit) -> bool {
        const DISK: u8 = PeripheralDeviceType::DIRECT_ACCESS.with(PeripheralQualifier::Connected);
        match self.ask(unit, Inquiry::standard(size_of::<InquiryData>() as u16).as_bytes()) {
            Answer::Data(data) => data.first() == Some(&DISK),
            // Errors do not tell whether it is still there: a unit that was found stays.
            Answer::Refused => !unit.device.load(Acquire).is_null(),
            Answer::Nobody => false,
        }
    }

    /// The numbers of a target's units; `None`: they have to be tried out.
    fn reported(&mut self, unit_0: &Unit) -> Option<Vec<u8>> {
        let answer = self.ask(unit_0, ReportLuns::all(DATA_BYTES as u32).as_bytes());
        match answer {
            Answer::Nobody => Some(Vec::new()),
            Answer::Refused => None,
            Answer::Data(data) => {
                let (header, list) = ReportLunsHeader::read_from_prefix(data).ok()?;
                let list = list.get(..header.list_length.get() as usize).unwrap_or(list);
                let numbers = list.as_chunks::<8>().0.iter().filter_map(|wire| Lun::from_wire(*wire));
                Some(numbers.filter_map(|lun| u8::try_from(lun.number()).ok()).collect())
            }
        }
    }
}

impl AdapterState {
    /// Finds the adapter's units and gives each disk a device object.
    pub(super) fn scan(&self) -> Result<(), StartError> {
        let mut requests = OwnRequests::new(self).ok_or(StartError::OutOfMemory)?;
        let config = self.config();
        for path in 0..config.NumberOfBuses {
            for target in 0..config.MaximumNumberOfTargets {
                self.scan_target(&mut requests, Address { path, target, lun: 0 })?;
            }
        }
        Ok(())
    }

    /// Looks for units that have come or gone since the last scan, and gives new disks a device.
    pub(super) fn rescan(&self) {
        // A scan that runs out of memory leaves what it found so far.
        let _ = self.scan();
        if let Some(disks) = self.disks.get() {
            disks.attach_new(&self.unit_devices());
        }
    }

    fn scan_target(&self, requests: &mut OwnRequests<'_>, address: Address) -> Result<(), StartError> {
        let unit_0 = self.probed_unit(requests, address)?;
        let last = self.config().MaximumNumberOfLogicalUnits;
        let numbers = requests.reported(unit_0).unwrap_or_else(|| (0..last).collect());
        for lun in &numbers {
            let address = Address { lun: *lun, ..address };
            let unit = if *lun == 0 { unit_0 } else { self.probed_unit(requests, address)? };
            if requests.is_disk(unit) {
                self.unit_answers(requests, unit)?;
            } else {
                self.unit_does_not_answer(requests, unit, *lun != 0);
            }
        }
        for unit in self.units() {
            let of_target = (unit.address.path, unit.address.target) == (address.path, address.target);
            if of_target && !numbers.contains(&unit.address.lun) && !unit.is_private.load(Relaxed) {
                self.unit_does_not_answer(requests, unit, unit.address.lun != 0);
            }
        }
        if unit_0.device.load(Acquire).is_null() {
            self.forget_unit(unit_0);
        }
        Ok(())
    }

    /// A unit to send probes to: the one there is, or a new one. One that was gone at an earlier scan is not
    /// asked again: its device is removed now, and what responds is another.
    fn probed_unit(&self, requests: &mut OwnRequests<'_>, address: Address) -> Result<&Unit, StartError> {
        if let Some(unit) = self.unit_by_address(address) {
            if !unit.is_gone.load(SeqCst) {
                return Ok(unit);
            }
            self.remove_unit(requests, unit);
        }
        self.add_unit(|index| Unit::new(machine(), self, index, address)).ok_or(StartError::OutOfMemory)
    }

    /// Does something through some unit, for requests that are to the adapter: the first, or one made for
    /// this and gone afterwards. `None`: the machine is out of memory.
    pub(super) fn through_some_unit<R>(&self, action: impl FnOnce(&Unit) -> R) -> Option<R> {
        if let Some(unit) = self.units().find(|unit| !unit.device.load(Acquire).is_null()) {
            return Some(action(unit));
        }
        let unit = self.add_unit(|index| {
            let unit = Unit::new(machine(), self, index, Address { path: 0, target: 0, lun: 0 })?;
            unit.is_private.store(true, Relaxed);
            Some(unit)
        })?;
        let answer = action(unit);
        self.forget_unit(unit);
        Some(answer)
    }

    fn unit_answers(&self, requests: &mut OwnRequests<'_>, unit: &Unit) -> Result<(), StartError> {
        if unit.device.load(Acquire).is_null() {
            if !unit.complete_slots(machine()) {
                return Err(StartError::OutOfMemory);
            }
            self.unit_starts(requests, unit);
            self.create_unit_device(unit)?;
        }
        Ok(())
    }

    /// A unit with a device stays, and refuses requests; one that was only probed is forgotten, unless its
    /// target is still being asked through it.
    fn unit_does_not_answer(&self, requests: &mut OwnRequests<'_>, unit: &Unit, may_be_forgotten: bool) {
        if !unit.device.load(Acquire).is_null() {
            self.unit_has_gone(requests, unit);
        } else if may_be_forgotten {
            self.forget_unit(unit);
        }
    }

    /// The device objects of the units, in the order they were found.
    pub(super) fn unit_devices(&self) -> Vec<PDEVICE_OBJECT> {
        self.units().map(|unit| unit.device.load(Acquire)).filter(|device| !device.is_null()).collect()
    }

    /// Puts a disk on every unit found so far.
    pub(super) fn attach_disks(&self) -> Result<Arc<Disks>, StartError> {
        let disks =
            Disks::new(self.transfer_max(), self.takes_extended_srbs()).ok_or(StartError::OutOfMemory)?;
        if !disks.attach_new(&self.unit_devices()) {
            disks.detach();
            return Err(StartError::OutOfMemory);
        }
        let disks = Arc::new(disks);
        let _ = self.disks.set(Arc::clone(&disks));
        self.catch_up_with_changes();
        Ok(disks)
    }

    fn create_unit_device(&self, unit: &Unit) -> Result<(), StartError> {
        let device =
            create_device(self, DeviceExtension { adapter: std::ptr::null(), unit }, FILE_DEVICE_DISK)?;
        unit.device.store(device, Release);
        Ok(())
    }
}

/// Creates a device object of the miniport's driver with an extension of ours.
pub(super) fn create_device(
    adapter: &AdapterState,
    extension: DeviceExtension,
    kind: u32,
) -> Result<PDEVICE_OBJECT, StartError> {
    let mut device: *mut DEVICE_OBJECT = null_mut();
    // SAFETY: the driver object is loaded; the output is on this thread's stack.
    unsafe {
        let bytes = size_of::<DeviceExtension>() as u32;
        let driver = adapter.registration.driver;
        let status = IoCreateDevice(driver, bytes, null_mut(), kind, 0, FALSE, &raw mut device);
        if !NT_SUCCESS(status) {
            return Err(StartError::OutOfMemory);
        }
        (*device).DeviceExtension.cast::<DeviceExtension>().write(extension);
        (*device).Flags |= DO_DIRECT_IO;
        (*device).Flags &= !DO_DEVICE_INITIALIZING;
    }
    Ok(device)
}
