//! What a hostile device says of itself: false numbers in the data of questions.
//!
//! The command is executed, and its data changed then, as far as the buffer goes. What such data says is
//! wrong in the ways that a driver must see through: lengths past the end, units twice, half a disk.
//! Invariant: nothing is written past the buffer, and what a device says truly is not touched.

use super::{FaultKind, Subject};
use crate::disk::transfer::Transfer;
use crate::disk::{Completion, DataPhase, Target};
use crate::scsi::{Lun, Opcode};

/// Bytes in front of the numbers of REPORT LUNS, and of one number.
const LIST_HEADER: usize = 8;
const LIST_ENTRY: usize = 8;

impl Target {
    /// Whether the device lies when it is asked, not by a command, what `opcode` asks: its registers and
    /// identify data say what INQUIRY and READ CAPACITY say of other devices.
    pub fn lies(&mut self, kind: FaultKind, lun: Lun, opcode: Opcode) -> bool {
        let subject = Subject::of_question(lun, opcode);
        self.faults.as_mut().is_some_and(|faults| faults.lies(kind, &subject))
    }

    /// Executes a question, and falsifies the data.
    pub(super) fn conclude_with_lies(
        &mut self,
        kind: FaultKind,
        lun: Lun,
        cdb: &[u8],
        transfer: Transfer<'_>,
    ) -> Completion {
        let nexus = transfer.nexus();
        let DataPhase::In(buffer) = transfer.into_data() else {
            return self.conclude(lun, cdb, Transfer::new(nexus, DataPhase::None));
        };
        let mut done = self.conclude(lun, cdb, Transfer::new(nexus, DataPhase::In(&mut *buffer)));
        let moved = done.transferred.min(buffer.len());
        let room = allocation_length(cdb).min(buffer.len());
        match kind {
            FaultKind::RepeatedUnits => done.transferred = repeat_units(&mut buffer[..room], moved),
            FaultKind::ShrunkCapacity => shrink(cdb, &mut buffer[..moved]),
            _ => stretch(cdb, &mut buffer[..moved]),
        }
        done.expected = done.expected.max(done.transferred as u64);
        done
    }
}

/// Bytes that REPORT LUNS asks for; none for another command, which is not made longer.
fn allocation_length(cdb: &[u8]) -> usize {
    match cdb {
        [code, _, _, _, _, _, a, b, c, d, ..] if *code == Opcode::REPORT_LUNS.0 => {
            u32::from_be_bytes([*a, *b, *c, *d]) as usize
        }
        _ => usize::MAX,
    }
}

/// Says every number twice as far as there is room, in a list said to be longer than any. Returns the bytes
/// there are now.
fn repeat_units(buffer: &mut [u8], moved: usize) -> usize {
    if moved < LIST_HEADER {
        return moved;
    }
    let entries = (moved - LIST_HEADER) / LIST_ENTRY * LIST_ENTRY;
    let more = entries.min(buffer.len() - moved) / LIST_ENTRY * LIST_ENTRY;
    buffer.copy_within(LIST_HEADER..LIST_HEADER + more, moved);
    buffer[..4].copy_from_slice(&0xFFFF_FFF8u32.to_be_bytes());
    moved + more
}

/// The last block is half as far.
fn shrink(cdb: &[u8], data: &mut [u8]) {
    const READ_CAPACITY_16: u8 = 0x10;
    match cdb {
        [code, ..] if *code == Opcode::READ_CAPACITY_10.0 => halve::<4>(data),
        [_, action, ..] if action & 0x1F == READ_CAPACITY_16 => halve::<8>(data),
        _ => {}
    }
}

/// Halves the number of `N` bytes in front.
fn halve<const N: usize>(data: &mut [u8]) {
    let Some(number) = data.first_chunk_mut::<N>() else { return };
    let mut carry = 0;
    for byte in number {
        (*byte, carry) = (*byte >> 1 | carry, *byte << 7);
    }
}

/// Lengths of INQUIRY data: of all that follows, and of the first designator in page 83h.
fn stretch(cdb: &[u8], data: &mut [u8]) {
    const DEVICE_IDENTIFICATION: u8 = 0x83;
    let mut put = |at: usize| {
        if let Some(byte) = data.get_mut(at) {
            *byte = 0xFF;
        }
    };
    match cdb {
        [_, flags, page, ..] if flags & 1 != 0 => {
            put(2);
            put(3);
            if *page == DEVICE_IDENTIFICATION {
                put(7);
            }
        }
        _ => put(4),
    }
}
