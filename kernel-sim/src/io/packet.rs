//! The StartIo packet model: one current request per device, the others in its device queue.
//!
//! IoStartPacket and IoStartNextPacket call the driver's StartIo inside the call, at DISPATCH_LEVEL;
//! that, and the completion routines inside IoCompleteRequest, are why no spin lock may be held at
//! either.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::bugcheck::DRIVER_VERIFIER_DETECTED_VIOLATION as VERIFIER;
use crate::ddi::types::*;
use crate::ddi::{Call, callback};
use crate::frame::{Frame, Item};
use crate::image::Routine as _;
use crate::io::device_notes::Owed;
use crate::io::{cancel, device, device_queue, irp};
use crate::irql::Irql;
use crate::routine::Arg;
use crate::routine::START_IO;
use std::ptr::null_mut;

fn entry_of(irp: &mut IRP) -> PKDEVICE_QUEUE_ENTRY {
    // SAFETY: the overlay is a union of plain data; a queued IRP uses it as a queue entry.
    unsafe { &raw mut irp.Tail.Overlay.__bindgen_anon_1.DeviceQueueEntry }
}

fn irp_of(entry: PKDEVICE_QUEUE_ENTRY) -> PIRP {
    crate::CONTAINING_RECORD!(entry, IRP, Tail.Overlay.__bindgen_anon_1.DeviceQueueEntry)
}

pub(crate) unsafe fn start(
    call: &Call,
    device: PDEVICE_OBJECT,
    packet: PIRP,
    key: PULONG,
    routine: PDRIVER_CANCEL,
) {
    let d = device::object(call, device);
    let i = irp::object(call, packet);
    let before = call.cpu.irql();
    if before > Irql::DISPATCH {
        wrong_level(call, before);
    }
    call.cpu.set_irql(Irql::DISPATCH);
    let cancelable = routine.is_some();
    if cancelable {
        cancel::take(call);
        cancel::exchange(i, routine);
    }
    let queue = &raw mut d.DeviceQueue;
    let entry = entry_of(i);
    // SAFETY: queue and entry are fields of a device and an IRP that `object` found live; a key is the
    // driver's own pointer, read only where `check_input` finds it in readable memory.
    let inserted = unsafe {
        if key.is_null() {
            device_queue::insert(call, queue, entry)
        } else {
            call.check_input(key);
            device_queue::insert_by_key(call, queue, entry, *key)
        }
    } != FALSE;
    if !inserted {
        d.CurrentIrp = packet;
        if cancelable {
            if is_non_cancelable(call, device) {
                cancel::exchange(i, None);
            }
            cancel::give(call, Irql::DISPATCH);
        }
        call_start_io(call, d, packet);
    } else if cancelable {
        if i.Cancel != FALSE
            && let Some(routine) = cancel::exchange(i, None)
        {
            cancel::run_routine(call, Some(routine), packet, Irql::DISPATCH);
        } else {
            cancel::give(call, Irql::DISPATCH);
        }
    }
    call.cpu.set_irql(before);
}

pub(crate) unsafe fn start_next(call: &Call, device: PDEVICE_OBJECT, cancelable: BOOLEAN) {
    let irql = call.cpu.irql();
    if irql != Irql::DISPATCH {
        wrong_level(call, irql);
    }
    next(call, device, cancelable != FALSE, None);
}

/// Its page allows DISPATCH_LEVEL and below, where that of IoStartNextPacket wants the level exactly;
/// StartIo runs at DISPATCH_LEVEL all the same, so the routine raises to it.
pub(crate) unsafe fn start_next_by_key(call: &Call, device: PDEVICE_OBJECT, cancelable: BOOLEAN, key: ULONG) {
    let before = call.cpu.irql();
    if before > Irql::DISPATCH {
        wrong_level(call, before);
    }
    call.cpu.set_irql(Irql::DISPATCH);
    next(call, device, cancelable != FALSE, Some(key));
    call.cpu.set_irql(before);
}

#[cold]
fn wrong_level(call: &Call, irql: Irql) -> ! {
    let what = format!("{} called at {irql}", call.ddi.name);
    call.bug_check(VERIFIER, [0xE5, u64::from(irql.0), 0, 0], what)
}

