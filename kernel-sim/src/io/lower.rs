//! The function of a physical device object's own: what a device without hardware of its driver's does.
//!
//! A bus driver's device may be more than a place in the tree: a disk that its bus driver serves, say, on top
//! of which filters are put. What it does is a [`LowerDevice`]; plug and play and power stay the root bus's.
//! It is the system's, not under test.

use crate::ddi::types::{NTSTATUS, PDEVICE_OBJECT, PIRP};

/// See the module page.
pub trait LowerDevice: Send + Sync {
    /// The dispatch routine for every major function but IRP_MJ_PNP and IRP_MJ_POWER, which completes the
    /// IRP now or later.
    ///
    /// # Safety
    /// The I/O manager calls with a live device object and a live IRP, which is the device's from then on.
    #[expect(unsafe_code, reason = "an IRP is a pointer")]
    unsafe fn dispatch(&self, device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS;

    /// It is pulled out: what comes from now on fails, and what is under way ends.
    fn pull_out(&self) {}

    /// The stack above is gone, and nothing comes any more: gives its memory back. At PASSIVE_LEVEL.
    fn end(&self) {}
}
