//! Timers of the miniport: the one of RequestTimerCall, and those of StorPortInitializeTimer.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter;
use super::adapter::AdapterState;
use crate::callbacks::HW_STOR_TIMER;
use crate::ddi::{
    PHW_TIMER, PHW_TIMER_EX, STOR_STATUS_BUSY, STOR_STATUS_INSUFFICIENT_RESOURCES, STOR_STATUS_INVALID_IRQL,
    STOR_STATUS_INVALID_PARAMETER, STOR_STATUS_SUCCESS,
};
use kernel_sim::ddi::{Call, KDPC, KTIMER, PKDPC, PVOID, ULONG, ULONGLONG};
use kernel_sim::frame::Frame;
use kernel_sim::image::Routine as _;
use kernel_sim::irql::Irql;
use kernel_sim::routine::Arg;
use kernel_sim::unhooked;
use std::ptr::null_mut;

impl AdapterState {
    /// RequestTimerCall: arms the adapter's timer, or disarms it with 0.
    pub(super) fn request_timer_call(&self, call: &Call, routine: PHW_TIMER, us: u32) {
        *self.timer_call.lock() = routine;
        // SAFETY: both objects were initialized with the adapter and live as long as it is known.
        unsafe {
            let o = self.objects;
            if us == 0 {
                unhooked::cancel_timer(call, &raw mut (*o).call_timer);
            } else {
                unhooked::set_timer(call, &raw mut (*o).call_timer, u64::from(us), &raw mut (*o).call_dpc);
            }
        }
    }

    /// Disarms the adapter's timer for good.
    pub(super) fn stop_timer_call(&self, call: &Call) {
        self.request_timer_call(call, None, 0);
    }
}

/// The adapter's timer has expired.
pub(super) unsafe extern "C-unwind" fn call_dpc(_dpc: PKDPC, context: PVOID, _a1: PVOID, _a2: PVOID) {
    // SAFETY: the context is the adapter, which is kept until the machine has come to rest.
    let adapter = unsafe { &*context.cast::<AdapterState>() };
    let routine = *adapter.timer_call.lock();
    if let Some(routine) = routine {
        // SAFETY: the miniport registered the routine for this call, and its extension lives as long as the
        // adapter.
        adapter.call_under_start_io_lock(
            Frame::new(&HW_STOR_TIMER, &[Arg::Pointer(adapter.extension as usize)]),
            || unsafe { routine.go((adapter.extension,)) },
        );
    }
}

/// A timer of the miniport's, behind the handle it holds.
#[repr(C)]
struct Timer {
    kind: u32,
    armed: u32,
    timer: KTIMER,
    dpc: KDPC,
    adapter: *const AdapterState,
    routine: PHW_TIMER_EX,
    context: PVOID,
}

const TIMER: u32 = u32::from_le_bytes(*b"StTi");

/// The timer behind a handle.
fn object(call: &Call, adapter: &AdapterState, handle: PVOID) -> Option<*mut Timer> {
    let timer: *mut Timer = handle.cast();
    if timer.is_null() {
        return None;
    }
    call.check_output(timer);
    // SAFETY: just found in mapped memory; plain data.
    unsafe { ((*timer).kind == TIMER && std::ptr::eq((*timer).adapter, adapter)).then_some(timer) }
}

pub(crate) unsafe fn initialize(call: &Call, extension: PVOID, out: *mut PVOID) -> ULONG {
    let adapter = adapter(call, extension);
    call.check_output(out);
    if call.cpu.irql() > Irql::DISPATCH {
        return STOR_STATUS_INVALID_IRQL;
    }
    let timer: *mut Timer = unhooked::allocate_for_call(call, size_of::<Timer>()).cast();
    if timer.is_null() {
        return STOR_STATUS_INSUFFICIENT_RESOURCES;
    }
    // SAFETY: a fresh zeroed block of that size.
    unsafe {
        (*timer).kind = TIMER;
        (*timer).adapter = adapter;
        unhooked::initialize_timer(call, &raw mut (*timer).timer);
        unhooked::initialize_dpc(call, &raw mut (*timer).dpc, Some(expired), timer.cast());
        *out = timer.cast();
    }
    STOR_STATUS_SUCCESS
}

pub(crate) unsafe fn request(
    call: &Call,
    extension: PVOID,
    handle: PVOID,
    routine: PHW_TIMER_EX,
    context: PVOID,
    us: ULONGLONG,
    _tolerable_delay: ULONGLONG,
) -> ULONG {
    let Some(timer) = object(call, adapter(call, extension), handle) else {
        return STOR_STATUS_INVALID_PARAMETER;
    };
    // SAFETY: `object` found a live timer of this adapter.
    unsafe {
        if us == 0 {
            unhooked::cancel_timer(call, &raw mut (*timer).timer);
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
        unhooked::set_timer(call, &raw mut (*timer).timer, us, &raw mut (*timer).dpc);
    }
    STOR_STATUS_SUCCESS
}

pub(crate) unsafe fn free(call: &Call, extension: PVOID, handle: PVOID) -> ULONG {
    let Some(timer) = object(call, adapter(call, extension), handle) else {
        return STOR_STATUS_INVALID_PARAMETER;
    };
    if call.cpu.irql() > Irql::DISPATCH {
        return STOR_STATUS_INVALID_IRQL;
    }
    // SAFETY: `object` found a live timer of this adapter.
    unsafe {
        unhooked::cancel_timer(call, &raw mut (*timer).timer);
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
        let (adapter, context) = (&*(*timer).adapter, std::mem::replace(&mut (*timer).context, null_mut()));
        if let Some(routine) = (*timer).routine {
            adapter.call(
                Frame::new(
                    &HW_STOR_TIMER,
                    &[Arg::Pointer(adapter.extension as usize), Arg::Pointer(context as usize)],
                ),
                Irql::DISPATCH,
                || routine.go((adapter.extension, context)),
            );
        }
    }
}
