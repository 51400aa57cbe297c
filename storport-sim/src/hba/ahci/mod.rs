//! An AHCI host adapter, by the Serial ATA Advanced Host Controller Interface, revision 1.3.1.
//!
//! Ports with a disk or an ATAPI device behind each: unit n of the medium is the device of port n, plugged
//! and unplugged with the unit. 32 slots, native command queueing, staggered spin-up, hot plug, one
//! interrupt: a line, or a single message. Not modelled: port multipliers, enclosure management, command
//! completion coalescing, link power states, activity LEDs, FIS-based switching.
//!
//! What the device does by itself comes in steps, and which comes next is the executor's choice: a queued
//! command is executed, a frame is delivered, a link comes up, a bit in a register follows another. Registers
//! are 32 bits wide, or two of them at an aligned 64-bit access; any other access reads as all ones and
//! writes nothing. Invariant: whatever software writes, registers or memory, the adapter goes on or stops
//! with an error bit set.
//!
//! ```text
//! registers.rs  where registers and bits are        config_space.rs  what the bus says
//! port.rs       registers of a port, start, stop, reset, plugging
//! transport.rs  commands through a port, step by step, and errors
//! command.rs    command lists, tables, data in memory              fis.rs  frames
//! drive/        the device behind a port
//! ```

mod command;
mod config_space;
mod drive;
mod fis;
mod lies;
mod port;
mod registers;
mod transport;

pub use config_space::{DEVICE, VENDOR};

use crate::scsi::Lun;
use crate::{Medium, PciSlot};
use kernel_sim::hardware::{Bus, HardwareModel};
use port::Port;
use registers::*;
use std::sync::Arc;
use transport::PortStep;

/// The vector of the line, taken at DIRQL 6.
const VECTOR: u32 = 0x62;
/// Ports an adapter can have.
const PORTS_MAX: u8 = 32;
/// Command slots of a port.
const SLOTS: u32 = 32;

/// One thing the adapter could do next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// The reset that GHC.HR began ends.
    EndReset,
    /// The firmware lets go of the adapter.
    HandOff,
    /// A unit of the medium has come or gone.
    Plug,
    Port(usize, PortStep),
}

/// The adapter. See the module page.
pub struct Ahci {
    medium: Arc<Medium>,
    ports: Vec<Port>,
    ghc: u32,
    is: u32,
    bohc: u32,
    takes_queued: bool,
    /// Whether it interrupts by its message instead of its line.
    by_message: bool,
    message_is_sent: bool,
}

impl Ahci {
    /// An adapter of 1 to 32 ports, each with an ATA disk where the medium has a unit of its number. It
    /// interrupts by its line.
    #[must_use]
    pub fn new(medium: Arc<Medium>, ports: u8) -> Ahci {
        crate::register_sources();
        let lun = |n: u8| Lun::new(u16::from(n)).unwrap_or(Lun::ZERO);
        Ahci {
            medium,
            ports: (0..ports.clamp(1, PORTS_MAX)).map(|n| Port::new(lun(n), false)).collect(),
            ghc: 0,
            is: 0,
            // As the firmware that booted from it left it.
            bohc: bohc::BOS,
            takes_queued: true,
            by_message: false,
            message_is_sent: false,
        }
    }

    /// The device of this port is an ATAPI device. A port it does not have changes nothing.
    #[must_use]
    pub fn with_packet_device(mut self, port: u8) -> Ahci {
        if let (Some(at), Some(lun)) = (self.ports.get_mut(usize::from(port)), Lun::new(u16::from(port))) {
            *at = Port { takes_queued: at.takes_queued, ..Port::new(lun, true) };
        }
        self
    }

    /// It does not take queued commands (CAP.SNCQ), as adapters of the first version did not have to. The
    /// disks still say that they would.
    #[must_use]
    pub fn without_queueing(mut self) -> Ahci {
        self.takes_queued = false;
        for port in &mut self.ports {
            port.takes_queued = false;
        }
        self
    }

    /// It interrupts by a message instead of its line: for a [`slot`](Ahci::slot) that is not
    /// [`line_only`](PciSlot::line_only).
    #[must_use]
    pub fn with_message(mut self) -> Ahci {
        self.by_message = true;
        self
    }

    /// Its PCI slot: it is device 0 of the machine.
    #[must_use]
    pub fn slot() -> PciSlot {
        config_space::slot(0)
    }

    fn capabilities(&self) -> u32 {
        let ports = self.ports.len() as u32 - 1;
        let queueing = if self.takes_queued { cap::SNCQ } else { 0 };
        let slots = (SLOTS - 1) << cap::NCS_SHIFT;
        cap::S64A | queueing | cap::SSS | cap::SCLO | cap::ISS_GEN3 | slots | ports
    }

    fn implemented(&self) -> u32 {
        u32::MAX >> (32 - self.ports.len())
    }

    fn is_resetting(&self) -> bool {
        self.ghc & ghc::HR != 0
    }

    fn read_register(&self, offset: usize) -> u32 {
        match offset {
            CAP => self.capabilities(),
            GHC => self.ghc,
            IS => self.is,
            PI => self.implemented(),
            VS => VERSION,
            CAP2 => bohc::BOH,
            BOHC => self.bohc,
            _ => match self.port_at(offset) {
                Some((n, register)) => self.ports[n].read(register),
                None => 0,
            },
        }
    }

