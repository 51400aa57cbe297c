//! A register-level SCSI adapter of our own for the tests: command blocks by DMA, several queues, a line or
//! messages.
//!
//! | offset | width | access | meaning |
//! | --- | --- | --- | --- |
//! | 0x00 | 32 | R | `ID` |
//! | 0x08 | 64 | W | posts the command block at this physical address |
//! | 0x10 | 32 | RW | 1: the line may be asserted |
//! | 0x18 | 32 | W | forgets every command and every answer |
//! | 0x20 | 32 | R | queues there are |
//! | 0x40 + 8q | 64 | R | takes the next answer of queue q: the command's tag plus one, or 0 |
//!
//! The line is asserted while some answer waits and bit 0 of 0x10 is set. With messages, message q is sent
//! whenever an answer is put into queue q. Which command is carried out next is a step.

use kernel_sim::hardware::{Bus, HardwareModel};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use storport_sim::disk::{DataPhase, Target};
use storport_sim::scsi::{Lun, SenseFormat};

pub const ID: u32 = u32::from_le_bytes(*b"THBA");
pub const REG_ID: usize = 0x00;
pub const REG_POST: usize = 0x08;
pub const REG_ENABLE: usize = 0x10;
pub const REG_RESET: usize = 0x18;
const REG_QUEUES: usize = 0x20;
pub const REG_ANSWERS: usize = 0x40;
pub const VECTOR: u32 = 0x61;
pub const SG_MAX: usize = 17;

/// A command block, as the driver writes it and the device reads it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Command {
    pub tag: u32,
    pub queue: u32,
    pub lun: u32,
    pub target: u32,
    pub cdb: [u8; 16],
    pub cdb_bytes: u32,
    pub is_write: u32,
    pub sense: u64,
    pub sense_room: u32,
    pub sg_count: u32,
    /// Written by the device: SCSI status, sense bytes, bytes moved.
    pub status: u32,
    pub sense_bytes: u32,
    pub moved: u32,
    pub pad: u32,
    pub sg: [(u64, u64); SG_MAX],
}

const BYTES: usize = size_of::<Command>();
/// Where `status` lies.
const RESULT: usize = std::mem::offset_of!(Command, status);

/// What a test can do to the device from outside.
#[derive(Default)]
pub struct Behaviour {
    /// No command is carried out.
    pub hangs: bool,
    /// As `hangs`, until it is reset.
    pub hangs_until_reset: bool,
    /// Reads as if it had been pulled out.
    pub is_gone: bool,
    /// The most commands that waited at once.
    pub posted_most: u32,
    /// Commands carried out so far.
    pub carried_out: u64,
    /// DMA that was refused.
    pub refused: u64,
}

pub struct TestHba {
    target: Arc<Mutex<Target>>,
    behaviour: Arc<Mutex<Behaviour>>,
    messages: u32,
    queues: Vec<VecDeque<u32>>,
    posted: Vec<u64>,
    enabled: bool,
    sent: u64,
}

impl TestHba {
    pub fn new(target: Arc<Mutex<Target>>, behaviour: Arc<Mutex<Behaviour>>, messages: u32) -> TestHba {
        let queues = (0..messages.max(4)).map(|_| VecDeque::new()).collect();
        TestHba { target, behaviour, messages, queues, posted: Vec::new(), enabled: false, sent: 0 }
    }

    fn carry_out(&mut self, at: u64, bus: &Bus<'_>) -> Result<(), kernel_sim::hardware::BadAddress> {
        let mut raw = [0; BYTES];
        bus.read(at, &mut raw)?;
        // SAFETY: plain numbers of that size, every bit pattern of which is one.
        let command: Command = unsafe { raw.as_ptr().cast::<Command>().read_unaligned() };
        let sg = &command.sg[..(command.sg_count as usize).min(SG_MAX)];
        let length: u64 = sg.iter().map(|(_, bytes)| bytes).sum();
        let mut data = vec![0; length as usize];
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
        let lun = Lun::new(command.lun as u16).unwrap();
        let completion = self.target.lock().execute(lun, cdb, phase);
        let mut sense_bytes = 0;
        if let Some(sense) = &completion.sense {
            let mut room = vec![0; command.sense_room as usize];
            sense_bytes = sense.render(SenseFormat::Fixed, &mut room);
            bus.write(command.sense, &room[..sense_bytes])?;
        }
        let mut from = 0;
        for (physical, bytes) in sg.iter().filter(|_| command.is_write == 0) {
            bus.write(*physical, &data[from..from + *bytes as usize])?;
            from += *bytes as usize;
        }
        let mut result = Vec::new();
        for value in [u32::from(completion.status.0), sense_bytes as u32, completion.transferred as u32] {
            result.extend(value.to_le_bytes());
        }
        bus.write(at + RESULT as u64, &result)?;
        let queue = command.queue as usize % self.queues.len();
        self.queues[queue].push_back(command.tag + 1);
        if self.messages != 0 {
            self.sent |= 1 << queue;
        }
        Ok(())
    }
}

impl HardwareModel for TestHba {
    fn name(&self) -> &'static str {
        "test adapter"
    }

    fn line(&self) -> (u32, bool) {
        (VECTOR, self.messages == 0 && self.enabled && self.queues.iter().any(|q| !q.is_empty()))
    }

    fn read(&mut self, offset: usize, width: u8) -> u64 {
        if self.behaviour.lock().is_gone {
            return u64::MAX;
        }
        match (offset, width) {
            (REG_ID, 4) => u64::from(ID),
            (REG_ENABLE, 4) => u64::from(self.enabled),
            (REG_QUEUES, 4) => self.queues.len() as u64,
            (at, 8) if at >= REG_ANSWERS => {
                let queue = (at - REG_ANSWERS) / 8;
                self.queues.get_mut(queue).and_then(VecDeque::pop_front).unwrap_or(0).into()
            }
            _ => u64::MAX,
        }
    }

    fn write(&mut self, offset: usize, width: u8, value: u64) {
        match (offset, width) {
            (REG_POST, 8) => {
                self.posted.push(value);
                let mut behaviour = self.behaviour.lock();
                behaviour.posted_most = behaviour.posted_most.max(self.posted.len() as u32);
            }
            (REG_ENABLE, 4) => self.enabled = value & 1 != 0,
            (REG_RESET, 4) => {
                self.posted.clear();
                self.queues.iter_mut().for_each(VecDeque::clear);
                self.behaviour.lock().hangs_until_reset = false;
            }
            _ => {}
        }
    }

    fn steps(&self) -> u32 {
        let behaviour = self.behaviour.lock();
        if behaviour.hangs || behaviour.hangs_until_reset || behaviour.is_gone {
            0
        } else {
            self.posted.len() as u32
        }
    }

    fn step(&mut self, which: u32, bus: &Bus<'_>) {
        let at = self.posted.remove(which as usize);
        let outcome = self.carry_out(at, bus);
        let mut behaviour = self.behaviour.lock();
        behaviour.carried_out += 1;
        behaviour.refused += u64::from(outcome.is_err());
    }

    fn message_count(&self) -> u32 {
        self.messages
    }

    fn take_messages(&mut self) -> u64 {
        std::mem::take(&mut self.sent)
    }
}
