//! A machine with the AHCI adapter and the driver loaded.

use kernel_sim::ddi::PDRIVER_INITIALIZE;
use kernel_sim::machine::{Config, Execution, Outcome};
use storport_sim::Parameter;
use storport_sim::client::{self, Rig};
pub use storport_sim::client::{Bench, Data, Load, UnitClient, assert_completed, soak};
use storport_sim::disk::ScsiDisk;
use storport_sim::hba::ahci::Ahci;

/// Bytes of each disk.
pub const DISK_BYTES: u64 = 1 << 20;

/// What the machine has.
#[derive(Clone, Copy)]
pub struct Setup {
    pub disks: usize,
    /// The port of an ATAPI device.
    pub packet: Option<u8>,
    /// Whether it interrupts by a message.
    pub by_message: bool,
    /// Whether the adapter takes queued commands.
    pub queues: bool,
    pub entry: PDRIVER_INITIALIZE,
    /// A fault plan that is at work when the adapter starts; empty for none.
    pub plan: &'static str,
    /// Whether power is switched by ScsiAdapterPower.
    pub is_power_managed: bool,
}

/// One disk, one message.
pub const ONE_DISK: Setup = Setup {
    disks: 1,
    packet: None,
    by_message: true,
    queues: true,
    entry: Some(drivers_examples::ahci::driver_entry),
    plan: "",
    is_power_managed: false,
};

pub fn disk() -> ScsiDisk {
    client::disk(DISK_BYTES)
}

/// Runs `body` on a machine whose adapter has started.
pub fn run(
    setup: Setup,
    cpus: u8,
    execution: Execution,
    body: impl FnOnce(&mut Bench) + Send + 'static,
) -> Outcome {
    let slot = if setup.by_message { Ahci::slot() } else { Ahci::slot().line_only() };
    let model = move |medium| {
        let mut model = Ahci::new(medium, 2);
        if let Some(port) = setup.packet {
            model = model.with_packet_device(port);
        }
        if !setup.queues {
            model = model.without_queueing();
        }
        Box::new(if setup.by_message { model.with_message() } else { model }) as Box<_>
    };
    Rig::new(setup.entry, setup.disks, DISK_BYTES)
        .device(model, slot)
        .parameter("AdapterPower", Parameter::Dword(setup.is_power_managed.into()))
        .faults(setup.plan)
        .run(Config::new(cpus, execution).unwrap(), body)
}

/// Some seeds on 1, 2 and 4 processors.
pub fn seeded(seeds: u64) -> impl Iterator<Item = (u8, u64)> {
    client::seeds([1, 2, 4], seeds)
}

/// Runs `body` on machines of so many seeds; each comes to its end.
pub fn on_seeds(setup: Setup, seeds: u64, body: impl Fn(&mut Bench, u64) + Clone + Send + 'static) {
    for (cpus, seed) in seeded(seeds) {
        let body = body.clone();
        let outcome = run(setup, cpus, Execution::Seeded(seed), move |bench| body(bench, seed));
        assert_completed(&outcome, &format!("{:?}: {cpus} CPUs, seed {seed}", setup.plan));
    }
}

/// Waits, in machine time.
pub fn wait_ms(ms: u64) {
    client::sleep_us(ms * 1000);
}

/// A client of the unit of the first disk.
pub fn unit(bench: &Bench) -> UnitClient {
    UnitClient::new(bench.adapter(), bench.disk(0)).unwrap()
}
