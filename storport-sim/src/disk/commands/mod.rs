//! The rows of the command table, and how a command block is checked against its row.
//!
//! A row is the datasheet of a command. Its usage map says, bit by bit, what a command block may contain; a
//! bit set outside it (reserved, obsolete, or a feature this disk lacks) is 05/24/00 with the field pointer
//! on it, so handlers see only bits they know. The map covers the block from byte 1; its length gives the
//! block's.

mod table;

pub(super) use table::COMMANDS;

use zerocopy::{FromBytes, Immutable, KnownLayout, Unaligned};

use super::ScsiDisk;
use super::transfer::Transfer;
use crate::scsi::{Opcode, Sense, StartStopUnit};
use table::FIRST_ROW;

/// A command block that passed its usage map, with zeros after its end.
pub(super) type Cdb = [u8; 16];

/// Executes a checked command: says what moves through the transfer, or why not.
pub(super) type Handler = fn(&mut ScsiDisk, &Cdb, &mut Transfer<'_>) -> Result<(), Sense>;

/// Executes a checked command that succeeds without changing anything; `None` if it is not that easy, and
/// then the [`Handler`] is to start over.
pub(super) type SharedHandler = fn(&ScsiDisk, &Cdb, &mut Transfer<'_>) -> Option<()>;

/// Conditions before a command runs; each includes the ones above it.
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

/// Whose reservation stops a command (SPC-5 and SBC-4, the tables of "commands allowed in the presence of
/// various reservations"; SPC-2 for RESERVE). Each is stopped by whatever stops the ones above it, and by
/// more.
///
/// Our reading where we could not hold a table against it: REPORT SUPPORTED OPERATION CODES and REPORT
/// SUPPORTED TASK MANAGEMENT FUNCTIONS are like reads.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Access {
    /// None.
    Open,
    /// RESERVE of SPC-2, but no persistent reservation: the command reads only what every initiator may know.
    Persistent,
    /// RESERVE of SPC-2, the sender's own included: the two generations do not mix. Keys are checked by the
    /// handler.
    Keys,
    /// As above, and reservations for exclusive access: it looks at the medium or at how the unit is set up.
    Read,
    /// Any: it changes them.
    Write,
}

/// One row.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) opcode: Opcode,
    pub(super) service_action: Option<u8>,
    pub(super) gate: Gate,
    access: Access,
    pub(super) handler: Handler,
    /// For commands that several initiators may execute at once.
    pub(super) shared: Option<SharedHandler>,
    /// The usage map, byte 0 (the operation code) included; zero past the block's end.
    usage: u128,
    pub(super) len: usize,
    /// A field of several bits that the map leaves out: its byte, and its first and last bit from the left.
    pub(super) refused_field: Option<(u8, u8, u8)>,
}

impl Command {
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

    /// Whose reservation stops this block: START and "allow removal" are harmless, STOP and "prevent" are
    /// not.
    pub(super) fn access(&self, cdb: &Cdb) -> Access {
        match self.opcode {
            Opcode::START_STOP_UNIT if cdb[4] & StartStopUnit::START != 0 => Access::Open,
            Opcode::PREVENT_ALLOW_MEDIUM_REMOVAL if cdb[4] == 0 => Access::Open,
            _ => self.access,
        }
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

    /// The command's own bytes of `cdb`, with zeros after them; `None` if there are too few. One arm for each
    /// length a block can have, because a copy of known length costs a load or two and any other costs a
    /// call.
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
