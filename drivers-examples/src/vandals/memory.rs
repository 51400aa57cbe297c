//! `vandal-freed-read`, `vandal-freed-write`, `vandal-double-free`, `vandal-overrun-read`,
//! `vandal-overrun-write`, each with its near miss: a message in a block of pool.
//!
//! **What is wrong.** The owner frees the message while a DPC on the other processor is still to look at it,
//! frees it twice, or takes it to be longer than it is. The near misses do the same in the right order, or to
//! the last byte.

#![expect(unsafe_code, reason = "vandals call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Outcome};

const TAG: ULONG = u32::from_le_bytes(*b"Mess");
/// Bytes of a message.
const BYTES: usize = 64;

unsafe fn NewMessage() -> *mut u8 {
    ExAllocatePool2(POOL_FLAG_NON_PAGED, BYTES, TAG).cast()
}

unsafe fn FreeMessage(Message: *mut u8) {
    ExFreePoolWithTag(Message.cast(), TAG);
}

/// Looks at the beginning of a message.
unsafe extern "C-unwind" fn ReadInDpc(_Dpc: PKDPC, Message: PVOID, _: PVOID, _: PVOID) {
    Message.cast::<u8>().read_volatile();
}

/// Marks a message as seen.
unsafe extern "C-unwind" fn MarkInDpc(_Dpc: PKDPC, Message: PVOID, _: PVOID, _: PVOID) {
    Message.cast::<u8>().write_volatile(1);
}

/// A message that a DPC on the other processor works on, freed before that has run or after.
unsafe fn Post(Routine: PKDEFERRED_ROUTINE, FreesFirst: bool) {
    let Message = NewMessage();
    let Dpc: PKDPC = ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<KDPC>(), TAG).cast();
    KeInitializeDpc(Dpc, Routine, Message.cast());
    KeSetTargetProcessorDpc(Dpc, 1);
    KeInsertQueueDpc(Dpc, std::ptr::null_mut(), std::ptr::null_mut());
    if FreesFirst {
        FreeMessage(Message);
    }
    KeFlushQueuedDpcs();
    if !FreesFirst {
        FreeMessage(Message);
    }
    ExFreePoolWithTag(Dpc.cast(), TAG);
}

/// The sum of so many bytes of a message.
unsafe fn Sum(Count: usize) {
    let Message = NewMessage();
    let mut Total = 0u32;
    for n in 0..Count {
        Total += u32::from(Message.add(n).read_volatile());
    }
    std::hint::black_box(Total);
    FreeMessage(Message);
}

/// Fills so many bytes of a message.
unsafe fn Fill(Count: usize) {
    let Message = NewMessage();
    for n in 0..Count {
        Message.add(n).write_volatile(7);
    }
    FreeMessage(Message);
}

unsafe fn Free(Times: usize) {
    let Message = NewMessage();
    for _ in 0..Times {
        FreeMessage(Message);
    }
}

macro_rules! bodies {
    ($($(#[$doc:meta])* $name:ident: $body:expr;)+) => {$(
        $(#[$doc])*
        pub fn $name(config: Config) -> Outcome {
            // SAFETY: where it is not safe, it ends in a bug check of the simulated machine.
            config.run(|| unsafe { $body })
        }
    )+};
}

bodies! {
    /// The DPC may read what is freed.
    freed_read: Post(Some(ReadInDpc), true);
    /// The DPC has read before the message is freed.
    freed_read_near_miss: Post(Some(ReadInDpc), false);
    /// The DPC may write what is freed.
    freed_write: Post(Some(MarkInDpc), true);
    /// The DPC has written before the message is freed.
    freed_write_near_miss: Post(Some(MarkInDpc), false);
    /// Frees it twice.
    double_free: Free(2);
    /// Frees it once.
    double_free_near_miss: Free(1);
    /// Reads one byte too many.
    overrun_read: Sum(BYTES + 1);
    /// Reads to the last byte.
    overrun_read_near_miss: Sum(BYTES);
    /// Writes one byte too many.
    overrun_write: Fill(BYTES + 1);
    /// Writes to the last byte.
    overrun_write_near_miss: Fill(BYTES);
}
