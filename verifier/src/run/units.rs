//! The units behind an adapter: their names, whether they can be written, and commands sent to them first.
//!
//! Of miniports: the disk of a WDM driver has no SCSI names, and takes no command blocks. Invariant: what a
//! unit cannot be called, and a command that cannot be sent, is refused in one line before the machine is
//! powered on.

use super::SetupError;
use crate::driver::{Driver, Kind};
use kernel_sim::ddi::types::{NTSTATUS, PDEVICE_OBJECT, status_name};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use storport_sim::client::{CommandEnd, Data, check_command, send_command};
use storport_sim::disk::{Identity, IdentityError};

/// Names of a unit that is not given any.
const NAMES: (&str, &str, &str) = ("STORSIM", "Virtual Disk", "1.0");

/// See the module page. The default is what units are by themselves.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Units {
    /// The medium is write-protected.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub read_only: bool,
    /// The vendor that INQUIRY says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// The product that INQUIRY says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// The serial number of the first; the nth has `-n` behind it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// Sent to each disk before the load.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<Command>,
}

impl Units {
    /// Whether they are as they are by themselves.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Units::default()
    }

    /// The names of the nth unit, from 0.
    ///
    /// # Errors
    /// When one cannot be said in INQUIRY data.
    pub fn identity(&self, n: usize) -> Result<Identity, IdentityError> {
        let serial = match (&self.serial, n) {
            (None, n) => (n + 1).to_string(),
            (Some(serial), 0) => serial.clone(),
            (Some(serial), n) => format!("{serial}-{}", n + 1),
        };
        let vendor = self.vendor.as_deref().unwrap_or(NAMES.0);
        Identity::new(vendor, self.product.as_deref().unwrap_or(NAMES.1), NAMES.2, &serial)
    }

    /// The flags that ask for it.
    #[must_use]
    pub fn flags(&self) -> String {
        let names = [("vendor", &self.vendor), ("product", &self.product), ("serial", &self.serial)];
        let names =
            names.into_iter().filter_map(|(flag, name)| Some(format!(" --{flag} '{}'", name.as_ref()?)));
        let commands = self.commands.iter().map(|command| format!(" --cdb '{command}'"));
        let read_only = self.read_only.then(|| " --read-only".to_owned());
        read_only.into_iter().chain(names).chain(commands).collect()
    }
}

/// A command block, and its data: `12 00 00 00 24 00:in=36`, `2a 00 00 00 00 00 00 00 01 00:out=00 ff`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Command {
    cdb: Vec<u8>,
    data: CommandData,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum CommandData {
    None,
    In(usize),
    Out(Vec<u8>),
}

impl Command {
    fn data(&self) -> Data<'_> {
        match &self.data {
            CommandData::None => Data::None,
            CommandData::In(bytes) => Data::In(*bytes),
            CommandData::Out(bytes) => Data::Out(bytes),
        }
    }
}

/// Bytes as hexadecimal digits, with spaces wherever they may stand between bytes.
fn bytes_of(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    if !digits.len().is_multiple_of(2) {
        return Err(format!("'{text}' has an odd number of digits"));
    }
    let digit = |c: char| c.to_digit(16).ok_or_else(|| format!("'{c}' is no hexadecimal digit"));
    digits.chunks(2).map(|pair| Ok((digit(pair[0])? << 4 | digit(pair[1])?) as u8)).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl FromStr for Command {
    type Err = String;

    fn from_str(text: &str) -> Result<Command, String> {
        let (cdb, data) = match text.split_once(':') {
            None => (text, CommandData::None),
            Some((cdb, data)) => match data.split_once('=') {
                Some(("in", bytes)) => {
                    let bytes =
                        bytes.trim().parse().map_err(|_| format!("'{bytes}' is no number of bytes"))?;
                    (cdb, CommandData::In(bytes))
                }
                Some(("out", bytes)) => (cdb, CommandData::Out(bytes_of(bytes)?)),
                _ => return Err(format!("'{data}': data is in=BYTES or out=HEX")),
            },
        };
        let command = Command { cdb: bytes_of(cdb)?, data };
        check_command(&command.cdb, command.data()).map_err(|why| why.to_string())?;
        Ok(command)
    }
}

impl TryFrom<String> for Command {
    type Error = String;

    fn try_from(text: String) -> Result<Command, String> {
        text.parse()
    }
}

impl From<Command> for String {
    fn from(command: Command) -> String {
        command.to_string()
    }
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", hex(&self.cdb))?;
        match &self.data {
            CommandData::None => Ok(()),
            CommandData::In(bytes) => write!(f, ":in={bytes}"),
            CommandData::Out(bytes) => write!(f, ":out={}", hex(bytes)),
        }
    }
}

