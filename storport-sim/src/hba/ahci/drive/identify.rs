//! Identify data of a device: IDENTIFY DEVICE and IDENTIFY PACKET DEVICE (ACS-3, "IDENTIFY DEVICE").
//!
//! Names come from the SCSI disk's INQUIRY, numbers from the disk. A disk says 48-bit addresses, queueing 32
//! deep with FUA, a write cache, and TRIM; an ATAPI device little more than its names.

use super::data::TRIM_SECTORS_MAX;
use super::{Answer, Drive, SECTOR, translated};
use crate::Medium;
use crate::disk::DataPhase;
use crate::disk::fault::FaultKind;
use crate::hba::ahci::command::{BadData, Command};
use crate::scsi::{Inquiry, InquiryData, Opcode, ScsiStatus};
use kernel_sim::hardware::Bus;
use zerocopy::IntoBytes;

/// The 256 words, and how they are filled.
struct Words([u16; 256]);

impl Words {
    /// Text has its characters swapped in each word and is padded with blanks.
    fn text(&mut self, words: std::ops::Range<usize>, text: &[u8]) {
        let mut bytes = text.iter().copied().chain(std::iter::repeat(b' '));
        for word in &mut self.0[words] {
            let pair = [bytes.next().unwrap_or(b' '), bytes.next().unwrap_or(b' ')];
            *word = u16::from_be_bytes(pair);
        }
    }

    /// A number over as many words, low word first.
    fn number(&mut self, words: std::ops::Range<usize>, value: u64) {
        for (n, word) in self.0[words].iter_mut().enumerate() {
            *word = (value >> (16 * n)) as u16;
        }
    }

    /// The sector, with its checksum: all bytes add up to 0.
    fn sealed(mut self) -> [u8; SECTOR] {
        self.0[255] = 0xA5;
        let mut raw = [0; SECTOR];
        for (to, word) in raw.chunks_exact_mut(2).zip(self.0) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        let sum = raw.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        raw[511] = sum.wrapping_neg();
        raw
    }
}

/// The numbers of a disk.
struct Facts {
    blocks: u64,
    /// Words of a block: half of its bytes.
    block_words: u32,
    physical_exponent: u8,
    rotation_rate: u16,
    name: u64,
    serial: Box<str>,
    write_cache: bool,
}

impl Drive {
    fn facts(&self, medium: &Medium) -> Option<Facts> {
        medium.with(|target| {
            let disk = target.disk(self.lun)?;
            let geometry = disk.geometry();
            Some(Facts {
                blocks: disk.blocks(),
                block_words: geometry.block_size.bytes() / 2,
                physical_exponent: geometry.physical_exponent,
                rotation_rate: geometry.rotation_rate,
                name: disk.identity().naa(),
                serial: disk.identity().serial().into(),
                write_cache: disk.write_cache_enabled(),
            })
        })
    }

    pub(super) fn identify(
        &mut self,
        medium: &Medium,
        bus: &Bus<'_>,
        command: &Command,
    ) -> Result<Answer, BadData> {
        let mut inquiry = [0; size_of::<InquiryData>()];
        let cdb = Inquiry::standard(inquiry.len() as u16);
        let done = self.ask(medium, cdb.as_bytes(), DataPhase::In(&mut inquiry));
        let facts = self.facts(medium).filter(|_| done.status == ScsiStatus::GOOD);
        let Some(mut facts) = facts else {
            let answer = translated(&done, false);
            return Ok(if answer.is_error() { answer } else { Answer::aborted() });
        };
        if medium.with(|target| target.lies(FaultKind::ShrunkCapacity, self.lun, Opcode::READ_CAPACITY_10)) {
            facts.blocks /= 2;
        }
        if medium.with(|target| target.lies(FaultKind::LyingInquiry, self.lun, Opcode::INQUIRY)) {
            self.lie_about(&mut facts);
        }
        let sector = if self.is_packet { packet(&inquiry, &facts) } else { disk(&inquiry, &facts) };
        self.buffer.resize(self.buffer.len().max(SECTOR), 0);
        self.buffer[..SECTOR].copy_from_slice(&sector);
        let sent = self.send_sector(bus, command)?;
        Ok(Answer { disposition: done.disposition, ..sent })
    }
}

impl Drive {
    /// Numbers that no disk has: the forms are taken in turn.
    fn lie_about(&mut self, facts: &mut Facts) {
        self.lies = self.lies.wrapping_add(1);
        match self.lies % 4 {
            1 => facts.block_words = 1 << 31,
            2 => facts.blocks = u64::MAX,
            3 => facts.block_words = 0,
            _ => facts.blocks = 0,
        }
    }
}

fn names(words: &mut Words, inquiry: &[u8], facts: &Facts) {
    words.text(10..20, facts.serial.as_bytes());
    words.text(23..27, &inquiry[32..36]);
    words.text(27..47, &inquiry[8..32]);
}

fn disk(inquiry: &[u8], facts: &Facts) -> [u8; SECTOR] {
    let mut words = Words([0; 256]);
    let w = &mut words.0;
    w[0] = 0x0040;
    w[47] = 0x8001;
    // LBA, DMA; fields 64 to 70 and 88 count.
    (w[49], w[50], w[53]) = (0x0300, 0x4000, 0x0006);
    (w[63], w[64]) = (0x0007, 0x0003);
    w[65..69].fill(120);
    // TRIM reads as zeroes afterwards.
    w[69] = 0x4020;
    w[75] = 31;
    // Queueing, generations 1 to 3.
    w[76] = 0x010E;
    w[80] = 0x07F0;
    let cache = 1 << 5;
    (w[82], w[83], w[84]) = (0x4021 | 1 << 6, 0x7400, 0x4060);
    (w[85], w[86], w[87]) = (if facts.write_cache { 0x0041 | cache } else { 0x0041 }, 0x3400, 0x4060);
    w[88] = 0x407F;
    w[105] = TRIM_SECTORS_MAX;
    w[106] =
        0x4000 | if facts.physical_exponent != 0 { 0x2000 | u16::from(facts.physical_exponent) } else { 0 };
    if facts.block_words != SECTOR as u32 / 2 {
        w[106] |= 0x1000;
    }
    w[169] = 1;
    w[217] = facts.rotation_rate;
    w[222] = 0x10FF;
    names(&mut words, inquiry, facts);
    words.number(60..62, facts.blocks.min(0x0FFF_FFFF));
    words.number(100..104, facts.blocks);
    // The name is written with its most significant word first.
    for (n, word) in words.0[108..112].iter_mut().enumerate() {
        *word = (facts.name >> (48 - 16 * n)) as u16;
    }
    words.number(117..119, u64::from(facts.block_words));
    words.sealed()
}

fn packet(inquiry: &[u8], facts: &Facts) -> [u8; SECTOR] {
    let mut words = Words([0; 256]);
    let w = &mut words.0;
    // ATAPI, the device type that INQUIRY says, removable or not, packets of 16 bytes (bits 1:0).
    w[0] = 0x8000 | u16::from(inquiry[0] & 0x1F) << 8 | u16::from(inquiry[1] & 0x80) | 0x0001;
    (w[49], w[50], w[53]) = (0x0300, 0x4000, 0x0006);
    (w[63], w[64]) = (0x0007, 0x0003);
    w[65..69].fill(120);
    w[76] = 0x000E;
    w[80] = 0x07F0;
    (w[82], w[83], w[84]) = (0x4010, 0x4000, 0x4000);
    (w[85], w[87]) = (0x0010, 0x4000);
    w[88] = 0x407F;
    w[222] = 0x10FF;
    names(&mut words, inquiry, facts);
    words.sealed()
}
