//! `suspect-timer`: a timer is taken to run when nothing else does.
//!
//! **What the driver does.** Requests are done at once, and completed in batches: HwStorStartIo puts each on
//! a list under a lock, and takes the list to complete it when it has four. What is left when no more come is
//! completed by a periodic timer, every millisecond, which takes no lock: what should be at the list when
//! nothing comes?
//!
//! **What goes wrong.** (1) The timer expires, and its DPC sees the list. (2) Before it has made that empty a
//! request comes on another processor, and HwStorStartIo takes the same list, which has four now. (3) Both
//! complete the same requests.
//!
//! **Why it is rare.** On the author's desk the timer expires when nothing comes, or finds the list empty.
//!
//! **What Windows does.** Each of those requests is completed twice: bug check 0xF1, or another request's
//! data is given to its caller.
//!
//! **The near miss** takes the list under the lock.
//!
//! **Found by** DataRace, where the timer looks at the list, in nearly every run; without that check by
//! SCSI_VERIFIER_DETECTED_VIOLATION at StorPortNotification, where a timer expires among requests: in
//! environments that are drawn so.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::miniport::{self, Execute, Report, Routines};
use kernel_sim::shared::Shared;
use std::ptr::null_mut;
use storport_sim::ddi::*;

/// Requests of a batch.
const BATCH: ULONG = 4;
/// Between two expirations, in milliseconds.
const PERIOD_MS: LONG = 1;

#[repr(C)]
struct Adapter {
    Base: miniport::Adapter,
    /// Guards the list.
    Lock: KSPIN_LOCK,
    /// Requests that are done and not completed, the last first, through their extensions.
    Done: Shared<PSCSI_REQUEST_BLOCK>,
    Count: Shared<ULONG>,
    Timer: KTIMER,
    Dpc: KDPC,
}
type PAdapter = *mut Adapter;

pub(super) unsafe extern "C-unwind" fn TrustingEntry(
    Driver: PDRIVER_OBJECT,
    Path: PUNICODE_STRING,
) -> NTSTATUS {
    Register::<false>(Driver, Path)
}

pub(super) unsafe extern "C-unwind" fn CarefulEntry(
    Driver: PDRIVER_OBJECT,
    Path: PUNICODE_STRING,
) -> NTSTATUS {
    Register::<true>(Driver, Path)
}

unsafe fn Register<const LOCKS: bool>(Driver: PDRIVER_OBJECT, Path: PUNICODE_STRING) -> NTSTATUS {
    let mut Data = Routines(Some(HwStartIo), size_of::<Adapter>());

    Data.HwInitialize = Some(HwInitialize::<LOCKS>);
    Data.HwResetBus = Some(HwResetBus);
    Data.HwAdapterControl = Some(HwAdapterControl::<LOCKS>);
    Data.HwFreeAdapterResources = Some(HwFreeAdapterResources);
    Data.SrbExtensionSize = size_of::<PSCSI_REQUEST_BLOCK>() as ULONG;
    StorPortInitialize(Driver, Path, (&raw mut Data).cast(), null_mut())
}

unsafe extern "C-unwind" fn HwInitialize<const LOCKS: bool>(DeviceExtension: PVOID) -> BOOLEAN {
    let Adapter: PAdapter = DeviceExtension.cast();

    KeInitializeSpinLock(&raw mut (*Adapter).Lock);
    StartTimer::<LOCKS>(Adapter);
    TRUE
}

unsafe fn StartTimer<const LOCKS: bool>(Adapter: PAdapter) {
    let Timer = &raw mut (*Adapter).Timer;
    let Due = LARGE_INTEGER::new(-10_000 * LONGLONG::from(PERIOD_MS));

    KeInitializeTimer(Timer);
    KeInitializeDpc(&raw mut (*Adapter).Dpc, Some(Expired::<LOCKS>), Adapter.cast());
    KeSetTimerEx(Timer, Due, PERIOD_MS, &raw mut (*Adapter).Dpc);
}

