//! `r24`: the array of affinities is shorter than the range of messages.
//!
//! **What the driver does.** It asks Storport for performance options, and for the processors that its
//! messages go to: StorPortInitializePerfOpts fills an array of GROUP_AFFINITY of the driver's, an entry for
//! each message of the range that the driver names. The driver is limited to some of the queues that the
//! device has.
//!
//! **What goes wrong.** (1) The passive routine allocates an entry for each queue that it uses. (2) It names
//! all messages of the device as the range, which are more. (3) StorPortInitializePerfOpts writes past the
//! end of the array.
//!
//! **What Windows does.** Whatever owned the memory behind the array fails later: bug check 0x19
//! (BAD_POOL_HEADER), or 0xC4; with special pool 0xD6 at once.
//!
//! **The fix.** `r24-fixed` names as many messages as the array has entries.
//!
//! **Found by** DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION, at StorPortInitializePerfOpts.
//!
//! **Source.** viostor (virtio-win/kvm-guest-drivers-windows), commit 16e7da69 of 2022-07-15.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::virtio::*;
use crate::vioscsi::bring_up::bring_up;
use crate::vioscsi::initialize::{HwPassiveInitialize, choose_interrupts};
use std::mem::zeroed;
use std::ptr::null_mut;

const TAG: ULONG = u32::from_le_bytes(*b"Affi");

/// Initializes the adapter, with a passive routine of the form's.
unsafe fn Initialize(DeviceExtension: PVOID, Passive: PHW_PASSIVE_INITIALIZE_ROUTINE) -> BOOLEAN {
    let Extension: *mut AdapterExtension = DeviceExtension.cast();

    choose_interrupts(DeviceExtension, Extension);
    LimitRings(Extension);
    (*Extension).has_channels = 0;
    if !(*Extension).registers.reset(DeviceExtension) || !bring_up(DeviceExtension, Extension) {
        return FALSE;
    }
    StorPortEnablePassiveInitialization(DeviceExtension, Passive)
}

/// Asks for the processors of the messages up to the last one.
unsafe fn AskForAffinities(DeviceExtension: PVOID, LastMessage: ULONG) {
    let Extension: *mut AdapterExtension = DeviceExtension.cast();
    let Needed =
        STOR_PERF_DPC_REDIRECTION | STOR_PERF_INTERRUPT_MESSAGE_RANGES | STOR_PERF_ADV_CONFIG_LOCALITY;
    let mut Targets: PVOID = null_mut();

    let Queues = (*Extension).rings - FIRST_REQUEST_RING as u32;
    let Bytes = Queues as ULONG * size_of::<GROUP_AFFINITY>() as ULONG;
    if StorPortAllocatePool(DeviceExtension, Bytes, TAG, &raw mut Targets) != STOR_STATUS_SUCCESS {
        return;
    }
    let mut Perf: PERF_CONFIGURATION_DATA = zeroed();
    Perf.Version = STOR_PERF_VERSION;
    Perf.Size = size_of::<PERF_CONFIGURATION_DATA>() as ULONG;
    let Status = StorPortInitializePerfOpts(DeviceExtension, TRUE, &raw mut Perf);
    if Status == STOR_STATUS_SUCCESS && Perf.Flags & Needed == Needed {
        Perf.Flags = Needed;
        Perf.FirstRedirectionMessageNumber = FIRST_REQUEST_RING as ULONG + 1;
        Perf.LastRedirectionMessageNumber = LastMessage;
        Perf.MessageTargets = Targets.cast();
        StorPortInitializePerfOpts(DeviceExtension, FALSE, &raw mut Perf); // An entry for each message.
    }
    StorPortFreePool(DeviceExtension, Targets);
}

pub(super) struct Buggy;

impl Form for Buggy {
    type More = ();

    unsafe fn Exchange(Data: &mut HW_INITIALIZATION_DATA) {
        Data.HwInitialize = Some(Self::HwInitialize);
    }
}

impl Buggy {
    unsafe extern "C-unwind" fn HwInitialize(DeviceExtension: PVOID) -> BOOLEAN {
        Initialize(DeviceExtension, Some(Self::HwPassiveInitialize))
    }

    unsafe extern "C-unwind" fn HwPassiveInitialize(DeviceExtension: PVOID) -> BOOLEAN {
        // Wrong: there are entries for the queues that are used.
        AskForAffinities(DeviceExtension, (*DeviceExtension.cast::<AdapterExtension>()).rings_laid_out);
        HwPassiveInitialize(DeviceExtension)
    }
}

pub(super) struct Fixed;

impl Form for Fixed {
    type More = ();

    unsafe fn Exchange(Data: &mut HW_INITIALIZATION_DATA) {
        Data.HwInitialize = Some(Self::HwInitialize);
    }
}

impl Fixed {
    unsafe extern "C-unwind" fn HwInitialize(DeviceExtension: PVOID) -> BOOLEAN {
        Initialize(DeviceExtension, Some(Self::HwPassiveInitialize))
    }

    unsafe extern "C-unwind" fn HwPassiveInitialize(DeviceExtension: PVOID) -> BOOLEAN {
        AskForAffinities(DeviceExtension, (*DeviceExtension.cast::<AdapterExtension>()).rings);
        HwPassiveInitialize(DeviceExtension)
    }
}
