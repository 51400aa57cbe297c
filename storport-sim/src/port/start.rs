//! An adapter's life, as a test rig drives it: start, use, remove.

use super::dispatch::DeviceExtension;
use super::hba::Hba;
use super::own_requests::OwnRequests;
use super::scan::create_device;
use super::{Port, machine, own_cx};
use crate::callbacks::{
    HW_STOR_ADAPTER_CONTROL, HW_STOR_COMPLETE_SERVICE_IRP, HW_STOR_FIND_ADAPTER,
    HW_STOR_FREE_ADAPTER_RESOURCES, HW_STOR_INITIALIZE, STORPORT,
};
use crate::class::Disks;
use crate::ddi::{
    SCSI_ADAPTER_CONTROL_TYPE, SCSI_SUPPORTED_CONTROL_TYPE_LIST, SP_RETURN_FOUND, ScsiAdapterControlMax,
    ScsiQuerySupportedControlTypes, ScsiStopAdapter,
};
use kernel_sim::ddi::{
    BOOLEAN, Executive, FALSE, FILE_DEVICE_CONTROLLER, IoAttachDeviceToDeviceStack, IoDeleteDevice,
    IoDetachDevice, KeClearEvent, KeDelayExecutionThread, KeFlushQueuedDpcs, KeSetEvent,
    KeWaitForSingleObject, KernelMode, LARGE_INTEGER, PDEVICE_OBJECT, PDRIVER_OBJECT, PVOID, callback,
};
use kernel_sim::irql::Irql;
use kernel_sim::processor::Processor;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{Ordering::Acquire, Ordering::Release, Ordering::SeqCst};
use thiserror::Error;

/// Why an adapter did not start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum StartError {
    /// The driver never called StorPortInitialize.
    #[error("the driver is no miniport: it did not call StorPortInitialize")]
    NotAMiniport,
    /// HwStorFindAdapter returned this instead of SP_RETURN_FOUND.
    #[error("HwStorFindAdapter returned {0}, not SP_RETURN_FOUND")]
    NotFound(u32),
    /// HwStorFindAdapter left `VirtualDevice` FALSE; adapters with hardware are not here yet.
    #[error("the miniport did not set VirtualDevice, and physical adapters are not supported yet")]
    NotVirtual,
    /// HwStorInitialize returned FALSE.
    #[error("HwStorInitialize failed")]
    NotInitialized,
    /// The machine has no memory left, or no room for another adapter or unit.
    #[error("the machine has no memory left for the adapter")]
    OutOfMemory,
}

/// An adapter that has been started, with its disks.
///
/// What a test rig holds. Call everything here from a system thread at PASSIVE_LEVEL.
pub struct Adapter {
    hba: Arc<Hba>,
    disks: Arc<Disks>,
    devices: Vec<PDEVICE_OBJECT>,
}

// SAFETY: device objects are the machine's; whoever has the handle may use them from any of its threads.
unsafe impl Send for Adapter {}
// SAFETY: as above; the methods that change anything take the adapter by value.
unsafe impl Sync for Adapter {}

impl Adapter {
    /// Starts the adapter of a loaded miniport: HwStorFindAdapter, HwStorInitialize,
    /// ScsiQuerySupportedControlTypes, the bus scan, and a disk device on every unit found.
    ///
    /// # Errors
    /// When the miniport refuses or the machine has no room. Nothing is left behind then, except what
    /// the miniport itself did not free.
    pub fn start(driver: PDRIVER_OBJECT) -> Result<Adapter, StartError> {
        callback(Processor::current(), &STORPORT, || {
            let machine = machine();
            let port = Port::of(machine);
            let registration = port.registration(driver).ok_or(StartError::NotAMiniport)?;
            let hba = Arc::new(Hba::new(machine, registration).ok_or(StartError::OutOfMemory)?);
            if !port.enlist(&hba) {
                return Err(StartError::OutOfMemory);
            }
            hba.initialize_objects();
            let started =
                hba.bring_up().and_then(|()| Disks::attach(&hba.unit_devices(), hba.transfer_max()));
            match started {
                Ok(disks) => {
                    let disks = Arc::new(disks);
                    port.own(Arc::clone(&disks));
                    Ok(Adapter { hba, devices: disks.devices(), disks })
                }
                Err(error) => {
                    hba.take_down();
                    Err(error)
                }
            }
        })
    }

