//! STOR_DPC: deferred procedure calls of the miniport, each with a lock of its own.
//!
//! Storport promises that instances of one routine are serialised, which the kernel does not promise of a
//! DPC that is queued again while it runs: a second instance waits for the first, on a lock that is not
//! the one miniports know as DpcLock.

use super::adapter;
use super::hba::Hba;
use super::own_cx;
use crate::callbacks::{HW_STOR_DPC, STORPORT};
use crate::ddi::{PHW_DPC_ROUTINE, PSTOR_DPC};
use kernel_sim::ddi::{BOOLEAN, Cx, PKDPC, PKSPIN_LOCK, PVOID, callback};
use kernel_sim::irql::Irql;
use kernel_sim::processor::Processor;
use kernel_sim::system;

/// A STOR_DPC that StorPortInitializeDpc made for this adapter; anything else is a bug check.
fn object(cx: &Cx, hba: &Hba, dpc: PSTOR_DPC) -> PSTOR_DPC {
    cx.check_output(dpc);
    // SAFETY: just found in mapped memory; plain data.
    let is_live = unsafe {
        std::ptr::eq((*dpc).Adapter, std::ptr::from_ref(hba).cast())
            && (*dpc).Dpc.DeferredContext == dpc.cast()
    };
    if !is_live {
        cx.bad_pointer(dpc as usize, "the STOR_DPC (StorPortInitializeDpc never made it)");
    }
    dpc
}

/// The lock that StorPortAcquireSpinLock(DpcLock) takes.
pub(super) fn lock_of(cx: &Cx, hba: &Hba, dpc: PVOID) -> PKSPIN_LOCK {
    let dpc = object(cx, hba, dpc.cast());
    // SAFETY: a live object; only an address is taken.
    unsafe { &raw mut (*dpc).Lock }
}

/// Outside HwStorPassiveInitializeRoutine the page allows no call; it is carried out all the same, as on
/// Windows, and left to those who check.
pub(crate) unsafe fn initialize(cx: &Cx, extension: PVOID, dpc: PSTOR_DPC, routine: PHW_DPC_ROUTINE) {
    let hba = adapter(cx, extension);
    cx.check_output(dpc);
    // SAFETY: found in mapped memory above; the object is the miniport's to have made.
    unsafe {
        system::initialize_dpc(cx, &raw mut (*dpc).Dpc, Some(run), dpc.cast());
        (*dpc).Lock = 0;
        (*dpc).Serial = 0;
        (*dpc).Adapter = std::ptr::from_ref(hba).cast_mut().cast();
        (*dpc).Routine = routine;
    }
}

pub(crate) unsafe fn issue(cx: &Cx, extension: PVOID, dpc: PSTOR_DPC, a1: PVOID, a2: PVOID) -> BOOLEAN {
    let dpc = object(cx, adapter(cx, extension), dpc);
    // SAFETY: a live object; freeing memory with a queued DPC in it is refused.
    BOOLEAN::from(unsafe { system::queue_dpc_with(cx, &raw mut (*dpc).Dpc, a1, a2) })
}

pub(crate) unsafe fn cancel(cx: &Cx, extension: PVOID, dpc: PSTOR_DPC) -> BOOLEAN {
    let dpc = object(cx, adapter(cx, extension), dpc);
    // SAFETY: a live object.
    BOOLEAN::from(unsafe { system::remove_dpc(cx, &raw mut (*dpc).Dpc) })
}

/// The routine of every STOR_DPC.
unsafe extern "C-unwind" fn run(_dpc: PKDPC, context: PVOID, a1: PVOID, a2: PVOID) {
    let dpc: PSTOR_DPC = context.cast();
    // SAFETY: the object was made by `initialize`, and its memory is not freed while it is queued; the
    // adapter is kept until the machine has come to rest.
    let (hba, routine, serial) =
        unsafe { (&*(*dpc).Adapter.cast::<Hba>(), (*dpc).Routine, &raw mut (*dpc).Serial) };
    let Some(routine) = routine else { return };
    callback(Processor::current(), &STORPORT, || {
        let cx = own_cx();
        system::acquire(&cx, serial);
        // SAFETY: the miniport's own routine and arguments, called as documented.
        hba.call(&HW_STOR_DPC, Irql::DISPATCH, || unsafe { routine(dpc, hba.extension, a1, a2) });
        system::release(&cx, serial);
    });
}
