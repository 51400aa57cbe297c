//! `r23`: a message beyond the queues becomes the index of a lock.
//!
//! **What the driver does.** StorPortGetStartIoPerfParams says with which message a request should come back.
//! The driver puts the request into the queue of that message, and takes the lock `dpc[message - 1]`. It is
//! limited to some of the queues that the device has, and shares them among the messages.
//!
//! **What goes wrong.** (1) The range of messages that was granted reaches beyond the queues. (2) A request
//! gets a message of those. The driver finds its queue by the remainder, but keeps the message as it is. (3)
//! The lock of that message is a STOR_DPC that was never initialised; with more messages than the array has
//! entries, it lies behind the array. The queue is not locked.
//!
//! **What Windows does.** A spin lock in memory of another purpose is taken, and two processors are in the
//! queue together: lost requests, bug check 0xD1.
//!
//! **The fix.** `r23-fixed` computes the message again from the queue.
//!
//! **Found by** DRIVER_IRQL_NOT_LESS_OR_EQUAL, at StorPortAcquireSpinLock, if a request is started on a
//! processor whose message is beyond.
//!
//! **Source.** vioscsi and viostor (virtio-win/kvm-guest-drivers-windows), commits 3716a951 of 2017-01-15,
//! 8c8c4170 of 2017-01-23, 0d3a936d of 2026-01-16. (The other form, message 0 of a processor that was added
//! while the system ran, needs such processors.)

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::virtio::*;
use crate::vioscsi::bring_up::bring_up;
use crate::vioscsi::complete::complete;
use crate::vioscsi::initialize::{HwPassiveInitialize, choose_interrupts};
use crate::vioscsi::request::send;
use crate::vioscsi::ring_lock::notify;
use crate::vioscsi::virtio::F_RING_INDIRECT_DESC;
use std::mem::zeroed;
use std::sync::atomic::Ordering::SeqCst;

unsafe extern "C-unwind" fn HwInitialize(DeviceExtension: PVOID) -> BOOLEAN {
    let Extension: *mut AdapterExtension = DeviceExtension.cast();

    choose_interrupts(DeviceExtension, Extension);
    LimitRings(Extension);
    if !(*Extension).registers.reset(DeviceExtension) || !bring_up(DeviceExtension, Extension) {
        return FALSE;
    }
    AskForChannels(DeviceExtension);
    StorPortEnablePassiveInitialization(DeviceExtension, Some(HwPassiveInitialize))
}

/// Has requests started by several processors at once, with all messages of the device.
unsafe fn AskForChannels(DeviceExtension: PVOID) {
    let Extension: *mut AdapterExtension = DeviceExtension.cast();
    let Needed =
        STOR_PERF_DPC_REDIRECTION | STOR_PERF_INTERRUPT_MESSAGE_RANGES | STOR_PERF_CONCURRENT_CHANNELS;
    let mut Perf: PERF_CONFIGURATION_DATA = zeroed();

    (*Extension).has_channels = 0;
    if (*Extension).interrupts != Interrupts::PerRing {
        return;
    }
    Perf.Version = STOR_PERF_VERSION;
    Perf.Size = size_of::<PERF_CONFIGURATION_DATA>() as ULONG;
    let Status = StorPortInitializePerfOpts(DeviceExtension, TRUE, &raw mut Perf);
    if Status != STOR_STATUS_SUCCESS || Perf.Flags & Needed != Needed {
        return;
    }
    Perf.Flags = Needed;
    Perf.ConcurrentChannels = (*Extension).rings_laid_out - FIRST_REQUEST_RING as u32;
    Perf.FirstRedirectionMessageNumber = FIRST_REQUEST_RING as ULONG + 1;
    Perf.LastRedirectionMessageNumber = (*Extension).rings_laid_out;
    if StorPortInitializePerfOpts(DeviceExtension, FALSE, &raw mut Perf) == STOR_STATUS_SUCCESS {
        (*Extension).has_channels = 1;
    }
}

