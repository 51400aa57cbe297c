//! Requests for plug and play and power: what the PnP manager sends, and what Driver Verifier says of drivers
//! that treat its requests wrongly.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![allow(unsafe_op_in_unsafe_fn, reason = "driver code is unsafe from end to end")]
#![allow(unused_crate_dependencies, reason = "integration tests use a few of the crate's dependencies")]

use kernel_sim::bugcheck::Ending;
use kernel_sim::ddi::*;
use kernel_sim::hardware::{Bus, HardwareModel};
use kernel_sim::machine::{Config, Execution, Machine};
use kernel_sim::{PnpDevice, Power};
use parking_lot::Mutex;
use std::ptr::null_mut;
use std::sync::Arc;

/// A device that does nothing.
struct Still;

impl HardwareModel for Still {
    fn name(&self) -> &'static str {
        "a device that does nothing"
    }
    fn line(&self) -> (u32, bool) {
        (0x51, false)
    }
    fn read(&mut self, _offset: usize, _width: u8) -> u64 {
        0
    }
    fn write(&mut self, _offset: usize, _width: u8, _value: u64) {}
    fn steps(&self) -> u32 {
        0
    }
    fn step(&mut self, _which: u32, _bus: &Bus<'_>) {}
}

/// What the driver does with one request.
#[derive(Clone, Copy)]
enum How {
    Right,
    Completes(NTSTATUS),
    PassesDown(NTSTATUS),
    PassesInformationDown,
    /// In a completion routine of its own.
    HandlesLater,
    Returns(NTSTATUS),
    Forgets,
    /// Takes its device off the stack, and keeps it.
    Detaches,
    /// Leaves its device where it is.
    Keeps,
}

/// The request that is treated so, in which device of the stack; and what was seen.
struct Orders {
    devices: u32,
    major: usize,
    minor: u8,
    how: How,
    seen: Mutex<Vec<(usize, u8)>>,
}

#[repr(C)]
struct Extension {
    lower: PDEVICE_OBJECT,
    /// How many of the driver's devices are below.
    height: u32,
}

unsafe extern "C-unwind" fn entry(driver: PDRIVER_OBJECT, _path: PUNICODE_STRING) -> NTSTATUS {
    (*driver).MajorFunction[IRP_MJ_PNP] = Some(dispatch);
    (*driver).MajorFunction[IRP_MJ_POWER] = Some(dispatch);
    (*(*driver).DriverExtension).AddDevice = Some(add_device);
    STATUS_SUCCESS
}

unsafe extern "C-unwind" fn add_device(driver: PDRIVER_OBJECT, pdo: PDEVICE_OBJECT) -> NTSTATUS {
    for height in 0..orders().devices {
        let (mut device, bytes) = (null_mut(), size_of::<Extension>() as u32);
        let status = IoCreateDevice(driver, bytes, null_mut(), FILE_DEVICE_DISK, 0, FALSE, &raw mut device);
        assert_eq!(status, STATUS_SUCCESS);
        let lower = IoAttachDeviceToDeviceStack(device, pdo);
        (*device).DeviceExtension.cast::<Extension>().write(Extension { lower, height });
        (*device).Flags &= !DO_DEVICE_INITIALIZING;
    }
    STATUS_SUCCESS
}

fn orders() -> Arc<Orders> {
    Machine::current().unwrap().attached::<Orders>().unwrap()
}

