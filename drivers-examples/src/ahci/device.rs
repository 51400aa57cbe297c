//! The facts about a device: identify data, read once when its channel starts.

use super::ata::SECTOR;

/// The device behind a port.
#[repr(u32)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeviceKind {
    /// Not known yet.
    Unknown = 0,
    Disk,
    Packet,
}

/// The parts of identify data this driver uses.
#[derive(Clone, Copy)]
pub struct Device {
    pub kind: DeviceKind,
    pub sectors: u64,
    pub sector_bytes: u32,
    /// Logical sectors of a physical one, as a power of two.
    pub physical_exponent: u8,
    /// Queued commands it takes at once; 0: it takes none.
    pub queue_depth: u32,
    pub takes_forced_writes: bool,
    pub takes_trim: bool,
    pub reads_zeroes_after_trim: bool,
    pub has_write_cache: bool,
    pub rotation_rate: u16,
    /// World wide name; 0 if it has none.
    pub name: u64,
    pub serial: [u8; 20],
    pub revision: [u8; 8],
    pub model: [u8; 40],
}

impl Device {
    /// Reads identify data; `None` if it describes nothing that can be used.
    pub fn parse(kind: DeviceKind, raw: &[u8; SECTOR]) -> Option<Device> {
        let w = |n: usize| u16::from_le_bytes([raw[2 * n], raw[2 * n + 1]]);
        let number = |from: usize, words: usize| {
            (0..words).fold(0u64, |value, n| value | u64::from(w(from + n)) << (16 * n))
        };
        // A checksum is optional; one that is there must fit.
        let sum = raw.iter().fold(0u8, |sum, byte| sum.wrapping_add(*byte));
        if raw[510] == 0xA5 && sum != 0 {
            return None;
        }
        let has_long_sectors = w(106) & 0xD000 == 0x5000;
        let sector_bytes = if has_long_sectors { (number(117, 2) as u32).wrapping_mul(2) } else { 512 };
        let sectors = if w(83) & 1 << 10 != 0 { number(100, 4) } else { number(60, 2) };
        if kind == DeviceKind::Disk && (sectors == 0 || !sector_bytes.is_power_of_two() || sector_bytes < 512)
        {
            return None;
        }
        let is_queueing = w(76) != 0xFFFF && w(76) & 1 << 8 != 0;
        let depth = u32::from(w(75) & 0x1F) + 1;
        Some(Device {
            kind,
            sectors,
            sector_bytes,
            physical_exponent: if w(106) & 0xE000 == 0x6000 { (w(106) & 0xF) as u8 } else { 0 },
            queue_depth: if is_queueing && depth > 1 { depth } else { 0 },
            takes_forced_writes: w(84) & 0xC040 == 0x4040,
            takes_trim: w(169) & 1 != 0,
            reads_zeroes_after_trim: w(69) & 0x4020 == 0x4020,
            has_write_cache: w(85) & 1 << 5 != 0,
            rotation_rate: w(217),
            name: (0..4).fold(0, |name, n| name << 16 | u64::from(w(108 + n))),
            serial: text(raw, 10),
            revision: text(raw, 23),
            model: text(raw, 27),
        })
    }
}

/// Text has its characters swapped in each word.
fn text<const N: usize>(raw: &[u8; SECTOR], word: usize) -> [u8; N] {
    std::array::from_fn(|n| raw[2 * word + (n ^ 1)])
}
