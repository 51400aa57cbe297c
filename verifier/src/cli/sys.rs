//! `--sys`: a driver from a file instead of one that was built in.
//!
//! The file becomes a [`Driver`] like any other, named after it; what it drives is said by the driver itself
//! (`drives.rs`) or by `--as`. Its sources are read from where its debug information says they are, or from
//! `--source`, for the lines that reports quote; where they are not found, reports do without.

use super::args::{Command, DeviceName, SysArguments};
use super::drives::drives;
use super::ended::Refusal;
use crate::driver::{Driver, Expects, FromFile, Kind, Protocol, Source};
use clap::ValueEnum;
use kernel_sim::ddi::types::PDRIVER_INITIALIZE;
use std::path::{Path, PathBuf};
use storport_sim::controller::DiskController;
use storport_sim::hba::ahci::Ahci;
use storport_sim::hba::virtio_scsi::{self, VirtioScsi};
use storport_sim::image::{self, Image};

/// The largest file that is read.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// The drivers of a command: those built in, and those that its flags name, which also become its drivers.
pub(super) fn drivers(
    built_in: &'static [&'static Driver],
    command: &mut Command,
) -> Result<&'static [&'static Driver], Refusal> {
    let Some(arguments) = command.sys().filter(|arguments| !arguments.sys.is_empty()) else {
        return Ok(built_in);
    };
    let mut all = built_in.to_vec();
    let mut names = Vec::new();
    for path in &arguments.sys {
        let driver = load(path, arguments)?;
        if all.iter().any(|known| known.is_called(driver.name)) {
            return Err(Refusal(format!(
                "--sys: {}: a driver is called '{}' already",
                path.display(),
                driver.name
            )));
        }
        names.push(driver.name.to_owned());
        all.push(driver);
    }
    command.add_drivers(&names);
    Ok(all.leak())
}

fn load(path: &Path, arguments: &SysArguments) -> Result<&'static Driver, Refusal> {
    let refused = |why: &dyn std::fmt::Display| Refusal(format!("--sys: {}: {why}", path.display()));
    let length = std::fs::metadata(path).map_err(|e| refused(&e))?.len();
    if length > FILE_BYTES_MAX {
        return Err(refused(&format!("{length} bytes are no driver; at most {FILE_BYTES_MAX} are read")));
    }
    let bytes = std::fs::read(path).map_err(|e| refused(&e))?;
    let image = image::load(path, bytes).map_err(|e| refused(&e))?;
    let missing = image.missing();
    if !missing.is_empty() {
        anstream::eprintln!(
            "note: {} imports what is not here; a call ends the run: {}",
            path.display(),
            missing.join(", ")
        );
    }
    let entry: PDRIVER_INITIALIZE = Some(image::entry);
    let device = arguments.device.map_or_else(|| drives(image), Ok).map_err(|why| refused(&why))?;
    let (kind, summary) = match device {
        DeviceName::Virtual => (Kind::VirtualMiniport { entry }, "a virtual miniport from a file"),
        DeviceName::VirtioScsi => (virtio_scsi(entry), "a miniport of a virtio SCSI adapter, from a file"),
        DeviceName::Ahci => (ahci(entry), "a miniport of an AHCI controller, from a file"),
        DeviceName::Wdm => (wdm(entry), "a WDM driver of a disk controller, from a file"),
    };
    Ok(Box::leak(Box::new(Driver {
        name: image.name(),
        aliases: &[],
        summary,
        expects: Expects::Clean,
        kind,
        cancels: false,
        reads_registry: image.imports().any(|name| READS_REGISTRY.contains(&name)),
        image: Some(Box::leak(Box::new(FromFile { image, flags: flags(path, arguments) }))),
        sources: sources(image, arguments.source.as_deref()),
    })))
}

/// The imports of a driver that reads the registry.
const READS_REGISTRY: [&str; 3] = ["StorPortRegistryRead", "ZwQueryValueKey", "ZwOpenKey"];

/// The flags that name it again.
fn flags(path: &Path, arguments: &SysArguments) -> String {
    let mut flags = format!("--sys {}", path.display());
    if let Some(device) = arguments.device.and_then(|device| device.to_possible_value()) {
        flags += &format!(" --as {}", device.get_name());
    }
    if let Some(source) = &arguments.source {
        flags += &format!(" --source {}", source.display());
    }
    flags
}

fn wdm(entry: PDRIVER_INITIALIZE) -> Kind {
    Kind::Wdm {
        entry,
        device: Some(|store, faults| Box::new(DiskController::new(store).with_faults(faults))),
    }
}

fn virtio_scsi(entry: PDRIVER_INITIALIZE) -> Kind {
    Kind::Miniport {
        entry,
        device: |medium, cpus| {
            // Shipped drivers take the highest number of a target for how many there are.
            let options =
                virtio_scsi::Options { target_max: 1, ..virtio_scsi::Options::for_processors(cpus) };
            Box::new(VirtioScsi::new(medium, options))
        },
        slot: || {
            let all = virtio_scsi::Options::for_processors(virtio_scsi::REQUEST_QUEUES_MAX as u8);
            virtio_scsi::slot(&all).control_without_lock()
        },
        protocol: Protocol::Scsi,
    }
}

fn ahci(entry: PDRIVER_INITIALIZE) -> Kind {
    Kind::Miniport {
        entry,
        device: |medium, _| Box::new(Ahci::new(medium, 4).with_message()),
        // Shipped drivers of both adapters free memory in ScsiStopAdapter.
        slot: || Ahci::slot().control_without_lock(),
        protocol: Protocol::Ata,
    }
}

/// Those source files of an image that can be read.
fn sources(image: &'static Image, directory: Option<&Path>) -> &'static [Source] {
    let mut found = Vec::new();
    for file in image.source_files() {
        let Some(text) =
            places(&file, directory).iter().find_map(|place| std::fs::read_to_string(place).ok())
        else {
            continue;
        };
        found.push(Source { path: file.leak(), text: text.leak() });
    }
    found.leak()
}

/// Where a source file may be: as the debug information says, and, under a directory, by as many of its last
/// parts as there are.
fn places(file: &str, directory: Option<&Path>) -> Vec<PathBuf> {
    let Some(directory) = directory else { return vec![PathBuf::from(file)] };
    let parts: Vec<&str> = file.split('/').filter(|part| !part.is_empty()).collect();
    (0..parts.len()).map(|n| directory.join(parts[n..].join("/"))).collect()
}
