//! CLASS-STATUS.md is the table, written out. `STORSIM_BLESS=1 cargo test -p storport-sim class_status`
//! writes it anew.

use super::row::{End, Only, Row, Source, When};
use super::table::{OTHER_SCSI, OTHER_SRB, SCSI, SENSE, SRB, SUCCESS};
use crate::ddi::{SRB_STATUS_ERROR, SRB_STATUS_PENDING, srb_status_name};
use crate::scsi::{AdditionalSense, ScsiStatus};
use kernel_sim::ddi::status_name;
use std::fmt::Write as _;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/CLASS-STATUS.md");

/// What a row is about, in words.
pub(super) fn subject(row: &Row) -> String {
    match row.when {
        When::Srb(0xFF) | When::Scsi(0xFF) => "others".into(),
        When::Srb(status) => srb_status_name(status).expect("a status of srb.h").into(),
        When::Scsi(status) => format!("{status:02X}h {}", ScsiStatus(status)),
        When::Sense { key, code, qualifier, only } => {
            let code = match (code, qualifier) {
                (Some(code), Some(qualifier)) => {
                    format!("{code:02X}/{qualifier:02X}{}", text(AdditionalSense { code, qualifier }))
                }
                (Some(code), None) => format!("{code:02X}/any"),
                (None, _) => "any".into(),
            };
            let only = match only {
                Only::Always => "",
                Only::IncorrectLength => ", incorrect length (ILI)",
                Only::Writes => ", of a write",
            };
            format!("{:X} {key} | {code}{only}", key.0)
        }
    }
}

fn text(additional: AdditionalSense) -> String {
    additional.name().map_or_else(String::new, |name| format!(" {name}"))
}

fn line(row: &Row) -> String {
    let (status, after) = match row.end {
        End::Success => ("STATUS_SUCCESS".into(), String::new()),
        End::OfTheSrb => ("of the SRB".into(), String::new()),
        End::Fail(status) => (named(status), String::new()),
        End::Again { status, after_s: 0, .. } => (named(status), "at once".into()),
        End::Again { status, after_s, .. } => (named(status), format!("{after_s} s")),
    };
    let source = match row.source {
        Source::ClassLibrary => "class library",
        Source::ClassLibraryDefault => "class library, which does not name it",
        Source::OurChoice => "our choice",
    };
    format!("| {} | {status} | {} | {after} | {source} | {} |\n", subject(row), row.end.tries(), row.note)
}

fn named(status: i32) -> String {
    status_name(status).expect("a status with a name").into()
}

fn page() -> String {
    let mut page = String::from(
        "# What the class driver makes of the end of an SRB\n\n\
         Generated from the table in `src/class/ends/table.rs`; do not edit. Each row is sent through a miniport by a \
         test beside it.\n\n\
         \"Class library\" is Microsoft's: what its published sample does (Windows-driver-samples, storage/class/classpnp, \
         ClassInterpretSenseInfo), in our own words. A request that is tried again goes down after the time given, in \
         machine time; when all its tries have ended so, it fails with the status of the row that its last try ended by. \
         Different ends share the tries of a request: four more after the first, unless the row says otherwise. \
         Information is the number of bytes that pieces of the request which succeeded have moved.\n\n\
         What is asked first: SRB_STATUS_SUCCESS and SRB_STATUS_INTERNAL_ERROR, then a reservation conflict, then sense \
         data, and then the SRB status, with SRB_STATUS_ERROR told apart by the SCSI status. A request that ends in \
         SRB_STATUS_BUSY, or in SRB_STATUS_ERROR with BUSY or TASK SET FULL, is the port driver's at first \
         (FAULTS.md). SRB_STATUS_PENDING ends no request: completing with it is bug check 0xF1/0x1004.\n",
    );
    let mut part = |title: &str, first: &str, rows: &mut dyn Iterator<Item = &Row>| {
        let columns = first.matches('|').count() + 6;
        let _ =
            write!(page, "\n## {title}\n\n| {first} | NTSTATUS | tries | again after | source | note |\n");
        let _ = writeln!(page, "|{}", " --- |".repeat(columns));
        rows.for_each(|row| page.push_str(&line(row)));
    };
    let srb = std::iter::once(&SUCCESS).chain(SRB).chain([&OTHER_SRB]);
    part("SRB status, without sense data", "SRB status", &mut { srb });
    let scsi = SCSI.iter().chain([&OTHER_SCSI]);
    part("SRB_STATUS_ERROR without sense data, by SCSI status", "SCSI status", &mut { scsi });
    part("Sense data; the first row that fits", "sense key | ASC/ASCQ", &mut SENSE.iter());
    page
}

#[test]
fn the_class_status_page_is_fresh() {
    let page = page();
    if std::env::var_os("STORSIM_BLESS").is_some() {
        std::fs::write(PAGE, &page).unwrap();
    }
    let found = std::fs::read_to_string(PAGE).unwrap_or_default();
    assert!(
        found == page,
        "CLASS-STATUS.md is stale: run STORSIM_BLESS=1 cargo test -p storport-sim class_status"
    );
}

#[test]
fn every_status_and_every_sense_key_has_a_row() {
    for status in 0..SRB_STATUS_FLAGS {
        let is_named = srb_status_name(status).is_some();
        let elsewhere =
            [SRB_STATUS_PENDING, crate::ddi::SRB_STATUS_SUCCESS, SRB_STATUS_ERROR].contains(&status);
        let rows = SRB.iter().filter(|row| row.when == When::Srb(status)).count();
        assert_eq!(rows, usize::from(is_named && !elsewhere), "SRB status {status:#04x}");
    }
    for status in 0..=u8::MAX {
        let rows = SCSI.iter().filter(|row| row.when == When::Scsi(status)).count();
        assert_eq!(rows, usize::from(ScsiStatus(status).name().is_some()), "SCSI status {status:#04x}");
    }
    for key in 0..16 {
        let whole = |row: &&Row| matches!(row.when, When::Sense { key: k, code: None, only: Only::Always, .. } if k.0 == key);
        assert_eq!(SENSE.iter().filter(whole).count(), 1, "sense key {key:X}");
    }
}

/// The flag bits of an SRB status begin here.
const SRB_STATUS_FLAGS: u8 = crate::ddi::SRB_STATUS_QUEUE_FROZEN;

#[test]
fn no_row_of_sense_data_hides_another() {
    for (n, later) in SENSE.iter().enumerate() {
        for earlier in &SENSE[..n] {
            let (
                When::Sense { key: k, code: c, qualifier: q, only: o },
                When::Sense { key, code, qualifier, only },
            ) = (earlier.when, later.when)
            else {
                unreachable!("rows of sense data")
            };
            let covers = k == key
                && (c.is_none() || c == code)
                && (q.is_none() || q == qualifier)
                && (o == Only::Always || o == only);
            assert!(!covers, "{} comes after {}", subject(later), subject(earlier));
        }
    }
}
