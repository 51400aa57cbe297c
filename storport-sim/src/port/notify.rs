//! The body of StorPortNotification.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter;
use super::adapter::AdapterState;
use super::gates::{LINK, LINK_DOWN_S, SETTLING};
use crate::ddi::{
    BufferOverrunDetected, BusChangeDetected, LinkDown, LinkUp, PHW_TIMER, PSCSI_REQUEST_BLOCK,
    QueryTickCount, RequestComplete, RequestTimerCall, ResetDetected,
};
use kernel_sim::bugcheck::SCSI_VERIFIER_DETECTED_VIOLATION;
use kernel_sim::ddi::{Call, LARGE_INTEGER, LONG, PLARGE_INTEGER, PVOID, ULONG};
use kernel_sim::routine::IntoArg;

const REQUEST_COMPLETE: LONG = RequestComplete.number();
const RESET_DETECTED: LONG = ResetDetected.number();
const REQUEST_TIMER_CALL: LONG = RequestTimerCall.number();
const BUS_CHANGE_DETECTED: LONG = BusChangeDetected.number();
const LINK_UP: LONG = LinkUp.number();
const LINK_DOWN: LONG = LinkDown.number();
const QUERY_TICK_COUNT: LONG = QueryTickCount.number();
const BUFFER_OVERRUN_DETECTED: LONG = BufferOverrunDetected.number();

/// Nanoseconds of one tick of the system's clock.
const TICK_NS: u64 = 10_000_000;

pub(crate) unsafe fn notification(
    call: &Call,
    kind: LONG,
    extension: PVOID,
    srb: PSCSI_REQUEST_BLOCK,
    routine: PHW_TIMER,
    value: ULONG,
) {
    let adapter = adapter(call, extension);
    if kind != REQUEST_COMPLETE {
        let args =
            [kind.into_arg(), extension.into_arg(), srb.into_arg(), routine.into_arg(), value.into_arg()];
        call.unusual(&args);
    }
    match kind {
        REQUEST_COMPLETE => adapter.request_complete(call, srb),
        RESET_DETECTED => adapter.bus_was_reset(call),
        REQUEST_TIMER_CALL => adapter.request_timer_call(call, routine, value),
        BUS_CHANGE_DETECTED => adapter.bus_changed(call),
        LINK_DOWN => adapter.gate.close(call, LINK, u64::from(LINK_DOWN_S) * 1_000_000),
        LINK_UP => adapter.gate.resume(call, LINK),
        QUERY_TICK_COUNT => {
            let out: PLARGE_INTEGER = srb.cast();
            call.check_output(out);
            // SAFETY: just found in mapped memory.
            unsafe { *out = LARGE_INTEGER::new((call.machine().time_ns() / TICK_NS) as i64) };
        }
        BUFFER_OVERRUN_DETECTED => call.bug_check(
            SCSI_VERIFIER_DETECTED_VIOLATION,
            [0, call.machine().machine_address(srb as usize), 0, 0],
            "the miniport reports that its device wrote past a buffer",
        ),
        // NextRequest and NextLuRequest are ignored by Storport; the others by us, as their pages here say.
        _ => {}
    }
}

impl AdapterState {
    /// The hardware saw a reset: the bus gets its time to settle.
    fn bus_was_reset(&self, call: &Call) {
        let hold_us = self.config().BusResetHoldTime;
        if hold_us != 0 {
            self.gate.close(call, SETTLING, u64::from(hold_us));
        }
    }
}
