//! Commands of an ATA disk that name blocks: reads, writes, verification, TRIM.
//!
//! The host adapter counts what moves (PRDBC) for commands that are not queued; for queued ones the count is
//! not defined, and is left alone (AHCI 1.3.1, 5.4.1).

use super::{Answer, Drive, SECTOR, opcode, translated};
use crate::Medium;
use crate::disk::DataPhase;
use crate::disk::fault::Disposition;
use crate::hba::ahci::command::{BadData, Command};
use crate::hba::ahci::fis::Taskfile;
use crate::scsi::{Opcode, Rw16, ScsiStatus, Unmap, UnmapBlockDescriptor, UnmapHeader};
use kernel_sim::hardware::Bus;
use zerocopy::IntoBytes;
use zerocopy::big_endian::{U16, U32, U64};

/// Sectors of ranges that one DATA SET MANAGEMENT may carry; identify data says so.
pub(super) const TRIM_SECTORS_MAX: u16 = 8;
/// Bits of `Rw16::flags`.
const FUA: u8 = 0x08;

/// Whether a command is queued, and so has its block count in the feature field.
pub(in crate::hba::ahci) fn is_queued(task: &Taskfile) -> bool {
    matches!(task.command, opcode::READ_FPDMA_QUEUED | opcode::WRITE_FPDMA_QUEUED)
}

fn is_forced(task: &Taskfile) -> bool {
    task.command == opcode::WRITE_DMA_FUA_EXT || is_queued(task) && task.device & Taskfile::FUA != 0
}

/// The command block for a task file's blocks, and how many there are.
fn block_cdb(task: &Taskfile, operation: Opcode) -> (Rw16, u32) {
    let blocks = task.blocks(if is_queued(task) { task.features } else { task.count });
    let mut cdb = Rw16::new(operation, task.lba, blocks);
    cdb.flags |= if is_forced(task) { FUA } else { 0 };
    (cdb, blocks)
}

impl Drive {
    fn block_bytes(&self, medium: &Medium) -> usize {
        medium
            .with(|target| target.disk(self.lun).map_or(SECTOR, |d| d.geometry().block_size.bytes() as usize))
    }

    pub(super) fn read(
        &mut self,
        medium: &Medium,
        bus: &Bus<'_>,
        command: &Command,
    ) -> Result<Answer, BadData> {
        let (cdb, blocks) = block_cdb(&command.task, Opcode::READ_16);
        let bytes = blocks as usize * self.block_bytes(medium);
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(bytes.max(buffer.len()), 0);
        let done = self.ask(medium, cdb.as_bytes(), DataPhase::In(&mut buffer[..bytes]));
        self.buffer = buffer;
        if done.status == ScsiStatus::GOOD && done.transferred < bytes {
            return Ok(Answer { disposition: done.disposition, ..Answer::aborted() });
        }
        let answer = translated(&done, false);
        if !answer.is_error() && moves_data(answer.disposition) {
            command.scatter(bus, &self.buffer[..bytes])?;
            self.count(bus, command, bytes)?;
        }
        Ok(answer)
    }

    pub(super) fn write(
        &mut self,
        medium: &Medium,
        bus: &Bus<'_>,
        command: &Command,
    ) -> Result<Answer, BadData> {
        let (cdb, blocks) = block_cdb(&command.task, Opcode::WRITE_16);
        let bytes = blocks as usize * self.block_bytes(medium);
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(bytes.max(buffer.len()), 0);
        let gathered = command.gather(bus, &mut buffer[..bytes]);
        self.buffer = buffer;
        gathered?;
        let done = self.ask(medium, cdb.as_bytes(), DataPhase::Out(&self.buffer[..bytes]));
        if done.status == ScsiStatus::GOOD && done.transferred < bytes {
            return Ok(Answer { disposition: done.disposition, ..Answer::aborted() });
        }
        let answer = translated(&done, true);
        if !answer.is_error() && moves_data(answer.disposition) {
            self.count(bus, command, bytes)?;
        }
        Ok(answer)
    }

    fn count(&self, bus: &Bus<'_>, command: &Command, bytes: usize) -> Result<(), BadData> {
        if is_queued(&command.task) { Ok(()) } else { command.note_bytes(bus, bytes) }
    }

    pub(super) fn verify(&self, medium: &Medium, task: &Taskfile) -> Answer {
        let (cdb, _) = block_cdb(task, Opcode::VERIFY_16);
        translated(&self.ask(medium, cdb.as_bytes(), DataPhase::None), false)
    }

    /// DATA SET MANAGEMENT with TRIM: its ranges as one UNMAP. A range of no blocks is none.
    pub(super) fn trim(
        &mut self,
        medium: &Medium,
        bus: &Bus<'_>,
        command: &Command,
    ) -> Result<Answer, BadData> {
        let sectors = command.task.count;
        if command.task.features & 1 == 0 || sectors == 0 || sectors > TRIM_SECTORS_MAX {
            return Ok(Answer::aborted());
        }
        let mut ranges = vec![0; usize::from(sectors) * SECTOR];
        command.gather(bus, &mut ranges)?;
        command.note_bytes(bus, ranges.len())?;
        let ranges = ranges.as_chunks::<8>().0.iter().map(|raw| u64::from_le_bytes(*raw));
        let described = |raw: u64| UnmapBlockDescriptor {
            lba: U64::new(raw & 0xFFFF_FFFF_FFFF),
            blocks: U32::new((raw >> 48) as u32),
            reserved: U32::ZERO,
        };
        let descriptors: Vec<_> = ranges.filter(|raw| raw >> 48 != 0).map(described).collect();
        let bytes = (descriptors.len() * size_of::<UnmapBlockDescriptor>()) as u16;
        if bytes == 0 {
            return Ok(Answer::good());
        }
        let header = UnmapHeader {
            data_length: U16::new(bytes + 6),
            descriptors_length: U16::new(bytes),
            reserved: U32::ZERO,
        };
        let list = [header.as_bytes(), descriptors.as_bytes()].concat();
        let mut cdb = [0; size_of::<Unmap>()];
        cdb[0] = Opcode::UNMAP.0;
        cdb[7..9].copy_from_slice(&(list.len() as u16).to_be_bytes());
        Ok(translated(&self.ask(medium, &cdb, DataPhase::Out(&list)), true))
    }
}

/// Whether the command was executed, so that its data is there to move.
fn moves_data(disposition: Disposition) -> bool {
    !matches!(
        disposition,
        Disposition::HungAdapter | Disposition::SurpriseRemoval | Disposition::AllocationFailure
    )
}
