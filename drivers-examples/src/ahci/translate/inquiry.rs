//! INQUIRY from identify data: the standard data, and the vital product data pages 00h, 80h, 83h, B0h, B1h
//! and, of a disk that takes trims, B2h.
//!
//! Layouts are SPC-5's and SBC-4's; which field of identify data goes where is SAT-4's.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ask::{Ask, Translation};
use super::block::{UNMAP_BLOCKS_MAX, UNMAP_DESCRIPTORS_MAX};
use crate::ahci::device::Device;
use crate::ahci::sense::INVALID_FIELD_IN_CDB;

/// The vendor that SAT-4 demands.
const VENDOR: &[u8; 8] = b"ATA     ";
/// The most one request moves, in bytes: reported, in blocks, as the maximum transfer length.
const TRANSFER_BYTES_MAX: u32 = crate::ahci::ata::TRANSFER_MAX;

/// Replies to INQUIRY, or refuses a page that there is not.
pub(super) unsafe fn inquiry(device: &Device, ask: &Ask) -> Translation {
    let allocation = u32::from(ask.be16(3));
    let (is_vital, page) = (ask.cdb[1] & 1 != 0, ask.cdb[2]);
    if !is_vital {
        return if page == 0 {
            ask.reply(&standard(device), allocation)
        } else {
            ask.refuse(INVALID_FIELD_IN_CDB)
        };
    }
    let mut raw = [0; 64];
    raw[1] = page;
    let used = match page {
        0x00 => supported(device, &mut raw),
        0x80 => {
            raw[4..24].copy_from_slice(&device.serial);
            24
        }
        0x83 => designators(device, &mut raw),
        0xB0 => limits(device, &mut raw),
        0xB1 => characteristics(device, &mut raw),
        0xB2 if device.takes_trim => provisioning(device, &mut raw),
        _ => return ask.refuse(INVALID_FIELD_IN_CDB),
    };
    raw[3] = (used - 4) as u8;
    ask.reply(&raw[..used], allocation)
}

/// The standard data.
fn standard(device: &Device) -> [u8; 36] {
    let mut raw = [0; 36];
    // Version SPC-5, response format 2, additional length.
    (raw[2], raw[3], raw[4]) = (0x07, 0x02, 36 - 5);
    // CmdQue.
    raw[7] = if device.queue_depth != 0 { 0x02 } else { 0 };
    raw[8..16].copy_from_slice(VENDOR);
    raw[16..32].copy_from_slice(&device.model[..16]);
    // SAT-4: the last four characters of the revision, unless they are blank.
    let (front, back) = device.revision.split_at(4);
    raw[32..36].copy_from_slice(if back == b"    " { front } else { back });
    raw
}

/// Page 00h: which pages there are. Returns the length, as the functions below do.
fn supported(device: &Device, raw: &mut [u8; 64]) -> usize {
    raw[4..9].copy_from_slice(&[0x00, 0x80, 0x83, 0xB0, 0xB1]);
    raw[9] = 0xB2;
    if device.takes_trim { 10 } else { 9 }
}

/// Page 83h: the world wide name if there is one, else vendor, model and serial number.
fn designators(device: &Device, raw: &mut [u8; 64]) -> usize {
    if device.name != 0 {
        // Binary, NAA, of the logical unit, eight bytes.
        raw[4..8].copy_from_slice(&[0x01, 0x03, 0, 8]);
        raw[8..16].copy_from_slice(&device.name.to_be_bytes());
        return 16;
    }
    // ASCII, T10 vendor ID, of the logical unit.
    raw[4..8].copy_from_slice(&[0x02, 0x01, 0, 44]);
    raw[8..16].copy_from_slice(VENDOR);
    raw[16..32].copy_from_slice(&device.model[..16]);
    raw[32..52].copy_from_slice(&device.serial);
    52
}

/// Page B0h: block limits.
fn limits(device: &Device, raw: &mut [u8; 64]) -> usize {
    let blocks_max = TRANSFER_BYTES_MAX / device.sector_bytes;
    raw[8..12].copy_from_slice(&blocks_max.to_be_bytes());
    if device.takes_trim {
        raw[20..24].copy_from_slice(&UNMAP_BLOCKS_MAX.to_be_bytes());
        raw[24..28].copy_from_slice(&UNMAP_DESCRIPTORS_MAX.to_be_bytes());
    }
    64
}

/// Page B1h: block device characteristics.
fn characteristics(device: &Device, raw: &mut [u8; 64]) -> usize {
    raw[4..6].copy_from_slice(&device.rotation_rate.to_be_bytes());
    64
}

/// Page B2h: logical block provisioning.
fn provisioning(device: &Device, raw: &mut [u8; 64]) -> usize {
    // LBPU, and LBPRZ if trimmed blocks read as zeroes.
    raw[5] = 0x80 | if device.reads_zeroes_after_trim { 0x04 } else { 0 };
    // Provisioning type: thin.
    raw[6] = 0x02;
    8
}
