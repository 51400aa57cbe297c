//! Exhibits that need SRBs: one miniport at layer 1, of which each exhibit exchanges one routine.
//!
//! The base executes and completes every SRB inside HwStorStartIo. An exhibit is what it does there instead
//! with reads and writes, or another routine of another name. What is here is for checks and stops; the files
//! `finds.rs`, `calls.rs`, `kernel.rs`, `registry.rs` and `storport_locks.rs` are for rules. Invariant: but
//! for that routine nothing here is wrong.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(non_snake_case, reason = "the documented WDK names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

mod base;
pub(super) mod calls;
mod entry;
pub(super) mod finds;
pub(super) mod kernel;
pub(super) mod registry;
pub(super) mod storport_locks;

use base::{Execute, ExecuteAndComplete, Extension, MovesBlocks, Register, Ways};
use entry::exhibits;
use std::mem::zeroed;
use std::ptr::null_mut;
use storport_sim::ddi::*;

exhibits! {
    /// Completes requests that still say SRB_STATUS_PENDING.
    status_pending: starts => SaysPending;
    /// Sets a flag bit beside the final status.
    status_frozen: starts => SaysFrozen;
    /// Takes StartIoLock twice.
    start_io_lock_twice: starts => TakesTwice;
    /// Takes StartIoLock, gives it back, and takes it again.
    start_io_lock_again: starts => TakesAgain;
    /// Does not execute writes.
    writes_nothing: starts => WritesNothing;
    /// Executes writes twice.
    writes_twice: starts => WritesTwice;
    /// Refuses requests that are right.
    refuses: starts => Refuses;
    /// Is busy every sixteenth time.
    is_busy: starts => IsBusy;
    /// Says that reads moved half of what was asked for.
    says_half: starts => SaysHalf;
    /// Says how much was moved.
    says_all: starts => SaysAll;
    /// Completes nothing.
    keeps: starts => Keeps;
    /// Completes each request in a DPC, after HwStorStartIo has returned.
    completes_later: starts => CompletesLater;
    /// Completes requests twice.
    completes_twice: starts => CompletesTwice;
    /// Writes the status of SRBs that it has completed.
    writes_completed: starts => WritesCompleted;
    /// Writes the status of SRBs twice.
    writes_uncompleted: starts => WritesUncompleted;
    /// Counts in the extensions of SRBs that it has completed.
    counts_after: starts => CountsAfter;
    /// Counts in the extensions of SRBs.
    counts_before: starts => CountsBefore;
    /// Writes the data of reads that it has completed.
    data_after: starts => DataAfter;
    /// Reads the data of reads that it is about to complete.
    data_before: starts => DataBefore;
    /// Writes the sense buffer of SRBs that it has completed.
    sense_after: starts => SenseAfter;
    /// Writes the sense buffer of SRBs that it is about to complete.
    sense_before: starts => SenseBefore;
    /// Writes as much to the sense buffer as no sense buffer holds.
    sense_overrun: starts => SenseOverrun;
    /// Writes as much to the sense buffer as it holds.
    sense_filled: starts => SenseFilled;
    /// Asks for the time after each.
    asks_for_time: starts => AsksForTime;
    /// Is initialized once only.
    initializes_once: initializes => HwInitializeOnce;
    /// Counts how often it is initialized.
    initializes_again: initializes => HwInitializeAgain;
    /// Refuses to stop its adapter.
    refuses_stop: physical stops => RefusesStop;
    /// Has nothing to do to stop its adapter.
    stops: physical stops => Stops;
}

unsafe fn IsWrite(Srb: PSCSI_REQUEST_BLOCK) -> bool {
    (*Srb).SrbFlags & SRB_FLAGS_DATA_OUT != 0
}

unsafe fn SaysPending(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    Execute(DeviceExtension, Srb);
    (*Srb).SrbStatus = SRB_STATUS_PENDING; // Wrong: it goes back like this.
    StorPortNotification(RequestComplete, DeviceExtension, Srb);
}

unsafe fn SaysFrozen(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    Execute(DeviceExtension, Srb);
    (*Srb).SrbStatus |= SRB_STATUS_QUEUE_FROZEN;
    StorPortNotification(RequestComplete, DeviceExtension, Srb);
}

