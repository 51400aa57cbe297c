//! The controller by its registers: alone, and in a machine where it can reach memory.

#![expect(unsafe_code, reason = "a driver in a test calls layer 1, as in C")]

use super::*;
use crate::disk::MemoryStore;
use crate::disk::fault::FaultInjector;
use kernel_sim::bugcheck::Ending;
use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Execution, Machine};
use kernel_sim::safe::delay_us;
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;

const DISK_BLOCKS: u64 = 64;

fn controller() -> DiskController {
    DiskController::new(Box::new(MemoryStore::new(DISK_BLOCKS * 512)))
}

#[test]
fn says_who_it_is_and_how_large() {
    let mut c = controller();
    assert_eq!(c.read(ID, 4), u64::from(ID_VALUE));
    assert_eq!(c.read(CAPACITY, 8), DISK_BLOCKS);
    assert_eq!(c.read(CAPACITY + 4, 4), 0);
    assert_eq!(c.line(), (VECTOR, false));
}

#[test]
fn wide_registers_are_two_halves() {
    let mut c = controller();
    c.write(LBA, 8, 0x1122_3344_5566_7788);
    c.write(LBA + 4, 4, 0xAABB_CCDD);
    assert_eq!(c.read(LBA, 8), 0xAABB_CCDD_5566_7788);
    assert_eq!(c.read(LBA, 4), 0x5566_7788);
    assert_eq!(c.read(LBA + 4, 4), 0xAABB_CCDD);
}

#[test]
fn odd_accesses_read_ones_and_write_nothing() {
    let mut c = controller();
    for (offset, width) in [(LBA + 2, 4), (BLOCKS, 8), (BLOCKS, 2), (0x40, 4), (usize::MAX, 4), (LBA, 1)] {
        c.write(offset, width, 0x55);
        assert_eq!(c.read(offset, width), u64::MAX, "offset {offset:#x} width {width}");
    }
    assert_eq!((c.read(LBA, 8), c.read(BLOCKS, 4)), (0, 0));
}

#[test]
fn a_reset_gives_up_the_command() {
    let mut c = controller();
    c.write(INTERRUPT_ENABLE, 4, 1);
    c.write(COMMAND, 4, u64::from(FLUSH));
    assert_eq!((c.steps(), c.read(STATUS, 4)), (1, u64::from(BUSY)));
    c.write(RESET, 4, 0);
    assert_eq!((c.steps(), c.read(STATUS, 4), c.read(INTERRUPT_ENABLE, 4)), (0, 0, 0));
}

/// A driver's view of the controller, with a buffer of 64 blocks.
struct Rig {
    registers: *mut u8,
    buffer: *mut u8,
}

impl Rig {
    fn write(&self, register: usize, value: u32) {
        // SAFETY: `on_machine` mapped the registers.
        unsafe { WRITE_REGISTER_ULONG(self.registers.add(register).cast(), value) };
    }

    fn read(&self, register: usize) -> u32 {
        // SAFETY: `on_machine` mapped the registers.
        unsafe { READ_REGISTER_ULONG(self.registers.add(register).cast()) }
    }

    fn physical(&self) -> u64 {
        // SAFETY: the buffer is memory of the machine.
        unsafe { MmGetPhysicalAddress(self.buffer.cast()).QuadPart() as u64 }
    }

    /// Carries a command out and returns its error code.
    fn command(&self, code: u32, lba: u64, blocks: u32, dma: u64) -> u32 {
        // SAFETY: `on_machine` mapped the registers.
        unsafe {
            WRITE_REGISTER_ULONG64(self.registers.add(LBA).cast(), lba);
            WRITE_REGISTER_ULONG64(self.registers.add(DMA).cast(), dma);
        }
        self.write(BLOCKS, blocks);
        self.write(COMMAND, code);
        while self.read(STATUS) & BUSY != 0 {}
        assert_eq!(self.read(INTERRUPT_STATUS), DONE);
        self.write(INTERRUPT_STATUS, DONE);
        assert_eq!(self.read(INTERRUPT_STATUS), 0);
        assert_eq!(self.read(STATUS) & ERROR != 0, self.read(ERROR_CODE) != 0);
        self.read(ERROR_CODE)
    }
}

