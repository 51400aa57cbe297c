//! The StartIo packet model, and cancellation with it and without.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![allow(unsafe_op_in_unsafe_fn, reason = "driver code is unsafe from end to end")]

mod common;

use common::*;
use kernel_sim::ddi::*;
use kernel_sim::machine::{Execution, Machine};
use kernel_sim::processor::Processor;
use std::ptr::null_mut;

/// Extension of the device: the desk, and what StartIo is to do.
#[repr(C)]
struct Extension {
    desk: *mut Desk,
    /// StartIo completes the request and asks for the next, so many times.
    nested: u32,
    /// StartIo calls active now.
    depth: u32,
    depth_max: u32,
}

unsafe fn extension<'a>(device: PDEVICE_OBJECT) -> &'a mut Extension {
    &mut *(*device).DeviceExtension.cast::<Extension>()
}

unsafe extern "C-unwind" fn entry(driver: PDRIVER_OBJECT, _: PUNICODE_STRING) -> NTSTATUS {
    (*driver).DriverStartIo = Some(start_io);
    STATUS_SUCCESS
}

unsafe extern "C-unwind" fn start_io(device: PDEVICE_OBJECT, irp: PIRP) {
    assert_eq!(KeGetCurrentIrql(), DISPATCH_LEVEL);
    assert_eq!((*device).CurrentIrp, irp);
    let e = extension(device);
    note(e.desk, name_of(irp));
    e.depth += 1;
    e.depth_max = e.depth_max.max(e.depth);
    if e.nested != 0 {
        e.nested -= 1;
        IoStartNextPacket(device, FALSE);
    }
    e.depth -= 1;
}

unsafe fn set_up(x: *mut Desk, nested: u32, deferred: bool) -> PDEVICE_OBJECT {
    let driver = Machine::current().unwrap().load_driver(Some(entry)).unwrap();
    let mut device = null_mut();
    let (bytes, out) = (size_of::<Extension>() as ULONG, &raw mut device);
    assert_eq!(IoCreateDevice(driver, bytes, null_mut(), FILE_DEVICE_DISK, 0, FALSE, out), STATUS_SUCCESS);
    *extension(device) = Extension { desk: x, nested, depth: 0, depth_max: 0 };
    IoSetStartIoAttributes(device, BOOLEAN::from(deferred), FALSE);
    (*x).pointers[0] = device.cast();
    device
}

/// A request with a number for a name.
unsafe fn request(device: PDEVICE_OBJECT, name: usize) -> PIRP {
    let irp = IoAllocateIrp(2, FALSE);
    (*IoGetNextIrpStackLocation(irp)).DeviceObject = device;
    // As if a dispatch routine had been called: the stack location is current.
    (*irp).CurrentLocation -= 1;
    (*irp).Tail.Overlay.__bindgen_anon_2.__bindgen_anon_1.CurrentStackLocation =
        IoGetNextIrpStackLocation(irp);
    (*irp).UserBuffer = name as PVOID;
    irp
}

unsafe fn name_of(irp: PIRP) -> u32 {
    (*irp).UserBuffer as usize as u32
}

unsafe fn start(device: PDEVICE_OBJECT, name: usize) -> PIRP {
    let irp = request(device, name);
    IoStartPacket(device, irp, null_mut(), None);
    irp
}

unsafe fn next(device: PDEVICE_OBJECT) {
    let old = KeRaiseIrqlToDpcLevel();
    IoStartNextPacket(device, FALSE);
    KeLowerIrql(old);
}

#[test]
fn one_request_is_current_and_the_others_follow_in_order() {
    unsafe fn driver(x: *mut Desk) {
        let device = set_up(x, 0, false);
        for name in 1..=3 {
            start(device, name);
        }
        assert_eq!(noted(x), [1]);
        next(device);
        next(device);
        assert_eq!(noted(x), [1, 2, 3]);
        next(device);
        assert!((*device).CurrentIrp.is_null());
        start(device, 4);
        assert_eq!(noted(x), [1, 2, 3, 4]);
        assert_eq!(KeGetCurrentIrql(), PASSIVE_LEVEL);
    }
    everywhere(1, driver);
}

#[test]
fn by_key_the_nearest_above_goes_next_at_any_level_up_to_dispatch() {
    unsafe fn driver(x: *mut Desk) {
        let device = set_up(x, 0, false);
        for name in [50, 10, 30, 20] {
            let mut key = name as ULONG;
            IoStartPacket(device, request(device, name), &raw mut key, None);
        }
        IoStartNextPacketByKey(device, FALSE, 15);
        assert_eq!(KeGetCurrentIrql(), PASSIVE_LEVEL);
        let old = KfRaiseIrql(APC_LEVEL);
        IoStartNextPacketByKey(device, TRUE, 25);
        assert_eq!(KeGetCurrentIrql(), APC_LEVEL);
        KeRaiseIrqlToDpcLevel();
        IoStartNextPacketByKey(device, FALSE, 99);
        KeLowerIrql(old);
        assert_eq!(noted(x), [50, 20, 30, 10]);
    }
    everywhere(1, driver);
}

