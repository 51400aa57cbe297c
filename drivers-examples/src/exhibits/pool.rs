//! Exhibits about pool blocks: freed under the wrong tag, written past the end; and their near misses.
//!
//! Each is a model that the boot thread runs; `mod.rs` says which row it belongs to.

#![expect(unsafe_code, reason = "exhibits call layer 1, as a driver does")]

use kernel_sim::ddi::*;

/// Length of a block. The pool's guard bytes begin right behind it.
const BYTES: usize = 32;
const TAG: ULONG = u32::from_le_bytes(*b"Exhi");
const OTHER_TAG: ULONG = u32::from_le_bytes(*b"Bits");

/// Frees a block under a tag that is not its own.
pub(super) fn other_tag() {
    // SAFETY: the boot thread is at PASSIVE_LEVEL, and the block is its own; the tag is the mistake.
    unsafe { ExFreePoolWithTag(ExAllocatePool2(POOL_FLAG_NON_PAGED, BYTES, TAG), OTHER_TAG) };
}

/// Frees two blocks, each under its own tag.
pub(super) fn two_tags() {
    // SAFETY: the boot thread is at PASSIVE_LEVEL, and the blocks are its own.
    unsafe {
        for tag in [TAG, OTHER_TAG] {
            ExFreePoolWithTag(ExAllocatePool2(POOL_FLAG_NON_PAGED, BYTES, tag), tag);
        }
    }
}

/// Writes the byte at `offset` of a block, and frees the block.
fn write_at(offset: usize) {
    // SAFETY: the boot thread is at PASSIVE_LEVEL, and the block is its own; behind it lies a guard.
    unsafe {
        let block = ExAllocatePool2(POOL_FLAG_NON_PAGED, BYTES, TAG);
        block.cast::<u8>().add(offset).write(1);
        ExFreePoolWithTag(block, TAG);
    }
}

/// Writes the byte behind a block.
pub(super) fn past_end() {
    write_at(BYTES);
}

/// Writes the last byte of a block.
pub(super) fn to_end() {
    write_at(BYTES - 1);
}
