//! A minimal PnP manager: it finds one device, starts the driver's stack on it, and removes it again.
//!
//! The test rig calls it, not a driver: [`Machine::add_device`] makes a physical device object that a
//! built-in root bus driver owns, calls AddDevice, and sends IRP_MN_START_DEVICE with the device's register
//! window and interrupt. There is no enumeration, no resource arbitration and no query before removal; a
//! device is removed only when the rig says so. Invariant: the physical device object outlives the stack
//! above it, and is gone when [`PnpDevice::remove`] returns.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::ddi::callback;
use crate::ddi::inline::{IoGetCurrentIrpStackLocation, IoGetNextIrpStackLocation, IoSetCompletionRoutine};
use crate::ddi::types::*;
use crate::ddi::{
    IoAllocateIrp, IoCallDriver, IoCompleteRequest, IoFreeIrp, KeInitializeDeviceQueue, KeInitializeEvent,
    KeSetEvent, KeWaitForSingleObject,
};
use crate::frame::Frame;
use crate::io::driver::invalid_device_request;
use crate::irql::Irql;
use crate::machine::Machine;
use crate::memory::WINDOW_STRIDE;
use crate::processor::Processor;
use crate::routine::ADD_DEVICE;
use crate::routine::Arg;
use std::ptr::null_mut;

/// A device with its driver stack started on it.
#[must_use = "a device that is not removed keeps its driver from unloading"]
pub struct PnpDevice {
    machine: *const Machine,
    pdo: PDEVICE_OBJECT,
}

impl Machine {
    /// Gives device `device` (in the order of [`crate::machine::Config::hardware`]) to a driver: a new
    /// physical device object, AddDevice, IRP_MN_START_DEVICE. Call from a system thread at
    /// PASSIVE_LEVEL.
    ///
    /// The driver is told one memory window (a register window of 64 KiB) and one level-sensitive
    /// interrupt that any processor may take. Its DIRQL is the vector divided by 16, as on x64.
    ///
    /// # Errors
    /// With STATUS_DEVICE_DOES_NOT_EXIST if there is no such device, with STATUS_INVALID_PARAMETER if
    /// the driver has no AddDevice, and with the driver's status if it refuses the device; whatever
    /// it had attached has been told to go then.
    #[expect(clippy::not_unsafe_ptr_arg_deref, reason = "a driver object comes from `load_driver`")]
    pub fn add_device(&self, driver: PDRIVER_OBJECT, device: usize) -> Result<PnpDevice, NTSTATUS> {
        let window = self.device_window(device).ok_or(STATUS_DEVICE_DOES_NOT_EXIST)?;
        let vector = self.hardware[device].vector();
        // SAFETY: `load_driver` made the driver object and its extension.
        let add_device = unsafe { (*(*driver).DriverExtension).AddDevice }.ok_or(STATUS_INVALID_PARAMETER)?;
        let device = PnpDevice { machine: self, pdo: self.create_pdo()? };
        // SAFETY: the routine is the driver's own, called as documented.
        let status = callback(
            Processor::current(),
            &Frame::new(&ADD_DEVICE, &[Arg::Pointer(driver as usize), Arg::Pointer(device.pdo as usize)]),
            || unsafe { add_device(driver, device.pdo) },
        );
        if !NT_SUCCESS(status) {
            device.delete();
            return Err(status);
        }
        let (raw, translated) = (self.resources(window, vector)?, self.resources(window, vector)?);
        let parameters = IO_STACK_LOCATION_Parameters_StartDevice {
            AllocatedResources: raw,
            AllocatedResourcesTranslated: translated,
        };
        let status = device.send(IRP_MN_START_DEVICE, Some(parameters));
        self.free_system(raw.cast());
        self.free_system(translated.cast());
        if !NT_SUCCESS(status) {
            device.remove();
            return Err(status);
        }
        Ok(device)
    }

