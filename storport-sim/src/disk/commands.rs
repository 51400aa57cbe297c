//! The one table of commands: read by the dispatcher, and by REPORT SUPPORTED OPERATION CODES.
//!
//! A row is the datasheet of a command. Its usage map says, bit by bit, what a command block may contain; a bit
//! set outside it (reserved, obsolete, or a feature this disk lacks) is 05/24/00 with the field pointer on it, so
//! handlers see only bits they know. The map covers the block from byte 1; its length gives the block's.

use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::transfer::Transfer;
use super::{ScsiDisk, inquiry, io, mode, provisioning, supported, target, unit, verify};
use crate::scsi::service_action::{READ_CAPACITY_16, REPORT_SUPPORTED_OPERATION_CODES};
use crate::scsi::{Opcode, Rw6, Rw10, Rw12, Rw16, Sense};

/// A command block that passed its usage map, with zeros after its end.
pub(super) type Cdb = [u8; 16];

/// Executes a checked command: says what moves through the transfer, or why not.
pub(super) type Handler = fn(&mut ScsiDisk, &Cdb, &mut Transfer<'_>) -> Result<(), Sense>;

/// What must hold before a command runs; each row includes the ones above it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Gate {
    /// Nothing: a pending unit attention does not stop it.
    Always,
    /// No unit attention pending.
    Attentive,
    /// The unit is started.
    Medium,
    /// The medium can be written.
    Write,
}

/// One row.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) opcode: Opcode,
    pub(super) service_action: Option<u8>,
    pub(super) gate: Gate,
    pub(super) handler: Handler,
    /// The usage map, byte 0 (the operation code) included; zero past the block's end.
    usage: u128,
    pub(super) len: usize,
    /// A field of several bits that the map leaves out: its byte, and its first and last bit from the left.
    pub(super) refused_field: Option<(u8, u8, u8)>,
}

/// RDPROTECT, WRPROTECT, VRPROTECT: byte 1 bits 7..5 in every block command. There is no protection information.
const PROTECT: (u8, u8, u8) = (1, 7, 5);
/// POWER CONDITION of START STOP UNIT: only "do what START says".
const POWER_CONDITION: (u8, u8, u8) = (4, 7, 4);

