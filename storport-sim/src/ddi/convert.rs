//! What storport.h defines as macros or inline functions.
//!
//! Part of the caller on Windows too, so they have no hook, no scheduling point and no check of their own.

#![expect(unsafe_code, reason = "layer 1: pointers and contracts are those of storport.h")]
#![expect(non_snake_case, reason = "the documented WDK names")]

use super::hardware_structures::STOR_PHYSICAL_ADDRESS;
use super::table::StorPortAllocateContiguousMemorySpecifyCacheNode;
use kernel_sim::ddi::{LARGE_INTEGER, MEMORY_CACHING_TYPE, PVOID, RtlCopyMemory, SIZE_T, ULONG};

/// Copies bytes that do not overlap.
///
/// # Safety
/// Both ranges are the caller's.
pub unsafe fn StorPortCopyMemory(Destination: PVOID, Source: PVOID, Length: ULONG) {
    // SAFETY: the caller promises that both ranges are its own.
    unsafe { RtlCopyMemory(Destination, Source, Length as usize) }
}

/// A physical address below 4 GiB from its number.
#[must_use]
pub const fn StorPortConvertUlongToPhysicalAddress(UlongAddress: ULONG) -> STOR_PHYSICAL_ADDRESS {
    LARGE_INTEGER::new(UlongAddress as i64)
}

/// A physical address from its number.
#[must_use]
pub const fn StorPortConvertUlong64ToPhysicalAddress(UlongAddress: u64) -> STOR_PHYSICAL_ADDRESS {
    LARGE_INTEGER::new(UlongAddress as i64)
}

/// The lower half of a physical address.
#[must_use]
pub const fn StorPortConvertPhysicalAddressToUlong(Address: STOR_PHYSICAL_ADDRESS) -> ULONG {
    Address.QuadPart() as ULONG
}

/// A physical address as a number.
#[must_use]
pub const fn StorPortConvertPhysicalAddressToUlong64(Address: STOR_PHYSICAL_ADDRESS) -> u64 {
    Address.QuadPart() as u64
}

/// Allocates physically contiguous memory, on any node.
///
/// # Safety
/// As for [`StorPortAllocateContiguousMemorySpecifyCacheNode`].
#[track_caller]
pub unsafe fn StorPortAllocateContiguousMemorySpecifyCache(
    HwDeviceExtension: PVOID,
    NumberOfBytes: SIZE_T,
    LowestAcceptableAddress: STOR_PHYSICAL_ADDRESS,
    HighestAcceptableAddress: STOR_PHYSICAL_ADDRESS,
    BoundaryAddressMultiple: STOR_PHYSICAL_ADDRESS,
    CacheType: MEMORY_CACHING_TYPE,
    BufferPointer: *mut PVOID,
) -> ULONG {
    const ANY_NODE: ULONG = 0x8000_0000;
    // SAFETY: the caller keeps the contract of the routine called.
    unsafe {
        StorPortAllocateContiguousMemorySpecifyCacheNode(
            HwDeviceExtension,
            NumberOfBytes,
            LowestAcceptableAddress,
            HighestAcceptableAddress,
            BoundaryAddressMultiple,
            CacheType,
            ANY_NODE,
            BufferPointer,
        )
    }
}
