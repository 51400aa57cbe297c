//! Memory the miniport allocates: pool, contiguous memory for DMA, MDLs.
//!
//! For an adapter with hardware the port driver remembers every block, so that a device can be let at it when
//! its physical address is asked for, and kept from it when it is freed. Invariant: a block is in the list
//! from its allocation to its freeing, by whichever routine.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter;
use super::adapter::AdapterState;
use crate::ddi::{
    PSTOR_PHYSICAL_ADDRESS, STOR_PHYSICAL_ADDRESS, STOR_STATUS_INSUFFICIENT_RESOURCES,
    STOR_STATUS_INVALID_IRQL, STOR_STATUS_INVALID_PARAMETER, STOR_STATUS_SUCCESS,
};
use kernel_sim::ddi::{Call, MEMORY_CACHING_TYPE, PVOID, SIZE_T, ULONG};
use kernel_sim::irql::Irql;
use kernel_sim::unhooked;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::ptr::null_mut;

/// The tag of memory that a routine without a tag parameter allocates.
const CONTIGUOUS_TAG: u32 = kernel_sim::pool::tag(b"StCm");
const PAGE: usize = super::dma::PAGE;

/// One block.
#[derive(Clone, Copy)]
struct Allocation {
    bytes: usize,
    is_admitted: bool,
}

/// The blocks a miniport has, by host address.
#[derive(Default)]
pub(super) struct Allocations(Mutex<BTreeMap<usize, Allocation>>);

impl Allocations {
    fn add(&self, address: PVOID, bytes: usize, is_admitted: bool) {
        self.0.lock().insert(address as usize, Allocation { bytes, is_admitted });
    }

    fn remove(&self, address: PVOID) -> Option<Allocation> {
        self.0.lock().remove(&(address as usize))
    }

    /// The block that holds an address, within the device's reach from now on.
    pub(super) fn reach(&self, _cx: &Call, adapter: &AdapterState, address: usize) -> Option<(usize, usize)> {
        let mut blocks = self.0.lock();
        let (start, block) = blocks.range_mut(..=address).next_back()?;
        if address - start >= block.bytes {
            return None;
        }
        let (start, bytes) = (*start, block.bytes);
        let is_new = !std::mem::replace(&mut block.is_admitted, true);
        drop(blocks);
        if is_new {
            adapter.admit_memory(start, bytes);
        }
        Some((start, bytes))
    }
}

fn allocate(call: &Call, adapter: &AdapterState, bytes: usize, tag: u32, for_dma: bool) -> PVOID {
    let memory = unhooked::allocate_for_driver(call, bytes, tag);
    if !memory.is_null() && adapter.hardware.is_some() {
        adapter.allocations.add(memory, bytes, for_dma);
        if for_dma {
            adapter.admit_memory(memory as usize, bytes);
        }
    }
    memory
}

impl AdapterState {
    /// Gives back what the miniport allocated, as Storport does for one that it does not call any more.
    pub(super) fn free_allocations(&self) {
        let blocks = std::mem::take(&mut *self.allocations.0.lock());
        for (address, block) in blocks {
            if block.is_admitted {
                self.revoke_memory(address, block.bytes);
            }
            unhooked::free_for_driver(&super::own_cx(), address as PVOID);
        }
    }
}

fn free(call: &Call, adapter: &AdapterState, address: PVOID) {
    if let Some(block) = adapter.allocations.remove(address)
        && block.is_admitted
    {
        adapter.revoke_memory(address as usize, block.bytes);
    }
    unhooked::free_for_driver(call, address);
}

pub(crate) unsafe fn allocate_pool(
    call: &Call,
    extension: PVOID,
    bytes: ULONG,
    tag: ULONG,
    out: *mut PVOID,
) -> ULONG {
    let adapter = adapter(call, extension);
    call.check_output(out);
    // SAFETY: found in mapped memory above.
    unsafe {
        *out = null_mut();
        if call.cpu.irql() > Irql::DISPATCH {
            return STOR_STATUS_INVALID_IRQL;
        }
        if bytes == 0 {
            return STOR_STATUS_INVALID_PARAMETER;
        }
        *out = allocate(call, adapter, bytes as usize, tag, false);
        if (*out).is_null() { STOR_STATUS_INSUFFICIENT_RESOURCES } else { STOR_STATUS_SUCCESS }
    }
}

