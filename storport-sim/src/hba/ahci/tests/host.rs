//! A program that drives one port by its registers and memory, with no interrupts: as firmware would.

#![expect(unsafe_code, reason = "a driver in a test calls layer 1, as in C")]

use super::super::Ahci;
use super::super::registers::*;
use crate::Medium;
use crate::disk::fault::FaultInjector;
use crate::disk::{Geometry, Identity, MemoryStore, ScsiDisk, Target};
use kernel_sim::bugcheck::Ending;
use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Execution, Machine};
use std::sync::Arc;

pub const DISK_BLOCKS: u64 = 256;
/// Where things are in the program's memory: list, received frames, tables (256 bytes each), data.
const RECEIVED: usize = 0x400;
const TABLES: usize = 0x1000;
const DATA: usize = 0x4000;
const BYTES: usize = 0x1_4000;

/// A command to be given to a slot.
#[derive(Clone, Copy)]
pub struct Give {
    pub frame: [u8; 16],
    /// Header flags besides the frame length.
    pub flags: u32,
    pub packet: [u8; 16],
    /// Bytes that the one PRD describes, at the slot's part of the data.
    pub bytes: usize,
    pub is_queued: bool,
}

impl Give {
    pub fn new(command: u8) -> Give {
        let mut frame = [0; 16];
        (frame[0], frame[1], frame[2], frame[7]) = (0x27, 0x80, command, 0x40);
        Give { frame, flags: 0, packet: [0; 16], bytes: 0, is_queued: false }
    }

    pub fn at(mut self, lba: u64) -> Give {
        let lba = lba.to_le_bytes();
        self.frame[4..7].copy_from_slice(&lba[..3]);
        self.frame[8..11].copy_from_slice(&lba[3..6]);
        self
    }

    pub fn count(mut self, count: u16) -> Give {
        self.frame[12..14].copy_from_slice(&count.to_le_bytes());
        self
    }

    pub fn features(mut self, features: u16) -> Give {
        (self.frame[3], self.frame[11]) = (features as u8, (features >> 8) as u8);
        self
    }

    pub fn bytes(mut self, bytes: usize) -> Give {
        self.bytes = bytes;
        self
    }

    pub fn writing(mut self) -> Give {
        self.flags |= 1 << 6;
        self
    }

    /// A queued read or write of one block.
    pub fn queued(command: u8, lba: u64) -> Give {
        Give { is_queued: true, ..Give::new(command).at(lba).features(1).bytes(512) }
    }

    pub fn packet(cdb: &[u8]) -> Give {
        let mut give = Give::new(0xA0).features(1);
        give.packet[..cdb.len()].copy_from_slice(cdb);
        give.flags |= 1 << 5;
        give
    }
}

/// The program.
pub struct Host {
    pub medium: Arc<Medium>,
    registers: *mut u8,
    memory: *mut u8,
    port: usize,
}

pub fn medium() -> Arc<Medium> {
    let store = Box::new(MemoryStore::new(DISK_BLOCKS * 512));
    let disk = ScsiDisk::new(store, Geometry::default(), Identity::default()).unwrap();
    Arc::new(Medium::new([disk].into_iter().collect::<Target>()))
}

/// Runs a program on a machine whose adapter has a disk at port 0, or an ATAPI device, for some seeds.
pub fn on_machine(is_packet: bool, body: impl Fn(&Host) + Send + Sync + Clone + 'static) {
    for seed in 0..8 {
        let medium = medium();
        let mut model = Ahci::new(Arc::clone(&medium), 2);
        if is_packet {
            model = model.with_packet_device(0);
        }
        let body = body.clone();
        let config = Config::new(1, Execution::Seeded(seed)).unwrap().hardware(Box::new(model));
        let outcome = config.run(move || {
            let machine = Machine::current().unwrap();
            let window = machine.device_window(0).unwrap();
            let registers = machine.host_of(window, 0x1000).unwrap() as *mut u8;
            let memory: *mut u8 = machine.allocate_system(BYTES).cast();
            body(&Host { medium, registers, memory, port: 0 });
            machine.free_system(memory.cast());
        });
        assert!(matches!(outcome.ending, Ending::Completed), "seed {seed}: {:?}", outcome.ending);
    }
}

impl Host {
    pub fn read(&self, register: usize) -> u32 {
        // SAFETY: `on_machine` mapped the registers.
        unsafe { READ_REGISTER_ULONG(self.registers.wrapping_add(register).cast()) }
    }

    pub fn write(&self, register: usize, value: u32) {
        // SAFETY: `on_machine` mapped the registers.
        unsafe { WRITE_REGISTER_ULONG(self.registers.wrapping_add(register).cast(), value) };
    }

    pub fn px(&self, register: usize) -> u32 {
        self.read(PORTS + PORT_STRIDE * self.port + register)
    }

    pub fn set_px(&self, register: usize, value: u32) {
        self.write(PORTS + PORT_STRIDE * self.port + register, value);
    }

