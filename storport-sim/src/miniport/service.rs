//! Service requests: IRPs that a virtual miniport keeps until it has something to say.

#![expect(unsafe_code, reason = "wraps layer 1, whose contracts its types keep")]

use crate::ddi::StorPortCompleteServiceIrp;
use kernel_sim::ddi::{
    IO_NO_INCREMENT, IO_STATUS_BLOCK, IoCompleteRequest, IoGetCurrentIrpStackLocation, NTSTATUS, PIRP, PVOID,
};

/// A service request the miniport has: what HwStorProcessServiceRequest was given. It may be kept; one
/// that is dropped without being completed leaves its sender waiting for ever.
#[must_use = "a service request that is not completed leaves its sender waiting"]
pub struct ServiceIrp {
    extension: PVOID,
    irp: PIRP,
}

// SAFETY: the IRP is the miniport's until it is completed, on any processor.
unsafe impl Send for ServiceIrp {}

impl ServiceIrp {
    /// The request behind HwStorProcessServiceRequest's arguments.
    ///
    /// # Safety
    /// The miniport has just been given this IRP, and this is the only handle to it.
    pub(super) unsafe fn new(extension: PVOID, irp: PIRP) -> ServiceIrp {
        ServiceIrp { extension, irp }
    }

    /// The sender's buffer: its input, and room for the output. Empty if it has none.
    pub fn buffer(&mut self) -> &mut [u8] {
        // SAFETY: the I/O manager's live IRP, whose system buffer is as long as the longer of the two
        // lengths; the handle is borrowed meanwhile.
        unsafe {
            let parameters = (*IoGetCurrentIrpStackLocation(self.irp)).Parameters.DeviceIoControl;
            let length = parameters.InputBufferLength.max(parameters.OutputBufferLength) as usize;
            let buffer = (*self.irp).AssociatedIrp.SystemBuffer;
            if buffer.is_null() {
                return &mut [];
            }
            std::slice::from_raw_parts_mut(buffer.cast(), length)
        }
    }

    /// The sender's input: the beginning of its buffer.
    pub fn input(&mut self) -> &[u8] {
        // SAFETY: the I/O manager's live IRP.
        let length =
            unsafe { (*IoGetCurrentIrpStackLocation(self.irp)).Parameters.DeviceIoControl.InputBufferLength };
        let buffer = self.buffer();
        &buffer[..buffer.len().min(length as usize)]
    }

    fn set_status(&self, status: NTSTATUS, information: usize) {
        // SAFETY: the IRP is the miniport's until it is completed.
        unsafe { (*self.irp).IoStatus = IO_STATUS_BLOCK::new(status, information) };
    }

    /// Completes the request by `StorPortCompleteServiceIrp`, as the documentation asks. `information` is the
    /// number of bytes of output in the buffer.
    #[track_caller]
    pub fn complete(self, status: NTSTATUS, information: usize) {
        self.set_status(status, information);
        // SAFETY: the IRP is the miniport's, and the handle ends here.
        unsafe { StorPortCompleteServiceIrp(self.extension, self.irp) }
    }

    /// Completes the request by `IoCompleteRequest`, which a virtual miniport may call as well. Not
    /// under a spin lock: rule SpinLockSafe.
    #[track_caller]
    pub fn complete_with_io_manager(self, status: NTSTATUS, information: usize) {
        self.set_status(status, information);
        // SAFETY: the IRP is the miniport's, and the handle ends here.
        unsafe { IoCompleteRequest(self.irp, IO_NO_INCREMENT) }
    }
}
