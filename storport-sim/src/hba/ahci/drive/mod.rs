//! The device behind a port: an ATA disk, or an ATAPI device, over one unit of the medium.
//!
//! Commands are those of ACS-3 that a Windows driver sends a disk. What a block command does is done by the
//! SCSI disk behind the medium, as the equivalent command block, so that whatever that disk can do or be made
//! to do (fault plans) shows here: in the registers of a task file for a disk, as sense data to be fetched
//! for an ATAPI device. The drive has no registers and no slots; when a command is executed and when its
//! answer is delivered is the port's business.
//!
//! What SCSI says and ATA has no word for is our choice, in the manner of SAT-4's translations read
//! backwards:
//!
//! | the SCSI disk says | the ATA disk says |
//! | --- | --- |
//! | MEDIUM ERROR, reading | UNC, and the block |
//! | MEDIUM ERROR, writing | device fault, and the block |
//! | ILLEGAL REQUEST, block out of range | IDNF, and the block |
//! | DATA PROTECT | bit 6 of the error register, which was WP once |
//! | a unit attention | nothing: it is asked again, ATA disks have none |
//! | fewer blocks moved than asked for | ABRT: a serial device cannot end a DMA short and well |
//! | BUSY, TASK SET FULL, RESERVATION CONFLICT, no memory, anything else | ABRT |

mod data;
mod identify;
mod packet;
mod queued_error;

use super::command::{BadData, Command};
use super::fis::{Shadow, Taskfile};
use super::registers::{error, status};
use crate::Medium;
use crate::disk::fault::Disposition;
use crate::disk::{Completion, DataPhase};
use crate::scsi::{AdditionalSense, Lun, ScsiStatus, Sense, SenseKey};
pub(super) use data::is_queued;
use kernel_sim::hardware::Bus;
use queued_error::QueuedError;
use zerocopy::IntoBytes;

/// Bytes of a sector of identify data, of a log page, of a list of ranges.
const SECTOR: usize = 512;
/// How often a disk is asked again that has a unit attention to say.
const ATTENTIONS_MAX: u32 = 16;

/// Command codes (ACS-3, "Command descriptions").
pub(super) mod opcode {
    pub const DATA_SET_MANAGEMENT: u8 = 0x06;
    pub const READ_DMA_EXT: u8 = 0x25;
    pub const READ_LOG_EXT: u8 = 0x2F;
    pub const WRITE_DMA_EXT: u8 = 0x35;
    pub const WRITE_DMA_FUA_EXT: u8 = 0x3D;
    pub const READ_VERIFY_SECTORS_EXT: u8 = 0x42;
    pub const READ_FPDMA_QUEUED: u8 = 0x60;
    pub const WRITE_FPDMA_QUEUED: u8 = 0x61;
    pub const PACKET: u8 = 0xA0;
    pub const IDENTIFY_PACKET_DEVICE: u8 = 0xA1;
    pub const SMART: u8 = 0xB0;
    pub const STANDBY_IMMEDIATE: u8 = 0xE0;
    pub const IDLE_IMMEDIATE: u8 = 0xE1;
    pub const CHECK_POWER_MODE: u8 = 0xE5;
    pub const FLUSH_CACHE: u8 = 0xE7;
    pub const FLUSH_CACHE_EXT: u8 = 0xEA;
    pub const IDENTIFY_DEVICE: u8 = 0xEC;
    pub const SET_FEATURES: u8 = 0xEF;
}

/// How a command ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub shadow: Shadow,
    /// Bytes that were moved by PIO, which ends with another frame.
    pub pio: Option<u16>,
    pub disposition: Disposition,
}

impl Answer {
    fn new(status: u8, error: u8) -> Answer {
        let shadow = Shadow { status, error, ..Shadow::default() };
        Answer { shadow, pio: None, disposition: Disposition::Deliver }
    }

    fn good() -> Answer {
        Answer::new(status::GOOD, 0)
    }

    /// The command was given up: not known, not now, not like this.
    pub(super) fn aborted() -> Answer {
        Answer::new(status::GOOD | status::ERR, error::ABRT)
    }

    fn at(mut self, block: Option<u64>) -> Answer {
        self.shadow.lba = block.unwrap_or(0);
        self
    }

    pub(super) fn is_error(&self) -> bool {
        self.shadow.status & (status::ERR | status::DF) != 0
    }
}

/// See the module page.
pub(super) struct Drive {
    lun: Lun,
    is_packet: bool,
    is_standby: bool,
    /// The sense data of the last command that failed, of an ATAPI device.
    sense: Option<Sense>,
    queued_error: QueuedError,
    /// A command's data on its way.
    buffer: Vec<u8>,
    /// Identify data that was false.
    lies: u32,
}

