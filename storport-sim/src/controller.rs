//! A deliberately simple disk controller, of our own invention: registers, bus-master DMA, one
//! interrupt.
//!
//! It is what a WDM disk driver needs in order to be a driver, and no more: one command at a time,
//! one physically contiguous buffer, no queue. It is not SCSI and models no real product. When a
//! command ends is a *step* that the machine's executor takes. Invariant: whatever is written to
//! its registers, a command ends in DONE, with ERROR set if anything was wrong with it.
//!
//! # Registers
//!
//! Registers are read and written whole, at their offset and with their width; a wide one may also be
//! accessed as two aligned 32-bit halves, low half first. Any other access reads as all ones and
//! writes nothing.
//!
//! | offset | width | name | access | meaning |
//! | --- | --- | --- | --- | --- |
//! | 0x00 | 32 | [`ID`] | R | [`ID_VALUE`] |
//! | 0x04 | 32 | [`BLOCK_BYTES`] | R | bytes of a block: 512 |
//! | 0x08 | 64 | [`CAPACITY`] | R | blocks of the disk |
//! | 0x10 | 32 | [`BLOCKS_MAX`] | R | blocks that one command may move |
//! | 0x14 | 32 | [`RESET`] | W | any value: gives up the command, all registers as at power-on |
//! | 0x18 | 64 | [`LBA`] | RW | first block of the command |
//! | 0x20 | 64 | [`DMA`] | RW | physical address of the buffer |
//! | 0x28 | 32 | [`BLOCKS`] | RW | how many blocks to move |
//! | 0x2C | 32 | [`COMMAND`] | W | 1 [`READ`], 2 [`WRITE`], 3 [`FLUSH`]: starts it; ignored while BUSY |
//! | 0x30 | 32 | [`STATUS`] | R | bit 0 [`BUSY`], bit 1 [`ERROR`]: the last command failed |
//! | 0x34 | 32 | [`ERROR_CODE`] | R | why, an [`Error`]; 0 if it did not |
//! | 0x38 | 32 | [`INTERRUPT_STATUS`] | RW | bit 0 [`DONE`]: a command ended; write 1 to clear |
//! | 0x3C | 32 | [`INTERRUPT_ENABLE`] | RW | bits of INTERRUPT_STATUS that assert the line |
//!
//! A fault plan, if it has one, strikes its commands as it would a SCSI disk's. What a disk would say in
//! sense this controller says in [`Error::Medium`] or [`Error::Failed`]; a transfer that is cut short fails.
//! A completion that is dropped, and an adapter that hangs, leave it BUSY until RESET; a late one leaves it
//! BUSY as long; one that comes twice sets DONE again when that was acknowledged, unless the next command was
//! started before; a controller that was pulled out reads as all ones.
//!
//! A hostile plan has it end commands with an error code that there is not (also where a disk would send
//! sense that is too long); interrupt once more, at no command; say that it has half of its blocks; say that
//! a block has no bytes, or that one command moves 2^32 - 1 of them. It has no count of bytes moved to lie
//! about.
//!
//! The line is level-triggered: asserted while `INTERRUPT_STATUS & INTERRUPT_ENABLE` is not 0. The
//! registers that describe a command are latched when it is started and may be written for the
//! next one at once.

use crate::disk::BackingStore;
use crate::disk::fault::{FaultKind, SharedFaults, Subject, UNKNOWN_STATUS};
use crate::scsi::{Lun, Opcode};
use kernel_sim::hardware::{Bus, HardwareModel};

/// Identifies the controller.
pub const ID: usize = 0x00;
/// Bytes of a block.
pub const BLOCK_BYTES: usize = 0x04;
/// Blocks of the disk.
pub const CAPACITY: usize = 0x08;
/// Blocks that one command may move.
pub const BLOCKS_MAX: usize = 0x10;
/// Gives up the command and forgets everything.
pub const RESET: usize = 0x14;
/// First block of the command.
pub const LBA: usize = 0x18;
/// Physical address of the buffer.
pub const DMA: usize = 0x20;
/// How many blocks to move.
pub const BLOCKS: usize = 0x28;
/// Starts a command.
pub const COMMAND: usize = 0x2C;
/// The state of the controller, and how the last command ended.
pub const STATUS: usize = 0x30;
/// Why the last command failed.
pub const ERROR_CODE: usize = 0x34;
/// Interrupt causes that were not acknowledged.
pub const INTERRUPT_STATUS: usize = 0x38;
/// Interrupt causes that may assert the line.
pub const INTERRUPT_ENABLE: usize = 0x3C;

