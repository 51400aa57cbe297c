//! SCSI-CONFORMANCE.md: every command and page with its good path, its boundaries and its reserved bits.
//!
//! A row is a test and a line of the page: it runs on a disk of its own, and its answer is held against what
//! is written here. `STORSIM_BLESS=1 cargo test -p storport-sim conformance` writes the page anew.

mod automatic;
mod blocks;
mod pages;
mod primary;
mod reservations;

use std::fmt::Write as _;

use super::super::Nexus;
use super::super::commands::{COMMANDS, Command};
use super::*;
use crate::scsi::{Opcode, service_action as action};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/SCSI-CONFORMANCE.md");

/// Logical blocks of the disk a row runs on.
const BLOCKS: u64 = 100;

/// What a row shows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Kind {
    /// The command does what it is for.
    Good,
    /// The last value that is allowed, the first that is not, nothing at all.
    Boundary,
    /// Reserved bits and values.
    Reserved,
}

/// What kind of disk a row runs on. All but `Attentive` have no unit attention pending.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Setup {
    Plain,
    Native4k,
    Emulated512,
    ReadOnly,
    Attentive,
}

/// What goes with the command block.
#[derive(Clone, Debug)]
enum Data {
    None,
    /// Room for so many bytes.
    In(usize),
    Out(Vec<u8>),
}

/// A command that comes before the one the row is about: it must not fail.
type Step = (Nexus, Vec<u8>, Data);

/// One row.
#[derive(Clone, Debug)]
struct Row {
    /// The heading it stands under, if that is not the command.
    page: Option<String>,
    kind: Kind,
    case: String,
    setup: Setup,
    before: Vec<Step>,
    nexus: Nexus,
    cdb: Vec<u8>,
    data: Data,
    answer: String,
    /// Many command blocks in one row, each with its answer; `cdb` is then their usage map.
    each: Vec<(Vec<u8>, String)>,
}

fn row(kind: Kind, case: &str, cdb: &(impl Wire + ?Sized), answer: &str) -> Row {
    Row {
        page: None,
        kind,
        case: case.into(),
        setup: Setup::Plain,
        before: Vec::new(),
        nexus: Nexus::DEFAULT,
        cdb: cdb.as_bytes().to_vec(),
        data: Data::None,
        answer: answer.into(),
        each: Vec::new(),
    }
}

fn good(case: &str, cdb: &(impl Wire + ?Sized), answer: &str) -> Row {
    row(Kind::Good, case, cdb, answer)
}

fn boundary(case: &str, cdb: &(impl Wire + ?Sized), answer: &str) -> Row {
    row(Kind::Boundary, case, cdb, answer)
}

fn reserved(case: &str, cdb: &(impl Wire + ?Sized), answer: &str) -> Row {
    row(Kind::Reserved, case, cdb, answer)
}

impl Row {
    fn receiving(self, room: usize) -> Self {
        Self { data: Data::In(room), ..self }
    }
    fn sending(self, data: &[u8]) -> Self {
        Self { data: Data::Out(data.to_vec()), ..self }
    }
    fn on(self, setup: Setup) -> Self {
        Self { setup, ..self }
    }
    fn from(self, nexus: Nexus) -> Self {
        Self { nexus, ..self }
    }
    fn of_page(self, page: &str) -> Self {
        Self { page: Some(page.into()), ..self }
    }
    fn after(mut self, nexus: Nexus, cdb: &(impl Wire + ?Sized), data: Data) -> Self {
        self.before.push((nexus, cdb.as_bytes().to_vec(), data));
        self
    }

    /// The answer in words: status or sense, and how much was moved; what was received, if the row spells it
    /// out.
    fn run(&self) -> String {
        let off = |(cdb, answer): &(Vec<u8>, String)| {
            let (done, _) = execute(&mut self.setup.disk(), self.nexus, cdb, &self.data);
            (quote(done) != *answer).then(|| format!("{} to {cdb:02x?}, not {answer}", quote(done)))
        };
        if !self.each.is_empty() {
            return self.each.iter().find_map(off).unwrap_or(self.answer.clone());
        }
        let mut disk = self.setup.disk();
        for (nexus, cdb, data) in &self.before {
            let (done, _) = execute(&mut disk, *nexus, cdb, data);
            assert_eq!(quote(done), "good", "{}: before it, {cdb:02x?}", self.case);
        }
        let (done, received) = execute(&mut disk, self.nexus, &self.cdb, &self.data);
        let mut answer = quote(done);
        if answer == "good" && !matches!(self.data, Data::None) {
            answer += &format!(", {} bytes", done.transferred);
        }
        if self.answer.contains(':') {
            answer += ":";
            for byte in received {
                answer += &format!(" {byte:02x}");
            }
        }
        answer
    }

    /// The command's row in the table of commands.
    fn command(&self) -> Option<&'static Command> {
        Command::find(&self.cdb).ok()
    }

    fn line(&self) -> String {
        let data = match &self.data {
            Data::None => "none".into(),
            Data::In(room) => format!("in {room}"),
            Data::Out(data) => format!("out {}", data.len()),
        };
        let kind = match self.kind {
            Kind::Good => "good",
            Kind::Boundary => "boundary",
            Kind::Reserved => "reserved",
        };
        let block: Vec<String> = self.cdb.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("| {kind} | {} | `{}` | {data} | {} |", self.case, block.join(" "), self.answer)
    }
}

