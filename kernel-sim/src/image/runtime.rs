//! What images import that is no row of a table: memory and string routines that C compilers call, and the
//! place of every import that is not here.
//!
//! None of them is a call that rules or schedules see, but that of an instrumented image tells what memory it
//! reads and writes. What they touch is the driver's to have given: a fault
//! in one is the driver's.

#![expect(unsafe_code, reason = "C's memory routines")]

use super::access;
use super::activation::{caller_site, probe};
use super::export::Export;
use super::registry;
use crate::hook::TouchKind;
use crate::processor::Processor;
use crate::shared::SHARED_READ;
use std::cmp::Ordering;

type Bytes = *mut u8;

unsafe extern "win64-unwind" fn memset(to: Bytes, value: i32, n: usize) -> Bytes {
    access::range(to as usize, n, TouchKind::Write);
    // SAFETY: C's contract.
    unsafe { to.write_bytes(value as u8, n) };
    to
}

unsafe extern "win64-unwind" fn memmove(to: Bytes, from: *const u8, n: usize) -> Bytes {
    access::range(from as usize, n, TouchKind::Read);
    access::range(to as usize, n, TouchKind::Write);
    // SAFETY: C's contract.
    unsafe { to.copy_from(from, n) };
    to
}

unsafe extern "win64-unwind" fn memcmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    access::range(a as usize, n, TouchKind::Read);
    access::range(b as usize, n, TouchKind::Read);
    // SAFETY: C's contract.
    let differ = (0..n).map(|i| unsafe { (*a.add(i)).cmp(&*b.add(i)) }).find(|order| order.is_ne());
    differ.unwrap_or(Ordering::Equal) as i32
}

/// How many bytes at the beginning are equal.
unsafe extern "win64-unwind" fn compare_memory(a: *const u8, b: *const u8, n: usize) -> usize {
    access::range(a as usize, n, TouchKind::Read);
    access::range(b as usize, n, TouchKind::Read);
    // SAFETY: the documented contract.
    (0..n).take_while(|i| unsafe { *a.add(*i) == *b.add(*i) }).count()
}

unsafe extern "win64-unwind" fn zero_memory(to: Bytes, n: usize) {
    access::range(to as usize, n, TouchKind::Write);
    // SAFETY: the documented contract.
    unsafe { to.write_bytes(0, n) };
}

unsafe extern "win64-unwind" fn fill_memory(to: Bytes, n: usize, value: u8) {
    access::range(to as usize, n, TouchKind::Write);
    // SAFETY: the documented contract.
    unsafe { to.write_bytes(value, n) };
}

unsafe extern "win64-unwind" fn strlen(text: *const u8) -> usize {
    // SAFETY: C's contract.
    (0..).take_while(|i| unsafe { *text.add(*i) } != 0).count()
}

unsafe extern "win64-unwind" fn strncmp(a: *const u8, b: *const u8, n: usize) -> i32 {
    for i in 0..n {
        // SAFETY: C's contract.
        let (x, y) = unsafe { (*a.add(i), *b.add(i)) };
        if x != y || x == 0 {
            return i32::from(x) - i32::from(y);
        }
    }
    0
}

unsafe extern "win64-unwind" fn strcmp(a: *const u8, b: *const u8) -> i32 {
    // SAFETY: C's contract.
    unsafe { strncmp(a, b, usize::MAX) }
}

unsafe extern "win64-unwind" fn wcslen(text: *const u16) -> usize {
    // SAFETY: C's contract.
    (0..).take_while(|i| unsafe { *text.add(*i) } != 0).count()
}

/// Prints nothing: our choice, since what a driver prints is no part of what is checked.
unsafe extern "win64-unwind" fn debug_print() -> u32 {
    0
}

/// In the place of every import that is not here: the run ends, and says whose limit that is.
unsafe extern "win64-unwind" fn not_here(image: usize, import: usize) {
    let site = caller_site();
    let cpu = Processor::current();
    if cpu.machine().is_quiet() {
        return;
    }
    let name = registry::import_name(image, import);
    cpu.call.set(Some((&SHARED_READ, site)));
    cpu.not_modelled(format!("{name}, which the driver calls"));
}

/// Where `not_here` is.
pub(super) fn absent() -> usize {
    not_here as *const () as usize
}

/// All of them.
pub(super) fn exports() -> impl Iterator<Item = Export> {
    [
        ("memset", memset as *const (), 3),
        ("memcpy", memmove as *const (), 3),
        ("memmove", memmove as *const (), 3),
        ("memcmp", memcmp as *const (), 3),
        ("strlen", strlen as *const (), 1),
        ("strcmp", strcmp as *const (), 2),
        ("strncmp", strncmp as *const (), 3),
        ("wcslen", wcslen as *const (), 1),
        ("RtlCompareMemory", compare_memory as *const (), 3),
        ("RtlZeroMemory", zero_memory as *const (), 2),
        ("RtlFillMemory", fill_memory as *const (), 3),
        ("RtlCopyMemory", memmove as *const (), 3),
        ("RtlMoveMemory", memmove as *const (), 3),
        ("DbgPrint", debug_print as *const (), 0),
        ("DbgPrintEx", debug_print as *const (), 0),
    ]
    .into_iter()
    .map(|(name, address, arguments)| Export { name, address: address as usize, arguments })
    .chain([Export { name: "__chkstk", address: probe(), arguments: 0 }])
}
