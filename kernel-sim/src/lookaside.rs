//! Look-aside lists: blocks of one size, kept for the next allocation.
//!
//! Here none is kept: every allocation comes from the pool and every free returns the block to it. So a
//! driver that uses a block after freeing it, frees it twice or never frees it is found out; a list that
//! keeps blocks would hide all three. That the routines may do this is documented only in so far as the
//! system sets the depth. Invariant: a list is used between its initialization and its deletion only.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::bugcheck::DRIVER_VERIFIER_DETECTED_VIOLATION as VERIFIER;
use crate::ddi::Call;
use crate::ddi::types::*;
use crate::image::Routine as _;
use crate::pool;

/// Marks a list that was initialized.
const INITIALIZED: u64 = u64::from_le_bytes(*b"Lookasid");

fn object<'a>(call: &Call, list: *mut GENERAL_LOOKASIDE) -> &'a mut GENERAL_LOOKASIDE {
    if !call.cpu.is_memory(list as usize, size_of::<GENERAL_LOOKASIDE>()) || !list.is_aligned() {
        call.bad_pointer(list as usize, "the look-aside list");
    }
    // SAFETY: mapped, aligned memory of the machine, plain data; the driver's own.
    unsafe { &mut *list }
}

/// A list that is in use.
fn live<'a>(call: &Call, list: *mut GENERAL_LOOKASIDE) -> &'a mut GENERAL_LOOKASIDE {
    let object = object(call, list);
    if object.Initialized != INITIALIZED {
        call.bad_pointer(list as usize, "the look-aside list, which is not initialized");
    }
    object
}

fn initialize(
    call: &Call,
    list: *mut GENERAL_LOOKASIDE,
    kind: POOL_TYPE,
    allocate: PALLOCATE_FUNCTION,
    free: PFREE_FUNCTION,
    size: SIZE_T,
    tag: ULONG,
) {
    let l = object(call, list);
    if l.Initialized == INITIALIZED {
        let shown = call.cpu.machine().machine_address(list as usize);
        call.bug_check(VERIFIER, [0xCA, shown, 0, 0], "a look-aside list is initialized twice");
    }
    *l = GENERAL_LOOKASIDE {
        Initialized: INITIALIZED,
        Size: size,
        Tag: tag,
        Type: kind,
        Allocate: allocate,
        Free: free,
    };
}

#[expect(clippy::too_many_arguments, reason = "the documented signature")]
pub(crate) unsafe fn initialize_nonpaged(
    call: &Call,
    list: PNPAGED_LOOKASIDE_LIST,
    allocate: PALLOCATE_FUNCTION,
    free: PFREE_FUNCTION,
    _flags: ULONG,
    size: SIZE_T,
    tag: ULONG,
    _depth: USHORT,
) {
    initialize(call, list, NonPagedPoolNx, allocate, free, size, tag);
}

#[expect(clippy::too_many_arguments, reason = "the documented signature")]
pub(crate) unsafe fn initialize_paged(
    call: &Call,
    list: PPAGED_LOOKASIDE_LIST,
    allocate: PALLOCATE_FUNCTION,
    free: PFREE_FUNCTION,
    _flags: ULONG,
    size: SIZE_T,
    tag: ULONG,
    _depth: USHORT,
) {
    initialize(call, list, PagedPool, allocate, free, size, tag);
}

pub(crate) unsafe fn allocate(call: &Call, list: *mut GENERAL_LOOKASIDE) -> PVOID {
    let l = live(call, list);
    match l.Allocate {
        // SAFETY: the routine is the driver's own, called as documented.
        Some(routine) => unsafe { routine.go((l.Type, l.Size, l.Tag)) },
        None => pool::allocate(call, l.Size, l.Tag, l.Type == PagedPool, false),
    }
}

pub(crate) unsafe fn free(call: &Call, list: *mut GENERAL_LOOKASIDE, entry: PVOID) {
    let l = live(call, list);
    match l.Free {
        // SAFETY: the routine is the driver's own, called as documented.
        Some(routine) => unsafe { routine.go((entry,)) },
        None => call.cpu.machine().pool_free(call, entry, Some(l.Tag)),
    }
}

pub(crate) unsafe fn delete(call: &Call, list: *mut GENERAL_LOOKASIDE) {
    let l = object(call, list);
    if l.Initialized != INITIALIZED {
        let shown = call.cpu.machine().machine_address(list as usize);
        let what = "a look-aside list is deleted that was not initialized";
        call.bug_check(VERIFIER, [0xCB, shown, 0, 0], what);
    }
    *l = GENERAL_LOOKASIDE { Initialized: 0, Size: 0, Tag: 0, Type: 0, Allocate: None, Free: None };
}
