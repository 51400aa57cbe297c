//! IRPs: down a stack of three drivers and up again, and every way to complete one wrong.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![allow(unsafe_op_in_unsafe_fn, reason = "driver code is unsafe from end to end")]

mod common;

use common::*;
use kernel_sim::ddi::*;
use kernel_sim::machine::Machine;
use std::ptr::null_mut;

/// Extension of each device: its number from the bottom, 1 to 3, the device below, and the desk.
#[repr(C)]
struct Extension {
    number: u32,
    below: PDEVICE_OBJECT,
    desk: *mut Desk,
}

unsafe fn extension<'a>(device: PDEVICE_OBJECT) -> &'a mut Extension {
    &mut *(*device).DeviceExtension.cast::<Extension>()
}

unsafe extern "C-unwind" fn entry(driver: PDRIVER_OBJECT, _: PUNICODE_STRING) -> NTSTATUS {
    (*driver).MajorFunction[IRP_MJ_READ] = Some(read);
    STATUS_SUCCESS
}

/// A stack of three devices of one driver. Kept at `pointers[0..3]` of the desk, the bottom first.
unsafe fn set_up(x: *mut Desk) -> PDEVICE_OBJECT {
    let driver = Machine::current().unwrap().load_driver(Some(entry)).unwrap();
    let mut top: PDEVICE_OBJECT = null_mut();
    for number in 1..=3 {
        let below = top;
        let size = size_of::<Extension>() as ULONG;
        let out = &raw mut top;
        assert_eq!(IoCreateDevice(driver, size, null_mut(), FILE_DEVICE_DISK, 0, FALSE, out), STATUS_SUCCESS);
        *extension(top) = Extension { number, below: null_mut(), desk: x };
        if !below.is_null() {
            extension(top).below = IoAttachDeviceToDeviceStack(top, below);
        }
        (*x).pointers[number as usize - 1] = top.cast();
    }
    assert_eq!(((*top).StackSize, IoGetAttachedDeviceReference((*x).pointers[0].cast())), (3, top));
    top
}

/// The bottom device completes, at once or (if number 1 of the desk says so) later; the others set a
/// completion routine and pass on.
unsafe extern "C-unwind" fn read(device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    let e = extension(device);
    note(e.desk, e.number);
    assert_eq!((*IoGetCurrentIrpStackLocation(irp)).DeviceObject, device);
    if !e.below.is_null() {
        IoCopyCurrentIrpStackLocationToNext(irp);
        IoSetCompletionRoutine(irp, Some(came_back), (*device).DeviceExtension, true, true, true);
        return IoCallDriver(e.below, irp);
    }
    if number(e.desk, 1).get() != 0 {
        IoMarkIrpPending(irp);
        (*e.desk).pointers[3] = irp.cast();
        return STATUS_PENDING;
    }
    (*irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_SUCCESS, 512);
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    STATUS_SUCCESS
}

/// Notes ten times the device, plus one if the request was pending; keeps it if number 2 says so.
unsafe extern "C-unwind" fn came_back(device: PDEVICE_OBJECT, irp: PIRP, context: PVOID) -> NTSTATUS {
    let e = &*context.cast::<Extension>();
    assert_eq!(extension(device).number, e.number, "called with its own driver's device");
    note(e.desk, e.number * 10 + u32::from((*irp).PendingReturned));
    if (*irp).PendingReturned != FALSE {
        IoMarkIrpPending(irp);
    }
    if number(e.desk, 2).get() == e.number { STATUS_MORE_PROCESSING_REQUIRED } else { STATUS_SUCCESS }
}

unsafe extern "C-unwind" fn keeps(_: PDEVICE_OBJECT, irp: PIRP, context: PVOID) -> NTSTATUS {
    let x: *mut Desk = context.cast();
    note(x, 40 + u32::from((*irp).PendingReturned));
    KeSetEvent(event(x, 0), 0, FALSE);
    STATUS_MORE_PROCESSING_REQUIRED
}

