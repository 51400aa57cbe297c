//! Virtio's modern PCI transport: where the registers are, and how status and features are agreed on.
//!
//! What virtio-win has in its VirtIO library. The places come from the capabilities in configuration space.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ddi::{
    PUCHAR, PULONG, PVOID, StorPortReadRegisterUchar, StorPortReadRegisterUlong, StorPortReadRegisterUshort,
    StorPortStallExecution, StorPortWriteRegisterUchar, StorPortWriteRegisterUlong,
    StorPortWriteRegisterUshort,
};
use super::virtio::*;

/// How often, and how many microseconds apart, a device is asked whether it has been reset: a second in all.
const RESET_POLLS: u32 = 10_000;
const RESET_POLL_US: u32 = 100;

/// The places of the device's structures.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Registers {
    pub common: *mut u8,
    pub notify: *mut u8,
    pub isr: *mut u8,
    pub device: *mut u8,
    pub notify_multiplier: u32,
    /// Bytes of the registers for notifications.
    pub notify_length: u32,
}

/// The structures' places, as the capabilities have them: offsets in the first range.
#[derive(Clone, Copy, Default)]
pub struct Places {
    pub common: Option<u32>,
    pub notify: Option<u32>,
    pub isr: Option<u32>,
    pub device: Option<u32>,
    pub notify_multiplier: u32,
    pub notify_length: u32,
}