// In the maps: 3f is the group number, accepted and ignored; a CONTROL byte of 00 refuses NACA; flags 1c are DPO,
// FUA and RARC, 18 are DPO and FUA, 16 are DPO and BYTCHK, 02 is IMMED, 08 is UNMAP, 09 adds NDOB.
#[rustfmt::skip]
pub(super) static COMMANDS: [Command; 27] = {
    use Gate::{Always, Attentive, Medium, Write};
    const FF: u8 = 0xff;
    [
        row(Opcode::TEST_UNIT_READY, Medium, unit::test_unit_ready, [0, 0, 0, 0, 0]),
        row(Opcode::REQUEST_SENSE, Always, unit::request_sense, [0x01, 0, 0, FF, 0]),
        row(Opcode::READ_6, Medium, io::read::<Rw6>, [0x1f, FF, FF, FF, 0]),
        row(Opcode::WRITE_6, Write, io::write::<Rw6>, [0x1f, FF, FF, FF, 0]),
        row(Opcode::INQUIRY, Always, inquiry::inquiry, [0x01, FF, FF, FF, 0]),
        row(Opcode::MODE_SENSE_6, Attentive, mode::mode_sense_6, [0x08, FF, FF, FF, 0]),
        row(Opcode::START_STOP_UNIT, Attentive, unit::start_stop_unit, [0x01, 0, 0, 0x05, 0]).refusing(POWER_CONDITION),
        row(Opcode::PREVENT_ALLOW_MEDIUM_REMOVAL, Attentive, unit::prevent_allow, [0, 0, 0, 0x01, 0]),
        row(Opcode::READ_CAPACITY_10, Medium, unit::read_capacity_10, [0, 0, 0, 0, 0, 0, 0, 0, 0]),
        row(Opcode::READ_10, Medium, io::read::<Rw10>, [0x1c, FF, FF, FF, FF, 0x3f, FF, FF, 0]).refusing(PROTECT),
        row(Opcode::WRITE_10, Write, io::write::<Rw10>, [0x18, FF, FF, FF, FF, 0x3f, FF, FF, 0]).refusing(PROTECT),
        row(Opcode::VERIFY_10, Medium, verify::verify::<Rw10>, [0x16, FF, FF, FF, FF, 0x3f, FF, FF, 0]).refusing(PROTECT),
        row(Opcode::SYNCHRONIZE_CACHE_10, Medium, io::synchronize_cache::<Rw10>, [0x02, FF, FF, FF, FF, 0x3f, FF, FF, 0]),
        row(Opcode::WRITE_SAME_10, Write, provisioning::write_same::<Rw10>, [0x08, FF, FF, FF, FF, 0x3f, FF, FF, 0]).refusing(PROTECT),
        row(Opcode::UNMAP, Write, provisioning::unmap, [0, 0, 0, 0, 0, 0x3f, FF, FF, 0]),
        row(Opcode::MODE_SENSE_10, Attentive, mode::mode_sense_10, [0x18, FF, FF, 0, 0, 0, FF, FF, 0]),
        row(Opcode::READ_16, Medium, io::read::<Rw16>, [0x1c, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, 0x3f, 0]).refusing(PROTECT),
        row(Opcode::WRITE_16, Write, io::write::<Rw16>, [0x18, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, 0x3f, 0]).refusing(PROTECT),
        row(Opcode::VERIFY_16, Medium, verify::verify::<Rw16>, [0x16, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, 0x3f, 0]).refusing(PROTECT),
        row(Opcode::SYNCHRONIZE_CACHE_16, Medium, io::synchronize_cache::<Rw16>, [0x02, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, 0x3f, 0]),
        row(Opcode::WRITE_SAME_16, Write, provisioning::write_same::<Rw16>, [0x09, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, FF, 0x3f, 0]).refusing(PROTECT),
        row(Opcode::SERVICE_ACTION_IN_16, Medium, unit::read_capacity_16, [0, 0, 0, 0, 0, 0, 0, 0, 0, FF, FF, FF, FF, 0, 0]).acting(READ_CAPACITY_16),
        row(Opcode::REPORT_LUNS, Always, target::report_lun_zero, [0, FF, 0, 0, 0, FF, FF, FF, FF, 0, 0]),
        row(Opcode::MAINTENANCE_IN, Attentive, supported::report, [0, 0x87, FF, FF, FF, FF, FF, FF, FF, 0, 0]).acting(REPORT_SUPPORTED_OPERATION_CODES),
        row(Opcode::READ_12, Medium, io::read::<Rw12>, [0x1c, FF, FF, FF, FF, FF, FF, FF, FF, 0x3f, 0]).refusing(PROTECT),
        row(Opcode::WRITE_12, Write, io::write::<Rw12>, [0x18, FF, FF, FF, FF, FF, FF, FF, FF, 0x3f, 0]).refusing(PROTECT),
        row(Opcode::VERIFY_12, Medium, verify::verify::<Rw12>, [0x16, FF, FF, FF, FF, FF, FF, FF, FF, 0x3f, 0]).refusing(PROTECT),
    ]
};

const fn row<const N: usize>(opcode: Opcode, gate: Gate, handler: Handler, map: [u8; N]) -> Command {
    const { assert!(matches!(N + 1, 6 | 10 | 12 | 16), "a command block has 6, 10, 12 or 16 bytes") };
    let mut usage = [0; 16];
    usage[0] = 0xff;
    let mut byte = 0;
    while byte < N {
        usage[byte + 1] = map[byte];
        byte += 1;
    }
    let usage = u128::from_be_bytes(usage);
    Command { opcode, service_action: None, gate, handler, usage, len: N + 1, refused_field: None }
}

impl Command {
    /// The row, for one service action: bits 4..0 of byte 1.
    const fn acting(mut self, service_action: u8) -> Self {
        self.service_action = Some(service_action);
        self.usage |= 0x1f << (8 * 14);
        self
    }

    const fn refusing(mut self, field: (u8, u8, u8)) -> Self {
        self.refused_field = Some(field);
        self
    }

