//! FORMAT UNIT: every block becomes zero, as if it had been unmapped.
//!
//! There is no defect management, so a list of defects must be empty, and no protection information. The
//! command ends when it is done, IMMED or not. Invariant: nothing is formatted before the whole list has been
//! found right.

use super::ScsiDisk;
use super::commands::{Cdb, view};
use super::transfer::Transfer;
use crate::scsi::{FormatHeader, FormatUnit, Sense};
use zerocopy::FromBytes;

/// FORMAT UNIT (SBC-4, section of that name).
pub(super) fn format_unit(disk: &mut ScsiDisk, cdb: &Cdb, transfer: &mut Transfer<'_>) -> Result<(), Sense> {
    let cdb: &FormatUnit = view(cdb);
    if cdb.flags & FormatUnit::FMTDATA != 0 {
        let list = transfer.take(size_of::<FormatHeader>() as u64)?;
        let (header, _) = FormatHeader::read_from_prefix(list).map_err(|_| Sense::parameter_list_length())?;
        check(header)?;
    } else if cdb.flags & FormatUnit::CMPLST != 0 {
        return Err(Sense::invalid_field(1, Some(3)));
    }
    disk.zero_all()
}

fn check(header: FormatHeader) -> Result<(), Sense> {
    if header.protection != 0 {
        return Err(Sense::invalid_parameter(0));
    }
    let options = header.flags & (FormatHeader::DPRY | FormatHeader::DCRT | FormatHeader::STPF);
    let known = FormatHeader::FOV | options | FormatHeader::IMMED;
    // Options say something only where FOV says that they do.
    if header.flags & !known != 0 || options != 0 && header.flags & FormatHeader::FOV == 0 {
        return Err(Sense::invalid_parameter(1));
    }
    if header.defects_length.get() != 0 {
        return Err(Sense::invalid_parameter(2));
    }
    Ok(())
}