unsafe fn TakesTwice(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let (mut Outer, mut Inner): (STOR_LOCK_HANDLE, STOR_LOCK_HANDLE) = zeroed();
    StorPortAcquireSpinLock(DeviceExtension, StartIoLock, null_mut(), &raw mut Outer);
    StorPortAcquireSpinLock(DeviceExtension, StartIoLock, null_mut(), &raw mut Inner); // Wrong.
    StorPortReleaseSpinLock(DeviceExtension, &raw mut Inner);
    StorPortReleaseSpinLock(DeviceExtension, &raw mut Outer);
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe fn TakesAgain(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    for _ in 0..2 {
        let mut Handle: STOR_LOCK_HANDLE = zeroed();
        StorPortAcquireSpinLock(DeviceExtension, StartIoLock, null_mut(), &raw mut Handle);
        StorPortReleaseSpinLock(DeviceExtension, &raw mut Handle);
    }
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe fn WritesNothing(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    if IsWrite(Srb) {
        (*Srb).SrbStatus = SRB_STATUS_SUCCESS; // Wrong: nothing was written.
    } else {
        Execute(DeviceExtension, Srb);
    }
    StorPortNotification(RequestComplete, DeviceExtension, Srb);
}

unsafe fn WritesTwice(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let Bytes = (*Srb).DataTransferLength;
    if IsWrite(Srb) {
        Execute(DeviceExtension, Srb);
    }
    (*Srb).DataTransferLength = Bytes;
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe fn Refuses(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    (*Srb).SrbStatus = SRB_STATUS_INVALID_REQUEST; // Wrong: the request is inside the disk.
    StorPortNotification(RequestComplete, DeviceExtension, Srb);
}

unsafe fn IsBusy(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let Transfers = &raw mut (*DeviceExtension.cast::<Extension>()).Transfers;
    if InterlockedIncrement(Transfers) % 16 == 0 {
        (*Srb).SrbStatus = SRB_STATUS_BUSY;
    } else {
        Execute(DeviceExtension, Srb);
    }
    StorPortNotification(RequestComplete, DeviceExtension, Srb);
}

unsafe fn SaysHalf(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    Execute(DeviceExtension, Srb);
    if !IsWrite(Srb) {
        (*Srb).DataTransferLength /= 2; // Wrong: all of it was moved, and the status says success.
    }
    StorPortNotification(RequestComplete, DeviceExtension, Srb);
}

unsafe fn SaysAll(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let Bytes = (*Srb).DataTransferLength;
    Execute(DeviceExtension, Srb);
    (*Srb).DataTransferLength = Bytes;
    StorPortNotification(RequestComplete, DeviceExtension, Srb);
}

unsafe fn CompletesTwice(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    ExecuteAndComplete(DeviceExtension, Srb);
    StorPortNotification(RequestComplete, DeviceExtension, Srb); // Wrong: it was given back.
}

unsafe fn WritesCompleted(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    ExecuteAndComplete(DeviceExtension, Srb);
    (&raw mut (*Srb).SrbStatus).write_volatile(SRB_STATUS_SUCCESS); // Wrong: it was given back.
}

unsafe fn WritesUncompleted(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    (&raw mut (*Srb).SrbStatus).write_volatile(SRB_STATUS_SUCCESS);
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe fn CountsAfter(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let Count: *mut u32 = (*Srb).SrbExtension.cast();
    ExecuteAndComplete(DeviceExtension, Srb);
    Count.write_volatile(1); // Wrong: the extension went with the SRB.
}

unsafe fn CountsBefore(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let Count: *mut u32 = (*Srb).SrbExtension.cast();
    Count.write_volatile(1);
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe fn DataAfter(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let mut Data: PVOID = null_mut();
    StorPortGetSystemAddress(DeviceExtension, Srb, &raw mut Data);
    let Data: *mut u8 = Data.cast();
    Execute(DeviceExtension, Srb);
    let First = Data.read_volatile();
    StorPortNotification(RequestComplete, DeviceExtension, Srb);
    Data.write_volatile(First); // Wrong, though it changes nothing: the buffer went with the SRB.
}

unsafe fn DataBefore(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let mut Data: PVOID = null_mut();
    StorPortGetSystemAddress(DeviceExtension, Srb, &raw mut Data);
    let Data: *mut u8 = Data.cast();
    Execute(DeviceExtension, Srb);
    Data.write_volatile(Data.read_volatile());
    StorPortNotification(RequestComplete, DeviceExtension, Srb);
}

unsafe fn SenseAfter(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let Sense: *mut u8 = (*Srb).SenseInfoBuffer.cast();
    ExecuteAndComplete(DeviceExtension, Srb);
    Sense.write_volatile(0); // Wrong: the sense buffer went with the SRB.
}

unsafe fn SenseBefore(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let Sense: *mut u8 = (*Srb).SenseInfoBuffer.cast();
    Sense.write_volatile(0);
    ExecuteAndComplete(DeviceExtension, Srb);
}

/// Clears the sense buffer, as it thinks.
unsafe fn ClearSense(Srb: PSCSI_REQUEST_BLOCK, Length: usize) {
    let Sense: *mut u8 = (*Srb).SenseInfoBuffer.cast();
    for n in 0..Length {
        Sense.wrapping_add(n).write_volatile(0);
    }
}

unsafe fn SenseOverrun(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    ClearSense(Srb, 64 << 10); // Wrong: what lies behind the buffer is the system's.
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe fn SenseFilled(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    ClearSense(Srb, (*Srb).SenseInfoBufferLength.into());
    ExecuteAndComplete(DeviceExtension, Srb);
}

unsafe fn AsksForTime(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    ExecuteAndComplete(DeviceExtension, Srb);
    let mut Ticks = LARGE_INTEGER::new(0);
    StorPortNotification(QueryTickCount, DeviceExtension, &raw mut Ticks);
}

unsafe fn Keeps(_DeviceExtension: PVOID, _Srb: PSCSI_REQUEST_BLOCK) {
    // Wrong: no list has it, and no interrupt will complete it.
}

unsafe extern "C-unwind" fn ExecuteInDpc(_Dpc: PKDPC, _: PVOID, DeviceExtension: PVOID, Srb: PVOID) {
    ExecuteAndComplete(DeviceExtension, Srb.cast());
}

unsafe fn CompletesLater(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    let Dpc: PKDPC = (*Srb).SrbExtension.cast();
    KeInitializeDpc(Dpc, Some(ExecuteInDpc), null_mut());
    KeInsertQueueDpc(Dpc, DeviceExtension, Srb.cast());
}

/// Whether plug and play stops the adapter.
unsafe fn IsStop(Srb: PSCSI_REQUEST_BLOCK) -> bool {
    (*Srb).Function == SRB_FUNCTION_PNP
        && (*Srb.cast::<SCSI_PNP_REQUEST_BLOCK>()).PnPAction == StorStopDevice
        && (*Srb.cast::<SCSI_PNP_REQUEST_BLOCK>()).SrbPnPFlags & SRB_PNP_FLAGS_ADAPTER_REQUEST != 0
}

unsafe fn RefusesStop(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    (*Srb).SrbStatus = SRB_STATUS_INVALID_REQUEST; // Wrong: a stop cannot be refused.
    StorPortNotification(RequestComplete, DeviceExtension, Srb);
}

unsafe fn Stops(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    (*Srb).SrbStatus = SRB_STATUS_SUCCESS;
    StorPortNotification(RequestComplete, DeviceExtension, Srb);
}

unsafe extern "C-unwind" fn HwInitializeOnce(DeviceExtension: PVOID) -> BOOLEAN {
    let Initializations = &raw mut (*DeviceExtension.cast::<Extension>()).Initializations;
    // Wrong: a stopped adapter is initialized again.
    BOOLEAN::from(InterlockedIncrement(Initializations) == 1)
}

unsafe extern "C-unwind" fn HwInitializeAgain(DeviceExtension: PVOID) -> BOOLEAN {
    InterlockedIncrement(&raw mut (*DeviceExtension.cast::<Extension>()).Initializations);
    TRUE
}
