//! Interlocked operations on driver memory.
//!
//! An operation that leaves the value as it was counts as a look: a hand-written test-and-set lock polls.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::choose::Access;
use crate::ddi::types::{LONG, LONG64, PLONG, PLONG64, PVOID};
use crate::ddi::{Access as Touched, Call};
use crate::hook::{Manner, TouchKind};
use std::sync::atomic::{AtomicI32, AtomicI64, AtomicPtr, Ordering::SeqCst};

fn cell<'a>(call: &Call, target: PLONG) -> &'a AtomicI32 {
    call.check_output(target);
    // SAFETY: `check_output` found it in mapped memory, aligned; all of it is readable as integers.
    unsafe { AtomicI32::from_ptr(target) }
}

/// Tells the executor what the call did to the value at `address`.
#[inline]
pub(crate) fn note(call: &Call, address: usize, changed: bool) {
    if let Some(d) = call.deterministic() {
        let machine = call.cpu.machine();
        d.note_call(machine, call.cpu, !changed);
        let access = if changed { Access::Change } else { Access::Look };
        d.touch(|| machine.machine_address(address), access);
    }
}

/// The same, and tells those who watch it of the access.
#[inline]
fn noted<T>(call: &Call, target: *mut T, changed: bool) {
    note(call, target as usize, changed);
    let access = Touched {
        address: target as usize,
        bytes: size_of::<T>(),
        kind: TouchKind::Update,
        manner: Manner::Ordered,
    };
    call.touched(access, None);
}

pub(crate) unsafe fn increment(call: &Call, addend: PLONG) -> LONG {
    // SAFETY: the driver's own pointer, which `exchange_add` resolves before it uses it.
    unsafe { exchange_add(call, addend, 1) }.wrapping_add(1)
}

pub(crate) unsafe fn decrement(call: &Call, addend: PLONG) -> LONG {
    // SAFETY: the driver's own pointer, which `exchange_add` resolves before it uses it.
    unsafe { exchange_add(call, addend, -1) }.wrapping_sub(1)
}

pub(crate) unsafe fn exchange(call: &Call, target: PLONG, value: LONG) -> LONG {
    let old = cell(call, target).swap(value, SeqCst);
    noted(call, target, old != value);
    old
}

pub(crate) unsafe fn exchange_add(call: &Call, addend: PLONG, value: LONG) -> LONG {
    let old = cell(call, addend).fetch_add(value, SeqCst);
    noted(call, addend, value != 0);
    old
}

pub(crate) unsafe fn compare_exchange(call: &Call, target: PLONG, exchange: LONG, comparand: LONG) -> LONG {
    match cell(call, target).compare_exchange(comparand, exchange, SeqCst, SeqCst) {
        Ok(old) => {
            noted(call, target, old != exchange);
            old
        }
        Err(old) => {
            noted(call, target, false);
            old
        }
    }
}

pub(crate) unsafe fn exchange_pointer(call: &Call, target: *mut PVOID, value: PVOID) -> PVOID {
    call.check_output(target);
    // SAFETY: `check_output` found it in mapped memory, aligned; all of it is readable as integers.
    let old = unsafe { AtomicPtr::from_ptr(target) }.swap(value, SeqCst);
    noted(call, target, old != value);
    old
}

pub(crate) unsafe fn compare_exchange_pointer(
    call: &Call,
    target: *mut PVOID,
    exchange: PVOID,
    comparand: PVOID,
) -> PVOID {
    call.check_output(target);
    // SAFETY: `check_output` found it in mapped memory, aligned; all of it is readable as integers.
    let cell = unsafe { AtomicPtr::from_ptr(target) };
    let outcome = cell.compare_exchange(comparand, exchange, SeqCst, SeqCst);
    noted(call, target, outcome.is_ok_and(|old| old != exchange));
    outcome.unwrap_or_else(|old| old)
}

pub(crate) unsafe fn and(call: &Call, target: PLONG, value: LONG) -> LONG {
    let old = cell(call, target).fetch_and(value, SeqCst);
    noted(call, target, old & value != old);
    old
}

pub(crate) unsafe fn or(call: &Call, target: PLONG, value: LONG) -> LONG {
    let old = cell(call, target).fetch_or(value, SeqCst);
    noted(call, target, old | value != old);
    old
}

pub(crate) unsafe fn xor(call: &Call, target: PLONG, value: LONG) -> LONG {
    let old = cell(call, target).fetch_xor(value, SeqCst);
    noted(call, target, value != 0);
    old
}

fn cell_64<'a>(call: &Call, target: PLONG64) -> &'a AtomicI64 {
    call.check_output(target);
    // SAFETY: `check_output` found it in mapped memory, aligned; all of it is readable as integers.
    unsafe { AtomicI64::from_ptr(target) }
}

pub(crate) unsafe fn increment_64(call: &Call, addend: PLONG64) -> LONG64 {
    // SAFETY: the driver's own pointer, which `exchange_add_64` resolves before it uses it.
    unsafe { exchange_add_64(call, addend, 1) }.wrapping_add(1)
}

pub(crate) unsafe fn decrement_64(call: &Call, addend: PLONG64) -> LONG64 {
    // SAFETY: the driver's own pointer, which `exchange_add_64` resolves before it uses it.
    unsafe { exchange_add_64(call, addend, -1) }.wrapping_sub(1)
}

pub(crate) unsafe fn exchange_add_64(call: &Call, addend: PLONG64, value: LONG64) -> LONG64 {
    let old = cell_64(call, addend).fetch_add(value, SeqCst);
    noted(call, addend, value != 0);
    old
}

pub(crate) unsafe fn compare_exchange_64(
    call: &Call,
    target: PLONG64,
    exchange: LONG64,
    comparand: LONG64,
) -> LONG64 {
    let outcome = cell_64(call, target).compare_exchange(comparand, exchange, SeqCst, SeqCst);
    noted(call, target, outcome.is_ok_and(|old| old != exchange));
    outcome.unwrap_or_else(|old| old)
}