/// The value of [`ID`]: "SDC1", as characters in memory.
pub const ID_VALUE: u32 = u32::from_le_bytes(*b"SDC1");
/// Command: moves blocks from the disk to memory.
pub const READ: u32 = 1;
/// Command: moves blocks from memory to the disk.
pub const WRITE: u32 = 2;
/// Command: makes everything written before durable.
pub const FLUSH: u32 = 3;
/// [`STATUS`]: a command is being carried out.
pub const BUSY: u32 = 1;
/// [`STATUS`]: the last command failed.
pub const ERROR: u32 = 2;
/// [`INTERRUPT_STATUS`]: a command ended.
pub const DONE: u32 = 1;

/// The vector the line is wired to, unless told otherwise: taken at DIRQL 5.
pub const VECTOR: u32 = 0x51;

const BLOCK: usize = 512;
const TRANSFER_BLOCKS_MAX: u32 = 2048;

/// Why a command failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u32)]
pub enum Error {
    /// No such command.
    BadCommand = 1,
    /// No blocks, or more than [`BLOCKS_MAX`].
    BadCount = 2,
    /// Reaches past the last block.
    PastEnd = 3,
    /// The buffer is not all memory.
    BadDma = 4,
    /// The medium may not be written.
    WriteProtected = 5,
    /// The medium failed.
    Medium = 6,
    /// The command was given up; it may be tried again.
    Failed = 7,
}

/// The controller. See the module's page for its registers.
pub struct DiskController {
    store: Box<dyn BackingStore>,
    vector: u32,
    /// One transfer's bytes on their way between memory and medium.
    buffer: Vec<u8>,
    registers: Registers,
    work: Work,
    faults: Option<SharedFaults>,
    is_gone: bool,
}

/// The work of the controller.
#[derive(Clone, Copy, Default)]
enum Work {
    #[default]
    Idle,
    /// A command is to be carried out.
    Command(Command),
    /// A command was carried out and ends, with this error code, when the time has come.
    Late { at_ns: u64, error: u32 },
    /// A command that ended is to end once more.
    Again,
    /// Nothing goes on until a reset.
    Stuck,
}

/// The registers that software or a command can change.
#[derive(Clone, Copy, Default)]
struct Registers {
    lba: u64,
    dma: u64,
    blocks: u32,
    error: u32,
    interrupt_status: u32,
    interrupt_enable: u32,
}

/// A command under way, as it was started.
#[derive(Clone, Copy)]
struct Command {
    code: u32,
    lba: u64,
    dma: u64,
    blocks: u32,
}

impl DiskController {
    /// A controller over a disk's contents, wired to [`VECTOR`]. Bytes past the last whole block are
    /// out of reach.
    #[must_use]
    pub fn new(store: Box<dyn BackingStore>) -> DiskController {
        crate::register_sources();
        DiskController {
            store,
            vector: VECTOR,
            buffer: Vec::new(),
            registers: Registers::default(),
            work: Work::Idle,
            faults: None,
            is_gone: false,
        }
    }

    /// Its commands meet the faults of a plan.
    #[must_use]
    pub fn with_faults(mut self, faults: SharedFaults) -> DiskController {
        self.faults = Some(faults);
        self
    }

    /// Wired to another vector; the machine takes it at the level of the vector's upper four bits.
    #[must_use]
    pub fn with_vector(mut self, vector: u32) -> DiskController {
        self.vector = vector;
        self
    }

    fn capacity(&self) -> u64 {
        self.store.len_bytes() / BLOCK as u64
    }

    /// Whether the plan has it lie about itself now.
    fn lies(&self, kind: FaultKind, opcode: Opcode) -> bool {
        let subject = Subject::of_question(Lun::ZERO, opcode);
        self.faults.as_ref().is_some_and(|faults| faults.lock().lies(kind, &subject))
    }

    /// What a register says, where the device describes itself, under a hostile plan.
    fn said(&self, offset: usize, value: u64) -> u64 {
        match offset {
            CAPACITY if self.lies(FaultKind::ShrunkCapacity, Opcode::READ_CAPACITY_10) => value / 2,
            BLOCK_BYTES if self.lies(FaultKind::LyingInquiry, Opcode::INQUIRY) => 0,
            BLOCKS_MAX if self.lies(FaultKind::LyingInquiry, Opcode::INQUIRY) => u32::MAX.into(),
            _ => value,
        }
    }