impl Drive {
    pub(super) fn new(lun: Lun, is_packet: bool) -> Drive {
        Drive {
            lun,
            is_packet,
            is_standby: false,
            sense: None,
            queued_error: QueuedError::default(),
            buffer: Vec::new(),
            lies: 0,
        }
    }

    pub(super) fn is_packet(&self) -> bool {
        self.is_packet
    }

    pub(super) fn is_present(&self, medium: &Medium) -> bool {
        medium.with(|target| target.disk(self.lun).is_some())
    }

    /// A reset that reached the device: COMRESET, or SRST.
    pub(super) fn reset(&mut self, medium: &Medium) {
        self.forget();
        medium.with(|target| {
            if let Some(disk) = target.disk_mut(self.lun) {
                disk.reset();
            }
        });
    }

    /// Another device than before, or one without power.
    pub(super) fn forget(&mut self) {
        (self.is_standby, self.sense) = (false, None);
        self.queued_error = QueuedError::default();
    }

    /// A queued command has failed: the others are given up, and the log says which it was.
    pub(super) fn fail_queued(&mut self, tag: u8, answer: &Answer) {
        self.queued_error = QueuedError::of(tag, answer.shadow);
    }

    /// Queued commands were given up for one that is not queued.
    pub(super) fn abort_queue(&mut self) {
        self.queued_error = QueuedError::unqueued();
    }

    /// Whether only the log of the queued error may be read now.
    pub(super) fn wants_log_read(&self) -> bool {
        self.queued_error.is_pending()
    }

    /// Executes a command that the port has fetched.
    ///
    /// # Errors
    /// When its data cannot move.
    pub(super) fn execute(
        &mut self,
        medium: &Medium,
        bus: &Bus<'_>,
        command: &Command,
    ) -> Result<Answer, BadData> {
        let task = &command.task;
        if self.wants_log_read() && !is_queued_log(task) {
            return Ok(Answer::aborted());
        }
        let common = match task.command {
            opcode::SET_FEATURES => Some(self.set_features(medium, task)),
            opcode::CHECK_POWER_MODE => {
                let mut answer = Answer::good();
                answer.shadow.count = if self.is_standby { 0 } else { 0xFF };
                Some(answer)
            }
            opcode::STANDBY_IMMEDIATE => {
                self.is_standby = true;
                Some(Answer::good())
            }
            opcode::IDLE_IMMEDIATE => {
                self.is_standby = false;
                Some(Answer::good())
            }
            _ => None,
        };
        if let Some(answer) = common {
            return Ok(answer);
        }
        if self.is_packet {
            match task.command {
                opcode::PACKET => self.packet(medium, bus, command),
                opcode::IDENTIFY_PACKET_DEVICE => self.identify(medium, bus, command),
                _ => Ok(Answer::aborted()),
            }
        } else {
            self.execute_ata(medium, bus, command)
        }
    }

    fn execute_ata(&mut self, medium: &Medium, bus: &Bus<'_>, command: &Command) -> Result<Answer, BadData> {
        let task = &command.task;
        match task.command {
            opcode::IDENTIFY_DEVICE => self.identify(medium, bus, command),
            opcode::READ_DMA_EXT | opcode::READ_FPDMA_QUEUED => self.read(medium, bus, command),
            opcode::WRITE_DMA_EXT | opcode::WRITE_DMA_FUA_EXT | opcode::WRITE_FPDMA_QUEUED => {
                self.write(medium, bus, command)
            }
            opcode::READ_VERIFY_SECTORS_EXT => Ok(self.verify(medium, task)),
            opcode::FLUSH_CACHE | opcode::FLUSH_CACHE_EXT => Ok(self.flush(medium)),
            opcode::DATA_SET_MANAGEMENT => self.trim(medium, bus, command),
            opcode::READ_LOG_EXT => self.read_log(bus, command),
            // RETURN STATUS: the signature in the LBA says that no threshold is exceeded.
            opcode::SMART if task.features as u8 == 0xDA => Ok(Answer::good().at(Some(0x00C2_4F00))),
            _ => Ok(Answer::aborted()),
        }
    }

    /// Sends a page of `buffer` by PIO.
    fn send_sector(&mut self, bus: &Bus<'_>, command: &Command) -> Result<Answer, BadData> {
        command.scatter(bus, &self.buffer[..SECTOR])?;
        command.note_bytes(bus, SECTOR)?;
        Ok(Answer { pio: Some(SECTOR as u16), ..Answer::good() })
    }

