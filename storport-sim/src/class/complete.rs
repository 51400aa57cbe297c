//! The end of an IRP in its dispatch routine: one that needs nothing of the unit.

#![expect(unsafe_code, reason = "fills and reads IRPs and SRBs in driver memory")]

use kernel_sim::ddi::{IO_NO_INCREMENT, IO_STATUS_BLOCK, IoCompleteRequest, NTSTATUS, PIRP};

/// Completes an IRP that is not sent down; returns `status`, for the dispatch routine to return.
///
/// # Safety
/// The IRP is the dispatch routine's.
pub(super) unsafe fn complete_now(irp: PIRP, status: NTSTATUS, information: usize) -> NTSTATUS {
    // SAFETY: the caller owns the IRP.
    unsafe {
        (*irp).IoStatus = IO_STATUS_BLOCK::new(status, information);
        IoCompleteRequest(irp, IO_NO_INCREMENT);
    }
    status
}
