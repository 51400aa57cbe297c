//! `r01`: the completion of requests is serialised by a spin lock.
//!
//! **What the driver does.** A longer request is executed in pieces. A routine that is called for each piece
//! that is done counts them, and completes the request when the last one is in. Its author suspected that two
//! pieces could be the last at once, and put a spin lock around it all.
//!
//! **What goes wrong.** (1) The last piece is done. (2) The routine takes the lock, (3) finds no piece left,
//! and calls IoCompleteRequest under the lock. (4) The completion routines of the drivers above run in there.
//! One of them sends the next request to this device: where that is completed inline, the processor waits for
//! a lock that it holds. Or it takes a lock of its own, which another processor holds while it waits for this
//! one.
//!
//! **What Windows does.** Nothing, until a filter driver above does one of the two. Then a processor spins
//! for ever at DISPATCH_LEVEL: bug check 0x133 (DPC_WATCHDOG_VIOLATION) at best.
//!
//! **The fix.** `r01-fixed` decides under the lock who completes the request, and completes it when the lock
//! is released.
//!
//! **Found by** SpinLockSafe, at IoCompleteRequest, in every run.
//!
//! **Source.** WinDRBD (LINBIT/windrbd), commit b2536927 of 2020-05-18; the lock was taken out again three
//! days later in f9349ca7.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::wdm::*;

pub(super) struct MORE {
    /// Guards the count of pieces.
    CompleteLock: KSPIN_LOCK,
}

unsafe fn InitializeLock<F: Form<More = MORE>>(Extension: PDEVICE_EXTENSION) -> NTSTATUS {
    KeInitializeSpinLock(&raw mut (*More::<F>(Extension)).CompleteLock);
    STATUS_SUCCESS
}

/// One piece less; whether it was the last. The lock is held.
unsafe fn WasLast(Extension: PDEVICE_EXTENSION) -> bool {
    let Left = (*Extension).PiecesLeft.get() - 1;
    (*Extension).PiecesLeft.set(Left);
    Left == 0
}

pub(super) struct Buggy;

impl Form for Buggy {
    type More = MORE;

    unsafe fn Initialize(Extension: PDEVICE_EXTENSION) -> NTSTATUS {
        InitializeLock::<Self>(Extension)
    }

    unsafe fn PieceDone(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
        let Lock = &raw mut (*More::<Self>(Extension)).CompleteLock;
        let mut Irql: KIRQL = 0;

        KeAcquireSpinLock(Lock, &raw mut Irql);
        let Last = WasLast(Extension);
        if Last {
            IoCompleteRequest(Irp, IO_DISK_INCREMENT); // Wrong: the lock is held.
        }
        KeReleaseSpinLock(Lock, Irql);
        if Last {
            IoReleaseRemoveLock(&raw mut (*Extension).RemoveLock, Irp.cast());
        }
    }
}

pub(super) struct Fixed;

impl Form for Fixed {
    type More = MORE;

    unsafe fn Initialize(Extension: PDEVICE_EXTENSION) -> NTSTATUS {
        InitializeLock::<Self>(Extension)
    }

    unsafe fn PieceDone(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
        let Lock = &raw mut (*More::<Self>(Extension)).CompleteLock;
        let mut Irql: KIRQL = 0;

        KeAcquireSpinLock(Lock, &raw mut Irql);
        let Last = WasLast(Extension);
        KeReleaseSpinLock(Lock, Irql);
        if Last {
            IoCompleteRequest(Irp, IO_DISK_INCREMENT);
            IoReleaseRemoveLock(&raw mut (*Extension).RemoveLock, Irp.cast());
        }
    }
}
