//! `r04`: a reset takes the lock of another queue.
//!
//! **What the driver does.** Each queue has a STOR_DPC, whose DpcLock guards the queue. Queues are numbered
//! from 0, the messages that they interrupt with from 1: the helper that takes a lock is told the message,
//! and the DPC is `dpc[message - 1]`.
//!
//! **What goes wrong.** (1) A reset loops over the queues and passes the number of the queue for the
//! message. For queue i it holds the lock of queue i - 1 while it takes the requests of queue i. (2) On
//! another processor the DPC of queue i, with the right lock, takes requests out of the same queue: both get
//! the same one. (3) For queue 0 the lock is `dpc[-1]`, memory that is no STOR_DPC.
//!
//! **What Windows does.** Takes a spin lock in whatever lies there; or completes a request twice, and
//! corrupts the list: bug check 0xD1, 0x139; Storport verification: 0xF1, parameter 0x2004.
//!
//! **The fix.** `r04-fixed` turns the queue's number into a message before it asks for the lock.
//!
//! **Found by** DRIVER_IRQL_NOT_LESS_OR_EQUAL, at StorPortAcquireSpinLock, with `--event reset`.
//!
//! **Source.** viostor (virtio-win/kvm-guest-drivers-windows), commit 73b9b4b1 of 2021-12-01; the other half
//! of it, a flush that is sent again under the lock that it takes, is not here.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::virtio::*;
use crate::vioscsi::bring_up::bring_up;
use crate::vioscsi::reset::stop;
use crate::vioscsi::ring_lock::unlock;
use std::mem::zeroed;
use std::sync::atomic::Ordering::SeqCst;

/// Takes the lock of the queue that interrupts with a message.
unsafe fn LockQueue(DeviceExtension: PVOID, MessageId: usize, Handle: &mut STOR_LOCK_HANDLE) {
    let Dpcs = (&raw mut (*DeviceExtension.cast::<AdapterExtension>()).dpc).cast::<STOR_DPC>();
    let Dpc = Dpcs.wrapping_add(MessageId).wrapping_sub(1);
    StorPortAcquireSpinLock(DeviceExtension, DpcLock, Dpc.cast(), Handle);
}

/// Resets the device and ends its requests. All queues are locked.
unsafe fn ResetDevice(DeviceExtension: PVOID) {
    let Extension: *mut AdapterExtension = DeviceExtension.cast();

    stop(DeviceExtension, Extension, SRB_STATUS_BUS_RESET);
    if (*Extension).state.load(SeqCst) == state::STOPPED && !bring_up(DeviceExtension, Extension) {
        (*Extension).state.store(state::FAILED, SeqCst);
    }
}

unsafe fn UnlockQueues(DeviceExtension: PVOID, Handles: &mut [STOR_LOCK_HANDLE]) {
    for Handle in Handles.iter_mut().rev() {
        unlock(DeviceExtension, Handle);
    }
    // An event may have been lost with its ring.
    StorPortNotification(BusChangeDetected, DeviceExtension, 0);
}

pub(super) struct Buggy;

impl Form for Buggy {
    type More = ();

    unsafe fn Exchange(Data: &mut HW_INITIALIZATION_DATA) {
        Data.HwResetBus = Some(Self::HwResetBus);
    }
}

impl Buggy {
    unsafe extern "C-unwind" fn HwResetBus(DeviceExtension: PVOID, _PathId: ULONG) -> BOOLEAN {
        let mut Handles: [STOR_LOCK_HANDLE; RINGS_MAX] = zeroed();
        let Queues = (*DeviceExtension.cast::<AdapterExtension>()).rings as usize;

        for (Queue, Handle) in Handles[..Queues].iter_mut().enumerate() {
            LockQueue(DeviceExtension, Queue, Handle); // Wrong: it is told the queue.
        }
        ResetDevice(DeviceExtension);
        UnlockQueues(DeviceExtension, &mut Handles[..Queues]);
        TRUE
    }
}

pub(super) struct Fixed;

impl Form for Fixed {
    type More = ();

    unsafe fn Exchange(Data: &mut HW_INITIALIZATION_DATA) {
        Data.HwResetBus = Some(Self::HwResetBus);
    }
}

impl Fixed {
    unsafe extern "C-unwind" fn HwResetBus(DeviceExtension: PVOID, _PathId: ULONG) -> BOOLEAN {
        let mut Handles: [STOR_LOCK_HANDLE; RINGS_MAX] = zeroed();
        let Queues = (*DeviceExtension.cast::<AdapterExtension>()).rings as usize;

        for (Queue, Handle) in Handles[..Queues].iter_mut().enumerate() {
            LockQueue(DeviceExtension, Queue + 1, Handle);
        }
        ResetDevice(DeviceExtension);
        UnlockQueues(DeviceExtension, &mut Handles[..Queues]);
        TRUE
    }
}