    /// A device object in system memory, and under it a driver object of the root bus.
    fn create_pdo(&self) -> Result<PDEVICE_OBJECT, NTSTATUS> {
        let bus: PDRIVER_OBJECT = self.allocate_system(size_of::<DRIVER_OBJECT>()).cast();
        let pdo: PDEVICE_OBJECT = self.allocate_system(size_of::<DEVICE_OBJECT>()).cast();
        if bus.is_null() || pdo.is_null() {
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        // SAFETY: fresh zeroed blocks of those sizes; zero is a valid value for every field.
        unsafe {
            (*bus).Type = IO_TYPE_DRIVER;
            (*bus).Size = size_of::<DRIVER_OBJECT>() as CSHORT;
            (*bus).DeviceObject = pdo;
            (*bus).MajorFunction = [Some(invalid_device_request); IRP_MJ_MAXIMUM_FUNCTION + 1];
            (*bus).MajorFunction[IRP_MJ_PNP] = Some(root_bus_pnp);
            (*pdo).Type = IO_TYPE_DEVICE;
            (*pdo).Size = size_of::<DEVICE_OBJECT>() as USHORT;
            (*pdo).DriverObject = bus;
            (*pdo).DeviceType = FILE_DEVICE_CONTROLLER;
            (*pdo).StackSize = 1;
            (*pdo).SectorSize = 512;
            KeInitializeDeviceQueue(&raw mut (*pdo).DeviceQueue);
        }
        Ok(pdo)
    }

    /// A resource list: the register window, and the interrupt.
    fn resources(&self, window: u64, vector: u32) -> Result<PCM_RESOURCE_LIST, NTSTATUS> {
        let bytes = size_of::<CM_RESOURCE_LIST>() + size_of::<CM_PARTIAL_RESOURCE_DESCRIPTOR>();
        let list: PCM_RESOURCE_LIST = self.allocate_system(bytes).cast();
        if list.is_null() {
            return Err(STATUS_INSUFFICIENT_RESOURCES);
        }
        let memory = CM_PARTIAL_RESOURCE_DESCRIPTOR {
            Type: CmResourceTypeMemory,
            ShareDisposition: CmResourceShareDeviceExclusive,
            Flags: CM_RESOURCE_MEMORY_READ_WRITE,
            u: CM_PARTIAL_RESOURCE_DESCRIPTOR_u {
                Memory: CM_PARTIAL_RESOURCE_DESCRIPTOR_u_Memory {
                    Start: LARGE_INTEGER::new(window as i64),
                    Length: WINDOW_STRIDE as ULONG,
                },
            },
        };
        let interrupt = CM_PARTIAL_RESOURCE_DESCRIPTOR {
            Type: CmResourceTypeInterrupt,
            ShareDisposition: CmResourceShareShared,
            Flags: CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE,
            u: CM_PARTIAL_RESOURCE_DESCRIPTOR_u {
                Interrupt: CM_PARTIAL_RESOURCE_DESCRIPTOR_u_Interrupt {
                    Level: ULONG::from(dirql_of(vector).0),
                    Vector: vector,
                    Affinity: u64::MAX >> (64 - self.processors.len()),
                },
            },
        };
        // SAFETY: a fresh zeroed block with room for the list and one descriptor more.
        unsafe {
            (*list).Count = 1;
            let full = &raw mut (*list).List[0];
            (*full).InterfaceType = Internal;
            (*full).PartialResourceList.Version = 1;
            (*full).PartialResourceList.Revision = 1;
            (*full).PartialResourceList.Count = 2;
            let descriptors = (&raw mut (*full).PartialResourceList.PartialDescriptors)
                .cast::<CM_PARTIAL_RESOURCE_DESCRIPTOR>();
            *descriptors = memory;
            *descriptors.add(1) = interrupt;
        }
        Ok(list)
    }
}

/// The level at which an x64 processor takes a vector: its upper four bits, kept among device levels.
pub(crate) fn dirql_of(vector: u32) -> Irql {
    let level = u8::try_from(vector >> 4).unwrap_or(u8::MAX);
    Irql(level.clamp(Irql::DEVICE_MIN.0, Irql::DEVICE_MAX.0))
}

impl PnpDevice {
    /// The topmost device object of the stack: where requests are sent.
    #[must_use]
    pub fn top(&self) -> PDEVICE_OBJECT {
        let mut device = self.pdo;
        // SAFETY: the stack's device objects are live until the device is removed.
        unsafe {
            while !(*device).AttachedDevice.is_null() {
                device = (*device).AttachedDevice;
            }
        }
        device
    }

