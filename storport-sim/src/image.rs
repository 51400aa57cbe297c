//! What images of miniports import: the rows of this crate's tables, the routines that are variadic in C, and
//! those that do nothing here.
//!
//! A variadic routine gets every argument that its caller may have passed, in registers and on the stack;
//! which of them mean something depends on the first. Invariant: an argument that means nothing is never
//! looked at, so that it gets into no hash.

#![expect(unsafe_code, reason = "routines by Windows' convention")]

use crate::ddi::{self, PHW_TIMER, PSCSI_REQUEST_BLOCK, STOR_STATUS_SUCCESS};
use kernel_sim::ddi::{LONG, PVOID, ULONG};
use kernel_sim::image::{Export, NotAnImage};
use std::path::Path;
use std::ptr::null_mut;
use std::sync::Once;

pub use kernel_sim::image::{Image, entry};

/// Parses the bytes of a file of that name, a driver that may import the routines of this crate and of the
/// kernel.
///
/// # Errors
/// When they are no driver for x64 that can be loaded here: says why, in one line.
pub fn load(path: &Path, bytes: Vec<u8>) -> Result<&'static Image, NotAnImage> {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| kernel_sim::image::export(ddi::thunk::exports().chain(variadic())));
    Image::load(path, bytes)
}

fn variadic() -> impl Iterator<Item = Export> {
    [
        Export { name: "StorPortNotification", address: notification as *const () as usize, arguments: 5 },
        Export { name: "StorPortDebugPrint", address: debug_print as *const () as usize, arguments: 0 },
    ]
    .into_iter()
    .chain(
        ["StorPortEtwChannelEvent2", "StorPortEtwChannelEvent4", "StorPortEtwChannelEvent8"]
            .map(|name| Export { name, address: channel_event as *const () as usize, arguments: 0 }),
    )
}

/// The numbers of [`ddi::SCSI_NOTIFICATION_TYPE`] whose further arguments are not just an SRB.
mod kind {
    use crate::ddi::*;
    use kernel_sim::ddi::LONG;

    pub(super) const REQUEST_COMPLETE: LONG = RequestComplete.number();
    pub(super) const NEXT_LU_REQUEST: LONG = NextLuRequest.number();
    pub(super) const REQUEST_TIMER_CALL: LONG = RequestTimerCall.number();
    pub(super) const BUS_CHANGE_DETECTED: LONG = BusChangeDetected.number();
    pub(super) const WMI_EVENT: LONG = WMIEvent.number();
    pub(super) const WMI_REREGISTER: LONG = WMIReregister.number();
    pub(super) const QUERY_TICK_COUNT: LONG = QueryTickCount.number();
    pub(super) const BUFFER_OVERRUN_DETECTED: LONG = BufferOverrunDetected.number();
}

/// As C calls it. The site of the call is found by the row's thunk, which is the first to look for it.
unsafe extern "win64-unwind" fn notification(kind: LONG, extension: PVOID, a: usize, b: usize, c: usize) {
    let byte = |word: usize| word as u8;
    let (srb, timer, value): (PSCSI_REQUEST_BLOCK, PHW_TIMER, ULONG) = match kind {
        kind::REQUEST_COMPLETE | kind::QUERY_TICK_COUNT | kind::BUFFER_OVERRUN_DETECTED => {
            (a as PSCSI_REQUEST_BLOCK, None, 0)
        }
        kind::REQUEST_TIMER_CALL => {
            // SAFETY: a routine of the driver's or null, as documented for this kind; an absent routine is a
            // null pointer. What it points at is called only if the time comes, as the driver asked.
            (null_mut(), unsafe { std::mem::transmute::<usize, PHW_TIMER>(a) }, b as ULONG)
        }
        kind::BUS_CHANGE_DETECTED => (null_mut(), None, ULONG::from(byte(a))),
        kind::WMI_EVENT => (a as PSCSI_REQUEST_BLOCK, None, ULONG::from(byte(b))),
        kind::NEXT_LU_REQUEST | kind::WMI_REREGISTER => {
            (null_mut(), None, u32::from_be_bytes([0, byte(a), byte(b), byte(c)]))
        }
        _ => (null_mut(), None, 0),
    };
    // SAFETY: forwarded from the caller.
    unsafe { ddi::thunk::StorPortNotification(kind, extension, srb, timer, value) }
}

/// Prints nothing: our choice, since what a driver prints is no part of what is checked.
unsafe extern "win64-unwind" fn debug_print() {}

/// Writes nothing: our choice, as for what drivers print. Up to 25 arguments, none of which is looked at.
unsafe extern "win64-unwind" fn channel_event() -> ULONG {
    STOR_STATUS_SUCCESS
}
