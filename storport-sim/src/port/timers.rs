//! Timers of the miniport: the one of RequestTimerCall, and those of StorPortInitializeTimer.

use super::adapter;
use super::hba::Hba;
use crate::callbacks::HW_STOR_TIMER;
use crate::ddi::{
    PHW_TIMER, PHW_TIMER_EX, STOR_STATUS_BUSY, STOR_STATUS_INSUFFICIENT_RESOURCES, STOR_STATUS_INVALID_IRQL,
    STOR_STATUS_INVALID_PARAMETER, STOR_STATUS_SUCCESS,
};
use kernel_sim::ddi::{Cx, KDPC, KTIMER, PKDPC, PVOID, ULONG, ULONGLONG};
use kernel_sim::irql::Irql;
use kernel_sim::system;
use std::ptr::null_mut;

impl Hba {
    /// RequestTimerCall: arms the adapter's timer, or disarms it with 0.
    pub(super) fn request_timer_call(&self, cx: &Cx, routine: PHW_TIMER, us: u32) {
        *self.timer_call.lock() = routine;
        // SAFETY: both objects were initialized with the adapter and live as long as it is known.
        unsafe {
            let o = self.objects;
            if us == 0 {
                system::cancel_timer(cx, &raw mut (*o).call_timer);
            } else {
                system::set_timer(cx, &raw mut (*o).call_timer, u64::from(us), &raw mut (*o).call_dpc);
            }
        }
    }

    /// Disarms the adapter's timer for good.
    pub(super) fn stop_timer_call(&self, cx: &Cx) {
        self.request_timer_call(cx, None, 0);
    }
}

/// The adapter's timer has expired.
pub(super) unsafe extern "C-unwind" fn call_dpc(_dpc: PKDPC, context: PVOID, _a1: PVOID, _a2: PVOID) {
    // SAFETY: the context is the adapter, which is kept until the machine has come to rest.
    let hba = unsafe { &*context.cast::<Hba>() };
    let routine = *hba.timer_call.lock();
    if let Some(routine) = routine {
        // SAFETY: the miniport's own routine, called as documented.
        hba.call_under_start_io_lock(&HW_STOR_TIMER, || unsafe { routine(hba.extension) });
    }
}

/// A timer of the miniport's, behind the handle it holds.
#[repr(C)]
struct Timer {
    kind: u32,
    armed: u32,
    timer: KTIMER,
    dpc: KDPC,
    hba: *const Hba,
    routine: PHW_TIMER_EX,
    context: PVOID,
}

const TIMER: u32 = u32::from_le_bytes(*b"StTi");

/// The timer behind a handle.
fn object(cx: &Cx, hba: &Hba, handle: PVOID) -> Option<*mut Timer> {
    let timer: *mut Timer = handle.cast();
    if timer.is_null() {
        return None;
    }
    cx.check_output(timer);
    // SAFETY: just found in mapped memory; plain data.
    unsafe { ((*timer).kind == TIMER && std::ptr::eq((*timer).hba, hba)).then_some(timer) }
}

pub(crate) unsafe fn initialize(cx: &Cx, extension: PVOID, out: *mut PVOID) -> ULONG {
    let hba = adapter(cx, extension);
    cx.check_output(out);
    if cx.cpu.irql() > Irql::DISPATCH {
        return STOR_STATUS_INVALID_IRQL;
    }
    let timer: *mut Timer = system::allocate_for_call(cx, size_of::<Timer>()).cast();
    if timer.is_null() {
        return STOR_STATUS_INSUFFICIENT_RESOURCES;
    }
    // SAFETY: a fresh zeroed block of that size.
    unsafe {
        (*timer).kind = TIMER;
        (*timer).hba = hba;
        system::initialize_timer(cx, &raw mut (*timer).timer);
        system::initialize_dpc(cx, &raw mut (*timer).dpc, Some(expired), timer.cast());
        *out = timer.cast();
    }
    STOR_STATUS_SUCCESS
}

pub(crate) unsafe fn request(
    cx: &Cx,
    extension: PVOID,
    handle: PVOID,
    routine: PHW_TIMER_EX,
    context: PVOID,
    us: ULONGLONG,
    _tolerable_delay: ULONGLONG,
) -> ULONG {
    let Some(timer) = object(cx, adapter(cx, extension), handle) else {
        return STOR_STATUS_INVALID_PARAMETER;
    };
    // SAFETY: `object` found a live timer of this adapter.
    unsafe {
        if us == 0 {
            system::cancel_timer(cx, &raw mut (*timer).timer);
            (*timer).armed = 0;
            return STOR_STATUS_SUCCESS;
        }
        if routine.is_none() {
            return STOR_STATUS_INVALID_PARAMETER;
        }
        if (*timer).armed != 0 {
            return STOR_STATUS_BUSY;
        }
        (*timer).armed = 1;
        (*timer).routine = routine;
        (*timer).context = context;
        system::set_timer(cx, &raw mut (*timer).timer, us, &raw mut (*timer).dpc);
    }
    STOR_STATUS_SUCCESS
}

pub(crate) unsafe fn free(cx: &Cx, extension: PVOID, handle: PVOID) -> ULONG {
    let Some(timer) = object(cx, adapter(cx, extension), handle) else {
        return STOR_STATUS_INVALID_PARAMETER;
    };
    if cx.cpu.irql() > Irql::DISPATCH {
        return STOR_STATUS_INVALID_IRQL;
    }
    // SAFETY: `object` found a live timer of this adapter.
    unsafe {
        system::cancel_timer(cx, &raw mut (*timer).timer);
        (*timer).kind = 0;
        (*timer).routine = None;
    }
    // The block itself stays until the machine ends: the timer's DPC may be queued.
    STOR_STATUS_SUCCESS
}

/// A timer of the miniport has expired. No lock is documented for its routine, so none is held.
unsafe extern "C-unwind" fn expired(_dpc: PKDPC, context: PVOID, _a1: PVOID, _a2: PVOID) {
    let timer: *mut Timer = context.cast();
    // SAFETY: timers' blocks live until the machine ends, and their adapter as long.
    unsafe {
        (*timer).armed = 0;
        let (hba, context) = (&*(*timer).hba, std::mem::replace(&mut (*timer).context, null_mut()));
        if let Some(routine) = (*timer).routine {
            hba.call(&HW_STOR_TIMER, Irql::DISPATCH, || routine(hba.extension, context));
        }
    }
}
