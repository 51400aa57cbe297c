//! The part of a command that rules look at: operation code, unit, blocks.

use super::{FaultKind, LbaRange};
use crate::disk::commands::{Cdb, Command, Gate, view};
use crate::scsi::{BlockCdb, CompareAndWrite, Lun, Opcode, Rw6, Rw10, Rw12, Rw16};

/// Commands that are alike.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpClass {
    /// READ of any length.
    Read,
    /// Whatever changes blocks: WRITE, WRITE AND VERIFY, WRITE SAME, ORWRITE, COMPARE AND WRITE, UNMAP.
    Write,
    /// SYNCHRONIZE CACHE.
    Flush,
    /// Everything else.
    Other,
}

impl OpClass {
    /// Every class, by the name specifications call it.
    pub(super) const NAMES: [(&'static str, Self); 4] =
        [("read", Self::Read), ("write", Self::Write), ("flush", Self::Flush), ("other", Self::Other)];

    /// The class of an operation code.
    pub const fn of(opcode: Opcode) -> Self {
        match opcode {
            Opcode::READ_6 | Opcode::READ_10 | Opcode::READ_12 | Opcode::READ_16 => Self::Read,
            Opcode::WRITE_6 | Opcode::WRITE_10 | Opcode::WRITE_12 | Opcode::WRITE_16 => Self::Write,
            Opcode::WRITE_AND_VERIFY_10 | Opcode::WRITE_AND_VERIFY_12 | Opcode::WRITE_AND_VERIFY_16 => {
                Self::Write
            }
            Opcode::WRITE_SAME_10 | Opcode::WRITE_SAME_16 | Opcode::UNMAP => Self::Write,
            Opcode::ORWRITE_16 | Opcode::COMPARE_AND_WRITE => Self::Write,
            Opcode::SYNCHRONIZE_CACHE_10 | Opcode::SYNCHRONIZE_CACHE_16 => Self::Flush,
            _ => Self::Other,
        }
    }
}

/// Which commands a rule is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OpSelector {
    /// All of a class.
    Class(OpClass),
    /// Those with this operation code.
    Code(Opcode),
}

/// A command as rules see it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Subject {
    pub(super) lun: Lun,
    pub(super) opcode: Opcode,
    /// The blocks the command block names, if it names any.
    pub(super) lbas: Option<LbaRange>,
    /// It is about blocks: those, or (a flush without a length) all of them.
    pub(super) needs_medium: bool,
    /// It would report a pending unit attention.
    pub(super) attentive: bool,
}

impl Subject {
    /// What a command block says; `None` if it is empty. A block that is cut names no logical blocks, and so
    /// does one whose length is zero, and UNMAP, whose ranges are in its data.
    pub fn of(lun: Lun, cdb: &[u8]) -> Option<Self> {
        let opcode = Opcode(*cdb.first()?);
        let command = Command::find(cdb).ok();
        let checked = command.and_then(|command| command.checked(cdb).ok());
        let lbas = checked.and_then(|cdb| lbas(opcode, &cdb));
        let needs_medium = lbas.is_some() || checked.is_some() && OpClass::of(opcode) == OpClass::Flush;
        let attentive = command.is_none_or(|command| command.gate != Gate::Always);
        Some(Self { lun, opcode, lbas, needs_medium, attentive })
    }

    /// A transfer or flush at unit 0 of a device that has no command blocks: `blocks` from `lba` on, none for
    /// a flush.
    pub fn of_blocks(opcode: Opcode, lba: u64, blocks: u64) -> Self {
        let lbas = LbaRange::new(lba, lba.saturating_add(blocks));
        Self { lun: Lun::ZERO, opcode, lbas, needs_medium: true, attentive: true }
    }

    /// A question that a device without command blocks answers at unit 0, in the words of the command that
    /// asks the same.
    pub fn of_question(lun: Lun, opcode: Opcode) -> Self {
        Self { lun, opcode, lbas: None, needs_medium: false, attentive: false }
    }

    /// Whether the device answers it with what the kind is about.
    pub(super) fn asks(&self, kind: FaultKind) -> bool {
        match kind {
            FaultKind::RepeatedUnits => self.opcode == Opcode::REPORT_LUNS,
            FaultKind::ShrunkCapacity => {
                matches!(self.opcode, Opcode::READ_CAPACITY_10 | Opcode::SERVICE_ACTION_IN_16)
            }
            FaultKind::LyingInquiry => self.opcode == Opcode::INQUIRY,
            _ => false,
        }
    }

    /// The same command, if its blocks exist on a disk of so many; one that is about no blocks, if they do
    /// not: what is not there cannot fail.
    pub(super) fn on_disk(self, blocks: u64) -> Self {
        match self.lbas {
            Some(lbas) if lbas.end() > blocks => Self { lbas: None, needs_medium: false, ..self },
            _ => self,
        }
    }

    /// It moves the blocks it names, one for one, so that it can move fewer of them.
    pub(super) fn moves_blocks(&self) -> bool {
        let single = matches!(
            self.opcode,
            Opcode::WRITE_SAME_10 | Opcode::WRITE_SAME_16 | Opcode::UNMAP | Opcode::COMPARE_AND_WRITE
        );
        self.lbas.is_some() && !single && matches!(OpClass::of(self.opcode), OpClass::Read | OpClass::Write)
    }
}

fn lbas(opcode: Opcode, cdb: &Cdb) -> Option<LbaRange> {
    match opcode {
        Opcode::READ_6 | Opcode::WRITE_6 => range(view::<Rw6>(cdb)),
        Opcode::COMPARE_AND_WRITE => range(view::<CompareAndWrite>(cdb)),
        Opcode::VERIFY_10 | Opcode::PRE_FETCH_10 => range(view::<Rw10>(cdb)),
        Opcode::VERIFY_12 => range(view::<Rw12>(cdb)),
        Opcode::VERIFY_16 | Opcode::PRE_FETCH_16 => range(view::<Rw16>(cdb)),
        Opcode::UNMAP => None,
        _ if OpClass::of(opcode) == OpClass::Other => None,
        // The rest of the block commands: their length is in the operation code's group.
        _ => match opcode.0 >> 5 {
            1 | 2 => range(view::<Rw10>(cdb)),
            4 => range(view::<Rw16>(cdb)),
            _ => range(view::<Rw12>(cdb)),
        },
    }
}

fn range(cdb: &impl BlockCdb) -> Option<LbaRange> {
    LbaRange::new(cdb.lba(), cdb.lba().saturating_add(cdb.blocks()))
}
