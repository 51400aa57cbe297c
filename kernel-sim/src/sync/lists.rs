//! The interlocked list routines: a list operation and the spin lock around it in one call.
//!
//! They run at any IRQL and hold the lock only inside the call, at HIGH_LEVEL as Windows does, so a
//! lock used here must not also be taken with KeAcquireSpinLock at a lower level.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::ddi::Call;
use crate::ddi::types::{LIST_ENTRY, PKSPIN_LOCK, PLIST_ENTRY, PSINGLE_LIST_ENTRY, SINGLE_LIST_ENTRY};
use crate::irql::Irql;
use crate::sync::lock;
use std::ptr::null_mut;

/// Runs `body` at HIGH_LEVEL with the lock held.
fn locked<R>(call: &Call, spin_lock: PKSPIN_LOCK, body: impl FnOnce() -> R) -> R {
    let before = call.cpu.irql();
    call.cpu.set_irql(Irql::HIGH);
    let word = lock::word(call, spin_lock);
    lock::take_word(call, word, false);
    let answer = body();
    lock::give_word(call, word);
    call.cpu.set_irql(before);
    answer
}

fn entry(call: &Call, entry: PLIST_ENTRY) {
    if !call.cpu.is_memory(entry as usize, size_of::<LIST_ENTRY>()) || !entry.is_aligned() {
        call.bad_pointer(entry as usize, "the LIST_ENTRY");
    }
}

pub(crate) unsafe fn insert_tail(
    call: &Call,
    head: PLIST_ENTRY,
    new: PLIST_ENTRY,
    spin_lock: PKSPIN_LOCK,
) -> PLIST_ENTRY {
    entry(call, head);
    entry(call, new);
    locked(call, spin_lock, || {
        // SAFETY: both lie in mapped memory; the list is the driver's and consistent under its lock.
        unsafe {
            let last = (*head).Blink;
            entry(call, last);
            crate::ddi::inline::InsertTailList(head, new);
            if last == head { null_mut() } else { last }
        }
    })
}

pub(crate) unsafe fn insert_head(
    call: &Call,
    head: PLIST_ENTRY,
    new: PLIST_ENTRY,
    spin_lock: PKSPIN_LOCK,
) -> PLIST_ENTRY {
    entry(call, head);
    entry(call, new);
    locked(call, spin_lock, || {
        // SAFETY: both lie in mapped memory; the list is the driver's and consistent under its lock.
        unsafe {
            let first = (*head).Flink;
            entry(call, first);
            crate::ddi::inline::InsertHeadList(head, new);
            if first == head { null_mut() } else { first }
        }
    })
}

pub(crate) unsafe fn remove_head(call: &Call, head: PLIST_ENTRY, spin_lock: PKSPIN_LOCK) -> PLIST_ENTRY {
    entry(call, head);
    locked(call, spin_lock, || {
        // SAFETY: both lie in mapped memory; the list is the driver's and consistent under its lock.
        unsafe {
            let first = (*head).Flink;
            entry(call, first);
            if first == head {
                return null_mut();
            }
            crate::ddi::inline::RemoveHeadList(head)
        }
    })
}

fn single(call: &Call, entry: PSINGLE_LIST_ENTRY) {
    if !call.cpu.is_memory(entry as usize, size_of::<SINGLE_LIST_ENTRY>()) || !entry.is_aligned() {
        call.bad_pointer(entry as usize, "the SINGLE_LIST_ENTRY");
    }
}

pub(crate) unsafe fn push(
    call: &Call,
    head: PSINGLE_LIST_ENTRY,
    new: PSINGLE_LIST_ENTRY,
    spin_lock: PKSPIN_LOCK,
) -> PSINGLE_LIST_ENTRY {
    single(call, head);
    single(call, new);
    locked(call, spin_lock, || {
        // SAFETY: both lie in mapped memory; the list is the driver's and consistent under its lock.
        unsafe {
            let first = (*head).Next;
            (*new).Next = first;
            (*head).Next = new;
            first
        }
    })
}

pub(crate) unsafe fn pop(
    call: &Call,
    head: PSINGLE_LIST_ENTRY,
    spin_lock: PKSPIN_LOCK,
) -> PSINGLE_LIST_ENTRY {
    single(call, head);
    locked(call, spin_lock, || {
        // SAFETY: both lie in mapped memory; the list is the driver's and consistent under its lock.
        unsafe {
            let first = (*head).Next;
            if !first.is_null() {
                single(call, first);
                (*head).Next = (*first).Next;
            }
            first
        }
    })
}
