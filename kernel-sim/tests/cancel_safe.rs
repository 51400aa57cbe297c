//! Cancel-safe queues: of a driver that takes a request out and a caller who cancels it, one has it.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![allow(unsafe_op_in_unsafe_fn, reason = "driver code is unsafe from end to end")]

mod common;

use common::*;
use kernel_sim::ddi::*;
use kernel_sim::machine::Machine;
use std::ptr::null_mut;

/// The driver's queue: the framework's part first, so that one pointer is both.
#[repr(C)]
struct Queue {
    csq: IO_CSQ,
    lock: KSPIN_LOCK,
    list: LIST_ENTRY,
    desk: *mut Desk,
    refuses: bool,
}

unsafe fn queue<'a>(csq: PIO_CSQ) -> &'a mut Queue {
    &mut *csq.cast::<Queue>()
}

unsafe fn entry_of(irp: PIRP) -> PLIST_ENTRY {
    &raw mut (*irp).Tail.Overlay.__bindgen_anon_2.ListEntry
}

unsafe fn irp_of(entry: PLIST_ENTRY) -> PIRP {
    kernel_sim::CONTAINING_RECORD!(entry, IRP, Tail.Overlay.__bindgen_anon_2.ListEntry)
}

unsafe extern "C-unwind" fn insert(csq: PIO_CSQ, irp: PIRP) {
    InsertTailList(&raw mut queue(csq).list, entry_of(irp));
}

