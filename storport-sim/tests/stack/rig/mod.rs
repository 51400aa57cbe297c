//! Machines with disks on them, and the miniports that tests load.

pub mod physical;
mod physical_driver;
mod test_hba;
pub mod tiny;

use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Execution, Machine, Outcome};
use std::sync::Arc;
use storport_sim::Medium;
use storport_sim::client::{self, Client, Device};
pub use storport_sim::client::{assert_completed, executions, slow_executions, stopped, with_adapter};
use storport_sim::disk::{ScsiDisk, Target};

/// Bytes of each disk.
pub const DISK_BYTES: u64 = 4 << 20;

/// A disk of [`DISK_BYTES`] in memory.
pub fn disk() -> ScsiDisk {
    client::disk(DISK_BYTES)
}

/// Runs `body` as the boot thread of a machine whose medium has `disks` disks of [`DISK_BYTES`].
pub fn run(cpus: u8, execution: Execution, disks: usize, body: impl FnOnce() + Send + 'static) -> Outcome {
    run_config(Config::new(cpus, execution).unwrap(), disks, body)
}

/// As `run`, of a machine that is made so.
pub fn run_config(config: Config, disks: usize, body: impl FnOnce() + Send + 'static) -> Outcome {
    let medium = Arc::new(Medium::new((0..disks).map(|_| disk()).collect::<Target>()));
    config.run(move || {
        Machine::current().unwrap().attach(medium);
        body();
    })
}

/// Writes and reads back `bytes` bytes on `threads` threads, on every disk in turn, and flushes.
pub fn write_and_read(disks: &[PDEVICE_OBJECT], threads: usize, rounds: usize, bytes: usize) {
    let disks: Vec<Device> = disks.iter().map(|disk| (*disk).into()).collect();
    assert!(!disks.is_empty());
    on_threads(threads, move |n| {
        let mut client = Client::new(disks[n % disks.len()], bytes);
        for round in 0..rounds {
            let at = ((n * rounds + round) * bytes) as i64;
            let fill = (n * 16 + round) as u8 + 1;
            client.data().fill(fill);
            assert_eq!(client.write(at, bytes), (STATUS_SUCCESS, bytes));
            client.data().fill(0);
            assert_eq!(client.read(at, bytes), (STATUS_SUCCESS, bytes));
            assert!(client.data().iter().all(|b| *b == fill));
        }
        assert_eq!(client.flush(), STATUS_SUCCESS);
    });
}

/// Runs `body(n)` on `count` system threads and waits until all have returned.
pub fn on_threads(count: usize, body: impl Fn(usize) + Send + Sync + 'static) {
    client::Threads::start(count as u32, move |n| body(n as usize)).join();
}

/// Reads the first 4 KiB of a disk; the status.
pub fn read_once(disk: impl Into<Device>) -> NTSTATUS {
    Client::new(disk, 4096).read(0, 4096).0
}
