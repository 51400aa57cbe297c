//! `r22`: a DPC runs after its queue was deleted.
//!
//! **What the driver does.** What it knows of each queue is a block of pool. When the adapter goes away it
//! resets the device, which interrupts no more, and deletes the queues. The DPC of a queue counts in the
//! block.
//!
//! **What goes wrong.** (1) An interrupt queues the DPC of a queue, which completes the last request. (2) On
//! another processor the adapter is removed: the device is reset and the queues are deleted. (3) The DPC
//! goes on with a queue that is gone.
//!
//! **What Windows does.** Bug check 0xD1, now and then, in one of many reboots; or the DPC writes into pool
//! that belongs to another driver.
//!
//! **The fix.** `r22-fixed` deletes a queue under the lock of its DPC, and the DPC looks under that lock
//! whether there is a queue.
//!
//! **Found by** DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL, in the DPC, under some schedules.
//!
//! **Source.** viogpu (virtio-win/kvm-guest-drivers-windows), pull request 1528 of 2026-02-26: a display
//! driver over the library for rings that the storage drivers use.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::virtio::*;
use crate::ahci::control::pnp_action;
use crate::vioscsi;
use crate::vioscsi::initialize::{make_dpcs, start};
use crate::vioscsi::ring_lock::{lock, unlock};
use std::mem::{replace, zeroed};
use std::ptr::null_mut;

const TAG: ULONG = u32::from_le_bytes(*b"Que\0");

/// What the driver knows of a queue.
struct QUEUE {
    /// How often its DPC ran.
    Runs: ULONG,
}

pub(super) struct MORE {
    Queues: [*mut QUEUE; RINGS_MAX],
}

/// Makes the queues' blocks, and DPCs. PASSIVE_LEVEL.
unsafe fn CreateQueues<F: Form<More = MORE>>(DeviceExtension: PVOID, Routine: PHW_DPC_ROUTINE) -> BOOLEAN {
    for Queue in &mut (*More::<F>(DeviceExtension)).Queues {
        let (Bytes, mut Block): (ULONG, PVOID) = (size_of::<QUEUE>() as ULONG, null_mut());
        if StorPortAllocatePool(DeviceExtension, Bytes, TAG, &raw mut Block) != STOR_STATUS_SUCCESS {
            // The adapter does not start: what there is of them goes before DPCs are made.
            for Queue in &mut (*More::<F>(DeviceExtension)).Queues {
                FreeQueue(DeviceExtension, replace(Queue, null_mut()));
            }
            return FALSE;
        }
        *Queue = Block.cast();
        (**Queue).Runs = 0;
    }
    make_dpcs(DeviceExtension, Routine);
    TRUE
}

/// Whether a request says that the adapter is removed or stopped. All requests but that have ended.
unsafe fn IsRemoval(Srb: PSCSI_REQUEST_BLOCK) -> bool {
    SrbGetSrbFunction(Srb.cast()) as UCHAR == SRB_FUNCTION_PNP
        && matches!(pnp_action(Srb), (StorRemoveDevice | StorStopDevice, true))
}

unsafe fn FreeQueue(DeviceExtension: PVOID, Queue: *mut QUEUE) {
    if !Queue.is_null() {
        StorPortFreePool(DeviceExtension, Queue.cast());
    }
}

pub(super) struct Buggy;

impl Form for Buggy {
    type More = MORE;

    unsafe fn Exchange(Data: &mut HW_INITIALIZATION_DATA) {
        Data.HwInitialize = Some(Self::HwInitialize);
        Data.HwBuildIo = Some(Self::HwBuildIo);
    }
}

impl Buggy {
    unsafe extern "C-unwind" fn HwInitialize(DeviceExtension: PVOID) -> BOOLEAN {
        start(DeviceExtension, Some(Self::HwPassiveInitialize))
    }

    unsafe extern "C-unwind" fn HwPassiveInitialize(DeviceExtension: PVOID) -> BOOLEAN {
        CreateQueues::<Self>(DeviceExtension, Some(Self::HwDpc))
    }

    unsafe extern "C-unwind" fn HwBuildIo(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
        if IsRemoval(Srb) {
            Self::DeleteQueues(DeviceExtension);
        }
        vioscsi::request::HwBuildIo(DeviceExtension, Srb)
    }

    unsafe fn DeleteQueues(DeviceExtension: PVOID) {
        (*DeviceExtension.cast::<AdapterExtension>()).registers.reset(DeviceExtension);
        for Queue in &mut (*More::<Self>(DeviceExtension)).Queues {
            FreeQueue(DeviceExtension, *Queue); // Wrong: its DPC may be running.
        }
    }

    unsafe extern "C-unwind" fn HwDpc(
        Dpc: PSTOR_DPC,
        DeviceExtension: PVOID,
        SystemArgument1: PVOID,
        SystemArgument2: PVOID,
    ) {
        vioscsi::interrupt::HwDpc(Dpc, DeviceExtension, SystemArgument1, SystemArgument2);
        let Queue = (*More::<Self>(DeviceExtension)).Queues[SystemArgument1 as usize];
        (*Queue).Runs += 1;
    }
}

pub(super) struct Fixed;

impl Form for Fixed {
    type More = MORE;

    unsafe fn Exchange(Data: &mut HW_INITIALIZATION_DATA) {
        Data.HwInitialize = Some(Self::HwInitialize);
        Data.HwBuildIo = Some(Self::HwBuildIo);
    }
}

impl Fixed {
    unsafe extern "C-unwind" fn HwInitialize(DeviceExtension: PVOID) -> BOOLEAN {
        start(DeviceExtension, Some(Self::HwPassiveInitialize))
    }

    unsafe extern "C-unwind" fn HwPassiveInitialize(DeviceExtension: PVOID) -> BOOLEAN {
        CreateQueues::<Self>(DeviceExtension, Some(Self::HwDpc))
    }

    unsafe extern "C-unwind" fn HwBuildIo(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
        if IsRemoval(Srb) {
            Self::DeleteQueues(DeviceExtension);
        }
        vioscsi::request::HwBuildIo(DeviceExtension, Srb)
    }

    unsafe fn DeleteQueues(DeviceExtension: PVOID) {
        let Extension: *mut AdapterExtension = DeviceExtension.cast();

        (*Extension).registers.reset(DeviceExtension);
        for n in 0..RINGS_MAX {
            // A ring that is not in use has no DPC.
            let (mut Handle, HasDpc): (STOR_LOCK_HANDLE, bool) = (zeroed(), n < (*Extension).rings as usize);
            if HasDpc {
                lock(DeviceExtension, Extension, n, &mut Handle);
            }
            let Queue = replace(&mut (*More::<Self>(DeviceExtension)).Queues[n], null_mut());
            if HasDpc {
                unlock(DeviceExtension, &mut Handle);
            }
            FreeQueue(DeviceExtension, Queue);
        }
    }

    unsafe extern "C-unwind" fn HwDpc(
        Dpc: PSTOR_DPC,
        DeviceExtension: PVOID,
        SystemArgument1: PVOID,
        SystemArgument2: PVOID,
    ) {
        let (n, mut Handle): (usize, STOR_LOCK_HANDLE) = (SystemArgument1 as usize, zeroed());

        vioscsi::interrupt::HwDpc(Dpc, DeviceExtension, SystemArgument1, SystemArgument2);
        lock(DeviceExtension, DeviceExtension.cast(), n, &mut Handle);
        let Queue = (*More::<Self>(DeviceExtension)).Queues[n];
        if !Queue.is_null() {
            (*Queue).Runs += 1;
        }
        unlock(DeviceExtension, &mut Handle);
    }
}
