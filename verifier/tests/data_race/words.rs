//! Accesses that are not plain, parts of words, and memory that is used again.

use super::*;

unsafe fn publish(x: X) {
    add(x);
    (*x).flag.write_release(1);
}

unsafe fn look(x: X) {
    if (*x).flag.read_acquire() != 0 {
        add(x);
    }
}

unsafe fn publish_in_no_order(x: X) {
    add(x);
    (*x).flag.write_no_fence(1);
}

unsafe fn wait_in_no_order(x: X) {
    while (*x).flag.read_no_fence() == 0 {
        KeStallExecutionProcessor(1);
    }
    add(x);
}

unsafe fn flag_plainly(x: X) {
    (*x).flag.set(1);
}

unsafe fn look_plainly(x: X) {
    (*x).flag.get();
}

unsafe fn look_no_fence(x: X) {
    (*x).flag.read_no_fence();
}

unsafe fn flag_no_fence(x: X) {
    (*x).flag.write_no_fence(1);
}

unsafe fn add_interlocked(x: X) {
    InterlockedIncrement((*x).number.as_ptr());
}

/// A lock made of an interlocked operation, given back by a plain store, as drivers for x64 do.
unsafe fn in_own_lock(x: X) {
    while InterlockedExchange((*x).flag.as_ptr(), 1) != 0 {
        KeStallExecutionProcessor(1);
    }
    add(x);
    (*x).flag.set(0);
}

#[test]
fn accesses_that_are_not_plain() {
    is_ordered("WriteRelease and ReadAcquire", publish, look);
    is_ordered("interlocked additions", add_interlocked, add_interlocked);
    is_ordered("a lock of the driver's own", in_own_lock, in_own_lock);
    is_ordered("no fence on either side", flag_no_fence, look_no_fence);
    is_race("WriteNoFence and ReadNoFence", publish_in_no_order, wait_in_no_order);
    is_race("a flag", flag_plainly, look_plainly);
}

unsafe fn half(x: X, n: usize) -> *mut Shared<u16> {
    (*x).number.as_ptr().cast::<Shared<u16>>().add(n)
}

unsafe fn first_half(x: X) {
    (*half(x, 0)).set(1);
}

unsafe fn second_half(x: X) {
    (*half(x, 1)).set(1);
}

unsafe fn read(x: X) {
    (*x).number.get();
}

#[test]
fn parts_of_a_word_are_no_race() {
    is_ordered("two halves", first_half, second_half);
    is_race("a half and the whole", first_half, add);
    is_ordered("readers", read, read);
}

/// Writes to a block of pool that it allocates and frees.
unsafe fn use_a_block(_: X) {
    for _ in 0..40 {
        let block: *mut Shared<u64> =
            ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<u64>(), u32::from_le_bytes(*b"Race")).cast();
        (*block).set(1);
        ExFreePoolWithTag(block.cast(), u32::from_le_bytes(*b"Race"));
    }
}

#[test]
fn memory_that_is_used_again_is_no_race() {
    is_ordered("blocks of pool", use_a_block, use_a_block);
}
