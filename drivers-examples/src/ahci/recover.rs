//! After an error: which request failed and why, and the others once more (AHCI 1.3.1, 6.2.2).
//!
//! An error of a command stops the port; ST is cleared, which empties the slots. If the device is not busy
//! and memory and wire were not at fault, the port is started again and the request is found: by the current
//! command slot if commands were not queued; by the device's log page 10h if they were, since the device has
//! given all of them up. An ATAPI device is asked for its sense data. The requests that were not at fault go
//! back to the head of the queue in the order they had. In any other case the port is reset and all of them
//! end in SRB_STATUS_BUS_RESET, for the class driver to send again.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ata::RECEIVED_REGISTERS;
use super::channel::*;
use super::ddi::*;
use super::device::DeviceKind;
use super::own_command::{Own, SENSE_BYTES};
use super::registers::*;
use super::sense;
use std::ptr::null_mut;

impl Channel {
    /// The port has interrupted with an error. What ended well has been taken from the slots.
    pub unsafe fn error_seen(&mut self, status: u32) {
        let task = self.read(PXTFD);
        let received = &raw const (*self.memory).received;
        let r = |n: usize| u64::from(received.cast::<u8>().add(RECEIVED_REGISTERS + n).read_volatile());
        self.failure = Failure {
            is_fatal: status & IS_FATAL != 0,
            slot: self.read(PXCMD) >> CMD_CCS_SHIFT & 0x1F,
            status: task as u8,
            error: (task >> 8) as u8,
            lba: r(4) | r(5) << 8 | r(6) << 16 | r(8) << 24 | r(9) << 32 | r(10) << 40,
        };
        match self.phase {
            Phase::Running => {
                self.stop_engine();
                self.enter(Phase::StoppingAfterError, 50);
                if self.has_stopped() {
                    self.recover();
                }
            }
            // One of our own commands.
            _ => {
                self.stop_engine();
                self.own_failed();
            }
        }
    }

    /// The port has stopped after an error.
    pub unsafe fn recover(&mut self) {
        // Plugging is not acknowledged here: it interrupts as soon as the port runs again.
        self.write(PXSERR, !(SERR_DIAG_X | SERR_DIAG_N));
        self.write(PXIS, !IS_PLUG);
        let is_busy = self.read(PXTFD) & (STATUS_BSY | STATUS_DRQ) != 0;
        // A slot without a request tells nothing.
        let is_known = self.was_queued || self.suspended & 1 << self.failure.slot != 0;
        if self.failure.is_fatal || is_busy || !is_known {
            self.begin_reset(SRB_STATUS_BUS_RESET);
        } else if self.was_queued {
            self.ask_why(Phase::ReadLog, Own::ReadLog);
        } else if self.device.kind == DeviceKind::Packet {
            self.ask_why(Phase::RequestSense, Own::RequestSense);
        } else {
            let Failure { slot, status, error, lba, .. } = self.failure;
            self.start_engine();
            self.fail_slot(slot, status, error, lba);
            self.resume();
        }
    }

    /// The log of queued errors is here.
    pub unsafe fn log_read(&mut self) {
        let page = (&raw const (*self.memory).data).read_volatile();
        let is_unqueued = page[0] & 0x80 != 0;
        let slot = u32::from(page[0] & 0x1F);
        let sum = page.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        if is_unqueued || sum != 0 || self.suspended & 1 << slot == 0 {
            // The device does not say which.
            self.begin_reset(SRB_STATUS_BUS_RESET);
            return;
        }
        let b = |n: usize| u64::from(page[n]);
        let lba = b(4) | b(5) << 8 | b(6) << 16 | b(8) << 24 | b(9) << 32 | b(10) << 40;
        self.fail_slot(slot, page[2], page[3], lba);
        self.resume();
    }

    /// An ATAPI device has said why, or has failed at that too.
    pub unsafe fn sense_fetched(&mut self, is_there: bool) {
        let Srb = self.take_suspended(self.failure.slot);
        if !is_there {
            // Stopped by the error; the device is not to be trusted with the others.
            if !Srb.is_null() {
                self.complete(Srb, SRB_STATUS_REQUEST_SENSE_FAILED);
            }
            self.begin_reset(SRB_STATUS_BUS_RESET);
            return;
        }
        if !Srb.is_null() {
            let raw = (&raw const (*self.memory).data).read_volatile();
            SrbSetDataTransferLength(Srb.cast(), 0);
            let status = sense::put(Srb.cast(), &raw[..SENSE_BYTES]);
            self.complete(Srb, status);
        }
        self.resume();
    }

    unsafe fn take_suspended(&mut self, slot: u32) -> PSCSI_REQUEST_BLOCK {
        if self.suspended & 1 << slot == 0 {
            return null_mut();
        }
        self.suspended &= !(1 << slot);
        std::mem::replace(&mut self.slots[slot as usize], null_mut())
    }

    /// Ends the request that failed with what the device said of it.
    unsafe fn fail_slot(&mut self, slot: u32, status: u8, error: u8, lba: u64) {
        let Srb = self.take_suspended(slot);
        if Srb.is_null() {
            return;
        }
        let is_write = (*request(Srb)).header & super::ata::HEADER_WRITE != 0;
        let sense = sense::of_task_file(status, error, lba, is_write);
        SrbSetDataTransferLength(Srb.cast(), 0);
        let status = sense::put(Srb.cast(), &sense.render());
        self.complete(Srb, status);
    }

    /// Requests that were not at fault go back to the head of the queue, and the channel runs.
    unsafe fn resume(&mut self) {
        while self.suspended != 0 {
            let slots = (0..SLOTS).filter(|slot| self.suspended & 1 << slot != 0);
            let Some(last) = slots.max_by_key(|slot| (*request(self.slots[*slot as usize])).sequence) else {
                break;
            };
            let Srb = self.take_suspended(last);
            self.waiting.push_front(Srb);
        }
        self.phase = Phase::Running;
        self.run_queue();
    }
}
