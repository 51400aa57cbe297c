//! Lists that are changed in one call: the StorPort names of the kernel's interlocked and sequenced lists.
//!
//! What they do is the kernel's (`ExInterlocked*List`, `ExInterlocked*SList`). The first entry, the last or
//! the depth goes to the caller through a pointer; one that is NULL is left alone, which is our choice where
//! the pages do not say. Invariant: a lock is held inside of the call only.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter;
use crate::ddi::{PSTOR_KSPIN_LOCK, STOR_STATUS_SUCCESS};
use kernel_sim::ddi::{Call, PLIST_ENTRY, PSINGLE_LIST_ENTRY, PVOID, ULONG, USHORT};
use kernel_sim::unhooked;

/// Writes a result through the driver's pointer.
fn result<T>(call: &Call, out: *mut T, value: T) -> ULONG {
    if !out.is_null() {
        call.check_output(out);
        // SAFETY: just found in mapped memory and aligned.
        unsafe { out.write(value) };
    }
    STOR_STATUS_SUCCESS
}

pub(crate) unsafe fn initialize_lock(call: &Call, extension: PVOID, lock: PSTOR_KSPIN_LOCK) -> ULONG {
    adapter(call, extension);
    // SAFETY: checked there; the miniport names its own memory.
    unsafe { unhooked::initialize_lock(call, lock) };
    STOR_STATUS_SUCCESS
}

pub(crate) unsafe fn initialize(call: &Call, extension: PVOID, head: PLIST_ENTRY) -> ULONG {
    adapter(call, extension);
    call.check_output(head);
    // SAFETY: just found in mapped memory and aligned.
    unsafe { kernel_sim::ddi::InitializeListHead(head) };
    STOR_STATUS_SUCCESS
}

pub(crate) unsafe fn insert_head(
    call: &Call,
    extension: PVOID,
    head: PLIST_ENTRY,
    entry: PLIST_ENTRY,
    lock: PSTOR_KSPIN_LOCK,
    first: *mut PLIST_ENTRY,
) -> ULONG {
    adapter(call, extension);
    // SAFETY: pointers are checked there; the list is the miniport's and consistent under its lock.
    result(call, first, unsafe { unhooked::insert_head(call, head, entry, lock) })
}

pub(crate) unsafe fn insert_tail(
    call: &Call,
    extension: PVOID,
    head: PLIST_ENTRY,
    entry: PLIST_ENTRY,
    lock: PSTOR_KSPIN_LOCK,
    last: *mut PLIST_ENTRY,
) -> ULONG {
    adapter(call, extension);
    // SAFETY: pointers are checked there; the list is the miniport's and consistent under its lock.
    result(call, last, unsafe { unhooked::insert_tail(call, head, entry, lock) })
}

pub(crate) unsafe fn remove_head(
    call: &Call,
    extension: PVOID,
    head: PLIST_ENTRY,
    lock: PSTOR_KSPIN_LOCK,
    entry: *mut PLIST_ENTRY,
) -> ULONG {
    adapter(call, extension);
    // SAFETY: pointers are checked there; the list is the miniport's and consistent under its lock.
    result(call, entry, unsafe { unhooked::remove_head(call, head, lock) })
}

pub(crate) unsafe fn initialize_sequenced(call: &Call, extension: PVOID, list: PVOID) -> ULONG {
    adapter(call, extension);
    // SAFETY: checked there; the miniport names its own memory.
    unsafe { unhooked::initialize_sequenced_list(call, list.cast()) };
    STOR_STATUS_SUCCESS
}

pub(crate) unsafe fn flush(
    call: &Call,
    extension: PVOID,
    list: PVOID,
    out: *mut PSINGLE_LIST_ENTRY,
) -> ULONG {
    adapter(call, extension);
    // SAFETY: checked there; entries on the list are the miniport's.
    result(call, out, unsafe { unhooked::flush_sequenced_list(call, list.cast()) }.cast())
}

pub(crate) unsafe fn pop(call: &Call, extension: PVOID, list: PVOID, out: *mut PSINGLE_LIST_ENTRY) -> ULONG {
    adapter(call, extension);
    // SAFETY: checked there; entries on the list are the miniport's.
    result(call, out, unsafe { unhooked::pop_sequenced_list(call, list.cast()) }.cast())
}

pub(crate) unsafe fn push(
    call: &Call,
    extension: PVOID,
    list: PVOID,
    entry: PSINGLE_LIST_ENTRY,
    out: *mut PSINGLE_LIST_ENTRY,
) -> ULONG {
    adapter(call, extension);
    // SAFETY: checked there; the entry is the miniport's to queue.
    result(call, out, unsafe { unhooked::push_sequenced_list(call, list.cast(), entry.cast()) }.cast())
}

pub(crate) unsafe fn depth(call: &Call, extension: PVOID, list: PVOID, out: *mut USHORT) -> ULONG {
    adapter(call, extension);
    // SAFETY: checked there.
    result(call, out, unsafe { unhooked::depth_of_sequenced_list(call, list.cast()) })
}
