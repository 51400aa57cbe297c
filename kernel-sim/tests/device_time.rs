//! Devices that wait for a time, and what the bus lends them of driver memory.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![expect(unused_crate_dependencies, reason = "integration tests use a few of the crate's dependencies")]

use kernel_sim::bugcheck::Ending;
use kernel_sim::ddi::*;
use kernel_sim::hardware::{BadAddress, Bus, HardwareModel};
use kernel_sim::machine::{Config, Execution, Machine};
use kernel_sim::pool::tag;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};

/// Counts to 3, a step every 5 ms from the write of register 0 on; notes when each was taken.
struct Clockwork {
    due_ns: Option<u64>,
    is_ready: bool,
    taken_ns: Arc<[AtomicU64; 4]>,
    taken: usize,
}

const PERIOD_NS: u64 = 5_000_000;

impl HardwareModel for Clockwork {
    fn name(&self) -> &'static str {
        "clockwork"
    }
    fn line(&self) -> (u32, bool) {
        (0x50, false)
    }
    fn read(&mut self, _offset: usize, _width: u8) -> u64 {
        self.taken as u64
    }
    fn write(&mut self, _offset: usize, _width: u8, _value: u64) {
        self.is_ready = true;
    }
    fn steps(&self) -> u32 {
        u32::from(self.is_ready)
    }
    fn step(&mut self, _which: u32, bus: &Bus<'_>) {
        self.is_ready = false;
        self.taken_ns[self.taken].store(bus.time_ns(), SeqCst);
        self.taken += 1;
        self.due_ns = (self.taken < 4).then(|| bus.time_ns() + PERIOD_NS);
    }
    fn due_ns(&self) -> Option<u64> {
        self.due_ns
    }
    fn time_has_come(&mut self, now_ns: u64) {
        assert!(self.due_ns.take().is_some_and(|due_ns| due_ns <= now_ns), "woken too early");
        self.is_ready = true;
    }
}

#[test]
fn a_device_is_woken_when_its_time_has_come() {
    for execution in (0..20).map(Execution::Seeded).chain([Execution::Parallel]) {
        let taken_ns = Arc::<[AtomicU64; 4]>::default();
        let model = Clockwork { due_ns: None, is_ready: false, taken_ns: Arc::clone(&taken_ns), taken: 0 };
        let outcome = Config::new(2, execution).unwrap().hardware(Box::new(model)).run(|| {
            let machine = Machine::current().unwrap();
            let window = machine.host_of(machine.device_window(0).unwrap(), 4).unwrap() as *mut u32;
            // SAFETY: a register of the device; PASSIVE_LEVEL.
            unsafe {
                WRITE_REGISTER_ULONG(window, 1);
                while READ_REGISTER_ULONG(window) != 4 {
                    kernel_sim::safe::delay_us(1_000);
                }
            }
        });
        assert!(matches!(outcome.ending, Ending::Completed), "{:?}", outcome.ending);
        let times: Vec<u64> = taken_ns.iter().map(|t| t.load(SeqCst)).collect();
        assert!(times.windows(2).all(|t| t[1] - t[0] >= PERIOD_NS), "{times:?}");
    }
}

/// Doubles the bytes of a block where they lie, and adds one to the word behind it.
struct Doubler {
    block: u64,
    answers: Arc<AtomicU64>,
}

const BLOCK: usize = 64;

impl HardwareModel for Doubler {
    fn name(&self) -> &'static str {
        "doubler"
    }
    fn line(&self) -> (u32, bool) {
        (0x50, false)
    }
    fn read(&mut self, _offset: usize, _width: u8) -> u64 {
        self.block
    }
    fn write(&mut self, _offset: usize, _width: u8, value: u64) {
        self.block = value;
    }
    fn steps(&self) -> u32 {
        u32::from(self.block != 0)
    }
    fn step(&mut self, _which: u32, bus: &Bus<'_>) {
        let block = std::mem::take(&mut self.block);
        let word = block + BLOCK as u64;
        let sum = bus.with(block, BLOCK, |b| b.iter().map(|b| u64::from(*b)).sum::<u64>());
        assert_eq!(bus.with_mut(block, BLOCK, |b| b.iter_mut().for_each(|b| *b *= 2)), Ok(()));
        assert_eq!(bus.load_u16(word).and_then(|value| bus.store_u16(word, value + 1)), Ok(()));
        assert_eq!(bus.load_u16(word + 1), Err(BadAddress), "odd");
        assert_eq!(bus.with(0, 1, |_| ()), Err(BadAddress));
        self.answers.store(sum.unwrap(), SeqCst);
    }
}

#[test]
fn a_device_changes_memory_where_it_lies() {
    for execution in (0..4).map(Execution::Seeded).chain([Execution::Parallel]) {
        let answers = Arc::<AtomicU64>::default();
        let model = Doubler { block: 0, answers: Arc::clone(&answers) };
        let outcome = Config::new(1, execution).unwrap().hardware(Box::new(model)).run(|| {
            let machine = Machine::current().unwrap();
            let window = machine.host_of(machine.device_window(0).unwrap(), 8).unwrap() as *mut u64;
            // SAFETY: a block of ours; a register of the device; PASSIVE_LEVEL.
            unsafe {
                let block: *mut u8 = ExAllocatePool2(0x40, BLOCK + 8, tag(b"test")).cast();
                block.write_bytes(3, BLOCK);
                WRITE_REGISTER_ULONG64(window, machine.physical_of(block as usize).unwrap());
                while READ_REGISTER_ULONG64(window) != 0 {
                    kernel_sim::safe::delay_us(1_000);
                }
                assert!((0..BLOCK).all(|n| *block.add(n) == 6));
                assert_eq!(*block.add(BLOCK), 1);
                ExFreePoolWithTag(block.cast(), tag(b"test"));
            }
        });
        assert!(matches!(outcome.ending, Ending::Completed), "{:?}", outcome.ending);
        assert_eq!(answers.load(SeqCst), 3 * BLOCK as u64);
    }
}
