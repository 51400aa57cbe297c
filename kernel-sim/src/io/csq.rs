//! Cancel-safe queues: the framework around a driver's own queue that makes cancellation safe.
//!
//! On Windows it is a library linked into the driver, so what it calls counts as the driver's: the queue's
//! lock is the driver's, taken by its own routine, and a rule sees it held. The last slot of an IRP's driver
//! context leads the cancel routine to the queue. Invariant: when the driver and a cancellation both want a
//! request, it belongs to the one that found the cancel routine still set.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::ddi::types::*;
use crate::ddi::{Call, IoMarkIrpPending, IoReleaseCancelSpinLock, callback};
use crate::frame::Frame;
use crate::image::Routine as _;
use crate::io::{cancel, irp};
use crate::processor::Processor;
use crate::routine::CSQ_ROUTINE;
use std::ptr::null_mut;

fn object<'a>(call: &Call, csq: PIO_CSQ) -> &'a mut IO_CSQ {
    if !call.cpu.is_memory(csq as usize, size_of::<IO_CSQ>()) || !csq.is_aligned() {
        call.bad_pointer(csq as usize, "the IO_CSQ");
    }
    // SAFETY: mapped, aligned memory of the machine, plain data; set once by an initialization.
    unsafe { &mut *csq }
}

/// A queue that was initialized.
fn live<'a>(call: &Call, csq: PIO_CSQ) -> &'a IO_CSQ {
    let queue = object(call, csq);
    if !matches!(queue.Type, IO_TYPE_CSQ | IO_TYPE_CSQ_EX) {
        call.bad_pointer(csq as usize, "the IO_CSQ, which is not initialized");
    }
    queue
}

/// The slot of an IRP that leads to its queue, or to its context.
fn slot(request: &mut IRP) -> &mut PVOID {
    // SAFETY: the overlay is a union of plain data; the owner of a request may use its driver context.
    unsafe { &mut request.Tail.Overlay.__bindgen_anon_1.DriverContext[3] }
}

fn context<'a>(call: &Call, context: PIO_CSQ_IRP_CONTEXT) -> &'a mut IO_CSQ_IRP_CONTEXT {
    call.check_output(context);
    // SAFETY: mapped, aligned memory of the machine, plain data; changed under the queue's lock.
    unsafe { &mut *context }
}

#[expect(clippy::too_many_arguments, reason = "the documented signature")]
pub(crate) unsafe fn initialize(
    call: &Call,
    csq: PIO_CSQ,
    insert: PIO_CSQ_INSERT_IRP,
    remove: PIO_CSQ_REMOVE_IRP,
    peek: PIO_CSQ_PEEK_NEXT_IRP,
    acquire: PIO_CSQ_ACQUIRE_LOCK,
    release: PIO_CSQ_RELEASE_LOCK,
    complete: PIO_CSQ_COMPLETE_CANCELED_IRP,
) -> NTSTATUS {
    *object(call, csq) = IO_CSQ {
        Type: IO_TYPE_CSQ,
        CsqInsertIrp: insert,
        CsqRemoveIrp: remove,
        CsqPeekNextIrp: peek,
        CsqAcquireLock: acquire,
        CsqReleaseLock: release,
        CsqCompleteCanceledIrp: complete,
        ReservePointer: null_mut(),
    };
    STATUS_SUCCESS
}

#[expect(clippy::too_many_arguments, reason = "the documented signature")]
pub(crate) unsafe fn initialize_ex(
    call: &Call,
    csq: PIO_CSQ,
    insert: PIO_CSQ_INSERT_IRP_EX,
    remove: PIO_CSQ_REMOVE_IRP,
    peek: PIO_CSQ_PEEK_NEXT_IRP,
    acquire: PIO_CSQ_ACQUIRE_LOCK,
    release: PIO_CSQ_RELEASE_LOCK,
    complete: PIO_CSQ_COMPLETE_CANCELED_IRP,
) -> NTSTATUS {
    // SAFETY: the two share a member, as in csq.h, and the type says which it is: so it is called as it is.
    let insert = unsafe { std::mem::transmute::<PIO_CSQ_INSERT_IRP_EX, PIO_CSQ_INSERT_IRP>(insert) };
    // SAFETY: the driver's own pointers and routines, which are looked at before they are called.
    let status = unsafe { initialize(call, csq, insert, remove, peek, acquire, release, complete) };
    object(call, csq).Type = IO_TYPE_CSQ_EX;
    status
}

/// One of the driver's routines.
macro_rules! routine {
    ($csq:expr, $name:ident ( $($arg:expr),* )) => {
        routine!($csq, (*$csq).$name, ( $($arg),* ))
    };
    ($csq:expr, $routine:expr, ( $($arg:expr),* )) => {{
        let routine = $routine.expect("the queue was initialized with all of its routines");
        callback(Processor::current(), &Frame::new(&CSQ_ROUTINE, &[]), || routine.go(($csq, $($arg),*)))
    }};
}

/// Runs `body` with the queue's lock held.
unsafe fn locked<R>(csq: PIO_CSQ, body: impl FnOnce() -> R) -> R {
    let mut irql: KIRQL = PASSIVE_LEVEL;
    // SAFETY: the routines are the driver's own, called as documented.
    unsafe {
        routine!(csq, CsqAcquireLock(&raw mut irql));
        let answer = body();
        routine!(csq, CsqReleaseLock(irql));
        answer
    }
}

