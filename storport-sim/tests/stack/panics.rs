//! Whose failure a panic on a machine is: this crate's own, or the driver's.

use crate::rig::{DISK_BYTES, tiny};
use kernel_sim::bugcheck::Ending;
use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Execution};
use storport_sim::client::Rig;
use storport_sim::ddi::*;

unsafe extern "C-unwind" fn refuses(_: PDRIVER_OBJECT, _: PUNICODE_STRING) -> NTSTATUS {
    STATUS_INSUFFICIENT_RESOURCES
}

/// The client's rig wants a driver that loads: the `expect` that says so is a line of this crate.
#[test]
#[should_panic(expected = "the driver loads")]
fn a_panic_in_a_source_of_this_crate_is_a_panic_of_the_caller() {
    let rig = Rig::new(Some(refuses), 1, DISK_BYTES);
    let outcome = rig.run(Config::new(1, Execution::Seeded(1)).unwrap(), |_| ());
    unreachable!("the run went on: {:?}", outcome.ending);
}

unsafe extern "C-unwind" fn panics(_: PVOID, _: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    panic!("the driver's own assertion");
}

unsafe extern "C-unwind" fn panics_in_start_io(driver: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
    // SAFETY: the I/O manager passes a live driver object and the path of its registry key.
    unsafe { tiny::register(driver, path, |data| data.HwStartIo = Some(panics)) }
}

#[test]
fn a_panic_in_a_file_of_the_driver_is_a_bug_check_of_the_driver() {
    let rig = Rig::new(Some(panics_in_start_io), 1, DISK_BYTES);
    let outcome = rig.run(Config::new(1, Execution::Seeded(1)).unwrap(), |_| ());
    let Ending::BugCheck(check) = outcome.ending else { panic!("{:?}", outcome.ending) };
    assert_eq!((check.stop.code, check.raised_at.map(|at| at.file())), (0x1E, Some(file!())));
}
