//! A small disk class driver: reads, writes, flushes and trims become SRBs, their ends become NTSTATUS.
//!
//! It stands where disk.sys stands: a device object on top of each unit's, sending IRP_MJ_SCSI down in
//! the client's own IRP. It knows nothing of adapters, and a request that is too long for one goes as
//! several, one after the other. It is the system's, not a driver under test.
//!
//! ```text
//! device.rs    the device objects, attaching and detaching      disk.rs     what is known of one disk
//! dispatch.rs  which request goes where                         complete.rs IRPs that are not sent down
//! request.rs   an IRP as SRBs, piece by piece                   packet.rs   SRBs, kept for the next request
//! ends/        what an SRB's end means, a row for each          counters.rs what has happened to requests
//! question.rs  asking a unit something                          capacity.rs how big the disk is
//! provisioning.rs  whether the unit takes UNMAP                 trim.rs     ranges into UNMAP commands
//! device_control.rs  the length, a property, trims
//! ```
//!
//! Invariant: a request is completed once, when nothing of it is below us any more.

mod capacity;
mod complete;
mod counters;
mod device;
mod device_control;
mod disk;
mod dispatch;
mod ends;
mod packet;
mod provisioning;
mod question;
mod request;
mod trim;

pub use counters::DiskStatistics;
pub(crate) use device::Disks;
pub use ends::RETRIES_MAX as DISK_RETRIES_MAX;
