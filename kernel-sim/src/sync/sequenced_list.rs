//! Sequenced singly linked lists: pushed and popped without a lock.
//!
//! On Windows one 16-byte exchange does it, whose sequence number keeps a pop from being fooled by an entry
//! that left and came back; here the kernel lock makes each operation whole. Invariant: the depth is the
//! length.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::ddi::Call;
use crate::ddi::types::{PKSPIN_LOCK, PSLIST_ENTRY, PSLIST_HEADER, SLIST_ENTRY, SLIST_HEADER, USHORT};
use std::ptr::null_mut;

fn head<'a>(call: &Call, list: PSLIST_HEADER) -> &'a mut SLIST_HEADER {
    if !call.cpu.is_memory(list as usize, size_of::<SLIST_HEADER>()) || !list.is_aligned() {
        call.bad_pointer(list as usize, "the SLIST_HEADER");
    }
    // SAFETY: mapped, aligned memory of the machine, plain data; changed under the kernel lock.
    unsafe { &mut *list }
}

fn entry(call: &Call, entry: PSLIST_ENTRY) {
    if !call.cpu.is_memory(entry as usize, size_of::<SLIST_ENTRY>()) || !entry.is_aligned() {
        call.bad_pointer(entry as usize, "the SLIST_ENTRY");
    }
}

pub(crate) unsafe fn initialize(call: &Call, list: PSLIST_HEADER) {
    *head(call, list) = SLIST_HEADER { Next: null_mut(), Depth: 0 };
}

pub(crate) unsafe fn push(
    call: &Call,
    list: PSLIST_HEADER,
    new: PSLIST_ENTRY,
    _lock: PKSPIN_LOCK,
) -> PSLIST_ENTRY {
    entry(call, new);
    let head = head(call, list);
    let _kernel = call.cpu.machine().kernel.lock();
    call.cpu.meets(list as usize);
    let first = std::mem::replace(&mut head.Next, new);
    head.Depth += 1;
    // SAFETY: the entry was found in mapped memory and is the driver's to queue.
    unsafe { (*new).Next = first };
    first
}

pub(crate) unsafe fn pop(call: &Call, list: PSLIST_HEADER, _lock: PKSPIN_LOCK) -> PSLIST_ENTRY {
    let head = head(call, list);
    let kernel = call.cpu.machine().kernel.lock();
    call.cpu.meets(list as usize);
    let first = head.Next;
    if first.is_null() {
        return first;
    }
    if !call.cpu.is_memory(first as usize, size_of::<SLIST_ENTRY>()) || !first.is_aligned() {
        drop(kernel);
        call.bad_pointer(first as usize, "an SLIST_ENTRY on the list");
    }
    // SAFETY: an aligned entry in mapped memory by the test before; any bytes are one.
    head.Next = unsafe { (*first).Next };
    head.Depth = head.Depth.saturating_sub(1);
    first
}

pub(crate) unsafe fn flush(call: &Call, list: PSLIST_HEADER) -> PSLIST_ENTRY {
    let head = head(call, list);
    let _kernel = call.cpu.machine().kernel.lock();
    call.cpu.meets(list as usize);
    head.Depth = 0;
    std::mem::replace(&mut head.Next, null_mut())
}

pub(crate) unsafe fn depth(call: &Call, list: PSLIST_HEADER) -> USHORT {
    call.cpu.takes(list as usize);
    // The real one has 16 bits and wraps.
    head(call, list).Depth as USHORT
}