    /// Has the SCSI disk execute a command; one that only meets a unit attention is sent again, and what a
    /// fault plan has in store for its completion stays with it.
    fn ask(&self, medium: &Medium, cdb: &[u8], mut data: DataPhase<'_>) -> Completion {
        let mut done = medium.execute(self.lun, cdb, reborrow(&mut data));
        for _ in 0..ATTENTIONS_MAX {
            if done.sense.is_none_or(|sense| sense.key != SenseKey::UNIT_ATTENTION) {
                break;
            }
            let before = done.disposition;
            done = medium.execute(self.lun, cdb, reborrow(&mut data));
            if done.disposition == Disposition::Deliver {
                done.disposition = before;
            }
        }
        done
    }

    fn set_features(&mut self, medium: &Medium, task: &Taskfile) -> Answer {
        match task.features as u8 {
            0x02 => self.set_write_cache(medium, true),
            0x82 => self.set_write_cache(medium, false),
            // Transfer mode; look-ahead off and on; whether a software reset reverts to what was set at
            // power-on, off and on: accepted, and nothing changes.
            0x03 | 0x55 | 0xAA | 0x66 | 0xCC => Answer::good(),
            _ => Answer::aborted(),
        }
    }

    /// By the SCSI disk's caching mode page: read, changed, written back.
    fn set_write_cache(&mut self, medium: &Medium, is_on: bool) -> Answer {
        const CACHING: u8 = 0x08;
        let mut page = [0; 64];
        let sense = [0x5A, 0x08, CACHING, 0, 0, 0, 0, 0, page.len() as u8, 0];
        let done = self.ask(medium, &sense, DataPhase::In(&mut page));
        let bytes = done.transferred.min(page.len());
        if done.status != ScsiStatus::GOOD || bytes < 12 {
            return translated(&done, false);
        }
        // The header's length and device-specific byte are reserved when written back, PS of a page too.
        page[..8].fill(0);
        page[8] &= 0x3F;
        page[10] = page[10] & !0x04 | if is_on { 0x04 } else { 0 };
        let select = [0x55, 0x10, 0, 0, 0, 0, 0, 0, bytes as u8, 0];
        let done = self.ask(medium, &select, DataPhase::Out(&page[..bytes]));
        translated(&done, false)
    }

    fn flush(&self, medium: &Medium) -> Answer {
        let cdb = crate::scsi::Rw10::new(crate::scsi::Opcode::SYNCHRONIZE_CACHE_10, 0, 0);
        translated(&self.ask(medium, cdb.as_bytes(), DataPhase::None), true)
    }
}

fn reborrow<'a>(data: &'a mut DataPhase<'_>) -> DataPhase<'a> {
    match data {
        DataPhase::None => DataPhase::None,
        DataPhase::In(buffer) => DataPhase::In(buffer),
        DataPhase::Out(buffer) => DataPhase::Out(buffer),
    }
}

/// Whether a command reads the log page of queued errors.
fn is_queued_log(task: &Taskfile) -> bool {
    task.command == opcode::READ_LOG_EXT && task.lba as u8 == queued_error::PAGE
}

/// The SCSI disk's answer as a task file; see the module's table.
fn translated(done: &Completion, is_write: bool) -> Answer {
    let mut answer = match (done.status, &done.sense) {
        (ScsiStatus::GOOD, _) => Answer::good(),
        (_, Some(sense)) => of_sense(sense, is_write),
        _ => Answer::aborted(),
    };
    answer.disposition = done.disposition;
    if done.disposition == Disposition::AllocationFailure {
        answer = Answer::aborted();
    }
    if done.disposition == Disposition::UnknownStatus {
        answer.shadow = Shadow { status: status::ALL_BUT_BUSY, error: u8::MAX, ..answer.shadow };
    }
    answer
}

fn of_sense(sense: &Sense, is_write: bool) -> Answer {
    const ERR: u8 = status::GOOD | status::ERR;
    match sense.key {
        SenseKey::MEDIUM_ERROR if is_write => {
            Answer::new(ERR | status::DF, error::ABRT).at(sense.information)
        }
        SenseKey::MEDIUM_ERROR => Answer::new(ERR, error::UNC).at(sense.information),
        SenseKey::DATA_PROTECT => Answer::new(ERR, error::UNC),
        SenseKey::ILLEGAL_REQUEST
            if sense.additional == AdditionalSense::LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE =>
        {
            Answer::new(ERR, error::IDNF).at(sense.information)
        }
        _ => Answer::aborted(),
    }
}
