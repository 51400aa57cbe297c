//! One port: its registers, and what starts, stops and resets it (AHCI 1.3.1, 3.3, 5.3 and 10.4).
//!
//! What software writes changes bits at once; what the adapter makes of it comes as a step: CR follows ST and
//! FR follows FRE, the link comes up after a COMRESET or when a device is plugged in, and the device's first
//! frame follows. Commands on their way through the port are in `transport`.
//!
//! Rules that a driver can break, and what comes of it: PxCI and PxSACT take no bits while ST is clear, and
//! lose them when it is cleared; a COMRESET (PxSCTL.DET) is ignored while ST is set; the device's first
//! frame, and with it the end of BSY and PxSIG, waits until PxSERR.DIAG.X has been cleared and frames may be
//! received (FRE). Queued commands that the port was stopped over are still the device's, which then answers
//! nothing but a reset (our choice: a real one might move their data into whatever command has their tag by
//! then).

use super::command::Command;
use super::drive::Drive;
use super::fis::Frame;
use super::registers::*;
use crate::Medium;
use crate::scsi::Lun;
use std::collections::VecDeque;

/// The registers software sees.
#[derive(Clone, Copy, Default)]
pub(super) struct Registers {
    pub clb: u64,
    pub fb: u64,
    pub is: u32,
    pub ie: u32,
    pub cmd: u32,
    pub status: u8,
    pub error: u8,
    pub sig: u32,
    pub ssts: u32,
    pub sctl: u32,
    pub serr: u32,
    pub sact: u32,
    pub ci: u32,
}

impl Registers {
    fn at_reset() -> Registers {
        Registers {
            // Cold presence is not detected, so power is always on; the port takes hot plugging.
            cmd: cmd::POD | cmd::HPCP,
            status: status::NO_DEVICE,
            error: 1,
            sig: u32::MAX,
            ..Registers::default()
        }
    }
}

/// The state of the link between adapter and device.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Link {
    /// Nothing: no device, not spun up, held in reset, or switched off.
    Down,
    /// A device has been heard and the link is coming up.
    Coming,
    Up,
}

/// A frame on its way from the device.
#[derive(Clone, Copy, Debug)]
pub(super) struct Incoming {
    pub frame: Frame,
    /// The slot whose command it ends, if that is not queued, or accepts, if it is.
    pub slot: Option<u8>,
    /// It says what has been said before, or nothing: no slot is looked at.
    pub is_repeated: bool,
    /// The first frame after a reset, which tells what kind of device it is.
    pub is_signature: bool,
}

impl Incoming {
    pub(super) fn new(frame: Frame, slot: Option<u8>) -> Incoming {
        Incoming { frame, slot, is_repeated: false, is_signature: false }
    }
}

/// A frame that comes later than it would, after so many other steps of its port.
#[derive(Clone, Copy, Debug)]
pub(super) struct Late {
    pub frame: Incoming,
    pub after_steps: u64,
}

/// See the module page.
pub(super) struct Port {
    pub r: Registers,
    pub drive: Drive,
    pub link: Link,
    /// The adapter takes queued commands.
    pub takes_queued: bool,
    /// Slots whose commands the adapter has fetched, of those in PxCI.
    pub fetched: u32,
    /// Commands the device has and has not executed.
    pub with_device: Vec<Command>,
    /// Queued commands the device has: what a command that is not queued must not meet.
    pub queued: u32,
    pub incoming: VecDeque<Incoming>,
    pub late: Vec<Late>,
    /// A fatal error: nothing is fetched until ST has been cleared.
    pub is_stuck: bool,
    /// Queued commands were stopped over: the device waits for a reset.
    pub is_stale: bool,
    /// The device does not react any more until it is reset.
    pub is_hung: bool,
    /// Held in soft reset by SRST.
    pub is_soft_reset: bool,
    /// Strays sent, and whether one is to be seen in the adapter's registers.
    pub strays: u32,
    pub is_stray_due: bool,
}

