//! `suspect-ports`: every port that the adapter names is there.
//!
//! **What the driver does.** A register of the adapter has a bit for each port that has interrupted. The
//! interrupt routine serves those ports, each of which it has a structure for, with the address of the port's
//! registers.
//!
//! **What goes wrong.** The adapter sets the bit of a port that it does not have. The structure of that port
//! was never filled in, and the driver reads a register at no address.
//!
//! **The near miss** serves the ports that it has found when it was started.
//!
//! **Found by** SCSI_VERIFIER_DETECTED_VIOLATION: a register that no range has, with `--fault hostile`.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use crate::ahci::channel::{Adapter, CHANNELS_MAX, channel};
use crate::ahci::ddi::*;
use crate::ahci::find;
use crate::ahci::registers::{IS, read, write};

pub(super) unsafe extern "C-unwind" fn TrustingEntry(
    Driver: PDRIVER_OBJECT,
    Path: PUNICODE_STRING,
) -> NTSTATUS {
    find::register(Driver, Path, |Data| Data.HwFindAdapter = Some(HwFindAdapter::<false>))
}

pub(super) unsafe extern "C-unwind" fn CarefulEntry(
    Driver: PDRIVER_OBJECT,
    Path: PUNICODE_STRING,
) -> NTSTATUS {
    find::register(Driver, Path, |Data| Data.HwFindAdapter = Some(HwFindAdapter::<true>))
}

unsafe extern "C-unwind" fn HwFindAdapter<const LOOKS: bool>(
    DeviceExtension: PVOID,
    HwContext: PVOID,
    BusInformation: PVOID,
    ArgumentString: PCHAR,
    ConfigInfo: PPORT_CONFIGURATION_INFORMATION,
    Again: PBOOLEAN,
) -> ULONG {
    let Found =
        find::HwFindAdapter(DeviceExtension, HwContext, BusInformation, ArgumentString, ConfigInfo, Again);

    (*ConfigInfo).HwMSInterruptRoutine = Some(HwMSInterrupt::<LOOKS>);
    Found
}

unsafe extern "C-unwind" fn HwMSInterrupt<const LOOKS: bool>(
    DeviceExtension: PVOID,
    _MessageId: ULONG,
) -> BOOLEAN {
    let Extension: *mut Adapter = DeviceExtension.cast();

    if (*Extension).is_gone {
        return FALSE;
    }
    let Ports = read(DeviceExtension, (*Extension).base, IS);
    if Ports == 0 || Ports == u32::MAX {
        return FALSE;
    }
    // Wrong without the look: the ports are what the adapter says.
    let Served = if LOOKS { Ports & (*Extension).implemented } else { Ports };
    for Port in (0..CHANNELS_MAX as ULONG).filter(|Port| Served & 1 << Port != 0) {
        let Channel = channel(DeviceExtension, Port);
        Channel.interrupted();
        Channel.ask_for_dpc();
    }
    write(DeviceExtension, (*Extension).base, IS, Ports);
    TRUE
}
