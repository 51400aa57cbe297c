//! The unit itself: is it ready, is it started, how big is it, what has it to say?

use zerocopy::IntoBytes;

use super::ScsiDisk;
use super::commands::{Cdb, view};
use super::transfer::Transfer;
use crate::scsi::{
    ReadCapacity10Data, ReadCapacity16, ReadCapacity16Data, RequestSense, Sense, SenseFormat, StartStopUnit,
};

/// TEST UNIT READY: its row in the table has asked already.
pub(super) fn test_unit_ready(_: &mut ScsiDisk, _: &Cdb, _: &mut Transfer<'_>) -> Result<(), Sense> {
    Ok(())
}

/// REQUEST SENSE (SPC-5, "REQUEST SENSE command"): the oldest unit attention, which it clears; else whether
/// the unit is stopped; else NO SENSE. Sense of a failed command is never kept for it: it travels with the
/// status.
pub(super) fn request_sense(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let sense = if let Some(pending) = disk.attentions.take(transfer.nexus()) {
        Sense::unit_attention(pending)
    } else if disk.started {
        Sense::NO_SENSE
    } else {
        ScsiDisk::STOPPED
    };
    reply_sense(&sense, cdb, transfer)
}

/// Sends sense as parameter data, in the format the REQUEST SENSE block asks for.
pub(super) fn reply_sense(sense: &Sense, cdb: &Cdb, transfer: &mut Transfer<'_>) -> Result<(), Sense> {
    let cdb: &RequestSense = view(cdb);
    let format = if cdb.desc & 1 != 0 { SenseFormat::Descriptor } else { SenseFormat::Fixed };
    let mut data = [0; Sense::LEN_MAX];
    let len = sense.render(format, &mut data);
    transfer.reply(&data[..len], cdb.allocation_length)
}

/// START STOP UNIT (SBC-4, section of that name). Stopping flushes first, unless NO_FLUSH; if that fails the
/// unit stays started. LOEJ and power conditions are refused: the medium does not come out, and there is no
/// power condition page.
pub(super) fn start_stop_unit(disk: &mut ScsiDisk, cdb: &Cdb, _: &mut Transfer<'_>) -> Result<(), Sense> {
    let cdb: &StartStopUnit = view(cdb);
    let start = cdb.flags & StartStopUnit::START != 0;
    if !start && disk.started && cdb.flags & StartStopUnit::NO_FLUSH == 0 {
        disk.flush_all()?;
    }
    disk.started = start;
    Ok(())
}

/// SEND DIAGNOSTIC (SPC-5, section of that name): the default self-test, which passes, or nothing. There are
/// no diagnostic pages, so a parameter list is refused.
pub(super) fn send_diagnostic(_: &mut ScsiDisk, _: &Cdb, _: &mut Transfer<'_>) -> Result<(), Sense> {
    Ok(())
}

/// PREVENT ALLOW MEDIUM REMOVAL: accepted, and without effect on a medium that cannot be removed.
pub(super) fn prevent_allow(_: &mut ScsiDisk, _: &Cdb, _: &mut Transfer<'_>) -> Result<(), Sense> {
    Ok(())
}

/// READ CAPACITY(10): FFFFFFFFh from a disk whose last block has no 32-bit address.
pub(super) fn read_capacity_10(
    disk: &mut ScsiDisk,
    _: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let data = ReadCapacity10Data {
        last_block: u32::try_from(disk.blocks - 1).unwrap_or(u32::MAX).into(),
        block_length: disk.geometry.block_size.bytes().into(),
    };
    // The command has no allocation length: always 8 bytes.
    transfer.reply(data.as_bytes(), u64::MAX)
}

/// READ CAPACITY(16).
pub(super) fn read_capacity_16(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let data = ReadCapacity16Data {
        last_block: (disk.blocks - 1).into(),
        block_length: disk.geometry.block_size.bytes().into(),
        protection: 0,
        exponents: disk.geometry.physical_exponent,
        provisioning: ReadCapacity16Data::UNMAP_READS_ZERO.into(),
        reserved: [0; 16],
    };
    transfer.reply(data.as_bytes(), view::<ReadCapacity16>(cdb).allocation_length.get())
}
