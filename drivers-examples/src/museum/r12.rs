//! `r12`: a flush is waited for in HwStorStartIo.
//!
//! **What the driver does.** It sends reads and writes and has their DPC complete them. A flush (SYNCHRONIZE
//! CACHE) was made synchronous: HwStorStartIo sends it, and polls a flag until the DPC has seen it come back.
//!
//! **What goes wrong.** (1) HwStorStartIo sends the flush. (2) It looks at the flag and stalls for 500
//! microseconds, up to 10000 times: five seconds at DISPATCH_LEVEL, in which this processor runs no DPC, not
//! even the one that would set the flag. (3) A second flush, or one that came back too late, sets the flag of
//! the first: that is completed with the wrong status, and its device still has it.
//!
//! **What Windows does.** Bug check 0x133 (DPC_WATCHDOG_VIOLATION) where the device is slow; 0xD1 where the
//! flag was another's. Storport verification looks at single stalls of more than 0.1 s only.
//!
//! **The fix.** `r12-fixed` sends a flush like any other request, and the DPC completes it.
//!
//! **Found by** StorPortStartIo, at StorPortStallExecution, if the flush is not back at once.
//!
//! **Source.** viostor (virtio-win/kvm-guest-drivers-windows), commit c60196c2 of 2012-04-08, Red Hat bug
//! 810694.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::virtio::*;
use crate::vioscsi;
use crate::vioscsi::complete::{answered, complete};
use crate::vioscsi::initialize::{make_dpcs, start};
use crate::vioscsi::request::{ring_for, send};
use crate::vioscsi::ring_lock::{lock, unlock};
use std::mem::zeroed;

const SYNCHRONIZE_CACHE: UCHAR = 0x35;
const POLLS: u32 = 10_000;
const POLL_US: ULONG = 500;

pub(super) struct MORE {
    /// The flush has come back.
    FlushDone: Shared<ULONG>,
}

/// Whether it is a flush.
unsafe fn IsFlush(Srb: PVOID) -> bool {
    let Cdb = SrbGetCdb(Srb);
    SrbGetSrbFunction(Srb) as UCHAR == SRB_FUNCTION_EXECUTE_SCSI
        && !Cdb.is_null()
        && *Cdb.cast::<UCHAR>() == SYNCHRONIZE_CACHE
}

pub(super) struct Buggy;

impl Form for Buggy {
    type More = MORE;

    unsafe fn Exchange(Data: &mut HW_INITIALIZATION_DATA) {
        Data.HwInitialize = Some(Self::HwInitialize);
        Data.HwStartIo = Some(Self::HwStartIo);
    }
}

impl Buggy {
    unsafe extern "C-unwind" fn HwInitialize(DeviceExtension: PVOID) -> BOOLEAN {
        start(DeviceExtension, Some(Self::HwPassiveInitialize))
    }

    unsafe extern "C-unwind" fn HwPassiveInitialize(DeviceExtension: PVOID) -> BOOLEAN {
        make_dpcs(DeviceExtension, Some(Self::HwDpc));
        TRUE
    }

    unsafe extern "C-unwind" fn HwStartIo(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
        if !IsFlush(Srb.cast()) {
            return vioscsi::request::HwStartIo(DeviceExtension, Srb);
        }
        let FlushDone = &raw mut (*More::<Self>(DeviceExtension)).FlushDone;
        (*FlushDone).set(0);
        let Ring = ring_for(DeviceExtension, DeviceExtension.cast(), Srb);
        send(DeviceExtension, DeviceExtension.cast(), Ring, Srb.cast());
        for _ in 0..POLLS {
            if (*FlushDone).get() != 0 {
                answered(DeviceExtension, Srb.cast());
                return TRUE;
            }
            StorPortStallExecution(POLL_US); // Wrong: it has to wait for an interrupt.
        }
        complete(DeviceExtension, Srb.cast(), SRB_STATUS_TIMEOUT);
        TRUE
    }

    unsafe extern "C-unwind" fn HwDpc(
        Dpc: PSTOR_DPC,
        DeviceExtension: PVOID,
        SystemArgument1: PVOID,
        SystemArgument2: PVOID,
    ) {
        let (n, mut Handle): (usize, STOR_LOCK_HANDLE) = (SystemArgument1 as usize, zeroed());
        let Extension: *mut AdapterExtension = DeviceExtension.cast();

        if n < FIRST_REQUEST_RING {
            return vioscsi::interrupt::HwDpc(Dpc, DeviceExtension, SystemArgument1, SystemArgument2);
        }
        lock(DeviceExtension, Extension, n, &mut Handle);
        loop {
            (*Extension).ring[n].disable_interrupts();
            while let Some(Srb) = (*Extension).ring[n].take() {
                if IsFlush(Srb) {
                    (*More::<Self>(DeviceExtension)).FlushDone.set(1);
                } else {
                    answered(DeviceExtension, Srb);
                }
            }
            if (*Extension).ring[n].enable_interrupts() {
                break;
            }
        }
        unlock(DeviceExtension, &mut Handle);
    }
}

pub(super) struct Fixed;

impl Form for Fixed {
    type More = MORE;

    unsafe fn Exchange(Data: &mut HW_INITIALIZATION_DATA) {
        // A flush is a request like any other.
        Data.HwStartIo = Some(vioscsi::request::HwStartIo);
    }
}