fn on_machine(store: impl BackingStore + 'static, body: fn(&Rig)) {
    with_faults(store, "", body);
}

fn with_faults(store: impl BackingStore + 'static, plan: &str, body: fn(&Rig)) {
    let config = Config::new(1, Execution::Seeded(1)).unwrap();
    let faults = Arc::new(Mutex::new(FaultInjector::new(&plan.parse().unwrap(), 1)));
    let controller = DiskController::new(Box::new(store)).with_faults(faults);
    let outcome = config.hardware(Box::new(controller)).run(move || {
        let machine = Machine::current().unwrap();
        let window = machine.device_window(0).unwrap();
        // SAFETY: the window of a device that is there.
        let registers = unsafe { MmMapIoSpace(LARGE_INTEGER::new(window as i64), 0x40, MmNonCached) };
        let buffer = machine.allocate_system(64 * 512);
        body(&Rig { registers: registers.cast(), buffer: buffer.cast() });
    });
    assert!(matches!(outcome.ending, Ending::Completed), "{:?}", outcome.ending);
}

#[test]
fn what_was_written_is_read_back() {
    on_machine(MemoryStore::new(DISK_BLOCKS * 512), |rig| {
        // SAFETY: the buffer has 64 blocks, and no command is under way.
        let buffer = unsafe { std::slice::from_raw_parts_mut(rig.buffer, 1024) };
        buffer.fill(0xC3);
        assert_eq!(rig.command(WRITE, 62, 2, rig.physical()), 0);
        assert_eq!(rig.command(FLUSH, 0, 0, 0), 0);
        buffer.fill(0);
        assert_eq!(rig.command(READ, 62, 2, rig.physical()), 0);
        assert!(buffer.iter().all(|b| *b == 0xC3));
    });
}

#[test]
fn whatever_is_wrong_ends_in_an_error_code() {
    on_machine(MemoryStore::new(DISK_BLOCKS * 512), |rig| {
        let dma = rig.physical();
        let expected = [
            ((99, 0, 1, dma), Error::BadCommand),
            ((READ, 0, 0, dma), Error::BadCount),
            ((READ, 0, u32::MAX, dma), Error::BadCount),
            ((READ, DISK_BLOCKS, 1, dma), Error::PastEnd),
            ((WRITE, DISK_BLOCKS - 1, 2, dma), Error::PastEnd),
            ((READ, u64::MAX, 1, dma), Error::PastEnd),
            ((READ, 0, 1, 0), Error::BadDma),
            ((WRITE, 0, 1, u64::MAX - 100), Error::BadDma),
        ];
        for ((code, lba, blocks, dma), error) in expected {
            assert_eq!(rig.command(code, lba, blocks, dma), error as u32, "{error:?}");
        }
        assert_eq!(rig.command(READ, 0, 1, dma), 0, "an error is forgotten with the next command");
    });
}

/// A disk that may not be written and cannot be read.
struct Broken;

impl BackingStore for Broken {
    fn len_bytes(&self) -> u64 {
        DISK_BLOCKS * 512
    }
    fn read_at(&mut self, _offset: u64, _buffer: &mut [u8]) -> io::Result<()> {
        Err(io::Error::other("worn out"))
    }
    fn write_at(&mut self, _offset: u64, _data: &[u8]) -> io::Result<()> {
        unreachable!("the controller asks first")
    }
    fn flush(&mut self) -> io::Result<()> {
        Err(io::Error::other("worn out"))
    }
    fn is_read_only(&self) -> bool {
        true
    }
}

#[test]
fn a_store_that_fails_is_an_error_code_too() {
    on_machine(Broken, |rig| {
        assert_eq!(rig.command(READ, 0, 1, rig.physical()), Error::Medium as u32);
        assert_eq!(rig.command(WRITE, 0, 1, rig.physical()), Error::WriteProtected as u32);
        assert_eq!(rig.command(FLUSH, 0, 0, 0), Error::Medium as u32);
    });
}

