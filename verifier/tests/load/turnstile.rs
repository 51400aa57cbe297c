//! A host adapter of the tests' own: commands go in by address, answers come out by number.
//!
//! | offset | width | access | meaning |
//! | --- | --- | --- | --- |
//! | 0x00 | 32 | R | [`ID`] |
//! | 0x08 | 64 | W | posts the [`Command`] at this physical address |
//! | 0x10 | 32 | RW | 1: the line may be asserted |
//! | 0x18 | 32 | W | forgets every command and every answer; ends a hang |
//! | 0x20 | 32 | R | 1: units have come or gone; reading it forgets that |
//! | 0x40 | 64 | R | takes the next answer: the command's tag plus one, or 0 |
//!
//! It does what a fault plan says of a completion's delivery: one that is dropped never becomes an answer,
//! one that is late becomes one in a step of its own, a duplicate becomes two, a hung adapter takes no step
//! until it is reset. When the medium is gone it reads all ones and does nothing.

use kernel_sim::hardware::{BadAddress, Bus, HardwareModel};
use std::collections::VecDeque;
use std::sync::Arc;
use storport_sim::Medium;
use storport_sim::disk::DataPhase;
use storport_sim::disk::fault::Disposition;
use storport_sim::scsi::{Lun, SenseFormat};

pub const ID: u32 = u32::from_le_bytes(*b"TURN");
pub const REG_ID: usize = 0x00;
pub const REG_POST: usize = 0x08;
pub const REG_ENABLE: usize = 0x10;
pub const REG_RESET: usize = 0x18;
pub const REG_CHANGED: usize = 0x20;
pub const REG_ANSWER: usize = 0x40;
pub const VECTOR: u32 = 0x61;
pub const SG_MAX: usize = 17;

/// A command, as the driver writes it and the adapter reads it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Command {
    pub tag: u32,
    pub lun: u32,
    pub cdb: [u8; 16],
    pub cdb_bytes: u32,
    pub is_write: u32,
    pub sense: u64,
    pub sense_room: u32,
    pub sg_count: u32,
    /// Written by the adapter: SCSI status, sense bytes, bytes moved, 1 if it had no memory.
    pub result: [u32; 4],
    pub sg: [(u64, u64); SG_MAX],
}

const BYTES: usize = size_of::<Command>();
const RESULT: usize = std::mem::offset_of!(Command, result);

pub struct Turnstile {
    medium: Arc<Medium>,
    posted: Vec<u64>,
    late: Vec<u32>,
    answers: VecDeque<u32>,
    is_enabled: bool,
    is_hung: bool,
    has_changed: bool,
}

impl Turnstile {
    pub fn new(medium: Arc<Medium>) -> Turnstile {
        Turnstile {
            medium,
            posted: Vec::new(),
            late: Vec::new(),
            answers: VecDeque::new(),
            is_enabled: false,
            is_hung: false,
            has_changed: false,
        }
    }

    fn learn_changes(&mut self) {
        while self.medium.take_change().is_some() {
            self.has_changed = true;
        }
    }

    fn carry_out(&mut self, at: u64, bus: &Bus<'_>) -> Result<(), BadAddress> {
        let mut raw = [0; BYTES];
        bus.read(at, &mut raw)?;
        // SAFETY: plain numbers of that size, every bit pattern of which is one.
        let command: Command = unsafe { raw.as_ptr().cast::<Command>().read_unaligned() };
        let sg = &command.sg[..(command.sg_count as usize).min(SG_MAX)];
        let mut data = vec![0; sg.iter().map(|(_, bytes)| *bytes as usize).sum()];
        let mut from = 0;
        for (physical, bytes) in sg.iter().filter(|_| command.is_write != 0) {
            bus.read(*physical, &mut data[from..from + *bytes as usize])?;
            from += *bytes as usize;
        }
        let phase = match (data.is_empty(), command.is_write) {
            (true, _) => DataPhase::None,
            (_, 0) => DataPhase::In(&mut data),
            _ => DataPhase::Out(&data),
        };
        let cdb = &command.cdb[..(command.cdb_bytes as usize).min(16)];
        let lun = Lun::new(command.lun as u16).ok_or(BadAddress)?;
        let completion = self.medium.execute(lun, cdb, phase);
        let mut sense_bytes = 0;
        if let Some(sense) = &completion.sense {
            let mut room = vec![0; command.sense_room as usize];
            sense_bytes = sense.render(SenseFormat::Fixed, &mut room);
            bus.write(command.sense, &room[..sense_bytes])?;
        }
        if command.is_write == 0 {
            let mut left = &data[..completion.transferred.min(data.len())];
            for (physical, bytes) in sg {
                let (now, later) = left.split_at(left.len().min(*bytes as usize));
                bus.write(*physical, now)?;
                left = later;
            }
        }
        let has_no_memory = completion.disposition == Disposition::AllocationFailure;
        let result = [
            u32::from(completion.status.0),
            sense_bytes as u32,
            completion.transferred as u32,
            u32::from(has_no_memory),
        ];
        let result: Vec<u8> = result.iter().flat_map(|value| value.to_le_bytes()).collect();
        bus.write(at + RESULT as u64, &result)?;
        let answer = command.tag + 1;
        match completion.disposition {
            Disposition::Deliver | Disposition::AllocationFailure => self.answers.push_back(answer),
            Disposition::Duplicate => self.answers.extend([answer; 2]),
            Disposition::Late { .. } => self.late.push(answer),
            Disposition::HungAdapter => self.is_hung = true,
            Disposition::Drop | Disposition::SurpriseRemoval => {}
            hostile => unreachable!("no test asks it for {hostile:?}"),
        }
        Ok(())
    }
}

impl HardwareModel for Turnstile {
    fn name(&self) -> &'static str {
        "turnstile"
    }

    fn line(&self) -> (u32, bool) {
        let wants = self.has_changed || self.medium.changes() != 0 || !self.answers.is_empty();
        (VECTOR, self.is_enabled && wants && !self.medium.is_gone())
    }

    fn read(&mut self, offset: usize, width: u8) -> u64 {
        if self.medium.is_gone() {
            return u64::MAX;
        }
        match (offset, width) {
            (REG_ID, 4) => u64::from(ID),
            (REG_ENABLE, 4) => u64::from(self.is_enabled),
            (REG_CHANGED, 4) => {
                self.learn_changes();
                u64::from(std::mem::take(&mut self.has_changed))
            }
            (REG_ANSWER, 8) => self.answers.pop_front().unwrap_or(0).into(),
            _ => u64::MAX,
        }
    }

    fn write(&mut self, offset: usize, width: u8, value: u64) {
        if self.medium.is_gone() {
            return;
        }
        match (offset, width) {
            (REG_POST, 8) => self.posted.push(value),
            (REG_ENABLE, 4) => self.is_enabled = value & 1 != 0,
            (REG_RESET, 4) => {
                self.posted.clear();
                self.late.clear();
                self.answers.clear();
                self.is_hung = false;
            }
            _ => {}
        }
    }

    fn steps(&self) -> u32 {
        if self.is_hung || self.medium.is_gone() { 0 } else { (self.posted.len() + self.late.len()) as u32 }
    }

    fn step(&mut self, which: u32, bus: &Bus<'_>) {
        let which = which as usize;
        if which < self.posted.len() {
            let at = self.posted.remove(which);
            // A command that is not where the driver said is never answered.
            let _ = self.carry_out(at, bus);
        } else {
            let answer = self.late.remove(which - self.posted.len());
            self.answers.push_back(answer);
        }
    }
}
