//! Command lists and tables (AHCI 1.3.1, 4.2.2 and 4.2.3): fetching a command, moving its data.
//!
//! Everything here was written by a driver and is bytes until proven. Invariant: no more bytes move than the
//! command's PRD table describes, and none but where the bus lets the device go.

use super::fis::{REGISTER_BYTES, Taskfile};
use kernel_sim::hardware::{BadAddress, Bus};

/// Bytes of a command header.
const HEADER_BYTES: u64 = 32;
/// Where the PACKET command block and the PRD table lie in a command table.
const PACKET: u64 = 0x40;
const PRDT: u64 = 0x80;
/// Bytes of a PRD entry.
const PRD_BYTES: u64 = 16;

/// A command that the adapter has fetched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Command {
    pub slot: u8,
    pub task: Taskfile,
    /// The 12 or 16 bytes of a PACKET command; others have none.
    pub packet: [u8; 16],
    /// The W bit: data goes to the device.
    pub is_write: bool,
    /// The A bit: the packet is to be sent.
    pub is_packet: bool,
    /// The C bit: BSY clears as soon as the device has the frame.
    pub clears_busy: bool,
    header: u64,
    table: u64,
    prds: u16,
}

/// Why a command could not be fetched.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum BadCommand {
    /// List or table are not where the device may look.
    Address,
    /// A frame length or type that no command has.
    Frame,
}

impl From<BadAddress> for BadCommand {
    fn from(_: BadAddress) -> BadCommand {
        BadCommand::Address
    }
}

/// Why data did not move.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum BadData {
    /// Some PRD names memory that is not the device's to touch.
    Address,
    /// The PRD table describes fewer bytes than the device moves.
    Overflow,
}

impl From<BadAddress> for BadData {
    fn from(_: BadAddress) -> BadData {
        BadData::Address
    }
}

fn double_word(raw: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([raw[at], raw[at + 1], raw[at + 2], raw[at + 3]])
}

fn quad_word(raw: &[u8], at: usize) -> u64 {
    u64::from(double_word(raw, at)) | u64::from(double_word(raw, at + 4)) << 32
}

impl Command {
    /// Reads the command of a slot of the list at `list`.
    pub(super) fn fetch(bus: &Bus<'_>, list: u64, slot: u8) -> Result<Command, BadCommand> {
        let header = list.wrapping_add(u64::from(slot) * HEADER_BYTES);
        let mut raw = [0; HEADER_BYTES as usize];
        bus.read(header, &mut raw)?;
        let flags = double_word(&raw, 0);
        // In double words: a register FIS has five, and the table has room for sixteen.
        let frame_length = flags & 0x1F;
        if !(REGISTER_BYTES as u32 / 4..=16).contains(&frame_length) {
            return Err(BadCommand::Frame);
        }
        let table = quad_word(&raw, 8) & !0x7F;
        let mut frame = [0; REGISTER_BYTES];
        bus.read(table, &mut frame)?;
        let task = Taskfile::parse(&frame).ok_or(BadCommand::Frame)?;
        let is_packet = flags & 1 << 5 != 0;
        let mut packet = [0; 16];
        if is_packet {
            bus.read(table.wrapping_add(PACKET), &mut packet)?;
        }
        Ok(Command {
            slot,
            task,
            packet,
            is_write: flags & 1 << 6 != 0,
            is_packet,
            clears_busy: flags & 1 << 10 != 0,
            header,
            table,
            prds: (flags >> 16) as u16,
        })
    }

    /// Address and length of an entry of the PRD table.
    fn prd(&self, bus: &Bus<'_>, n: u16) -> Result<(u64, usize), BadAddress> {
        let mut raw = [0; PRD_BYTES as usize];
        bus.read(self.table.wrapping_add(PRDT + u64::from(n) * PRD_BYTES), &mut raw)?;
        // Bit 0 of the address is reserved, and that of the count is one: lengths are even.
        let bytes = (double_word(&raw, 12) & 0x3F_FFFF | 1) as usize + 1;
        Ok((quad_word(&raw, 0) & !1, bytes))
    }

    /// How many bytes the PRD table describes, up to `most`: for commands whose length only the host knows.
    pub(super) fn room(&self, bus: &Bus<'_>, most: usize) -> Result<usize, BadData> {
        let mut bytes = 0;
        for n in 0..self.prds {
            if bytes >= most {
                break;
            }
            bytes += self.prd(bus, n)?.1;
        }
        Ok(bytes.min(most))
    }

    /// Moves `data` to memory. What does not fit is lost.
    pub(super) fn scatter(&self, bus: &Bus<'_>, data: &[u8]) -> Result<(), BadData> {
        let mut left = data;
        for n in 0..self.prds {
            if left.is_empty() {
                break;
            }
            let (at, bytes) = self.prd(bus, n)?;
            let (now, later) = left.split_at(bytes.min(left.len()));
            bus.write(at, now)?;
            left = later;
        }
        if left.is_empty() { Ok(()) } else { Err(BadData::Overflow) }
    }

    /// Fills `data` from memory.
    pub(super) fn gather(&self, bus: &Bus<'_>, data: &mut [u8]) -> Result<(), BadData> {
        let mut left = data;
        for n in 0..self.prds {
            if left.is_empty() {
                break;
            }
            let (at, bytes) = self.prd(bus, n)?;
            let (now, later) = left.split_at_mut(bytes.min(left.len()));
            bus.read(at, now)?;
            left = later;
        }
        if left.is_empty() { Ok(()) } else { Err(BadData::Overflow) }
    }

    /// Writes how many bytes have moved into the command header (PRDBC).
    pub(super) fn note_bytes(&self, bus: &Bus<'_>, bytes: usize) -> Result<(), BadData> {
        Ok(bus.write(self.header.wrapping_add(4), &(bytes as u32).to_le_bytes())?)
    }
}