impl Port {
    pub(super) fn new(lun: Lun, is_packet: bool) -> Port {
        Port {
            r: Registers::at_reset(),
            drive: Drive::new(lun, is_packet),
            link: Link::Down,
            takes_queued: true,
            fetched: 0,
            with_device: Vec::new(),
            queued: 0,
            incoming: VecDeque::new(),
            late: Vec::new(),
            is_stuck: false,
            is_stale: false,
            is_hung: false,
            is_soft_reset: false,
            strays: 0,
            is_stray_due: false,
        }
    }

    /// Back to power-on: GHC.HR. The list and frame addresses are kept, which HR does not touch.
    pub(super) fn reset(&mut self, medium: &Medium) {
        let Registers { clb, fb, .. } = self.r;
        self.r = Registers { clb, fb, ..Registers::at_reset() };
        self.lose_device();
        self.drive.reset(medium);
    }

    /// Whether PxIS has anything that PxIE lets through.
    pub(super) fn is_interrupting(&self) -> bool {
        self.r.is & self.r.ie != 0
    }

    pub(super) fn read(&self, offset: usize) -> u32 {
        let r = &self.r;
        match offset {
            px::CLB => r.clb as u32,
            px::CLBU => (r.clb >> 32) as u32,
            px::FB => r.fb as u32,
            px::FBU => (r.fb >> 32) as u32,
            px::IS => r.is,
            px::IE => r.ie,
            px::CMD => r.cmd,
            px::TFD => u32::from(r.error) << 8 | u32::from(r.status),
            px::SIG => r.sig,
            px::SSTS => r.ssts,
            px::SCTL => r.sctl,
            px::SERR => r.serr,
            px::SACT => r.sact,
            px::CI => r.ci,
            px::SNTF | px::FBS => 0,
            _ => 0,
        }
    }

    pub(super) fn write(&mut self, offset: usize, value: u32, medium: &Medium) {
        match offset {
            px::CLB => self.r.clb = with_low(self.r.clb, value & !0x3FF),
            px::CLBU => self.r.clb = with_high(self.r.clb, value),
            px::FB => self.r.fb = with_low(self.r.fb, value & !0xFF),
            px::FBU => self.r.fb = with_high(self.r.fb, value),
            px::IS => self.clear_status(value),
            px::IE => self.r.ie = value & is::IMPLEMENTED,
            px::CMD => self.write_command(value, medium),
            px::SCTL => self.write_control(value, medium),
            px::SERR => {
                self.r.serr &= !value;
                self.follow_errors();
            }
            px::SACT if self.r.cmd & cmd::ST != 0 => self.r.sact |= value,
            px::CI if self.r.cmd & cmd::ST != 0 => self.r.ci |= value,
            _ => {}
        }
    }

    /// PRCS and PCS are not cleared here: they follow PxSERR.
    fn clear_status(&mut self, value: u32) {
        self.r.is &= !(value & !(is::PRCS | is::PCS));
        if value & is::DPS != 0 {
            self.r.is &= !is::DPS;
        }
    }

    fn follow_errors(&mut self) {
        for (cause, bit) in [(serr::DIAG_N, is::PRCS), (serr::DIAG_X, is::PCS)] {
            if self.r.serr & cause != 0 {
                self.r.is |= bit;
            } else {
                self.r.is &= !bit;
            }
        }
    }

    /// Notes an event of the link in PxSERR, and in PxIS what follows it.
    pub(super) fn note_error(&mut self, bits: u32) {
        self.r.serr |= bits;
        self.follow_errors();
    }

    fn write_command(&mut self, value: u32, medium: &Medium) {
        let before = self.r.cmd;
        self.r.cmd = before & !cmd::WRITABLE | value & cmd::WRITABLE;
        // A list override is for a port that is stopped.
        if value & cmd::CLO != 0 && before & (cmd::ST | cmd::CR) == 0 {
            self.r.status &= !(status::BSY | status::DRQ);
        }
        if before & cmd::ST != 0 && value & cmd::ST == 0 {
            (self.r.ci, self.r.sact) = (0, 0);
        }
        if before & cmd::SUD == 0 && value & cmd::SUD != 0 {
            self.look_for_device(medium);
        }
    }