    fn status(&self) -> u32 {
        let busy = if matches!(self.work, Work::Idle | Work::Again) { 0 } else { BUSY };
        let error = if self.registers.error != 0 { ERROR } else { 0 };
        busy | error
    }

    /// A register by its offset: its value and its width in bytes.
    fn register(&self, offset: usize) -> Option<(u64, u8)> {
        let r = &self.registers;
        let narrow = |value: u32| Some((u64::from(value), 4));
        match offset {
            ID => narrow(ID_VALUE),
            BLOCK_BYTES => narrow(BLOCK as u32),
            CAPACITY => Some((self.capacity(), 8)),
            BLOCKS_MAX => narrow(TRANSFER_BLOCKS_MAX),
            RESET | COMMAND => narrow(0),
            LBA => Some((r.lba, 8)),
            DMA => Some((r.dma, 8)),
            BLOCKS => narrow(r.blocks),
            STATUS => narrow(self.status()),
            ERROR_CODE => narrow(r.error),
            INTERRUPT_STATUS => narrow(r.interrupt_status),
            INTERRUPT_ENABLE => narrow(r.interrupt_enable),
            _ => None,
        }
    }

    fn write_narrow(&mut self, offset: usize, value: u32) {
        let r = &mut self.registers;
        match offset {
            RESET => {
                *r = Registers::default();
                self.work = Work::Idle;
            }
            LBA => r.lba = with_half(r.lba, 0, value),
            0x1C => r.lba = with_half(r.lba, 1, value),
            DMA => r.dma = with_half(r.dma, 0, value),
            0x24 => r.dma = with_half(r.dma, 1, value),
            BLOCKS => r.blocks = value,
            COMMAND => self.start(value),
            INTERRUPT_STATUS => r.interrupt_status &= !value,
            INTERRUPT_ENABLE => r.interrupt_enable = value & DONE,
            _ => {}
        }
    }

    fn start(&mut self, code: u32) {
        if self.status() & BUSY == 0 {
            let Registers { lba, dma, blocks, .. } = self.registers;
            self.registers.error = 0;
            self.work = Work::Command(Command { code, lba, dma, blocks });
        }
    }

    fn carry_out(&mut self, command: Command, bus: &Bus<'_>) -> Result<(), Error> {
        match command.code {
            READ => {
                let offset = self.check(command)?;
                self.store.read_at(offset, &mut self.buffer).map_err(|_| Error::Medium)?;
                bus.write(command.dma, &self.buffer).map_err(|_| Error::BadDma)
            }
            WRITE => {
                let offset = self.check(command)?;
                if self.store.is_read_only() {
                    return Err(Error::WriteProtected);
                }
                bus.read(command.dma, &mut self.buffer).map_err(|_| Error::BadDma)?;
                self.store.write_at(offset, &self.buffer).map_err(|_| Error::Medium)
            }
            FLUSH => self.store.flush().map_err(|_| Error::Medium),
            _ => Err(Error::BadCommand),
        }
    }

    /// The fault that a command meets.
    fn fault(&self, command: Command) -> Option<FaultKind> {
        let faults = self.faults.as_ref()?;
        let subject = match command.code {
            READ => Subject::of_blocks(Opcode::READ_16, command.lba, command.blocks.into()),
            WRITE => Subject::of_blocks(Opcode::WRITE_16, command.lba, command.blocks.into()),
            FLUSH => Subject::of_blocks(Opcode::SYNCHRONIZE_CACHE_16, 0, 0),
            _ => return None,
        };
        Some(faults.lock().decide(&subject)?.kind)
    }

    /// A command ends.
    fn end(&mut self, error: u32) {
        self.registers.error = error;
        self.registers.interrupt_status |= DONE;
        self.work = Work::Idle;
    }