unsafe extern "C-unwind" fn insert_ex(csq: PIO_CSQ, irp: PIRP, _context: PVOID) -> NTSTATUS {
    if queue(csq).refuses {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    insert(csq, irp);
    STATUS_PENDING
}

unsafe extern "C-unwind" fn remove(_csq: PIO_CSQ, irp: PIRP) {
    RemoveEntryList(entry_of(irp));
}

unsafe extern "C-unwind" fn peek(csq: PIO_CSQ, irp: PIRP, _context: PVOID) -> PIRP {
    let head = &raw mut queue(csq).list;
    let next = if irp.is_null() { (*head).Flink } else { (*entry_of(irp)).Flink };
    if next == head { null_mut() } else { irp_of(next) }
}

unsafe extern "C-unwind" fn acquire(csq: PIO_CSQ, irql: PKIRQL) {
    *irql = KeAcquireSpinLockRaiseToDpc(&raw mut queue(csq).lock);
}

unsafe extern "C-unwind" fn release(csq: PIO_CSQ, irql: KIRQL) {
    KeReleaseSpinLock(&raw mut queue(csq).lock, irql);
}

/// Number 0 of the desk counts cancelled requests.
unsafe extern "C-unwind" fn complete_cancelled(csq: PIO_CSQ, irp: PIRP) {
    assert_eq!(KeGetCurrentIrql(), PASSIVE_LEVEL, "no lock is held");
    count(queue(csq).desk, 0);
    finish(irp, STATUS_CANCELLED);
}

unsafe fn finish(irp: PIRP, status: NTSTATUS) {
    (*irp).IoStatus = IO_STATUS_BLOCK::new(status, 0);
    IoCompleteRequest(irp, IO_NO_INCREMENT);
}

unsafe extern "C-unwind" fn entry(driver: PDRIVER_OBJECT, _: PUNICODE_STRING) -> NTSTATUS {
    (*driver).MajorFunction[IRP_MJ_READ] = Some(read);
    STATUS_SUCCESS
}

unsafe extern "C-unwind" fn read(device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    let csq: PIO_CSQ = (*device).DeviceExtension.cast();
    if queue(csq).csq.Type == IO_TYPE_CSQ_EX {
        let status = IoCsqInsertIrpEx(csq, irp, null_mut(), null_mut());
        if !NT_SUCCESS(status) {
            // Marked pending by the attempt, so it is completed and said to be pending.
            finish(irp, status);
        }
        return STATUS_PENDING;
    }
    IoCsqInsertIrp(csq, irp, null_mut());
    STATUS_PENDING
}

unsafe extern "C-unwind" fn came_back(_: PDEVICE_OBJECT, _irp: PIRP, context: PVOID) -> NTSTATUS {
    count(context.cast(), 1);
    STATUS_MORE_PROCESSING_REQUIRED
}

/// A device with a queue; at `pointers[0]`.
unsafe fn set_up(x: *mut Desk, extended: bool) -> PDEVICE_OBJECT {
    let driver = Machine::current().unwrap().load_driver(Some(entry)).unwrap();
    let mut device: PDEVICE_OBJECT = null_mut();
    let (bytes, out) = (size_of::<Queue>() as ULONG, &raw mut device);
    assert_eq!(IoCreateDevice(driver, bytes, null_mut(), FILE_DEVICE_DISK, 0, FALSE, out), STATUS_SUCCESS);
    let q: *mut Queue = (*device).DeviceExtension.cast();
    KeInitializeSpinLock(&raw mut (*q).lock);
    InitializeListHead(&raw mut (*q).list);
    (*q).desk = x;
    let csq = &raw mut (*q).csq;
    let (remove, peek, acquire, release) =
        (Some(remove as _), Some(peek as _), Some(acquire as _), Some(release as _));
    let status = if extended {
        IoCsqInitializeEx(csq, Some(insert_ex), remove, peek, acquire, release, Some(complete_cancelled))
    } else {
        IoCsqInitialize(csq, Some(insert), remove, peek, acquire, release, Some(complete_cancelled))
    };
    assert_eq!(status, STATUS_SUCCESS);
    (*x).pointers[0] = device.cast();
    device
}

unsafe fn send(x: *mut Desk) -> PIRP {
    let device: PDEVICE_OBJECT = (*x).pointers[0].cast();
    let irp = IoAllocateIrp((*device).StackSize, FALSE);
    (*IoGetNextIrpStackLocation(irp)).MajorFunction = IRP_MJ_READ as UCHAR;
    IoSetCompletionRoutine(irp, Some(came_back), x.cast(), true, true, true);
    assert_eq!(IoCallDriver(device, irp), STATUS_PENDING);
    irp
}

unsafe fn csq(x: *mut Desk) -> PIO_CSQ {
    let device: PDEVICE_OBJECT = (*x).pointers[0].cast();
    (*device).DeviceExtension.cast()
}

/// Three requests; one processor cancels them while another takes them out: each ends once.
#[test]
fn cancelling_and_taking_out_race_and_one_of_them_wins() {
    unsafe fn canceller(x: *mut Desk) {
        for n in 1..=3 {
            IoCancelIrp((*x).pointers[n].cast());
        }
    }
    unsafe fn taker(x: *mut Desk) {
        loop {
            let irp = IoCsqRemoveNextIrp(csq(x), null_mut());
            if irp.is_null() {
                return;
            }
            count(x, 2);
            finish(irp, STATUS_SUCCESS);
        }
    }
    unsafe fn driver(x: *mut Desk) {
        set_up(x, false);
        for n in 1..=3 {
            (*x).pointers[n] = send(x).cast();
        }
        spawn(x, 0, canceller);
        spawn(x, 1, taker);
        join(x, 2);
        assert_eq!(number(x, 1).get(), 3, "each came back");
        assert_eq!(number(x, 0).get() + number(x, 2).get(), 3, "each once");
        for n in 1..=3 {
            IoFreeIrp((*x).pointers[n].cast());
        }
    }
    everywhere(2, driver);
}

#[test]
fn a_request_cancelled_before_it_is_queued_is_completed_at_once() {
    unsafe fn driver(x: *mut Desk) {
        let device = set_up(x, false);
        let irp = IoAllocateIrp((*device).StackSize, FALSE);
        (*IoGetNextIrpStackLocation(irp)).MajorFunction = IRP_MJ_READ as UCHAR;
        IoSetCompletionRoutine(irp, Some(came_back), x.cast(), true, true, true);
        assert_eq!(IoCancelIrp(irp), FALSE);
        assert_eq!(IoCallDriver(device, irp), STATUS_PENDING);
        assert_eq!((number(x, 0).get(), number(x, 1).get()), (1, 1));
        assert!(IoCsqRemoveNextIrp(csq(x), null_mut()).is_null());
        IoFreeIrp(irp);
    }
    everywhere(1, driver);
}

#[test]
fn a_context_finds_its_request_until_another_has_it() {
    unsafe fn driver(x: *mut Desk) {
        let device = set_up(x, false);
        let context: PIO_CSQ_IRP_CONTEXT = block();
        let irp = IoAllocateIrp((*device).StackSize, FALSE);
        IoSetCompletionRoutine(irp, Some(came_back), x.cast(), true, true, true);
        IoSetNextIrpStackLocation(irp);
        for takes_next in [false, true] {
            IoCsqInsertIrp(csq(x), irp, context);
            if takes_next {
                assert_eq!(IoCsqRemoveNextIrp(csq(x), null_mut()), irp);
            } else {
                assert_eq!(IoCsqRemoveIrp(csq(x), context), irp);
            }
            assert!(IoCsqRemoveIrp(csq(x), context).is_null(), "it was taken out");
        }
        IoCsqInsertIrp(csq(x), irp, context);
        assert_eq!(IoCancelIrp(irp), TRUE);
        assert_eq!((number(x, 0).get(), number(x, 1).get()), (1, 1), "cancelled and completed");
        assert!(IoCsqRemoveIrp(csq(x), context).is_null(), "it was cancelled");
        IoFreeIrp(irp);
    }
    every_seed(1, driver);
}

#[test]
fn an_insertion_may_refuse() {
    unsafe fn driver(x: *mut Desk) {
        set_up(x, true);
        queue(csq(x)).refuses = true;
        let irp = send(x);
        assert_eq!(number(x, 1).get(), 1, "completed by the dispatch routine");
        assert_eq!((*irp).IoStatus.Status(), STATUS_INSUFFICIENT_RESOURCES);
        queue(csq(x)).refuses = false;
        IoFreeIrp(irp);
        let irp = send(x);
        assert_eq!(IoCsqRemoveNextIrp(csq(x), null_mut()), irp);
        finish(irp, STATUS_SUCCESS);
        IoFreeIrp(irp);
    }
    everywhere(1, driver);
}
