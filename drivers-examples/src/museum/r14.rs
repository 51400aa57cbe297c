//! `r14`: the number of parts is written after the parts were queued.
//!
//! **What the driver does.** A read or write goes to the backend in parts. A count in the SRB extension says
//! how many of them have not been answered; the answer that brings it to zero completes the SRB.
//!
//! **What goes wrong.** (1) HwStorStartIo sets the count to zero and queues the parts. (2) On another
//! processor the backend executes and answers the first: the count becomes -1, which is not zero. (3)
//! HwStorStartIo writes the number of parts, 2, over it. (4) The answer to the second part brings it to 1.
//! No further answer comes, and the SRB is never completed.
//!
//! **What Windows does.** After the time-out of the request Storport resets the bus. Where the driver then
//! forgets the request as well, the machine hangs.
//!
//! **The fix.** `r14-fixed` writes the count before any part can be seen by another processor.
//!
//! **Found by** DataRace, on the count. Without that row by LostRequest, under some schedules.
//!
//! **Source.** xenvbd (win-xenvbd), commit 64b7abd of 2017-02-17.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::backend::*;

pub(super) struct Buggy;

impl Form for Buggy {
    type More = ();

    unsafe fn StartIo(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK) {
        let Request = RequestOf(Srb);
        let (mut Parts, mut Irql): (LIST_ENTRY, KIRQL) = (null_list(), 0);

        let Count = BuildCommands(Adapter, Srb, &raw mut Parts);
        if Count == 0 {
            Complete(Adapter, Srb, SRB_STATUS_BUSY);
            return;
        }
        KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
        Enter(Adapter, Request, &raw mut Parts);
        KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
        KeReleaseSemaphore(&raw mut (*Adapter).Bell, 0, Count, FALSE);
        (*Request).PartsLeft.set(Count); // Wrong: some may have been answered.
    }
}

pub(super) struct Fixed;

impl Form for Fixed {
    type More = ();

    unsafe fn StartIo(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK) {
        let Request = RequestOf(Srb);
        let (mut Parts, mut Irql): (LIST_ENTRY, KIRQL) = (null_list(), 0);

        let Count = BuildCommands(Adapter, Srb, &raw mut Parts);
        if Count == 0 {
            Complete(Adapter, Srb, SRB_STATUS_BUSY);
            return;
        }
        (*Request).PartsLeft.set(Count);
        KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
        Enter(Adapter, Request, &raw mut Parts);
        KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
        KeReleaseSemaphore(&raw mut (*Adapter).Bell, 0, Count, FALSE);
    }
}
