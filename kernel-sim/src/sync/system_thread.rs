//! System threads as drivers see them: a handle, an object to wait for, an end.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::bugcheck::DRIVER_VERIFIER_DETECTED_VIOLATION as VERIFIER;
use crate::ddi::types::*;
use crate::ddi::{Call, callback};
use crate::frame::Frame;
use crate::handles::Object;
use crate::image::Routine as _;
use crate::leftovers;
use crate::pool::{allocate_object, tag};
use crate::processor::Processor;
use crate::routine::Arg;
use crate::routine::SYSTEM_THREAD;
use crate::sync::thread::unwind;
use crate::sync::wait::initialize_thread_object;
use std::ptr::null_mut;

#[expect(clippy::too_many_arguments, reason = "the documented signature")]
pub(crate) unsafe fn create(
    call: &Call,
    handle: PHANDLE,
    _access: ULONG,
    _attributes: POBJECT_ATTRIBUTES,
    _process: HANDLE,
    _client: PCLIENT_ID,
    routine: PKSTART_ROUTINE,
    context: PVOID,
) -> NTSTATUS {
    call.check_output(handle);
    let Some(routine) = routine else { return STATUS_INVALID_PARAMETER };
    let machine = call.cpu.machine();
    let object = allocate_object(call, size_of::<KTHREAD>(), tag(b"Thre"));
    if object.is_null() {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    initialize_thread_object(call, object);
    // SAFETY: a fresh zeroed block of a KTHREAD's size, which no other thread knows yet.
    unsafe { (*object.cast::<KTHREAD>()).References = 1 };
    let context = context as usize;
    machine.create_thread(
        object as usize,
        None,
        leftovers::mark_of_driver(call),
        Box::new(move || {
            let args = [Arg::Pointer(context)];
            let frame = Frame::new(&SYSTEM_THREAD, &args);
            // SAFETY: the routine and its context are the driver's own, called as documented.
            callback(Processor::current(), &frame, || unsafe { routine.go((context as PVOID,)) });
            leftovers::check(Processor::current(), "the start routine of a system thread", &frame);
        }),
    );
    let mut kernel = machine.kernel.lock();
    // The handle's is the first reference. The object goes when handle and references of drivers are
    // gone; a running thread keeps no driver memory.
    let opened = kernel.handles.open(Object::Thread(object as usize));
    drop(kernel);
    // SAFETY: `check_output` found room for the handle in mapped memory, aligned.
    unsafe { *handle = opened };
    STATUS_SUCCESS
}

pub(crate) unsafe fn terminate(call: &Call, _status: NTSTATUS) -> NTSTATUS {
    if !call.cpu.may_dispatch() {
        let irql = call.cpu.irql();
        let what = format!("PsTerminateSystemThread called at {irql} or inside a DPC or service routine");
        call.bug_check(VERIFIER, [0xE5, u64::from(irql.0), 0, 0], what);
    }
    unwind(call.cpu)
}

pub(crate) unsafe fn reference_by_handle(
    call: &Call,
    handle: HANDLE,
    _access: ACCESS_MASK,
    _kind: PVOID,
    _mode: KPROCESSOR_MODE,
    out: *mut PVOID,
    _information: PVOID,
) -> NTSTATUS {
    call.check_output(out);
    let kernel = call.cpu.machine().kernel.lock();
    let object = match kernel.handles.object(handle) {
        Some(Object::Thread(object)) => object,
        Some(Object::Key(_)) => return STATUS_OBJECT_TYPE_MISMATCH,
        None => return STATUS_INVALID_HANDLE,
    };
    // SAFETY: an open handle keeps its object alive, and counts change under the kernel lock, which is held;
    // `check_output` found room for the pointer in mapped memory, aligned.
    unsafe {
        (*(object as PKTHREAD)).References += 1;
        *out = object as PVOID;
    }
    STATUS_SUCCESS
}

fn release(call: &Call, object: PVOID) {
    let thread: PKTHREAD = object.cast();
    call.check_output(thread);
    let machine = call.cpu.machine();
    let kernel = machine.kernel.lock();
    // SAFETY: `check_output` found a whole KTHREAD in mapped memory, aligned, and any bytes are one; type and
    // count change under the kernel lock, which is held.
    let t = unsafe { &mut *thread };
    if t.Header.Type != THREAD_OBJECT || t.References == 0 {
        drop(kernel);
        call.bad_pointer(object as usize, "the thread object");
    }
    t.References -= 1;
    if t.References != 0 {
        return;
    }
    // A thread that still runs must not signal freed memory.
    for thread in kernel.threads.iter().filter(|t| t.object.get() == object as usize) {
        thread.object.set(0);
    }
    drop(kernel);
    machine.pool_free(call, object, None);
}

pub(crate) unsafe fn reference(call: &Call, object: PVOID) {
    let thread: PKTHREAD = object.cast();
    call.check_output(thread);
    let kernel = call.cpu.machine().kernel.lock();
    // SAFETY: `check_output` found a whole KTHREAD in mapped memory, aligned, and any bytes are one; type and
    // count change under the kernel lock, which is held.
    let t = unsafe { &mut *thread };
    if t.Header.Type != THREAD_OBJECT || t.References == 0 {
        drop(kernel);
        call.bad_pointer(object as usize, "the thread object");
    }
    t.References += 1;
}

pub(crate) unsafe fn dereference(call: &Call, object: PVOID) {
    release(call, object);
}

pub(crate) unsafe fn close(call: &Call, handle: HANDLE) -> NTSTATUS {
    let closed = call.cpu.machine().kernel.lock().handles.close(handle);
    match closed {
        Some(Object::Thread(object)) => release(call, object as PVOID),
        Some(Object::Key(_)) => {}
        None => return STATUS_INVALID_HANDLE,
    }
    STATUS_SUCCESS
}

pub(crate) unsafe fn current(call: &Call) -> PVOID {
    // SAFETY: a processor that runs driver code runs a thread.
    let thread = unsafe { &*call.cpu.thread.get() };
    let object = thread.object.get();
    if object == 0 { null_mut() } else { object as PVOID }
}
