//! Calls of Storport's routines with what they do not take, or where they are not for miniports.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(non_snake_case, reason = "the documented WDK names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::base::{Execute, ExecuteAndComplete, MovesBlocks, Register, Ways};
use super::entry::exhibits;
use std::mem::zeroed;
use std::ptr::null_mut;
use storport_sim::ddi::*;

exhibits! {
    /// Calls a routine of the kernel's in a miniport of an adapter with hardware.
    calls_kernel: physical starts => CallsKernel;
    /// Calls an interlocked operation there.
    calls_interlocked: physical starts => CallsInterlocked;
    /// Writes to the log in the old way.
    logs_error: starts => LogsError;
    /// Writes to the log in the new way.
    logs_event: starts => LogsEvent;
    /// Completes all requests of a unit at once.
    completes_unit: starts => CompletesUnit;
    /// Completes one request with the same status.
    completes_one: starts => CompletesOne;
    /// Asks for the passive routine in HwStorStartIo.
    passive_in_start_io: starts => AsksInStartIo;
    /// Asks for the passive routine in HwStorInitialize.
    passive_in_initialize: initializes => HwInitializePassive;
    /// Initializes the adapter in HwStorAdapterControl, the passive routine too.
    passive_in_control: controls => HwAdapterControlPassive;
    /// Initializes the adapter there without it.
    no_passive_in_control: controls => HwAdapterControlPlain;
    /// Asks for performance options without a structure.
    no_options: initializes => HwInitializeWithoutOptions;
    /// Asks for performance options with an empty structure.
    empty_options: initializes => HwInitializeWithOptions;
    /// Asks for the next request.
    asks_for_next: starts => AsksForNext;
    /// Reports a link that is up already.
    reports_link: starts => ReportsLink;
    /// Asks for a timer without a routine.
    timer_without_routine: starts => ArmsWithoutRoutine;
    /// Stops a timer, which takes no routine.
    timer_stopped: starts => StopsTimer;
    /// Stalls in HwStorStartIo.
    stalls: starts => Stalls;
    /// Allocates from Storport in HwStorStartIo.
    allocates: starts => Allocates;
    /// Frees a block twice.
    frees_twice: starts => FreesTwice;
    /// Allocates twice, and frees twice.
    frees_each: starts => FreesEach;
    /// Overwrites the pointer to a block.
    overwrites: starts => Overwrites;
    /// Overwrites the pointer to a block that it has freed.
    overwrites_freed: starts => FreesEach;
    /// Asks for the address of its data above DISPATCH_LEVEL.
    address_raised: starts => AsksForAddressRaised;
    /// Asks for it at DISPATCH_LEVEL.
    address_at_level: starts => AsksForAddress;
    /// Returns at a raised IRQL.
    returns_raised: starts => ReturnsRaised;
    /// Raises the IRQL, and lowers it again.
    returns_lowered: starts => ReturnsLowered;
}

const TAG: ULONG = u32::from_le_bytes(*b"Exhi");
/// A level above DISPATCH_LEVEL.
const DEVICE_LEVEL: KIRQL = 5;