#[test]
fn the_levels_of_start_packets_are_checked() {
    unsafe fn next_at_passive(x: *mut Desk) {
        IoStartNextPacket(set_up(x, 0, false), FALSE);
    }
    unsafe fn start_too_high(x: *mut Desk) {
        let device = set_up(x, 0, false);
        KfRaiseIrql(5);
        start(device, 1);
    }
    unsafe fn by_key_too_high(x: *mut Desk) {
        let device = set_up(x, 0, false);
        KfRaiseIrql(5);
        IoStartNextPacketByKey(device, FALSE, 0);
    }
    for driver in [next_at_passive as Driver, start_too_high, by_key_too_high] {
        // An IRP cannot be allocated at DIRQL, which is refused first.
        let check = bug_check(run(1, Execution::Seeded(1), driver));
        assert_eq!(check.stop.code, 0xC4);
    }
    stops(1, next_at_passive, 0xC4, 0xE5);
    stops(1, by_key_too_high, 0xC4, 0xE5);
}

unsafe fn three_at_once(x: *mut Desk, deferred: bool) -> u32 {
    let device = set_up(x, 0, deferred);
    for name in 1..=4 {
        start(device, name);
    }
    extension(device).nested = 3;
    next(device);
    assert_eq!(noted(x), [1, 2, 3, 4]);
    extension(device).depth_max
}

#[test]
fn start_io_that_asks_for_the_next_is_called_inside_itself() {
    unsafe fn driver(x: *mut Desk) {
        assert_eq!(three_at_once(x, false), 3);
    }
    everywhere(1, driver);
}

#[test]
fn deferred_start_io_is_called_when_the_first_has_returned() {
    unsafe fn driver(x: *mut Desk) {
        assert_eq!(three_at_once(x, true), 1);
    }
    everywhere(1, driver);
}

/// On Windows these are the system's: the list of a thread's requests, and an event of the device.
#[test]
fn nothing_is_noted_in_members_of_a_request_or_a_device() {
    const THREAD_LIST_ENTRY: std::ops::Range<usize> = 0x20..0x30;
    const DEVICE_LOCK: std::ops::Range<usize> = 0x118..0x130;
    unsafe fn driver(x: *mut Desk) {
        let device = set_up(x, 0, true);
        for byte in [0, 0xFF] {
            device.cast::<u8>().add(DEVICE_LOCK.start).write_bytes(byte, DEVICE_LOCK.len());
            let irps = [1, 2, 3].map(|name| start(device, name));
            extension(device).nested = 2;
            next(device);
            assert_eq!(extension(device).depth_max, 1, "StartIo is deferred all the same");
            next(device);
            for irp in irps {
                irp.cast::<u8>().add(THREAD_LIST_ENTRY.start).write_bytes(byte, THREAD_LIST_ENTRY.len());
                (*irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_SUCCESS, 0);
                IoCompleteRequest(irp, 0);
                IoFreeIrp(irp);
            }
        }
    }
    everywhere(1, driver);
}

#[test]
fn packets_from_every_processor_are_started_once_each() {
    unsafe fn driver(x: *mut Desk) {
        set_up(x, 0, false);
        // SAFETY: the desk lives as long as its machine.
        on_every_cpu(x, |x| unsafe {
            let device = (*x).pointers[0].cast();
            for _ in 0..5 {
                start(device, 1 + KeGetCurrentProcessorNumber() as usize);
            }
        });
        let device: PDEVICE_OBJECT = (*x).pointers[0].cast();
        while !(*device).CurrentIrp.is_null() {
            next(device);
        }
        let noted = noted(x);
        assert_eq!(noted.len(), 15);
        assert!((1..=3).all(|name| noted.iter().filter(|n| **n == name).count() == 5));
    }
    everywhere(3, driver);
}

// Cancellation

/// As a driver with the I/O manager's queue does it: a queued request is taken out and completed.
unsafe extern "C-unwind" fn cancel(device: PDEVICE_OBJECT, irp: PIRP) {
    assert_eq!(KeGetCurrentIrql(), DISPATCH_LEVEL);
    assert_eq!(Processor::current().held_count(), 1, "the cancel lock is the driver's now");
    assert_eq!((*irp).Cancel, TRUE);
    note(extension(device).desk, 100 + name_of(irp));
    let entry = &raw mut (*irp).Tail.Overlay.__bindgen_anon_1.DeviceQueueEntry;
    let queued = irp != (*device).CurrentIrp
        && KeRemoveEntryDeviceQueue(&raw mut (*device).DeviceQueue, entry) != FALSE;
    IoReleaseCancelSpinLock((*irp).CancelIrql);
    assert_eq!(Processor::current().held_count(), 0);
    if queued {
        (*irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_CANCELLED, 0);
        IoCompleteRequest(irp, IO_NO_INCREMENT);
    }
}

