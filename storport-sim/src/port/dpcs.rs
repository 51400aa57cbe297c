//! STOR_DPC: deferred procedure calls of the miniport, each with a lock of its own.
//!
//! Storport promises that instances of one routine are serialised, which the kernel does not promise of a DPC
//! that is queued again while it runs: a second instance waits for the first, on a lock that is not the one
//! miniports know as DpcLock. A STOR_DPC has no room of its own for that lock and the routine, so they lie in
//! members of its KDPC that only the system uses, and that the kernel leaves alone once it is made.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter;
use super::adapter::AdapterState;
use super::own_cx;
use crate::callbacks::{HW_STOR_DPC, STORPORT};
use crate::ddi::{PHW_DPC_ROUTINE, PSTOR_DPC};
use kernel_sim::ddi::{BOOLEAN, Call, PKDPC, PKSPIN_LOCK, PVOID, as_system};
use kernel_sim::frame::Frame;
use kernel_sim::image::Routine as _;
use kernel_sim::irql::Irql;
use kernel_sim::processor::Processor;
use kernel_sim::routine::Arg;
use kernel_sim::unhooked;
use std::sync::atomic::Ordering::SeqCst;

/// A STOR_DPC that StorPortInitializeDpc made for this adapter; anything else is a bug check.
fn object(call: &Call, adapter: &AdapterState, dpc: PSTOR_DPC) -> PSTOR_DPC {
    call.check_output(dpc);
    // SAFETY: just found in mapped memory; plain data.
    let is_live = unsafe {
        std::ptr::eq((*dpc).Dpc.DeferredContext, std::ptr::from_ref(adapter).cast())
            && (*dpc).Dpc.DeferredRoutine.is_some_and(|routine| routine as usize == run as *const () as usize)
    };
    if !is_live {
        call.bad_pointer(dpc as usize, "the STOR_DPC (StorPortInitializeDpc never made it)");
    }
    dpc
}

/// The lock that keeps instances of the routine apart.
///
/// # Safety
/// The object is mapped memory.
unsafe fn serial(dpc: PSTOR_DPC) -> PKSPIN_LOCK {
    // SAFETY: the caller's promise; only an address is taken.
    unsafe { (&raw mut (*dpc).Dpc.ProcessorHistory).cast() }
}

/// Where the miniport's routine is kept.
///
/// # Safety
/// The object is mapped memory.
unsafe fn place_of_routine(dpc: PSTOR_DPC) -> *mut PHW_DPC_ROUTINE {
    // SAFETY: the caller's promise; only an address is taken. An absent routine is a null pointer.
    unsafe { (&raw mut (*dpc).Dpc.DpcListEntry).cast() }
}

/// The lock that StorPortAcquireSpinLock(DpcLock) takes.
pub(super) fn lock_of(call: &Call, adapter: &AdapterState, dpc: PVOID) -> PKSPIN_LOCK {
    let dpc = object(call, adapter, dpc.cast());
    // SAFETY: a live object; only an address is taken.
    unsafe { &raw mut (*dpc).Lock }
}

/// Outside HwStorPassiveInitializeRoutine the page allows no call; it is carried out all the same, as on
/// Windows, and left to those who check.
pub(crate) unsafe fn initialize(call: &Call, extension: PVOID, dpc: PSTOR_DPC, routine: PHW_DPC_ROUTINE) {
    let adapter = adapter(call, extension);
    call.check_output(dpc);
    // SAFETY: found in mapped memory above; the object is the miniport's to have made.
    unsafe {
        let context = std::ptr::from_ref(adapter).cast_mut().cast();
        unhooked::initialize_dpc(call, &raw mut (*dpc).Dpc, Some(run), context);
        (*dpc).Lock = 0;
        *serial(dpc) = 0;
        *place_of_routine(dpc) = routine;
    }
}

pub(crate) unsafe fn issue(call: &Call, extension: PVOID, dpc: PSTOR_DPC, a1: PVOID, a2: PVOID) -> BOOLEAN {
    let adapter = adapter(call, extension);
    let dpc = object(call, adapter, dpc);
    // It may run before the call returns.
    adapter.issued_dpcs.fetch_add(1, SeqCst);
    // SAFETY: a live object; freeing memory with a queued DPC in it is refused.
    let is_queued = unsafe { unhooked::queue_dpc_with(call, &raw mut (*dpc).Dpc, a1, a2) };
    if !is_queued {
        adapter.issued_dpcs.fetch_sub(1, SeqCst);
    }
    BOOLEAN::from(is_queued)
}

pub(crate) unsafe fn cancel(call: &Call, extension: PVOID, dpc: PSTOR_DPC) -> BOOLEAN {
    let adapter = adapter(call, extension);
    let dpc = object(call, adapter, dpc);
    // SAFETY: a live object.
    let is_removed = unsafe { unhooked::remove_dpc(call, &raw mut (*dpc).Dpc) };
    if is_removed {
        adapter.issued_dpcs.fetch_sub(1, SeqCst);
    }
    BOOLEAN::from(is_removed)
}

/// The routine of every STOR_DPC.
unsafe extern "C-unwind" fn run(kdpc: PKDPC, context: PVOID, a1: PVOID, a2: PVOID) {
    let dpc: PSTOR_DPC = kdpc.cast();
    // SAFETY: the object was made by `initialize`, and its memory is not freed while it is queued; the
    // adapter is kept until the machine has come to rest.
    let (adapter, routine, serial) =
        unsafe { (&*context.cast::<AdapterState>(), *place_of_routine(dpc), serial(dpc)) };
    let Some(routine) = routine else { return };
    as_system(Processor::current(), &STORPORT, || {
        let call = own_cx();
        unhooked::acquire(&call, serial);
        let args = [
            Arg::Pointer(dpc as usize),
            Arg::Pointer(adapter.extension as usize),
            Arg::Pointer(a1 as usize),
            Arg::Pointer(a2 as usize),
        ];
        // SAFETY: the miniport gave the routine and its arguments together, for a call like this; they live
        // until it.
        adapter.call(Frame::new(&HW_STOR_DPC, &args), Irql::DISPATCH, || unsafe {
            routine.go((dpc, adapter.extension, a1, a2))
        });
        unhooked::release(&call, serial);
        adapter.issued_dpcs.fetch_sub(1, SeqCst);
    });
}
