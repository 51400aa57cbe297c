//! Work items of the miniport: routines at PASSIVE_LEVEL.
//!
//! A worker is made once, queued as often as it is free, and freed. No lock is held around the routine;
//! which Storport locks it may take is not documented, and none is refused. Invariant: a worker that
//! is queued is not queued again, and its memory stays until its routine has been called.

use super::adapter;
use super::hba::Hba;
use crate::callbacks::{HW_STOR_WORK_ITEM, STORPORT};
use crate::ddi::{
    PHW_WORKITEM, STOR_STATUS_BUSY, STOR_STATUS_INSUFFICIENT_RESOURCES, STOR_STATUS_INVALID_DEVICE_STATE,
    STOR_STATUS_INVALID_IRQL, STOR_STATUS_INVALID_PARAMETER, STOR_STATUS_SUCCESS, STOR_STATUS_UNSUCCESSFUL,
};
use kernel_sim::ddi::{Cx, IO_WORKITEM, PDEVICE_OBJECT, PVOID, ULONG, callback};
use kernel_sim::irql::Irql;
use kernel_sim::processor::Processor;
use kernel_sim::system;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

/// A worker, behind the handle the miniport holds.
#[repr(C)]
struct Worker {
    kind: u32,
    state: AtomicU32,
    item: IO_WORKITEM,
    hba: *const Hba,
    routine: PHW_WORKITEM,
    context: PVOID,
}

const WORKER: u32 = u32::from_le_bytes(*b"StWk");
const FREED: u32 = u32::from_le_bytes(*b"StWf");
const IDLE: u32 = 0;
const QUEUED: u32 = 1;

/// What lies behind a handle: a worker of this adapter, live or freed.
fn object(cx: &Cx, hba: &Hba, handle: PVOID) -> Option<*mut Worker> {
    let worker: *mut Worker = handle.cast();
    if worker.is_null() {
        return None;
    }
    cx.check_output(worker);
    // SAFETY: just found in mapped memory; plain data.
    unsafe {
        (matches!((*worker).kind, WORKER | FREED) && std::ptr::eq((*worker).hba, hba)).then_some(worker)
    }
}

pub(crate) unsafe fn initialize(cx: &Cx, extension: PVOID, out: *mut PVOID) -> ULONG {
    let hba = adapter(cx, extension);
    cx.check_output(out);
    if cx.cpu.irql() > Irql::DISPATCH {
        return STOR_STATUS_INVALID_IRQL;
    }
    let worker: *mut Worker = system::allocate_for_call(cx, size_of::<Worker>()).cast();
    if worker.is_null() {
        return STOR_STATUS_INSUFFICIENT_RESOURCES;
    }
    // SAFETY: a fresh zeroed block of that size; the output was checked.
    unsafe {
        (*worker).kind = WORKER;
        (*worker).hba = hba;
        *out = worker.cast();
    }
    STOR_STATUS_SUCCESS
}

pub(crate) unsafe fn queue(
    cx: &Cx,
    extension: PVOID,
    routine: PHW_WORKITEM,
    handle: PVOID,
    context: PVOID,
) -> ULONG {
    let hba = adapter(cx, extension);
    if cx.cpu.irql() > Irql::DISPATCH {
        return STOR_STATUS_INVALID_IRQL;
    }
    let Some(worker) = object(cx, hba, handle) else { return STOR_STATUS_INVALID_PARAMETER };
    // SAFETY: `object` found a worker of this adapter, whose block lives until the machine ends.
    unsafe {
        if (*worker).kind == FREED || routine.is_none() {
            return STOR_STATUS_INVALID_PARAMETER;
        }
        if hba.removing.load(SeqCst) {
            return STOR_STATUS_INVALID_DEVICE_STATE;
        }
        if (*worker).state.compare_exchange(IDLE, QUEUED, SeqCst, SeqCst).is_err() {
            return STOR_STATUS_BUSY;
        }
        (*worker).routine = routine;
        (*worker).context = context;
        hba.pending_work.fetch_add(1, SeqCst);
        system::queue_work_item(cx, &raw mut (*worker).item, Some(run), worker.cast());
    }
    STOR_STATUS_SUCCESS
}

/// The block stays until the machine ends: a routine may free its own worker.
pub(crate) unsafe fn free(cx: &Cx, extension: PVOID, handle: PVOID) -> ULONG {
    let Some(worker) = object(cx, adapter(cx, extension), handle) else {
        return STOR_STATUS_INVALID_PARAMETER;
    };
    if cx.cpu.irql() > Irql::DISPATCH {
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
    let (hba, routine, context) = unsafe { (&*(*worker).hba, (*worker).routine, (*worker).context) };
    let cpu = Processor::current();
    callback(cpu, &STORPORT, || {
        // From here on it may be queued again, by its own routine too.
        // SAFETY: as above.
        unsafe { (*worker).state.store(IDLE, SeqCst) };
        if let Some(routine) = routine {
            hba.call(&HW_STOR_WORK_ITEM, Irql::PASSIVE, || {
                // SAFETY: the miniport's own routine and context, called as documented.
                unsafe { routine(hba.extension, context, worker.cast()) }
            });
        }
        hba.pending_work.fetch_sub(1, SeqCst);
    });
}
