//! A driver under test, as the command line knows it.

use kernel_sim::ddi::types::PDRIVER_INITIALIZE;
use kernel_sim::hardware::HardwareModel;
use kernel_sim::machine::{Config, Outcome};
use std::sync::Arc;
use storport_sim::disk::BackingStore;
use storport_sim::disk::fault::SharedFaults;
use storport_sim::{Medium, PciSlot};

/// One driver under test.
pub struct Driver {
    /// Its name on the command line.
    pub name: &'static str,
    /// Other names it is found by; reports print [`Driver::name`].
    pub aliases: &'static [&'static str],
    /// One line for `storsim list`.
    pub summary: &'static str,
    /// What the verifier should find in it.
    pub expects: Expects,
    /// How it is loaded and what it drives.
    pub kind: Kind,
    /// Whether the workload cancels some of its requests.
    pub cancels: bool,
    /// Its source files, for the lines that reports quote.
    pub sources: &'static [Source],
}

impl Driver {
    /// Its name, then its aliases.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        std::iter::once(self.name).chain(self.aliases.iter().copied())
    }

    /// Whether `name` is its name or one of its aliases.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }
}

/// What the verifier should find.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Expects {
    /// Nothing, under any schedule.
    Clean,
    /// The named rule broken, in every run.
    Breaks(&'static str),
    /// The named rule broken, under some schedules only.
    MayBreak(&'static str),
    /// The machine stops in every run: the name of a bug check, "deadlock" or "livelock".
    Stops(&'static str),
    /// The machine stops, under some schedules only.
    MayStop(&'static str),
}

/// Runs a model on a machine of some configuration.
pub type RunModel = dyn Fn(Config) -> Outcome + Sync + std::panic::RefUnwindSafe;

/// What a host adapter's disks are asked in, which decides how finely they can say what is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Protocol {
    /// SCSI commands, answered in sense.
    #[default]
    Scsi,
    /// ATA commands: one word, device fault, for a write that cannot be done (SAT-4), and a queue that is
    /// given up with the command that failed, often by a reset.
    Ata,
}

/// How a driver is loaded.
#[derive(Clone, Copy)]
pub enum Kind {
    /// A WDM driver of a device: its entry point, and the device built over the disk's contents.
    Wdm {
        /// `DriverEntry`.
        entry: PDRIVER_INITIALIZE,
        /// The device it drives, and the faults its commands meet.
        device: fn(Box<dyn BackingStore>, SharedFaults) -> Box<dyn HardwareModel>,
    },
    /// A Storport virtual miniport, which serves the machine's medium.
    VirtualMiniport {
        /// `DriverEntry`.
        entry: PDRIVER_INITIALIZE,
    },
    /// A Storport miniport of a host adapter.
    Miniport {
        /// `DriverEntry`.
        entry: PDRIVER_INITIALIZE,
        /// The host adapter, in a machine of so many processors, with the medium behind it.
        device: fn(Arc<Medium>, u8) -> Box<dyn HardwareModel>,
        /// What the bus says of it: it is the machine's device 0.
        slot: fn() -> PciSlot,
        /// What its disks are asked in.
        protocol: Protocol,
    },
    /// No driver at all but a model of some driver's logic: a program that runs on every processor
    /// of a machine by itself, without a disk and without I/O sent to it.
    Model {
        /// Processors it is written for.
        cpus: u8,
        /// Runs it on a machine of that configuration.
        run: &'static RunModel,
    },
}

impl Kind {
    /// Processors of the machine it runs on, where `asked` were asked for: a model is written for a
    /// certain number.
    #[must_use]
    pub fn cpus(&self, asked: u8) -> u8 {
        match self {
            Kind::Model { cpus, .. } => *cpus,
            Kind::Wdm { .. } | Kind::VirtualMiniport { .. } | Kind::Miniport { .. } => asked,
        }
    }
}

/// A source file as the compiler names it, and its text.
#[derive(Clone, Copy, Debug)]
pub struct Source {
    /// The name, as `file!()` gives it.
    pub path: &'static str,
    /// The text, as `include_str!()` gives it.
    pub text: &'static str,
}

/// The [`Source`] of a file next to the calling one.
#[macro_export]
macro_rules! source {
    ($path:literal, $file:literal) => {
        $crate::driver::Source { path: $path, text: include_str!($file) }
    };
}
