//! Host adapters at register level: device models to which drivers of real adapters can be ported.
//!
//! Each stands before a [`Medium`](crate::Medium), follows a published specification, and has a `slot` that
//! says of it what the bus would. None knows which driver runs.

pub mod ahci;
pub mod virtio_scsi;
