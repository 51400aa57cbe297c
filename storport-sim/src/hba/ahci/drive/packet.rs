//! PACKET: a SCSI command block to an ATAPI device (ACS-3, "PACKET"; SPC-5 for what is in it).
//!
//! The device keeps what a command that failed has to say until it is asked: the error register has the sense
//! key only, and the next command but REQUEST SENSE and INQUIRY clears it. What a fault plan's BUSY and TASK
//! SET FULL are here is our choice: ABORTED COMMAND, which drivers send again.

use super::{Answer, Drive};
use crate::Medium;
use crate::disk::DataPhase;
use crate::disk::fault::Disposition;
use crate::hba::ahci::command::{BadData, Command};
use crate::hba::ahci::registers::{error, status};
use crate::scsi::{AdditionalSense, Opcode, ScsiStatus, Sense, SenseFormat, SenseKey};
use kernel_sim::hardware::Bus;

/// The most one PACKET command moves.
const BYTES_MAX: usize = 4 << 20;
/// Features: the data moves by DMA.
const BY_DMA: u16 = 1;

impl Drive {
    pub(super) fn packet(
        &mut self,
        medium: &Medium,
        bus: &Bus<'_>,
        command: &Command,
    ) -> Result<Answer, BadData> {
        if !command.is_packet {
            return Ok(Answer::aborted());
        }
        let room = command.room(bus, BYTES_MAX)?;
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.resize(room.max(buffer.len()), 0);
        let answer = self.packet_with(medium, bus, command, &mut buffer[..room]);
        self.buffer = buffer;
        answer
    }

    fn packet_with(
        &mut self,
        medium: &Medium,
        bus: &Bus<'_>,
        command: &Command,
        data: &mut [u8],
    ) -> Result<Answer, BadData> {
        let cdb = &command.packet;
        let code = Opcode(cdb[0]);
        if code == Opcode::REQUEST_SENSE {
            let sense = self
                .sense
                .take()
                .unwrap_or(Sense::new(SenseKey::NO_SENSE, AdditionalSense::NO_ADDITIONAL_SENSE_INFORMATION));
            let mut raw = [0; 18];
            let bytes = sense.render(SenseFormat::Fixed, &mut raw).min(usize::from(cdb[4])).min(data.len());
            command.scatter(bus, &raw[..bytes])?;
            command.note_bytes(bus, bytes)?;
            return Ok(ended(command, Answer::good(), bytes));
        }
        if code != Opcode::INQUIRY {
            self.sense = None;
        }
        let phase = match (data.is_empty(), command.is_write) {
            (true, _) => DataPhase::None,
            (_, true) => {
                command.gather(bus, data)?;
                DataPhase::Out(data)
            }
            _ => DataPhase::In(data),
        };
        let done = medium.execute(self.lun, cdb, phase);
        if matches!(done.disposition, Disposition::HungAdapter | Disposition::SurpriseRemoval) {
            return Ok(Answer { disposition: done.disposition, ..Answer::good() });
        }
        let refused = done.disposition == Disposition::AllocationFailure;
        if done.status != ScsiStatus::GOOD || refused {
            let gave_up =
                Sense::new(SenseKey::ABORTED_COMMAND, AdditionalSense::NO_ADDITIONAL_SENSE_INFORMATION);
            let sense = done.sense.filter(|_| !refused).unwrap_or(gave_up);
            self.sense = Some(sense);
            let code = (sense.key.0 << 4) | error::ABRT;
            let answer = Answer::new(status::GOOD | status::ERR, code);
            let disposition = if refused { Disposition::Deliver } else { done.disposition };
            return Ok(Answer { disposition, ..answer });
        }
        if !command.is_write {
            command.scatter(bus, &data[..done.transferred])?;
        }
        command.note_bytes(bus, done.transferred)?;
        let answer = Answer { disposition: done.disposition, ..Answer::good() };
        Ok(ended(command, answer, done.transferred))
    }
}

/// Data that moved by PIO was announced by a frame of its own.
fn ended(command: &Command, answer: Answer, bytes: usize) -> Answer {
    let by_pio = command.task.features & BY_DMA == 0 && bytes != 0;
    Answer { pio: by_pio.then_some(bytes as u16), ..answer }
}
