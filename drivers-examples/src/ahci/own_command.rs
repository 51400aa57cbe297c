//! The driver's own commands: identify data, the log of a queued error, the sense data of an ATAPI device.
//!
//! One at a time, in a slot that requests do not use, with table and data in the channel's memory. Invariant:
//! one is out in the phases Identify, ReadLog and RequestSense, and in no other.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ata::*;
use super::channel::*;
use super::ddi::*;
use super::device::DeviceKind;
use super::registers::*;
use std::mem::offset_of;

/// The commands that the driver itself sends to a device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Own {
    Identify(DeviceKind),
    ReadLog,
    RequestSense,
}

/// Timer ticks that one may take.
pub const OWN_TICKS: u32 = 500;
/// Bytes of sense data that are asked for.
pub const SENSE_BYTES: usize = 18;

impl Channel {
    /// Gives the device a command of our own. The engine runs and nothing else is with the device.
    pub unsafe fn issue_own(&mut self, own: Own) {
        let memory = self.memory;
        let physical = |offset: usize| self.memory_physical + offset as u64;
        let (task, bytes, flags) = match own {
            Own::Identify(DeviceKind::Packet) => (Task::new(IDENTIFY_PACKET_DEVICE), SECTOR, 0),
            Own::Identify(_) => (Task::new(IDENTIFY_DEVICE), SECTOR, 0),
            Own::ReadLog => {
                let lba = u64::from(LOG_QUEUED_ERROR);
                (Task { count: 1, lba, ..Task::new(READ_LOG_EXT) }, SECTOR, 0)
            }
            // By DMA.
            Own::RequestSense => (Task { features: 1, ..Task::new(PACKET) }, SENSE_BYTES, HEADER_ATAPI),
        };
        task.write(&mut (*memory).table.frame);
        let mut packet = [0; 16];
        if own == Own::RequestSense {
            (packet[0], packet[4]) = (0x03, SENSE_BYTES as u8);
        }
        (*memory).table.packet = packet;
        (*memory).data.fill(0);
        (*memory).table.prds[0] =
            Prd { address: physical(offset_of!(PortMemory, data)), reserved: 0, count: bytes as u32 - 1 };
        (*memory).list[OWN_SLOT as usize] = CommandHeader {
            flags: HEADER_FRAME_LENGTH | flags | 1 << HEADER_PRDTL_SHIFT,
            bytes_moved: 0,
            table: physical(offset_of!(PortMemory, table)),
            reserved: [0; 4],
        };
        self.is_own_out = true;
        self.write(PXCI, 1 << OWN_SLOT);
    }

    /// A command of our own has succeeded.
    pub unsafe fn own_done(&mut self) {
        self.is_own_out = false;
        match self.phase {
            Phase::Identify => self.identified(),
            Phase::ReadLog => self.log_read(),
            Phase::RequestSense => self.sense_fetched(true),
            _ => {}
        }
    }

    /// A command of our own has failed.
    pub unsafe fn own_failed(&mut self) {
        self.is_own_out = false;
        match self.phase {
            Phase::Identify => self.try_again(),
            Phase::RequestSense => self.sense_fetched(false),
            _ => self.begin_reset(SRB_STATUS_BUS_RESET),
        }
    }

    /// Asks a device that has just failed a command why.
    pub unsafe fn ask_why(&mut self, phase: Phase, own: Own) {
        self.start_engine();
        self.enter(phase, OWN_TICKS);
        self.issue_own(own);
    }
}
