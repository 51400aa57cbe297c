//! A small PnP manager: it finds one device, starts the driver's stack on it, asks it what a PnP manager
//! asks, stops it, changes its power, and removes it again.
//!
//! The test rig calls it, not a driver: [`Machine::add_device`] makes a physical device object that a
//! built-in root bus driver owns, calls AddDevice, and sends IRP_MN_START_DEVICE with the device's register
//! window and interrupt. There is no enumeration and no resource arbitration; what happens to a device, the
//! rig says. For power it plays the power manager and the owner of the device's power policy in one: it sends
//! system and device power requests itself. One request is under way at a time; each begins with
//! STATUS_NOT_SUPPORTED, and how drivers treat it is watched ([`super::pnp_checks`]). Invariant: the physical
//! device object outlives the stack above it, and is gone when [`PnpDevice::remove`] returns.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::bugcheck::DRIVER_VERIFIER_IOMANAGER_VIOLATION as IO_VERIFIER;
use crate::ddi::callback;
use crate::ddi::inline::{IoGetCurrentIrpStackLocation, IoGetNextIrpStackLocation, IoSetCompletionRoutine};
use crate::ddi::types::*;
use crate::ddi::{
    IoAllocateIrp, IoCallDriver, IoCompleteRequest, IoFreeIrp, KeInitializeDeviceQueue, KeInitializeEvent,
    KeSetEvent, KeWaitForSingleObject,
};
use crate::frame::Frame;
use crate::image::Routine as _;
use crate::io::driver::invalid_device_request;
use crate::io::irp::becomes_of_pnp;
use crate::io::lower::LowerDevice;
use crate::io::pnp_checks;
use crate::irql::Irql;
use crate::machine::Machine;
use crate::memory::WINDOW_STRIDE;
use crate::processor::Processor;
use crate::routine::ADD_DEVICE;
use crate::routine::Arg;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// A device with its driver stack started on it.
#[must_use = "a device that is not removed keeps its driver from unloading"]
pub struct PnpDevice {
    machine: *const Machine,
    pdo: PDEVICE_OBJECT,
    /// The hardware, by its number; `None`: it is the bus driver's own, see [`LowerDevice`].
    device: Option<usize>,
    is_gone: AtomicBool,
}

// SAFETY: device objects are the machine's, made to be used from any of its threads.
unsafe impl Send for PnpDevice {}
// SAFETY: requests are sent one at a time, which is the caller's to see to; what is shared is atomic.
unsafe impl Sync for PnpDevice {}

/// The parameters of a request.
enum Parameters {
    None,
    Start(IO_STACK_LOCATION_Parameters_StartDevice),
    Capabilities(PDEVICE_CAPABILITIES),
    Power(IO_STACK_LOCATION_Parameters_Power),
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
    pub fn add_device(&self, driver: PDRIVER_OBJECT, device: usize) -> Result<PnpDevice, NTSTATUS> {
        self.device_window(device).ok_or(STATUS_DEVICE_DOES_NOT_EXIST)?;
        self.add(driver, Some(device))
    }

    /// Gives a device that its bus driver serves to a driver: as [`Machine::add_device`], with no resources
    /// to start it with. How drivers above pend requests is checked from now on (deterministic executor).
    ///
    /// # Errors
    /// As for [`Machine::add_device`].
    pub fn add_device_over(
        &self,
        driver: PDRIVER_OBJECT,
        lower: Arc<dyn LowerDevice>,
    ) -> Result<PnpDevice, NTSTATUS> {
        self.io.pending.turn_on();
        self.io.lower.lock().push(lower);
        self.add(driver, None)
    }

