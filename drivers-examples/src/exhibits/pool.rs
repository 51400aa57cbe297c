//! Exhibits about pool blocks: freed under the wrong tag, used past the end or when freed; and their near
//! misses.
//!
//! Each is a model that the boot thread runs; `mod.rs` says which row it belongs to.

#![expect(unsafe_code, reason = "exhibits call layer 1, as a driver does")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::objects::TAG;
use kernel_sim::ddi::*;

/// Length of a block. The pool's guard bytes begin right behind it.
const BYTES: usize = 32;
const OTHER_TAG: ULONG = u32::from_le_bytes(*b"Bits");

/// Frees a block under a tag that is not its own.
pub(super) unsafe fn other_tag() {
    ExFreePoolWithTag(ExAllocatePool2(POOL_FLAG_NON_PAGED, BYTES, TAG), OTHER_TAG);
}

/// Frees two blocks, each under its own tag.
pub(super) unsafe fn two_tags() {
    for tag in [TAG, OTHER_TAG] {
        ExFreePoolWithTag(ExAllocatePool2(POOL_FLAG_NON_PAGED, BYTES, tag), tag);
    }
}

/// Writes the byte at `offset` of a block, and frees the block.
unsafe fn write_at(offset: usize) {
    let block = ExAllocatePool2(POOL_FLAG_NON_PAGED, BYTES, TAG);
    block.cast::<u8>().add(offset).write(1);
    ExFreePoolWithTag(block, TAG);
}

/// Asks for a block of so many bytes, and frees it.
unsafe fn of_bytes(bytes: usize) {
    ExFreePoolWithTag(ExAllocatePool2(POOL_FLAG_NON_PAGED, bytes, TAG), TAG);
}

/// Asks for a block of no bytes.
pub(super) unsafe fn of_no_bytes() {
    of_bytes(0);
}

/// Asks for a block of one byte.
pub(super) unsafe fn of_one_byte() {
    of_bytes(1);
}

/// Reads the byte at `offset` of a block.
unsafe fn read_at(offset: usize) {
    let block = ExAllocatePool2(POOL_FLAG_NON_PAGED, BYTES, TAG);
    block.cast::<u8>().add(offset).read_volatile();
    ExFreePoolWithTag(block, TAG);
}

/// Reads the byte behind a block.
pub(super) unsafe fn read_past_end() {
    read_at(BYTES);
}

/// Reads the last byte of a block.
pub(super) unsafe fn read_to_end() {
    read_at(BYTES - 1);
}

/// Writes a block that is free.
pub(super) unsafe fn write_after_free() {
    let block = ExAllocatePool2(POOL_FLAG_NON_PAGED, BYTES, TAG);
    ExFreePoolWithTag(block, TAG);
    block.cast::<u8>().write_volatile(1);
}

/// Writes a block, and frees it.
pub(super) unsafe fn write_before_free() {
    write_at(0);
}

/// Asks for memory with flags that name no pool, so that there is none.
unsafe fn no_memory() -> PKEVENT {
    ExAllocatePool2(0, size_of::<KEVENT>(), TAG).cast()
}

/// Initializes an event in memory that it did not get.
pub(super) unsafe fn unchecked() {
    KeInitializeEvent(no_memory(), NotificationEvent, FALSE);
}

/// Initializes an event only if it got the memory.
pub(super) unsafe fn checked() {
    let event = no_memory();
    if !event.is_null() {
        KeInitializeEvent(event, NotificationEvent, FALSE);
    }
}
