//! The virtual miniport of the museum: what the pairs of virtual miniports have in common.
//!
//! It has a disk that it cannot reach by itself: a *backend* executes commands, a service in user mode or a
//! server elsewhere. Reads and writes go to it in parts, as commands with a buffer of their own; a system
//! thread of the driver stands for the backend, with the machine's [`Medium`] as its store. The driver keeps
//! each SRB in a list until all of its parts have been answered, and finds it there under a number that the
//! commands carry, so an answer to a request that a reset has ended finds nothing.
//!
//! A [`Form`] exchanges single routines: what those of a pair's two forms do differently is the bug. The
//! invariant: **with the routines that stand here nothing is wrong**, so what is found is in the pair's file.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

mod adapter;
mod command;

use std::mem::zeroed;
use std::ptr::null_mut;

pub(super) use adapter::{BackendIsGone, Complete, DriverEntry, More, UnitsHaveChanged};
pub(super) use command::*;
pub(super) use kernel_sim::shared::Shared;
pub(super) use storport_sim::ddi::*;

/// Bytes of a part: longer requests go to the backend in several.
pub(super) const PART_BYTES: ULONG = 2048;

/// Commands that the backend executes before it answers the first of them.
const EXECUTED_AT_ONCE: u32 = 3;

/// The adapter: the beginning of the device extension.
#[repr(C)]
pub(super) struct ADAPTER {
    /// Owned by the machine.
    Medium: *const storport_sim::Medium,
    /// Guards the lists.
    pub Lock: KSPIN_LOCK,
    /// Requests that have not been completed.
    pub Pending: LIST_ENTRY,
    /// The number of the newest of them.
    LastId: ULONGLONG,
    /// Commands that the backend has not executed.
    pub Commands: LIST_ENTRY,
    FreeCommands: LIST_ENTRY,
    CommandMemory: PVOID,
    /// Rung for each command.
    pub Bell: KSEMAPHORE,
    Thread: PVOID,
    Ending: Shared<ULONG>,
}
pub(super) type PADAPTER = *mut ADAPTER;

/// A request: the SRB extension.
#[repr(C)]
pub(super) struct REQUEST {
    pub ListEntry: LIST_ENTRY,
    pub Srb: PSCSI_REQUEST_BLOCK,
    pub Id: ULONGLONG,
    /// The address of its data.
    pub Data: PUCHAR,
    /// Parts that have not been answered.
    pub PartsLeft: Shared<LONG>,
    /// Why it has failed, whatever its other parts come to; 0 if it has not.
    pub Failed: Shared<UCHAR>,
    /// Bytes that were moved before the first part that moved fewer than it has.
    pub Moved: ULONG,
}
pub(super) type PREQUEST = *mut REQUEST;

/// The request of an SRB that this miniport keeps.
pub(super) unsafe fn RequestOf(Srb: PSCSI_REQUEST_BLOCK) -> PREQUEST {
    (*Srb).SrbExtension.cast()
}

/// The routines of the driver that a pair may exchange.
pub(super) trait Form: 'static {
    /// What it has in the device extension besides. Handed out zeroed.
    type More;

    /// Whether it takes service requests.
    const TAKES_SERVICE: bool = false;

    /// Readies what it has besides, when the adapter is found. PASSIVE_LEVEL.
    unsafe fn Initialize(_Adapter: PADAPTER) {}

    /// Frees what it has besides. PASSIVE_LEVEL, when all requests have ended and the thread as well.
    unsafe fn Free(_Adapter: PADAPTER) {}

    /// A read or write has come.
    unsafe fn StartIo(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK) {
        Send(Adapter, Srb);
    }

    /// The backend has executed a command. PASSIVE_LEVEL, on the thread that is the backend.
    unsafe fn Answer(Adapter: PADAPTER, Command: *mut COMMAND) {
        Answered::<Self>(Adapter, Command);
    }

    /// The backend's bell has rung. PASSIVE_LEVEL.
    unsafe fn Work(Adapter: PADAPTER) {
        Serve::<Self>(Adapter);
    }

    /// A request has ended.
    unsafe fn End(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK, Status: UCHAR) {
        Complete(Adapter, Srb, Status);
    }

    /// Executes an SRB that needs no backend. It will be completed.
    unsafe fn Other(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK) {
        ExecuteOther(Adapter, Srb);
    }

    /// Such an SRB was executed, and will be completed.
    unsafe fn Executed(_Adapter: PADAPTER, _Srb: PSCSI_REQUEST_BLOCK) {}

    /// HwStorResetBus: forgets all commands, and ends all requests.
    unsafe fn ResetBus(Adapter: PADAPTER) {
        EndAll::<Self>(Adapter, SRB_STATUS_BUS_RESET);
    }

    /// Commands that the backend will not execute: frees them.
    unsafe fn Forgotten(Adapter: PADAPTER, Commands: PLIST_ENTRY) {
        FreeCommands(Adapter, Commands);
    }

    /// HwStorProcessServiceRequest.
    unsafe fn ServiceRequest(_Adapter: PADAPTER, _Irp: PIRP) {}

    /// HwStorUnitControl: a unit was pulled out. Its requests come to an end at the backend by themselves.
    unsafe fn UnitRemoved(_Adapter: PADAPTER, _Lun: UCHAR) {}

    /// HwStorCompleteServiceIrp: the adapter is about to be removed.
    unsafe fn EndServiceRequests(_Adapter: PADAPTER) {}
}

