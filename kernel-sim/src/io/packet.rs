//! The StartIo packet model: one current request per device, the others in its device queue.
//!
//! IoStartPacket and IoStartNextPacket call the driver's StartIo inside the call, at DISPATCH_LEVEL;
//! that, and the completion routines inside IoCompleteRequest, are why no spin lock may be held at
//! either.

use crate::bugcheck::DRIVER_VERIFIER_DETECTED_VIOLATION as VERIFIER;
use crate::ddi::types::*;
use crate::ddi::{Cx, callback};
use crate::hook::START_IO;
use crate::io::{cancel, device, device_queue, irp};
use crate::irql::Irql;
use std::ptr::null_mut;

fn entry_of(irp: &mut IRP) -> PKDEVICE_QUEUE_ENTRY {
    // SAFETY: the overlay is a union of plain data; a queued IRP uses it as a queue entry.
    unsafe { &raw mut irp.Tail.Overlay.__bindgen_anon_1.DeviceQueueEntry }
}

fn irp_of(entry: PKDEVICE_QUEUE_ENTRY) -> PIRP {
    crate::CONTAINING_RECORD!(entry, IRP, Tail.Overlay.__bindgen_anon_1.DeviceQueueEntry)
}

pub(crate) unsafe fn start(
    cx: &Cx,
    device: PDEVICE_OBJECT,
    packet: PIRP,
    key: PULONG,
    routine: PDRIVER_CANCEL,
) {
    let d = device::object(cx, device);
    let i = irp::object(cx, packet);
    let before = cx.cpu.irql();
    if before > Irql::DISPATCH {
        wrong_level(cx, before);
    }
    cx.cpu.set_irql(Irql::DISPATCH);
    let cancelable = routine.is_some();
    if cancelable {
        cancel::take(cx);
        cancel::exchange(i, routine);
    }
    let queue = &raw mut d.DeviceQueue;
    let entry = entry_of(i);
    // SAFETY: device and IRP were resolved; a key is the driver's own, checked before it is read.
    let inserted = unsafe {
        if key.is_null() {
            device_queue::insert(cx, queue, entry)
        } else {
            cx.check_output(key);
            device_queue::insert_by_key(cx, queue, entry, *key)
        }
    } != FALSE;
    if !inserted {
        d.CurrentIrp = packet;
        if cancelable {
            if d.NonCancelable != FALSE {
                cancel::exchange(i, None);
            }
            cancel::give(cx, Irql::DISPATCH);
        }
        call_start_io(cx, d, packet);
    } else if cancelable {
        if i.Cancel != FALSE
            && let Some(routine) = cancel::exchange(i, None)
        {
            cancel::run_routine(cx, Some(routine), packet, Irql::DISPATCH);
        } else {
            cancel::give(cx, Irql::DISPATCH);
        }
    }
    cx.cpu.set_irql(before);
}

pub(crate) unsafe fn start_next(cx: &Cx, device: PDEVICE_OBJECT, cancelable: BOOLEAN) {
    let irql = cx.cpu.irql();
    if irql != Irql::DISPATCH {
        wrong_level(cx, irql);
    }
    next(cx, device, cancelable != FALSE, None);
}

/// Its page allows DISPATCH_LEVEL and below, where that of IoStartNextPacket wants the level exactly;
/// StartIo runs at DISPATCH_LEVEL all the same, so the routine raises to it.
pub(crate) unsafe fn start_next_by_key(cx: &Cx, device: PDEVICE_OBJECT, cancelable: BOOLEAN, key: ULONG) {
    let before = cx.cpu.irql();
    if before > Irql::DISPATCH {
        wrong_level(cx, before);
    }
    cx.cpu.set_irql(Irql::DISPATCH);
    next(cx, device, cancelable != FALSE, Some(key));
    cx.cpu.set_irql(before);
}

#[cold]
fn wrong_level(cx: &Cx, irql: Irql) -> ! {
    let what = format!("{} called at {irql}", cx.ddi.name);
    cx.bug_check(VERIFIER, [0xE5, u64::from(irql.0), 0, 0], what)
}

