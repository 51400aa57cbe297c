//! `vandal-descriptor-of-nothing` and `vandal-length-believed`, each with its near miss: a page that a device
//! filled in, walked by a DPC.
//!
//! **What is wrong.** A descriptor says how long it is. One of length 0 keeps the first walker at its place
//! for ever; it counts what it sees in a shared cell, so the machine sees calls all the time. The second
//! believes the length of the whole page, which may be more than was read.

#![expect(unsafe_code, reason = "vandals call layer 1, as a driver does")]
#![expect(non_snake_case, reason = "a driver in the manner of C, under the WDK's names")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Outcome};
use kernel_sim::shared::Shared;
use std::ptr::null_mut;

const TAG: ULONG = u32::from_le_bytes(*b"Desc");
/// Bytes that were read of the page.
const ROOM: usize = 32;
/// Bytes of its header; byte 3 says how many follow.
const HEADER: usize = 4;

#[repr(C)]
struct Walker {
    Dpc: KDPC,
    Page: *mut u8,
    Seen: Shared<ULONG>,
}

/// Where the page ends, as it says itself.
unsafe fn End(Page: *const u8) -> usize {
    HEADER + usize::from(Page.add(3).read_volatile())
}

/// Goes from descriptor to descriptor; the first byte of each is its length.
unsafe extern "C-unwind" fn WalkAsTold(_Dpc: PKDPC, Context: PVOID, _: PVOID, _: PVOID) {
    let Walker: *mut Walker = Context.cast();
    let mut At = HEADER;
    while At < End((*Walker).Page).min(ROOM) {
        (*Walker).Seen.set((*Walker).Seen.get() + 1);
        At += usize::from((*Walker).Page.add(At).read_volatile());
    }
}

/// The same, and stops at a descriptor of length 0.
unsafe extern "C-unwind" fn WalkWithCare(_Dpc: PKDPC, Context: PVOID, _: PVOID, _: PVOID) {
    let Walker: *mut Walker = Context.cast();
    let mut At = HEADER;
    while At < End((*Walker).Page).min(ROOM) {
        (*Walker).Seen.set((*Walker).Seen.get() + 1);
        let Length = usize::from((*Walker).Page.add(At).read_volatile());
        if Length == 0 {
            break;
        }
        At += Length;
    }
}

/// Adds up all bytes of the page, to where it says that it ends.
unsafe extern "C-unwind" fn SumAsTold(_Dpc: PKDPC, Context: PVOID, _: PVOID, _: PVOID) {
    let Walker: *mut Walker = Context.cast();
    Sum(Walker, End((*Walker).Page));
}

/// The same, to where it was read.
unsafe extern "C-unwind" fn SumWhatIsThere(_Dpc: PKDPC, Context: PVOID, _: PVOID, _: PVOID) {
    let Walker: *mut Walker = Context.cast();
    Sum(Walker, End((*Walker).Page).min(ROOM));
}

unsafe fn Sum(Walker: *mut Walker, End: usize) {
    let Sum = (0..End).map(|At| ULONG::from((*Walker).Page.add(At).read_volatile())).sum();
    (*Walker).Seen.set(Sum);
}

/// Walks a page with one descriptor of 8 bytes and one of length 0, that says it is 200 bytes long.
unsafe fn Walk(Routine: PKDEFERRED_ROUTINE) {
    let Walker: *mut Walker = ExAllocatePool2(POOL_FLAG_NON_PAGED, size_of::<Walker>(), TAG).cast();
    let Page: *mut u8 = ExAllocatePool2(POOL_FLAG_NON_PAGED, ROOM, TAG).cast();
    Page.add(3).write(200);
    Page.add(HEADER).write(8);
    (*Walker).Page = Page;
    KeInitializeDpc(&raw mut (*Walker).Dpc, Routine, Walker.cast());
    KeInsertQueueDpc(&raw mut (*Walker).Dpc, null_mut(), null_mut());
    KeFlushQueuedDpcs();
    ExFreePoolWithTag(Page.cast(), TAG);
    ExFreePoolWithTag(Walker.cast(), TAG);
}

/// Never gets past the descriptor of length 0.
pub fn of_nothing(config: Config) -> Outcome {
    // SAFETY: all it uses is its own; the run ends it.
    config.run(|| unsafe { Walk(Some(WalkAsTold)) })
}

/// Stops there.
pub fn of_nothing_near_miss(config: Config) -> Outcome {
    // SAFETY: all it uses is its own.
    config.run(|| unsafe { Walk(Some(WalkWithCare)) })
}

/// Reads past the end of the block.
pub fn believed(config: Config) -> Outcome {
    // SAFETY: it is not safe, and ends in a bug check of the simulated machine.
    config.run(|| unsafe { Walk(Some(SumAsTold)) })
}

/// Reads to its end.
pub fn believed_near_miss(config: Config) -> Outcome {
    // SAFETY: all it uses is its own.
    config.run(|| unsafe { Walk(Some(SumWhatIsThere)) })
}
