//! `r08`: contiguous memory is freed in the interrupt routine.
//!
//! **What the driver does.** A request of more segments than the SRB extension has descriptors for gets a
//! table of its own, in contiguous memory, which is freed when the request comes back. With a line instead of
//! messages the interrupt routine completes the requests itself, and InterruptLock guards the queue.
//!
//! **What goes wrong.** (1) The interrupt routine runs at DIRQL and takes a request out of the queue. (2) It
//! frees the request's table by StorPortFreeContiguousMemorySpecifyCache. (3) The memory manager takes locks
//! that are for DISPATCH_LEVEL. (4) A processor that holds one of them is interrupted, or waits for this
//! one: both wait for ever.
//!
//! **What Windows does.** The guest hangs; it was seen in one of ten migrations of a virtual machine.
//! StorPortFreeContiguousMemorySpecifyCache is for DISPATCH_LEVEL at most.
//!
//! **The fix.** In `r08-fixed` the interrupt routine asks for a DPC, which completes the requests and frees
//! their tables.
//!
//! **Found by** StorPortIrql, at StorPortFreeContiguousMemorySpecifyCache, with the first request of some
//! segments: a stress draws sizes, and `--bs 512..64k` asks for them.
//!
//! **Source.** vioscsi (virtio-win/kvm-guest-drivers-windows), pull request 533, commit 948ed7f7 of
//! 2021-01-12.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::tags::{Tagged, Ways};
use super::virtio::*;
use crate::vioscsi::virtio::Descriptor;
use std::ptr::null_mut;
use std::slice::from_raw_parts;

/// Descriptors of a request that needs no table of its own.
const INLINE: usize = 3;

/// The SRB extension.
#[repr(C)]
struct WITH_TABLE {
    Base: SrbExtension,
    /// The request's own table and where it is for the device; NULL: it has none.
    Table: *mut Descriptor,
    Physical: u64,
}

unsafe fn ExtensionOf(Srb: PVOID) -> *mut WITH_TABLE {
    srb_extension(Srb).cast()
}

unsafe fn BytesOf(Srb: PVOID) -> usize {
    (*srb_extension(Srb)).count as usize * size_of::<Descriptor>()
}

/// Gives a built request a table of its own, if it needs one and there is memory.
unsafe fn MakeTable(DeviceExtension: PVOID, Srb: PVOID) {
    let (Extension, Bytes) = (ExtensionOf(Srb), BytesOf(Srb));
    let (Lowest, Highest) = (PHYSICAL_ADDRESS::new(0), PHYSICAL_ADDRESS::new(i64::MAX));
    let (mut Memory, mut Length): (PVOID, ULONG) = (null_mut(), 0);

    (*Extension).Table = null_mut();
    if (*Extension).Base.count as usize <= INLINE {
        return;
    }
    let Status = StorPortAllocateContiguousMemorySpecifyCacheNode(
        DeviceExtension,
        Bytes,
        Lowest,
        Highest,
        PHYSICAL_ADDRESS::new(0),
        MmCached,
        0,
        &raw mut Memory,
    );
    if Status != STOR_STATUS_SUCCESS {
        return;
    }
    let At = StorPortGetPhysicalAddress(DeviceExtension, null_mut(), Memory, &raw mut Length);
    Memory.copy_from_nonoverlapping((&raw const (*Extension).Base.table).cast(), Bytes);
    (*Extension).Table = Memory.cast();
    (*Extension).Physical = At.QuadPart() as u64;
}

/// The descriptors of a request, wherever they are.
unsafe fn DescriptorsOf<'a>(Srb: PVOID) -> (&'a [Descriptor], u64) {
    let Extension = ExtensionOf(Srb);
    let Count = (*Extension).Base.count as usize;

    if (*Extension).Table.is_null() {
        let First = (&raw const (*Extension).Base.table).cast();
        return (from_raw_parts(First, Count), (*Extension).Base.physical);
    }
    (from_raw_parts((*Extension).Table, Count), (*Extension).Physical)
}

/// Frees the table of a request that has one.
unsafe fn FreeTable(DeviceExtension: PVOID, Srb: PVOID) {
    let Extension = ExtensionOf(Srb);

    if !(*Extension).Table.is_null() {
        let (Table, Bytes) = ((*Extension).Table.cast(), BytesOf(Srb));
        StorPortFreeContiguousMemorySpecifyCache(DeviceExtension, Table, Bytes, MmCached);
        (*Extension).Table = null_mut();
    }
}

pub(super) struct InInterrupt;

impl Ways for InInterrupt {
    const RINGS: u32 = 1;
    const LOCKS_INTERRUPTS: bool = true;
    const SRB_EXTENSION_BYTES: usize = size_of::<WITH_TABLE>();

    unsafe fn CompletesInInterrupt(_Extension: *mut AdapterExtension) -> bool {
        true // Wrong: a table cannot be freed there.
    }

    unsafe fn Built(DeviceExtension: PVOID, Srb: PVOID) {
        MakeTable(DeviceExtension, Srb);
    }

    unsafe fn Descriptors<'a>(Srb: PVOID) -> (&'a [Descriptor], u64) {
        DescriptorsOf(Srb)
    }

    unsafe fn Completing(DeviceExtension: PVOID, Srb: PVOID) {
        FreeTable(DeviceExtension, Srb);
    }
}

pub(super) struct InDpc;

impl Ways for InDpc {
    const RINGS: u32 = 1;
    const SRB_EXTENSION_BYTES: usize = size_of::<WITH_TABLE>();

    unsafe fn Built(DeviceExtension: PVOID, Srb: PVOID) {
        MakeTable(DeviceExtension, Srb);
    }

    unsafe fn Descriptors<'a>(Srb: PVOID) -> (&'a [Descriptor], u64) {
        DescriptorsOf(Srb)
    }

    unsafe fn Completing(DeviceExtension: PVOID, Srb: PVOID) {
        FreeTable(DeviceExtension, Srb);
    }
}

pub(super) type Buggy = Tagged<InInterrupt>;
pub(super) type Fixed = Tagged<InDpc>;