    /// The row for a command block: 05/20/00 without one for its operation code, 05/24/00 without one for its
    /// service action.
    pub(super) fn find(cdb: &[u8]) -> Result<&'static Self, Sense> {
        let Some(&opcode) = cdb.first() else {
            return Err(Sense::invalid_field(0, None));
        };
        let first =
            COMMANDS.get(usize::from(FIRST_ROW[usize::from(opcode)])).ok_or(Sense::invalid_opcode())?;
        if first.service_action.is_none() {
            return Ok(first);
        }
        let action = cdb.get(1).ok_or(Sense::invalid_field(1, None))? & 0x1f;
        Self::look_up(first.opcode, action.into()).ok_or(Sense::invalid_field(1, Some(4)))
    }

    /// The row of an operation code and a service action, where it has them.
    pub(super) fn look_up(opcode: Opcode, service_action: u16) -> Option<&'static Self> {
        COMMANDS.iter().find(|row| {
            row.opcode == opcode && row.service_action.is_none_or(|own| u16::from(own) == service_action)
        })
    }

    /// The block, if it is long enough and has no bit set outside the usage map.
    pub(super) fn checked(&self, cdb: &[u8]) -> Result<Cdb, Sense> {
        let Some(padded) = self.padded(cdb) else {
            // Shorter than 16, or it would have been long enough.
            return Err(Sense::invalid_field(cdb.len() as u16, None));
        };
        match u128::from_be_bytes(padded) & !self.usage {
            0 => Ok(padded),
            stray => Err(self.refuse(stray)),
        }
    }

    /// The command's own bytes of `cdb`, with zeros after them; `None` if there are too few. One arm for each length
    /// a block can have, because a copy of known length costs a load or two and any other costs a call.
    fn padded(&self, cdb: &[u8]) -> Option<Cdb> {
        fn pad<const N: usize>(cdb: &[u8]) -> Option<Cdb> {
            let mut padded = [0; size_of::<Cdb>()];
            padded[..N].copy_from_slice(cdb.first_chunk::<N>()?);
            Some(padded)
        }
        match self.len {
            6 => pad::<6>(cdb),
            10 => pad::<10>(cdb),
            12 => pad::<12>(cdb),
            _ => pad::<16>(cdb),
        }
    }

    /// Points at the leftmost stray bit, or at the leftmost bit of the field it belongs to.
    #[cold]
    fn refuse(&self, stray: u128) -> Sense {
        let position = stray.leading_zeros();
        let (byte, bit) = ((position / 8) as u16, 7 - (position % 8) as u8);
        match self.refused_field {
            Some((field, first, last)) if u16::from(field) == byte && (last..=first).contains(&bit) => {
                Sense::invalid_field(byte, Some(first))
            }
            _ => Sense::invalid_field(byte, Some(bit)),
        }
    }

    /// CDB usage data as REPORT SUPPORTED OPERATION CODES sends it: the map, with the operation code and the
    /// service action in the places the map has ones for them (SPC-5, "One_command parameter data").
    pub(super) fn usage_data(&self) -> Cdb {
        let mut data = self.usage.to_be_bytes();
        data[0] = self.opcode.0;
        if let Some(action) = self.service_action {
            data[1] = data[1] & !0x1f | action;
        }
        data
    }
}

/// Views a checked block as the type its handler knows it by.
pub(super) fn view<T: FromBytes + Immutable + KnownLayout + Unaligned>(cdb: &Cdb) -> &T {
    const { assert!(size_of::<T>() <= size_of::<Cdb>()) };
    match T::ref_from_prefix(cdb) {
        Ok((view, _)) => view,
        Err(_) => unreachable!("an unaligned type of at most 16 bytes is a prefix of 16 bytes"),
    }
}

const NO_ROW: u8 = u8::MAX;

/// The first row of each operation code.
static FIRST_ROW: [u8; 256] = {
    assert!(COMMANDS.len() < NO_ROW as usize);
    let mut first = [NO_ROW; 256];
    let mut row = COMMANDS.len();
    while row > 0 {
        row -= 1;
        first[COMMANDS[row].opcode.0 as usize] = row as u8;
    }
    first
};