fn next(call: &Call, device: PDEVICE_OBJECT, cancelable: bool, key: Option<ULONG>) {
    let d = device::object(call, device);
    {
        let mut notes = call.cpu.machine().io.queues.lock();
        let note = notes.of(device);
        if note.is_deferred && note.start_io_active != 0 {
            note.owed = Some(Owed { cancelable, key });
            return;
        }
    }
    if let Some(packet) = take_next(call, d, cancelable, key) {
        call_start_io(call, d, packet);
    }
}

fn take_next(call: &Call, d: &mut DEVICE_OBJECT, cancelable: bool, key: Option<ULONG>) -> Option<PIRP> {
    if cancelable {
        cancel::take(call);
    }
    d.CurrentIrp = null_mut();
    let queue = &raw mut d.DeviceQueue;
    // SAFETY: the queue is a field of the device, which the caller found live.
    let entry = unsafe {
        match key {
            None => device_queue::remove(call, queue),
            Some(key) => device_queue::remove_by_key(call, queue, key),
        }
    };
    let packet = (!entry.is_null()).then(|| irp_of(entry));
    if let Some(packet) = packet {
        d.CurrentIrp = packet;
        if cancelable && is_non_cancelable(call, d) {
            cancel::exchange(irp::object(call, packet), None);
        }
    }
    if cancelable {
        cancel::give(call, Irql::DISPATCH);
    }
    packet
}

fn call_start_io(call: &Call, d: &mut DEVICE_OBJECT, mut packet: PIRP) {
    // SAFETY: the driver object outlives its devices.
    let Some(start_io) = (unsafe { (*d.DriverObject).DriverStartIo }) else {
        call.bad_pointer(0, "the driver's StartIo routine");
    };
    let device: PDEVICE_OBJECT = d;
    loop {
        start_io_begins(call, device);
        let args = [Arg::Pointer(device as usize), Arg::Pointer(packet as usize)];
        let frame = Frame::new(&START_IO, &args).about(Item::Irp(packet as usize));
        // SAFETY: the routine is the driver's own, called as documented.
        callback(call.cpu, &frame, || unsafe { start_io.go((device, packet)) });
        let owed = start_io_ended(call, device);
        let irql = call.cpu.irql();
        if irql != Irql::DISPATCH {
            call.bug_check_after(
                VERIFIER,
                [0xE5, u64::from(irql.0), 0, 0],
                format!("StartIo was called at DISPATCH_LEVEL and returned at {irql}"),
                call.cpu.irql_left_by(&frame),
            );
        }
        let Some(Owed { cancelable, key }) = owed else { return };
        match take_next(call, d, cancelable, key) {
            Some(next) => packet = next,
            None => return,
        }
    }
}

/// One more StartIo call is active. Counted under the queues' lock: the call of one processor may
/// still be returning when another processor's DPC asks for the next packet.
fn start_io_begins(call: &Call, device: PDEVICE_OBJECT) {
    call.cpu.machine().io.queues.lock().of(device).start_io_active += 1;
}

/// A StartIo call has returned. Returns how to take the next packet, if one is owed.
fn start_io_ended(call: &Call, device: PDEVICE_OBJECT) -> Option<Owed> {
    let mut notes = call.cpu.machine().io.queues.lock();
    let note = notes.of(device);
    note.start_io_active -= 1;
    note.owed.take()
}

fn is_non_cancelable(call: &Call, device: PDEVICE_OBJECT) -> bool {
    call.cpu.machine().io.queues.lock().of(device).is_non_cancelable
}

pub(crate) unsafe fn set_attributes(
    call: &Call,
    device: PDEVICE_OBJECT,
    deferred: BOOLEAN,
    non_cancelable: BOOLEAN,
) {
    device::object(call, device);
    let mut notes = call.cpu.machine().io.queues.lock();
    let note = notes.of(device);
    note.is_deferred = deferred != FALSE;
    note.is_non_cancelable = non_cancelable != FALSE;
}
