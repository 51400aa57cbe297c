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

unsafe fn both_halves(x: X) {
    first_half(x);
    second_half(x);
}

unsafe fn half_and_whole(x: X) {
    first_half(x);
    (*x).number.set(1);
}

/// Ends a stretch of what this thread does: what others may know of it, they know up to here.
unsafe fn give(x: X) {
    KeSetEvent(&raw mut (*x).event, 0, FALSE);
}

unsafe fn both_halves_and_the_first_later(x: X) {
    both_halves(x);
    give(x);
    first_half(x);
}

unsafe fn write_and_read_later(x: X) {
    (*x).number.set(1);
    give(x);
    (*x).number.get();
}

unsafe fn write_and_write_later(x: X) {
    (*x).number.set(1);
    give(x);
    (*x).number.set(2);
}

unsafe fn write_when_given(x: X) {
    wait((&raw mut (*x).event).cast());
    (*x).number.set(3);
}

unsafe fn number_and_flag(x: X) {
    (*x).number.set(1);
    (*x).flag.set(1);
}

unsafe fn write(x: X) {
    (*x).number.set(2);
}

#[test]
fn no_access_is_forgotten_for_another_that_does_not_stand_for_it() {
    is_race("two halves and the second", both_halves, second_half);
    is_race("two halves and the first", both_halves, first_half);
    is_race("a half, then the whole", half_and_whole, second_half);
    is_race("two halves and one of them later", both_halves_and_the_first_later, second_half);
    is_race("a read, then a write", add, read);
    is_race("a write and a read later", write_and_read_later, read);
    is_race("two words side by side", number_and_flag, write);
    is_race("what was done after it was given", write_and_write_later, write_when_given);
}

/// The first byte of a word is a flag for others, and some other word is interlocked.
unsafe fn add_and_set_first_byte(x: X) {
    InterlockedIncrement(&raw mut (*x).counter);
    add(x);
    (*(*x).flag.as_ptr().cast::<Shared<u8>>()).set(1);
}

unsafe fn read_second_byte_and_add(x: X) {
    (*(*x).flag.as_ptr().cast::<Shared<u8>>().add(1)).get();
    add(x);
}

#[test]
fn plain_accesses_order_nothing_whatever_else_is_interlocked() {
    is_race("bytes side by side", add_and_set_first_byte, read_second_byte_and_add);
}

/// As `in_own_lock`, with a block of pool allocated and freed inside.
unsafe fn in_own_lock_with_pool(x: X) {
    let lock: *mut Shared<LONG> = (*x).pointer.cast();
    while InterlockedExchange((*lock).as_ptr(), 1) != 0 {
        KeStallExecutionProcessor(1);
    }
    add(x);
    use_a_block(x);
    (*lock).set(0);
}

#[test]
fn a_lock_of_the_drivers_own_is_one_whatever_is_allocated_inside() {
    is_ordered("a lock of the driver's own", in_own_lock_with_pool, in_own_lock_with_pool);
}

/// Writes to a block of pool that it allocates and frees.
pub(super) unsafe fn use_a_block(_: X) {
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

/// Writes to its own stack, and says so in no order.
unsafe extern "C-unwind" fn use_the_stack(x: PVOID) {
    let x: X = x.cast();
    let local = Shared::new(0_u64);
    local.set(local.get() + 1);
    (*x).flag.write_no_fence(1);
}

/// Threads one after the other, as far as the host knows: their stacks lie at one address.
unsafe fn use_stacks(x: X) {
    for _ in 0..4 {
        let mut handle = null_mut();
        (*x).flag.write_no_fence(0);
        let created = PsCreateSystemThread(
            &raw mut handle,
            0,
            null_mut(),
            null_mut(),
            null_mut(),
            Some(use_the_stack),
            x.cast(),
        );
        assert_eq!(created, STATUS_SUCCESS);
        ZwClose(handle);
        while (*x).flag.read_no_fence() == 0 {
            KeStallExecutionProcessor(1);
        }
    }
}

unsafe fn nothing(_: X) {}

#[test]
fn a_stack_is_its_threads_own() {
    is_ordered("stacks of threads", use_stacks, nothing);
}