/// A list head, to be filled by [`MoveAll`] or InitializeListHead.
pub(super) const fn null_list() -> LIST_ENTRY {
    LIST_ENTRY { Flink: null_mut(), Blink: null_mut() }
}

/// The backend executes a few commands, and answers them then.
pub(super) unsafe fn Serve<F: Form + ?Sized>(Adapter: PADAPTER) {
    let mut Executed = null_list();

    InitializeListHead(&raw mut Executed);
    for _ in 0..EXECUTED_AT_ONCE {
        let Command = NextCommand(Adapter);
        if Command.is_null() {
            break;
        }
        InsertTailList(&raw mut Executed, &raw mut (*Command).ListEntry);
    }
    while !IsListEmpty(&raw const Executed) {
        F::Answer(Adapter, RemoveHeadList(&raw mut Executed).cast());
    }
}

/// Has the backend forget all commands, and ends the requests that there are. They are taken off one by one:
/// a stale request that a bug unlinks once more leads to the adapter's own list, not into a stack.
pub(super) unsafe fn EndAll<F: Form + ?Sized>(Adapter: PADAPTER, Status: UCHAR) {
    let Pending = &raw mut (*Adapter).Pending;
    let (mut Forgotten, mut Irql, mut Left): (LIST_ENTRY, KIRQL, ULONG) = (null_list(), 0, 0);

    KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
    MoveAll(&raw mut (*Adapter).Commands, &raw mut Forgotten);
    let mut Entry = (*Pending).Flink;
    while Entry != Pending {
        Left += 1;
        Entry = (*Entry).Flink;
    }
    KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
    F::Forgotten(Adapter, &raw mut Forgotten);
    while Left != 0 {
        Left -= 1;
        KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
        let Request: PREQUEST =
            if IsListEmpty(Pending) { null_mut() } else { RemoveHeadList(Pending).cast() };
        KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
        if Request.is_null() {
            break;
        }
        F::End(Adapter, (*Request).Srb, Status);
    }
}

/// Ends all requests of a list that only the caller knows.
pub(super) unsafe fn EndList<F: Form + ?Sized>(Adapter: PADAPTER, List: PLIST_ENTRY, Status: UCHAR) {
    while !IsListEmpty(List) {
        let Request: PREQUEST = RemoveHeadList(List).cast();
        F::End(Adapter, (*Request).Srb, Status);
    }
}

/// Moves all entries of a list to another, which had none.
pub(super) unsafe fn MoveAll(From: PLIST_ENTRY, To: PLIST_ENTRY) {
    InitializeListHead(To);
    while !IsListEmpty(From) {
        InsertTailList(To, RemoveHeadList(From));
    }
}

/// Sends a read or write to the backend, or has it sent again later.
pub(super) unsafe fn Send(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK) {
    let mut Parts = null_list();

    let Count = BuildCommands(Adapter, Srb, &raw mut Parts);
    if Count == 0 {
        Complete(Adapter, Srb, SRB_STATUS_BUSY);
    } else {
        Submit(Adapter, Srb, &raw mut Parts, Count);
    }
}

/// Makes a request pending, and has the backend execute its parts. After that it may be gone.
pub(super) unsafe fn Submit(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK, Parts: PLIST_ENTRY, Count: LONG) {
    let Request = RequestOf(Srb);
    let mut Irql: KIRQL = 0;

    (*Request).PartsLeft.set(Count);
    KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
    Enter(Adapter, Request, Parts);
    KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
    KeReleaseSemaphore(&raw mut (*Adapter).Bell, 0, Count, FALSE);
}

/// Puts a request and its commands into their lists. The lock is held.
pub(super) unsafe fn Enter(Adapter: PADAPTER, Request: PREQUEST, Parts: PLIST_ENTRY) {
    (*Adapter).LastId += 1;
    (*Request).Id = (*Adapter).LastId;
    InsertTailList(&raw mut (*Adapter).Pending, &raw mut (*Request).ListEntry);
    while !IsListEmpty(Parts) {
        let Command: *mut COMMAND = RemoveHeadList(Parts).cast();
        (*Command).Id = (*Request).Id;
        InsertTailList(&raw mut (*Adapter).Commands, &raw mut (*Command).ListEntry);
    }
}

/// The pending request of a number; NULL if there is none any more. The lock is held.
pub(super) unsafe fn FindRequest(Adapter: PADAPTER, Id: ULONGLONG) -> PREQUEST {
    let Head = &raw mut (*Adapter).Pending;
    let mut Entry = (*Head).Flink;
    while !std::ptr::eq(Entry, Head) {
        let Request: PREQUEST = Entry.cast();
        if (*Request).Id == Id {
            return Request;
        }
        Entry = (*Entry).Flink;
    }
    null_mut()
}