    /// Looks at a register of the port until it is as wanted.
    #[track_caller]
    pub fn until(&self, register: usize, is_wanted: impl Fn(u32) -> bool) -> u32 {
        for _ in 0..10_000 {
            let value = self.px(register);
            if is_wanted(value) {
                return value;
            }
        }
        panic!("register {register:#x} stays {:#x}", self.px(register));
    }

    /// Looks around for as long as the device could want to do something.
    pub fn let_pass(&self) {
        for _ in 0..200 {
            self.px(px::CMD);
        }
    }

    fn physical(&self, offset: usize) -> u64 {
        Machine::current().unwrap().physical_of(self.memory as usize + offset).unwrap()
    }

    /// Switches the adapter on and the port up to its device's first frame.
    pub fn bring_up(&self) {
        self.write(GHC, ghc::AE);
        let (list, received) = (self.physical(0), self.physical(RECEIVED));
        self.set_px(px::CLB, list as u32);
        self.set_px(px::CLBU, (list >> 32) as u32);
        self.set_px(px::FB, received as u32);
        self.set_px(px::FBU, (received >> 32) as u32);
        self.set_px(px::CMD, cmd::SUD | cmd::FRE);
        self.link_up();
    }

    /// Waits for the link and the device's first frame, and starts the port.
    pub fn link_up(&self) {
        self.until(px::SSTS, |value| value & 0xF == 3);
        self.set_px(px::SERR, u32::MAX);
        self.until(px::TFD, |value| value & 0x88 == 0);
        self.set_px(px::IS, u32::MAX);
        self.start();
    }

    pub fn start(&self) {
        self.set_px(px::CMD, cmd::SUD | cmd::FRE | cmd::ST);
        self.until(px::CMD, |value| value & cmd::CR != 0);
    }

    pub fn stop(&self) {
        self.set_px(px::CMD, cmd::SUD | cmd::FRE);
        self.until(px::CMD, |value| value & cmd::CR == 0);
    }

    /// Stops the port and resets the device behind it.
    pub fn comreset(&self) {
        self.stop();
        self.set_px(px::SCTL, 1);
        self.set_px(px::SCTL, 0);
        self.link_up();
    }

    /// A slot's part of the data.
    #[expect(clippy::mut_from_ref, reason = "memory of the machine, which the device writes too")]
    pub fn data(&self, slot: usize) -> &mut [u8] {
        // SAFETY: the program's own memory; the device writes it only while a command is out.
        unsafe { std::slice::from_raw_parts_mut(self.memory.add(DATA + slot * 0x800), 0x800) }
    }

    /// Bytes of the received frame area.
    pub fn received(&self) -> &[u8] {
        // SAFETY: the program's own memory; the device writes it only while a command is out.
        unsafe { std::slice::from_raw_parts(self.memory.add(RECEIVED), 0x100) }
    }

    /// Bytes that the adapter says have moved (PRDBC).
    pub fn moved(&self, slot: usize) -> u32 {
        // SAFETY: the program's own memory; the list begins with a page.
        unsafe { self.memory.add(32 * slot + 4).cast::<u32>().read_volatile() }
    }

    /// Writes a command to memory. `data`: where its PRD points, instead of the slot's own part.
    pub fn lay_out(&self, slot: usize, give: &Give, data: Option<u64>) {
        let at = TABLES + slot * 0x100;
        let mut frame = give.frame;
        if give.is_queued {
            frame[12] = (slot << 3) as u8;
        }
        let prds = u32::from(give.bytes != 0);
        let data = data.unwrap_or_else(|| self.physical(DATA + slot * 0x800));
        let (table, count) = (self.physical(at), (give.bytes as u32).wrapping_sub(1));
        // SAFETY: within the program's memory, aligned.
        unsafe {
            let m = self.memory;
            m.add(at).copy_from_nonoverlapping(frame.as_ptr(), 16);
            m.add(at + 0x40).copy_from_nonoverlapping(give.packet.as_ptr(), 16);
            m.add(at + 0x80).cast::<u64>().write(data);
            m.add(at + 0x8C).cast::<u32>().write(count);
            let header = m.add(32 * slot);
            header.cast::<u32>().write(5 | give.flags | prds << 16);
            header.add(4).cast::<u32>().write(0);
            header.add(8).cast::<u64>().write(table);
        }
    }

    /// Gives a slot a command.
    pub fn give(&self, slot: usize, give: Give) {
        self.lay_out(slot, &give, None);
        if give.is_queued {
            self.set_px(px::SACT, 1 << slot);
        }
        self.set_px(px::CI, 1 << slot);
    }

    /// Gives slot 0 a command that is not queued and waits for it; PxTFD.
    #[track_caller]
    pub fn carry_out(&self, give: Give) -> u32 {
        self.give(0, give);
        self.until(px::IS, |value| value & (is::DHRS | is::PSS | is::TFES) != 0);
        self.set_px(px::IS, u32::MAX);
        self.px(px::TFD)
    }

    pub fn faults(&self, plan: &str) {
        let plan = plan.parse().unwrap();
        self.medium.with(|target| target.set_faults(Some(FaultInjector::new(&plan, 1))));
    }
}
