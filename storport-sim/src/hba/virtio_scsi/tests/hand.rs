//! A driver by hand: registers written one by one, rings in a block of pool, answers waited for by looking.
//!
//! It is no driver to learn from: one request after the other, no interrupts.

#![expect(unsafe_code, reason = "a driver in a test calls layer 1, as in C")]

use super::super::spec::{descriptor, response};
use super::super::{Options, VirtioScsi};
use crate::Medium;
use crate::disk::fault::FaultInjector;
use crate::disk::{Geometry, Identity, MemoryStore, ScsiDisk, Target};
use crate::scsi::Lun;
use kernel_sim::bugcheck::Ending;
use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Execution, Machine};
use std::sync::Arc;

/// Bytes of each ring's areas: descriptors, available, used, each at a multiple of this.
const AREA: usize = 0x4000;
/// Where data begins, behind the areas of three rings.
const DATA: usize = 16 * AREA;
const BYTES: usize = DATA + 0x10_0000;

pub const DISK_BYTES: u64 = 1 << 20;
/// The registers' offsets.
pub const COMMON: usize = 0;
pub const ISR: usize = 0x1000;
pub const CONFIG: usize = 0x2000;
pub const NOTIFY: usize = 0x3000;
pub const STATUS: usize = COMMON + 0x14;

pub const VERSION_1: u64 = 1 << 32;
pub const HOTPLUG: u64 = 1 << 1;
pub const EVENT_INDEX: u64 = 1 << 29;
pub const INDIRECT: u64 = 1 << 28;
pub const ALL: u64 = VERSION_1 | HOTPLUG | EVENT_INDEX | INDIRECT;

pub const REQUESTS: usize = 2;

pub fn disk() -> ScsiDisk {
    ScsiDisk::new(Box::new(MemoryStore::new(DISK_BYTES)), Geometry::default(), Identity::default())
        .unwrap()
        .without_unit_attentions()
}

/// A medium with one disk, and a fault plan.
pub fn medium(plan: &str) -> Arc<Medium> {
    let medium = Medium::new([disk()].into_iter().collect::<Target>());
    if !plan.is_empty() {
        let plan = plan.parse().unwrap();
        medium.with(|target| target.set_faults(Some(FaultInjector::new(&plan, 1))));
    }
    Arc::new(medium)
}

/// A small adapter with the line only.
pub fn options() -> Options {
    Options { queue_size: 8, has_messages: false, ..Options::for_processors(1) }
}

/// A part of a chain.
#[derive(Clone, Copy)]
pub struct Part {
    pub at: usize,
    pub bytes: usize,
    pub is_written: bool,
}

pub fn sent(at: usize, bytes: usize) -> Part {
    Part { at, bytes, is_written: false }
}

pub fn written(at: usize, bytes: usize) -> Part {
    Part { at, bytes, is_written: true }
}

/// The answer to a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Answer {
    pub response: u8,
    pub status: u8,
    pub residual: u32,
    pub sense_bytes: u32,
    /// What the used element says was written.
    pub used_bytes: u32,
}

impl Answer {
    /// Of a command that moved all its data in.
    pub fn good(used_bytes: u32) -> Answer {
        Answer { response: response::OK, status: 0, residual: 0, sense_bytes: 0, used_bytes }
    }
}

/// What the hand remembers of a ring.
#[derive(Clone, Copy, Default)]
struct Ring {
    next: u16,
    seen: u16,
    free: u16,
}

pub struct Hand {
    window: usize,
    memory: *mut u8,
    physical: u64,
    size: u16,
    rings: [Ring; 3],
}

/// Runs `body` on machines with the adapter before the medium, under some schedules.
pub fn run(
    medium: impl Fn() -> Arc<Medium>,
    options: Options,
    body: impl Fn(&mut Hand, &Medium) + Send + Sync + 'static,
) {
    let body = Arc::new(body);
    for execution in (0..8).map(Execution::Seeded).chain([Execution::Parallel]) {
        let (medium, body) = (medium(), Arc::clone(&body));
        let model = VirtioScsi::new(Arc::clone(&medium), options);
        let outcome = Config::new(1, execution).unwrap().hardware(Box::new(model)).run(move || {
            let machine = Machine::current().unwrap();
            let mut hand = Hand::new(machine, options.queue_size);
            body(&mut hand, &medium);
            machine.free_system(hand.memory.cast());
        });
        assert!(matches!(outcome.ending, Ending::Completed), "{:?}", outcome.ending);
    }
}

impl Hand {
    fn new(machine: &Machine, size: u16) -> Hand {
        let memory: *mut u8 = machine.allocate_system(BYTES).cast();
        assert!(!memory.is_null());
        Hand {
            window: machine.host_of(machine.device_window(0).unwrap(), 1).unwrap(),
            memory,
            physical: machine.physical_of(memory as usize).unwrap(),
            size,
            rings: [Ring::default(); 3],
        }
    }

