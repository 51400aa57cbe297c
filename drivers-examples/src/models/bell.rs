//! A device that does nothing but interrupt.
//!
//! It rings as often as it is told to. Each ring asserts the line until the driver clears it; the
//! next one waits for that. It has no bit that says it is ready, although some drivers here wait for
//! one.

use kernel_sim::hardware::{Bus, HardwareModel};

/// The vector of its line.
pub const VECTOR: u32 = 0x41;
/// Register: how often to ring still; a number written is added.
pub const RINGS: usize = 0;
/// Register: bit 0 is set by a ring and asserts the line; writing 1 clears it.
pub const STATUS: usize = 4;
/// [`STATUS`]: it has rung.
pub const STATUS_RUNG: u32 = 1;
/// [`STATUS`]: what the drivers wait for that the device never sets.
pub const STATUS_READY: u32 = 2;
/// Length of the register file.
pub const LENGTH: usize = 8;

/// The device.
#[derive(Default)]
pub struct Bell {
    rings: u32,
    status: u32,
}

impl HardwareModel for Bell {
    fn name(&self) -> &'static str {
        "bell"
    }

    fn line(&self) -> (u32, bool) {
        (VECTOR, self.status & STATUS_RUNG != 0)
    }

    fn read(&mut self, offset: usize, _width: u8) -> u64 {
        match offset {
            RINGS => self.rings.into(),
            STATUS => self.status.into(),
            _ => 0,
        }
    }

    fn write(&mut self, offset: usize, _width: u8, value: u64) {
        match offset {
            RINGS => self.rings = self.rings.wrapping_add(value as u32),
            STATUS => self.status &= !(value as u32),
            _ => {}
        }
    }

    fn steps(&self) -> u32 {
        u32::from(self.rings != 0 && self.status & STATUS_RUNG == 0)
    }

    fn step(&mut self, _which: u32, _bus: &Bus<'_>) {
        self.rings -= 1;
        self.status |= STATUS_RUNG;
    }
}
