//! The lies of a hostile device, in this device's form: what [`Disposition`]s and questions of a fault plan
//! become.
//!
//! | the plan says | the device |
//! | --- | --- |
//! | `LongLength` | a used length, or a residual, of 2^32 - 1 bytes |
//! | `UnknownStatus` | a SCSI status, or a response, that there is not |
//! | `LongSense` | a length of sense data of 2^32 - 1 bytes, or one more than the field has |
//! | `Stray` | one more used element in front, with an identifier that no descriptor has |
//! | a lie about itself | 0, 1 or all ones in its configuration, or in a queue's size or notification |
//!
//! The forms are taken in turn. Invariant: the identifiers of strays are beyond the ring: one within it could
//! be that of a chain which the driver puts in just then.

use super::VirtioScsi;
use super::slot::{COMMON, COMMON_BYTES, CONFIG, CONFIG_BYTES};
use super::spec::CommandResponse;
use crate::disk::fault::{Disposition, FaultKind, UNKNOWN_STATUS};
use crate::scsi::{Lun, Opcode};
use kernel_sim::hardware::{BadAddress, Bus};
use std::mem::offset_of;

/// Fields of the common configuration in which the device describes itself: how many queues, how long one is,
/// where it is notified.
const OF_ITSELF: [usize; 3] = [0x12, 0x18, 0x1E];

impl VirtioScsi {
    /// Falsifies an answer that was written, of which `written` bytes are used; returns how many are said to
    /// be.
    pub(super) fn falsify(
        &mut self,
        disposition: Disposition,
        place: usize,
        written: usize,
        bus: &Bus<'_>,
    ) -> Result<usize, BadAddress> {
        if disposition.is_delivered() && disposition != Disposition::Deliver {
            let form = self.next_form();
            let Self { tasks, stray, registers, .. } = self;
            let task = tasks.get(place);
            let answer = &task.chain.writable;
            match (disposition, form % 2) {
                (Disposition::Stray, _) => {
                    let size = u32::from(self.rings[task.queue].size);
                    let ids = [size, u32::MAX, 0x1_0000 | u32::from(task.chain.head), 0x8000_0000];
                    *stray = Some(ids[form as usize % ids.len()]);
                }
                (Disposition::LongLength, 0) => return Ok(u32::MAX as usize),
                (Disposition::LongLength, _) => {
                    answer.write(bus, offset_of!(CommandResponse, residual), &[0xFF; 4])?
                }
                (Disposition::UnknownStatus, 0) => {
                    answer.write(bus, offset_of!(CommandResponse, status), &[UNKNOWN_STATUS])?;
                }
                (Disposition::UnknownStatus, _) => {
                    answer.write(bus, offset_of!(CommandResponse, response), &[UNKNOWN_STATUS])?;
                }
                (_, 0) => answer.write(bus, offset_of!(CommandResponse, sense_bytes), &[0xFF; 4])?,
                _ => {
                    let more = registers.sense_bytes + 1;
                    answer.write(bus, offset_of!(CommandResponse, sense_bytes), &more.to_le_bytes())?;
                }
            }
        }
        Ok(written)
    }

    fn next_form(&mut self) -> u32 {
        self.lies = self.lies.wrapping_add(1);
        self.lies
    }

    /// What a register says instead of `value`, if it is one in which the device describes itself and the
    /// plan wants a lie.
    pub(super) fn say_of_itself(&mut self, offset: usize, width: u8, value: u64) -> u64 {
        let is_common =
            |at: usize| (COMMON..COMMON + COMMON_BYTES).contains(&offset) && offset - COMMON == at;
        let is_config = (CONFIG..CONFIG + CONFIG_BYTES).contains(&offset);
        if !is_config && !OF_ITSELF.into_iter().any(is_common) {
            return value;
        }
        if !self.medium.with(|target| target.lies(FaultKind::LyingInquiry, Lun::ZERO, Opcode::INQUIRY)) {
            return value;
        }
        let all_ones = u64::MAX >> (64 - 8 * u32::from(width.clamp(1, 8)));
        // The largest power of two, where a queue's size must be one.
        let large = if is_common(0x18) { 0x8000 } else { all_ones };
        [0, 1, large][self.next_form() as usize % 3]
    }
}