impl Setup {
    fn disk(self) -> ScsiDisk {
        let len = BLOCKS * 512;
        match self {
            Self::Plain => disk(BLOCKS),
            Self::Native4k => disk_with(MemoryStore::new(BLOCKS * 4096), Geometry::NATIVE_4K),
            Self::Emulated512 => disk_with(MemoryStore::new(len), Geometry::EMULATED_512),
            Self::ReadOnly => disk_over(Fake { len, read_only: true, ..Fake::default() }),
            Self::Attentive => {
                let store = Box::new(MemoryStore::new(len));
                ScsiDisk::new(store, Geometry::default(), Identity::default()).unwrap()
            }
        }
    }
}

fn execute(disk: &mut ScsiDisk, nexus: Nexus, cdb: &[u8], data: &Data) -> (Completion, Vec<u8>) {
    match data {
        Data::None => (disk.execute_from(nexus, cdb, DataPhase::None), Vec::new()),
        Data::In(room) => {
            let mut buffer = vec![0xaa; *room];
            let done = disk.execute_from(nexus, cdb, DataPhase::In(&mut buffer));
            buffer.truncate(done.transferred);
            (done, buffer)
        }
        Data::Out(data) => (disk.execute_from(nexus, cdb, DataPhase::Out(data)), Vec::new()),
    }
}

fn rows() -> Vec<Row> {
    [blocks::rows(), primary::rows(), pages::rows(), reservations::rows(), automatic::rows()].concat()
}

#[test]
fn every_row_answers_as_it_is_written() {
    let wrong: Vec<String> = rows()
        .iter()
        .filter_map(|row| {
            let answer = row.run();
            (answer != row.answer).then(|| format!("{}\n    answered {answer}", row.line()))
        })
        .collect();
    assert!(wrong.is_empty(), "{} rows:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_command_and_page_has_its_good_path_its_boundaries_and_its_reserved_bits() {
    let rows = rows();
    for command in &COMMANDS {
        for kind in [Kind::Good, Kind::Boundary, Kind::Reserved] {
            let shown = rows.iter().any(|row| {
                let same = |own: &Command| std::ptr::eq(own, command);
                row.kind == kind && row.command().is_some_and(same)
            });
            assert!(shown, "{}: no {kind:?} row", title(command));
        }
    }
    for page in pages::EVERY {
        for kind in [Kind::Good, Kind::Boundary, Kind::Reserved] {
            let shown = rows.iter().any(|row| row.kind == kind && row.page.as_deref() == Some(page));
            assert!(shown, "{page}: no {kind:?} row");
        }
    }
}

#[test]
fn the_page_is_fresh() {
    let page = page();
    if std::env::var_os("STORSIM_BLESS").is_some() {
        std::fs::write(PAGE, &page).unwrap();
    }
    let found = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        found == page,
        "SCSI-CONFORMANCE.md is stale: run STORSIM_BLESS=1 cargo test -p storport-sim conformance"
    );
}

/// What a command is called, with its service action.
fn title(command: &Command) -> String {
    let name = command.opcode;
    match (name, command.service_action) {
        (Opcode::SERVICE_ACTION_IN_16, Some(action::READ_CAPACITY_16)) => "READ CAPACITY(16)".into(),
        (Opcode::SERVICE_ACTION_IN_16, _) => "GET LBA STATUS(16)".into(),
        (Opcode::MAINTENANCE_IN, Some(action::REPORT_SUPPORTED_OPERATION_CODES)) => {
            "REPORT SUPPORTED OPERATION CODES".into()
        }
        (Opcode::MAINTENANCE_IN, _) => "REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS".into(),
        (Opcode::PERSISTENT_RESERVE_IN, Some(action)) => {
            let names = ["READ KEYS", "READ RESERVATION", "REPORT CAPABILITIES", "READ FULL STATUS"];
            format!("{name}, {}", names[usize::from(action)])
        }
        (Opcode::PERSISTENT_RESERVE_OUT, Some(action)) => {
            let names = [
                "REGISTER",
                "RESERVE",
                "RELEASE",
                "CLEAR",
                "PREEMPT",
                "PREEMPT AND ABORT",
                "REGISTER AND IGNORE EXISTING KEY",
            ];
            format!("{name}, {}", names[usize::from(action)])
        }
        _ => name.to_string(),
    }
}

fn page() -> String {
    let rows = rows();
    let mut page = format!(
        "# SCSI conformance of the disk\n\n\
         Generated by the tests in `src/disk/tests/conformance`, which run every row; do not edit.\n\n\
         {} commands, {} pages, {} rows. Each row runs on a fresh disk of {BLOCKS} blocks of 512 bytes (4096 where the \
         case says 4Kn, eight to a physical block where it says 512e). An answer is a status, or sense as key/ASC/ASCQ and the field pointer (byte.bit of the \
         command block, or of the parameter list after \"data\"), then the bytes moved and, where they are few, the \
         bytes themselves. Commands marked in the standard as optional and missing here have no row: they answer \
         05/20/00.\n\n\
         Sources: SPC-5, SBC-4, SAM-6; SPC-2 for RESERVE and RELEASE.\n",
        COMMANDS.len(),
        pages::EVERY.len(),
        rows.len(),
    );
    let mut section = |title: &str, wanted: &dyn Fn(&Row) -> bool| {
        let _ = writeln!(page, "\n## {title}\n\n| | case | command block | data | answer |");
        page.push_str("| --- | --- | --- | --- | --- |\n");
        for kind in [Kind::Good, Kind::Boundary, Kind::Reserved] {
            for row in rows.iter().filter(|row| row.kind == kind && wanted(row)) {
                page.push_str(&row.line());
                page.push('\n');
            }
        }
    };
    for command in &COMMANDS {
        section(&title(command), &|row| {
            row.page.is_none() && row.command().is_some_and(|own| std::ptr::eq(own, command))
        });
    }
    for title in pages::EVERY {
        section(title, &|row| row.page.as_deref() == Some(title));
    }
    page
}