    fn write_control(&mut self, value: u32, medium: &Medium) {
        let before = self.r.sctl & sctl::DET;
        if self.r.cmd & cmd::ST != 0 && value & sctl::DET != before {
            self.r.sctl = value & sctl::WRITABLE & !sctl::DET | before;
            return;
        }
        self.r.sctl = value & sctl::WRITABLE;
        match value & sctl::DET {
            sctl::DET_RESET => {
                self.drive.reset(medium);
                self.lose_device();
            }
            sctl::DET_OFFLINE => {
                self.lose_device();
                self.r.ssts = ssts::DET_OFFLINE;
            }
            _ if before != 0 => self.look_for_device(medium),
            _ => {}
        }
    }

    /// The device is gone, or the link to it is.
    pub(super) fn lose_device(&mut self) {
        self.link = Link::Down;
        self.r.ssts = 0;
        (self.r.status, self.r.error) = (status::NO_DEVICE, 1);
        self.r.sig = u32::MAX;
        self.with_device.clear();
        self.incoming.clear();
        self.late.clear();
        self.queued = 0;
        self.is_stale = false;
        self.is_hung = false;
        self.is_soft_reset = false;
    }

    /// Brings the link up if it may come up and a device is there.
    pub(super) fn look_for_device(&mut self, medium: &Medium) {
        let may_come = self.r.cmd & cmd::SUD != 0 && self.r.sctl & sctl::DET == 0;
        self.r.ssts = 0;
        if may_come && self.link == Link::Down && self.drive.is_present(medium) {
            self.link = Link::Coming;
            self.r.ssts = ssts::DET_PRESENT;
        }
    }

    /// A device was plugged in or pulled out.
    pub(super) fn plug(&mut self, is_present: bool, medium: &Medium) {
        let was_up = self.link == Link::Up;
        self.lose_device();
        self.drive.forget();
        if self.r.sctl & sctl::DET == sctl::DET_OFFLINE {
            self.r.ssts = ssts::DET_OFFLINE;
        }
        if was_up {
            self.note_error(serr::DIAG_N);
        }
        if is_present {
            self.look_for_device(medium);
        }
    }

    pub(super) fn signature(&self) -> u32 {
        if self.drive.is_packet() { SIGNATURE_ATAPI } else { SIGNATURE_ATA }
    }

    /// The values that CR and FR should have by now.
    fn wanted(&self) -> u32 {
        let may_run = self.r.cmd & (cmd::ST | cmd::FRE) == cmd::ST | cmd::FRE;
        let receives = self.r.cmd & (cmd::FRE | cmd::CR) != 0;
        (if may_run { cmd::CR } else { 0 }) | (if receives { cmd::FR } else { 0 })
    }

    pub(super) fn engine_lags(&self) -> bool {
        self.r.cmd & (cmd::CR | cmd::FR) != self.wanted()
    }

    /// CR and FR follow ST and FRE.
    pub(super) fn catch_up(&mut self) {
        let was_running = self.r.cmd & cmd::CR != 0;
        let wanted = self.wanted();
        self.r.cmd = self.r.cmd & !(cmd::CR | cmd::FR) | wanted;
        if was_running && wanted & cmd::CR == 0 {
            self.r.cmd &= !cmd::CCS;
            self.fetched = 0;
            self.is_stuck = false;
            // Late ends of queued commands that were given up must not come either.
            let ends = |frame: &Incoming| matches!(frame.frame, Frame::SetDeviceBits { ended, .. } if ended != 0 && !frame.is_repeated);
            self.is_stale |= self.queued != 0 || self.incoming.iter().any(ends) || !self.late.is_empty();
            self.incoming.retain(|frame| !ends(frame));
            self.late.clear();
            self.with_device.clear();
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.r.cmd & (cmd::CR | cmd::ST) == cmd::CR | cmd::ST
    }

    pub(super) fn is_busy(&self) -> bool {
        self.r.status & (status::BSY | status::DRQ) != 0
    }
}

fn with_low(whole: u64, low: u32) -> u64 {
    whole & !0xFFFF_FFFF | u64::from(low)
}

fn with_high(whole: u64, high: u32) -> u64 {
    whole & 0xFFFF_FFFF | u64::from(high) << 32
}
