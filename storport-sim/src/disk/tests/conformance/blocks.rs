//! Commands about ranges of blocks.

use super::*;
use crate::scsi::{CompareAndWrite, GetLbaStatus, Rw6, Rw10, Rw12, Rw16, Unmap};

/// How a family of commands uses its data phase.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Moves {
    In,
    Out,
    /// One block, whatever the length.
    OutOne,
    /// The length twice.
    OutTwice,
    Nothing,
}

/// Commands that differ in the length of their block only.
struct Family {
    opcodes: &'static [Opcode],
    moves: Moves,
    /// The answer to success.
    success: &'static str,
    /// It has a RDPROTECT, WRPROTECT or VRPROTECT field.
    protect: bool,
    /// It needs a medium that can be written.
    writes: bool,
}

const FAMILIES: [Family; 9] = [
    Family {
        opcodes: &[Opcode::READ_6, Opcode::READ_10, Opcode::READ_12, Opcode::READ_16],
        moves: Moves::In,
        success: "good",
        protect: true,
        writes: false,
    },
    Family {
        opcodes: &[Opcode::WRITE_6, Opcode::WRITE_10, Opcode::WRITE_12, Opcode::WRITE_16],
        moves: Moves::Out,
        success: "good",
        protect: true,
        writes: true,
    },
    Family {
        opcodes: &[Opcode::VERIFY_10, Opcode::VERIFY_12, Opcode::VERIFY_16],
        moves: Moves::Nothing,
        success: "good",
        protect: true,
        writes: false,
    },
    Family {
        opcodes: &[Opcode::WRITE_AND_VERIFY_10, Opcode::WRITE_AND_VERIFY_12, Opcode::WRITE_AND_VERIFY_16],
        moves: Moves::Out,
        success: "good",
        protect: true,
        writes: true,
    },
    Family {
        opcodes: &[Opcode::ORWRITE_16],
        moves: Moves::Out,
        success: "good",
        protect: true,
        writes: true,
    },
    Family {
        opcodes: &[Opcode::COMPARE_AND_WRITE],
        moves: Moves::OutTwice,
        success: "good",
        protect: true,
        writes: true,
    },
    Family {
        opcodes: &[Opcode::WRITE_SAME_10, Opcode::WRITE_SAME_16],
        moves: Moves::OutOne,
        success: "good",
        protect: true,
        writes: true,
    },
    Family {
        opcodes: &[Opcode::PRE_FETCH_10, Opcode::PRE_FETCH_16],
        moves: Moves::Nothing,
        success: "condition met",
        protect: false,
        writes: false,
    },
    Family {
        opcodes: &[Opcode::SYNCHRONIZE_CACHE_10, Opcode::SYNCHRONIZE_CACHE_16],
        moves: Moves::Nothing,
        success: "good",
        protect: false,
        writes: false,
    },
];

/// A block of the operation code's own length; what does not fit its fields is cut.
fn cdb(opcode: Opcode, flags: u8, lba: u64, blocks: u32) -> Vec<u8> {
    if opcode == Opcode::COMPARE_AND_WRITE {
        let cdb = CompareAndWrite { flags, ..CompareAndWrite::new(lba, blocks as u8) };
        return cdb.as_bytes().to_vec();
    }
    let lba_32 = lba as u32;
    match opcode.0 >> 5 {
        0 => {
            let (lba_high, lba_low) = (flags | (lba >> 16) as u8, (lba as u16).into());
            Rw6 { opcode, lba_high, lba_low, blocks: blocks as u8, control: 0 }.as_bytes().to_vec()
        }
        1 | 2 => Rw10 { flags, ..Rw10::new(opcode, lba_32, blocks as u16) }.as_bytes().to_vec(),
        4 => Rw16 { flags, ..Rw16::new(opcode, lba, blocks) }.as_bytes().to_vec(),
        _ => Rw12 { flags, ..Rw12::new(opcode, lba_32, blocks) }.as_bytes().to_vec(),
    }
}

impl Family {
    /// The row with the data that so many blocks of `block` bytes need.
    fn with_data(&self, row: Row, blocks: usize, block: usize) -> Row {
        match self.moves {
            Moves::In => row.receiving(blocks * block),
            Moves::Out => row.sending(&vec![0; blocks * block]),
            Moves::OutOne => row.sending(&vec![0; block]),
            Moves::OutTwice => row.sending(&vec![0; 2 * blocks * block]),
            Moves::Nothing => row,
        }
    }