unsafe fn CallsKernel(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let mut Lock: KSPIN_LOCK = 0;
    KeInitializeSpinLock(&raw mut Lock); // Wrong: Storport has locks.
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe fn CallsInterlocked(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let mut Count: LONG = 0;
    InterlockedIncrement(&raw mut Count);
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe fn LogsError(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    StorPortLogError(DeviceExtension, Srb, 0, 0, 0, 0, 1); // Wrong: deprecated.
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe fn LogsEvent(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let (mut Details, mut Size): (u64, ULONG) = (0, 0);
    StorPortLogSystemEvent(DeviceExtension, (&raw mut Details).cast(), &raw mut Size);
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe fn CompletesUnit(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    Execute(DeviceExtension, Srb);
    let (Path, Target, Lun, Status) = ((*Srb).PathId, (*Srb).TargetId, (*Srb).Lun, (*Srb).SrbStatus);
    StorPortCompleteRequest(DeviceExtension, Path, Target, Lun, Status); // Wrong: all of the unit.
}

unsafe fn CompletesOne(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    Execute(DeviceExtension, Srb);
    StorPortNotification(RequestComplete, DeviceExtension, Srb);
}

unsafe extern "C-unwind" fn HwPassiveInitialize(_DeviceExtension: PVOID) -> BOOLEAN {
    TRUE
}

unsafe fn AsksInStartIo(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    StorPortEnablePassiveInitialization(DeviceExtension, Some(HwPassiveInitialize)); // Wrong: too late.
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe extern "C-unwind" fn HwInitializePassive(DeviceExtension: PVOID) -> BOOLEAN {
    StorPortEnablePassiveInitialization(DeviceExtension, Some(HwPassiveInitialize))
}

unsafe extern "C-unwind" fn HwAdapterControlPassive(
    DeviceExtension: PVOID,
    _ControlType: SCSI_ADAPTER_CONTROL_TYPE,
    _Parameters: PVOID,
) -> SCSI_ADAPTER_CONTROL_STATUS {
    HwInitializePassive(DeviceExtension); // Wrong: not Storport's own start.
    ScsiAdapterControlSuccess
}

unsafe extern "C-unwind" fn HwAdapterControlPlain(
    DeviceExtension: PVOID,
    _ControlType: SCSI_ADAPTER_CONTROL_TYPE,
    _Parameters: PVOID,
) -> SCSI_ADAPTER_CONTROL_STATUS {
    super::base::HwInitialize(DeviceExtension);
    ScsiAdapterControlSuccess
}

unsafe extern "C-unwind" fn HwInitializeWithoutOptions(DeviceExtension: PVOID) -> BOOLEAN {
    StorPortInitializePerfOpts(DeviceExtension, TRUE, null_mut()); // Wrong.
    TRUE
}

unsafe extern "C-unwind" fn HwInitializeWithOptions(DeviceExtension: PVOID) -> BOOLEAN {
    let mut Options: PERF_CONFIGURATION_DATA = zeroed();
    Options.Version = STOR_PERF_VERSION;
    Options.Size = size_of::<PERF_CONFIGURATION_DATA>() as ULONG;
    StorPortInitializePerfOpts(DeviceExtension, TRUE, &raw mut Options);
    TRUE
}

unsafe fn AsksForNext(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    ExecuteAndComplete(DeviceExtension, Srb);
    StorPortNotification(NextRequest, DeviceExtension, ()); // Wrong: of another port driver.
}

unsafe fn ReportsLink(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    ExecuteAndComplete(DeviceExtension, Srb);
    StorPortNotification(LinkUp, DeviceExtension, ());
}

unsafe fn ArmsWithoutRoutine(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    StorPortNotification(RequestTimerCall, DeviceExtension, (None, 1000)); // Wrong: nothing to call.
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe fn StopsTimer(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    StorPortNotification(RequestTimerCall, DeviceExtension, (None, 0));
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe fn Stalls(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    StorPortStallExecution(10); // Wrong: all other requests wait.
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe fn Allocate(DeviceExtension: PVOID, Block: *mut PVOID) {
    StorPortAllocatePool(DeviceExtension, 64, TAG, Block);
}

unsafe fn Allocates(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let mut Block: PVOID = null_mut();
    Allocate(DeviceExtension, &raw mut Block);
    ExecuteAndComplete(DeviceExtension, Srb);
    StorPortFreePool(DeviceExtension, Block);
}

unsafe fn FreesTwice(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let mut Block: PVOID = null_mut();
    Allocate(DeviceExtension, &raw mut Block);
    StorPortFreePool(DeviceExtension, Block);
    StorPortFreePool(DeviceExtension, Block); // Wrong: it is free.
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe fn FreesEach(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let mut Block: PVOID = null_mut();
    for _ in 0..2 {
        Allocate(DeviceExtension, &raw mut Block);
        StorPortFreePool(DeviceExtension, Block);
    }
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe fn Overwrites(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let mut Block: PVOID = null_mut();
    Allocate(DeviceExtension, &raw mut Block);
    Allocate(DeviceExtension, &raw mut Block); // Wrong: the first is lost.
    StorPortFreePool(DeviceExtension, Block);
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe fn AsksForAddress(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let mut Address: PVOID = null_mut();
    StorPortGetSystemAddress(DeviceExtension, Srb, &raw mut Address);
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe fn AsksForAddressRaised(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let (mut Irql, mut Address): (KIRQL, PVOID) = (0, null_mut());
    KeRaiseIrql(DEVICE_LEVEL, &raw mut Irql);
    StorPortGetSystemAddress(DeviceExtension, Srb, &raw mut Address); // Wrong: it returns a status.
    KeLowerIrql(Irql);
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe fn ReturnsRaised(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    ExecuteAndComplete(DeviceExtension, Srb);
    let mut Irql: KIRQL = 0;
    KeRaiseIrql(DEVICE_LEVEL, &raw mut Irql); // Wrong: nothing lowers it.
}

unsafe fn ReturnsLowered(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    ExecuteAndComplete(DeviceExtension, Srb);
    let mut Irql: KIRQL = 0;
    KeRaiseIrql(DEVICE_LEVEL, &raw mut Irql);
    KeLowerIrql(Irql);
}
