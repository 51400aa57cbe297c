//! The I/O a run sends through the driver, and what it learns from the answers.
//!
//! Jobs are system threads of the machine, one per processor at most; each owns a part of the disk,
//! so what a block must hold is known without asking another job. The list of operations of a job
//! depends on the seed only, never on timing: the same options leave the same bytes on the disk
//! whatever the driver, the executor or the schedule.

mod direct;
mod job;
mod operations;
mod options;
mod pattern;
mod statistics;

pub use direct::{DirectError, apply};
pub use options::{Amount, BLOCK_BYTES_MAX, DEPTH_MAX, Mode, Options};
pub use statistics::Statistics;

use crate::finding::{Scene, Violation};
use crate::rules::{RuleInfo, workload_checks};
use kernel_sim::ddi::types::{NTSTATUS, PDEVICE_OBJECT, status_name};
use kernel_sim::hook::Halt;
use kernel_sim::irql::Irql;
use kernel_sim::machine::Machine;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

/// The device stack under test.
#[derive(Clone, Copy)]
pub struct Disk {
    /// The disk device: takes reads, writes, flushes.
    pub device: PDEVICE_OBJECT,
    /// The adapter, if it takes service requests.
    pub service: Option<PDEVICE_OBJECT>,
    /// Its size in bytes.
    pub bytes: u64,
}

// SAFETY: device objects are driver memory; requests are sent to them from system threads only.
unsafe impl Send for Disk {}
// SAFETY: as above.
unsafe impl Sync for Disk {}

/// What the jobs of one run share.
struct Shared {
    options: Options,
    disk: Disk,
    results: Mutex<Statistics>,
    running: AtomicU32,
}

/// Runs the workload to its end; call from the machine's boot thread.
///
/// A finding ends the run from inside a job.
pub fn run(machine: &Machine, disk: Disk, options: &Options) -> Statistics {
    let jobs = options.jobs(machine.processor_count(), disk.bytes);
    let shared = Arc::new(Shared {
        options: options.clone(),
        disk,
        results: Mutex::new(Statistics::new()),
        running: AtomicU32::new(jobs),
    });
    let done = job::Doorbell::new(machine);
    for n in 0..jobs {
        let shared = Arc::clone(&shared);
        machine.start_thread(Some((n % u32::from(machine.processor_count())) as u8), move || {
            job::run(&shared, n, jobs);
            shared.running.fetch_sub(1, SeqCst);
            done.ring();
        });
    }
    for _ in 0..jobs {
        done.wait(None);
    }
    done.free(machine);
    debug_assert_eq!(shared.running.load(SeqCst), 0, "a job rang without having ended");
    std::mem::take(&mut *shared.results.lock())
}

/// Ends the run with a finding of the workload's.
fn report(rule: &'static RuleInfo, call: &'static str, why: &'static str, what: String) -> ! {
    let machine = Machine::current().expect("a job runs on a machine");
    let step = machine.step();
    let scene = Scene {
        cpu: kernel_sim::processor::Processor::current().index(),
        irql: Irql::PASSIVE,
        step: (step != 0).then_some(step),
        call: Some(call),
        location: None,
        callbacks: Vec::new(),
        locks: Vec::new(),
    };
    machine.end_run(Halt(Box::new(Violation {
        rule: rule.name,
        what,
        why,
        note: None,
        scene,
        held_count: 0,
    })))
}

fn report_status(call: &'static str, offset: u64, bytes: u32, status: NTSTATUS) -> ! {
    let name = status_name(status).map_or_else(|| format!("{status:#010x}"), str::to_owned);
    report(
        &workload_checks::REQUEST_STATUS,
        call,
        "the disk reported no error, so the driver invented this one",
        format!("a request for {bytes} bytes at offset {offset} ended with {name}"),
    )
}
