//! A driver under test, as the command line knows it.

use kernel_sim::ddi::types::PDRIVER_INITIALIZE;
use kernel_sim::hardware::HardwareModel;
use kernel_sim::machine::{Config, Outcome};
use std::sync::Arc;
use storport_sim::disk::BackingStore;
use storport_sim::disk::fault::SharedFaults;
use storport_sim::image::Image;
use storport_sim::{Medium, PciSlot};

/// One driver under test.
pub struct Driver {
    /// Its name on the command line.
    pub name: &'static str,
    /// Other names it is found by; reports print [`Driver::name`]. One that several drivers share names them
    /// all.
    pub aliases: &'static [&'static str],
    /// One line for `storsim list`.
    pub summary: &'static str,
    /// What the verifier should find in it.
    pub expects: Expects,
    /// How it is loaded and what it drives.
    pub kind: Kind,
    /// Whether the workload cancels some of its requests.
    pub cancels: bool,
    /// Whether it reads the registry. Only then a stress draws reads that fail; asked for by flag, they fail
    /// for any driver.
    pub reads_registry: bool,
    /// The file it comes from, if it was not built in; its entry point is
    /// [`storport_sim::image::entry`] then.
    pub image: Option<&'static FromFile>,
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

/// A driver that comes from a file.
pub struct FromFile {
    /// What is in the file.
    pub image: &'static Image,
    /// The flags by which the command line finds it again.
    pub flags: String,
}

/// The findings that the verifier should make in a driver.
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

/// The command set of a host adapter's disks; it limits which errors they can report.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Protocol {
    /// SCSI commands, with sense data for errors.
    #[default]
    Scsi,
    /// ATA commands: device fault is the only error of a write (SAT-4), and a command that fails aborts the
    /// whole queue, often by a reset.
    Ata,
}

/// Makes a device over a store, with faults for its commands.
pub type MakeDevice = fn(Box<dyn BackingStore>, SharedFaults) -> Box<dyn HardwareModel>;

/// How a driver is loaded.
#[derive(Clone, Copy)]
pub enum Kind {
    /// A WDM driver of a device: its entry point, and the device built over the disk's contents.
    Wdm {
        /// `DriverEntry`.
        entry: PDRIVER_INITIALIZE,
        /// Makes the device it drives, over a store, with faults for its commands. `None`: it has no
        /// hardware, and is put above a disk that its bus driver serves ([`storport_sim::LowerDisk`]), to
        /// which it may pass requests on.
        device: Option<MakeDevice>,
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
        /// Its PCI slot: it is the machine's device 0.
        slot: fn() -> PciSlot,
        /// The command set of its disks.
        protocol: Protocol,
    },
    /// A model of some driver's logic instead of a driver: a program that runs on the processors of a machine
    /// by itself, without a disk and without I/O.
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
    /// Its name, as `file!()` gives it.
    pub path: &'static str,
    /// The text, as `include_str!()` gives it. Made by [`sources!`](crate::sources).
    pub text: &'static str,
}

/// The [`Source`]s of files, by their places relative to the calling file, as a `&'static [Source]`.
///
/// Each gets the path under which the compiler names it (`file!()`), so that reports find its lines.
///
/// ```ignore
/// // In src/lib.rs of the driver's crate:
/// const SOURCES: &[verifier::driver::Source] = verifier::sources!["lib.rs", "queue.rs", "hardware/mod.rs"];
/// ```
#[macro_export]
macro_rules! sources {
    ($($file:literal),+ $(,)?) => {
        {
            const LIST: &[$crate::driver::Source] = &[$($crate::driver::Source {
                path: {
                    const LENGTH: usize = $crate::driver::path_length(file!(), $file);
                    const PATH: [u8; LENGTH] = $crate::driver::path_beside(file!(), $file);
                    match ::core::str::from_utf8(&PATH) {
                        Ok(path) => path,
                        Err(_) => panic!("two strings are UTF-8 when joined"),
                    }
                },
                text: include_str!($file),
            }),+];
            LIST
        }
    };
}

/// Bytes of the directory of `here`, its last separator included.
const fn directory_length(here: &str) -> usize {
    let mut length = here.len();
    while length > 0 && !matches!(here.as_bytes()[length - 1], b'/' | b'\\') {
        length -= 1;
    }
    length
}

/// Bytes of [`path_beside`]; for [`sources!`].
#[doc(hidden)]
#[must_use]
pub const fn path_length(here: &str, file: &str) -> usize {
    directory_length(here) + file.len()
}

/// The path of `file` in the directory of `here`; for [`sources!`].
#[doc(hidden)]
#[must_use]
pub const fn path_beside<const LENGTH: usize>(here: &str, file: &str) -> [u8; LENGTH] {
    let directory = directory_length(here);
    let mut path = [0; LENGTH];
    let mut at = 0;
    while at < LENGTH {
        path[at] = if at < directory { here.as_bytes()[at] } else { file.as_bytes()[at - directory] };
        at += 1;
    }
    path
}

#[cfg(test)]
mod tests {
    use super::{path_beside, path_length};

    const fn joined<const LENGTH: usize>(here: &str, file: &str) -> [u8; LENGTH] {
        assert!(path_length(here, file) == LENGTH);
        path_beside(here, file)
    }

    #[test]
    fn a_source_is_named_beside_the_file_that_lists_it() {
        assert_eq!(joined("drivers/src/lib.rs", "a/mod.rs"), *b"drivers/src/a/mod.rs");
        assert_eq!(joined(r"drivers\src\lib.rs", "a.rs"), *br"drivers\src\a.rs");
        assert_eq!(joined("lib.rs", "a.rs"), *b"a.rs");
    }

    #[test]
    fn sources_are_those_the_compiler_reads() {
        let sources = crate::sources!["driver.rs", "cli/mod.rs"];
        assert_eq!(sources[0].path, file!());
        assert_eq!(sources[1].text, include_str!("cli/mod.rs"));
    }
}
