//! Work items of the miniport: routines at PASSIVE_LEVEL.
//!
//! A worker is made once, queued as often as it is free, and freed. No lock is held around the routine;
//! which Storport locks it may take is not documented, and none is refused. Invariant: a worker that
//! is queued is not queued again, and its memory stays until its routine has been called.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter;
use super::adapter::AdapterState;
use crate::callbacks::{HW_STOR_WORK_ITEM, STORPORT};
use crate::ddi::{
    PHW_WORKITEM, STOR_STATUS_BUSY, STOR_STATUS_INSUFFICIENT_RESOURCES, STOR_STATUS_INVALID_DEVICE_STATE,
    STOR_STATUS_INVALID_IRQL, STOR_STATUS_INVALID_PARAMETER, STOR_STATUS_SUCCESS, STOR_STATUS_UNSUCCESSFUL,
};
use kernel_sim::ddi::{Call, IO_WORKITEM, PDEVICE_OBJECT, PVOID, ULONG, as_system};
use kernel_sim::frame::Frame;
use kernel_sim::image::Routine as _;
use kernel_sim::irql::Irql;
use kernel_sim::processor::Processor;
use kernel_sim::routine::Arg;
use kernel_sim::unhooked;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

/// A worker, behind the handle the miniport holds.
#[repr(C)]
struct Worker {
    kind: u32,
    state: AtomicU32,
    item: IO_WORKITEM,
    adapter: *const AdapterState,
    routine: PHW_WORKITEM,
    context: PVOID,
}

const WORKER: u32 = u32::from_le_bytes(*b"StWk");
const FREED: u32 = u32::from_le_bytes(*b"StWf");
const IDLE: u32 = 0;
const QUEUED: u32 = 1;

/// What lies behind a handle: a worker of this adapter, live or freed.
fn object(call: &Call, adapter: &AdapterState, handle: PVOID) -> Option<*mut Worker> {
    let worker: *mut Worker = handle.cast();
    if worker.is_null() {
        return None;
    }
    call.check_output(worker);
    // SAFETY: just found in mapped memory; plain data.
    unsafe {
        (matches!((*worker).kind, WORKER | FREED) && std::ptr::eq((*worker).adapter, adapter))
            .then_some(worker)
    }
}

pub(crate) unsafe fn initialize(call: &Call, extension: PVOID, out: *mut PVOID) -> ULONG {
    let adapter = adapter(call, extension);
    call.check_output(out);
    if call.cpu.irql() > Irql::DISPATCH {
        return STOR_STATUS_INVALID_IRQL;
    }
    let worker: *mut Worker = unhooked::allocate_for_call(call, size_of::<Worker>()).cast();
    if worker.is_null() {
        return STOR_STATUS_INSUFFICIENT_RESOURCES;
    }
    // SAFETY: a fresh zeroed block of that size; the output was checked.
    unsafe {
        (*worker).kind = WORKER;
        (*worker).adapter = adapter;
        *out = worker.cast();
    }
    STOR_STATUS_SUCCESS
}

pub(crate) unsafe fn queue(
    call: &Call,
    extension: PVOID,
    routine: PHW_WORKITEM,
    handle: PVOID,
    context: PVOID,
) -> ULONG {
    let adapter = adapter(call, extension);
    if call.cpu.irql() > Irql::DISPATCH {
        return STOR_STATUS_INVALID_IRQL;
    }
    let Some(worker) = object(call, adapter, handle) else { return STOR_STATUS_INVALID_PARAMETER };
    // SAFETY: `object` found a worker of this adapter, whose block lives until the machine ends.
    unsafe {
        if (*worker).kind == FREED || routine.is_none() {
            return STOR_STATUS_INVALID_PARAMETER;
        }
        if adapter.removing.load(SeqCst) {
            return STOR_STATUS_INVALID_DEVICE_STATE;
        }
        if (*worker).state.compare_exchange(IDLE, QUEUED, SeqCst, SeqCst).is_err() {
            return STOR_STATUS_BUSY;
        }
        (*worker).routine = routine;
        (*worker).context = context;
        adapter.pending_work.fetch_add(1, SeqCst);
        unhooked::queue_work_item(call, &raw mut (*worker).item, Some(run), worker.cast());
    }
    STOR_STATUS_SUCCESS
}

/// The block stays until the machine ends: a routine may free its own worker.
pub(crate) unsafe fn free(call: &Call, extension: PVOID, handle: PVOID) -> ULONG {
    let Some(worker) = object(call, adapter(call, extension), handle) else {
        return STOR_STATUS_INVALID_PARAMETER;
    };
    if call.cpu.irql() > Irql::DISPATCH {
        return STOR_STATUS_INVALID_IRQL;
    }
    // SAFETY: `object` found a worker of this adapter.
    unsafe {
        if (*worker).kind == FREED {
            return STOR_STATUS_UNSUCCESSFUL;
        }
        if (*worker).state.load(SeqCst) == QUEUED {
            return STOR_STATUS_BUSY;
        }
        (*worker).kind = FREED;
    }
    STOR_STATUS_SUCCESS
}

/// A worker thread has come to a worker.
unsafe extern "C-unwind" fn run(_device: PDEVICE_OBJECT, context: PVOID) {
    let worker: *mut Worker = context.cast();
    // SAFETY: workers' blocks live until the machine ends, and their adapter as long.
    let (adapter, routine, context) = unsafe { (&*(*worker).adapter, (*worker).routine, (*worker).context) };
    let cpu = Processor::current();
    as_system(cpu, &STORPORT, || {
        // From here on it may be queued again, by its own routine too.
        // SAFETY: workers' blocks live until the machine ends.
        unsafe { (*worker).state.store(IDLE, SeqCst) };
        if let Some(routine) = routine {
            adapter.call(
                Frame::new(&HW_STOR_WORK_ITEM, &[Arg::Pointer(adapter.extension as usize)]),
                Irql::PASSIVE,
                || {
                    // SAFETY: the miniport gave the routine and its arguments together, for a call like this;
                    // they live until it.
                    unsafe { routine.go((adapter.extension, context, worker.cast())) }
                },
            );
        }
        adapter.pending_work.fetch_sub(1, SeqCst);
    });
}
