//! How big a disk is: READ CAPACITY(16), or (10) where that is not understood.

use super::question::ask as ask_unit;
use crate::scsi::{Opcode, ReadCapacity10Data, ReadCapacity16, ReadCapacity16Data, Rw10};
use kernel_sim::ddi::PDEVICE_OBJECT;
use kernel_sim::machine::Machine;
use zerocopy::{FromBytes, IntoBytes};

/// Bytes of parameter data.
const BYTES: u32 = 32;

/// Size of a disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Capacity {
    pub blocks: u64,
    /// A power of two, at least 512.
    pub block_bytes: u32,
}

impl Capacity {
    pub(super) fn bytes(self) -> u64 {
        self.blocks.saturating_mul(u64::from(self.block_bytes))
    }
}

/// Asks the unit below; `None` if it does not say anything that makes sense. PASSIVE_LEVEL.
pub(super) fn ask(machine: &Machine, lower: PDEVICE_OBJECT, is_extended: bool) -> Option<Capacity> {
    let ask = |cdb: &[u8]| ask_unit(machine, lower, is_extended, cdb, BYTES);
    let long = ask(ReadCapacity16::new(BYTES).as_bytes()).and_then(|data| {
        let (data, _) = ReadCapacity16Data::read_from_prefix(&data).ok()?;
        checked(data.last_block.get(), data.block_length.get())
    });
    long.or_else(|| {
        let data = ask(Rw10::new(Opcode::READ_CAPACITY_10, 0, 0).as_bytes())?;
        let (data, _) = ReadCapacity10Data::read_from_prefix(&data).ok()?;
        checked(data.last_block.get().into(), data.block_length.get())
    })
}

fn checked(last_block: u64, block_bytes: u32) -> Option<Capacity> {
    let blocks = last_block.checked_add(1)?;
    (block_bytes.is_power_of_two() && block_bytes >= 512).then_some(Capacity { blocks, block_bytes })
}