#[test]
fn a_queued_request_can_be_cancelled_and_is_not_started() {
    unsafe fn driver(x: *mut Desk) {
        let device = set_up(x, 0, false);
        // SAFETY: the device lives as long as its machine.
        let irps = [1, 2, 3].map(|name| unsafe { request(device, name) });
        for irp in irps {
            IoStartPacket(device, irp, null_mut(), Some(cancel));
        }
        assert_eq!(IoCancelIrp(irps[1]), TRUE);
        assert_eq!(IoCancelIrp(irps[1]), FALSE, "the routine was taken");
        assert_eq!((*irps[1]).IoStatus.Status(), STATUS_CANCELLED);
        let old = KeRaiseIrqlToDpcLevel();
        IoStartNextPacket(device, TRUE);
        KeLowerIrql(old);
        assert_eq!(noted(x), [1, 102, 3]);
        assert_eq!((KeGetCurrentIrql(), Processor::current().held_count()), (PASSIVE_LEVEL, 0));
    }
    everywhere(1, driver);
}

#[test]
fn a_request_cancelled_before_it_is_queued_goes_to_its_cancel_routine() {
    unsafe fn driver(x: *mut Desk) {
        let device = set_up(x, 0, false);
        start(device, 1);
        let irp = request(device, 2);
        assert_eq!(IoCancelIrp(irp), FALSE);
        IoStartPacket(device, irp, null_mut(), Some(cancel));
        assert_eq!(noted(x), [1, 102]);
        next(device);
        assert!((*device).CurrentIrp.is_null());
    }
    everywhere(1, driver);
}

#[test]
fn a_request_that_cannot_be_cancelled_in_start_io_has_no_routine_there() {
    unsafe fn driver(x: *mut Desk) {
        let device = set_up(x, 0, false);
        IoSetStartIoAttributes(device, FALSE, TRUE);
        // SAFETY: the device lives as long as its machine.
        let irps = [1, 2].map(|name| unsafe { request(device, name) });
        for irp in irps {
            IoStartPacket(device, irp, null_mut(), Some(cancel));
        }
        assert!((*irps[0]).CancelRoutine.is_none() && (*irps[1]).CancelRoutine.is_some());
        let old = KeRaiseIrqlToDpcLevel();
        IoStartNextPacket(device, TRUE);
        KeLowerIrql(old);
        assert!((*irps[1]).CancelRoutine.is_none());
    }
    everywhere(1, driver);
}

#[test]
fn cancelling_races_with_starting_and_one_of_them_wins() {
    unsafe fn driver(x: *mut Desk) {
        let device = set_up(x, 0, false);
        // SAFETY: the device lives as long as its machine.
        let irps = [1, 2, 3, 4].map(|name| unsafe { request(device, name) });
        for (n, irp) in irps.into_iter().enumerate() {
            IoStartPacket(device, irp, null_mut(), Some(cancel));
            (*x).pointers[1 + n] = irp.cast();
        }
        // SAFETY: the desk lives as long as its machine.
        spawn(x, 1, |x| unsafe {
            for n in 2..5 {
                IoCancelIrp((*x).pointers[n].cast());
            }
        });
        while !(*device).CurrentIrp.is_null() {
            let old = KeRaiseIrqlToDpcLevel();
            IoStartNextPacket(device, TRUE);
            KeLowerIrql(old);
        }
        join(x, 1);
        let noted = noted(x);
        for name in 2..=4 {
            assert!(noted.contains(&name) || noted.contains(&(name + 100)), "{name} is lost: {noted:?}");
        }
    }
    everywhere(2, driver);
}

#[test]
fn a_cancel_routine_that_keeps_the_lock_is_refused() {
    unsafe extern "C-unwind" fn keeps(_: PDEVICE_OBJECT, _: PIRP) {}
    unsafe fn driver(x: *mut Desk) {
        let irp = request(set_up(x, 0, false), 1);
        let mut old = 0;
        IoAcquireCancelSpinLock(&raw mut old);
        assert!(IoSetCancelRoutine(irp, Some(keeps)).is_none());
        assert!(IoSetCancelRoutine(irp, Some(keeps)).is_some());
        IoReleaseCancelSpinLock(old);
        IoCancelIrp(irp);
    }
    for execution in [Execution::Seeded(1), Execution::Parallel] {
        assert_eq!(bug_check(run(1, execution, driver)).stop.code, 0x11B);
    }
}