#[test]
fn the_line_follows_status_and_enable() {
    on_machine(MemoryStore::new(DISK_BLOCKS * 512), |rig| {
        // Nothing is connected to the vector: only the registers can tell.
        rig.write(INTERRUPT_ENABLE, u32::MAX);
        assert_eq!(rig.read(INTERRUPT_ENABLE), DONE);
        rig.write(COMMAND, FLUSH);
        while rig.read(INTERRUPT_STATUS) == 0 {}
        rig.write(INTERRUPT_STATUS, !DONE);
        assert_eq!(rig.read(INTERRUPT_STATUS), DONE, "only a written 1 clears");
        rig.write(INTERRUPT_STATUS, DONE);
        assert_eq!(rig.read(INTERRUPT_STATUS), 0);
    });
}

#[test]
fn a_fault_plan_ends_commands_in_the_nearest_error() {
    for (plan, error) in [
        ("medium-error:lba=3..4", Error::Medium),
        ("aborted:op=read", Error::Failed),
        ("short", Error::Failed),
        ("bad-sense", Error::Failed),
    ] {
        let expected: fn(&Rig) = match error {
            Error::Medium => |rig| assert_eq!(rig.command(READ, 2, 2, rig.physical()), Error::Medium as u32),
            _ => |rig| assert_eq!(rig.command(READ, 2, 2, rig.physical()), Error::Failed as u32),
        };
        with_faults(MemoryStore::new(DISK_BLOCKS * 512), plan, expected);
    }
    with_faults(MemoryStore::new(DISK_BLOCKS * 512), "medium-error:lba=3..4", |rig| {
        assert_eq!(rig.command(READ, 0, 3, rig.physical()), 0, "another block");
        assert_eq!(rig.command(READ, DISK_BLOCKS, 1, rig.physical()), Error::PastEnd as u32);
    });
}

#[test]
fn a_lost_completion_leaves_it_busy_until_it_is_reset() {
    for plan in ["dropped:times=1", "hung:times=1"] {
        with_faults(MemoryStore::new(DISK_BLOCKS * 512), plan, |rig| {
            rig.write(COMMAND, FLUSH);
            delay_us(1_000_000);
            assert_eq!((rig.read(STATUS), rig.read(INTERRUPT_STATUS)), (BUSY, 0));
            rig.write(RESET, 0);
            assert_eq!(rig.command(FLUSH, 0, 0, 0), 0);
        });
    }
}

#[test]
fn a_late_completion_comes_when_its_time_has_come_and_a_double_one_twice() {
    with_faults(MemoryStore::new(DISK_BLOCKS * 512), "late:times=1,delay-us=5000", |rig| {
        let machine = Machine::current().unwrap();
        let begin = machine.time_ns();
        rig.write(COMMAND, FLUSH);
        while rig.read(STATUS) & BUSY != 0 {
            delay_us(1_000);
        }
        assert!(machine.time_ns() - begin >= 5_000_000);
        assert_eq!(rig.read(INTERRUPT_STATUS), DONE);
    });
    with_faults(MemoryStore::new(DISK_BLOCKS * 512), "duplicate:times=1", |rig| {
        rig.write(COMMAND, FLUSH);
        for _ in 0..2 {
            while rig.read(INTERRUPT_STATUS) == 0 {}
            rig.write(INTERRUPT_STATUS, DONE);
        }
        assert_eq!(rig.command(FLUSH, 0, 0, 0), 0);
    });
}

#[test]
fn a_controller_that_was_pulled_out_reads_as_ones() {
    with_faults(MemoryStore::new(DISK_BLOCKS * 512), "removal", |rig| {
        rig.write(COMMAND, FLUSH);
        while rig.read(STATUS) != u32::MAX {}
        rig.write(RESET, 0);
        assert_eq!(rig.read(ID), u32::MAX);
    });
}

#[test]
fn a_hostile_controller_says_of_itself_what_cannot_be() {
    let plan = "shrunk-capacity;lying-inquiry".parse().unwrap();
    let mut c = controller().with_faults(Arc::new(Mutex::new(FaultInjector::new(&plan, 1))));
    assert_eq!(c.read(CAPACITY, 8), DISK_BLOCKS / 2);
    assert_eq!((c.read(BLOCK_BYTES, 4), c.read(BLOCKS_MAX, 4)), (0, u64::from(u32::MAX)));
    assert_eq!(c.read(ID, 4), u64::from(ID_VALUE));
}
