//! `r20`: an object is in the global list before its lists and events are initialised.
//!
//! **What the driver does.** Each disk is an object in a list of the adapter's. A thread creates it:
//! allocates and zeroes the object, opens the image file, which is slow, and readies lock, list of requests
//! and event. HwStorStartIo looks a request's disk up in the list, and leaves the request in the list of the
//! disk.
//!
//! **What goes wrong.** (1) The thread inserts the zeroed object in the list, under the list's lock, and
//! opens the image file. (2) A request comes on another processor, finds the object, and inserts itself in a
//! list whose links are NULL. (3) The thread initialises lock, list and event, which may be in use.
//!
//! **What Windows does.** Bug check 0xD1 (a write through NULL at DISPATCH_LEVEL); Driver Verifier: 0xC4,
//! parameters 0x1002 and 0x1005, for objects that are not initialised, or twice.
//!
//! **The fix.** `r20-fixed` initialises everything before it inserts the object.
//!
//! **Found by** DRIVER_IRQL_NOT_LESS_OR_EQUAL, at InsertTailList, if a request comes while the file is
//! opened.
//!
//! **Source.** Arsenal Image Mounter (ArsenalRecon/Arsenal-Image-Mounter), commit 908c8cf of 2025-10-17.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::backend::*;
use std::ptr::null_mut;

const TAG: ULONG = u32::from_le_bytes(*b"Disk");
/// The one disk there is.
const TARGET: UCHAR = 0;
/// Time that the image file takes to open: a millisecond, relative.
const OPENING: i64 = -10_000;

/// A disk.
#[repr(C)]
struct DISK {
    ListEntry: LIST_ENTRY,
    Target: UCHAR,
    /// Guards the list of requests.
    Lock: KSPIN_LOCK,
    Requests: LIST_ENTRY,
    /// Set when a request has come.
    RequestEvent: KEVENT,
}
type PDISK = *mut DISK;

pub(super) struct MORE {
    /// The disks. Guarded by the adapter's lock.
    Disks: LIST_ENTRY,
    /// A disk is to be created.
    ToCreate: ULONG,
}

/// The first thing that the thread does is to create the disk.
unsafe fn BeginCreation<F: Form<More = MORE>>(Adapter: PADAPTER) {
    InitializeListHead(&raw mut (*More::<F>(Adapter)).Disks);
    (*More::<F>(Adapter)).ToCreate = 1;
    KeReleaseSemaphore(&raw mut (*Adapter).Bell, 0, 1, FALSE);
}

unsafe fn FindDisk<F: Form<More = MORE>>(Adapter: PADAPTER, Target: UCHAR) -> PDISK {
    let Head = &raw mut (*More::<F>(Adapter)).Disks;
    let (mut Irql, mut Found): (KIRQL, PDISK) = (0, null_mut());

    KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
    let mut Entry = (*Head).Flink;
    while !std::ptr::eq(Entry, Head) {
        if (*Entry.cast::<DISK>()).Target == Target {
            Found = Entry.cast();
        }
        Entry = (*Entry).Flink;
    }
    KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
    Found
}

/// Leaves a request to the disk's list. Until there is a disk, it is sent again later.
unsafe fn QueueAtDisk<F: Form<More = MORE>>(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK) {
    let mut Irql: KIRQL = 0;

    let Disk = FindDisk::<F>(Adapter, (*Srb).TargetId);
    if Disk.is_null() {
        KeReleaseSemaphore(&raw mut (*Adapter).Bell, 0, 1, FALSE);
        Complete(Adapter, Srb, SRB_STATUS_BUSY);
        return;
    }
    (*RequestOf(Srb)).Srb = Srb;
    KeAcquireSpinLock(&raw mut (*Disk).Lock, &raw mut Irql);
    InsertTailList(&raw mut (*Disk).Requests, &raw mut (*RequestOf(Srb)).ListEntry);
    KeReleaseSpinLock(&raw mut (*Disk).Lock, Irql);
    KeSetEvent(&raw mut (*Disk).RequestEvent, 0, FALSE);
    KeReleaseSemaphore(&raw mut (*Adapter).Bell, 0, 1, FALSE);
}

/// Takes what waits at the disk.
unsafe fn TakeQueued(Disk: PDISK, Queued: PLIST_ENTRY) {
    let mut Irql: KIRQL = 0;

    InitializeListHead(Queued);
    if !Disk.is_null() {
        KeClearEvent(&raw mut (*Disk).RequestEvent);
        KeAcquireSpinLock(&raw mut (*Disk).Lock, &raw mut Irql);
        MoveAll(&raw mut (*Disk).Requests, Queued);
        KeReleaseSpinLock(&raw mut (*Disk).Lock, Irql);
    }
}

