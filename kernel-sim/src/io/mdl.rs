//! Memory descriptor lists and address translation.
//!
//! All memory of the machine is nonpaged and mapped, so an MDL is a description and never maps anything. What
//! Windows would have to map can be refused all the same, where allocations are made to fail.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::allocation_failure;
use crate::bugcheck::{KMODE_EXCEPTION_NOT_HANDLED, UNBALANCED_RELEASE};
use crate::ddi::Call;
use crate::ddi::types::*;
use crate::pool::{allocate_object, tag};
use std::ptr::null_mut;

const PAGE: usize = 4096;
/// The exception raised for an address that is not memory.
const STATUS_ACCESS_VIOLATION: u64 = 0xC000_0005;

fn object<'a>(call: &Call, mdl: PMDL) -> &'a mut MDL {
    if !call.cpu.is_memory(mdl as usize, size_of::<MDL>()) || !mdl.is_aligned() {
        call.bad_pointer(mdl as usize, "the MDL");
    }
    // SAFETY: mapped, aligned memory of the machine, plain data.
    unsafe { &mut *mdl }
}

pub(crate) unsafe fn allocate(
    call: &Call,
    address: PVOID,
    bytes: ULONG,
    secondary: BOOLEAN,
    _quota: BOOLEAN,
    irp: PIRP,
) -> PMDL {
    let mdl: PMDL = allocate_object(call, size_of::<MDL>(), tag(b"Mdl ")).cast();
    if mdl.is_null() {
        return mdl;
    }
    // SAFETY: a fresh zeroed block of that size.
    unsafe {
        (*mdl).Size = size_of::<MDL>() as CSHORT;
        (*mdl).StartVa = (address as usize & !(PAGE - 1)) as PVOID;
        (*mdl).ByteOffset = (address as usize & (PAGE - 1)) as ULONG;
        (*mdl).ByteCount = bytes;
    }
    if !irp.is_null() {
        let i = super::irp::object(call, irp);
        if secondary == FALSE {
            i.MdlAddress = mdl;
        } else {
            let mut last = object(call, i.MdlAddress);
            while !last.Next.is_null() {
                last = object(call, last.Next);
            }
            last.Next = mdl;
        }
    }
    mdl
}

pub(crate) unsafe fn free(call: &Call, mdl: PMDL) {
    object(call, mdl);
    call.cpu.machine().pool_free(call, mdl.cast(), None);
}

pub(crate) unsafe fn build_for_nonpaged_pool(call: &Call, mdl: PMDL) {
    let m = object(call, mdl);
    let address = m.StartVa as usize + m.ByteOffset as usize;
    if !call.cpu.is_memory(address, m.ByteCount as usize) {
        call.bad_pointer(address, "the buffer of the MDL");
    }
    m.MappedSystemVa = address as PVOID;
    m.MdlFlags |= MDL_SOURCE_IS_NONPAGED_POOL;
}

/// On Windows a buffer that is not memory raises an exception, which the driver is to catch; nothing can be
/// caught here, so it is the bug check of an uncaught exception.
pub(crate) unsafe fn probe_and_lock(
    call: &Call,
    mdl: PMDL,
    _mode: KPROCESSOR_MODE,
    _operation: LOCK_OPERATION,
) {
    let m = object(call, mdl);
    let address = m.StartVa as usize + m.ByteOffset as usize;
    if !call.cpu.is_memory(address, m.ByteCount as usize) {
        let shown = call.cpu.machine().machine_address(address);
        let what = format!("{} of a buffer that is no memory", call.ddi.name);
        call.bug_check(KMODE_EXCEPTION_NOT_HANDLED, [STATUS_ACCESS_VIOLATION, 0, 0, shown], what);
    }
    m.MdlFlags |= MDL_PAGES_LOCKED;
}

pub(crate) unsafe fn unlock(call: &Call, mdl: PMDL) {
    let m = object(call, mdl);
    if m.MdlFlags & MDL_PAGES_LOCKED == 0 {
        let shown = call.cpu.machine().machine_address(mdl as usize);
        let what = format!("{} of pages that are not locked", call.ddi.name);
        call.bug_check(UNBALANCED_RELEASE, [0, shown, 0, 0], what);
    }
    // The mapping goes with the lock.
    m.MdlFlags &= !(MDL_PAGES_LOCKED | MDL_MAPPED_TO_SYSTEM_VA);
    m.MappedSystemVa = null_mut();
}

pub(crate) unsafe fn system_address(call: &Call, mdl: PMDL, _priority: ULONG) -> PVOID {
    let m = object(call, mdl);
    if m.MdlFlags & MDL_PAGES_LOCKED != 0 && m.MdlFlags & MDL_MAPPED_TO_SYSTEM_VA == 0 {
        if allocation_failure::fails(call, m.ByteCount as usize) {
            return null_mut();
        }
        m.MappedSystemVa = (m.StartVa as usize + m.ByteOffset as usize) as PVOID;
        m.MdlFlags |= MDL_MAPPED_TO_SYSTEM_VA;
    }
    if m.MdlFlags & (MDL_SOURCE_IS_NONPAGED_POOL | MDL_MAPPED_TO_SYSTEM_VA) == 0 {
        // Never built: there is nothing to map.
        return null_mut();
    }
    m.MappedSystemVa
}

pub(crate) unsafe fn physical_address(call: &Call, address: PVOID) -> PHYSICAL_ADDRESS {
    match call.cpu.machine().physical_address(address as usize) {
        Some(p) => LARGE_INTEGER::new(p as i64),
        None => call.bad_pointer(address as usize, "the address to translate"),
    }
}

pub(crate) unsafe fn map_io_space(
    call: &Call,
    physical: PHYSICAL_ADDRESS,
    bytes: SIZE_T,
    _caching: MEMORY_CACHING_TYPE,
) -> PVOID {
    call.cpu
        .machine()
        .virtual_address(physical.QuadPart() as u64, bytes)
        .map_or(null_mut(), |host| host as PVOID)
}

pub(crate) unsafe fn unmap_io_space(_cx: &Call, _address: PVOID, _bytes: SIZE_T) {}