/// The message that a request should come back with: that of the first queue, if Storport does not say.
unsafe fn MessageOf(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) -> usize {
    let mut Parameters: STARTIO_PERFORMANCE_PARAMETERS = zeroed();

    Parameters.Version = 1;
    Parameters.Size = size_of::<STARTIO_PERFORMANCE_PARAMETERS>() as ULONG;
    let Status = StorPortGetStartIoPerfParams(DeviceExtension, Srb, &raw mut Parameters);
    if Status != STOR_STATUS_SUCCESS || Parameters.MessageNumber == 0 {
        return FIRST_REQUEST_RING + 1;
    }
    Parameters.MessageNumber as usize
}

/// The queue that a message is served by.
unsafe fn QueueOf(Extension: *mut AdapterExtension, Message: usize) -> usize {
    let Queues = (*Extension).rings as usize - FIRST_REQUEST_RING;
    FIRST_REQUEST_RING + (Message - 1 - FIRST_REQUEST_RING) % Queues
}

/// Puts a request into a queue, under the lock of a message.
unsafe fn SendSRB(DeviceExtension: PVOID, Srb: PVOID, Queue: usize, Message: usize) {
    let Extension: *mut AdapterExtension = DeviceExtension.cast();
    let SrbExtension = srb_extension(Srb);
    let Table =
        std::slice::from_raw_parts((&raw const (*SrbExtension).table).cast(), (*SrbExtension).count as usize);
    let IsIndirect = (*Extension).features & F_RING_INDIRECT_DESC != 0;
    let mut Handle: STOR_LOCK_HANDLE = zeroed();

    let Dpc = (&raw mut (*Extension).dpc).cast::<STOR_DPC>().add(Message - 1);
    StorPortAcquireSpinLock(DeviceExtension, DpcLock, Dpc.cast(), &raw mut Handle);
    let IsRunning = (*Extension).state.load(SeqCst) == state::RUNNING;
    let Ring = &mut (*Extension).ring[Queue];
    let IsIn = IsRunning && Ring.add(Table, IsIndirect.then_some((*SrbExtension).physical), Srb);
    let IsWanted = IsIn && Ring.needs_notification();
    StorPortReleaseSpinLock(DeviceExtension, &raw mut Handle);
    if IsWanted {
        notify(DeviceExtension, Extension, Queue);
    }
    if !IsRunning {
        complete(DeviceExtension, Srb, SRB_STATUS_NO_HBA);
    } else if !IsIn {
        StorPortBusy(DeviceExtension, u32::from((*Extension).ring[Queue].size) / 4);
        complete(DeviceExtension, Srb, SRB_STATUS_BUSY);
    }
}

/// Whether a request goes to a queue of requests; the others have been sent.
unsafe fn IsCommand(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) -> bool {
    let IsCommand = SrbGetSrbFunction(Srb.cast()) as UCHAR == SRB_FUNCTION_EXECUTE_SCSI;
    if !IsCommand {
        send(DeviceExtension, DeviceExtension.cast(), crate::vioscsi::virtio_scsi::CONTROL_RING, Srb.cast());
    }
    IsCommand
}

pub(super) struct Buggy;

impl Form for Buggy {
    type More = ();

    unsafe fn Exchange(Data: &mut HW_INITIALIZATION_DATA) {
        Data.HwInitialize = Some(HwInitialize);
        Data.HwStartIo = Some(Self::HwStartIo);
    }
}

impl Buggy {
    unsafe extern "C-unwind" fn HwStartIo(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
        if IsCommand(DeviceExtension, Srb) {
            let Message = MessageOf(DeviceExtension, Srb);
            let Queue = QueueOf(DeviceExtension.cast(), Message);
            SendSRB(DeviceExtension, Srb.cast(), Queue, Message); // Wrong: it may be no queue's message.
        }
        TRUE
    }
}

pub(super) struct Fixed;

impl Form for Fixed {
    type More = ();

    unsafe fn Exchange(Data: &mut HW_INITIALIZATION_DATA) {
        Data.HwInitialize = Some(HwInitialize);
        Data.HwStartIo = Some(Self::HwStartIo);
    }
}

impl Fixed {
    unsafe extern "C-unwind" fn HwStartIo(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
        if IsCommand(DeviceExtension, Srb) {
            let Message = MessageOf(DeviceExtension, Srb);
            let Queue = QueueOf(DeviceExtension.cast(), Message);
            SendSRB(DeviceExtension, Srb.cast(), Queue, Queue + 1);
        }
        TRUE
    }
}
