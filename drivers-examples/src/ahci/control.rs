//! The adapter's life: stopped, restarted, removed, pulled out.
//!
//! Storport calls ScsiStopAdapter and ScsiRestartAdapter at DIRQL with the interrupt lock held (the routine's
//! own page; the lock table of StorPortAcquireSpinLock disagrees), so neither takes it.
//! ScsiAdapterSurpriseRemoval comes at PASSIVE_LEVEL with no lock, and so does ScsiAdapterPower.
//! SRB_FUNCTION_PNP with StorRemoveDevice is the last call in which timers can be freed; after StorStopDevice
//! the adapter is found again, and they are made anew.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::adapter::{start_channels, take_over};
use super::channel::*;
use super::ddi::*;
use super::registers::*;
use std::ptr::null_mut;

/// The types of HwStorAdapterControl that are supported; ScsiAdapterPower, which takes the place of the
/// second and third, if the registry asks for it.
const SUPPORTED: [SCSI_ADAPTER_CONTROL_TYPE; 4] =
    [ScsiQuerySupportedControlTypes, ScsiStopAdapter, ScsiRestartAdapter, ScsiAdapterSurpriseRemoval];

pub unsafe extern "C-unwind" fn HwAdapterControl(
    DeviceExtension: PVOID,
    ControlType: SCSI_ADAPTER_CONTROL_TYPE,
    Parameters: PVOID,
) -> SCSI_ADAPTER_CONTROL_STATUS {
    match ControlType {
        ScsiQuerySupportedControlTypes => {
            let list = Parameters.cast::<SCSI_SUPPORTED_CONTROL_TYPE_LIST>();
            let flags = (&raw mut (*list).SupportedTypeList).cast::<BOOLEAN>();
            let by_power = (*DeviceExtension.cast::<Adapter>()).is_power_managed.then_some(ScsiAdapterPower);
            for kind in SUPPORTED.into_iter().chain(by_power) {
                if (kind as ULONG) < (*list).MaxControlType {
                    *flags.add(kind as usize) = TRUE;
                }
            }
        }
        ScsiStopAdapter => halt(DeviceExtension),
        ScsiRestartAdapter => return start_again(DeviceExtension),
        ScsiAdapterPower => {
            let power = &*Parameters.cast::<STOR_ADAPTER_CONTROL_POWER>();
            let handle = &mut unused_handle();
            let lock = InterruptGuard::acquire(DeviceExtension, handle);
            let status = if power.PowerState == StorPowerDeviceD0 {
                start_again(DeviceExtension)
            } else {
                halt(DeviceExtension);
                ScsiAdapterControlSuccess
            };
            drop(lock);
            return status;
        }
        ScsiAdapterSurpriseRemoval => pulled_out(DeviceExtension),
        _ => return ScsiAdapterControlUnsuccessful,
    }
    ScsiAdapterControlSuccess
}

/// Starts the adapter from its reset on. The interrupt lock is held.
unsafe fn start_again(DeviceExtension: PVOID) -> SCSI_ADAPTER_CONTROL_STATUS {
    if !take_over(DeviceExtension, (*DeviceExtension.cast::<Adapter>()).base) {
        return ScsiAdapterControlUnsuccessful;
    }
    start_channels(DeviceExtension);
    ScsiAdapterControlSuccess
}

/// Stops every port. The interrupt lock is held and nothing is outstanding. An adapter that was pulled out is
/// left alone.
unsafe fn halt(DeviceExtension: PVOID) {
    let Extension = DeviceExtension.cast::<Adapter>();
    if (*Extension).is_gone {
        return;
    }
    write(DeviceExtension, (*Extension).base, GHC, GHC_AE);
    for number in numbers(DeviceExtension) {
        channel(DeviceExtension, number).halt();
    }
}

unsafe fn pulled_out(DeviceExtension: PVOID) {
    let handle = &mut unused_handle();
    let lock = InterruptGuard::acquire(DeviceExtension, handle);
    (*DeviceExtension.cast::<Adapter>()).is_gone = true;
    for number in numbers(DeviceExtension) {
        let channel = channel(DeviceExtension, number);
        channel.abandon();
        channel.ask_for_dpc();
    }
    drop(lock);
}

/// SRB_FUNCTION_PNP.
pub unsafe fn plug_and_play(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let (action, is_to_adapter) = pnp_action(Srb);
    match action {
        StorRemoveDevice if is_to_adapter => {
            stop(DeviceExtension);
            (*DeviceExtension.cast::<Adapter>()).is_gone = true;
        }
        // HwStorFindAdapter comes next.
        StorStopDevice if is_to_adapter => stop(DeviceExtension),
        StorSurpriseRemoval if is_to_adapter => pulled_out(DeviceExtension),
        _ => {}
    }
    SrbSetSrbStatus(Srb.cast(), SRB_STATUS_SUCCESS);
    StorPortNotification(RequestComplete, DeviceExtension, Srb);
}

/// The kind of a plug and play request, and whether it is about the adapter.
pub unsafe fn pnp_action(Srb: PSCSI_REQUEST_BLOCK) -> (ULONG, bool) {
    let (action, flags) = if (*Srb).Function == SRB_FUNCTION_STORAGE_REQUEST_BLOCK {
        let data = SrbGetSrbExDataByType(Srb.cast(), SrbExDataTypePnP).cast::<SRBEX_DATA_PNP>();
        if data.is_null() {
            return (ULONG::MAX, false);
        }
        ((*data).PnPAction, (*data).SrbPnPFlags)
    } else {
        let Srb = Srb.cast::<SCSI_PNP_REQUEST_BLOCK>();
        ((*Srb).PnPAction, (*Srb).SrbPnPFlags)
    };
    (action, flags & SRB_PNP_FLAGS_ADAPTER_REQUEST != 0)
}

/// The ports are stopped, and everything that was made at the start is given back. No request is outstanding
/// but this one.
unsafe fn stop(DeviceExtension: PVOID) {
    let handle = &mut unused_handle();
    let lock = InterruptGuard::acquire(DeviceExtension, handle);
    halt(DeviceExtension);
    let mut timers = [null_mut(); CHANNELS_MAX];
    for number in numbers(DeviceExtension) {
        let channel = channel(DeviceExtension, number);
        timers[number as usize] = std::mem::replace(&mut channel.timer, null_mut());
        channel.is_timer_armed = false;
    }
    drop(lock);
    // At or below DISPATCH_LEVEL: not under the lock.
    for timer in timers.into_iter().filter(|timer| !timer.is_null()) {
        StorPortFreeTimer(DeviceExtension, timer);
    }
}
