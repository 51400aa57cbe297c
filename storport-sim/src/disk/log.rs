//! LOG SENSE: what the device counts and measures.
//!
//! It measures little: there is no thermometer in a simulated disk (FFh, "cannot say"), no failure is
//! predicted, and the notes of the application client are empty, because nothing here writes them (LOG SELECT
//! is not supported). The pages are there because initiators ask for them.

use zerocopy::IntoBytes;
use zerocopy::big_endian::U16;

use super::ScsiDisk;
use super::commands::{Cdb, view};
use super::transfer::Transfer;
use crate::scsi::{LogHeader, LogPage, LogParameterHeader, LogSense, Sense};

/// "No valid temperature".
const UNKNOWN: u8 = 0xff;
/// Parameters of the Application Client page, and the bytes of each: what SPC-5 asks for.
const NOTES: u16 = 64;
const NOTE_LEN: usize = 0xfc;

/// The pages there are, ascending, with their parameters: each a list of bytes whose code is its place.
type Page = (LogPage, fn() -> Vec<Vec<u8>>);
const PAGES: [Page; 4] = [
    (LogPage::SUPPORTED, Vec::new),
    // The temperature, and the one it should stay below; a reserved byte before each.
    (LogPage::TEMPERATURE, || vec![vec![0, UNKNOWN], vec![0, UNKNOWN]]),
    (LogPage::APPLICATION_CLIENT, || vec![vec![0; NOTE_LEN]; NOTES.into()]),
    // No exception (ASC and ASCQ zero), the temperature, a vendor specific byte.
    (LogPage::INFORMATIONAL_EXCEPTIONS, || vec![vec![0, 0, UNKNOWN, 0]]),
];

/// LOG SENSE (SPC-5, section of that name). The page control makes no difference: no parameter is a counter.
///
/// Subpage 00h is the page, FFh the list of its subpages, and of page 00h the list of all pages and subpages.
/// A parameter pointer past the last parameter is 05/24/00; so is one into a list, which has no parameters.
pub(super) fn log_sense(_: &mut ScsiDisk, cdb: &Cdb, transfer: &mut Transfer<'_>) -> Result<(), Sense> {
    let cdb: &LogSense = view(cdb);
    let code = LogPage(cdb.page & 0x3f);
    let (_, parameters) =
        PAGES.iter().find(|(page, _)| *page == code).ok_or(Sense::invalid_field(2, Some(5)))?;
    let pointer = cdb.parameter_pointer.get();
    let (flags, body) = match (cdb.subpage, code) {
        (0x00, LogPage::SUPPORTED) => (0, PAGES.iter().map(|(page, _)| page.0).collect()),
        (0x00, _) => {
            let body = render(&parameters(), pointer);
            return reply(LogHeader::DS | code.0, cdb, &body.ok_or(BEYOND)?, transfer);
        }
        (0xff, LogPage::SUPPORTED) => {
            (LogHeader::SPF, PAGES.iter().flat_map(|(page, _)| both(*page)).collect())
        }
        (0xff, _) => (LogHeader::SPF, both(code).to_vec()),
        _ => return Err(Sense::invalid_field(3, None)),
    };
    let body: Vec<u8> = body;
    if pointer != 0 {
        return Err(BEYOND);
    }
    reply(flags | code.0, cdb, &body, transfer)
}

/// The parameter pointer asks for parameters there are not.
const BEYOND: Sense = Sense::invalid_field(5, None);

/// A page and the list of its subpages, as such a list names them.
fn both(page: LogPage) -> [u8; 4] {
    [page.0, 0x00, page.0, 0xff]
}

/// The parameters from code `first` on; `None` if there are none.
fn render(parameters: &[Vec<u8>], first: u16) -> Option<Vec<u8>> {
    let rest = parameters.get(usize::from(first)..).filter(|rest| !rest.is_empty())?;
    let mut bytes = Vec::new();
    for (code, values) in (first..).zip(rest) {
        let control = LogParameterHeader::BINARY_LIST;
        // At most FCh bytes.
        let header = LogParameterHeader { code: code.into(), control, length: values.len() as u8 };
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(values);
    }
    Some(bytes)
}

fn reply(page: u8, cdb: &LogSense, body: &[u8], transfer: &mut Transfer<'_>) -> Result<(), Sense> {
    // The longest page is 64 parameters of 256 bytes.
    let header = LogHeader { page, subpage: cdb.subpage, length: U16::new(body.len() as u16) };
    transfer.reply(&[header.as_bytes(), body].concat(), cdb.allocation_length.get())
}