    pub fn read(&self, offset: usize, width: u8) -> u64 {
        let at = self.window + offset;
        // SAFETY: `window` is the device's mapped window, and `offset` lies in it: the register routines
        // check both.
        unsafe {
            match width {
                1 => READ_REGISTER_UCHAR(at as *mut u8).into(),
                2 => READ_REGISTER_USHORT(at as *mut u16).into(),
                4 => READ_REGISTER_ULONG(at as *mut u32).into(),
                _ => READ_REGISTER_ULONG64(at as *mut u64),
            }
        }
    }

    pub fn write(&self, offset: usize, width: u8, value: u64) {
        let at = self.window + offset;
        // SAFETY: `window` is the device's mapped window, and `offset` lies in it: the register routines
        // check both.
        unsafe {
            match width {
                1 => WRITE_REGISTER_UCHAR(at as *mut u8, value as u8),
                2 => WRITE_REGISTER_USHORT(at as *mut u16, value as u16),
                4 => WRITE_REGISTER_ULONG(at as *mut u32, value as u32),
                _ => WRITE_REGISTER_ULONG64(at as *mut u64, value),
            }
        }
    }

    /// Physical address of a byte of the block.
    pub fn physical(&self, at: usize) -> u64 {
        self.physical + at as u64
    }

    /// Bytes of the data area.
    pub fn data(&mut self, at: usize, bytes: usize) -> &mut [u8] {
        assert!(DATA + at + bytes <= BYTES);
        // SAFETY: within the block, which is the test's; the device has no chain over it now.
        unsafe { std::slice::from_raw_parts_mut(self.memory.add(DATA + at), bytes) }
    }

    pub fn wait(&self) {
        kernel_sim::safe::delay_us(1_000);
    }

    /// Waits a while for something; whether it came.
    pub fn eventually(&mut self, mut is_so: impl FnMut(&mut Hand) -> bool) -> bool {
        (0..500).any(|_| {
            let so = is_so(self);
            if !so {
                self.wait();
            }
            so
        })
    }

    pub fn reset(&mut self) {
        self.write(STATUS, 1, 0);
        assert!(self.eventually(|hand| hand.read(STATUS, 1) == 0));
    }

    /// From any state to a device that runs.
    pub fn bring_up(&mut self, features: u64) {
        self.reset();
        self.write(STATUS, 1, 3);
        for half in 0..2 {
            self.write(COMMON + 8, 4, half);
            self.write(COMMON + 12, 4, features >> (32 * half) & 0xFFFF_FFFF);
        }
        self.write(STATUS, 1, 3 | 8);
        assert_eq!(self.read(STATUS, 1), 11);
        // SAFETY: our block; the device was reset.
        unsafe { self.memory.write_bytes(0, DATA) };
        for queue in 0..3 {
            self.rings[queue] = Ring::default();
            self.write(COMMON + 0x16, 2, queue as u64);
            for (n, register) in [0x20, 0x28, 0x30].into_iter().enumerate() {
                let address = self.physical(self.area(queue, n));
                self.write(COMMON + register, 4, address & 0xFFFF_FFFF);
                self.write(COMMON + register + 4, 4, address >> 32);
            }
            self.write(COMMON + 0x1C, 2, 1);
        }
        self.write(STATUS, 1, 3 | 8 | 4);
        assert_eq!(self.read(STATUS, 1), 15);
    }

    /// Where area `n` of a queue begins: 0 descriptors, 1 available, 2 used, 3 room for an indirect table.
    pub fn area(&self, queue: usize, n: usize) -> usize {
        (queue * 4 + n) * AREA
    }

    pub fn put(&mut self, at: usize, bytes: &[u8]) {
        // SAFETY: within our block; indices are shared with the device as bytes, which on the host is a
        // store.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), self.memory.add(at), bytes.len()) };
    }

    pub fn word(&self, at: usize) -> u16 {
        // SAFETY: within our block; the device may write it meanwhile.
        unsafe { self.memory.add(at).cast::<u16>().read_volatile() }
    }

    /// Writes one descriptor of a table.
    pub fn put_descriptor(
        &mut self,
        table: usize,
        n: usize,
        address: u64,
        bytes: u32,
        flags: u16,
        next: u16,
    ) {
        let at = table + 16 * n;
        self.put(at, &address.to_le_bytes());
        self.put(at + 8, &bytes.to_le_bytes());
        self.put(at + 12, &flags.to_le_bytes());
        self.put(at + 14, &next.to_le_bytes());
    }

    /// Makes a head available and notifies.
    pub fn offer(&mut self, queue: usize, head: u16) {
        let available = self.area(queue, 1);
        let next = self.rings[queue].next;
        self.put(available + 4 + 2 * usize::from(next % self.size), &head.to_le_bytes());
        self.rings[queue].next = next.wrapping_add(1);
        std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
        self.put(available + 2, &next.wrapping_add(1).to_le_bytes());
        self.write(NOTIFY + 4 * queue, 2, queue as u64);
    }

