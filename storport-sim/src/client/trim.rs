//! The input of IOCTL_STORAGE_MANAGE_DATA_SET_ATTRIBUTES that trims.

#![expect(unsafe_code, reason = "calls layer 1, as a client of the driver")]

use crate::ddi::{DEVICE_DATA_SET_RANGE, DEVICE_MANAGE_DATA_SET_ATTRIBUTES, DeviceDsmAction_Trim};

/// Where the ranges lie, in bytes.
const RANGES_AT: usize = 32;
const _: () = assert!(RANGES_AT >= size_of::<DEVICE_MANAGE_DATA_SET_ATTRIBUTES>());

/// A header, which `change` has its way with, and the ranges.
pub(super) fn request(
    ranges: &[(i64, u64)],
    change: impl FnOnce(&mut DEVICE_MANAGE_DATA_SET_ATTRIBUTES),
) -> Vec<u8> {
    let ranges_bytes = ranges.len() * size_of::<DEVICE_DATA_SET_RANGE>();
    let mut header = DEVICE_MANAGE_DATA_SET_ATTRIBUTES {
        Size: size_of::<DEVICE_MANAGE_DATA_SET_ATTRIBUTES>() as u32,
        Action: DeviceDsmAction_Trim,
        Flags: 0,
        ParameterBlockOffset: 0,
        ParameterBlockLength: 0,
        DataSetRangesOffset: RANGES_AT as u32,
        DataSetRangesLength: ranges_bytes as u32,
    };
    change(&mut header);
    let mut request = vec![0; RANGES_AT + ranges_bytes];
    // SAFETY: the header fits before the ranges, and a range is two numbers of eight bytes.
    unsafe { request.as_mut_ptr().cast::<DEVICE_MANAGE_DATA_SET_ATTRIBUTES>().write_unaligned(header) };
    for (range, (offset, bytes)) in request[RANGES_AT..].chunks_exact_mut(16).zip(ranges) {
        range[..8].copy_from_slice(&offset.to_le_bytes());
        range[8..].copy_from_slice(&bytes.to_le_bytes());
    }
    request
}
