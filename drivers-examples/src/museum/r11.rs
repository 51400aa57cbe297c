//! `r11`: a routine that runs anywhere takes its lock by the routine for DPCs.
//!
//! **What the driver does.** It keeps a ring of what it did last, for its author. The routine that writes
//! into the ring is called by threads, in HwStorStartIo and in DPCs, and takes a lock by
//! KeAcquireSpinLockForDpc.
//!
//! **What goes wrong.** That routine is for threaded DPCs: where those run as threads it does not raise the
//! IRQL. (1) A thread at PASSIVE_LEVEL takes the lock, and is interrupted while it holds it. (2) On the same
//! processor a DPC writes into the ring: it spins for a lock whose holder can never run again. (3) One by one
//! the other processors join it.
//!
//! **What Windows does.** Hangs; bug check 0x133 (DPC_WATCHDOG_VIOLATION) at best.
//!
//! **The fix.** `r11-fixed` takes the lock by KeAcquireSpinLock, which raises the IRQL.
//!
//! **Found by** ForDpcOutsideDpc, at KeAcquireSpinLockForDpc, in every run.
//!
//! **Source.** ZFSin (openzfsonwindows/ZFSin), pull request 221, commit b311f4db of 2020-03-09.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::backend::*;

const LINES: usize = 64;

pub(super) struct MORE {
    /// Guards what follows.
    LogLock: KSPIN_LOCK,
    Log: [ULONG; LINES],
    Next: usize,
}

/// Writes a line. The lock is held.
unsafe fn WriteLine(More: *mut MORE, Line: ULONG) {
    (*More).Log[(*More).Next % LINES] = Line;
    (*More).Next += 1;
}

const REQUEST_CAME: ULONG = 1;
const BACKEND_WORKS: ULONG = 2;

pub(super) struct Buggy;

impl Buggy {
    unsafe fn Print(Adapter: PADAPTER, Line: ULONG) {
        let More = More::<Self>(Adapter);
        let Irql = KeAcquireSpinLockForDpc(&raw mut (*More).LogLock); // Wrong: this may be no DPC.
        WriteLine(More, Line);
        KeReleaseSpinLockForDpc(&raw mut (*More).LogLock, Irql);
    }
}

pub(super) struct Fixed;

impl Fixed {
    unsafe fn Print(Adapter: PADAPTER, Line: ULONG) {
        let (More, mut Irql) = (More::<Self>(Adapter), 0);
        KeAcquireSpinLock(&raw mut (*More).LogLock, &raw mut Irql);
        WriteLine(More, Line);
        KeReleaseSpinLock(&raw mut (*More).LogLock, Irql);
    }
}

/// What the two have in common.
macro_rules! with_log {
    ($($form:ty)+) => {$(
        impl Form for $form {
            type More = MORE;

            unsafe fn Initialize(Adapter: PADAPTER) {
                KeInitializeSpinLock(&raw mut (*More::<Self>(Adapter)).LogLock);
            }

            unsafe fn StartIo(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK) {
                <$form>::Print(Adapter, REQUEST_CAME);
                Send(Adapter, Srb);
            }

            unsafe fn Work(Adapter: PADAPTER) {
                <$form>::Print(Adapter, BACKEND_WORKS);
                Serve::<Self>(Adapter);
            }
        }
    )+};
}

with_log! { Buggy Fixed }