/// A command that was sent, and its end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sent {
    /// Which disk, from 0.
    pub disk: usize,
    /// The command.
    pub command: Command,
    /// How it ended.
    pub end: CommandEnd,
}

/// Bytes of data that a report shows.
const SHOWN: usize = 64;

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Sent { disk, command, end } = self;
        write!(f, "disk {disk}, {}: ", hex(&command.cdb))?;
        if end.status != kernel_sim::ddi::STATUS_SUCCESS {
            return f.write_str(&name_of(end.status));
        }
        write!(f, "{}, {} bytes", end.scsi_status, end.moved)?;
        if !end.sense.is_empty() {
            write!(f, ", sense {}", hex(&end.sense))?;
        }
        if !end.data.is_empty() {
            let more = if end.data.len() > SHOWN { ".." } else { "" };
            write!(f, ": {}{more}", hex(&end.data[..end.data.len().min(SHOWN)]))?;
        }
        Ok(())
    }
}

/// A status by its name.
fn name_of(status: NTSTATUS) -> String {
    status_name(status).map_or_else(|| format!("{status:#010x}"), str::to_owned)
}

/// Sends the commands to each disk, one after the other.
pub(super) fn send(commands: &[Command], disks: &[PDEVICE_OBJECT]) -> Vec<Sent> {
    let to = |disk: usize, command: &Command| {
        let end = send_command(disks[disk], &command.cdb, command.data()).expect("it was checked");
        Sent { disk, command: command.clone(), end }
    };
    (0..disks.len()).flat_map(|disk| commands.iter().map(move |command| to(disk, command))).collect()
}

/// Whether a driver's units can be like that under the setup's load.
pub(super) fn check(driver: &Driver, setup: &super::Setup) -> Result<(), SetupError> {
    let units = &setup.units;
    if units.is_plain() {
        return Ok(());
    }
    if !matches!(driver.kind, Kind::VirtualMiniport { .. } | Kind::Miniport { .. }) {
        return Err(SetupError::Units { driver: driver.name });
    }
    if units.read_only && !setup.workload.mode.only_reads() {
        return Err(SetupError::ReadOnly { mode: setup.workload.mode.word() });
    }
    (0..usize::from(setup.workload.luns)).try_for_each(|n| units.identity(n).map(|_| ()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_read_as_it_is_written() {
        for text in ["120000002400:in=36", "000000000000", "2a000000000000000100:out=00ff"] {
            assert_eq!(text.parse::<Command>().unwrap().to_string(), text);
        }
        assert_eq!("12 00 00 00 24 00:in= 36".parse::<Command>().unwrap().to_string(), "120000002400:in=36");
    }

    #[test]
    fn a_command_that_cannot_be_sent_is_refused_with_a_reason() {
        let why = |text: &str| text.parse::<Command>().unwrap_err();
        assert_eq!(why(""), "a command block has 1 to 16 bytes, not 0");
        assert_eq!(why(&"00".repeat(17)), "a command block has 1 to 16 bytes, not 17");
        assert_eq!(why("1"), "'1' has an odd number of digits");
        assert_eq!(why("1x"), "'x' is no hexadecimal digit");
        assert_eq!(why("12:36"), "'36': data is in=BYTES or out=HEX");
        assert_eq!(why("12:in=some"), "'some' is no number of bytes");
        assert_eq!(why("12:in=1048577"), "1048577 bytes of data; 1048576 at most");
    }

    #[test]
    fn each_unit_has_a_serial_number_of_its_own() {
        let units = Units { serial: Some("A7".into()), ..Units::default() };
        let serial = |n| units.identity(n).unwrap().serial().to_owned();
        assert_eq!([serial(0), serial(1)], ["A7", "A7-2"]);
        assert_eq!(Units::default().identity(2).unwrap(), Identity::numbered(2));
    }
}