    fn add(&self, driver: PDRIVER_OBJECT, device: Option<usize>) -> Result<PnpDevice, NTSTATUS> {
        // SAFETY: `load_driver` made the driver object and its extension.
        let add_device = unsafe { (*(*driver).DriverExtension).AddDevice }.ok_or(STATUS_INVALID_PARAMETER)?;
        let device = PnpDevice {
            machine: self,
            pdo: self.create_pdo(device.is_none())?,
            device,
            is_gone: AtomicBool::new(false),
        };
        // SAFETY: the routine is the driver's own, called as documented.
        let status = callback(
            Processor::current(),
            &Frame::new(&ADD_DEVICE, &[Arg::Pointer(driver as usize), Arg::Pointer(device.pdo as usize)]),
            || unsafe { add_device.go((driver, device.pdo)) },
        );
        if !NT_SUCCESS(status) {
            device.delete();
            return Err(status);
        }
        let status = device.start();
        if !NT_SUCCESS(status) {
            device.send_remove();
            return Err(status);
        }
        // What the PnP manager asks of every device that has started.
        device.query_capabilities();
        device.query_state();
        Ok(device)
    }

    /// A device object in system memory, and under it a driver object of the root bus.
    fn create_pdo(&self, has_function: bool) -> Result<PDEVICE_OBJECT, NTSTATUS> {
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
            if has_function {
                (*bus).MajorFunction = [Some(lower_dispatch); IRP_MJ_MAXIMUM_FUNCTION + 1];
                // Which of those of the machine.
                (*pdo).DeviceExtension = (self.io.lower.lock().len() - 1) as PVOID;
            }
            (*bus).MajorFunction[IRP_MJ_PNP] = Some(root_bus_pnp);
            (*bus).MajorFunction[IRP_MJ_POWER] = Some(root_bus_power);
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

    /// Starts the device: IRP_MN_START_DEVICE with its register window and its interrupt; the first time and
    /// after [`PnpDevice::stop`].
    pub fn start(&self) -> NTSTATUS {
        let machine = self.machine();
        let Some(device) = self.device else {
            let none = IO_STACK_LOCATION_Parameters_StartDevice {
                AllocatedResources: null_mut(),
                AllocatedResourcesTranslated: null_mut(),
            };
            return self.send(IRP_MJ_PNP, IRP_MN_START_DEVICE, Parameters::Start(none)).0;
        };
        let Some(window) = machine.device_window(device) else { return STATUS_DEVICE_DOES_NOT_EXIST };
        let vector = machine.hardware[device].vector();
        let lists = machine.resources(window, vector).and_then(|raw| {
            machine.resources(window, vector).map(|translated| IO_STACK_LOCATION_Parameters_StartDevice {
                AllocatedResources: raw,
                AllocatedResourcesTranslated: translated,
            })
        });
        let parameters = match lists {
            Ok(parameters) => parameters,
            Err(status) => return status,
        };
        let (status, _) = self.send(IRP_MJ_PNP, IRP_MN_START_DEVICE, Parameters::Start(parameters));
        machine.free_system(parameters.AllocatedResources.cast());
        machine.free_system(parameters.AllocatedResourcesTranslated.cast());
        status
    }

    /// IRP_MN_QUERY_STOP_DEVICE: whether the device may be stopped, so that it can be given other resources.
    pub fn query_stop(&self) -> NTSTATUS {
        self.send_plain(IRP_MN_QUERY_STOP_DEVICE)
    }

    /// IRP_MN_CANCEL_STOP_DEVICE: after [`PnpDevice::query_stop`], it is not stopped after all.
    pub fn cancel_stop(&self) -> NTSTATUS {
        self.send_plain(IRP_MN_CANCEL_STOP_DEVICE)
    }

    /// IRP_MN_STOP_DEVICE: after [`PnpDevice::query_stop`]; [`PnpDevice::start`] follows.
    pub fn stop(&self) -> NTSTATUS {
        self.send_plain(IRP_MN_STOP_DEVICE)
    }

    /// IRP_MN_QUERY_REMOVE_DEVICE: whether the device may be removed.
    pub fn query_remove(&self) -> NTSTATUS {
        self.send_plain(IRP_MN_QUERY_REMOVE_DEVICE)
    }

    /// IRP_MN_CANCEL_REMOVE_DEVICE: after [`PnpDevice::query_remove`], it is not removed after all.
    pub fn cancel_remove(&self) -> NTSTATUS {
        self.send_plain(IRP_MN_CANCEL_REMOVE_DEVICE)
    }

    /// IRP_MN_SURPRISE_REMOVAL: the device was pulled out. Requests to the stack may be under way; the driver
    /// ends them all, and [`PnpDevice::remove`] follows when they have come back. Drivers keep their device
    /// objects until then: one that has detached or deleted its own is bug check 0xC9/0x241 or 0x242.
    pub fn surprise_removal(&self) -> NTSTATUS {
        let top = self.top();
        match (self.device, self.lower()) {
            (Some(device), _) => self.machine().change_device(device, |model| model.pull_out()),
            (None, Some(lower)) => lower.pull_out(),
            (None, None) => {}
        }
        let status = self.send_plain(IRP_MN_SURPRISE_REMOVAL);
        self.is_gone.store(true, SeqCst);
        self.check_objects(top, (0x241, 0x242), false, "IRP_MN_SURPRISE_REMOVAL");
        status
    }

    /// IRP_MN_QUERY_CAPABILITIES, filled in by the bus first; `None` if it failed.
    pub fn query_capabilities(&self) -> Option<DEVICE_CAPABILITIES> {
        let block: PDEVICE_CAPABILITIES =
            self.machine().allocate_system(size_of::<DEVICE_CAPABILITIES>()).cast();
        if block.is_null() {
            return None;
        }
        // SAFETY: a fresh zeroed block of that size, ours until it is freed below.
        let answer = unsafe {
            (*block).Size = size_of::<DEVICE_CAPABILITIES>() as USHORT;
            (*block).Version = 1;
            (*block).Address = ULONG::MAX;
            (*block).UINumber = ULONG::MAX;
            let sent = self.send(IRP_MJ_PNP, IRP_MN_QUERY_CAPABILITIES, Parameters::Capabilities(block));
            NT_SUCCESS(sent.0).then(|| *block)
        };
        self.machine().free_system(block.cast());
        answer
    }

    /// IRP_MN_QUERY_PNP_DEVICE_STATE: the flags of PNP_DEVICE_STATE that the stack sets; none if no driver
    /// handles it.
    pub fn query_state(&self) -> usize {
        let (status, flags) = self.send(IRP_MJ_PNP, IRP_MN_QUERY_PNP_DEVICE_STATE, Parameters::None);
        if NT_SUCCESS(status) { flags } else { 0 }
    }

    /// Whether the topmost driver of the stack has a dispatch routine for IRP_MJ_POWER.
    #[must_use]
    pub fn handles_power(&self) -> bool {
        // SAFETY: the stack's device and driver objects are live until the device is removed.
        let routine = unsafe { (*(*self.top()).DriverObject).MajorFunction[IRP_MJ_POWER] };
        let default: unsafe extern "C-unwind" fn(PDEVICE_OBJECT, PIRP) -> NTSTATUS = invalid_device_request;
        routine.is_some_and(|routine| !std::ptr::fn_addr_eq(routine, default))
    }

    /// IRP_MN_QUERY_POWER: whether the stack can go into a power state.
    pub fn query_power(&self, state: Power) -> NTSTATUS {
        self.send(IRP_MJ_POWER, IRP_MN_QUERY_POWER, Parameters::Power(state.parameters())).0
    }

    /// IRP_MN_SET_POWER: the stack goes into a power state. A device that goes to D3 has lost its power when
    /// the request has come back.
    pub fn set_power(&self, state: Power) -> NTSTATUS {
        let (status, _) = self.send(IRP_MJ_POWER, IRP_MN_SET_POWER, Parameters::Power(state.parameters()));
        if state == Power::Device(PowerDeviceD3)
            && NT_SUCCESS(status)
            && let Some(device) = self.device
        {
            self.machine().change_device(device, |model| model.lose_power());
        }
        status
    }

    /// Removes the device: IRP_MN_QUERY_REMOVE_DEVICE and IRP_MN_REMOVE_DEVICE, after which the physical
    /// device object is deleted. A driver that refuses the query is told that the device was pulled out;
    /// after a surprise removal there is no query. The driver must have no requests of others any more when
    /// it completes the last. One that has not detached and deleted its device object by then is bug check
    /// 0xC9/0x21D or 0x21E.
    pub fn remove(self) {
        if !self.is_gone.load(SeqCst) && !NT_SUCCESS(self.query_remove()) {
            self.cancel_remove();
            self.surprise_removal();
        }
        self.send_remove();
    }

    fn send_remove(self) {
        let top = self.top();
        self.send_plain(IRP_MN_REMOVE_DEVICE);
        self.check_objects(top, (0x21D, 0x21E), true, "IRP_MN_REMOVE_DEVICE");
        self.delete();
    }

    /// Checks what a driver has done with the object at the top of the stack: whether it has detached and
    /// deleted it, or kept it.
    fn check_objects(&self, top: PDEVICE_OBJECT, checks: (u64, u64), gone: bool, after: &str) {
        if std::ptr::eq(top, self.pdo) {
            return;
        }
        // SAFETY: the physical device object is live; the other is or was one, and its memory is looked at
        // only where it is still memory of the machine.
        let (is_detached, is_deleted) = unsafe {
            let cpu = Processor::current();
            let is_there = cpu.is_memory(top as usize, size_of::<DEVICE_OBJECT>());
            ((*self.pdo).AttachedDevice.is_null(), !is_there || (*top).Type != IO_TYPE_DEVICE)
        };
        let shown = self.machine().machine_address(top as usize);
        let (verb, check) = match (gone, is_detached, is_deleted) {
            (true, false, _) => ("is still attached", checks.0),
            (true, true, false) => ("still exists", checks.1),
            (false, _, true) => ("has been deleted", checks.1),
            (false, true, false) => ("has been detached", checks.0),
            _ => return,
        };
        let what = format!("device object {} {verb} after {after}", crate::report_address(shown));
        Processor::current().bug_check(IO_VERIFIER, [check, shown, 0, 0], what);
    }

    fn send_plain(&self, minor: UCHAR) -> NTSTATUS {
        self.send(IRP_MJ_PNP, minor, Parameters::None).0
    }

    /// Sends a request with a minor function that no driver knows, as Driver Verifier does.
    pub fn send_unknown(&self) -> NTSTATUS {
        self.send_plain(UNKNOWN_MINOR)
    }

    /// Sends a request to the stack and waits for it: its status and its information.
    fn send(&self, major: usize, minor: UCHAR, parameters: Parameters) -> (NTSTATUS, usize) {
        let (machine, top) = (self.machine(), self.top());
        let event: PKEVENT = machine.allocate_system(size_of::<KEVENT>()).cast();
        // SAFETY: the stack is live; event and IRP are ours until freed below, which is after the
        // completion routine has signaled the one for the other.
        unsafe {
            let irp = IoAllocateIrp((*top).StackSize, FALSE);
            if irp.is_null() || event.is_null() {
                return (STATUS_INSUFFICIENT_RESOURCES, 0);
            }
            KeInitializeEvent(event, NotificationEvent, FALSE);
            (*irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_NOT_SUPPORTED, 0);
            becomes_of_pnp(irp, &*irp);
            let next = IoGetNextIrpStackLocation(irp);
            (*next).MajorFunction = major as UCHAR;
            (*next).MinorFunction = minor;
            match parameters {
                Parameters::None => {}
                Parameters::Start(start) => (*next).Parameters.StartDevice = start,
                Parameters::Capabilities(block) => {
                    (*next).Parameters.DeviceCapabilities.Capabilities = block;
                }
                Parameters::Power(power) => (*next).Parameters.Power = power,
            }
            IoSetCompletionRoutine(irp, Some(came_back), event.cast(), true, true, true);
            // The function driver of a device that its bus driver serves is below the physical one.
            let above = u32::from((*top).StackSize.unsigned_abs()) - 1 + u32::from(self.device.is_none());
            pnp_checks::begin(machine, irp, self.pdo, above);
            IoCallDriver(top, irp);
            KeWaitForSingleObject(event.cast(), Executive, KernelMode, FALSE, null_mut());
            pnp_checks::end(machine, irp);
            let io = (*irp).IoStatus;
            IoFreeIrp(irp);
            machine.free_system(event.cast());
            (io.Status(), io.Information)
        }
    }

    /// The function of the physical device object, if it has one.
    fn lower(&self) -> Option<Arc<dyn LowerDevice>> {
        // SAFETY: the physical device object lives as long as `self`.
        let n = unsafe { (*self.pdo).DeviceExtension } as usize;
        if self.device.is_some() { None } else { self.machine().io.lower.lock().get(n).cloned() }
    }

    fn delete(self) {
        if let Some(lower) = self.lower() {
            lower.end();
        }
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

/// A power state, of the system or of the device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Power {
    /// SystemPowerState: `PowerSystemWorking` and so on.
    System(SYSTEM_POWER_STATE),
    /// DevicePowerState: `PowerDeviceD0` and so on.
    Device(DEVICE_POWER_STATE),
}

impl Power {
    fn parameters(self) -> IO_STACK_LOCATION_Parameters_Power {
        let (kind, state, action) = match self {
            Power::System(state) => {
                let action = if state == PowerSystemWorking { PowerActionNone } else { PowerActionSleep };
                (SystemPowerState, POWER_STATE { SystemState: state }, action)
            }
            Power::Device(state) => (DevicePowerState, POWER_STATE { DeviceState: state }, PowerActionNone),
        };
        IO_STACK_LOCATION_Parameters_Power {
            SystemContext: 0,
            __bindgen_padding_0: 0,
            Type: kind,
            __bindgen_padding_1: 0,
            State: state,
            __bindgen_padding_2: 0,
            ShutdownType: action,
        }
    }
}

/// A minor function that means nothing.
const UNKNOWN_MINOR: UCHAR = 0xDE;

/// What a device that its bus driver serves does with requests.
unsafe extern "C-unwind" fn lower_dispatch(device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    // SAFETY: the I/O manager calls with a live device object of the root bus, whose extension is the number,
    // and a live IRP.
    unsafe {
        let n = (*device).DeviceExtension as usize;
        let machine = Machine::current().expect("a dispatch routine runs on a machine");
        let lower = machine.io.lower.lock().get(n).cloned();
        match lower {
            Some(lower) => lower.dispatch(device, irp),
            None => invalid_device_request(device, irp),
        }
    }
}

/// The root bus: starting, stopping and removing a device takes it no work; a request it does not know is
/// completed with the status it came with.
unsafe extern "C-unwind" fn root_bus_pnp(_device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    // SAFETY: the I/O manager calls dispatch routines with a live IRP, which is ours to complete.
    unsafe {
        let location = &*IoGetCurrentIrpStackLocation(irp);
        match location.MinorFunction {
            IRP_MN_QUERY_CAPABILITIES => {
                let block = &mut *location.Parameters.DeviceCapabilities.Capabilities;
                // Asleep it is off, and it wakes nothing.
                block.DeviceState = [PowerDeviceD3; POWER_SYSTEM_MAXIMUM];
                block.DeviceState[PowerSystemWorking as usize] = PowerDeviceD0;
                (*irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_SUCCESS, 0);
            }
            0..=IRP_MN_CANCEL_STOP_DEVICE | IRP_MN_SURPRISE_REMOVAL => {
                (*irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_SUCCESS, 0);
            }
            _ => {}
        }
        let status = (*irp).IoStatus.Status();
        IoCompleteRequest(irp, IO_NO_INCREMENT);
        status
    }
}

/// The root bus for power: every state is possible.
unsafe extern "C-unwind" fn root_bus_power(_device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    // SAFETY: the I/O manager calls dispatch routines with a live IRP, which is ours to complete.
    unsafe {
        (*irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_SUCCESS, 0);
        IoCompleteRequest(irp, IO_NO_INCREMENT);
    }
    STATUS_SUCCESS
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
