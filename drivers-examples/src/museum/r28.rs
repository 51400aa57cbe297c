//! `r28`: a removal waits for four objects, with room for three.
//!
//! **What the driver does.** It counts what is in use in four places: requests as a whole, reads, writes and
//! flushes. Each count has an event that is set when the removal has begun and the last user is gone. The
//! removal waits for all four.
//!
//! **What goes wrong.** (1) IRP_MN_REMOVE_DEVICE gives the device's own counts back and (2) calls
//! KeWaitForMultipleObjects with four objects and no array of wait blocks. A thread has built-in wait blocks
//! for three (THREAD_WAIT_OBJECTS).
//!
//! **What Windows does.** Bug check 0xC (MAXIMUM_WAIT_OBJECTS_EXCEEDED), with the first device that is
//! removed.
//!
//! **The fix.** `r28-fixed` brings wait blocks from non-paged memory, and waits for one after the other where
//! there is no memory for them.
//!
//! **Found by** MAXIMUM_WAIT_OBJECTS_EXCEEDED, at KeWaitForMultipleObjects, in every run.
//!
//! **Source.** xenvbd (win-xenvbd), commit 667456d of 2014-04-22, where the four are a reference count and
//! three look-aside lists.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::wdm::*;
use std::ptr::null_mut;

const TAG: ULONG = u32::from_le_bytes(*b"Wait");
const COUNTS: usize = 4;

struct COUNT {
    /// Users, and one for the device itself.
    Users: LONG,
    Drained: KEVENT,
}

pub(super) struct MORE {
    Counts: [COUNT; COUNTS],
}

unsafe fn InitializeCounts<F: Form<More = MORE>>(Extension: PDEVICE_EXTENSION) -> NTSTATUS {
    for Count in &mut (*More::<F>(Extension)).Counts {
        Count.Users = 1;
        KeInitializeEvent(&raw mut Count.Drained, NotificationEvent, FALSE);
    }
    STATUS_SUCCESS
}

/// Two counts: that of all requests, and that of its kind.
unsafe fn CountsOf<F: Form<More = MORE>>(Extension: PDEVICE_EXTENSION, Irp: PIRP) -> [*mut COUNT; 2] {
    let Counts = (&raw mut (*More::<F>(Extension)).Counts).cast::<COUNT>();
    let Kind = match usize::from((*IoGetCurrentIrpStackLocation(Irp)).MajorFunction) {
        IRP_MJ_READ => 1,
        IRP_MJ_WRITE => 2,
        _ => 3,
    };
    [Counts, Counts.add(Kind)]
}

unsafe fn Leave(Count: *mut COUNT) {
    if InterlockedDecrement(&raw mut (*Count).Users) == 0 {
        KeSetEvent(&raw mut (*Count).Drained, 0, FALSE);
    }
}

unsafe fn Enter<F: Form<More = MORE>>(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
    for Count in CountsOf::<F>(Extension, Irp) {
        InterlockedIncrement(&raw mut (*Count).Users);
    }
}

unsafe fn CompleteAndLeave<F: Form<More = MORE>>(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
    let Counts = CountsOf::<F>(Extension, Irp);
    IoCompleteRequest(Irp, IO_DISK_INCREMENT);
    for Count in Counts {
        Leave(Count);
    }
    IoReleaseRemoveLock(&raw mut (*Extension).RemoveLock, Irp.cast());
}

/// Gives the device's own counts back; the objects that are signaled with the last user.
unsafe fn BeginWait<F: Form<More = MORE>>(Extension: PDEVICE_EXTENSION) -> [PVOID; COUNTS] {
    let Counts = (&raw mut (*More::<F>(Extension)).Counts).cast::<COUNT>();
    for n in 0..COUNTS {
        Leave(Counts.add(n));
    }
    std::array::from_fn(|n| (&raw mut (*Counts.add(n)).Drained).cast())
}

pub(super) struct Buggy;

impl Form for Buggy {
    type More = MORE;

    unsafe fn Initialize(Extension: PDEVICE_EXTENSION) -> NTSTATUS {
        InitializeCounts::<Self>(Extension)
    }

    unsafe fn Arrived(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
        Enter::<Self>(Extension, Irp);
    }

    unsafe fn End(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
        CompleteAndLeave::<Self>(Extension, Irp);
    }

    unsafe fn WaitForRequests(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
        let mut Objects = BeginWait::<Self>(Extension);
        let Blocks = null_mut(); // Wrong: a thread has wait blocks for three objects.
        KeWaitForMultipleObjects(
            COUNTS as ULONG,
            Objects.as_mut_ptr(),
            WaitAll,
            Executive,
            KernelMode,
            FALSE,
            null_mut(),
            Blocks,
        );
        IoReleaseRemoveLockAndWait(&raw mut (*Extension).RemoveLock, Irp.cast());
    }
}

pub(super) struct Fixed;

impl Form for Fixed {
    type More = MORE;

    unsafe fn Initialize(Extension: PDEVICE_EXTENSION) -> NTSTATUS {
        InitializeCounts::<Self>(Extension)
    }

    unsafe fn Arrived(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
        Enter::<Self>(Extension, Irp);
    }

    unsafe fn End(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
        CompleteAndLeave::<Self>(Extension, Irp);
    }

    unsafe fn WaitForRequests(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
        let mut Objects = BeginWait::<Self>(Extension);
        let Bytes = COUNTS * size_of::<KWAIT_BLOCK>();
        let Blocks: PKWAIT_BLOCK = ExAllocatePool2(POOL_FLAG_NON_PAGED, Bytes, TAG).cast();
        if Blocks.is_null() {
            for Object in Objects {
                KeWaitForSingleObject(Object, Executive, KernelMode, FALSE, null_mut());
            }
        } else {
            KeWaitForMultipleObjects(
                COUNTS as ULONG,
                Objects.as_mut_ptr(),
                WaitAll,
                Executive,
                KernelMode,
                FALSE,
                null_mut(),
                Blocks,
            );
            ExFreePoolWithTag(Blocks.cast(), TAG);
        }
        IoReleaseRemoveLockAndWait(&raw mut (*Extension).RemoveLock, Irp.cast());
    }
}
