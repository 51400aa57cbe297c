//! Counted strings that drivers give to routines.
//!
//! A UNICODE_STRING and its characters are only read, so both may be constants of the driver's image, as
//! those of RTL_CONSTANT_STRING are. Invariant: nothing is read that was not found readable, and a string
//! that counts more than there is ends the run in the caller's line.

#![expect(unsafe_code, reason = "reads driver memory behind checked pointers")]

use crate::ddi::Call;
use crate::ddi::types::*;
use std::ptr::slice_from_raw_parts_mut;

/// The units of a string of the driver's; none of a NULL. String and units may be constants.
pub(crate) unsafe fn units(call: &Call, string: PUNICODE_STRING) -> Vec<u16> {
    if string.is_null() {
        return Vec::new();
    }
    call.check_input(string);
    // SAFETY: just found in readable memory; plain data.
    let UNICODE_STRING { Length, Buffer, .. } = unsafe { *string };
    let count = usize::from(Length) / 2;
    if count == 0 {
        return Vec::new();
    }
    if !call.cpu.is_readable(Buffer as usize, 2 * count) || !Buffer.is_aligned() {
        call.bad_pointer(Buffer as usize, "the characters of a string");
    }
    // SAFETY: just found in readable memory, aligned; any bits are units.
    unsafe { (*slice_from_raw_parts_mut(Buffer, count)).to_vec() }
}