    /// The disk devices, in the order of the scan: what IRP_MJ_READ, IRP_MJ_WRITE,
    /// IRP_MJ_FLUSH_BUFFERS and IOCTL_DISK_GET_LENGTH_INFO are sent to.
    #[must_use]
    pub fn disks(&self) -> &[PDEVICE_OBJECT] {
        &self.devices
    }

    /// The adapter's own device: what IOCTL_MINIPORT_PROCESS_SERVICE_IRP is sent to.
    #[must_use]
    pub fn device(&self) -> PDEVICE_OBJECT {
        self.hba.device()
    }

    /// Whether the miniport has an HwStorProcessServiceRequest.
    #[must_use]
    pub fn accepts_service_requests(&self) -> bool {
        self.hba.registration.data.HwProcessServiceRequest.is_some()
    }

    /// Removes the adapter: refuses new requests, waits for those that are out, flushes the miniport's
    /// cache if it has one, lets it complete its service requests, stops it (ScsiStopAdapter, if
    /// supported), has it free its resources and deletes the devices.
    pub fn remove(self) {
        callback(Processor::current(), &STORPORT, || {
            self.hba.drain();
            self.hba.flush_caches();
            self.disks.detach();
            self.hba.take_down();
        });
    }
}

impl Hba {
    fn bring_up(&self) -> Result<(), StartError> {
        self.create_adapter_device()?;
        self.find_adapter()?;
        let data = &self.registration.data;
        if let Some(routine) = data.HwInitialize {
            // SAFETY: the miniport's own routine, called as documented.
            let answer = self.call(&HW_STOR_INITIALIZE, Irql::PASSIVE, || unsafe { routine(self.extension) });
            if answer == FALSE {
                return Err(StartError::NotInitialized);
            }
        }
        self.query_control_types()?;
        self.scan()
    }

    /// The adapter's functional device object, on a physical one as a bus driver would provide it.
    fn create_adapter_device(&self) -> Result<(), StartError> {
        let nothing = || DeviceExtension { hba: std::ptr::null(), unit: std::ptr::null() };
        let lower = create_device(self, nothing(), FILE_DEVICE_CONTROLLER)?;
        self.lower.store(lower, Release);
        let device = create_device(self, DeviceExtension { hba: self, ..nothing() }, FILE_DEVICE_CONTROLLER)?;
        self.device.store(device, Release);
        // SAFETY: both devices were just created.
        unsafe { IoAttachDeviceToDeviceStack(device, lower) };
        Ok(())
    }

    fn find_adapter(&self) -> Result<(), StartError> {
        let Some(routine) = self.registration.data.HwFindAdapter else {
            return Err(StartError::NotAMiniport);
        };
        let (device, lower) = (self.device(), self.lower.load(Acquire));
        let mut again: BOOLEAN = FALSE;
        // SAFETY: the objects live as long as the adapter is known; the routine is the miniport's own.
        let (answer, config) = unsafe {
            let config = &raw mut (*self.objects).config;
            let arguments = (&raw mut (*self.objects).arguments).cast();
            let answer = self.call(&HW_STOR_FIND_ADAPTER, Irql::PASSIVE, || {
                let (lower, device) = (lower.cast(), device.cast());
                routine(self.extension, lower, device, lower, arguments, config, &raw mut again)
            });
            (answer, *config)
        };
        if answer != SP_RETURN_FOUND {
            return Err(StartError::NotFound(answer));
        }
        if config.VirtualDevice == FALSE {
            return Err(StartError::NotVirtual);
        }
        let _ = self.config.set(config);
        Ok(())
    }

    /// The device objects of the units, in the order they were found.
    fn unit_devices(&self) -> Vec<PDEVICE_OBJECT> {
        self.units().map(|unit| unit.device.load(Acquire)).collect()
    }

    /// Calls HwStorAdapterControl at PASSIVE_LEVEL. The pages give DIRQL and the interrupt lock for
    /// stopping, neither of which a virtual adapter has.
    fn control(&self, kind: SCSI_ADAPTER_CONTROL_TYPE, parameters: PVOID) {
        if let Some(routine) = self.registration.data.HwAdapterControl {
            self.call(&HW_STOR_ADAPTER_CONTROL, Irql::PASSIVE, || {
                // SAFETY: the miniport's own routine, called as documented.
                unsafe { routine(self.extension, kind, parameters) }
            });
        }
    }

