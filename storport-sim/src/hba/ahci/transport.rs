//! Commands on their way through a port: fetched, executed, answered (AHCI 1.3.1, 5.3 to 5.6 and 6).
//!
//! Each is a step of its own. Slots are fetched in turn, one command at a time while BSY is clear; a queued
//! command is accepted with a frame that clears its bit in PxCI, and executed in whatever order the steps are
//! taken; a frame from the device changes the registers when it is delivered, in the order the device sent
//! them. Invariant: a bit of PxCI or PxSACT is cleared by the frame that ends its command, or by clearing ST,
//! and by nothing else.
//!
//! Errors (section 6.2): ERR in a frame is TFES, and nothing more is fetched until ST has been cleared.
//! Memory that is not the device's to touch is HBFS; a frame of a length or type that no command has is IFS;
//! data for which the PRD table is too short is OFS, and the command ends in ABRT (the specification leaves
//! it undefined). What a fault plan does to a completion ([`Disposition`]) is done here:
//!
//! | disposition | |
//! | --- | --- |
//! | `Drop` | the last frame is never sent: the slot's bit stays, and BSY if the command is not queued |
//! | `Late` | the frame comes one step of the port later for each 100 µs, or when no other step is left |
//! | `Duplicate` | the last frame is sent twice; the second ends nothing, but is stored and interrupts |
//! | `HungAdapter` | the device sends nothing until it is reset, by COMRESET or with the adapter |
//! | `SurpriseRemoval` | the adapter reads as all ones from now on |
//! | `AllocationFailure` | ABRT |
//! | the hostile ones | see `lies` |

use super::command::{BadCommand, BadData, Command};
use super::drive::Answer;
use super::fis::{Frame, Shadow};
use super::port::{Incoming, Late, Link, Port};
use super::registers::*;
use crate::Medium;
use crate::disk::fault::Disposition;
use kernel_sim::hardware::Bus;

/// Microseconds of lateness that stand for one step.
const LATE_US_PER_STEP: u64 = 100;

/// One thing that a port could do next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum PortStep {
    /// CR and FR follow ST and FRE.
    Engine,
    /// The link comes up.
    Link,
    /// The next slot's command is fetched.
    Fetch,
    /// A command is executed, by its place among those the device has.
    Execute(usize),
    /// The oldest frame is delivered.
    Deliver,
    /// A late frame is sent, by its place among the late ones.
    SendLate(usize),
}

impl Port {
    /// Whether the port certainly has no step to take: nothing is on its way through it. Most of an adapter's
    /// 32 ports are like that, and they are asked after every access to a register.
    #[inline]
    pub(super) fn is_still(&self) -> bool {
        self.r.ci & !self.fetched == 0
            && self.with_device.is_empty()
            && self.incoming.is_empty()
            && self.late.is_empty()
            && self.link != Link::Coming
            && !self.engine_lags()
    }

