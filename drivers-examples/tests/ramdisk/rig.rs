//! A machine with the ramdisk on it.

use drivers_examples::ramdisk;
use kernel_sim::machine::{Config, Execution, Machine, Outcome};
use std::sync::Arc;
use storport_sim::client::{self, Device, Rig, assert_completed};
pub use storport_sim::client::{Bench, Client, Load, Request, Threads};
use storport_sim::ddi::{IOCTL_MINIPORT_PROCESS_SERVICE_IRP, NTSTATUS};
use storport_sim::disk::ScsiDisk;
use storport_sim::disk::fault::{FaultPlan, SharedPhase};
use storport_sim::{Adapter, Medium, Parameter, StartError};

/// Bytes of each disk.
pub const DISK_BYTES: u64 = 1 << 20;
/// Bytes of a request.
pub const BYTES: usize = 4096;

/// A disk of [`DISK_BYTES`].
pub fn disk() -> ScsiDisk {
    client::disk(DISK_BYTES)
}

/// Runs `body` with the adapter started over a medium of `disks` disks; the machine completes.
#[track_caller]
pub fn run(
    cpus: u8,
    execution: Execution,
    disks: usize,
    body: impl FnOnce(&mut Bench) + Send + 'static,
) -> Outcome {
    run_with_workers(cpus, execution, disks, None, body)
}

/// As [`run`], with a number of workers.
#[track_caller]
pub fn run_with_workers(
    cpus: u8,
    execution: Execution,
    disks: usize,
    workers: Option<u32>,
    body: impl FnOnce(&mut Bench) + Send + 'static,
) -> Outcome {
    let what = match &execution {
        Execution::Seeded(seed) => format!("{cpus} CPUs, seed {seed}"),
        _ => format!("{cpus} CPUs, parallel"),
    };
    let mut rig = Rig::new(Some(ramdisk::driver_entry), disks, DISK_BYTES);
    if let Some(workers) = workers {
        rig = rig.parameter("Workers", Parameter::Dword(workers));
    }
    let outcome = rig.run(Config::new(cpus, execution).unwrap(), body);
    assert_completed(&outcome, &what);
    outcome
}

/// As [`run`] with one disk, with what a plan wants of the pool.
#[track_caller]
pub fn run_with_policy(
    cpus: u8,
    execution: Execution,
    plan: &str,
    seed: u64,
    body: impl FnOnce(&mut Bench, u64) + Send + 'static,
) -> Outcome {
    let rig = Rig::new(Some(ramdisk::driver_entry), 1, DISK_BYTES);
    let outcome = rig.run(config(cpus, execution, plan, seed), move |bench| body(bench, seed));
    assert_completed(&outcome, &format!("{cpus} CPUs, seed {seed}"));
    outcome
}

fn config(cpus: u8, execution: Execution, plan: &str, seed: u64) -> Config {
    let plan: FaultPlan = plan.parse().expect("a fault plan");
    let policy = plan.allocation_policy(seed, &SharedPhase::default()).expect("a plan about the pool");
    Config::new(cpus, execution).unwrap().fail_allocations(Box::new(policy))
}

/// Starts the adapter on a machine whose pool fails by plan: it refuses, and leaves nothing behind.
#[track_caller]
pub fn starts_not(plan: &str) {
    let medium = Arc::new(Medium::new([disk()].into_iter().collect()));
    let outcome = config(2, Execution::Seeded(1), plan, 1).run(move || {
        let machine = Machine::current().unwrap();
        machine.attach(Arc::clone(&medium));
        let driver = machine.load_driver(Some(ramdisk::driver_entry)).expect("the driver loads");
        assert_eq!(Adapter::start(driver).err(), Some(StartError::NotInitialized));
        machine.unload_driver(driver);
        assert!(machine.leaks().is_empty(), "{:?}", machine.leaks());
    });
    assert_completed(&outcome, plan);
    assert_eq!(outcome.failed_allocations.len(), 1);
}

/// Seeds on one to four processors.
pub fn seeded(seeds: u64) -> impl Iterator<Item = (u8, u64)> {
    client::seeds([1, 2, 3, 4], seeds)
}

/// Threads that each write, flush and read back blocks of their own; how many requests failed.
#[track_caller]
pub fn work(device: impl Into<Device>, threads: u32, rounds: u32) -> u32 {
    Load { blocks: 8, flush_every: 1, ..Load::of(threads, rounds) }.run(device).failed()
}

/// Sends a service request; its status, how many bytes came back, and those.
pub fn service(adapter: &Adapter, input: &[u8], room: usize) -> (NTSTATUS, usize, Vec<u8>) {
    service_of(adapter.device().into(), input, room)
}

/// As [`service`], to a device object.
pub fn service_of(device: Device, input: &[u8], room: usize) -> (NTSTATUS, usize, Vec<u8>) {
    let mut client = Client::new(device, BYTES);
    let (status, bytes) = client.control(IOCTL_MINIPORT_PROCESS_SERVICE_IRP, input, room);
    (status, bytes, client.data()[..bytes].to_vec())
}
