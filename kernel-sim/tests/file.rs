//! Handles: IRP_MJ_CREATE, IRP_MJ_CLEANUP and IRP_MJ_CLOSE, each once for a file object.

#![expect(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![expect(unsafe_op_in_unsafe_fn, reason = "driver code is unsafe from end to end")]

use kernel_sim::OpenFile;
use kernel_sim::bugcheck::Ending;
use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Execution, Machine};
use std::ptr::null_mut;

/// What the device saw, in order, and what it does about IRP_MJ_CREATE.
#[repr(C)]
struct Seen {
    count: usize,
    majors: [UCHAR; 8],
    files: [PFILE_OBJECT; 8],
    contexts: [PVOID; 8],
    answer: NTSTATUS,
    pended: PIRP,
    dpc: KDPC,
}

unsafe fn seen<'a>(device: PDEVICE_OBJECT) -> &'a mut Seen {
    &mut *(*device).DeviceExtension.cast::<Seen>()
}

unsafe fn complete(irp: PIRP, status: NTSTATUS) -> NTSTATUS {
    (*irp).IoStatus = IO_STATUS_BLOCK::new(status, 0);
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    status
}

unsafe extern "C-unwind" fn dispatch(device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    let (seen, location) = (seen(device), IoGetCurrentIrpStackLocation(irp));
    let (n, file) = (seen.count, (*location).FileObject);
    seen.count += 1;
    (seen.majors[n], seen.files[n], seen.contexts[n]) = ((*location).MajorFunction, file, (*file).FsContext);
    if usize::from((*location).MajorFunction) != IRP_MJ_CREATE {
        return complete(irp, STATUS_SUCCESS);
    }
    (*file).FsContext = device.cast();
    if seen.answer != STATUS_PENDING {
        return complete(irp, seen.answer);
    }
    IoMarkIrpPending(irp);
    seen.pended = irp;
    KeInitializeDpc(&raw mut seen.dpc, Some(opens), device.cast());
    KeInsertQueueDpc(&raw mut seen.dpc, null_mut(), null_mut());
    STATUS_PENDING
}

unsafe extern "C-unwind" fn opens(_: PKDPC, device: PVOID, _: PVOID, _: PVOID) {
    complete(seen(device.cast()).pended, STATUS_SUCCESS);
}

unsafe extern "C-unwind" fn entry(driver: PDRIVER_OBJECT, _: PUNICODE_STRING) -> NTSTATUS {
    for major in [IRP_MJ_CREATE, IRP_MJ_CLEANUP, IRP_MJ_CLOSE] {
        (*driver).MajorFunction[major] = Some(dispatch);
    }
    STATUS_SUCCESS
}

unsafe extern "C-unwind" fn entry_without_create(_: PDRIVER_OBJECT, _: PUNICODE_STRING) -> NTSTATUS {
    STATUS_SUCCESS
}

/// A device of a driver, which answers IRP_MJ_CREATE so.
unsafe fn device(entry: PDRIVER_INITIALIZE, answer: NTSTATUS) -> PDEVICE_OBJECT {
    let driver = Machine::current().unwrap().load_driver(entry).unwrap();
    let (mut device, bytes) = (null_mut(), size_of::<Seen>() as ULONG);
    let status = IoCreateDevice(driver, bytes, null_mut(), FILE_DEVICE_CONTROLLER, 0, FALSE, &raw mut device);
    assert_eq!(status, STATUS_SUCCESS);
    seen(device).answer = answer;
    device
}

fn run(body: unsafe fn(&Machine)) {
    let config = Config::new(2, Execution::Seeded(0)).unwrap();
    // SAFETY: the body is a test's own, for the boot thread at PASSIVE_LEVEL.
    let outcome = config.run(move || unsafe { body(Machine::current().unwrap()) });
    assert!(matches!(outcome.ending, Ending::Completed), "{:?}", outcome.ending);
}

#[test]
fn a_handle_is_opened_given_up_and_closed_with_one_file_object() {
    unsafe fn body(machine: &Machine) {
        for answer in [STATUS_SUCCESS, STATUS_PENDING] {
            let device = device(Some(entry), answer);
            let file = OpenFile::open(machine, device).unwrap();
            let object = file.object();
            assert_eq!(((*object).Type, (*object).DeviceObject), (IO_TYPE_FILE, device));
            file.clean_up(machine);
            file.close(machine);
            let seen = seen(device);
            assert_eq!(seen.count, 3);
            assert_eq!(&seen.majors[..3], [IRP_MJ_CREATE, IRP_MJ_CLEANUP, IRP_MJ_CLOSE].map(|m| m as UCHAR));
            assert_eq!(&seen.files[..3], [object; 3]);
            // What the driver keeps in it is there until the end.
            assert_eq!(&seen.contexts[..3], [null_mut(), device.cast(), device.cast()]);
        }
    }
    run(body);
}

#[test]
fn two_handles_have_two_file_objects() {
    unsafe fn body(machine: &Machine) {
        let device = device(Some(entry), STATUS_SUCCESS);
        let (first, second) =
            (OpenFile::open(machine, device).unwrap(), OpenFile::open(machine, device).unwrap());
        assert_ne!(first.object(), second.object());
        first.clean_up(machine);
        first.close(machine);
        assert_eq!(seen(device).files[3], seen(device).files[0]);
        second.clean_up(machine);
        second.close(machine);
    }
    run(body);
}

#[test]
fn a_handle_that_is_refused_is_neither_given_up_nor_closed() {
    unsafe fn body(machine: &Machine) {
        let refusing = device(Some(entry), STATUS_INSUFFICIENT_RESOURCES);
        assert_eq!(OpenFile::open(machine, refusing).err(), Some(STATUS_INSUFFICIENT_RESOURCES));
        assert_eq!(seen(refusing).count, 1);
        let without = device(Some(entry_without_create), STATUS_SUCCESS);
        assert_eq!(OpenFile::open(machine, without).err(), Some(STATUS_INVALID_DEVICE_REQUEST));
    }
    run(body);
}
