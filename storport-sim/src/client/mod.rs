//! A client of disks: what a test of a driver sends requests with.
//!
//! A [`Client`] has one request outstanding at most, with a buffer of its own; many of them keep many
//! outstanding. A [`Burst`] collects requests that are waited for later, a [`Load`] is threads that write,
//! read back and compare, a [`UnitClient`] sends command blocks to a unit as they are, and a [`Rig`] boots
//! the machine all of this runs on. It is a client as a file system is one: IRPs to device objects, through
//! the documented routines, so watchers see it like any other. It draws nothing, so a seed is a schedule of
//! the driver's. The verifier's workload is not made of it: that draws operations from a seed and keeps its
//! own account of what every block should hold.
//!
//! Invariant: memory that a request reaches stays where it is until that request has come back.
//!
//! A driver of its own, loaded and read from by two threads:
//!
//! ```
//! use kernel_sim::{ddi::*, machine::{Config, Execution, Machine}};
//! use std::sync::Arc;
//! use storport_sim::client::{Client, Load, Request, Rig, Threads, assert_completed};
//! use storport_sim::{Medium, miniport::*};
//!
//! struct Simple(Arc<Medium>);
//!
//! impl VirtualMiniport for Simple {
//!     fn find_adapter(configuration: &mut Configuration<'_>) -> Result<Self, FindError> {
//!         configuration.set_addresses(1, 1, 1);
//!         Machine::current().and_then(Medium::of).map(Simple).ok_or(FindError::NotFound)
//!     }
//!     fn start_io(&self, mut srb: Srb) {
//!         let (lun, cdb) = (srb.lun(), srb.cdb());
//!         let done = self.0.execute(lun, &cdb, srb.data().into());
//!         srb.complete_as(&done);
//!     }
//!     fn reset_bus(&self, _path: u8) -> bool {
//!         true
//!     }
//! }
//!
//! unsafe extern "C-unwind" fn driver_entry(driver: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
//!     // SAFETY: the I/O manager passes a live driver object and the path of its registry key.
//!     unsafe { register::<Simple>(driver, path) }
//! }
//!
//! let machine = Config::new(2, Execution::Seeded(1)).unwrap();
//! let outcome = Rig::new(Some(driver_entry), 1, 1 << 20).run(machine, |bench| {
//!     let disk = bench.disk(0);
//!     let threads = Threads::start(2, move |n| {
//!         let mut client = Client::new(disk, 4096);
//!         client.data().fill(n as u8 + 1);
//!         assert_eq!(client.write(i64::from(n) * 4096, 4096), (STATUS_SUCCESS, 4096));
//!         client.data().fill(0);
//!         client.send(Request::Read { offset: i64::from(n) * 4096, bytes: 4096 });
//!         assert_eq!(client.wait(), (STATUS_SUCCESS, 4096));
//!         assert!(client.data().iter().all(|byte| *byte == n as u8 + 1));
//!     });
//!     threads.join();
//!     Load::of(4, 10).run(disk).assert_only(&[STATUS_SUCCESS]);
//! });
//! assert_completed(&outcome, "the first run");
//! ```

mod burst;
mod canceller;
mod device;
mod load;
mod pass_through;
mod request;
mod rig;
mod threads;
mod trim;
mod unit;

pub use burst::{Burst, Endings};
pub use device::Device;
pub use load::{Load, Running};
pub use pass_through::{CommandEnd, CommandError, check_command, send_command};
pub use request::{Client, Request};
pub use rig::{
    Bench, Rig, assert_completed, disk, executions, seeds, slow_executions, soak, stopped, with_adapter,
    with_device,
};
pub use threads::{Threads, sleep_us};
pub use unit::{Data, UnitAnswer, UnitClient};

use kernel_sim::ddi::PVOID;
use kernel_sim::machine::Machine;

/// The machine this code runs on.
#[track_caller]
fn machine() -> &'static Machine {
    Machine::current().expect("a client runs on a machine")
}

/// Zeroed memory of the system's.
#[track_caller]
fn allocate(bytes: usize) -> PVOID {
    let block = machine().allocate_system(bytes);
    assert!(!block.is_null(), "the machine is out of memory for a client");
    block
}
