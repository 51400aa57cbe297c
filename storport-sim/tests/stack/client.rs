//! The client of `storport_sim::client` itself: what its users rely on and no test of a driver shows.

use crate::rig::{DISK_BYTES, assert_completed, executions, tiny};
use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Execution};
use parking_lot::Mutex;
use std::sync::Arc;
use storport_sim::client::{Endings, Load, Rig};
use storport_sim::ddi::*;

#[test]
fn a_load_keeps_as_many_requests_outstanding_as_it_is_deep() {
    for (cpus, execution, name) in executions(4) {
        let rig = Rig::new(Some(tiny::entry_that_completes_in_a_dpc), 1, DISK_BYTES);
        let outcome = rig.run(Config::new(cpus, execution).unwrap(), |bench| {
            let endings = Load { depth: 4, blocks: 6, flush_every: 1, ..Load::of(2, 3) }.run(bench.disk(0));
            endings.assert_only(&[STATUS_SUCCESS]);
            // Two threads, three rounds: four writes, a flush, four reads.
            assert_eq!((endings.succeeded(), endings.failed()), (2 * 3 * 9, 0));
        });
        assert_completed(&outcome, &name);
    }
}

/// Completes writes and forgets them.
unsafe extern "C-unwind" fn forget_writes(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe {
        if (*srb).Cdb[0] == 0x2A {
            (*srb).SrbStatus = SRB_STATUS_SUCCESS;
        } else {
            tiny::execute(extension, srb);
        }
        StorPortNotification(RequestComplete, extension, srb);
    }
    TRUE
}

unsafe extern "C-unwind" fn forgets_writes(driver: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
    // SAFETY: the I/O manager passes a live driver object and the path of its registry key.
    unsafe { tiny::register(driver, path, |data| data.HwStartIo = Some(forget_writes)) }
}

#[test]
#[should_panic(expected = "is 0x0, not 0x")]
fn a_load_says_which_byte_is_wrong() {
    let kept = Arc::<Mutex<Endings>>::default();
    let endings = Arc::clone(&kept);
    let rig = Rig::new(Some(forgets_writes), 1, DISK_BYTES);
    let outcome = rig.run(Config::new(2, Execution::Seeded(1)).unwrap(), move |bench| {
        *endings.lock() = Load::of(2, 2).run(bench.disk(0));
    });
    assert_completed(&outcome, "writes are lost, requests are not");
    kept.lock().assert_only(&[STATUS_SUCCESS]);
}