    /// What success says after so many blocks of `block` bytes.
    fn moved(&self, blocks: usize, block: usize) -> String {
        let bytes = match self.moves {
            Moves::In | Moves::Out => blocks * block,
            Moves::OutOne => block,
            Moves::OutTwice => 2 * blocks * block,
            Moves::Nothing => return self.success.into(),
        };
        format!("{}, {bytes} bytes", self.success)
    }

    fn rows(&self, opcode: Opcode) -> Vec<Row> {
        let six = opcode.0 >> 5 == 0;
        let with_flags = |flags| cdb(opcode, flags, 0, 1);
        let cdb = |lba, blocks| cdb(opcode, 0, lba, blocks);
        let past = |case: &str, lba, blocks| boundary(case, &cdb(lba, blocks)[..], "05/21/00");
        let mut rows = vec![
            self.with_data(good("one block", &cdb(0, 1)[..], &self.moved(1, 512)), 1, 512),
            self.with_data(good("three blocks in the middle", &cdb(50, 3)[..], &self.moved(3, 512)), 3, 512),
            self.with_data(good("one block, 4Kn", &cdb(7, 1)[..], &self.moved(1, 4096)), 1, 4096)
                .on(Setup::Native4k),
            self.with_data(boundary("the last block", &cdb(99, 1)[..], &self.moved(1, 512)), 1, 512),
            past("the block after the last", 100, 1),
            past("one block too many", 99, 2),
        ];
        rows.extend(self.lengths_of_zero(opcode));
        match opcode.0 >> 5 {
            0 => rows.push(past("the largest address", 0x1f_ffff, 1)),
            4 => {
                rows.push(past("2^63 - 1", (1 << 63) - 1, 1));
                rows.push(past("2^63", 1 << 63, 1));
                rows.push(past("2^64 - 1", u64::MAX, 1));
                rows.push(past("2^64 - 1, the largest length", u64::MAX, u32::MAX));
                rows.push(past("2^55, where bytes would wrap", 1 << 55, 1));
            }
            _ => rows.push(past("2^32 - 1", u32::MAX.into(), 1)),
        }
        if !six {
            rows.push(past("the largest length", 0, u32::MAX));
        }
        match self.moves {
            Moves::In => {
                rows.push(boundary("room one byte short", &cdb(0, 1)[..], "good, 511 bytes").receiving(511));
                rows.push(
                    boundary("data in the wrong direction", &cdb(0, 1)[..], "0b/4b/00").sending(&[0; 512]),
                );
            }
            Moves::Nothing => {}
            _ => {
                let enough = if self.moves == Moves::OutTwice { 1024 } else { 512 };
                rows.push(
                    boundary("one byte short", &cdb(0, 1)[..], "0b/4b/00").sending(&vec![0; enough - 1]),
                );
                rows.push(boundary("no data", &cdb(0, 1)[..], "0b/4b/00"));
            }
        }
        if self.writes {
            let protected =
                boundary("a write-protected medium", &cdb(0, 1)[..], "07/27/00").on(Setup::ReadOnly);
            rows.push(self.with_data(protected, 1, 512));
        }
        let stop = [0x1b_u8, 0, 0, 0, 0, 0];
        let stopped = boundary("a stopped unit", &cdb(0, 1)[..], "02/04/02");
        rows.push(stopped.after(Nexus::DEFAULT, &stop, Data::None));
        if self.protect && !six {
            for protect in [1, 7] {
                let cdb = with_flags(protect << 5);
                rows.push(reserved(&format!("protection information, {protect}"), &cdb[..], "05/24/00 1.7"));
            }
        }
        rows
    }

    fn lengths_of_zero(&self, opcode: Opcode) -> Vec<Row> {
        let zero = |case: &str, lba, answer: &str| boundary(case, &cdb(opcode, 0, lba, 0)[..], answer);
        match opcode {
            Opcode::READ_6 | Opcode::WRITE_6 => {
                return vec![zero("a length of zero: 256 blocks, too many", 0, "05/21/00")];
            }
            Opcode::WRITE_SAME_10 | Opcode::WRITE_SAME_16 => {
                let at = if opcode == Opcode::WRITE_SAME_10 { "05/24/00 7" } else { "05/24/00 10" };
                return vec![
                    zero("a length of zero (WSNZ)", 0, at),
                    zero("a length of zero beyond the end", 101, "05/21/00"),
                ];
            }
            _ => {}
        }
        let rest = matches!(
            opcode,
            Opcode::PRE_FETCH_10
                | Opcode::PRE_FETCH_16
                | Opcode::SYNCHRONIZE_CACHE_10
                | Opcode::SYNCHRONIZE_CACHE_16
        );
        let meaning = if rest { "a length of zero: to the end" } else { "a length of zero: nothing" };
        vec![
            zero(meaning, 0, self.success),
            zero("a length of zero where the disk ends", 100, self.success),
            zero("a length of zero beyond that", 101, "05/21/00"),
        ]
    }
}

