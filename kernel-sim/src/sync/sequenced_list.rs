//! Sequenced singly linked lists: pushed and popped without a lock.
//!
//! On Windows one 16-byte exchange does it, whose sequence number keeps a pop from being fooled by an entry that
//! left and came back; here the kernel lock makes each operation whole. Invariant: the depth is the length.

use crate::ddi::Cx;
use crate::ddi::types::{PKSPIN_LOCK, PSLIST_ENTRY, PSLIST_HEADER, SLIST_ENTRY, SLIST_HEADER, USHORT};
use std::ptr::null_mut;

fn head<'a>(cx: &Cx, list: PSLIST_HEADER) -> &'a mut SLIST_HEADER {
    if !cx.cpu.is_memory(list as usize, size_of::<SLIST_HEADER>()) || !list.is_aligned() {
        cx.bad_pointer(list as usize, "the SLIST_HEADER");
    }
    // SAFETY: mapped, aligned memory of the machine, plain data; changed under the kernel lock.
    unsafe { &mut *list }
}

fn entry(cx: &Cx, entry: PSLIST_ENTRY) {
    if !cx.cpu.is_memory(entry as usize, size_of::<SLIST_ENTRY>()) || !entry.is_aligned() {
        cx.bad_pointer(entry as usize, "the SLIST_ENTRY");
    }
}

pub(crate) unsafe fn initialize(cx: &Cx, list: PSLIST_HEADER) {
    *head(cx, list) = SLIST_HEADER { Next: null_mut(), Depth: 0 };
}

pub(crate) unsafe fn push(
    cx: &Cx,
    list: PSLIST_HEADER,
    new: PSLIST_ENTRY,
    _lock: PKSPIN_LOCK,
) -> PSLIST_ENTRY {
    entry(cx, new);
    let head = head(cx, list);
    let _kernel = cx.cpu.machine().kernel.lock();
    let first = std::mem::replace(&mut head.Next, new);
    head.Depth += 1;
    // SAFETY: the entry was found in mapped memory and is the driver's to queue.
    unsafe { (*new).Next = first };
    first
}

pub(crate) unsafe fn pop(cx: &Cx, list: PSLIST_HEADER, _lock: PKSPIN_LOCK) -> PSLIST_ENTRY {
    let head = head(cx, list);
    let kernel = cx.cpu.machine().kernel.lock();
    let first = head.Next;
    if first.is_null() {
        return first;
    }
    if !cx.cpu.is_memory(first as usize, size_of::<SLIST_ENTRY>()) {
        drop(kernel);
        cx.bad_pointer(first as usize, "an SLIST_ENTRY on the list");
    }
    // SAFETY: just found in mapped memory; plain data.
    head.Next = unsafe { (*first).Next };
    head.Depth = head.Depth.saturating_sub(1);
    first
}

pub(crate) unsafe fn flush(cx: &Cx, list: PSLIST_HEADER) -> PSLIST_ENTRY {
    let head = head(cx, list);
    let _kernel = cx.cpu.machine().kernel.lock();
    head.Depth = 0;
    std::mem::replace(&mut head.Next, null_mut())
}

pub(crate) unsafe fn depth(cx: &Cx, list: PSLIST_HEADER) -> USHORT {
    // The real one has 16 bits and wraps.
    head(cx, list).Depth as USHORT
}
