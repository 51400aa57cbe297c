//! The body of StorPortNotification.

use super::adapter;
use super::holds::{LINK, LINK_DOWN_S};
use crate::ddi::{
    BusChangeDetected, LinkDown, LinkUp, PHW_TIMER, PSCSI_REQUEST_BLOCK, RequestComplete, RequestTimerCall,
};
use kernel_sim::ddi::{Cx, LONG, PVOID, ULONG};

const REQUEST_COMPLETE: LONG = RequestComplete.number();
const REQUEST_TIMER_CALL: LONG = RequestTimerCall.number();
const BUS_CHANGE_DETECTED: LONG = BusChangeDetected.number();
const LINK_UP: LONG = LinkUp.number();
const LINK_DOWN: LONG = LinkDown.number();

pub(crate) unsafe fn notification(
    cx: &Cx,
    kind: LONG,
    extension: PVOID,
    srb: PSCSI_REQUEST_BLOCK,
    routine: PHW_TIMER,
    value: ULONG,
) {
    let hba = adapter(cx, extension);
    match kind {
        REQUEST_COMPLETE => hba.request_complete(cx, srb),
        REQUEST_TIMER_CALL => hba.request_timer_call(cx, routine, value),
        BUS_CHANGE_DETECTED => hba.bus_changed(cx),
        LINK_DOWN => hba.gate.close(cx, LINK, u64::from(LINK_DOWN_S) * 1_000_000),
        LINK_UP => hba.gate.resume(cx, LINK),
        // NextRequest and NextLuRequest are ignored by Storport; the others by us, as their pages here say.
        _ => {}
    }
}