/// Stops a queue that lacks a routine before anything is called.
fn check(call: &Call, csq: PIO_CSQ) {
    let queue = live(call, csq);
    let complete = queue.CsqRemoveIrp.is_some()
        && queue.CsqPeekNextIrp.is_some()
        && queue.CsqAcquireLock.is_some()
        && queue.CsqReleaseLock.is_some()
        && queue.CsqCompleteCanceledIrp.is_some()
        && queue.CsqInsertIrp.is_some();
    if !complete {
        call.bad_pointer(0, "a routine of the IO_CSQ");
    }
}

pub(crate) unsafe fn insert(call: &Call, csq: PIO_CSQ, request: PIRP, irp_context: PIO_CSQ_IRP_CONTEXT) {
    // SAFETY: the driver's own pointers, which `insert_ex` checks before it uses them.
    let _ = unsafe { insert_ex(call, csq, request, irp_context, null_mut()) };
}

pub(crate) unsafe fn insert_ex(
    call: &Call,
    csq: PIO_CSQ,
    request: PIRP,
    irp_context: PIO_CSQ_IRP_CONTEXT,
    insert_context: PVOID,
) -> NTSTATUS {
    check(call, csq);
    let i = irp::object(call, request);
    let leads_to: PVOID = if irp_context.is_null() {
        csq.cast()
    } else {
        *context(call, irp_context) =
            IO_CSQ_IRP_CONTEXT { Type: IO_TYPE_CSQ_IRP_CONTEXT, Irp: request, Csq: csq };
        irp_context.cast()
    };
    // SAFETY: `check` found the queue in mapped memory with all of its routines, the first of the kind that
    // its type says; the request is the caller's until it is queued, and its cancel routine decides who has
    // it afterwards.
    let (status, is_cancelled) = unsafe {
        locked(csq, || {
            let before = std::mem::replace(slot(i), leads_to);
            IoMarkIrpPending(request);
            let status = if (*csq).Type == IO_TYPE_CSQ_EX {
                let insert = (*csq).CsqInsertIrp;
                let insert = std::mem::transmute::<PIO_CSQ_INSERT_IRP, PIO_CSQ_INSERT_IRP_EX>(insert);
                routine!(csq, insert, (request, insert_context))
            } else {
                routine!(csq, CsqInsertIrp(request));
                STATUS_SUCCESS
            };
            if !NT_SUCCESS(status) {
                *slot(i) = before;
                return (status, false);
            }
            cancel::exchange(i, Some(cancelled));
            // Cancelled before there was a routine: if it is still ours, no cancel routine will complete it.
            let is_ours = i.Cancel != FALSE && cancel::exchange(i, None).is_some();
            if is_ours {
                take_out(csq, request);
            }
            (status, is_ours)
        })
    };
    if is_cancelled {
        // SAFETY: `check` found all routines of the queue; the request is out of the queue, and no other
        // party has it.
        unsafe { routine!(csq, CsqCompleteCanceledIrp(request)) };
    }
    status
}

/// Takes a request out of the driver's queue and cuts its ties; under the queue's lock.
unsafe fn take_out(csq: PIO_CSQ, request: PIRP) {
    // SAFETY: every caller has a live request in a live queue, and holds the queue's lock.
    unsafe {
        routine!(csq, CsqRemoveIrp(request));
        let leads_to = std::mem::replace(slot(&mut *request), null_mut());
        if leads_to != csq.cast() && !leads_to.is_null() {
            (*leads_to.cast::<IO_CSQ_IRP_CONTEXT>()).Irp = null_mut();
        }
    }
}

/// The cancel routine of every request in such a queue.
unsafe extern "C-unwind" fn cancelled(_device: PDEVICE_OBJECT, request: PIRP) {
    // SAFETY: the I/O manager's own request, whose slot the insertion filled. The I/O manager exchanged the
    // cancel routine away, so the request is this routine's.
    unsafe {
        IoReleaseCancelSpinLock((*request).CancelIrql);
        let leads_to = *slot(&mut *request);
        let csq: PIO_CSQ = match *leads_to.cast::<ULONG>() {
            IO_TYPE_CSQ | IO_TYPE_CSQ_EX => leads_to.cast(),
            _ => (*leads_to.cast::<IO_CSQ_IRP_CONTEXT>()).Csq,
        };
        locked(csq, || take_out(csq, request));
        routine!(csq, CsqCompleteCanceledIrp(request));
    }
}

pub(crate) unsafe fn remove(call: &Call, csq: PIO_CSQ, irp_context: PIO_CSQ_IRP_CONTEXT) -> PIRP {
    check(call, csq);
    let c = context(call, irp_context);
    // SAFETY: `check` found the queue with all of its routines; under its lock the context leads to a queued
    // request or to none.
    unsafe {
        locked(csq, || {
            let request = c.Irp;
            if request.is_null() || cancel::exchange(irp::object(call, request), None).is_none() {
                return null_mut();
            }
            take_out(csq, request);
            request
        })
    }
}

pub(crate) unsafe fn remove_next(call: &Call, csq: PIO_CSQ, peek_context: PVOID) -> PIRP {
    check(call, csq);
    // SAFETY: `check` found the queue with all of its routines; the driver's peek routine returns requests of
    // its queue, as documented.
    unsafe {
        locked(csq, || {
            let mut request = routine!(csq, CsqPeekNextIrp(null_mut(), peek_context));
            while !request.is_null() && cancel::exchange(irp::object(call, request), None).is_none() {
                // Being cancelled: its cancel routine waits for the lock, and takes it out.
                request = routine!(csq, CsqPeekNextIrp(request, peek_context));
            }
            if !request.is_null() {
                take_out(csq, request);
            }
            request
        })
    }
}
