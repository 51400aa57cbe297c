//! Commands about the unit, and those of any device.

use super::*;
use crate::scsi::{
    Inquiry, LogSense, ModeSelect6, ModeSelect10, ModeSense6, ModeSense10, ReadCapacity16, ReadDefectData10,
    ReadDefectData12, ReportLuns, ReportSupportedOpcodes, ReportTaskManagement, RequestSense, VpdPage,
};

/// Three rows about a command that sends `len` bytes: with room, with an allocation length one short, with
/// none.
pub(super) fn allocation<C: Wire>(case: &str, len: usize, cdb: impl Fn(usize) -> C) -> [Row; 3] {
    let moved = |len: usize| format!("good, {len} bytes");
    [
        good(case, &cdb(len), &moved(len)).receiving(len + 9),
        boundary(&format!("{case}: allocation length one short"), &cdb(len - 1), &moved(len - 1))
            .receiving(len + 9),
        boundary(&format!("{case}: allocation length of zero"), &cdb(0), &moved(0)).receiving(len + 9),
    ]
}

pub(super) fn rows() -> Vec<Row> {
    [unit(), sense(), identity(), modes(), logs(), supported()].concat()
}

/// Readiness, capacity, starting and stopping, defects.
fn unit() -> Vec<Row> {
    const STOP: [u8; 6] = [0x1b, 0, 0, 0, 0, 0];
    let capacity_10 = [0x25_u8, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let stopped = |row: Row| row.after(Nexus::DEFAULT, &STOP, Data::None);
    let defects_10 = |lists: u8, len: usize| ReadDefectData10 {
        opcode: Opcode::READ_DEFECT_DATA_10,
        reserved_1: 0,
        lists,
        reserved_3: [0; 4],
        allocation_length: (len as u16).into(),
        control: 0,
    };
    let defects_12 = |lists: u8, len: usize| ReadDefectData12 {
        opcode: Opcode::READ_DEFECT_DATA_12,
        lists,
        first: 0.into(),
        allocation_length: (len as u32).into(),
        reserved: 0,
        control: 0,
    };
    const FORMAT: [u8; 6] = [0x04, 0x10, 0, 0, 0, 0];
    let mut rows = vec![
        good("without a list", &[0x04_u8, 0, 0, 0, 0, 0], "good"),
        good("an empty list, FOV and IMMED", &FORMAT, "good, 4 bytes").sending(&[0, 0x82, 0, 0]),
        boundary("a list that is announced and not sent", &FORMAT, "0b/4b/00"),
        boundary("a list with a defect", &FORMAT, "05/26/00 data 2").sending(&[0, 0, 0, 8]),
        reserved("protection information", &FORMAT, "05/26/00 data 0").sending(&[1, 0, 0, 0]),
        reserved("an option without FOV", &FORMAT, "05/26/00 data 1").sending(&[0, 0x20, 0, 0]),
        reserved("a complete list that is not sent", &[0x04_u8, 0x08, 0, 0, 0, 0], "05/24/00 1.3"),
        stopped(boundary("a stopped unit", &[0x04_u8, 0, 0, 0, 0, 0], "02/04/02")),
        good("a unit that is ready", &[0_u8; 6], "good"),
        stopped(boundary("a stopped unit", &[0_u8; 6], "02/04/02")),
        good("100 blocks", &capacity_10, "good, 8 bytes: 00 00 00 63 00 00 02 00").receiving(8),
        good("100 blocks, 4Kn", &capacity_10, "good, 8 bytes: 00 00 00 63 00 00 10 00")
            .receiving(8)
            .on(Setup::Native4k),
        boundary("room one byte short", &capacity_10, "good, 7 bytes").receiving(7),
        stopped(boundary("a stopped unit", &capacity_10, "02/04/02")),
        good(
            "100 blocks, 512e",
            &ReadCapacity16::new(16),
            "good, 16 bytes: 00 00 00 00 00 00 00 63 00 00 02 00 00 03 c0 00",
        )
        .receiving(16)
        .on(Setup::Emulated512),
        good(
            "100 blocks, 4Kn",
            &ReadCapacity16::new(16),
            "good, 16 bytes: 00 00 00 00 00 00 00 63 00 00 10 00 00 00 c0 00",
        )
        .receiving(16)
        .on(Setup::Native4k),
        stopped(boundary("a stopped unit", &ReadCapacity16::new(32), "02/04/02")),
        good("stop", &STOP, "good"),
        good("start", &[0x1b_u8, 0, 0, 0, 1, 0], "good"),
        good("stop, IMMED and NO_FLUSH", &[0x1b_u8, 1, 0, 0, 4, 0], "good"),
        reserved("eject", &[0x1b_u8, 0, 0, 0, 2, 0], "05/24/00 4.1"),
        reserved("power condition ACTIVE", &[0x1b_u8, 0, 0, 0, 0x10, 0], "05/24/00 4.7"),
        reserved("power condition FORCE_STANDBY_0", &[0x1b_u8, 0, 0, 0, 0xb0, 0], "05/24/00 4.7"),
        good("the default self-test", &[0x1d_u8, 0x04, 0, 0, 0, 0], "good"),
        good("nothing", &[0x1d_u8, 0, 0, 0, 0, 0], "good"),
        reserved("the short self-test", &[0x1d_u8, 0x20, 0, 0, 0, 0], "05/24/00 1.7"),
        good("prevent", &[0x1e_u8, 0, 0, 0, 1, 0], "good"),
        good("allow", &[0x1e_u8, 0, 0, 0, 0, 0], "good"),
        reserved("prevent, obsolete form", &[0x1e_u8, 0, 0, 0, 2, 0], "05/24/00 4.1"),
        reserved("a format there is not", &defects_10(0x1c, 4), "05/24/00 2.2"),
        reserved("a format there is not", &defects_12(0x1c, 8), "05/24/00 1.2"),
        boundary(
            "an index past the empty list",
            &ReadDefectData12 { first: 1.into(), ..defects_12(0x18, 8) },
            "05/24/00 2",
        ),
    ];
    rows.extend(allocation("100 blocks", 32, |len| ReadCapacity16::new(len as u32)));
    rows.extend(allocation("both lists, short blocks", 4, |len| defects_10(0x18, len)));
    rows.extend(allocation("both lists, long blocks", 8, |len| defects_12(0x1b, len)));
    rows
}

/// REQUEST SENSE in both formats.
fn sense() -> Vec<Row> {
    let request = |desc: u8, len: usize| RequestSense {
        opcode: Opcode::REQUEST_SENSE,
        desc,
        reserved: 0.into(),
        allocation_length: len as u8,
        control: 0,
    };
    let stop = [0x1b_u8, 0, 0, 0, 0, 0];
    let pending = "good, 8 bytes: 72 06 29 00 00 00 00 00";
    let mut rows = vec![
        good("an attention is pending, descriptor format", &request(1, 252), pending)
            .receiving(252)
            .on(Setup::Attentive),
        good("a stopped unit, descriptor format", &request(1, 252), "good, 8 bytes: 72 02 04 02 00 00 00 00")
            .receiving(252)
            .after(Nexus::DEFAULT, &stop, Data::None),
    ];
    rows.extend(allocation("nothing to say, fixed format", 18, |len| request(0, len)));
    rows.extend(allocation("nothing to say, descriptor format", 8, |len| request(1, len)));
    rows
}

/// INQUIRY and REPORT LUNS; the pages have headings of their own.
fn identity() -> Vec<Row> {
    let stray = Inquiry { page: VpdPage(0x80), ..Inquiry::standard(96) };
    let luns = |select_report| ReportLuns { select_report, ..ReportLuns::all(64) };
    let one = "good, 16 bytes: 00 00 00 08 00 00 00 00 00 00 00 00 00 00 00 00";
    let mut rows = vec![
        reserved("a page code without EVPD", &stray, "05/24/00 2"),
        reserved("a page there is not", &Inquiry::vpd(VpdPage(0x84), 96), "05/24/00 2"),
        good("addressable units", &luns(0), one).receiving(64),
        good("well known units", &luns(1), "good, 8 bytes: 00 00 00 00 00 00 00 00").receiving(64),
        reserved("a report there is not", &luns(3), "05/24/00 2"),
        reserved("a report there is not", &luns(0xff), "05/24/00 2"),
    ];
    rows.extend(allocation("standard data", 96, |len| Inquiry::standard(len as u16)));
    rows.extend(allocation("all units", 16, |len| ReportLuns::all(len as u32)));
    rows
}

/// MODE SENSE and MODE SELECT; the pages have headings of their own.
fn modes() -> Vec<Row> {
    let six = |flags, page, subpage, len: usize| ModeSense6 {
        opcode: Opcode::MODE_SENSE_6,
        flags,
        page,
        subpage,
        allocation_length: len as u8,
        control: 0,
    };
    let ten = |flags, page, subpage, len: usize| ModeSense10 {
        opcode: Opcode::MODE_SENSE_10,
        flags,
        page,
        subpage,
        reserved: [0; 3],
        allocation_length: (len as u16).into(),
        control: 0,
    };
    let select_6 = |flags, len: usize| ModeSelect6 {
        opcode: Opcode::MODE_SELECT_6,
        flags,
        reserved: 0.into(),
        parameter_list_length: len as u8,
        control: 0,
    };
    let select_10 = |flags, len: usize| ModeSelect10 {
        opcode: Opcode::MODE_SELECT_10,
        flags,
        reserved: [0; 5],
        parameter_list_length: (len as u16).into(),
        control: 0,
    };
    let mut rows = Vec::new();
    rows.extend(allocation("all pages", 4 + 8 + 72, |len| six(0, 0x3f, 0, len)));
    rows.extend(allocation("all pages and subpages", 4 + 8 + 104, |len| six(0, 0x3f, 0xff, len)));
    rows.extend(allocation("all pages, no block descriptor", 4 + 72, |len| six(8, 0x3f, 0, len)));
    rows.extend(allocation("all pages", 8 + 8 + 72, |len| ten(0, 0x3f, 0, len)));
    rows.extend(allocation("all pages, the long block descriptor", 8 + 16 + 72, |len| {
        ten(0x10, 0x3f, 0, len)
    }));
    for (name, page, subpage, answer) in [
        ("a page there is not", 0x03, 0, "05/24/00 2.5"),
        ("page 00h", 0x00, 0, "05/24/00 2.5"),
        ("a subpage there is not", 0x08, 1, "05/24/00 3"),
        ("all pages, one subpage", 0x3f, 1, "05/24/00 3"),
    ] {
        rows.push(reserved(name, &six(0, page, subpage, 255), answer));
        rows.push(reserved(name, &ten(0, page, subpage, 255), answer));
    }
    // A header, then the caching page with the write cache off.
    let page: Vec<u8> = [&[0x08, 18][..], &[0; 18]].concat();
    let (list_6, list_10) = ([&[0; 4][..], &page].concat(), [&[0; 8][..], &page].concat());
    for (list, head, cdb) in [
        (
            &list_6,
            4,
            &(|flags, len| select_6(flags, len).as_bytes().to_vec()) as &dyn Fn(u8, usize) -> Vec<u8>,
        ),
        (&list_10, 8, &|flags, len| select_10(flags, len).as_bytes().to_vec()),
    ] {
        let len = list.len();
        let moved = format!("good, {len} bytes");
        rows.push(good("the write cache off", &cdb(0x10, len)[..], &moved).sending(list));
        rows.push(good("the write cache off, and saved", &cdb(0x11, len)[..], &moved).sending(list));
        rows.push(boundary("no list", &cdb(0x10, 0)[..], "good"));
        rows.push(
            boundary("a header alone", &cdb(0x10, head)[..], &format!("good, {head} bytes")).sending(list),
        );
        rows.push(boundary("a header one byte short", &cdb(0x10, head - 1)[..], "05/1a/00").sending(list));
        rows.push(boundary("a page one byte short", &cdb(0x10, len - 1)[..], "05/1a/00").sending(list));
        rows.push(boundary("data one byte short", &cdb(0x10, len)[..], "0b/4b/00").sending(&list[..len - 1]));
        rows.push(
            reserved("not the standard's page format (PF)", &cdb(0, len)[..], "05/24/00 1.4").sending(list),
        );
        let with = |at: usize, value: u8| {
            let mut list = list.clone();
            list[at] = value;
            list
        };
        for (case, at, value, what) in [
            ("PS", head, 0x88, format!("{head}.7")),
            ("a page there is not", head, 0x03, format!("{head}.5")),
            ("a page length that is wrong", head + 1, 17, format!("{}", head + 1)),
            ("a bit that cannot be changed", head + 2, 0x01, format!("{}.0", head + 2)),
        ] {
            let answer = format!("05/26/00 data {what}");
            rows.push(reserved(case, &cdb(0x10, len)[..], &answer).sending(&with(at, value)));
        }
    }
    rows
}

/// LOG SENSE; the pages have headings of their own.
fn logs() -> Vec<Row> {
    let pointer = |page, at: u16| LogSense { parameter_pointer: at.into(), ..LogSense::new(page, 0, 512) };
    vec![
        good("the list of pages", &LogSense::new(0, 0, 64), "good, 8 bytes: 00 00 00 04 00 0d 0f 2f")
            .receiving(64),
        boundary("the last parameter", &pointer(0x0f, 63), "good, 260 bytes").receiving(512),
        boundary("past the last parameter", &pointer(0x0f, 64), "05/24/00 5"),
        boundary("a parameter of a list", &pointer(0x00, 1), "05/24/00 5"),
        reserved("a page there is not", &LogSense::new(0x02, 0, 64), "05/24/00 2.5"),
        reserved("page 3fh", &LogSense::new(0x3f, 0xff, 64), "05/24/00 2.5"),
        reserved("a subpage there is not", &LogSense::new(0x0d, 0x01, 64), "05/24/00 3"),
    ]
}

/// REPORT SUPPORTED OPERATION CODES and TASK MANAGEMENT FUNCTIONS.
fn supported() -> Vec<Row> {
    let opcodes = |options: u8, opcode: Opcode, service_action: u16, len: usize| ReportSupportedOpcodes {
        opcode: Opcode::MAINTENANCE_IN,
        service_action: action::REPORT_SUPPORTED_OPERATION_CODES,
        options,
        requested_opcode: opcode,
        requested_service_action: service_action.into(),
        allocation_length: (len as u32).into(),
        reserved: 0,
        control: 0,
    };
    let functions = |options: u8, len: usize| ReportTaskManagement {
        opcode: Opcode::MAINTENANCE_IN,
        service_action: action::REPORT_SUPPORTED_TASK_MANAGEMENT_FUNCTIONS,
        options,
        reserved_3: [0; 3],
        allocation_length: (len as u32).into(),
        reserved_10: 0,
        control: 0,
    };
    let (read, capacity) = (Opcode::READ_10, Opcode::SERVICE_ACTION_IN_16);
    let one = |case: &str, cdb, answer: &str| good(case, &cdb, answer).receiving(64);
    let usage = "good, 14 bytes: 00 03 00 0a 28 1c ff ff ff ff 3f ff ff 00";
    let absent = "good, 4 bytes: 00 01 00 00";
    let basic = "good, 4 bytes: c8 00 00 00";
    let extended = "good, 16 bytes: c8 00 00 0c 00 00 00 00 00 00 00 00 00 00 00 00";
    let mut rows = vec![
        one("one, by operation code", opcodes(1, read, 0, 64), usage),
        one("one, by whichever fits", opcodes(3, read, 0, 64), usage),
        one("one, by service action", opcodes(2, capacity, 0x10, 64), "good, 20 bytes"),
        one("one, with time-outs", opcodes(0x81, read, 0, 64), "good, 26 bytes"),
        one("one that is not supported", opcodes(1, Opcode(0x05), 0, 64), absent),
        one("a service action that is not supported", opcodes(2, capacity, 0x11, 64), absent),
        one("a service action where there is none", opcodes(3, read, 1, 64), absent),
        reserved("option 1 of a code with service actions", &opcodes(1, capacity, 0, 64), "05/24/00 2.2"),
        reserved("option 2 of a code without", &opcodes(2, read, 0, 64), "05/24/00 2.2"),
        good("basic", &functions(0, 64), basic).receiving(64),
        good("extended (REPD)", &functions(0x80, 64), extended).receiving(64),
    ];
    for option in 4..8 {
        rows.push(reserved(&format!("option {option}"), &opcodes(option, read, 0, 64), "05/24/00 2.2"));
    }
    let all = 4 + COMMANDS.len() * 8;
    rows.extend(allocation("all commands", all, |len| opcodes(0, Opcode(0), 0, len)));
    let timed = 4 + COMMANDS.len() * 20;
    rows.extend(allocation("all commands, with time-outs (RCTD)", timed, |len| {
        opcodes(0x80, Opcode(0), 0, len)
    }));
    rows.extend(allocation("one command", 14, |len| opcodes(1, read, 0, len)));
    rows.extend(allocation("basic, by length", 4, |len| functions(0, len)));
    rows.extend(allocation("extended, by length", 16, |len| functions(0x80, len)));
    rows
}
