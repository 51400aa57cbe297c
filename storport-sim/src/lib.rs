//! Storport in userspace: the port driver, the SRBs, a disk class driver, and a SCSI disk behind it.
//!
//! A miniport calls it through [`ddi`], the documented names, or writes against [`miniport`], safe Rust
//! over them. A test rig loads the driver on a machine of `kernel_sim`, starts its [`Adapter`], and
//! sends ordinary read and write IRPs to [`Adapter::disks`]. Virtual miniports only, so far. This crate
//! has never heard of a rule: what happens is shown to whoever watches the machine.

pub mod callbacks;
mod class;
pub mod controller;
pub mod ddi;
pub mod disk;
pub mod medium;
pub mod miniport;
mod port;
pub mod scsi;

pub use medium::Medium;
pub use port::{Adapter, StartError};
