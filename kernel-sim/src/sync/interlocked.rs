//! Interlocked operations on driver memory.
//!
//! One that leaves the value as it was only looked at it: a hand-written test-and-set lock polls.

use crate::choose::Access;
use crate::ddi::Cx;
use crate::ddi::types::{LONG, PLONG, PVOID};
use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering::SeqCst};

fn cell<'a>(cx: &Cx, target: PLONG) -> &'a AtomicI32 {
    cx.check_output(target);
    // SAFETY: mapped, aligned memory of the machine.
    unsafe { AtomicI32::from_ptr(target) }
}

/// Tells the executor what became of the value at `address`.
#[inline]
pub(crate) fn note(cx: &Cx, address: usize, changed: bool) {
    if cx.is_deterministic() {
        let machine = cx.cpu.machine();
        let d = machine.deterministic();
        d.note_call(machine, cx.cpu, !changed);
        let access = if changed { Access::Change } else { Access::Look };
        d.touch(|| machine.machine_address(address), access);
    }
}

pub(crate) unsafe fn increment(cx: &Cx, addend: PLONG) -> LONG {
    // SAFETY: forwarded from the caller.
    unsafe { exchange_add(cx, addend, 1) }.wrapping_add(1)
}

pub(crate) unsafe fn decrement(cx: &Cx, addend: PLONG) -> LONG {
    // SAFETY: forwarded from the caller.
    unsafe { exchange_add(cx, addend, -1) }.wrapping_sub(1)
}

pub(crate) unsafe fn exchange(cx: &Cx, target: PLONG, value: LONG) -> LONG {
    let old = cell(cx, target).swap(value, SeqCst);
    note(cx, target as usize, old != value);
    old
}

pub(crate) unsafe fn exchange_add(cx: &Cx, addend: PLONG, value: LONG) -> LONG {
    let old = cell(cx, addend).fetch_add(value, SeqCst);
    note(cx, addend as usize, value != 0);
    old
}

pub(crate) unsafe fn compare_exchange(cx: &Cx, target: PLONG, exchange: LONG, comparand: LONG) -> LONG {
    match cell(cx, target).compare_exchange(comparand, exchange, SeqCst, SeqCst) {
        Ok(old) => {
            note(cx, target as usize, old != exchange);
            old
        }
        Err(old) => {
            note(cx, target as usize, false);
            old
        }
    }
}

pub(crate) unsafe fn exchange_pointer(cx: &Cx, target: *mut PVOID, value: PVOID) -> PVOID {
    cx.check_output(target);
    // SAFETY: mapped, aligned memory of the machine.
    let old = unsafe { AtomicPtr::from_ptr(target) }.swap(value, SeqCst);
    note(cx, target as usize, old != value);
    old
}