/// Sends what waits at the disk, and serves.
unsafe fn ServeQueued<F: Form<More = MORE>>(Adapter: PADAPTER) {
    let mut Queued = null_list();

    TakeQueued(FindDisk::<F>(Adapter, TARGET), &raw mut Queued);
    while !IsListEmpty(&raw const Queued) {
        let Request: PREQUEST = RemoveHeadList(&raw mut Queued).cast();
        Send(Adapter, (*Request).Srb);
    }
    Serve::<F>(Adapter);
}

unsafe fn EndQueuedAndAll<F: Form<More = MORE>>(Adapter: PADAPTER) {
    let mut Queued = null_list();

    TakeQueued(FindDisk::<F>(Adapter, TARGET), &raw mut Queued);
    EndList::<F>(Adapter, &raw mut Queued, SRB_STATUS_BUS_RESET);
    EndAll::<F>(Adapter, SRB_STATUS_BUS_RESET);
}

/// Whether the disk is still to be created; it is from now on.
unsafe fn TakeOrder<F: Form<More = MORE>>(Adapter: PADAPTER) -> bool {
    std::mem::take(&mut (*More::<F>(Adapter)).ToCreate) != 0
}

/// A zeroed object, but for its target. Where there is no memory for one, the next request asks again.
unsafe fn NewDisk<F: Form<More = MORE>>(Adapter: PADAPTER) -> PDISK {
    let Disk: PDISK = ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<DISK>(), TAG).cast();
    if Disk.is_null() {
        (*More::<F>(Adapter)).ToCreate = 1;
    } else {
        (*Disk).Target = TARGET;
    }
    Disk
}

unsafe fn InitializeDisk(Disk: PDISK) {
    KeInitializeSpinLock(&raw mut (*Disk).Lock);
    InitializeListHead(&raw mut (*Disk).Requests);
    KeInitializeEvent(&raw mut (*Disk).RequestEvent, NotificationEvent, FALSE);
}

unsafe fn Insert<F: Form<More = MORE>>(Adapter: PADAPTER, Disk: PDISK) {
    let mut Irql: KIRQL = 0;

    KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
    InsertTailList(&raw mut (*More::<F>(Adapter)).Disks, &raw mut (*Disk).ListEntry);
    KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
}

unsafe fn OpenImageFile() {
    let mut Time = LARGE_INTEGER::new(OPENING);
    KeDelayExecutionThread(KernelMode, FALSE, &raw mut Time);
}

/// The adapter goes: nothing is in the lists of its disks.
unsafe fn DeleteDisks<F: Form<More = MORE>>(Adapter: PADAPTER) {
    let Disks = &raw mut (*More::<F>(Adapter)).Disks;
    while !IsListEmpty(Disks) {
        ExFreePoolWithTag(RemoveHeadList(Disks).cast(), TAG);
    }
}

pub(super) struct Buggy;

impl Buggy {
    unsafe fn CreateDisk(Adapter: PADAPTER) {
        let Disk = NewDisk::<Self>(Adapter);
        if Disk.is_null() {
            return;
        }
        Insert::<Self>(Adapter, Disk); // Wrong: it is found from here on.
        OpenImageFile();
        InitializeDisk(Disk);
    }
}

pub(super) struct Fixed;

impl Fixed {
    unsafe fn CreateDisk(Adapter: PADAPTER) {
        let Disk = NewDisk::<Self>(Adapter);
        if Disk.is_null() {
            return;
        }
        OpenImageFile();
        InitializeDisk(Disk);
        Insert::<Self>(Adapter, Disk);
    }
}

/// What the two have in common.
macro_rules! with_disks {
    ($($form:ty)+) => {$(
        impl Form for $form {
            type More = MORE;

            unsafe fn Initialize(Adapter: PADAPTER) {
                BeginCreation::<Self>(Adapter);
            }

            unsafe fn StartIo(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK) {
                QueueAtDisk::<Self>(Adapter, Srb);
            }

            unsafe fn Work(Adapter: PADAPTER) {
                if TakeOrder::<Self>(Adapter) {
                    <$form>::CreateDisk(Adapter);
                }
                ServeQueued::<Self>(Adapter);
            }

            unsafe fn ResetBus(Adapter: PADAPTER) {
                EndQueuedAndAll::<Self>(Adapter);
            }

            unsafe fn Free(Adapter: PADAPTER) {
                DeleteDisks::<Self>(Adapter);
            }
        }
    )+};
}

with_disks! { Buggy Fixed }
