//! READ DEFECT DATA: which blocks are bad? None: a block that cannot be read is a fault of the run, not of
//! the disk.

use super::ScsiDisk;
use super::commands::{Cdb, view};
use super::transfer::Transfer;
use crate::scsi::{ReadDefectData10, ReadDefectData12, Sense};

/// REQ_PLIST, REQ_GLIST and the format, which the returned header repeats.
const LISTS: u8 = 0x1f;

/// READ DEFECT DATA(10) (SBC-4, section of that name).
pub(super) fn read_defect_data_10(
    _: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let cdb: &ReadDefectData10 = view(cdb);
    check_format(cdb.lists, 2)?;
    transfer.reply(&[0, cdb.lists & LISTS, 0, 0], cdb.allocation_length.get())
}

/// READ DEFECT DATA(12) (SBC-4, section of that name). An empty list has no first address either: any index
/// but zero is 05/24/00.
pub(super) fn read_defect_data_12(
    _: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let cdb: &ReadDefectData12 = view(cdb);
    check_format(cdb.lists, 1)?;
    if cdb.first.get() != 0 {
        return Err(Sense::invalid_field(2, None));
    }
    transfer.reply(&[0, cdb.lists & LISTS, 0, 0, 0, 0, 0, 0], cdb.allocation_length.get())
}

/// Addresses come as short or long block addresses. The standard returns the device's own format, with
/// 01/1c/00, where it does not have the one asked for; we refuse the command, as it also allows, because an
/// empty list has no format to convert.
fn check_format(lists: u8, byte: u16) -> Result<(), Sense> {
    match lists & 0x07 {
        0b000 | 0b011 => Ok(()),
        _ => Err(Sense::invalid_field(byte, Some(2))),
    }
}