    /// Sends IRP_MN_REMOVE_DEVICE and deletes the physical device object. The driver must have no
    /// requests of others any more when it completes that.
    pub fn remove(self) {
        self.send(IRP_MN_REMOVE_DEVICE, None);
        self.delete();
    }

    /// Sends a PnP request to the stack and waits for it.
    fn send(&self, minor: UCHAR, parameters: Option<IO_STACK_LOCATION_Parameters_StartDevice>) -> NTSTATUS {
        let top = self.top();
        let event: PKEVENT = self.machine().allocate_system(size_of::<KEVENT>()).cast();
        // SAFETY: the stack is live; event and IRP are ours until freed below, which is after the
        // completion routine has signaled the one for the other.
        unsafe {
            let irp = IoAllocateIrp((*top).StackSize, FALSE);
            if irp.is_null() || event.is_null() {
                return STATUS_INSUFFICIENT_RESOURCES;
            }
            KeInitializeEvent(event, NotificationEvent, FALSE);
            (*irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_NOT_SUPPORTED, 0);
            let next = IoGetNextIrpStackLocation(irp);
            (*next).MajorFunction = IRP_MJ_PNP as UCHAR;
            (*next).MinorFunction = minor;
            if let Some(start) = parameters {
                (*next).Parameters.StartDevice = start;
            }
            IoSetCompletionRoutine(irp, Some(came_back), event.cast(), true, true, true);
            IoCallDriver(top, irp);
            KeWaitForSingleObject(event.cast(), Executive, KernelMode, FALSE, null_mut());
            let status = (*irp).IoStatus.Status();
            IoFreeIrp(irp);
            self.machine().free_system(event.cast());
            status
        }
    }

    fn delete(self) {
        // SAFETY: `create_pdo` made both; nothing is attached any more.
        let bus = unsafe {
            (*self.pdo).Type = 0;
            (*self.pdo).DriverObject
        };
        self.machine().free_system(self.pdo.cast());
        self.machine().free_system(bus.cast());
    }

    fn machine(&self) -> &Machine {
        // SAFETY: the machine outlives the threads that run on it, and with them this value.
        unsafe { &*self.machine }
    }
}

unsafe extern "C-unwind" fn came_back(_device: PDEVICE_OBJECT, _irp: PIRP, event: PVOID) -> NTSTATUS {
    // SAFETY: `send` gave us its event and waits for it.
    unsafe { KeSetEvent(event.cast(), 0, FALSE) };
    STATUS_MORE_PROCESSING_REQUIRED
}

/// The root bus: starting, stopping and removing a device takes it no work; a request it does not know is
/// completed with the status it came with.
unsafe extern "C-unwind" fn root_bus_pnp(_device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    // SAFETY: the I/O manager calls dispatch routines with a live IRP, which is ours to complete.
    unsafe {
        if (*IoGetCurrentIrpStackLocation(irp)).MinorFunction <= IRP_MN_CANCEL_STOP_DEVICE
            || (*IoGetCurrentIrpStackLocation(irp)).MinorFunction == IRP_MN_SURPRISE_REMOVAL
        {
            (*irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_SUCCESS, 0);
        }
        let status = (*irp).IoStatus.Status();
        IoCompleteRequest(irp, IO_NO_INCREMENT);
        status
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vectors_upper_half_is_its_level_as_far_as_devices_go() {
        assert_eq!(dirql_of(0x51), Irql(5));
        assert_eq!(dirql_of(0x00), Irql::DEVICE_MIN);
        assert_eq!(dirql_of(0xFF), Irql::DEVICE_MAX);
        assert_eq!(dirql_of(u32::MAX), Irql::DEVICE_MAX);
    }
}
