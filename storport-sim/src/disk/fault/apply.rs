//! Faults as the target shows them.

use super::{Disposition, FaultInjector, FaultKind, InjectedFault, OpClass, Subject, UNKNOWN_STATUS};
use crate::disk::transfer::Transfer;
use crate::disk::{Completion, ScsiDisk, Target};
use crate::scsi::{AdditionalSense, Lun, ScsiStatus, Sense, SenseFormat, SenseKey};

/// Sense that no standard defines.
const BAD_SENSE: Sense = Sense::new(SenseKey(0x0f), AdditionalSense { code: 0xff, qualifier: 0xff });
/// The command was given up, and nothing more is known.
const ABORTED: Sense =
    Sense::new(SenseKey::ABORTED_COMMAND, AdditionalSense::NO_ADDITIONAL_SENSE_INFORMATION);

impl Target {
    /// Lets commands meet the faults of a plan from now on, or (`None`) no more.
    pub fn set_faults(&mut self, faults: Option<FaultInjector>) {
        self.faults = faults.map(Box::new);
    }

    /// The plan at work, to have it go on as it should from now on.
    pub fn faults_mut(&mut self) -> Option<&mut FaultInjector> {
        self.faults.as_deref_mut()
    }

    /// The plan at work, to see what it did.
    pub fn faults(&self) -> Option<&FaultInjector> {
        self.faults.as_deref()
    }

    /// Executes a command while a plan is at work.
    #[cold]
    pub(in crate::disk) fn conclude_with_faults(
        &mut self,
        lun: Lun,
        cdb: &[u8],
        transfer: Transfer<'_>,
    ) -> Completion {
        let blocks = self.disk(lun).map_or(0, ScsiDisk::blocks);
        let subject = Subject::of(lun, cdb).map(|subject| subject.on_disk(blocks));
        let fault = subject.and_then(|subject| self.faults.as_mut()?.decide(&subject));
        let Some((subject, fault)) = subject.zip(fault) else {
            return self.conclude(lun, cdb, transfer);
        };
        let sense_format = self.sense_format(lun);
        let end = |outcome| not_executed(sense_format, outcome);
        match fault.kind {
            FaultKind::MediumError => end(Err(medium_error(&subject, fault))),
            FaultKind::Aborted => end(Err(ABORTED)),
            FaultKind::Busy => end(Ok(ScsiStatus::BUSY)),
            FaultKind::TaskSetFull => end(Ok(ScsiStatus::QUEUE_FULL)),
            FaultKind::UnitAttention => end(Err(Sense::unit_attention(AdditionalSense::POWER_ON_OR_RESET))),
            FaultKind::BadSense => end(Err(BAD_SENSE)),
            FaultKind::ShortTransfer => self.conclude(lun, cdb, transfer.shortened()),
            FaultKind::DroppedCompletion => self.conclude(lun, cdb, transfer).with(Disposition::Drop),
            FaultKind::LateCompletion { delay_us } => {
                self.conclude(lun, cdb, transfer).with(Disposition::Late { delay_us })
            }
            FaultKind::DuplicateCompletion => self.conclude(lun, cdb, transfer).with(Disposition::Duplicate),
            // An adapter that does not know of dispositions sees a command to be tried again, not one that
            // succeeded.
            FaultKind::HungAdapter => end(Ok(ScsiStatus::BUSY)).with(Disposition::HungAdapter),
            FaultKind::SurpriseRemoval => end(Ok(ScsiStatus::BUSY)).with(Disposition::SurpriseRemoval),
            FaultKind::AllocationFailure => end(Ok(ScsiStatus::BUSY)).with(Disposition::AllocationFailure),
            // About no command: a plan that a program has put together may say so all the same.
            FaultKind::RegistryRead => self.conclude(lun, cdb, transfer),
            FaultKind::LongLength => self.conclude(lun, cdb, transfer).with(Disposition::LongLength),
            FaultKind::StrayCompletion => self.conclude(lun, cdb, transfer).with(Disposition::Stray),
            FaultKind::UnknownStatus => end(Ok(ScsiStatus(UNKNOWN_STATUS))).with(Disposition::UnknownStatus),
            FaultKind::LongSense => end(Err(ABORTED)).with(Disposition::LongSense),
            FaultKind::RepeatedUnits | FaultKind::ShrunkCapacity | FaultKind::LyingInquiry => {
                self.conclude_with_lies(fault.kind, lun, cdb, transfer)
            }
        }
    }

    fn sense_format(&self, lun: Lun) -> SenseFormat {
        self.disk(lun).map_or(SenseFormat::Fixed, |disk| disk.mode.current.sense_format())
    }
}

/// The completion of a command that was not executed.
fn not_executed(sense_format: SenseFormat, outcome: Result<ScsiStatus, Sense>) -> Completion {
    Completion {
        status: *outcome.as_ref().unwrap_or(&ScsiStatus::CHECK_CONDITION),
        transferred: 0,
        expected: 0,
        sense: outcome.err(),
        sense_format,
        disposition: Disposition::Deliver,
    }
}

fn medium_error(subject: &Subject, fault: InjectedFault) -> Sense {
    let writes = matches!(OpClass::of(subject.opcode), OpClass::Write | OpClass::Flush);
    let additional =
        if writes { AdditionalSense::WRITE_ERROR } else { AdditionalSense::UNRECOVERED_READ_ERROR };
    Sense { information: fault.block, ..Sense::new(SenseKey::MEDIUM_ERROR, additional) }
}

impl Completion {
    fn with(self, disposition: Disposition) -> Self {
        Self { disposition, ..self }
    }
}
