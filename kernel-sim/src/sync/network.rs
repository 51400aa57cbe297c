//! The network's plug and play, of which a rule about drivers names two routines. There is no network here.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::ddi::Call;
use crate::ddi::status::STATUS_SUCCESS;
use crate::ddi::types::{HANDLE, NTSTATUS, PHANDLE, PVOID, ULONG};

/// The handle of every binding: nothing is kept of any.
const BINDING: usize = 4;

pub(crate) unsafe fn register_handlers(
    call: &Call,
    _interface: PVOID,
    _size: ULONG,
    binding: PHANDLE,
) -> NTSTATUS {
    call.check_output(binding);
    // SAFETY: just found in mapped memory, aligned.
    unsafe { *binding = BINDING as HANDLE };
    STATUS_SUCCESS
}

pub(crate) unsafe fn deregister_handlers(_call: &Call, _binding: HANDLE) -> NTSTATUS {
    STATUS_SUCCESS
}