    /// Carries a command out, and ends it as the fault it meets has it.
    fn conclude(&mut self, command: Command, bus: &Bus<'_>) {
        let fault = self.fault(command);
        let refusal = match fault {
            Some(FaultKind::MediumError) => Some(Error::Medium),
            Some(
                FaultKind::Aborted
                | FaultKind::Busy
                | FaultKind::TaskSetFull
                | FaultKind::UnitAttention
                | FaultKind::BadSense
                | FaultKind::AllocationFailure,
            ) => Some(Error::Failed),
            Some(FaultKind::UnknownStatus | FaultKind::LongSense) => return self.end(UNKNOWN_STATUS.into()),
            Some(FaultKind::HungAdapter) => return self.work = Work::Stuck,
            Some(FaultKind::SurpriseRemoval) => return self.pull_out(),
            _ => None,
        };
        let outcome = match (refusal, fault) {
            (Some(error), _) => Err(error),
            (None, Some(FaultKind::ShortTransfer)) => {
                let half = Command { blocks: command.blocks / 2, ..command };
                let moved = if half.blocks == 0 { Ok(()) } else { self.carry_out(half, bus) };
                moved.and(Err(Error::Failed))
            }
            _ => self.carry_out(command, bus),
        };
        let error = outcome.map_or_else(|e| e as u32, |()| 0);
        match fault {
            Some(FaultKind::DroppedCompletion) => self.work = Work::Stuck,
            Some(FaultKind::LateCompletion { delay_us }) => {
                let at_ns = bus.time_ns().saturating_add(delay_us.saturating_mul(1000));
                self.work = Work::Late { at_ns, error };
            }
            Some(FaultKind::DuplicateCompletion | FaultKind::StrayCompletion) => {
                self.end(error);
                self.work = Work::Again;
            }
            _ => self.end(error),
        }
    }

    fn pull_out(&mut self) {
        self.is_gone = true;
        self.registers = Registers::default();
        self.work = Work::Idle;
    }

    /// Checks a transfer's blocks, makes the buffer as long as they are, and returns where on the medium they
    /// begin.
    fn check(&mut self, command: Command) -> Result<u64, Error> {
        if command.blocks == 0 || command.blocks > TRANSFER_BLOCKS_MAX {
            return Err(Error::BadCount);
        }
        let left = self.capacity().checked_sub(command.lba).ok_or(Error::PastEnd)?;
        if u64::from(command.blocks) > left {
            return Err(Error::PastEnd);
        }
        self.buffer.resize(command.blocks as usize * BLOCK, 0);
        Ok(command.lba * BLOCK as u64)
    }
}

/// A 64-bit register after one of its halves was written.
fn with_half(whole: u64, half: u32, value: u32) -> u64 {
    let shift = 32 * half;
    whole & !(u64::from(u32::MAX) << shift) | u64::from(value) << shift
}

impl HardwareModel for DiskController {
    fn name(&self) -> &'static str {
        "disk controller"
    }

    fn line(&self) -> (u32, bool) {
        (self.vector, self.registers.interrupt_status & self.registers.interrupt_enable != 0)
    }

    fn read(&mut self, offset: usize, width: u8) -> u64 {
        if self.is_gone {
            return u64::MAX;
        }
        if let Some((value, own)) = self.register(offset) {
            match (width, own) {
                (8, 8) | (4, 4) => return self.said(offset, value),
                (4, 8) => return self.said(offset, value) & u64::from(u32::MAX),
                _ => {}
            }
        } else if width == 4
            && let Some(below) = offset.checked_sub(4)
            && let Some((value, 8)) = self.register(below)
        {
            return value >> 32;
        }
        u64::MAX
    }

    fn write(&mut self, offset: usize, width: u8, value: u64) {
        if self.is_gone {
            return;
        }
        match (width, self.register(offset)) {
            (8, Some((_, 8))) => {
                self.write_narrow(offset, value as u32);
                self.write_narrow(offset + 4, (value >> 32) as u32);
            }
            (4, _) => self.write_narrow(offset, value as u32),
            _ => {}
        }
    }

    fn steps(&self) -> u32 {
        let acknowledged = self.registers.interrupt_status & DONE == 0;
        u32::from(match self.work {
            Work::Command(_) => true,
            Work::Again => acknowledged,
            Work::Idle | Work::Late { .. } | Work::Stuck => false,
        })
    }

    fn step(&mut self, _which: u32, bus: &Bus<'_>) {
        match self.work {
            Work::Command(command) => self.conclude(command, bus),
            Work::Again => self.end(self.registers.error),
            Work::Idle | Work::Late { .. } | Work::Stuck => {}
        }
    }

    fn lose_power(&mut self) {
        self.registers = Registers::default();
        self.work = Work::Idle;
    }

    fn pull_out(&mut self) {
        DiskController::pull_out(self);
    }

    fn due_ns(&self) -> Option<u64> {
        match self.work {
            Work::Late { at_ns, .. } => Some(at_ns),
            _ => None,
        }
    }

    fn time_has_come(&mut self, now_ns: u64) {
        if let Work::Late { at_ns, error } = self.work
            && at_ns <= now_ns
        {
            self.end(error);
        }
    }
}

#[cfg(test)]
mod tests;