unsafe fn request(x: *mut Desk, top: PDEVICE_OBJECT) -> PIRP {
    let irp = IoAllocateIrp((*top).StackSize, FALSE);
    (*IoGetNextIrpStackLocation(irp)).MajorFunction = IRP_MJ_READ as UCHAR;
    IoSetCompletionRoutine(irp, Some(keeps), x.cast(), true, true, true);
    irp
}

#[test]
fn completion_routines_run_from_the_bottom_up_inside_the_completion() {
    unsafe fn driver(x: *mut Desk) {
        let top = set_up(x);
        let irp = request(x, top);
        assert_eq!(IoCallDriver(top, irp), STATUS_SUCCESS);
        assert_eq!(noted(x), [3, 2, 1, 20, 30, 40]);
        assert_eq!(((*irp).IoStatus.Status(), (*irp).IoStatus.Information), (STATUS_SUCCESS, 512));
        IoReuseIrp(irp, STATUS_SUCCESS);
        (*IoGetNextIrpStackLocation(irp)).MajorFunction = IRP_MJ_READ as UCHAR;
        IoSetCompletionRoutine(irp, Some(keeps), x.cast(), true, true, true);
        IoCallDriver(top, irp);
        assert_eq!(noted(x).len(), 12);
        IoFreeIrp(irp);
    }
    everywhere(1, driver);
}

#[test]
fn a_pending_mark_travels_up_with_the_request() {
    unsafe fn driver(x: *mut Desk) {
        let top = set_up(x);
        number(x, 1).set(1);
        let irp = request(x, top);
        assert_eq!(IoCallDriver(top, irp), STATUS_PENDING);
        // SAFETY: the desk lives as long as its machine.
        spawn(x, 1, |x| unsafe {
            let old = KeRaiseIrqlToDpcLevel();
            let irp: PIRP = (*x).pointers[3].cast();
            (*irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_IO_DEVICE_ERROR, 0);
            IoCompleteRequest(irp, IO_NO_INCREMENT);
            KeLowerIrql(old);
        });
        wait(event(x, 0));
        assert_eq!(noted(x), [3, 2, 1, 21, 31, 41]);
        join(x, 1);
        IoFreeIrp(irp);
    }
    everywhere(2, driver);
}

#[test]
fn a_driver_that_wants_more_processing_stops_the_way_up() {
    unsafe fn driver(x: *mut Desk) {
        let top = set_up(x);
        number(x, 2).set(2);
        let irp = request(x, top);
        IoCallDriver(top, irp);
        assert_eq!(noted(x), [3, 2, 1, 20]);
        IoCompleteRequest(irp, IO_NO_INCREMENT);
        assert_eq!(noted(x), [3, 2, 1, 20, 30, 40], "the second completion goes on where it stopped");
    }
    everywhere(1, driver);
}

#[test]
fn routines_run_for_the_outcomes_they_asked_for() {
    unsafe fn driver(x: *mut Desk) {
        let top = set_up(x);
        for (status, success, error, called) in [
            (STATUS_SUCCESS, true, false, true),
            (STATUS_SUCCESS, false, true, false),
            (STATUS_IO_DEVICE_ERROR, true, false, false),
            (STATUS_IO_DEVICE_ERROR, false, true, true),
        ] {
            number(x, 1).set(1);
            let irp = request(x, top);
            IoSetCompletionRoutine(irp, Some(keeps), x.cast(), success, error, false);
            IoCallDriver(top, irp);
            (*irp).IoStatus = IO_STATUS_BLOCK::new(status, 0);
            KeClearEvent(event(x, 0));
            IoCompleteRequest(irp, IO_NO_INCREMENT);
            assert_eq!(KeReadStateEvent(event(x, 0)) != 0, called);
            IoFreeIrp(irp);
        }
    }
    everywhere(1, driver);
}