unsafe extern "C-unwind" fn dispatch(device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    let (orders, location) = (orders(), &*IoGetCurrentIrpStackLocation(irp));
    let (major, minor) = (usize::from(location.MajorFunction), location.MinorFunction);
    let Extension { lower, height } = (*device).DeviceExtension.cast::<Extension>().read();
    if height == 0 {
        orders.seen.lock().push((major, minor));
    }
    let is_meant = height == 0 && (major, minor) == (orders.major, orders.minor);
    let removal = major == IRP_MJ_PNP && minor == IRP_MN_REMOVE_DEVICE;
    let how = if is_meant { orders.how } else { How::Right };
    let status = match how {
        How::Completes(status) => {
            (*irp).IoStatus = IO_STATUS_BLOCK::new(status, 0);
            IoCompleteRequest(irp, IO_NO_INCREMENT);
            return status;
        }
        How::PassesDown(status) => {
            (*irp).IoStatus = IO_STATUS_BLOCK::new(status, 0);
            skip(lower, irp)
        }
        How::PassesInformationDown => {
            (*irp).IoStatus.Information = 7;
            skip(lower, irp)
        }
        How::HandlesLater => {
            IoCopyCurrentIrpStackLocationToNext(irp);
            IoSetCompletionRoutine(irp, Some(handled), null_mut(), true, true, true);
            IoCallDriver(lower, irp)
        }
        How::Returns(status) => {
            handle(major, minor, irp);
            skip(lower, irp);
            status
        }
        How::Forgets => return STATUS_SUCCESS,
        How::Right | How::Detaches | How::Keeps => {
            handle(major, minor, irp);
            skip(lower, irp)
        }
    };
    let (detaches, deletes) = match how {
        How::Detaches => (true, false),
        How::Keeps => (false, false),
        _ => (removal, removal),
    };
    if detaches {
        IoDetachDevice(lower);
    }
    if deletes {
        IoDeleteDevice(device);
    }
    status
}

/// Says in the status of a request that it is handled, where it is the driver's to handle.
unsafe fn handle(major: usize, minor: u8, irp: PIRP) {
    if major == IRP_MJ_PNP && (minor <= IRP_MN_CANCEL_STOP_DEVICE || minor == IRP_MN_SURPRISE_REMOVAL) {
        (*irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_SUCCESS, 0);
    }
}

unsafe fn skip(lower: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    let is_power = usize::from((*IoGetCurrentIrpStackLocation(irp)).MajorFunction) == IRP_MJ_POWER;
    if is_power {
        // As drivers do that are to run on Windows XP as well.
        PoStartNextPowerIrp(irp);
    }
    IoSkipCurrentIrpStackLocation(irp);
    if is_power { PoCallDriver(lower, irp) } else { IoCallDriver(lower, irp) }
}

unsafe extern "C-unwind" fn handled(_device: PDEVICE_OBJECT, irp: PIRP, _context: PVOID) -> NTSTATUS {
    if (*irp).PendingReturned != FALSE {
        IoMarkIrpPending(irp);
    }
    STATUS_SUCCESS
}

/// The life of a device, with every request there is.
fn life(device: PnpDevice) {
    device.send_unknown();
    assert!(device.handles_power());
    assert_eq!(device.query_power(Power::System(PowerSystemSleeping3)), STATUS_SUCCESS);
    device.set_power(Power::Device(PowerDeviceD3));
    device.set_power(Power::System(PowerSystemSleeping3));
    device.set_power(Power::System(PowerSystemWorking));
    device.set_power(Power::Device(PowerDeviceD0));
    device.query_stop();
    device.cancel_stop();
    device.query_stop();
    device.stop();
    device.start();
    let capabilities = device.query_capabilities().expect("the bus fills them in");
    assert_eq!(capabilities.DeviceState[PowerSystemWorking as usize], PowerDeviceD0);
    assert_eq!(device.query_state(), 0);
    device.query_remove();
    device.cancel_remove();
    device.surprise_removal();
    device.remove();
}

/// How a device's life ends under such orders: the bug check's parameter, or none; and the requests seen.
fn outcome(devices: u32, major: usize, minor: u8, how: How) -> (Option<u64>, Vec<(usize, u8)>) {
    let orders = Arc::new(Orders { devices, major, minor, how, seen: Mutex::default() });
    let kept = Arc::clone(&orders);
    let config = Config::new(1, Execution::Seeded(1)).unwrap().hardware(Box::new(Still));
    let outcome = config.run(move || {
        let machine = Machine::current().unwrap();
        machine.attach(orders);
        let driver = machine.load_driver(Some(entry)).unwrap();
        life(machine.add_device(driver, 0).unwrap());
        machine.unload_driver(driver);
    });
    let seen = kept.seen.lock().clone();
    match outcome.ending {
        Ending::Completed => (None, seen),
        Ending::BugCheck(check) if check.stop.code == 0xC9 => (Some(check.parameters[0]), seen),
        other => panic!("{other:?}"),
    }
}

fn pnp(minor: u8, how: How) -> Option<u64> {
    outcome(1, IRP_MJ_PNP, minor, how).0
}