    fn write_register(&mut self, offset: usize, value: u32) {
        if self.is_resetting() {
            return;
        }
        match offset {
            GHC => self.write_control(value),
            BOHC => self.write_ownership(value),
            // Everything else needs AE.
            _ if self.ghc & ghc::AE == 0 => {}
            IS => self.acknowledge(value),
            _ => {
                if let Some((n, register)) = self.port_at(offset) {
                    self.ports[n].write(register, value, &self.medium);
                }
            }
        }
        self.gather_interrupts();
    }

    fn port_at(&self, offset: usize) -> Option<(usize, usize)> {
        let from = offset.checked_sub(PORTS)?;
        let n = from / PORT_STRIDE;
        (n < self.ports.len()).then_some((n, from % PORT_STRIDE))
    }

    fn write_control(&mut self, value: u32) {
        let enabled = self.ghc & ghc::IE != 0;
        self.ghc = value & (ghc::AE | ghc::IE);
        if value & ghc::HR != 0 {
            self.ghc |= ghc::HR;
        } else if !enabled && self.ghc & ghc::IE != 0 && self.is != 0 {
            self.message_is_sent = true;
        }
    }

    fn write_ownership(&mut self, value: u32) {
        // The change bit is cleared by writing it.
        let change = self.bohc & !value & bohc::OOC;
        self.bohc = self.bohc & bohc::BOS | value & (bohc::OOS | bohc::SOOE) | change;
    }

    /// Bits of IS are cleared by writing them; those that are left, or come back because their port still has
    /// something to say, are a new message.
    fn acknowledge(&mut self, value: u32) {
        self.is &= !value;
        self.gather_interrupts();
        if self.is != 0 && self.ghc & ghc::IE != 0 {
            self.message_is_sent = true;
        }
    }

    fn gather_interrupts(&mut self) {
        let before = self.is;
        self.gather_strays();
        for (n, port) in self.ports.iter().enumerate() {
            if port.is_interrupting() {
                self.is |= 1 << n;
            }
        }
        if self.is & !before != 0 && self.ghc & ghc::IE != 0 {
            self.message_is_sent = true;
        }
    }

    /// The steps it could take next, in an order that depends on its state alone.
    fn possible(&self) -> impl Iterator<Item = Step> + '_ {
        let is_there = !self.medium.is_gone();
        let reset = (is_there && self.is_resetting()).then_some(Step::EndReset);
        let is_owned_twice = self.bohc & (bohc::BOS | bohc::OOS) == bohc::BOS | bohc::OOS;
        let hand_off = (is_there && is_owned_twice).then_some(Step::HandOff);
        let plug = (is_there && self.medium.changes() != 0).then_some(Step::Plug);
        let works = is_there && !self.is_resetting();
        let ports = self.ports.iter().enumerate().filter(move |(_, port)| works && !port.is_still());
        let ports = ports.flat_map(|(n, port)| port.possible().map(move |step| Step::Port(n, step)));
        reset.into_iter().chain(hand_off).chain(plug).chain(ports)
    }

    fn take(&mut self, step: Step, bus: &Bus<'_>) {
        match step {
            Step::EndReset => {
                self.ghc = 0;
                self.is = 0;
                for port in &mut self.ports {
                    port.reset(&self.medium);
                }
            }
            Step::HandOff => {
                self.bohc = self.bohc & !bohc::BOS | bohc::OOC;
            }
            Step::Plug => self.plug(),
            Step::Port(n, step) => self.ports[n].take(step, &self.medium, bus),
        }
    }

    fn plug(&mut self) {
        let Some(change) = self.medium.take_change() else { return };
        if let Some(port) = self.ports.get_mut(usize::from(change.lun.number())) {
            port.plug(change.is_present, &self.medium);
        }
    }
}

impl HardwareModel for Ahci {
    fn name(&self) -> &'static str {
        "AHCI adapter"
    }

    fn line(&self) -> (u32, bool) {
        let asserted = !self.by_message && self.ghc & ghc::IE != 0 && self.is != 0;
        (VECTOR, asserted && !self.medium.is_gone())
    }

    fn read(&mut self, offset: usize, width: u8) -> u64 {
        if self.medium.is_gone() {
            return u64::MAX;
        }
        match width {
            4 if offset.is_multiple_of(4) => {
                let value = self.read_register(offset);
                self.say_of_itself(offset, value).into()
            }
            8 if offset.is_multiple_of(8) => {
                u64::from(self.read_register(offset)) | u64::from(self.read_register(offset + 4)) << 32
            }
            _ => u64::MAX,
        }
    }

    fn write(&mut self, offset: usize, width: u8, value: u64) {
        if self.medium.is_gone() {
            return;
        }
        match width {
            4 if offset.is_multiple_of(4) => self.write_register(offset, value as u32),
            8 if offset.is_multiple_of(8) => {
                self.write_register(offset, value as u32);
                self.write_register(offset + 4, (value >> 32) as u32);
            }
            _ => {}
        }
    }

    fn steps(&self) -> u32 {
        self.possible().count() as u32
    }

    fn step(&mut self, which: u32, bus: &Bus<'_>) {
        let chosen = self.possible().nth(which as usize);
        if let Some(step) = chosen {
            self.take(step, bus);
            self.gather_interrupts();
        }
    }

    fn message_count(&self) -> u32 {
        u32::from(self.by_message)
    }

    fn take_messages(&mut self) -> u64 {
        u64::from(std::mem::take(&mut self.message_is_sent) && !self.medium.is_gone())
    }
}

#[cfg(test)]
mod tests;