#[test]
fn a_synchronous_request_sets_its_event_and_is_gone() {
    unsafe fn driver(x: *mut Desk) {
        let top = set_up(x);
        let status: PIO_STATUS_BLOCK = block();
        let null = null_mut();
        let code = IOCTL_DISK_GET_LENGTH_INFO;
        let irp = IoBuildDeviceIoControlRequest(code, top, null, 0, null, 0, FALSE, event(x, 0), status);
        assert_eq!(IoCallDriver(top, irp), STATUS_INVALID_DEVICE_REQUEST, "the driver does not handle it");
        wait(event(x, 0));
        assert_eq!((*status).Status(), STATUS_INVALID_DEVICE_REQUEST);
        IoFreeIrp(irp);
    }
    stops(1, driver, 0xC9, 0x01);
}

#[test]
fn completing_twice_is_refused() {
    unsafe fn complete(x: *mut Desk) {
        let top = set_up(x);
        let irp = request(x, top);
        (*IoGetNextIrpStackLocation(irp)).CompletionRoutine = None;
        IoCallDriver(top, irp);
        IoCompleteRequest(irp, IO_NO_INCREMENT);
    }
    unsafe fn freed(x: *mut Desk) {
        let irp = request(x, set_up(x));
        IoFreeIrp(irp);
        IoCompleteRequest(irp, IO_NO_INCREMENT);
    }
    for driver in [complete as Driver, freed] {
        let execution = kernel_sim::machine::Execution::Seeded(1);
        assert_eq!(bug_check(run(1, execution, driver)).stop.code, 0x44);
    }
}

unsafe extern "C-unwind" fn never(_: PDEVICE_OBJECT, _: PIRP) {}

#[test]
fn unfit_completions_are_refused() {
    unsafe fn pending(x: *mut Desk) {
        let irp = request(x, set_up(x));
        (*irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_PENDING, 0);
        IoCompleteRequest(irp, IO_NO_INCREMENT);
    }
    unsafe fn cancelable(x: *mut Desk) {
        let irp = request(x, set_up(x));
        IoSetCancelRoutine(irp, Some(never));
        IoCompleteRequest(irp, IO_NO_INCREMENT);
    }
    unsafe fn too_high(x: *mut Desk) {
        let irp = request(x, set_up(x));
        KfRaiseIrql(5);
        IoCompleteRequest(irp, IO_NO_INCREMENT);
    }
    unsafe fn passed_on_cancelable(x: *mut Desk) {
        let top = set_up(x);
        let irp = request(x, top);
        IoSetCancelRoutine(irp, Some(never));
        IoCallDriver(top, irp);
    }
    unsafe fn passed_on_too_high(x: *mut Desk) {
        let top = set_up(x);
        let irp = request(x, top);
        KfRaiseIrql(5);
        IoCallDriver(top, irp);
    }
    for (driver, which) in [
        (pending as Driver, 0x06),
        (cancelable, 0x07),
        (too_high, 0x0E),
        (passed_on_cancelable, 0x203),
        (passed_on_too_high, 0x10),
    ] {
        stops(1, driver, 0xC9, which);
    }
}

#[test]
fn a_stack_has_so_many_locations_and_no_more() {
    unsafe fn driver(x: *mut Desk) {
        let top = set_up(x);
        let irp = IoAllocateIrp(2, FALSE);
        (*IoGetNextIrpStackLocation(irp)).MajorFunction = IRP_MJ_READ as UCHAR;
        IoCallDriver(top, irp);
    }
    let execution = kernel_sim::machine::Execution::Seeded(1);
    assert_eq!(bug_check(run(1, execution, driver)).stop.code, 0x35);
}

#[test]
fn a_completion_routine_keeps_the_irql() {
    unsafe extern "C-unwind" fn raises(_: PDEVICE_OBJECT, _: PIRP, _: PVOID) -> NTSTATUS {
        KeRaiseIrqlToDpcLevel();
        STATUS_MORE_PROCESSING_REQUIRED
    }
    unsafe fn driver(x: *mut Desk) {
        let top = set_up(x);
        let irp = request(x, top);
        IoSetCompletionRoutine(irp, Some(raises), null_mut(), true, true, true);
        IoCallDriver(top, irp);
    }
    stops(1, driver, 0xC4, 0xFA);
}
