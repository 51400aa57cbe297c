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
#![expect(non_camel_case_types, non_snake_case, non_upper_case_globals, reason = "the documented WDK names")]

use super::structures::{PHW_TIMER, PSCSI_REQUEST_BLOCK};
use super::table;
use kernel_sim::ddi::{LONG, PVOID, UCHAR, ULONG};
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
/// The hardware saw a bus reset. Accepted and ignored here.
pub const ResetDetected: SCSI_NOTIFICATION_TYPE<()> = SCSI_NOTIFICATION_TYPE::new(3);
/// Arms the adapter's timer: routine, microseconds (0 disarms it). Resolution on Windows is about 10 ms.
pub const RequestTimerCall: SCSI_NOTIFICATION_TYPE<(PHW_TIMER, ULONG)> = SCSI_NOTIFICATION_TYPE::new(6);
/// Units may have come or gone. Accepted and ignored here: there is no second bus scan. PathId.
pub const BusChangeDetected: SCSI_NOTIFICATION_TYPE<UCHAR> = SCSI_NOTIFICATION_TYPE::new(7);
/// The link is up: ends `LinkDown`.
pub const LinkUp: SCSI_NOTIFICATION_TYPE<()> = SCSI_NOTIFICATION_TYPE::new(10);
/// The link is down: no request is sent until `LinkUp`, or for 30 seconds.
pub const LinkDown: SCSI_NOTIFICATION_TYPE<()> = SCSI_NOTIFICATION_TYPE::new(11);

/// The further arguments of one kind of notification. Implemented for those that exist; not for
/// drivers to implement.
pub trait NotificationArguments {
    /// The SRB, the timer routine and the interval among them.
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
    // SAFETY: forwarded from the caller.
    unsafe {
        table::StorPortNotification(NotificationType.number, HwDeviceExtension, srb, routine, value);
    }
}
