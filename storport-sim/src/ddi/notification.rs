//! `StorPortNotification`, which takes other arguments for each kind of notification.
//!
//! In C it is variadic. Here the kind is a typed constant, and its type says what the third argument
//! is, so a call reads as it does in C and cannot pass the wrong thing:
//!
//! ```text
//! StorPortNotification(RequestComplete, DeviceExtension, Srb);
//! StorPortNotification(RequestTimerCall, DeviceExtension, (Some(HwTimer), 1000));
//! StorPortNotification(ResetDetected, DeviceExtension, ());
//! ```

#![expect(unsafe_code, reason = "layer 1: pointers and contracts are those of storport.h")]
#![expect(non_camel_case_types, non_snake_case, non_upper_case_globals, reason = "the documented WDK names")]

use super::structures::{PHW_TIMER, PSCSI_REQUEST_BLOCK};
use super::table;
use kernel_sim::ddi::{LONG, PLARGE_INTEGER, PVOID, UCHAR, ULONG};
use std::marker::PhantomData;
use std::ptr::null_mut;

/// A kind of notification whose further arguments are `A`.
pub struct SCSI_NOTIFICATION_TYPE<A> {
    number: LONG,
    arguments: PhantomData<fn(A)>,
}

impl<A> SCSI_NOTIFICATION_TYPE<A> {
    const fn new(number: LONG) -> Self {
        SCSI_NOTIFICATION_TYPE { number, arguments: PhantomData }
    }

    /// The number storport.h gives this kind.
    #[must_use]
    pub const fn number(&self) -> LONG {
        self.number
    }
}

/// The miniport is done with an SRB, which belongs to the port driver from now on. Exactly once per
/// SRB: twice is bug check 0xF1/0x2004.
pub const RequestComplete: SCSI_NOTIFICATION_TYPE<PSCSI_REQUEST_BLOCK> = SCSI_NOTIFICATION_TYPE::new(0);
/// Ignored by Storport, which sends requests up to the queue depth anyway.
pub const NextRequest: SCSI_NOTIFICATION_TYPE<()> = SCSI_NOTIFICATION_TYPE::new(1);
/// Ignored by Storport. PathId, TargetId, Lun.
pub const NextLuRequest: SCSI_NOTIFICATION_TYPE<(UCHAR, UCHAR, UCHAR)> = SCSI_NOTIFICATION_TYPE::new(2);
/// The hardware saw a bus reset: no request is sent for BusResetHoldTime. The miniport still completes those
/// it has.
pub const ResetDetected: SCSI_NOTIFICATION_TYPE<()> = SCSI_NOTIFICATION_TYPE::new(3);
/// Arms the adapter's timer: routine, microseconds (0 disarms it). Resolution on Windows is about 10 ms.
pub const RequestTimerCall: SCSI_NOTIFICATION_TYPE<(PHW_TIMER, ULONG)> = SCSI_NOTIFICATION_TYPE::new(6);
/// Units may have come or gone: the buses are scanned again, all of them. PathId.
pub const BusChangeDetected: SCSI_NOTIFICATION_TYPE<UCHAR> = SCSI_NOTIFICATION_TYPE::new(7);
/// An event for WMI. Accepted and ignored here: WMI is not simulated. The event, and PathId.
pub const WMIEvent: SCSI_NOTIFICATION_TYPE<(PVOID, UCHAR)> = SCSI_NOTIFICATION_TYPE::new(8);
/// The WMI blocks have changed. Accepted and ignored here. PathId, TargetId, Lun.
pub const WMIReregister: SCSI_NOTIFICATION_TYPE<(UCHAR, UCHAR, UCHAR)> = SCSI_NOTIFICATION_TYPE::new(9);
/// Asks for the system's tick count, in units of 100 ns times the timer increment: here 10 ms each.
pub const QueryTickCount: SCSI_NOTIFICATION_TYPE<PLARGE_INTEGER> = SCSI_NOTIFICATION_TYPE::new(12);
/// The device wrote past a buffer: a bug check, as on Windows, with parameters that are not published.
pub const BufferOverrunDetected: SCSI_NOTIFICATION_TYPE<PSCSI_REQUEST_BLOCK> =
    SCSI_NOTIFICATION_TYPE::new(13);
/// The link is up: ends `LinkDown`.
pub const LinkUp: SCSI_NOTIFICATION_TYPE<()> = SCSI_NOTIFICATION_TYPE::new(10);
/// The link is down: no request is sent until `LinkUp`, or for 30 seconds.
pub const LinkDown: SCSI_NOTIFICATION_TYPE<()> = SCSI_NOTIFICATION_TYPE::new(11);

/// The further arguments of one kind of notification. Implemented for those that exist; not for
/// drivers to implement.
pub trait NotificationArguments {
    /// The pointer (an SRB, as a rule), the timer routine and the number among them.
    fn parts(self) -> (PSCSI_REQUEST_BLOCK, PHW_TIMER, ULONG);
}

impl NotificationArguments for () {
    fn parts(self) -> (PSCSI_REQUEST_BLOCK, PHW_TIMER, ULONG) {
        (null_mut(), None, 0)
    }
}
impl NotificationArguments for PSCSI_REQUEST_BLOCK {
    fn parts(self) -> (PSCSI_REQUEST_BLOCK, PHW_TIMER, ULONG) {
        (self, None, 0)
    }
}
impl NotificationArguments for PLARGE_INTEGER {
    fn parts(self) -> (PSCSI_REQUEST_BLOCK, PHW_TIMER, ULONG) {
        (self.cast(), None, 0)
    }
}
impl NotificationArguments for (PVOID, UCHAR) {
    fn parts(self) -> (PSCSI_REQUEST_BLOCK, PHW_TIMER, ULONG) {
        (self.0.cast(), None, ULONG::from(self.1))
    }
}
impl NotificationArguments for (PHW_TIMER, ULONG) {
    fn parts(self) -> (PSCSI_REQUEST_BLOCK, PHW_TIMER, ULONG) {
        (null_mut(), self.0, self.1)
    }
}
impl NotificationArguments for UCHAR {
    fn parts(self) -> (PSCSI_REQUEST_BLOCK, PHW_TIMER, ULONG) {
        (null_mut(), None, ULONG::from(self))
    }
}
impl NotificationArguments for (UCHAR, UCHAR, UCHAR) {
    fn parts(self) -> (PSCSI_REQUEST_BLOCK, PHW_TIMER, ULONG) {
        (null_mut(), None, u32::from_be_bytes([0, self.0, self.1, self.2]))
    }
}

/// Tells the port driver that something happened. IRQL: undocumented. Declared by `storport.h` on
/// Windows.
///
/// # Safety
/// As on Windows: the extension is the one Storport handed out, and an SRB is one that the caller
/// owns; any other pointer is a bug check.
#[inline]
#[track_caller]
pub unsafe fn StorPortNotification<A: NotificationArguments>(
    NotificationType: SCSI_NOTIFICATION_TYPE<A>,
    HwDeviceExtension: PVOID,
    Arguments: A,
) {
    let (srb, routine, value) = Arguments.parts();
    // SAFETY: the caller keeps the contract above: the extension is Storport's, an SRB is the caller's.
    unsafe {
        table::StorPortNotification(NotificationType.number, HwDeviceExtension, srb, routine, value);
    }
}
