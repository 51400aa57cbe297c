//! Interlocked operations on driver memory.

use crate::ddi::Cx;
use crate::ddi::types::{LONG, PLONG, PVOID};
use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering::SeqCst};

fn cell<'a>(cx: &Cx, target: PLONG) -> &'a AtomicI32 {
    cx.check_output(target);
    // SAFETY: mapped, aligned memory of the machine.
    unsafe { AtomicI32::from_ptr(target) }
}

pub(crate) unsafe fn increment(cx: &Cx, addend: PLONG) -> LONG {
    cell(cx, addend).fetch_add(1, SeqCst).wrapping_add(1)
}

pub(crate) unsafe fn decrement(cx: &Cx, addend: PLONG) -> LONG {
    cell(cx, addend).fetch_sub(1, SeqCst).wrapping_sub(1)
}

pub(crate) unsafe fn exchange(cx: &Cx, target: PLONG, value: LONG) -> LONG {
    cell(cx, target).swap(value, SeqCst)
}

pub(crate) unsafe fn exchange_add(cx: &Cx, addend: PLONG, value: LONG) -> LONG {
    cell(cx, addend).fetch_add(value, SeqCst)
}

pub(crate) unsafe fn compare_exchange(cx: &Cx, target: PLONG, exchange: LONG, comparand: LONG) -> LONG {
    match cell(cx, target).compare_exchange(comparand, exchange, SeqCst, SeqCst) {
        Ok(old) | Err(old) => old,
    }
}

pub(crate) unsafe fn exchange_pointer(cx: &Cx, target: *mut PVOID, value: PVOID) -> PVOID {
    cx.check_output(target);
    // SAFETY: mapped, aligned memory of the machine.
    unsafe { AtomicPtr::from_ptr(target) }.swap(value, SeqCst)
}
