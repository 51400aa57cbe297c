//! HwStorAdapterControl: power, and being pulled out; SRB_FUNCTION_PNP.
//!
//! The driver of virtio-win takes ScsiStopAdapter and ScsiRestartAdapter, which come at DIRQL under the
//! interrupt lock: there no ring can be locked, and a DPC that is on its way out of a ring may still look at
//! it while it is emptied. This one takes ScsiAdapterPower, which Storport uses instead where a miniport has
//! it, at PASSIVE_LEVEL under no lock.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::bring_up::bring_up;
use super::ddi::*;
use super::extension::{AdapterExtension, state};
use super::reset::{stop, with_all_rings};
use std::sync::atomic::Ordering::SeqCst;

pub unsafe extern "C-unwind" fn HwAdapterControl(
    DeviceExtension: PVOID,
    ControlType: SCSI_ADAPTER_CONTROL_TYPE,
    Parameters: PVOID,
) -> SCSI_ADAPTER_CONTROL_STATUS {
    let Extension = DeviceExtension.cast::<AdapterExtension>();
    match ControlType {
        ScsiQuerySupportedControlTypes => {
            let list = Parameters.cast::<SCSI_SUPPORTED_CONTROL_TYPE_LIST>();
            let flags = (&raw mut (*list).SupportedTypeList).cast::<BOOLEAN>();
            for kind in [ScsiQuerySupportedControlTypes, ScsiAdapterPower, ScsiAdapterSurpriseRemoval] {
                if (kind as ULONG) < (*list).MaxControlType {
                    *flags.add(kind as usize) = TRUE;
                }
            }
            ScsiAdapterControlSuccess
        }
        ScsiAdapterPower => {
            let power = &*Parameters.cast::<STOR_ADAPTER_CONTROL_POWER>();
            set_power(DeviceExtension, Extension, power.PowerState == StorPowerDeviceD0)
        }
        ScsiAdapterSurpriseRemoval => {
            with_all_rings(DeviceExtension, Extension, || {
                // One that did not start has nothing.
                if (*Extension).state.load(SeqCst) == state::RUNNING {
                    stop(DeviceExtension, Extension, SRB_STATUS_NO_DEVICE);
                }
            });
            (*Extension).state.store(state::FAILED, SeqCst);
            ScsiAdapterControlSuccess
        }
        _ => ScsiAdapterControlUnsuccessful,
    }
}

/// SRB_FUNCTION_PNP. A stop comes with nothing outstanding, and HwStorFindAdapter after it; what else plug
/// and play does comes by adapter control as well.
pub unsafe fn plug_and_play(DeviceExtension: PVOID, Srb: PVOID) -> UCHAR {
    let data = SrbGetSrbExDataByType(Srb.cast(), SrbExDataTypePnP).cast::<SRBEX_DATA_PNP>();
    let is_stop = !data.is_null()
        && (*data).PnPAction == StorStopDevice
        && (*data).SrbPnPFlags & SRB_PNP_FLAGS_ADAPTER_REQUEST != 0;
    if is_stop {
        quiesce(DeviceExtension);
    }
    SRB_STATUS_SUCCESS
}

/// Resets the device. DPCs are made again before one is asked for.
pub unsafe fn quiesce(DeviceExtension: PVOID) {
    let Extension = DeviceExtension.cast::<AdapterExtension>();
    with_all_rings(DeviceExtension, Extension, || {
        if (*Extension).state.load(SeqCst) == state::RUNNING {
            stop(DeviceExtension, Extension, SRB_STATUS_BUS_RESET);
        }
    });
    (*Extension).dpcs_are_ready.store(0, SeqCst);
}

/// Stops the device, or starts it again.
unsafe fn set_power(
    DeviceExtension: PVOID,
    Extension: *mut AdapterExtension,
    is_on: bool,
) -> SCSI_ADAPTER_CONTROL_STATUS {
    let mut is_good = true;
    with_all_rings(DeviceExtension, Extension, || match (is_on, (*Extension).state.load(SeqCst)) {
        (false, state::RUNNING) => stop(DeviceExtension, Extension, SRB_STATUS_BUS_RESET),
        (true, state::STOPPED) => is_good = bring_up(DeviceExtension, Extension),
        (is_on, now) => is_good = !is_on || now == state::RUNNING,
    });
    if is_good { ScsiAdapterControlSuccess } else { ScsiAdapterControlUnsuccessful }
}
