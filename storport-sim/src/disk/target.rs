//! A target: disks by logical unit number, and the answers where there is none.

use std::collections::BTreeMap;

use zerocopy::IntoBytes;
use zerocopy::big_endian::U32;

use super::commands::{Cdb, Command, view};
use super::fault::FaultInjector;
use super::inquiry::inquiry_absent;
use super::transfer::Transfer;
use super::unit::reply_sense;
use super::{Completion, DataPhase, Nexus, ScsiDisk};
use crate::scsi::{AdditionalSense, Lun, Opcode, ReportLuns, ReportLunsHeader, Sense, SenseFormat, SenseKey};

/// What a host adapter addresses: any number of disks, sparse or none at all.
///
/// It answers REPORT LUNS with the disks it has. To a number without a disk INQUIRY says qualifier 011b,
/// device type 1Fh; REQUEST SENSE returns 05/25/00 as data; every other command ends in 05/25/00. Unit 0
/// answers REPORT LUNS even if there is no disk (SPC-5, "REPORT LUNS command").
#[derive(Debug, Default)]
pub struct Target {
    disks: BTreeMap<Lun, ScsiDisk>,
    /// A fault plan at work.
    pub(super) faults: Option<Box<FaultInjector>>,
}

impl Target {
    /// A target without disks.
    pub fn new() -> Self {
        Self::default()
    }

    /// Puts a disk at `lun`, and returns the one that was there.
    ///
    /// The other disks have 06/3f/0e (REPORTED LUNS DATA HAS CHANGED) to say from now on, if they say such
    /// things.
    pub fn attach(&mut self, lun: Lun, disk: ScsiDisk) -> Option<ScsiDisk> {
        self.luns_changed();
        self.disks.insert(lun, disk)
    }

    /// Takes the disk at `lun` away; `None` if there is none. The others are told, as by
    /// [`attach`](Self::attach).
    pub fn detach(&mut self, lun: Lun) -> Option<ScsiDisk> {
        let disk = self.disks.remove(&lun)?;
        self.luns_changed();
        Some(disk)
    }

    /// The disk at `lun`.
    pub fn disk(&self, lun: Lun) -> Option<&ScsiDisk> {
        self.disks.get(&lun)
    }

    /// The disk at `lun`, to reset it or to give it something to say.
    pub fn disk_mut(&mut self, lun: Lun) -> Option<&mut ScsiDisk> {
        self.disks.get_mut(&lun)
    }

    /// The logical unit numbers that have a disk, ascending.
    pub fn luns(&self) -> impl Iterator<Item = Lun> {
        self.disks.keys().copied()
    }

    /// Executes one command at `lun`; see [`ScsiDisk::execute`].
    pub fn execute(&mut self, lun: Lun, cdb: &[u8], data: DataPhase<'_>) -> Completion {
        self.execute_from(Nexus::DEFAULT, lun, cdb, data)
    }

    /// As [`execute`](Self::execute), for a command of this initiator.
    pub fn execute_from(&mut self, nexus: Nexus, lun: Lun, cdb: &[u8], data: DataPhase<'_>) -> Completion {
        let transfer = Transfer::new(nexus, data);
        if self.faults.is_some() {
            self.conclude_with_faults(lun, cdb, transfer)
        } else {
            self.conclude(lun, cdb, transfer)
        }
    }

    /// As [`ScsiDisk::execute_shared`]; never while a fault plan is at work, which counts every command.
    pub fn execute_shared(
        &self,
        nexus: Nexus,
        lun: Lun,
        cdb: &[u8],
        buffer: &mut [u8],
    ) -> Option<Completion> {
        if self.faults.is_some() {
            return None;
        }
        self.disks.get(&lun)?.execute_shared(nexus, cdb, buffer)
    }

    /// Executes a command whose data phase is prepared.
    pub(super) fn conclude(&mut self, lun: Lun, cdb: &[u8], mut transfer: Transfer<'_>) -> Completion {
        let report_luns = cdb.first() == Some(&Opcode::REPORT_LUNS.0);
        match self.disks.get_mut(&lun) {
            Some(disk) if !report_luns => disk.conclude(cdb, transfer),
            present => {
                let outcome = if report_luns && (present.is_some() || lun == Lun::ZERO) {
                    self.report_luns(cdb, &mut transfer)
                } else {
                    absent(cdb, &mut transfer)
                };
                transfer.finish(outcome, SenseFormat::Fixed)
            }
        }
    }

    fn report_luns(&mut self, cdb: &[u8], transfer: &mut Transfer<'_>) -> Result<(), Sense> {
        let cdb = Command::find(cdb)?.checked(cdb)?;
        reply_luns(self.luns(), &cdb, transfer)?;
        // Who has read the list need not be told that it changed (SPC-5, "REPORT LUNS command").
        for disk in self.disks.values_mut() {
            disk.attentions.forget(transfer.nexus(), AdditionalSense::REPORTED_LUNS_DATA_HAS_CHANGED);
        }
        Ok(())
    }

    fn luns_changed(&mut self) {
        for disk in self.disks.values_mut() {
            disk.raise_unit_attention(AdditionalSense::REPORTED_LUNS_DATA_HAS_CHANGED);
        }
    }
}

/// Disks at 0, 1, 2 and so on; those past [`Lun::MAX`] are left out.
impl FromIterator<ScsiDisk> for Target {
    fn from_iter<I: IntoIterator<Item = ScsiDisk>>(disks: I) -> Self {
        Self { disks: (0..).map_while(Lun::new).zip(disks).collect(), faults: None }
    }
}

/// REPORT LUNS to a disk that has no target around it: there is unit 0.
pub(super) fn report_lun_zero(_: &mut ScsiDisk, cdb: &Cdb, transfer: &mut Transfer<'_>) -> Result<(), Sense> {
    reply_luns([Lun::ZERO].into_iter(), cdb, transfer)
}

fn reply_luns(luns: impl Iterator<Item = Lun>, cdb: &Cdb, transfer: &mut Transfer<'_>) -> Result<(), Sense> {
    let cdb: &ReportLuns = view(cdb);
    let mut list = Vec::new();
    match cdb.select_report {
        0x00 | 0x02 => list.extend(luns.map(Lun::to_wire)),
        // Well known units only: there are none.
        0x01 => {}
        _ => return Err(Sense::invalid_field(2, None)),
    }
    let list = list.as_flattened();
    // At most 16384 units of 8 bytes.
    let header = ReportLunsHeader { list_length: U32::new(list.len() as u32), reserved: U32::ZERO };
    transfer.reply(&[header.as_bytes(), list].concat(), cdb.allocation_length.get())
}

/// A command to a unit that is not there (SAM-6, "Incorrect logical unit numbers").
fn absent(cdb: &[u8], transfer: &mut Transfer<'_>) -> Result<(), Sense> {
    let not_supported = Sense::new(SenseKey::ILLEGAL_REQUEST, AdditionalSense::LOGICAL_UNIT_NOT_SUPPORTED);
    match Command::find(cdb) {
        Ok(command) if command.opcode == Opcode::INQUIRY => inquiry_absent(&command.checked(cdb)?, transfer),
        Ok(command) if command.opcode == Opcode::REQUEST_SENSE => {
            reply_sense(&not_supported, &command.checked(cdb)?, transfer)
        }
        _ => Err(not_supported),
    }
}