unsafe fn StopTimer(Adapter: PAdapter) {
    KeCancelTimer(&raw mut (*Adapter).Timer);
    KeFlushQueuedDpcs();
}

unsafe extern "C-unwind" fn Expired<const LOCKS: bool>(_Dpc: PKDPC, Adapter: PVOID, _: PVOID, _: PVOID) {
    let Adapter: PAdapter = Adapter.cast();
    // Wrong without the lock: HwStorStartIo may take the list as well.
    let Srb = if LOCKS { TakeDoneLocked(Adapter) } else { TakeDone(Adapter) };

    CompleteAll(Adapter, Srb);
}

/// Where the next of a list of requests stands.
unsafe fn Next(Srb: PSCSI_REQUEST_BLOCK) -> *mut PSCSI_REQUEST_BLOCK {
    (*Srb).SrbExtension.cast()
}

/// Takes the list, which is empty then.
unsafe fn TakeDone(Adapter: PAdapter) -> PSCSI_REQUEST_BLOCK {
    let Srb = (*Adapter).Done.get();
    (*Adapter).Done.set(null_mut());
    (*Adapter).Count.set(0);
    Srb
}

/// The same under the lock. At DISPATCH_LEVEL or below.
unsafe fn TakeDoneLocked(Adapter: PAdapter) -> PSCSI_REQUEST_BLOCK {
    let mut Irql: KIRQL = 0;

    KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
    let Srb = TakeDone(Adapter);
    KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
    Srb
}

/// Completes the requests of a list.
unsafe fn CompleteAll(Adapter: PAdapter, mut Srb: PSCSI_REQUEST_BLOCK) {
    while !Srb.is_null() {
        let Later = *Next(Srb);
        StorPortNotification(RequestComplete, Adapter.cast(), Srb);
        Srb = Later;
    }
}

unsafe extern "C-unwind" fn HwStartIo(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    let Adapter: PAdapter = DeviceExtension.cast();
    let mut Irql: KIRQL = 0;
    let mut Batch: PSCSI_REQUEST_BLOCK = null_mut();

    Execute(DeviceExtension, Srb);
    if (*Srb).Function != SRB_FUNCTION_EXECUTE_SCSI {
        StorPortNotification(RequestComplete, DeviceExtension, Srb);
        return TRUE;
    }
    KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
    *Next(Srb) = (*Adapter).Done.get();
    (*Adapter).Done.set(Srb);
    let Count = (*Adapter).Count.get() + 1;
    (*Adapter).Count.set(Count);
    if Count >= BATCH {
        Batch = TakeDone(Adapter);
    }
    KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
    CompleteAll(Adapter, Batch);
    TRUE
}

unsafe extern "C-unwind" fn HwResetBus(DeviceExtension: PVOID, _PathId: ULONG) -> BOOLEAN {
    let Adapter: PAdapter = DeviceExtension.cast();

    CompleteAll(Adapter, TakeDoneLocked(Adapter));
    TRUE
}

unsafe extern "C-unwind" fn HwAdapterControl<const LOCKS: bool>(
    DeviceExtension: PVOID,
    ControlType: SCSI_ADAPTER_CONTROL_TYPE,
    Parameters: PVOID,
) -> SCSI_ADAPTER_CONTROL_STATUS {
    match ControlType {
        ScsiQuerySupportedControlTypes => {
            Report(Parameters, [ScsiQuerySupportedControlTypes, ScsiStopAdapter, ScsiRestartAdapter]);
        }
        ScsiStopAdapter => StopTimer(DeviceExtension.cast()),
        ScsiRestartAdapter => StartTimer::<LOCKS>(DeviceExtension.cast()),
        _ => return ScsiAdapterControlUnsuccessful,
    }
    ScsiAdapterControlSuccess
}

unsafe extern "C-unwind" fn HwFreeAdapterResources(DeviceExtension: PVOID) {
    StopTimer(DeviceExtension.cast());
}