    /// Puts a chain over parts of the data area in; its head.
    pub fn submit(&mut self, queue: usize, parts: &[Part], is_indirect: bool) -> u16 {
        let ring = self.area(queue, 0);
        let first = self.rings[queue].free;
        let size = self.size;
        let (table, place) = if is_indirect { (self.area(queue, 3), 0) } else { (ring, first) };
        for (n, part) in parts.iter().enumerate() {
            let next = n + 1 < parts.len();
            let flags =
                if next { descriptor::NEXT } else { 0 } | if part.is_written { descriptor::WRITE } else { 0 };
            let at = |n: usize| if is_indirect { n as u16 } else { (place + n as u16) % size };
            let address = self.physical(DATA + part.at);
            self.put_descriptor(table, usize::from(at(n)), address, part.bytes as u32, flags, at(n + 1));
        }
        let used = if is_indirect {
            let (address, bytes) = (self.physical(table), 16 * parts.len() as u32);
            self.put_descriptor(ring, usize::from(first), address, bytes, descriptor::INDIRECT, 0);
            1
        } else {
            parts.len() as u16
        };
        self.rings[queue].free = (first + used) % size;
        self.offer(queue, first);
        first
    }

    /// The next used element: head, bytes.
    pub fn take(&mut self, queue: usize) -> Option<(u32, u32)> {
        let used = self.area(queue, 2);
        let seen = self.rings[queue].seen;
        if self.word(used + 2) == seen {
            return None;
        }
        std::sync::atomic::fence(std::sync::atomic::Ordering::SeqCst);
        self.rings[queue].seen = seen.wrapping_add(1);
        let at = used + 4 + 8 * usize::from(seen % self.size);
        let word = |at| u32::from(self.word(at)) | u32::from(self.word(at + 2)) << 16;
        Some((word(at), word(at + 4)))
    }

    /// Waits for the next used element.
    pub fn next_used(&mut self, queue: usize) -> Option<(u32, u32)> {
        let mut found = None;
        self.eventually(|hand| {
            found = hand.take(queue);
            found.is_some()
        });
        found
    }

    /// Writes the header of a command at the beginning of the data area.
    pub fn put_command(&mut self, lun: u8, id: u64, cdb: &[u8]) {
        let header = self.data(0, 51);
        header.fill(0);
        header[..4].copy_from_slice(&[1, 0, 0x40, lun]);
        header[8..16].copy_from_slice(&id.to_le_bytes());
        header[19..19 + cdb.len()].copy_from_slice(cdb);
    }

    /// The answer at 0x100 of the data area.
    pub fn answer(&mut self, used_bytes: u32) -> Answer {
        let a = self.data(0x100, 12);
        let word = |at: usize| u32::from_le_bytes([a[at], a[at + 1], a[at + 2], a[at + 3]]);
        let (sense_bytes, residual) = (word(0), word(4));
        Answer { response: a[11], status: a[10], residual, sense_bytes, used_bytes }
    }

    /// The parts of a command with its data at 0x1000 of the data area.
    pub fn parts(bytes: usize, is_write: bool) -> Vec<Part> {
        let mut parts = vec![sent(0, 51), written(0x100, 108)];
        if bytes != 0 && is_write {
            parts.insert(1, sent(0x1000, bytes));
        } else if bytes != 0 {
            parts.push(written(0x1000, bytes));
        }
        parts
    }

    /// Sends a command to unit 0 and waits for its end; `None`: it does not come.
    pub fn command(&mut self, cdb: &[u8], bytes: usize, is_write: bool) -> Option<Answer> {
        self.put_command(0, 7, cdb);
        self.data(0x100, 108).fill(0xEE);
        let head = self.submit(REQUESTS, &Hand::parts(bytes, is_write), false);
        let (id, used_bytes) = self.next_used(REQUESTS)?;
        assert_eq!(id, u32::from(head));
        Some(self.answer(used_bytes))
    }

    /// Sends a task management function and waits for its answer.
    pub fn manage(&mut self, function: u32, lun: u8, id: u64) -> Option<u8> {
        let request = self.data(0x200, 24);
        request.fill(0);
        request[4..8].copy_from_slice(&function.to_le_bytes());
        request[8..12].copy_from_slice(&[1, 0, 0x40, lun]);
        request[16..].copy_from_slice(&id.to_le_bytes());
        self.submit(0, &[sent(0x200, 24), written(0x220, 1)], false);
        self.next_used(0)?;
        Some(self.data(0x220, 1)[0])
    }
}

/// READ (10) and WRITE (10).
pub fn read_10(lba: u8, blocks: u8) -> [u8; 10] {
    [0x28, 0, 0, 0, 0, lba, 0, 0, blocks, 0]
}

pub fn write_10(lba: u8, blocks: u8) -> [u8; 10] {
    [0x2A, 0, 0, 0, 0, lba, 0, 0, blocks, 0]
}

pub fn unit(number: u16) -> Lun {
    Lun::new(number).unwrap()
}
