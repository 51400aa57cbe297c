//! `r25`: the interrupt status is compared, where its bits should be tested.
//!
//! **What the driver does.** With a line instead of messages it reads the interrupt status of the device,
//! which quietens the line: bit 0 says that requests have come back, bit 1 that the configuration has
//! changed. For 1 it asks for the DPCs of its queues, for 3 it looks at the configuration.
//!
//! **What goes wrong.** (1) A request comes back while the device changes its configuration, such as the
//! size of a disk: the status is 3. (2) The interrupt routine looks at the configuration and returns TRUE.
//! Reading the status has cleared both bits: that requests have come back is forgotten. (3) The device
//! interrupts again only for what comes back after the driver has looked, so those requests wait until they
//! time out, and what comes after them as well. A status of 2 is not even claimed.
//!
//! **What Windows does.** The disk stands still for a minute, and Storport resets it, now and then.
//!
//! **The fix.** `r25-fixed` tests each bit by itself.
//!
//! **Found by** LostRequest, if both happen before the interrupt routine reads the status. The device of this
//! pair tells of a changed configuration with every eighth request.
//!
//! **Source.** viostor (virtio-win/kvm-guest-drivers-windows), commit d3d61506 of 2026-02-09.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::virtio::*;
use crate::vioscsi::interrupt::ask_for_all;

/// Bits of the interrupt status.
const QUEUE: UCHAR = 1;
const CONFIGURATION: UCHAR = 2;

/// The interrupt status, which reading it clears; 0 of a device that is gone.
unsafe fn ReadStatus(DeviceExtension: PVOID) -> UCHAR {
    match (*DeviceExtension.cast::<AdapterExtension>()).registers.interrupt_status(DeviceExtension) {
        UCHAR::MAX => 0,
        Status => Status,
    }
}

pub(super) struct Buggy;

impl Form for Buggy {
    type More = ();

    unsafe fn Exchange(Data: &mut HW_INITIALIZATION_DATA) {
        Data.HwInterrupt = Some(Self::HwInterrupt);
    }
}

impl Buggy {
    unsafe extern "C-unwind" fn HwInterrupt(DeviceExtension: PVOID) -> BOOLEAN {
        match ReadStatus(DeviceExtension) {
            QUEUE => ask_for_all(DeviceExtension, DeviceExtension.cast()),
            3 => {} // Wrong: requests have come back as well. There is nothing to do for the configuration.
            _ => return FALSE,
        }
        TRUE
    }
}

pub(super) struct Fixed;

impl Form for Fixed {
    type More = ();

    unsafe fn Exchange(Data: &mut HW_INITIALIZATION_DATA) {
        Data.HwInterrupt = Some(Self::HwInterrupt);
    }
}

impl Fixed {
    unsafe extern "C-unwind" fn HwInterrupt(DeviceExtension: PVOID) -> BOOLEAN {
        let Status = ReadStatus(DeviceExtension);

        if Status & QUEUE != 0 {
            ask_for_all(DeviceExtension, DeviceExtension.cast());
        }
        BOOLEAN::from(Status & (QUEUE | CONFIGURATION) != 0)
    }
}
