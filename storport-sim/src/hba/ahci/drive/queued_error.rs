//! Log page 10h: which queued command failed (ACS-3, "NCQ Command Error log").
//!
//! After a queued command has failed the device has given up all of them and answers nothing but the reading
//! of this page, a reset apart. Invariant: reading the page ends that.

use super::{Answer, Drive, SECTOR};
use crate::hba::ahci::command::{BadData, Command};
use crate::hba::ahci::fis::Shadow;
use kernel_sim::hardware::Bus;

/// The page's number; page 0 is the directory.
pub(super) const PAGE: u8 = 0x10;
const DIRECTORY: u8 = 0x00;

/// The fields of the page.
#[derive(Clone, Copy, Debug)]
pub(super) struct QueuedError {
    is_pending: bool,
    /// The NQ bit: the command that failed was not queued.
    is_unqueued: bool,
    tag: u8,
    shadow: Shadow,
}

/// Nothing has failed.
impl Default for QueuedError {
    fn default() -> QueuedError {
        QueuedError { is_pending: false, is_unqueued: true, tag: 0, shadow: Shadow::default() }
    }
}

impl QueuedError {
    pub(super) fn of(tag: u8, shadow: Shadow) -> QueuedError {
        QueuedError { is_pending: true, is_unqueued: false, tag, shadow }
    }

    pub(super) fn unqueued() -> QueuedError {
        QueuedError { is_pending: true, is_unqueued: true, ..QueuedError::default() }
    }

    pub(super) fn is_pending(&self) -> bool {
        self.is_pending
    }

    fn page(&self) -> [u8; SECTOR] {
        let mut page = [0; SECTOR];
        let lba = self.shadow.lba.to_le_bytes();
        page[0] = if self.is_unqueued { 0x80 } else { self.tag & 0x1F };
        (page[2], page[3]) = (self.shadow.status, self.shadow.error);
        page[4..7].copy_from_slice(&lba[..3]);
        page[8..11].copy_from_slice(&lba[3..6]);
        let sum = page.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        page[511] = sum.wrapping_neg();
        page
    }
}

impl Drive {
    /// READ LOG EXT of one page: the directory, or this one.
    pub(super) fn read_log(&mut self, bus: &Bus<'_>, command: &Command) -> Result<Answer, BadData> {
        let (log, page) = (command.task.lba as u8, (command.task.lba >> 8) as u16);
        let sector = match log {
            _ if command.task.count != 1 || page != 0 => return Ok(Answer::aborted()),
            DIRECTORY => {
                let mut directory = [0; SECTOR];
                directory[0] = 1;
                directory[2 * usize::from(PAGE)] = 1;
                directory
            }
            PAGE => {
                let sector = self.queued_error.page();
                self.queued_error.is_pending = false;
                sector
            }
            _ => return Ok(Answer::aborted()),
        };
        self.buffer.resize(self.buffer.len().max(SECTOR), 0);
        self.buffer[..SECTOR].copy_from_slice(&sector);
        self.send_sector(bus, command)
    }
}
