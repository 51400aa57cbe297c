//! `r05`: the interrupt routine takes the lock that Storport already holds for it.
//!
//! **What the driver does.** It makes its DPCs in the passive routine, and the interrupt routine asks for
//! them. An interrupt that comes before there are DPCs has its queue looked at in the interrupt routine
//! itself. What looks at a queue takes a lock whose kind it is given; for this case that was none, until a
//! refactoring made it InterruptLock.
//!
//! **What goes wrong.** (1) HwStorInitialize has started the device, and returns; interrupts are let in.
//! (2) The device interrupts before the passive routine has made the DPCs: at a start, after the adapter was
//! disabled and enabled, while a dump is written. (3) The interrupt routine runs at DIRQL, with
//! InterruptLock held by Storport. (4) It takes InterruptLock: the processor waits for itself.
//!
//! **What Windows does.** The processor spins at DIRQL for ever; the system hangs, until a watchdog or an
//! NMI stops it (0x101, 0x80).
//!
//! **The fix.** `r05-fixed` takes no lock there: the one that is needed is held.
//!
//! **Found by** StorPortSpinLock, if the device interrupts so early. That of this pair does so once, though
//! it has nothing to tell, as a virtio device may.
//!
//! **Source.** vioscsi (virtio-win/kvm-guest-drivers-windows), commit 15e64ace of 2024-11-20, pull requests
//! 1293 and 1294; taken back in a6d690a1 of 2025-06-18.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::virtio::*;
use crate::vioscsi;
use crate::vioscsi::complete::answered;
use crate::vioscsi::initialize::{make_dpcs, start};
use crate::vioscsi::interrupt::HwDpc;
use std::mem::zeroed;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::SeqCst;

unsafe extern "C-unwind" fn HwInitialize<F: Form<More = MORE>>(DeviceExtension: PVOID) -> BOOLEAN {
    (*More::<F>(DeviceExtension)).DpcOk.set(0);
    start(DeviceExtension, Some(HwPassiveInitialize::<F>))
}

unsafe extern "C-unwind" fn HwPassiveInitialize<F: Form<More = MORE>>(DeviceExtension: PVOID) -> BOOLEAN {
    let mut Handle: STOR_LOCK_HANDLE = zeroed();

    // An interrupt that saw no DPCs is at the queue until it returns.
    StorPortAcquireSpinLock(DeviceExtension, InterruptLock, null_mut(), &raw mut Handle);
    (*More::<F>(DeviceExtension)).DpcOk.set(1);
    StorPortReleaseSpinLock(DeviceExtension, &raw mut Handle);
    // From here on interrupts ask for DPCs; those that have come are made up for by this.
    make_dpcs(DeviceExtension, Some(HwDpc));
    TRUE
}

/// Completes what has come back of the requests' ring. Interrupts are kept out.
unsafe fn TakeRequests(DeviceExtension: PVOID) {
    let Ring = &raw mut (*DeviceExtension.cast::<AdapterExtension>()).ring[FIRST_REQUEST_RING];

    loop {
        (*Ring).disable_interrupts();
        while let Some(Srb) = (*Ring).take() {
            answered(DeviceExtension, Srb);
        }
        if (*Ring).enable_interrupts() {
            break;
        }
    }
}

pub(super) struct MORE {
    /// There are DPCs.
    DpcOk: Shared<ULONG>,
}

/// The interrupt routine of both forms: `Early` is for interrupts that come before there are DPCs.
unsafe fn Interrupt<F: Form<More = MORE>>(DeviceExtension: PVOID, Early: unsafe fn(PVOID)) -> BOOLEAN {
    let Extension: *mut AdapterExtension = DeviceExtension.cast();

    if (*More::<F>(DeviceExtension)).DpcOk.get() != 0 {
        return vioscsi::interrupt::HwInterrupt(DeviceExtension);
    }
    let Status = (*Extension).registers.interrupt_status(DeviceExtension);
    if Status == 0 || Status == UCHAR::MAX || (*Extension).state.load(SeqCst) != state::RUNNING {
        return FALSE;
    }
    Early(DeviceExtension);
    TRUE
}

pub(super) struct Buggy;

impl Form for Buggy {
    type More = MORE;

    unsafe fn Exchange(Data: &mut HW_INITIALIZATION_DATA) {
        Data.HwInitialize = Some(HwInitialize::<Self>);
        Data.HwInterrupt = Some(Self::HwInterrupt);
    }
}

impl Buggy {
    unsafe extern "C-unwind" fn HwInterrupt(DeviceExtension: PVOID) -> BOOLEAN {
        Interrupt::<Self>(DeviceExtension, Self::TakeEarly)
    }

    unsafe fn TakeEarly(DeviceExtension: PVOID) {
        let mut Handle: STOR_LOCK_HANDLE = zeroed();

        // Wrong: Storport holds it around this routine.
        StorPortAcquireSpinLock(DeviceExtension, InterruptLock, null_mut(), &raw mut Handle);
        TakeRequests(DeviceExtension);
        StorPortReleaseSpinLock(DeviceExtension, &raw mut Handle);
    }
}

pub(super) struct Fixed;

impl Form for Fixed {
    type More = MORE;

    unsafe fn Exchange(Data: &mut HW_INITIALIZATION_DATA) {
        Data.HwInitialize = Some(HwInitialize::<Self>);
        Data.HwInterrupt = Some(Self::HwInterrupt);
    }
}

impl Fixed {
    unsafe extern "C-unwind" fn HwInterrupt(DeviceExtension: PVOID) -> BOOLEAN {
        Interrupt::<Self>(DeviceExtension, TakeRequests)
    }
}