    /// The steps the port could take next, in an order that depends on its state alone.
    pub(super) fn possible(&self) -> impl Iterator<Item = PortStep> + '_ {
        let engine = self.engine_lags().then_some(PortStep::Engine);
        let link = (self.link == Link::Coming).then_some(PortStep::Link);
        let answers = !self.is_hung && self.link == Link::Up;
        let fetch = (answers && self.next_slot().is_some()).then_some(PortStep::Fetch);
        let executing =
            if answers && self.r.cmd & cmd::CR != 0 && !self.is_stuck { self.with_device.len() } else { 0 };
        let deliver = (answers && self.may_deliver()).then_some(PortStep::Deliver);
        let prompt = engine
            .into_iter()
            .chain(link)
            .chain(fetch)
            .chain((0..executing).map(PortStep::Execute))
            .chain(deliver);
        let is_idle = prompt.clone().next().is_none();
        let late = self.late.iter().enumerate();
        let late = late.filter(move |(_, late)| answers && (is_idle || late.after_steps == 0));
        prompt.chain(late.map(|(n, _)| PortStep::SendLate(n)))
    }

    fn may_deliver(&self) -> bool {
        let receives = self.r.cmd & cmd::FR != 0;
        let is_heard = |first: &Incoming| !first.is_signature || self.r.serr & serr::DIAG_X == 0;
        receives && self.incoming.front().is_some_and(is_heard)
    }

    /// The slot whose command is fetched next; `None` while none may be.
    fn next_slot(&self) -> Option<u8> {
        let waiting = self.r.ci & !self.fetched;
        // A device that has failed a queued command takes nothing before it has said so.
        if self.drive.wants_log_read() && !self.incoming.is_empty() {
            return None;
        }
        // In soft reset BSY is set and the frame that ends it must pass.
        if waiting == 0 || !self.is_running() || self.is_stuck || self.is_busy() && !self.is_soft_reset {
            return None;
        }
        let current = (self.r.cmd & cmd::CCS) >> cmd::CCS_SHIFT;
        let turned = waiting.rotate_right(current + 1);
        Some(((turned.trailing_zeros() + current + 1) % 32) as u8)
    }

    pub(super) fn take(&mut self, step: PortStep, medium: &Medium, bus: &Bus<'_>) {
        match step {
            PortStep::Engine => self.catch_up(),
            PortStep::Link => self.link_up(),
            PortStep::Fetch => self.fetch(medium, bus),
            PortStep::Execute(n) => self.execute(n, medium, bus),
            PortStep::Deliver => self.deliver(bus),
            PortStep::SendLate(n) => {
                let late = self.late.remove(n);
                self.incoming.push_back(late.frame);
            }
        }
        for late in &mut self.late {
            late.after_steps = late.after_steps.saturating_sub(1);
        }
    }

    fn link_up(&mut self) {
        self.link = Link::Up;
        self.r.ssts = ssts::UP_GEN3;
        (self.r.status, self.r.error) = (status::BSY, 0);
        self.note_error(serr::DIAG_N | serr::DIAG_X);
        self.send_signature(None);
    }

    fn send_signature(&mut self, slot: Option<u8>) {
        let signature = self.signature();
        let lba = u64::from(signature >> 8);
        // An ATAPI device does not say DRDY before its first PACKET.
        let status = if self.drive.is_packet() { status::DSC } else { status::GOOD };
        let shadow = Shadow { status, error: 1, lba, count: signature as u16 & 0xFF };
        let frame = Frame::Register { shadow, interrupts: false };
        self.incoming.push_back(Incoming { is_signature: true, ..Incoming::new(frame, slot) });
    }

    fn fetch(&mut self, medium: &Medium, bus: &Bus<'_>) {
        let Some(slot) = self.next_slot() else { return };
        self.r.cmd = self.r.cmd & !cmd::CCS | u32::from(slot) << cmd::CCS_SHIFT;
        self.fetched |= 1 << slot;
        match Command::fetch(bus, self.r.clb, slot) {
            Ok(command) if command.task.is_command => self.accept(command),
            Ok(command) => self.control(command, medium),
            Err(BadCommand::Address) => self.stick(is::HBFS, serr::ERR_E),
            Err(BadCommand::Frame) => self.stick(is::IFS, serr::ERR_P),
        }
    }

    /// A fatal error.
    fn stick(&mut self, bit: u32, error: u32) {
        self.r.is |= bit;
        self.note_error(error);
        self.is_stuck = true;
    }

    /// A frame that writes the control register: SRST holds the device in reset, and its clearing ends that.
    fn control(&mut self, command: Command, medium: &Medium) {
        let holds = command.task.control & super::fis::Taskfile::SRST != 0;
        self.r.status |= status::BSY;
        if holds {
            self.drive.reset(medium);
            self.with_device.clear();
            self.incoming.clear();
            self.late.clear();
            (self.queued, self.is_stale) = (0, false);
            self.is_soft_reset = true;
        } else if std::mem::take(&mut self.is_soft_reset) {
            self.send_signature(Some(command.slot));
            return;
        }
        if command.clears_busy {
            self.r.status &= !status::BSY;
        }
        self.end_slot(command.slot);
    }

    fn end_slot(&mut self, slot: u8) {
        self.r.ci &= !(1 << slot);
        self.fetched &= !(1 << slot);
    }

    fn accept(&mut self, command: Command) {
        let bit = 1 << command.slot;
        self.r.status |= status::BSY;
        let is_queued = super::drive::is_queued(&command.task);
        if !is_queued {
            if self.queued != 0 {
                self.abort_queue(command.slot);
            } else if self.is_stale {
                self.answer_register(command.slot, &Answer::aborted());
            } else {
                self.with_device.push(command);
            }
            return;
        }
        // The tag is the slot, which must be marked, and not the tag of another.
        let tag = (command.task.count >> 3) as u8;
        let fits =
            self.takes_queued && tag == command.slot && self.r.sact & bit != 0 && self.queued & bit == 0;
        if !fits || self.is_stale || self.drive.is_packet() || self.drive.wants_log_read() {
            self.answer_register(command.slot, &Answer::aborted());
            return;
        }
        self.queued |= bit;
        self.with_device.push(command);
        let shadow = Shadow { status: status::GOOD, ..Shadow::default() };
        let frame = Frame::Register { shadow, interrupts: false };
        self.incoming.push_back(Incoming::new(frame, Some(command.slot)));
    }

    /// A command that is not queued has come while queued ones are outstanding: all are given up.
    fn abort_queue(&mut self, slot: u8) {
        self.drive.abort_queue();
        self.with_device.clear();
        self.queued = 0;
        self.answer_register(slot, &Answer::aborted());
    }

    /// Sends the last frame of a command that is not queued.
    fn answer_register(&mut self, slot: u8, answer: &Answer) {
        let frame = match answer.pio.filter(|_| !answer.is_error()) {
            Some(bytes) => Frame::PioSetup { shadow: answer.shadow, bytes },
            None => Frame::Register { shadow: answer.shadow, interrupts: true },
        };
        self.send(Incoming::new(frame, Some(slot)), answer.disposition);
    }

    /// Sends a command's last frame as the fault plan wants it.
    fn send(&mut self, frame: Incoming, disposition: Disposition) {
        match disposition {
            Disposition::Deliver | Disposition::AllocationFailure => self.incoming.push_back(frame),
            Disposition::Drop | Disposition::SurpriseRemoval => {}
            Disposition::Late { delay_us } => {
                let after_steps = delay_us.div_ceil(LATE_US_PER_STEP);
                self.late.push(Late { frame, after_steps });
            }
            Disposition::Duplicate => {
                self.incoming.push_back(frame);
                let frame = match frame.frame {
                    Frame::SetDeviceBits { status, error, .. } => {
                        Incoming::new(Frame::SetDeviceBits { ended: 0, status, error }, None)
                    }
                    _ => frame,
                };
                self.incoming.push_back(Incoming { is_repeated: true, ..frame });
            }
            Disposition::HungAdapter => self.is_hung = true,
            Disposition::LongLength | Disposition::UnknownStatus | Disposition::LongSense => {
                self.incoming.push_back(frame);
            }
            Disposition::Stray => {
                self.incoming.push_back(frame);
                self.send_stray();
            }
        }
    }

    fn execute(&mut self, n: usize, medium: &Medium, bus: &Bus<'_>) {
        let command = self.with_device.remove(n);
        let is_queued = super::drive::is_queued(&command.task);
        let answer = match self.drive.execute(medium, bus, &command) {
            Ok(answer) => answer,
            Err(BadData::Address) => {
                self.stick(is::HBFS, serr::ERR_E);
                return;
            }
            Err(BadData::Overflow) => {
                self.r.is |= is::OFS;
                Answer::aborted()
            }
        };
        if answer.disposition == Disposition::LongLength {
            // It was written once, so it can be written again.
            let _ = command.note_bytes(bus, u32::MAX as usize - 1);
        }
        if is_queued {
            self.answer_queued(&command, &answer)
        } else {
            self.answer_register(command.slot, &answer)
        }
    }

    fn answer_queued(&mut self, command: &Command, answer: &Answer) {
        let bit = 1 << command.slot;
        let Shadow { status, error, .. } = answer.shadow;
        if answer.is_error() {
            self.drive.fail_queued(self.slot_said_to_fail(command.slot, answer.disposition), answer);
            self.with_device.clear();
            self.late.clear();
            self.queued = 0;
            let frame = Frame::SetDeviceBits { ended: 0, status, error };
            self.send(Incoming::new(frame, None), answer.disposition);
            return;
        }
        if !matches!(answer.disposition, Disposition::Drop | Disposition::HungAdapter) {
            self.queued &= !bit;
        }
        let setup = Frame::DmaSetup { tag: command.slot, bytes: 0, is_write: command.is_write };
        self.incoming.push_back(Incoming::new(setup, None));
        let frame = Frame::SetDeviceBits { ended: bit, status, error };
        self.send(Incoming::new(frame, None), answer.disposition);
    }

    /// Stores the oldest frame and does what it says.
    fn deliver(&mut self, bus: &Bus<'_>) {
        let Some(incoming) = self.incoming.pop_front() else { return };
        let (at, raw, bytes) = incoming.frame.render();
        if bus.write(self.r.fb.wrapping_add(at), &raw[..bytes]).is_err() {
            self.stick(is::HBFS, serr::ERR_E);
            return;
        }
        match incoming.frame {
            Frame::Register { shadow, interrupts } => {
                if interrupts {
                    self.r.is |= is::DHRS;
                }
                self.show(shadow, &incoming);
            }
            Frame::PioSetup { shadow, .. } => {
                self.r.is |= is::PSS;
                self.show(shadow, &incoming);
            }
            Frame::DmaSetup { .. } => {}
            Frame::SetDeviceBits { ended, status, error } => {
                if !incoming.is_repeated {
                    self.r.sact &= !ended;
                }
                // BSY and DRQ are not this frame's to change.
                self.r.status = self.r.status & (status::BSY | status::DRQ) | status & 0x77;
                self.r.error = error;
                self.r.is |= is::SDBS;
                self.note_task_error(status);
            }
        }
    }

    /// A frame with the device's registers: it ends the command of its slot, unless that failed.
    fn show(&mut self, shadow: Shadow, incoming: &Incoming) {
        if incoming.is_repeated {
            return;
        }
        (self.r.status, self.r.error) = (shadow.status, shadow.error);
        if incoming.is_signature {
            self.r.sig = self.signature();
        }
        if let Some(slot) = incoming.slot
            && shadow.status & (status::ERR | status::DF) == 0
        {
            self.end_slot(slot);
        }
        self.note_task_error(shadow.status);
    }

    fn note_task_error(&mut self, status: u8) {
        if status & (status::ERR | status::DF) != 0 {
            self.r.is |= is::TFES;
            self.is_stuck = true;
        }
    }
}
