//! Small answers: capacity, mode pages, units, sense; and the commands that change how the device runs.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ask::{Ask, Translation};
use super::code;
use crate::ahci::ata::*;
use crate::ahci::channel::Class;
use crate::ahci::ddi::*;
use crate::ahci::device::Device;
use crate::ahci::sense::{
    INVALID_COMMAND, INVALID_FIELD_IN_CDB, INVALID_FIELD_IN_LIST, LIST_LENGTH_ERROR, Sense,
};

pub(super) const REPORT_LUNS: u8 = 0xA0;
const CACHING: u8 = 0x08;
const CONTROL: u8 = 0x0A;
const ALL_PAGES: u8 = 0x3F;
/// WCE, in byte 2 of the caching page.
const WCE: u8 = 1 << 2;

/// Unit 0, the only one.
pub(super) unsafe fn report_luns(ask: &Ask) -> Translation {
    ask.reply(&[0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], ask.be32(6))
}

/// Sense goes with the request it is about, so that nothing is left to be asked for.
pub(super) unsafe fn request_sense(ask: &Ask) -> Translation {
    ask.reply(&Sense::new(0, 0, 0).render(), ask.cdb[4].into())
}

pub(super) unsafe fn read_capacity_10(device: &Device, ask: &Ask) -> Translation {
    let last = u32::try_from(device.sectors - 1).unwrap_or(u32::MAX);
    let mut raw = [0; 8];
    raw[..4].copy_from_slice(&last.to_be_bytes());
    raw[4..].copy_from_slice(&device.sector_bytes.to_be_bytes());
    ask.reply(&raw, 8)
}

pub(super) unsafe fn read_capacity_16(device: &Device, ask: &Ask) -> Translation {
    const READ_CAPACITY_16: u8 = 0x10;
    if ask.cdb[1] & 0x1F != READ_CAPACITY_16 {
        return ask.refuse(INVALID_FIELD_IN_CDB);
    }
    let mut raw = [0; 32];
    raw[..8].copy_from_slice(&(device.sectors - 1).to_be_bytes());
    raw[8..12].copy_from_slice(&device.sector_bytes.to_be_bytes());
    raw[13] = device.physical_exponent;
    if device.takes_trim {
        // LBPME, and LBPRZ if trimmed blocks read as zeroes.
        raw[14] = 0x80 | if device.reads_zeroes_after_trim { 0x40 } else { 0 };
    }
    ask.reply(&raw, ask.be32(10))
}

/// Caching and control pages, current or changeable values, no block descriptors.
pub(super) unsafe fn mode_sense(device: &Device, ask: &Ask) -> Translation {
    let is_long = ask.cdb[0] == code::MODE_SENSE_10;
    let (control, page) = (ask.cdb[2] >> 6, ask.cdb[2] & 0x3F);
    let known = matches!(page, CACHING | CONTROL | ALL_PAGES);
    // Saved values: 05/39/00.
    if control == 3 {
        return ask.refuse(Sense::new(0x05, 0x39, 0x00));
    }
    if !known || ask.cdb[3] != 0 && ask.cdb[3] != 0xFF {
        return ask.refuse(INVALID_FIELD_IN_CDB);
    }
    let mut raw = [0; 64];
    let mut used = if is_long { 8 } else { 4 };
    let specific = if is_long { 3 } else { 2 };
    // DPOFUA: forced writes reach the medium.
    raw[specific] = if device.queue_depth != 0 || device.takes_forced_writes { 0x10 } else { 0 };
    let is_changeable = control == 1;
    if page != CONTROL {
        raw[used..used + 2].copy_from_slice(&[CACHING, 18]);
        raw[used + 2] = if is_changeable || device.has_write_cache { WCE } else { 0 };
        used += 20;
    }
    if page != CACHING {
        raw[used..used + 2].copy_from_slice(&[CONTROL, 10]);
        // Unrestricted reordering.
        raw[used + 3] = if is_changeable { 0 } else { 0x10 };
        used += 12;
    }
    let allocation = if is_long {
        raw[..2].copy_from_slice(&(used as u16 - 2).to_be_bytes());
        u32::from(ask.be16(7))
    } else {
        raw[0] = used as u8 - 1;
        u32::from(ask.cdb[4])
    };
    ask.reply(&raw[..used], allocation)
}

/// The caching page's WCE, and nothing else, becomes SET FEATURES.
pub(super) unsafe fn mode_select(ask: &Ask) -> Translation {
    const PAGE_FORMAT: u8 = 1 << 4;
    let is_long = ask.cdb[0] == code::MODE_SELECT_10;
    if ask.cdb[1] & PAGE_FORMAT == 0 || ask.cdb[1] & 1 != 0 {
        return ask.refuse(INVALID_FIELD_IN_CDB);
    }
    let list = ask.data();
    let length = if is_long { usize::from(ask.be16(7)) } else { usize::from(ask.cdb[4]) };
    if length == 0 {
        return Translation::Done(SRB_STATUS_SUCCESS);
    }
    let (header, descriptors) = match (is_long, list.get(..length)) {
        (true, Some(list)) if length >= 8 => (8, usize::from(u16::from_be_bytes([list[6], list[7]]))),
        (false, Some(list)) if length >= 4 => (4, usize::from(list[3])),
        _ => return ask.refuse(LIST_LENGTH_ERROR),
    };
    match list[..length].get(header + descriptors..) {
        Some([CACHING, 18, flags, ..]) => {
            let feature = if flags & WCE != 0 { ENABLE_WRITE_CACHE } else { DISABLE_WRITE_CACHE };
            let task = Task { features: feature.into(), ..Task::new(SET_FEATURES) };
            ask.command_without_data(task, Class::Exclusive)
        }
        _ => ask.refuse(INVALID_FIELD_IN_LIST),
    }
}

/// Stop: standby. Start: idle. Loading, ejecting and power conditions are not a disk's.
pub(super) unsafe fn start_stop(ask: &Ask) -> Translation {
    let (flags, is_start) = (ask.cdb[4], ask.cdb[4] & 1 != 0);
    if flags & 2 != 0 || flags >> 4 != 0 {
        return ask.refuse(if flags & 2 != 0 { INVALID_COMMAND } else { INVALID_FIELD_IN_CDB });
    }
    let command = if is_start { IDLE_IMMEDIATE } else { STANDBY_IMMEDIATE };
    ask.command_without_data(Task::new(command), Class::Exclusive)
}
