//! Commands that name blocks: reads, writes, verification, UNMAP.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ask::{Ask, Translation};
use super::code;
use crate::ahci::ata::*;
use crate::ahci::channel::*;
use crate::ahci::ddi::*;
use crate::ahci::device::Device;
use crate::ahci::sense::{
    BLOCK_OUT_OF_RANGE, INVALID_COMMAND, INVALID_FIELD_IN_CDB, INVALID_FIELD_IN_LIST, LIST_LENGTH_ERROR,
};

/// Blocks one ATA command can name; a count of 0 stands for them.
const BLOCKS_MAX: u32 = 0x1_0000;
/// FUA, in byte 1 of the longer command blocks.
const FUA: u8 = 1 << 3;
/// BYTCHK, in byte 1 of VERIFY: compares with data, which no ATA command does.
const BYTCHK: u8 = 3 << 1;
/// Blocks one TRIM range can name, and ranges in a sector of them.
const RANGE_BLOCKS_MAX: u32 = 0xFFFF;
const RANGES: usize = SECTOR / 8;
/// The limits of UNMAP in VPD page B0h: its ranges always fit one sector.
pub(super) const UNMAP_DESCRIPTORS_MAX: u32 = RANGES as u32 / 2;
pub(super) const UNMAP_BLOCKS_MAX: u32 = UNMAP_DESCRIPTORS_MAX * RANGE_BLOCKS_MAX;

/// The first block, how many, and byte 1.
fn blocks(ask: &Ask) -> (u64, u32, u8) {
    match ask.cdb[0] {
        code::READ_6 | code::WRITE_6 => {
            let count = if ask.cdb[4] == 0 { 256 } else { u32::from(ask.cdb[4]) };
            (u64::from(ask.be32(0) & 0x1F_FFFF), count, 0)
        }
        code::READ_10 | code::WRITE_10 | code::VERIFY_10 => {
            (ask.be32(2).into(), ask.be16(7).into(), ask.cdb[1])
        }
        code::READ_12 | code::WRITE_12 | code::VERIFY_12 => (ask.be32(2).into(), ask.be32(6), ask.cdb[1]),
        _ => (ask.be64(2), ask.be32(10), ask.cdb[1]),
    }
}

fn is_on_disk(device: &Device, first: u64, count: u32) -> bool {
    first.checked_add(count.into()).is_some_and(|end| end <= device.sectors)
}

pub(super) unsafe fn transfer(device: &Device, ask: &Ask, is_write: bool) -> Translation {
    let (lba, count, flags) = blocks(ask);
    if !is_on_disk(device, lba, count) {
        return ask.refuse(BLOCK_OUT_OF_RANGE);
    }
    if count == 0 {
        SrbSetDataTransferLength(ask.Srb.cast(), 0);
        return Translation::Done(SRB_STATUS_SUCCESS);
    }
    let bytes = u64::from(count) * u64::from(device.sector_bytes);
    if count > BLOCKS_MAX || bytes != u64::from(ask.bytes) {
        return ask.refuse(INVALID_FIELD_IN_CDB);
    }
    let is_forced = flags & FUA != 0;
    let field = count as u16;
    let task = if device.queue_depth != 0 {
        let command = if is_write { WRITE_FPDMA_QUEUED } else { READ_FPDMA_QUEUED };
        let device = DEVICE_LBA | if is_forced { DEVICE_FUA } else { 0 };
        // The count goes to the feature field; its own has the tag.
        Task { command, features: field, lba, device, count: 0 }
    } else {
        let command = match (is_write, is_forced && device.takes_forced_writes) {
            (false, _) => READ_DMA_EXT,
            (true, false) => WRITE_DMA_EXT,
            (true, true) => WRITE_DMA_FUA_EXT,
        };
        Task { command, features: 0, lba, device: DEVICE_LBA, count: field }
    };
    let class = if device.queue_depth != 0 { Class::Queued } else { Class::Normal };
    ask.command_with_data(task, class, is_write)
}

pub(super) unsafe fn verify(device: &Device, ask: &Ask) -> Translation {
    let (lba, count, flags) = blocks(ask);
    if flags & BYTCHK != 0 || count > BLOCKS_MAX {
        return ask.refuse(INVALID_FIELD_IN_CDB);
    }
    if !is_on_disk(device, lba, count) {
        return ask.refuse(BLOCK_OUT_OF_RANGE);
    }
    if count == 0 {
        return Translation::Done(SRB_STATUS_SUCCESS);
    }
    let task = Task { lba, count: count as u16, device: DEVICE_LBA, ..Task::new(READ_VERIFY_SECTORS_EXT) };
    ask.command_without_data(task, Class::Normal)
}

/// UNMAP becomes one TRIM: ranges of at most 65535 blocks, in a sector behind the command table.
pub(super) unsafe fn unmap(device: &Device, ask: &Ask) -> Translation {
    if !device.takes_trim {
        return ask.refuse(INVALID_COMMAND);
    }
    let list = ask.data();
    let length = usize::from(ask.be16(7)).min(list.len());
    if length == 0 {
        return Translation::Done(SRB_STATUS_SUCCESS);
    }
    if length < 8 {
        return ask.refuse(LIST_LENGTH_ERROR);
    }
    let described = usize::from(u16::from_be_bytes([list[2], list[3]]));
    let descriptors = &list[8..length.min(8 + described)];
    let mut ranges = [0u64; RANGES];
    let mut used = 0;
    for raw in descriptors.as_chunks::<16>().0 {
        let mut lba = u64::from_be_bytes(*raw.first_chunk().unwrap_or(&[0; 8]));
        let mut left = u32::from_be_bytes([raw[8], raw[9], raw[10], raw[11]]);
        if !is_on_disk(device, lba, left) {
            return ask.refuse(BLOCK_OUT_OF_RANGE);
        }
        while left != 0 {
            let now = left.min(RANGE_BLOCKS_MAX);
            let Some(range) = ranges.get_mut(used) else { return ask.refuse(INVALID_FIELD_IN_LIST) };
            *range = lba | u64::from(now) << 48;
            (lba, left, used) = (lba + u64::from(now), left - now, used + 1);
        }
    }
    if used == 0 {
        return Translation::Done(SRB_STATUS_SUCCESS);
    }
    let r = request(ask.Srb);
    let sector = (*r).table.cast::<u8>().wrapping_add(TRIM_OFFSET);
    for (n, range) in ranges.iter().enumerate() {
        sector.add(8 * n).copy_from_nonoverlapping(range.to_le_bytes().as_ptr(), 8);
    }
    (*(*r).table).prds[0] =
        Prd { address: (*r).table_physical + TRIM_OFFSET as u64, reserved: 0, count: SECTOR as u32 - 1 };
    (*r).prds = 1;
    let task = Task { features: 1, count: 1, device: DEVICE_LBA, ..Task::new(DATA_SET_MANAGEMENT) };
    let translation = ask.command_with_data(task, Class::Normal, true);
    (*r).bytes = SECTOR as u32;
    translation
}
