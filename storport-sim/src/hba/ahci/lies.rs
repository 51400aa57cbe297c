//! The lies of a hostile adapter or disk, in AHCI's form.
//!
//! | the plan says | adapter and disk |
//! | --- | --- |
//! | `LongLength` | PRDBC is 2^32 - 2, also after a queued command |
//! | `UnknownStatus` | all bits of status, BSY and DRQ apart, and of error |
//! | `LongSense` | the command fails; the log of a queued one names a slot that is not in use |
//! | `Stray` | a frame or an error of slots not in use; an interrupt of a port that is not there |
//! | a lie about itself | PI has all ports, CAP one slot; identify data with impossible counts and sizes |
//!
//! An ATAPI device has no lie for `LongSense`: the command fails. Invariant: no bit of PxSACT or PxCI is
//! cleared for a stray, so nothing that is under way is said to be done.

use super::fis::{Frame, Shadow};
use super::port::{Incoming, Port};
use super::registers::*;
use super::{Ahci, SLOTS};
use crate::disk::fault::{Disposition, FaultKind};
use crate::scsi::{Lun, Opcode};

impl Port {
    /// A slot that is not in use, the highest; 31 if all are.
    fn free_slot(&self) -> u8 {
        let free = !(self.r.ci | self.r.sact | self.queued);
        (31 - free.leading_zeros().min(31)) as u8
    }

    /// The slot that the log of queued errors names.
    pub(super) fn slot_said_to_fail(&self, slot: u8, disposition: Disposition) -> u8 {
        if disposition == Disposition::LongSense { self.free_slot() } else { slot }
    }

    /// Sends what belongs to no command.
    pub(super) fn send_stray(&mut self) {
        self.strays = self.strays.wrapping_add(1);
        match self.strays % 3 {
            0 => self.is_stray_due = true,
            1 => {
                let ended = !(self.r.ci | self.r.sact | self.queued);
                let frame = Frame::SetDeviceBits { ended, status: status::GOOD, error: 0 };
                self.incoming.push_back(Incoming { is_repeated: true, ..Incoming::new(frame, None) });
            }
            _ => {
                self.r.cmd = self.r.cmd & !cmd::CCS | u32::from(self.free_slot()) << cmd::CCS_SHIFT;
                let shadow =
                    Shadow { status: status::GOOD | status::ERR, error: error::ABRT, ..Shadow::default() };
                let frame = Frame::Register { shadow, interrupts: true };
                self.incoming.push_back(Incoming::new(frame, None));
            }
        }
    }
}

impl Ahci {
    /// Shows strays in IS: as the last port's, if that is not there.
    pub(super) fn gather_strays(&mut self) {
        let is_due =
            self.ports.iter_mut().fold(false, |due, port| due | std::mem::take(&mut port.is_stray_due));
        if is_due && self.ports.len() < 32 {
            self.is |= 1 << 31;
        }
    }

    /// What a register says instead of `value`, if it is one in which the adapter describes itself and the
    /// plan wants a lie.
    pub(super) fn say_of_itself(&self, offset: usize, value: u32) -> u32 {
        if !matches!(offset, CAP | PI) {
            return value;
        }
        if !self.medium.with(|target| target.lies(FaultKind::LyingInquiry, Lun::ZERO, Opcode::INQUIRY)) {
            return value;
        }
        if offset == PI { u32::MAX } else { value & !((SLOTS - 1) << cap::NCS_SHIFT) }
    }
}