fn next(cx: &Cx, device: PDEVICE_OBJECT, cancelable: bool, key: Option<ULONG>) {
    let d = device::object(cx, device);
    {
        let _guard = cx.cpu.machine().io.queues.lock();
        if d.DeferredStartIo != FALSE && d.StartIoActive != 0 {
            d.StartIoOwed = TRUE;
            d.StartIoOwedCancelable = BOOLEAN::from(cancelable);
            d.StartIoOwedByKey = BOOLEAN::from(key.is_some());
            d.StartIoOwedKey = key.unwrap_or(0);
            return;
        }
    }
    if let Some(packet) = take_next(cx, d, cancelable, key) {
        call_start_io(cx, d, packet);
    }
}

fn take_next(cx: &Cx, d: &mut DEVICE_OBJECT, cancelable: bool, key: Option<ULONG>) -> Option<PIRP> {
    if cancelable {
        cancel::take(cx);
    }
    d.CurrentIrp = null_mut();
    let queue = &raw mut d.DeviceQueue;
    // SAFETY: the queue is a field of a resolved device.
    let entry = unsafe {
        match key {
            None => device_queue::remove(cx, queue),
            Some(key) => device_queue::remove_by_key(cx, queue, key),
        }
    };
    let packet = (!entry.is_null()).then(|| irp_of(entry));
    if let Some(packet) = packet {
        d.CurrentIrp = packet;
        if cancelable && d.NonCancelable != FALSE {
            cancel::exchange(irp::object(cx, packet), None);
        }
    }
    if cancelable {
        cancel::give(cx, Irql::DISPATCH);
    }
    packet
}

fn call_start_io(cx: &Cx, d: &mut DEVICE_OBJECT, mut packet: PIRP) {
    // SAFETY: the driver object outlives its devices.
    let Some(start_io) = (unsafe { (*d.DriverObject).DriverStartIo }) else {
        cx.bad_pointer(0, "the driver's StartIo routine");
    };
    let device: PDEVICE_OBJECT = d;
    loop {
        start_io_begins(cx, d);
        // SAFETY: the routine is the driver's own, called as documented.
        callback(cx.cpu, &START_IO, || unsafe { start_io(device, packet) });
        let owed = start_io_ended(cx, d);
        let irql = cx.cpu.irql();
        if irql != Irql::DISPATCH {
            cx.bug_check(
                VERIFIER,
                [0xE5, u64::from(irql.0), 0, 0],
                format!("StartIo was called at DISPATCH_LEVEL and returned at {irql}"),
            );
        }
        let Some((cancelable, key)) = owed else { return };
        match take_next(cx, d, cancelable, key) {
            Some(next) => packet = next,
            None => return,
        }
    }
}

/// One more StartIo call is active. Counted under the queues' lock: the call of one processor may
/// still be returning when another processor's DPC asks for the next packet.
fn start_io_begins(cx: &Cx, d: &mut DEVICE_OBJECT) {
    let _guard = cx.cpu.machine().io.queues.lock();
    d.StartIoActive += 1;
}

/// A StartIo call has returned. Answers how to take the next packet, if one is owed.
fn start_io_ended(cx: &Cx, d: &mut DEVICE_OBJECT) -> Option<(bool, Option<ULONG>)> {
    let _guard = cx.cpu.machine().io.queues.lock();
    d.StartIoActive -= 1;
    let owed = std::mem::replace(&mut d.StartIoOwed, FALSE) != FALSE;
    owed.then(|| {
        (d.StartIoOwedCancelable != FALSE, (d.StartIoOwedByKey != FALSE).then_some(d.StartIoOwedKey))
    })
}

pub(crate) unsafe fn set_attributes(
    cx: &Cx,
    device: PDEVICE_OBJECT,
    deferred: BOOLEAN,
    non_cancelable: BOOLEAN,
) {
    let d = device::object(cx, device);
    d.DeferredStartIo = deferred;
    d.NonCancelable = non_cancelable;
}
