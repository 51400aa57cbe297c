//! Interlocked operations on driver memory.
//!
//! One that leaves the value as it was only looked at it: a hand-written test-and-set lock polls.

use crate::choose::Access;
use crate::ddi::Cx;
use crate::ddi::types::{LONG, LONG64, PLONG, PLONG64, PVOID};
use std::sync::atomic::{AtomicI32, AtomicI64, AtomicPtr, Ordering::SeqCst};

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

pub(crate) unsafe fn compare_exchange_pointer(
    cx: &Cx,
    target: *mut PVOID,
    exchange: PVOID,
    comparand: PVOID,
) -> PVOID {
    cx.check_output(target);
    // SAFETY: mapped, aligned memory of the machine.
    let cell = unsafe { AtomicPtr::from_ptr(target) };
    let outcome = cell.compare_exchange(comparand, exchange, SeqCst, SeqCst);
    note(cx, target as usize, outcome.is_ok_and(|old| old != exchange));
    outcome.unwrap_or_else(|old| old)
}

pub(crate) unsafe fn and(cx: &Cx, target: PLONG, value: LONG) -> LONG {
    let old = cell(cx, target).fetch_and(value, SeqCst);
    note(cx, target as usize, old & value != old);
    old
}

pub(crate) unsafe fn or(cx: &Cx, target: PLONG, value: LONG) -> LONG {
    let old = cell(cx, target).fetch_or(value, SeqCst);
    note(cx, target as usize, old | value != old);
    old
}

pub(crate) unsafe fn xor(cx: &Cx, target: PLONG, value: LONG) -> LONG {
    let old = cell(cx, target).fetch_xor(value, SeqCst);
    note(cx, target as usize, value != 0);
    old
}

fn cell_64<'a>(cx: &Cx, target: PLONG64) -> &'a AtomicI64 {
    cx.check_output(target);
    // SAFETY: mapped, aligned memory of the machine.
    unsafe { AtomicI64::from_ptr(target) }
}

pub(crate) unsafe fn increment_64(cx: &Cx, addend: PLONG64) -> LONG64 {
    // SAFETY: forwarded from the caller.
    unsafe { exchange_add_64(cx, addend, 1) }.wrapping_add(1)
}

pub(crate) unsafe fn decrement_64(cx: &Cx, addend: PLONG64) -> LONG64 {
    // SAFETY: forwarded from the caller.
    unsafe { exchange_add_64(cx, addend, -1) }.wrapping_sub(1)
}

pub(crate) unsafe fn exchange_add_64(cx: &Cx, addend: PLONG64, value: LONG64) -> LONG64 {
    let old = cell_64(cx, addend).fetch_add(value, SeqCst);
    note(cx, addend as usize, value != 0);
    old
}

pub(crate) unsafe fn compare_exchange_64(
    cx: &Cx,
    target: PLONG64,
    exchange: LONG64,
    comparand: LONG64,
) -> LONG64 {
    let outcome = cell_64(cx, target).compare_exchange(comparand, exchange, SeqCst, SeqCst);
    note(cx, target as usize, outcome.is_ok_and(|old| old != exchange));
    outcome.unwrap_or_else(|old| old)
}
