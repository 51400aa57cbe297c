//! System threads as drivers see them: a handle, an object to wait for, an end.

use crate::ddi::types::*;
use crate::ddi::{Cx, callback};
use crate::hook::SYSTEM_THREAD;
use crate::machine::Machine;
use crate::pool::tag;
use crate::processor::Processor;
use crate::sync::thread::unwind;
use crate::sync::wait::initialize_thread_object;
use std::ptr::null_mut;

#[expect(clippy::too_many_arguments, reason = "the documented signature")]
pub(crate) unsafe fn create(
    cx: &Cx,
    handle: PHANDLE,
    _access: ULONG,
    _attributes: POBJECT_ATTRIBUTES,
    _process: HANDLE,
    _client: PCLIENT_ID,
    routine: PKSTART_ROUTINE,
    context: PVOID,
) -> NTSTATUS {
    cx.check_output(handle);
    let Some(routine) = routine else { return STATUS_INVALID_PARAMETER };
    let machine = cx.cpu.machine();
    let object = machine.pool_allocate_zeroed(size_of::<KTHREAD>(), tag(b"Thre"), cx.site);
    if object.is_null() {
        return STATUS_INSUFFICIENT_RESOURCES;
    }
    initialize_thread_object(cx, object);
    let context = context as usize;
    machine.create_thread(
        object as usize,
        None,
        Box::new(move || {
            // SAFETY: the routine and its context are the driver's own, called as documented.
            callback(Processor::current(), &SYSTEM_THREAD, || unsafe { routine(context as PVOID) });
        }),
    );
    let mut kernel = machine.kernel.lock();
    // A thread starts with two references: the handle's and the running thread's own. The object
    // goes when handle and references of drivers are gone; a running thread keeps no driver memory.
    kernel.handles.push(object as usize);
    let number = kernel.handles.len() * 4;
    drop(kernel);
    // SAFETY: `initialize_thread_object` checked the block; the output was checked above.
    unsafe {
        (*object.cast::<KTHREAD>()).References = 1;
        *handle = number as HANDLE;
    }
    STATUS_SUCCESS
}

pub(crate) unsafe fn terminate(cx: &Cx, _status: NTSTATUS) -> NTSTATUS {
    unwind(cx.cpu)
}

fn object_of(machine: &Machine, handle: HANDLE) -> Option<usize> {
    let number = handle as usize;
    if number == 0 || !number.is_multiple_of(4) {
        return None;
    }
    machine.kernel.lock().handles.get(number / 4 - 1).copied().filter(|o| *o != 0)
}

pub(crate) unsafe fn reference_by_handle(
    cx: &Cx,
    handle: HANDLE,
    _access: ACCESS_MASK,
    _kind: PVOID,
    _mode: KPROCESSOR_MODE,
    out: *mut PVOID,
    _information: PVOID,
) -> NTSTATUS {
    cx.check_output(out);
    let Some(object) = object_of(cx.cpu.machine(), handle) else { return STATUS_INVALID_PARAMETER };
    // SAFETY: an open handle keeps its object alive; the output was checked.
    unsafe {
        (*(object as PKTHREAD)).References += 1;
        *out = object as PVOID;
    }
    STATUS_SUCCESS
}

fn release(cx: &Cx, object: PVOID) {
    let thread: PKTHREAD = object.cast();
    cx.check_output(thread);
    // SAFETY: just found in mapped memory; counts change while the caller holds a reference.
    let gone = unsafe {
        (*thread).References = (*thread).References.saturating_sub(1);
        (*thread).References == 0
    };
    if !gone {
        return;
    }
    let machine = cx.cpu.machine();
    // A thread that still runs must not signal freed memory.
    for thread in machine.kernel.lock().threads.iter().filter(|t| t.object.get() == object as usize) {
        thread.object.set(0);
    }
    machine.pool_free(cx, object, None);
}

pub(crate) unsafe fn dereference(cx: &Cx, object: PVOID) {
    release(cx, object);
}

pub(crate) unsafe fn close(cx: &Cx, handle: HANDLE) -> NTSTATUS {
    let machine = cx.cpu.machine();
    let Some(object) = object_of(machine, handle) else { return STATUS_INVALID_PARAMETER };
    machine.kernel.lock().handles[handle as usize / 4 - 1] = 0;
    release(cx, object as PVOID);
    STATUS_SUCCESS
}

pub(crate) unsafe fn current(cx: &Cx) -> PVOID {
    // SAFETY: a processor that runs driver code runs a thread.
    let thread = unsafe { &*cx.cpu.thread.get() };
    let object = thread.object.get();
    if object == 0 { null_mut() } else { object as PVOID }
}
