//! Storport in userspace: the port driver, the SRBs, a disk class driver, and a SCSI disk behind it.
//!
//! A miniport calls it through [`ddi`], the documented names, or writes against [`miniport`], safe Rust
//! over them. A test rig loads the driver on a machine of `kernel_sim`, starts its [`Adapter`], and
//! sends ordinary read and write IRPs to [`Adapter::disks`]. Miniports are virtual, or physical over a
//! device of the machine that a [`PciSlot`] describes. This crate has never heard of a rule: what happens is
//! shown to the watchers of the machine. What goes wrong under a fault plan, who deals with it and whose
//! behaviour that follows is in FAULTS.md, beside this crate's manifest.
//!
//! A miniport that forgets a request, and how that shows:
//!
//! ```
//! use kernel_sim::{bugcheck::Ending, ddi::*, machine::{Config, Execution, Machine}};
//! use storport_sim::{Adapter, miniport::*};
//!
//! struct Forgetful;
//!
//! impl VirtualMiniport for Forgetful {
//!     fn find_adapter(_: &mut Configuration<'_>) -> Result<Self, FindError> {
//!         Ok(Forgetful)
//!     }
//!     fn start_io(&self, srb: Srb) {
//!         if srb.target() == 0 {
//!             drop(srb); // never completed
//!         } else {
//!             srb.complete(SrbStatus::NO_DEVICE);
//!         }
//!     }
//!     fn reset_bus(&self, _path: u8) -> bool {
//!         true
//!     }
//! }
//!
//! unsafe extern "C-unwind" fn driver_entry(driver: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
//!     // SAFETY: the I/O manager passes a live driver object and the path of its registry key.
//!     unsafe { register::<Forgetful>(driver, path) }
//! }
//!
//! let outcome = Config::new(2, Execution::Seeded(1)).unwrap().run(|| {
//!     let driver = Machine::current().unwrap().load_driver(Some(driver_entry)).unwrap();
//!     let _ = Adapter::start(driver); // the bus scan waits for its first request
//! });
//! let Ending::BugCheck(check) = outcome.ending else { panic!("{:?}", outcome.ending) };
//! assert_eq!((check.stop.code, check.parameters[0]), (0xF1, 0x1007));
//! assert!(check.what.starts_with("the miniport still has SRB "));
//! ```

pub mod callbacks;
mod class;
pub mod client;
pub mod controller;
pub mod ddi;
pub mod disk;
pub mod hba;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub mod image;
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub mod image {
    //! Drivers from files, which this host cannot run.
    pub use kernel_sim::image::{Image, entry};

    /// No image.
    ///
    /// # Errors
    /// Always.
    pub fn load(
        path: &std::path::Path,
        bytes: Vec<u8>,
    ) -> Result<&'static Image, kernel_sim::image::NotAnImage> {
        Image::load(path, bytes)
    }
}
mod lower_disk;
pub mod medium;
pub mod miniport;
mod port;
pub mod scsi;
pub mod seen;
mod srb_end;
mod wait;

pub use class::{DISK_RETRIES_MAX, DiskStatistics};
pub use lower_disk::LowerDisk;
pub use medium::{Medium, UnitChange};
pub use port::{
    Adapter, BUSY_RETRIES_MAX, CompleteWhere, LogEntry, Parameter, PciSlot, RebalanceError, StartError,
    StartOptions,
};
pub use srb_end::end_srb;

/// Says that a panic raised in this crate is the simulator's failure. Every way into this crate calls it
/// before code of this crate runs on a machine.
fn register_sources() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| kernel_sim::own_sources::register(file!()));
}
