//! `wdm-startio`: a disk driver as WDM drivers have been written since NT 3.1, and four ways to get
//! it wrong.
//!
//! It drives the [disk controller](storport_sim::controller), which takes one command at a time, with
//! the machinery made for such devices: requests are queued by the I/O manager (IoStartPacket), StartIo
//! programs the device, the interrupt service routine asks for a DPC, the DPC completes the request
//! and asks for the next one. It reads as it would in C, under the WDK's names, and reaches the kernel
//! through `ddi` alone. It is not a Storport miniport and knows no SCSI.
//!
//! The invariant that all of it serves: **no spin lock is held when code of others may run**, which is
//! in IoCompleteRequest (the completion routines of the drivers above) and in IoStartNextPacket
//! (StartIo). A lock is taken, state is changed, the lock is given back, and only then is the request
//! completed.
//!
//! Each broken form is the same driver with one routine replaced, which its file shows whole:
//!
//! | driver | what it does wrong | when |
//! | --- | --- | --- |
//! | [`complete_under_lock`] | IoCompleteRequest with its spin lock held | every request |
//! | [`next_under_lock`] | IoStartNextPacket with its spin lock held | every request |
//! | [`complete_under_cancel_lock`] | IoCompleteRequest with the cancel spin lock held | every request |
//! | [`rare`] | IoCompleteRequest with its spin lock held | when one DPC overtakes another |
#![expect(
    non_snake_case,
    non_camel_case_types,
    non_upper_case_globals,
    reason = "a driver in the manner of C, under the WDK's names"
)]
#![expect(clippy::manual_is_multiple_of, reason = "the remainder, as in C")]
#![expect(
    unsafe_op_in_unsafe_fn,
    clippy::missing_safety_doc,
    reason = "as in C: every routine works on raw pointers throughout, and is called as the WDK documents"
)]

pub mod complete_under_cancel_lock;
pub mod complete_under_lock;
pub(crate) mod ddi;
pub(crate) mod device;
pub(crate) mod dispatch;
mod driver;
pub(crate) mod held;
mod interrupt;
pub mod next_under_lock;
mod pnp;
mod power;
pub mod rare;
mod start_io;

pub use driver::driver_entry;
