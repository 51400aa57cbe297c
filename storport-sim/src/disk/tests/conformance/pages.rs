//! Pages: of vital product data, of mode parameters, of the log.

use super::primary::allocation;
use super::*;
use crate::scsi::{Inquiry, LogSense, ModeSense6, VpdPage};

/// Every page there is a heading for.
pub(super) const EVERY: [&str; 21] = [
    "VPD page 00h, Supported VPD Pages",
    "VPD page 80h, Unit Serial Number",
    "VPD page 83h, Device Identification",
    "VPD page 86h, Extended INQUIRY Data",
    "VPD page b0h, Block Limits",
    "VPD page b1h, Block Device Characteristics",
    "VPD page b2h, Logical Block Provisioning",
    "Mode page 01h, Read-Write Error Recovery",
    "Mode page 02h, Disconnect-Reconnect",
    "Mode page 08h, Caching",
    "Mode page 0ah, Control",
    "Mode page 0ah/01h, Control Extension",
    "Mode page 1ch, Informational Exceptions Control",
    "Log page 00h, Supported Log Pages",
    "Log page 00h/ffh, Supported Log Pages and Subpages",
    "Log page 0dh, Temperature",
    "Log page 0dh/ffh, Supported Subpages",
    "Log page 0fh, Application Client",
    "Log page 0fh/ffh, Supported Subpages",
    "Log page 2fh, Informational Exceptions",
    "Log page 2fh/ffh, Supported Subpages",
];

/// The heading of a page.
fn heading(kind: &str, code: u8, subpage: u8) -> &'static str {
    let number = if subpage == 0 { format!("{code:02x}h") } else { format!("{code:02x}h/{subpage:02x}h") };
    let begin = format!("{kind} page {number},");
    EVERY.into_iter().find(|page| page.starts_with(&begin)).expect("every page has a heading")
}

pub(super) fn rows() -> Vec<Row> {
    [vpd(), modes(), logs()].concat()
}

fn vpd() -> Vec<Row> {
    let mut rows = Vec::new();
    for (code, len) in [(0x00, 11), (0x80, 5), (0x83, 45), (0x86, 64), (0xb0, 64), (0xb1, 64), (0xb2, 8)] {
        let page = heading("VPD", code, 0);
        let cdb = |len: usize| Inquiry::vpd(VpdPage(code), len as u16);
        rows.extend(allocation("the whole page", len, cdb).map(|row| row.of_page(page)));
        let no_evpd = Inquiry { evpd: 0, ..cdb(len) };
        let answer = if code == 0 { "good, 96 bytes" } else { "05/24/00 2" };
        let case = if code == 0 { "without EVPD: standard data" } else { "without EVPD" };
        let long = Inquiry { allocation_length: 255.into(), ..no_evpd };
        rows.push(reserved(case, &long, answer).receiving(255).of_page(page));
        let command_data = Inquiry { evpd: 3, ..cdb(len) };
        rows.push(reserved("CMDDT, obsolete", &command_data, "05/24/00 1.1").of_page(page));
    }
    let exact = [
        (0x00, "good, 11 bytes: 00 00 00 07 00 80 83 86 b0 b1 b2"),
        (0x80, "good, 5 bytes: 00 80 00 01 31"),
        (0xb2, "good, 8 bytes: 00 b2 00 04 00 e4 02 00"),
    ];
    for (code, answer) in exact {
        let row = good("its bytes", &Inquiry::vpd(VpdPage(code), 255), answer).receiving(255);
        rows.push(row.of_page(heading("VPD", code, 0)));
    }
    rows
}

fn modes() -> Vec<Row> {
    let sense = |control: u8, code: u8, subpage, len: usize| ModeSense6 {
        opcode: Opcode::MODE_SENSE_6,
        flags: ModeSense6::DBD,
        page: control << 6 | code,
        subpage,
        allocation_length: len as u8,
        control: 0,
    };
    // Current values, then the changeable mask, after the header of four bytes.
    let recovery = ("01 0a c0 00 00 00 00 00 00 00 00 00", "01 0a 00 00 00 00 00 00 00 00 00 00");
    let disconnect = ("02 0e 00 00 00 00 00 00 00 00 00 00 00 00 00 00", "");
    let caching = (
        "88 12 04 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
        "88 12 04 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
    );
    let control = ("8a 0a 02 10 00 00 00 00 ff ff 00 00", "8a 0a 04 00 08 00 00 00 00 00 00 00");
    let extension = (
        "4a 01 00 1c 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
        "",
    );
    let exceptions = ("1c 0a 08 00 00 00 00 00 00 00 00 00", "1c 0a 00 00 00 00 00 00 00 00 00 00");
    let mut rows = Vec::new();
    for (code, subpage, (current, mask)) in [
        (0x01, 0, recovery),
        (0x02, 0, disconnect),
        (0x08, 0, caching),
        (0x0a, 0, control),
        (0x0a, 1, extension),
        (0x1c, 0, exceptions),
    ] {
        let page = heading("Mode", code, subpage);
        let len = 4 + current.split(' ').count();
        // A page of zeros is its own mask.
        let mask = if mask.is_empty() { current } else { mask };
        let values = [
            ("current", 0, current),
            ("changeable", 1, mask),
            ("default", 2, current),
            ("saved", 3, current),
        ];
        for (name, control, bytes) in values {
            let answer = format!("good, {len} bytes: {:02x} 00 10 00 {bytes}", len - 1);
            rows.push(good(name, &sense(control, code, subpage, 255), &answer).receiving(255).of_page(page));
        }
        let short = allocation("by length", len, |len| sense(0, code, subpage, len));
        rows.extend(short.map(|row| row.of_page(page)));
        let other = sense(0, code, 2, 255);
        rows.push(reserved("a subpage there is not", &other, "05/24/00 3").of_page(page));
    }
    rows
}

fn logs() -> Vec<Row> {
    let mut rows = Vec::new();
    for (code, subpage, len, bytes) in [
        (0x00, 0x00, 8, "00 00 00 04 00 0d 0f 2f"),
        (0x00, 0xff, 20, "40 ff 00 10 00 00 00 ff 0d 00 0d ff 0f 00 0f ff 2f 00 2f ff"),
        (0x0d, 0x00, 16, "8d 00 00 0c 00 00 03 02 00 ff 00 01 03 02 00 ff"),
        (0x0d, 0xff, 8, "4d ff 00 04 0d 00 0d ff"),
        (0x0f, 0x00, 16388, ""),
        (0x0f, 0xff, 8, "4f ff 00 04 0f 00 0f ff"),
        (0x2f, 0x00, 12, "af 00 00 08 00 00 03 04 00 00 ff 00"),
        (0x2f, 0xff, 8, "6f ff 00 04 2f 00 2f ff"),
    ] {
        let page = heading("Log", code, subpage);
        let sense = |len: usize| LogSense::new(code, subpage, len as u16);
        let bytes = if bytes.is_empty() { String::new() } else { format!(": {bytes}") };
        let answer = format!("good, {len} bytes{bytes}");
        rows.push(good("its bytes", &sense(20_000), &answer).receiving(20_000).of_page(page));
        rows.extend(allocation("by length", len, sense).map(|row| row.of_page(page)));
        let beyond = LogSense { parameter_pointer: 0xffff.into(), ..sense(64) };
        rows.push(boundary("past the last parameter", &beyond, "05/24/00 5").of_page(page));
        let saving = LogSense { save: 1, ..sense(64) };
        rows.push(reserved("SP: nothing can be saved", &saving, "05/24/00 1.0").of_page(page));
    }
    rows
}