pub(crate) unsafe fn free_pool(call: &Call, extension: PVOID, address: PVOID) -> ULONG {
    let adapter = adapter(call, extension);
    if call.cpu.irql() > Irql::DISPATCH {
        return STOR_STATUS_INVALID_IRQL;
    }
    if address.is_null() {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    free(call, adapter, address);
    STOR_STATUS_SUCCESS
}

/// Every block here is physically contiguous and below any limit a driver names, so the address
/// arguments only have to make sense. The block begins with a page and is rounded up to whole ones.
#[expect(clippy::too_many_arguments, reason = "the documented signature")]
pub(crate) unsafe fn allocate_contiguous(
    call: &Call,
    extension: PVOID,
    bytes: SIZE_T,
    lowest: STOR_PHYSICAL_ADDRESS,
    highest: STOR_PHYSICAL_ADDRESS,
    _boundary: STOR_PHYSICAL_ADDRESS,
    _caching: MEMORY_CACHING_TYPE,
    _node: ULONG,
    out: *mut PVOID,
) -> ULONG {
    let adapter = adapter(call, extension);
    call.check_output(out);
    // SAFETY: found in mapped memory above.
    unsafe {
        *out = null_mut();
        if call.cpu.irql() > Irql::DISPATCH {
            return STOR_STATUS_INVALID_IRQL;
        }
        if bytes == 0 || (lowest.QuadPart() as u64) > highest.QuadPart() as u64 {
            return STOR_STATUS_INVALID_PARAMETER;
        }
        *out = allocate(call, adapter, bytes.next_multiple_of(PAGE), CONTIGUOUS_TAG, true);
        if (*out).is_null() { STOR_STATUS_INSUFFICIENT_RESOURCES } else { STOR_STATUS_SUCCESS }
    }
}

pub(crate) unsafe fn free_contiguous(
    call: &Call,
    extension: PVOID,
    address: PVOID,
    _bytes: SIZE_T,
    _caching: MEMORY_CACHING_TYPE,
) -> ULONG {
    // SAFETY: the driver's own pointer, which `free_pool` checks before it uses it.
    unsafe { free_pool(call, extension, address) }
}

#[expect(clippy::too_many_arguments, reason = "the documented signature")]
pub(crate) unsafe fn allocate_dma(
    call: &Call,
    extension: PVOID,
    bytes: SIZE_T,
    lowest: STOR_PHYSICAL_ADDRESS,
    highest: STOR_PHYSICAL_ADDRESS,
    boundary: STOR_PHYSICAL_ADDRESS,
    caching: MEMORY_CACHING_TYPE,
    node: ULONG,
    out: *mut PVOID,
    physical: PSTOR_PHYSICAL_ADDRESS,
) -> ULONG {
    call.check_output(physical);
    // SAFETY: the driver's own pointers; both outputs are checked before they are written.
    unsafe {
        let status =
            allocate_contiguous(call, extension, bytes, lowest, highest, boundary, caching, node, out);
        if status == STOR_STATUS_SUCCESS {
            let address = call.machine().physical_of(*out as usize).unwrap_or(0);
            *physical = STOR_PHYSICAL_ADDRESS::new(address as i64);
        }
        status
    }
}

pub(crate) unsafe fn free_dma(
    call: &Call,
    extension: PVOID,
    address: PVOID,
    bytes: SIZE_T,
    caching: MEMORY_CACHING_TYPE,
    _physical: STOR_PHYSICAL_ADDRESS,
) -> ULONG {
    // SAFETY: the driver's own pointer, which `free_contiguous` checks before it uses it.
    unsafe { free_contiguous(call, extension, address, bytes, caching) }
}
