//! `r16`: the ring is full, and the request is said to be taken.
//!
//! **What the driver does.** Commands lie in a ring with a few places. A helper puts a request's commands
//! into it and returns TRUE if the request was taken; if not, HwStorStartIo completes it with
//! SRB_STATUS_BUSY.
//!
//! **What goes wrong.** (1) The ring has no place for the request. The helper asks Storport to hold requests
//! back (StorPortBusy), and (2) falls through to its common end, where a refactoring has put the line that
//! makes the result TRUE. (3) HwStorStartIo does nothing more. The request is not with the backend, in no
//! list and not completed; no reset finds it either.
//!
//! **What Windows does.** The request times out, a reset does not bring it back. Storport verification: 0xF1,
//! parameter 0x1007.
//!
//! **The fix.** `r16-fixed` sets the result to TRUE only where the request was taken.
//!
//! **Found by** LostRequest, as soon as the ring is full.
//!
//! **Source.** viostor (virtio-win/kvm-guest-drivers-windows), commit 2bcf04f0 of 2025-02-01, issue 1204, a
//! regression of 379f2910.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::backend::*;

/// Places of the ring. A request takes one for each part.
const PLACES: LONG = 12;

pub(super) struct MORE {
    /// Places that are free. Guarded by the lock.
    Free: LONG,
}

/// Has the ring that many places more.
unsafe fn GiveBack<F: Form<More = MORE>>(Adapter: PADAPTER, Places: LONG) {
    let mut Irql: KIRQL = 0;

    KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
    (*More::<F>(Adapter)).Free += Places;
    KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
}

/// Puts a request into the ring, if there is room; the lock is taken inside.
unsafe fn AddToRing<F: Form<More = MORE>>(
    Adapter: PADAPTER,
    Srb: PSCSI_REQUEST_BLOCK,
    Parts: PLIST_ENTRY,
    Count: LONG,
) -> bool {
    let mut Irql: KIRQL = 0;

    KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
    let HasRoom = (*More::<F>(Adapter)).Free >= Count;
    if HasRoom {
        (*More::<F>(Adapter)).Free -= Count;
        (*RequestOf(Srb)).PartsLeft.set(Count);
        Enter(Adapter, RequestOf(Srb), Parts);
    }
    KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
    if HasRoom {
        KeReleaseSemaphore(&raw mut (*Adapter).Bell, 0, Count, FALSE);
    }
    HasRoom
}

unsafe fn StartIo<F: Form<More = MORE>>(
    Adapter: PADAPTER,
    Srb: PSCSI_REQUEST_BLOCK,
    SendSRB: unsafe fn(PADAPTER, PSCSI_REQUEST_BLOCK, PLIST_ENTRY, LONG) -> BOOLEAN,
) {
    let mut Parts = null_list();

    let Count = BuildCommands(Adapter, Srb, &raw mut Parts);
    if Count == 0 || SendSRB(Adapter, Srb, &raw mut Parts, Count) == FALSE {
        Complete(Adapter, Srb, SRB_STATUS_BUSY);
    }
}

pub(super) struct Buggy;

impl Buggy {
    unsafe fn SendSRB(
        Adapter: PADAPTER,
        Srb: PSCSI_REQUEST_BLOCK,
        Parts: PLIST_ENTRY,
        Count: LONG,
    ) -> BOOLEAN {
        if !AddToRing::<Self>(Adapter, Srb, Parts, Count) {
            FreeCommands(Adapter, Parts);
            StorPortBusy(Adapter.cast(), 2);
        }
        TRUE // Wrong: it may not have been taken.
    }
}

pub(super) struct Fixed;

impl Fixed {
    unsafe fn SendSRB(
        Adapter: PADAPTER,
        Srb: PSCSI_REQUEST_BLOCK,
        Parts: PLIST_ENTRY,
        Count: LONG,
    ) -> BOOLEAN {
        if !AddToRing::<Self>(Adapter, Srb, Parts, Count) {
            FreeCommands(Adapter, Parts);
            StorPortBusy(Adapter.cast(), 2);
            return FALSE;
        }
        TRUE
    }
}

/// What the two have in common: a command's place in the ring is free when it has been answered or forgotten.
macro_rules! with_ring {
    ($($form:ty)+) => {$(
        impl Form for $form {
            type More = MORE;

            unsafe fn Initialize(Adapter: PADAPTER) {
                (*More::<Self>(Adapter)).Free = PLACES;
            }

            unsafe fn StartIo(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK) {
                StartIo::<Self>(Adapter, Srb, <$form>::SendSRB);
            }

            unsafe fn Answer(Adapter: PADAPTER, Command: *mut COMMAND) {
                GiveBack::<Self>(Adapter, 1);
                Answered::<Self>(Adapter, Command);
            }

            unsafe fn Forgotten(Adapter: PADAPTER, Commands: PLIST_ENTRY) {
                let (mut Places, mut Entry) = (0, (*Commands).Flink);
                while !std::ptr::eq(Entry, Commands) {
                    Places += 1;
                    Entry = (*Entry).Flink;
                }
                GiveBack::<Self>(Adapter, Places);
                FreeCommands(Adapter, Commands);
            }
        }
    )+};
}

with_ring! { Buggy Fixed }