pub(super) fn rows() -> Vec<Row> {
    let families = FAMILIES.iter().flat_map(|family| family.opcodes.iter().flat_map(|&op| family.rows(op)));
    families.chain(flags()).chain(byte_checks()).chain(comparisons()).chain(provisioning()).collect()
}

/// DPO, FUA, IMMED, UNMAP, NDOB.
fn flags() -> Vec<Row> {
    let mut rows = Vec::new();
    for opcode in [Opcode::READ_10, Opcode::READ_12, Opcode::READ_16] {
        let cdb = cdb(opcode, 0x1c, 0, 1);
        rows.push(good("DPO, FUA and RARC", &cdb[..], "good, 512 bytes").receiving(512));
    }
    for opcode in [Opcode::WRITE_10, Opcode::WRITE_12, Opcode::WRITE_16, Opcode::ORWRITE_16] {
        rows.push(good("DPO and FUA", &cdb(opcode, 0x18, 0, 1)[..], "good, 512 bytes").sending(&[0; 512]));
    }
    for opcode in [Opcode::SYNCHRONIZE_CACHE_10, Opcode::SYNCHRONIZE_CACHE_16] {
        rows.push(good("IMMED", &cdb(opcode, 0x02, 0, 0)[..], "good"));
    }
    for opcode in [Opcode::PRE_FETCH_10, Opcode::PRE_FETCH_16] {
        rows.push(good("IMMED", &cdb(opcode, 0x02, 0, 0)[..], "condition met"));
    }
    for opcode in [Opcode::WRITE_SAME_10, Opcode::WRITE_SAME_16] {
        rows.push(good("UNMAP", &cdb(opcode, 0x08, 0, 9)[..], "good, 512 bytes").sending(&[0; 512]));
    }
    rows.push(good("NDOB", &cdb(Opcode::WRITE_SAME_16, 0x01, 0, 9)[..], "good"));
    rows.push(good("UNMAP and NDOB", &cdb(Opcode::WRITE_SAME_16, 0x09, 0, 9)[..], "good"));
    rows.push(reserved(
        "NDOB is WRITE SAME(16)'s",
        &cdb(Opcode::WRITE_SAME_10, 0x01, 0, 9)[..],
        "05/24/00 1.0",
    ));
    rows
}

/// BYTCHK of VERIFY and WRITE AND VERIFY.
fn byte_checks() -> Vec<Row> {
    let mut rows = Vec::new();
    let (zeros, ones) = ([0; 1024], [1; 1024]);
    for opcode in [Opcode::VERIFY_10, Opcode::VERIFY_12, Opcode::VERIFY_16] {
        let with = |check: u8, blocks| cdb(opcode, check << 1, 0, blocks);
        rows.push(good("BYTCHK 1, the same", &with(1, 2)[..], "good, 1024 bytes").sending(&zeros));
        rows.push(good("BYTCHK 1, a difference", &with(1, 2)[..], "0e/1d/00").sending(&ones));
        rows.push(
            good("BYTCHK 3, one block for nine", &with(3, 9)[..], "good, 512 bytes").sending(&zeros[..512]),
        );
        rows.push(good("BYTCHK 3, a difference", &with(3, 9)[..], "0e/1d/00").sending(&ones[..512]));
        rows.push(boundary("BYTCHK 1, one byte short", &with(1, 2)[..], "0b/4b/00").sending(&zeros[..1023]));
        rows.push(boundary("BYTCHK 3, one byte short", &with(3, 9)[..], "0b/4b/00").sending(&zeros[..511]));
        rows.push(boundary("BYTCHK 3, a length of zero", &with(3, 0)[..], "good"));
        rows.push(reserved("BYTCHK 2", &with(2, 1)[..], "05/24/00 1.2"));
    }
    for opcode in [Opcode::WRITE_AND_VERIFY_10, Opcode::WRITE_AND_VERIFY_12, Opcode::WRITE_AND_VERIFY_16] {
        let with = |check: u8| cdb(opcode, check << 1, 0, 2);
        rows.push(good("BYTCHK 1", &with(1)[..], "good, 1024 bytes").sending(&ones));
        for check in [2, 3] {
            rows.push(reserved(&format!("BYTCHK {check}"), &with(check)[..], "05/24/00 1.2").sending(&ones));
        }
    }
    rows
}

