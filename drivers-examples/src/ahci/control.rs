//! The adapter's life: stopped, restarted, removed, pulled out.
//!
//! Storport calls ScsiStopAdapter and ScsiRestartAdapter at DIRQL with the interrupt lock held (the routine's
//! own page; the lock table of StorPortAcquireSpinLock disagrees), so neither takes it.
//! ScsiAdapterSurpriseRemoval comes at PASSIVE_LEVEL with no lock, and so does ScsiAdapterPower.
//! SRB_FUNCTION_PNP with StorRemoveDevice is the last call in which timers can be freed.

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
    extension: PVOID,
    kind: SCSI_ADAPTER_CONTROL_TYPE,
    parameters: PVOID,
) -> SCSI_ADAPTER_CONTROL_STATUS {
    match kind {
        ScsiQuerySupportedControlTypes => {
            let list = parameters.cast::<SCSI_SUPPORTED_CONTROL_TYPE_LIST>();
            let flags = (&raw mut (*list).SupportedTypeList).cast::<BOOLEAN>();
            let by_power = (*extension.cast::<Adapter>()).is_power_managed.then_some(ScsiAdapterPower);
            for kind in SUPPORTED.into_iter().chain(by_power) {
                if (kind as ULONG) < (*list).MaxControlType {
                    *flags.add(kind as usize) = TRUE;
                }
            }
        }
        ScsiStopAdapter => halt(extension),
        ScsiRestartAdapter => return start_again(extension),
        ScsiAdapterPower => {
            let power = &*parameters.cast::<STOR_ADAPTER_CONTROL_POWER>();
            let lock = InterruptGuard::acquire(extension);
            let status = if power.PowerState == StorPowerDeviceD0 {
                start_again(extension)
            } else {
                halt(extension);
                ScsiAdapterControlSuccess
            };
            drop(lock);
            return status;
        }
        ScsiAdapterSurpriseRemoval => pulled_out(extension),
        _ => return ScsiAdapterControlUnsuccessful,
    }
    ScsiAdapterControlSuccess
}

/// Starts the adapter from its reset on. The interrupt lock is held.
unsafe fn start_again(extension: PVOID) -> SCSI_ADAPTER_CONTROL_STATUS {
    if !take_over(extension, (*extension.cast::<Adapter>()).base) {
        return ScsiAdapterControlUnsuccessful;
    }
    start_channels(extension);
    ScsiAdapterControlSuccess
}

/// Stops every port. The interrupt lock is held and nothing is outstanding. An adapter that was pulled out is
/// left alone.
unsafe fn halt(extension: PVOID) {
    let adapter = extension.cast::<Adapter>();
    if (*adapter).is_gone {
        return;
    }
    write(extension, (*adapter).base, GHC, GHC_AE);
    for number in numbers(extension) {
        channel(extension, number).halt();
    }
}

unsafe fn pulled_out(extension: PVOID) {
    let lock = InterruptGuard::acquire(extension);
    (*extension.cast::<Adapter>()).is_gone = true;
    for number in numbers(extension) {
        let channel = channel(extension, number);
        channel.abandon();
        channel.ask_for_dpc();
    }
    drop(lock);
}

/// SRB_FUNCTION_PNP.
pub unsafe fn plug_and_play(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) {
    let (action, is_to_adapter) = pnp_action(srb);
    match action {
        StorRemoveDevice if is_to_adapter => remove(extension),
        StorSurpriseRemoval if is_to_adapter => pulled_out(extension),
        _ => {}
    }
    SrbSetSrbStatus(srb.cast(), SRB_STATUS_SUCCESS);
    StorPortNotification(RequestComplete, extension, srb);
}

/// What plug and play does, and whether to the adapter.
unsafe fn pnp_action(srb: PSCSI_REQUEST_BLOCK) -> (ULONG, bool) {
    let (action, flags) = if (*srb).Function == SRB_FUNCTION_STORAGE_REQUEST_BLOCK {
        let data = SrbGetSrbExDataByType(srb.cast(), SrbExDataTypePnP).cast::<SRBEX_DATA_PNP>();
        if data.is_null() {
            return (ULONG::MAX, false);
        }
        ((*data).PnPAction, (*data).SrbPnPFlags)
    } else {
        let srb = srb.cast::<SCSI_PNP_REQUEST_BLOCK>();
        ((*srb).PnPAction, (*srb).SrbPnPFlags)
    };
    (action, flags & SRB_PNP_FLAGS_ADAPTER_REQUEST != 0)
}

/// Everything that was made at the start is given back. No request is outstanding but this one.
unsafe fn remove(extension: PVOID) {
    let adapter = extension.cast::<Adapter>();
    let lock = InterruptGuard::acquire(extension);
    halt(extension);
    (*adapter).is_gone = true;
    let mut timers = [null_mut(); CHANNELS_MAX];
    for number in numbers(extension) {
        timers[number as usize] = std::mem::replace(&mut channel(extension, number).timer, null_mut());
    }
    drop(lock);
    // At or below DISPATCH_LEVEL: not under the lock.
    for timer in timers.into_iter().filter(|timer| !timer.is_null()) {
        StorPortFreeTimer(extension, timer);
    }
}
