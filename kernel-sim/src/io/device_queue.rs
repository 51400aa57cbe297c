//! Device queues: a busy flag and an ordered list of waiting entries.
//!
//! Inserting into an idle queue makes it busy and inserts nothing; removing from an empty one makes
//! it idle. The queue's own lock is inside the routines, so drivers never hold it.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::ddi::Call;
use crate::ddi::inline::{InitializeListHead, InsertTailList, IsListEmpty, RemoveEntryList};
use crate::ddi::types::*;
use std::ptr::null_mut;

const QUEUE_TYPE: CSHORT = 20;

fn object<'a>(call: &Call, queue: PKDEVICE_QUEUE) -> &'a mut KDEVICE_QUEUE {
    let address = queue as usize;
    if !call.cpu.is_memory(address, size_of::<KDEVICE_QUEUE>()) || !queue.is_aligned() {
        call.bad_pointer(address, "the KDEVICE_QUEUE");
    }
    // SAFETY: mapped, aligned memory of the machine, plain data; changed under the queues' lock.
    let object = unsafe { &mut *queue };
    if object.Type != QUEUE_TYPE {
        call.bad_pointer(address, "the KDEVICE_QUEUE");
    }
    object
}

fn entry(call: &Call, entry: PKDEVICE_QUEUE_ENTRY) {
    if !call.cpu.is_memory(entry as usize, size_of::<KDEVICE_QUEUE_ENTRY>()) || !entry.is_aligned() {
        call.bad_pointer(entry as usize, "the KDEVICE_QUEUE_ENTRY");
    }
}

pub(crate) unsafe fn initialize(call: &Call, queue: PKDEVICE_QUEUE) {
    if !call.cpu.is_memory(queue as usize, size_of::<KDEVICE_QUEUE>()) || !queue.is_aligned() {
        call.bad_pointer(queue as usize, "the KDEVICE_QUEUE");
    }
    // SAFETY: mapped, aligned memory that the caller gives us to initialize.
    unsafe {
        (*queue).Type = QUEUE_TYPE;
        (*queue).Size = size_of::<KDEVICE_QUEUE>() as CSHORT;
        InitializeListHead(&raw mut (*queue).DeviceListHead);
        (*queue).Lock = 0;
        (*queue).Busy = FALSE;
    }
}

/// Inserts an entry, or makes an idle queue busy. Returns whether it was inserted.
pub(crate) unsafe fn insert(call: &Call, queue: PKDEVICE_QUEUE, new: PKDEVICE_QUEUE_ENTRY) -> BOOLEAN {
    // SAFETY: the driver's own pointers, which `insert_sorted` checks before it uses them.
    unsafe { insert_sorted(call, queue, new, None) }
}

pub(crate) unsafe fn insert_by_key(
    call: &Call,
    queue: PKDEVICE_QUEUE,
    new: PKDEVICE_QUEUE_ENTRY,
    key: ULONG,
) -> BOOLEAN {
    // SAFETY: the driver's own pointers, which `insert_sorted` checks before it uses them.
    unsafe { insert_sorted(call, queue, new, Some(key)) }
}

unsafe fn insert_sorted(
    call: &Call,
    queue: PKDEVICE_QUEUE,
    new: PKDEVICE_QUEUE_ENTRY,
    key: Option<ULONG>,
) -> BOOLEAN {
    let q = object(call, queue);
    entry(call, new);
    call.cpu.meets(queue as usize);
    let _guard = call.cpu.machine().io.queues.lock();
    // SAFETY: `entry` found the new entry in mapped memory, aligned, as it did those in the queue when they
    // came; links change under the queues' lock, which is held.
    unsafe {
        (*new).SortKey = key.unwrap_or(0);
        if q.Busy == FALSE {
            q.Busy = TRUE;
            (*new).Inserted = FALSE;
            return FALSE;
        }
        let head = &raw mut q.DeviceListHead;
        let mut before = head;
        if let Some(key) = key {
            before = (*head).Flink;
            while before != head && (*before.cast::<KDEVICE_QUEUE_ENTRY>()).SortKey <= key {
                before = (*before).Flink;
            }
        }
        // Tail insertion before `before`.
        InsertTailList(before, new.cast());
        (*new).Inserted = TRUE;
        TRUE
    }
}

pub(crate) unsafe fn remove(call: &Call, queue: PKDEVICE_QUEUE) -> PKDEVICE_QUEUE_ENTRY {
    // SAFETY: the driver's own pointer, which `take` checks before it uses it.
    unsafe { take(call, queue, None) }
}

pub(crate) unsafe fn remove_by_key(call: &Call, queue: PKDEVICE_QUEUE, key: ULONG) -> PKDEVICE_QUEUE_ENTRY {
    // SAFETY: the driver's own pointer, which `take` checks before it uses it.
    unsafe { take(call, queue, Some(key)) }
}

/// The first entry, or the first whose key is not below `key` (else the first); null makes it idle.
unsafe fn take(call: &Call, queue: PKDEVICE_QUEUE, key: Option<ULONG>) -> PKDEVICE_QUEUE_ENTRY {
    let q = object(call, queue);
    call.cpu.meets(queue as usize);
    let _guard = call.cpu.machine().io.queues.lock();
    // SAFETY: `entry` found those in the queue in mapped memory, aligned, when they came; links change under
    // the queues' lock, which is held.
    unsafe {
        let head = &raw mut q.DeviceListHead;
        if IsListEmpty(head) {
            q.Busy = FALSE;
            return null_mut();
        }
        let mut at = (*head).Flink;
        if let Some(key) = key {
            while at != head && (*at.cast::<KDEVICE_QUEUE_ENTRY>()).SortKey < key {
                at = (*at).Flink;
            }
            if at == head {
                at = (*head).Flink;
            }
        }
        RemoveEntryList(at);
        let entry = at.cast::<KDEVICE_QUEUE_ENTRY>();
        (*entry).Inserted = FALSE;
        entry
    }
}

pub(crate) unsafe fn remove_entry(
    call: &Call,
    queue: PKDEVICE_QUEUE,
    which: PKDEVICE_QUEUE_ENTRY,
) -> BOOLEAN {
    object(call, queue);
    entry(call, which);
    call.cpu.meets(queue as usize);
    let _guard = call.cpu.machine().io.queues.lock();
    // SAFETY: `entry` found it in mapped memory, aligned; one that says it is inserted is linked, and links
    // change under the queues' lock, which is held.
    unsafe {
        if (*which).Inserted == FALSE {
            return FALSE;
        }
        RemoveEntryList(which.cast());
        (*which).Inserted = FALSE;
        TRUE
    }
}