/// COMPARE AND WRITE, where the medium holds something.
fn comparisons() -> Vec<Row> {
    let write = cdb(Opcode::WRITE_10, 0, 0, 1);
    let (old, new) = ([7; 512], [8; 512]);
    let compare = CompareAndWrite::new(0, 1);
    let with = |row: Row, first: &[u8; 512]| {
        row.after(Nexus::DEFAULT, &write[..], Data::Out(old.to_vec())).sending(&[&first[..], &new].concat())
    };
    let most = CompareAndWrite::new(0, 100);
    vec![
        with(good("the medium as expected", &compare, "good, 1024 bytes"), &old),
        with(good("the medium not as expected", &compare, "0e/1d/00"), &new),
        boundary("the whole disk", &most, "good, 102400 bytes").sending(&vec![0; 102_400]),
    ]
}

/// UNMAP and GET LBA STATUS.
fn provisioning() -> Vec<Row> {
    let unmap = |len: u16| Unmap {
        opcode: Opcode::UNMAP,
        anchor: 0,
        reserved: 0.into(),
        group: 0,
        parameter_list_length: len.into(),
        control: 0,
    };
    let list = |lba: u64, blocks: u32| {
        [&[0, 22, 0, 16, 0, 0, 0, 0][..], &lba.to_be_bytes(), &blocks.to_be_bytes(), &[0; 4]].concat()
    };
    let range = |kind, case: &str, lba, blocks, answer: &str| {
        row(kind, case, &unmap(24), answer).sending(&list(lba, blocks))
    };
    let (good_, bound) = (Kind::Good, Kind::Boundary);
    let status = |lba, length| GetLbaStatus::new(lba, length);
    let whole = "good, 24 bytes: 00 00 00 14 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 64 01 00 00 00";
    let mapped = "good, 24 bytes: 00 00 00 14 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 64 00 00 00 00";
    let write = cdb(Opcode::WRITE_10, 0, 0, 1);
    vec![
        range(good_, "one range", 10, 5, "good, 24 bytes"),
        range(good_, "a range of nothing", 10, 0, "good, 24 bytes"),
        range(bound, "the last block", 99, 1, "good, 24 bytes"),
        range(bound, "the block after the last", 100, 1, "05/21/00"),
        range(bound, "one block too many", 99, 2, "05/21/00"),
        range(bound, "2^63", 1 << 63, 1, "05/21/00"),
        range(bound, "2^64 - 1", u64::MAX, 1, "05/21/00"),
        range(bound, "2^64 - 1, the largest length", u64::MAX, u32::MAX, "05/21/00"),
        boundary("no parameter list", &unmap(0), "good"),
        boundary("half a header", &unmap(7), "05/1a/00").sending(&[0; 7]),
        boundary("a descriptor one byte short", &unmap(23), "05/1a/00").sending(&list(0, 1)[..23]),
        boundary("data one byte short", &unmap(24), "0b/4b/00").sending(&list(0, 1)[..23]),
        boundary("a write-protected medium", &unmap(24), "07/27/00").sending(&list(0, 1)).on(Setup::ReadOnly),
        good("a disk that was not written to", &status(0, 24), whole).receiving(24),
        good("a page of the store that was written", &status(0, 24), mapped).receiving(24).after(
            Nexus::DEFAULT,
            &write[..],
            Data::Out(vec![1; 512]),
        ),
        boundary("the last block", &status(99, 64), "good, 24 bytes").receiving(64),
        boundary("the block after the last", &status(100, 64), "05/21/00"),
        boundary("2^63", &status(1 << 63, 64), "05/21/00"),
        boundary("2^64 - 1", &status(u64::MAX, 64), "05/21/00"),
        boundary("an allocation length one short", &status(0, 23), "good, 23 bytes").receiving(64),
        boundary("an allocation length of zero", &status(0, 0), "good, 0 bytes").receiving(64),
        reserved("a report type", &GetLbaStatus { report_type: 1, ..status(0, 24) }, "05/24/00 14.0"),
    ]
}
