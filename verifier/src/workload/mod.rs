//! The I/O a run sends through the driver, and what it learns from the results.
//!
//! Jobs are system threads of the machine, one per processor at most; each owns a part of the disk,
//! so what a block must hold is known without asking another job. The list of operations of a job
//! depends on the seed only, never on timing: the same options leave the same bytes on the disk
//! whatever the executor or the schedule, and whatever the driver (but for trims, which not every one takes).
//!
//! ```text
//! options.rs           what to send                      operations.rs    the requests, one after the other
//! job.rs               one job                           slot.rs          one place for a request
//! handle.rs            a handle of the device under test
//! expected.rs          what blocks must hold             pattern.rs       what is written into them
//! permitted_errors.rs  what may fail, and when           provisioning.rs  whether a disk takes trims
//! direct.rs            the same without a driver         statistics.rs    counts of requests and bytes
//! ```

#![expect(unsafe_code, reason = "the rig calls layer 1, as a client of the driver")]

mod direct;
mod doorbell;
mod expected;
mod handle;
mod job;
mod operations;
mod options;
mod pattern;
mod permitted_errors;
mod provisioning;
mod slot;
mod statistics;

pub use direct::{DirectError, apply};
pub(crate) use doorbell::Doorbell;
pub use options::{Amount, BLOCK_BYTES_MAX, DEPTH_MAX, LUNS_MAX, Mode, Options, Sizes};
pub use permitted_errors::{LOST_AFTER_S, PermittedErrors};
pub use provisioning::Trims;
pub(crate) use provisioning::{device_control, length_of, trims_of};
pub(crate) use slot::IOCTL_MINIPORT_PROCESS_SERVICE_IRP;
pub use statistics::Statistics;

use crate::finding::Finding;
use crate::rules::{self, Row};
use kernel_sim::ddi::types::{NTSTATUS, PDEVICE_OBJECT, status_name};
use kernel_sim::hook::Halt;
use kernel_sim::machine::Machine;
use kernel_sim::moment::Moment;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::SeqCst};

/// The device stacks under test: one disk, or several of a size that lie end to end.
#[derive(Clone)]
pub struct Disk {
    /// The disk devices, at least one: they take reads, writes, flushes.
    pub devices: Vec<PDEVICE_OBJECT>,
    /// The adapter, if it takes service requests.
    pub service: Option<PDEVICE_OBJECT>,
    /// Whether each job opens the device, and sends its requests by a handle: where a driver has routines for
    /// that.
    pub has_handles: bool,
    /// The size of all together, in bytes.
    pub bytes: u64,
    /// How it takes trims, if it does and the workload has some.
    pub trims: Option<Trims>,
}

impl Disk {
    /// The device of a place, in bytes, and where that is on it.
    fn place(&self, offset: u64) -> (PDEVICE_OBJECT, u64) {
        let [device] = self.devices[..] else {
            let each = self.bytes / self.devices.len() as u64;
            return (self.devices[(offset / each) as usize], offset % each);
        };
        (device, offset)
    }
}

// SAFETY: device objects are driver memory; requests are sent to them from system threads only.
unsafe impl Send for Disk {}
// SAFETY: a shared value only sends requests, which any system thread may do at any time.
unsafe impl Sync for Disk {}

/// What the jobs of one run share.
struct Shared {
    options: Options,
    disk: Disk,
    permitted: Arc<PermittedErrors>,
    results: Arc<Mutex<Statistics>>,
    running: AtomicU32,
    /// Requests that came back, in a workload with service requests.
    came_back: AtomicU64,
    done: Doorbell,
    /// Rung when the jobs may read back; none where they need not wait.
    go_on: Option<Doorbell>,
}

impl Shared {
    /// Requests that came back to any job so far; 0 in a workload without service requests, which alone may
    /// be kept as long as others come back.
    fn came_back(&self) -> u64 {
        self.came_back.load(SeqCst)
    }

    fn count_return(&self) {
        if self.options.service_every != 0 {
            self.came_back.fetch_add(1, SeqCst);
        }
    }

    /// Waits until every job has sent its requests and the disturbances have ended: what was written is read
    /// back without any. In a run without disturbances it returns at once.
    fn await_read_back(&self) {
        if let Some(go_on) = self.go_on {
            self.done.ring();
            go_on.wait();
        }
    }
}

/// Runs the workload to its end; call from the machine's boot thread, or from one that has nothing else to
/// do. In a run with disturbances, `end_disturbances` is called before what was written is read back.
///
/// What came of it is added to `results`, however it ends. A finding ends the run from inside a job.
pub fn run(
    machine: &Machine,
    disk: Disk,
    options: &Options,
    permitted: &Arc<PermittedErrors>,
    results: &Arc<Mutex<Statistics>>,
    end_disturbances: impl FnOnce(),
) {
    let jobs = options.jobs(machine.processor_count(), disk.bytes);
    let done = Doorbell::new(machine, 0);
    let go_on = permitted.is_expected().then(|| Doorbell::new(machine, 0));
    let shared = Arc::new(Shared {
        options: options.clone(),
        disk,
        permitted: Arc::clone(permitted),
        results: Arc::clone(results),
        running: AtomicU32::new(jobs),
        came_back: AtomicU64::new(0),
        done,
        go_on,
    });
    for n in 0..jobs {
        let shared = Arc::clone(&shared);
        machine.start_thread(Some((n % u32::from(machine.processor_count())) as u8), move || {
            job::run(&shared, n, jobs);
            shared.running.fetch_sub(1, SeqCst);
            done.ring();
        });
    }
    if let Some(go_on) = go_on {
        (0..jobs).for_each(|_| done.wait());
        end_disturbances();
        (0..jobs).for_each(|_| go_on.ring());
    }
    (0..jobs).for_each(|_| done.wait());
    done.free(machine);
    if let Some(go_on) = go_on {
        go_on.free(machine);
    }
    debug_assert_eq!(shared.running.load(SeqCst), 0, "a job rang without having ended");
}

/// Ends the run with a finding of the workload's. `earlier` is what made it so.
pub(crate) fn report(row: &'static Row, why: &'static str, what: String, earlier: Vec<Moment>) -> ! {
    let machine = Machine::current().expect("a job runs on a machine");
    machine.end_run(Halt(Box::new(Finding::of_workload(row, what, why, earlier))))
}

fn report_status(request: &str, status: NTSTATUS, has_faults: bool) -> ! {
    let name = status_name(status).map_or_else(|| format!("{status:#010x}"), str::to_owned);
    let why = if has_faults {
        "no fault that was injected ends so: it is tried again, or has another status"
    } else {
        "the disk reported no error, so the driver invented this one"
    };
    report(&rules::request_status::ROW, why, format!("{request} ended with {name}"), Vec::new())
}