#[test]
fn a_driver_that_handles_its_requests_and_passes_the_others_down_hears_nothing() {
    let (ended, seen) = outcome(1, 0, 0, How::Right);
    assert_eq!(ended, None);
    let minors = [
        IRP_MN_START_DEVICE,
        IRP_MN_QUERY_CAPABILITIES,
        IRP_MN_QUERY_PNP_DEVICE_STATE,
        IRP_MN_QUERY_STOP_DEVICE,
        IRP_MN_CANCEL_STOP_DEVICE,
        IRP_MN_STOP_DEVICE,
        IRP_MN_QUERY_REMOVE_DEVICE,
        IRP_MN_CANCEL_REMOVE_DEVICE,
        IRP_MN_SURPRISE_REMOVAL,
        IRP_MN_REMOVE_DEVICE,
    ];
    for minor in minors {
        assert!(seen.contains(&(IRP_MJ_PNP, minor)), "{minor:#x} was not sent: {seen:?}");
    }
    assert!(seen.contains(&(IRP_MJ_POWER, IRP_MN_QUERY_POWER)));
    assert!(seen.contains(&(IRP_MJ_POWER, IRP_MN_SET_POWER)));
    // A filter leaves as it came what the function driver handles.
    assert_eq!(outcome(2, 0, 0, How::Right).0, None);
    assert_eq!(pnp(IRP_MN_QUERY_STOP_DEVICE, How::HandlesLater), None);
    // Queries may be refused.
    assert_eq!(pnp(IRP_MN_QUERY_PNP_DEVICE_STATE, How::Completes(STATUS_INSUFFICIENT_RESOURCES)), None);
}

#[test]
fn a_request_that_is_completed_and_not_passed_down_is_found() {
    assert_eq!(pnp(IRP_MN_QUERY_CAPABILITIES, How::Completes(STATUS_NOT_SUPPORTED)), Some(0x22F));
    assert_eq!(pnp(IRP_MN_QUERY_STOP_DEVICE, How::Completes(STATUS_SUCCESS)), Some(0x22E));
    assert_eq!(pnp(0xDE, How::Completes(STATUS_INVALID_DEVICE_REQUEST)), Some(0x22D));
    let power = |how| outcome(1, IRP_MJ_POWER, IRP_MN_QUERY_POWER, how).0;
    assert_eq!(power(How::Completes(STATUS_NOT_SUPPORTED)), Some(0x232));
    assert_eq!(power(How::Completes(STATUS_SUCCESS)), Some(0x231));
}

#[test]
fn a_status_that_may_not_be_passed_down_is_found() {
    assert_eq!(pnp(IRP_MN_QUERY_STOP_DEVICE, How::PassesDown(STATUS_UNSUCCESSFUL)), Some(0x215));
    assert_eq!(pnp(IRP_MN_QUERY_STOP_DEVICE, How::PassesDown(STATUS_NOT_SUPPORTED)), Some(0x217));
    assert_eq!(pnp(0xDE, How::PassesDown(STATUS_SUCCESS)), Some(0x213));
    assert_eq!(pnp(0xDE, How::PassesInformationDown), Some(0x214));
    let power = |how| outcome(1, IRP_MJ_POWER, IRP_MN_SET_POWER, how).0;
    assert_eq!(power(How::PassesDown(STATUS_UNSUCCESSFUL)), Some(0x219));
    // The one above has said that it is handled.
    let below = outcome(2, IRP_MJ_PNP, IRP_MN_QUERY_STOP_DEVICE, How::PassesDown(STATUS_NOT_SUPPORTED));
    assert_eq!(below.0, Some(0x216));
}

#[test]
fn a_dispatch_routine_that_returns_what_is_not_so_is_found() {
    assert_eq!(pnp(IRP_MN_QUERY_STOP_DEVICE, How::Returns(STATUS_UNSUCCESSFUL)), Some(0x224));
    assert_eq!(pnp(IRP_MN_QUERY_STOP_DEVICE, How::Forgets), Some(0x226));
}

#[test]
fn a_device_object_goes_with_the_removal_and_not_before() {
    assert_eq!(pnp(IRP_MN_REMOVE_DEVICE, How::Keeps), Some(0x21D));
    assert_eq!(pnp(IRP_MN_REMOVE_DEVICE, How::Detaches), Some(0x21E));
    assert_eq!(pnp(IRP_MN_SURPRISE_REMOVAL, How::Detaches), Some(0x241));
}