/// Reads the list of capabilities; a list that bites its own tail is read no further than it is long.
pub fn places(space: &[u8; 256]) -> Places {
    let mut found = Places::default();
    if space[PCI_STATUS] & PCI_STATUS_CAPABILITIES == 0 {
        return found;
    }
    let word = |at: usize| space.get(at..at + 4).map_or(0, |b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let mut at = usize::from(space[PCI_CAPABILITIES]);
    for _ in 0..48 {
        if !(0x40..=0xF0).contains(&at) {
            break;
        }
        let (id, kind, bar) = (space[at], space[at + 3], space[at + 4]);
        if id == PCI_CAPABILITY_VENDOR && bar == 0 {
            let offset = Some(word(at + 8));
            match kind {
                CAP_COMMON => found.common = found.common.or(offset),
                CAP_ISR => found.isr = found.isr.or(offset),
                CAP_DEVICE => found.device = found.device.or(offset),
                CAP_NOTIFY if found.notify.is_none() => {
                    found.notify = offset;
                    found.notify_length = word(at + 12);
                    found.notify_multiplier = word(at + 16);
                }
                _ => {}
            }
        }
        at = usize::from(space[at + 1]);
    }
    found
}

impl Registers {
    /// # Safety
    /// The ranges are mapped, as for everything below.
    pub unsafe fn status(&self, DeviceExtension: PVOID) -> u8 {
        StorPortReadRegisterUchar(DeviceExtension, self.common.wrapping_add(DEVICE_STATUS))
    }

    unsafe fn write_status(&self, DeviceExtension: PVOID, status: u8) {
        StorPortWriteRegisterUchar(DeviceExtension, self.common.wrapping_add(DEVICE_STATUS), status)
    }

    /// Sets bits of the status and keeps the others.
    pub unsafe fn add_status(&self, DeviceExtension: PVOID, bits: u8) {
        self.write_status(DeviceExtension, self.status(DeviceExtension) | bits)
    }

    /// Resets the device and waits for it. `false`: it is gone, or takes longer than a second.
    pub unsafe fn reset(&self, DeviceExtension: PVOID) -> bool {
        self.write_status(DeviceExtension, 0);
        for _ in 0..RESET_POLLS {
            match self.status(DeviceExtension) {
                0 => return true,
                STATUS_GONE => return false,
                _ => StorPortStallExecution(RESET_POLL_US),
            }
        }
        false
    }

    /// The features that the device offers.
    pub unsafe fn offered_features(&self, DeviceExtension: PVOID) -> u64 {
        self.write_u32(DeviceExtension, DEVICE_FEATURE_SELECT, 0);
        let low = self.read_u32(DeviceExtension, DEVICE_FEATURE);
        self.write_u32(DeviceExtension, DEVICE_FEATURE_SELECT, 1);
        u64::from(self.read_u32(DeviceExtension, DEVICE_FEATURE)) << 32 | u64::from(low)
    }

    /// Greets a device that was reset and agrees on features. `false`: it does not agree.
    pub unsafe fn negotiate(&self, DeviceExtension: PVOID, wanted: u64) -> bool {
        self.add_status(DeviceExtension, STATUS_ACKNOWLEDGE);
        self.add_status(DeviceExtension, STATUS_DRIVER);
        for half in 0..2 {
            self.write_u32(DeviceExtension, DRIVER_FEATURE_SELECT, half);
            self.write_u32(DeviceExtension, DRIVER_FEATURE, (wanted >> (32 * half)) as u32);
        }
        self.add_status(DeviceExtension, STATUS_FEATURES_OK);
        let status = self.status(DeviceExtension);
        status != STATUS_GONE && status & STATUS_FEATURES_OK != 0
    }

    pub unsafe fn read_u16(&self, DeviceExtension: PVOID, offset: usize) -> u16 {
        let at: *mut u16 = self.common.wrapping_add(offset).cast();
        StorPortReadRegisterUshort(DeviceExtension, at)
    }

    pub unsafe fn write_u16(&self, DeviceExtension: PVOID, offset: usize, value: u16) {
        let at: *mut u16 = self.common.wrapping_add(offset).cast();
        StorPortWriteRegisterUshort(DeviceExtension, at, value)
    }

    unsafe fn read_u32(&self, DeviceExtension: PVOID, offset: usize) -> u32 {
        let at: PULONG = self.common.wrapping_add(offset).cast();
        StorPortReadRegisterUlong(DeviceExtension, at)
    }

    unsafe fn write_u32(&self, DeviceExtension: PVOID, offset: usize, value: u32) {
        let at: PULONG = self.common.wrapping_add(offset).cast();
        StorPortWriteRegisterUlong(DeviceExtension, at, value)
    }

    /// Writes an address: its two halves.
    pub unsafe fn write_address(&self, DeviceExtension: PVOID, offset: usize, address: u64) {
        self.write_u32(DeviceExtension, offset, address as u32);
        self.write_u32(DeviceExtension, offset + 4, (address >> 32) as u32);
    }

    /// A 32-bit field of the device's own configuration.
    pub unsafe fn device_u32(&self, DeviceExtension: PVOID, offset: usize) -> u32 {
        let at: PULONG = self.device.wrapping_add(offset).cast();
        StorPortReadRegisterUlong(DeviceExtension, at)
    }

    pub unsafe fn set_device_u32(&self, DeviceExtension: PVOID, offset: usize, value: u32) {
        let at: PULONG = self.device.wrapping_add(offset).cast();
        StorPortWriteRegisterUlong(DeviceExtension, at, value)
    }

    /// A 16-bit field of the device's own configuration.
    pub unsafe fn device_u16(&self, DeviceExtension: PVOID, offset: usize) -> u16 {
        let at: *mut u16 = self.device.wrapping_add(offset).cast();
        StorPortReadRegisterUshort(DeviceExtension, at)
    }

    /// The register for notifications at an offset that the device says; `None` if there is none.
    pub fn notification(&self, offset: u16) -> Option<*mut u16> {
        let at = u64::from(offset) * u64::from(self.notify_multiplier);
        (at + 2 <= u64::from(self.notify_length)).then(|| self.notify.wrapping_add(at as usize).cast())
    }

    /// Why the line is asserted; reading it is the acknowledgement.
    pub unsafe fn interrupt_status(&self, DeviceExtension: PVOID) -> u8 {
        let at: PUCHAR = self.isr;
        StorPortReadRegisterUchar(DeviceExtension, at)
    }
}