    /// ScsiQuerySupportedControlTypes: only types the miniport reports are sent to it later.
    fn query_control_types(&self) -> Result<(), StartError> {
        let types = ScsiAdapterControlMax as usize;
        let machine = machine();
        let list = machine.allocate_system(size_of::<SCSI_SUPPORTED_CONTROL_TYPE_LIST>() + types);
        if list.is_null() {
            return Err(StartError::OutOfMemory);
        }
        // SAFETY: a fresh zeroed block that holds the header and a flag per type.
        let supported = unsafe {
            let header = list.cast::<SCSI_SUPPORTED_CONTROL_TYPE_LIST>();
            (*header).MaxControlType = types as u32;
            self.control(ScsiQuerySupportedControlTypes, list);
            let flags =
                std::slice::from_raw_parts((&raw const (*header).SupportedTypeList).cast::<BOOLEAN>(), types);
            flags.iter().enumerate().filter(|(_, flag)| **flag != FALSE).fold(0, |set, (n, _)| set | 1 << n)
        };
        machine.free_system(list);
        self.control_types.store(supported, Release);
        Ok(())
    }

    fn supports(&self, kind: SCSI_ADAPTER_CONTROL_TYPE) -> bool {
        self.control_types.load(Acquire) & 1 << kind != 0
    }

    /// Refuses new requests and waits until those that are out have completed.
    fn drain(&self) {
        self.removing.store(true, SeqCst);
        // SAFETY: the event was initialized with the adapter.
        unsafe {
            let drained = &raw mut (*self.objects).drained;
            loop {
                KeClearEvent(drained);
                if self.units().all(|unit| unit.is_idle()) {
                    break;
                }
                KeWaitForSingleObject(drained.cast(), Executive, KernelMode, FALSE, null_mut());
            }
            // A processor may still be on its way out of a request that has long completed.
            while self.is_somebody_inside() {
                let mut interval = LARGE_INTEGER::new(-10_000);
                KeDelayExecutionThread(KernelMode, FALSE, &raw mut interval);
            }
        }
    }

    /// Has a miniport that caches data write it back.
    fn flush_caches(&self) {
        if self.config().CachesData == FALSE {
            return;
        }
        let Some(mut requests) = OwnRequests::new(self) else { return };
        for unit in self.units() {
            requests.flush(unit);
        }
    }

    /// A unit has nothing left to do while the adapter is being removed.
    pub(super) fn note_drained(&self) {
        // SAFETY: the event was initialized with the adapter, which is known until it is drained.
        unsafe { KeSetEvent(&raw mut (*self.objects).drained, 0, FALSE) };
    }

    /// Stops the miniport and gives everything back. Nothing is outstanding.
    fn take_down(&self) {
        let machine = machine();
        let data = &self.registration.data;
        self.removing.store(true, SeqCst);
        if self.config.get().is_some() {
            if let Some(routine) =
                data.HwCompleteServiceIrp.filter(|_| data.HwProcessServiceRequest.is_some())
            {
                // SAFETY: the miniport's own routine, called as documented.
                self.call(&HW_STOR_COMPLETE_SERVICE_IRP, Irql::PASSIVE, || unsafe {
                    routine(self.extension)
                });
            }
            if self.supports(ScsiStopAdapter) {
                self.control(ScsiStopAdapter, null_mut());
            }
        }
        self.stop_ticks();
        self.stop_timer_call(&own_cx());
        self.gate.disarm(&own_cx());
        for unit in self.units() {
            unit.gate.disarm(&own_cx());
        }
        // SAFETY: PASSIVE_LEVEL.
        unsafe { KeFlushQueuedDpcs() };
        if let Some(routine) = data.HwFreeAdapterResources.filter(|_| self.config.get().is_some()) {
            // SAFETY: the miniport's own routine, called as documented.
            self.call(&HW_STOR_FREE_ADAPTER_RESOURCES, Irql::PASSIVE, || unsafe { routine(self.extension) });
        }
        self.delete_devices();
        Port::of(machine).strike_off(self);
        machine.free_system(self.objects.cast());
        machine.free_system(self.extension);
    }

    fn delete_devices(&self) {
        // SAFETY: devices this adapter created; nothing is attached to them any more.
        unsafe {
            for unit in self.units() {
                let device = unit.device.swap(null_mut(), SeqCst);
                if !device.is_null() {
                    IoDeleteDevice(device);
                }
                self.forget_unit(unit);
            }
            let (device, lower) = (self.device.swap(null_mut(), SeqCst), self.lower.swap(null_mut(), SeqCst));
            if !device.is_null() {
                IoDetachDevice(lower);
                IoDeleteDevice(device);
            }
            if !lower.is_null() {
                IoDeleteDevice(lower);
            }
        }
    }
}
