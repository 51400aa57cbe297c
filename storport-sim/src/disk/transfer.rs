//! The data phase: who it is with, what a command moves, and what the initiator has room for or sends.
//!
//! A handler says how much it wants to move and gets a slice to move it in; the bookkeeping of "expected" and
//! "transferred" happens here, so that no handler can forget it.

use super::Nexus;
use super::fault::Disposition;
use crate::scsi::{AdditionalSense, ScsiStatus, Sense, SenseFormat, SenseKey};

/// The data buffer that comes with a command.
#[derive(Debug)]
pub enum DataPhase<'a> {
    /// No data moves.
    None,
    /// From the disk: the disk fills this.
    In(&'a mut [u8]),
    /// To the disk.
    Out(&'a [u8]),
}

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Completion {
    /// GOOD or CHECK CONDITION; CONDITION MET after a PRE-FETCH, RESERVATION CONFLICT where another
    /// initiator's reservation stands in the way, BUSY and TASK SET FULL from a fault plan.
    pub status: ScsiStatus,
    /// Bytes of the buffer that were filled or taken. Zero unless the status is GOOD.
    pub transferred: usize,
    /// Bytes the command would move given a large enough buffer, after its own allocation length.
    ///
    /// More than the buffer holds is an overrun, which a host adapter has its own way of reporting; zero if
    /// the command was refused before its data phase.
    pub expected: u64,
    /// Why, if the status is CHECK CONDITION.
    pub sense: Option<Sense>,
    /// How the initiator wants that sense laid out: D_SENSE of the control mode page.
    pub sense_format: SenseFormat,
    /// What a fault plan wants the host adapter to do with this completion; [`Disposition::Deliver`] without
    /// one.
    pub disposition: Disposition,
}

/// The data phase of one command, while it runs.
pub(super) struct Transfer<'a> {
    data: DataPhase<'a>,
    nexus: Nexus,
    status: ScsiStatus,
    expected: u64,
    transferred: usize,
    /// A fault: half of the blocks are moved, and the command ends as if all were.
    short: bool,
}

impl<'a> Transfer<'a> {
    pub(super) fn new(nexus: Nexus, data: DataPhase<'a>) -> Self {
        Self { data, nexus, status: ScsiStatus::GOOD, expected: 0, transferred: 0, short: false }
    }

    /// Moves half of what is asked for.
    pub(super) fn shortened(self) -> Self {
        Self { short: true, ..self }
    }

    /// The data that came with the command, which does not run.
    pub(super) fn into_data(self) -> DataPhase<'a> {
        self.data
    }

    /// The initiator that sent the command.
    pub(super) fn nexus(&self) -> Nexus {
        self.nexus
    }

    /// A buffer for `len` bytes towards the initiator, or as much of it as there is room for.
    pub(super) fn fill(&mut self, len: u64) -> Result<&mut [u8], Sense> {
        let len = self.moved(len);
        self.expected = len;
        let buffer: &mut [u8] = match &mut self.data {
            DataPhase::In(buffer) => buffer,
            DataPhase::Out(_) if len > 0 => return Err(data_phase_error()),
            DataPhase::None | DataPhase::Out(_) => &mut [],
        };
        let fits = usize::try_from(len).map_or(buffer.len(), |len| len.min(buffer.len()));
        self.transferred = fits;
        Ok(&mut buffer[..fits])
    }

    /// Exactly `len` bytes from the initiator, or 0b/4b/00.
    pub(super) fn take(&mut self, len: u64) -> Result<&'a [u8], Sense> {
        let sent = self.sent();
        self.expected = len;
        let taken = usize::try_from(len).ok().and_then(|len| sent.get(..len)).ok_or_else(data_phase_error)?;
        self.transferred = taken.len();
        Ok(taken)
    }

    /// As [`take`](Self::take), for blocks on their way to the medium: a short transfer hands out fewer of
    /// them.
    pub(super) fn take_blocks(&mut self, len: u64) -> Result<&'a [u8], Sense> {
        self.take(self.moved(len))
    }

    /// Sends parameter data, cut off at the command's allocation length: a cut is not an error (SPC-5,
    /// "Allocation length").
    pub(super) fn reply(&mut self, data: &[u8], allocation_length: impl Into<u64>) -> Result<(), Sense> {
        let cut = allocation_length.into().min(data.len() as u64);
        let buffer = self.fill(cut)?;
        buffer.copy_from_slice(&data[..buffer.len()]);
        Ok(())
    }

    /// Ends the command, which has moved nothing, with a status that needs no sense.
    pub(super) fn end_with(&mut self, status: ScsiStatus) -> Result<(), Sense> {
        self.status = status;
        (self.expected, self.transferred) = (0, 0);
        Ok(())
    }

    pub(super) fn finish(self, outcome: Result<(), Sense>, sense_format: SenseFormat) -> Completion {
        let Self { expected, transferred, status, .. } = self;
        let disposition = Disposition::Deliver;
        match outcome {
            Ok(()) => Completion { status, transferred, expected, sense: None, sense_format, disposition },
            Err(sense) => Completion {
                status: ScsiStatus::CHECK_CONDITION,
                transferred: 0,
                expected,
                sense: Some(sense),
                sense_format,
                disposition,
            },
        }
    }

    fn sent(&self) -> &'a [u8] {
        match self.data {
            DataPhase::Out(buffer) => buffer,
            DataPhase::None | DataPhase::In(_) => &[],
        }
    }

    /// Half, in whole pieces of the smallest block, if this transfer is short.
    fn moved(&self, len: u64) -> u64 {
        if self.short { len / 2 / 512 * 512 } else { len }
    }
}

fn data_phase_error() -> Sense {
    Sense::new(SenseKey::ABORTED_COMMAND, AdditionalSense::DATA_PHASE_ERROR)
}
