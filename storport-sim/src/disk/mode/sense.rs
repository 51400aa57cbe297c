//! MODE SENSE: the mode parameters, read.

use zerocopy::IntoBytes;
use zerocopy::big_endian::{U16, U32};

use super::{Page, changeable, pages};
use crate::disk::ScsiDisk;
use crate::disk::commands::{Cdb, view};
use crate::disk::transfer::Transfer;
use crate::scsi::{
    BlockDescriptorLong, BlockDescriptorShort, ModeHeader6, ModeHeader10, ModePage, ModeSense6, ModeSense10,
    Sense,
};

/// MODE SENSE(6) (SPC-5, section of that name).
pub(in crate::disk) fn mode_sense_6(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let cdb: &ModeSense6 = view(cdb);
    let pages = disk.mode_pages(cdb.page, cdb.subpage)?;
    let descriptor = disk.block_descriptor(cdb.flags, false);
    let header = ModeHeader6 {
        // At most 3 + 8 + 104: six pages and the short descriptor.
        length: (size_of::<ModeHeader6>() - 1 + descriptor.len() + pages.len()) as u8,
        medium_type: 0,
        device_specific: disk.device_specific(),
        descriptor_length: descriptor.len() as u8,
    };
    transfer.reply(&[header.as_bytes(), &descriptor, &pages].concat(), cdb.allocation_length)
}

/// MODE SENSE(10) (SPC-5, section of that name), with the long block descriptor if LLBAA allows it.
pub(in crate::disk) fn mode_sense_10(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let cdb: &ModeSense10 = view(cdb);
    let pages = disk.mode_pages(cdb.page, cdb.subpage)?;
    let long = cdb.flags & ModeSense10::LLBAA != 0;
    let descriptor = disk.block_descriptor(cdb.flags, long);
    let header = ModeHeader10 {
        // At most 6 + 16 + 104.
        length: U16::new((size_of::<ModeHeader10>() - 2 + descriptor.len() + pages.len()) as u16),
        medium_type: 0,
        device_specific: disk.device_specific(),
        long_lba: u8::from(long && !descriptor.is_empty()),
        reserved: 0,
        descriptor_length: U16::new(descriptor.len() as u16),
    };
    transfer.reply(&[header.as_bytes(), &descriptor, &pages].concat(), cdb.allocation_length.get())
}

impl ScsiDisk {
    fn device_specific(&self) -> u8 {
        let protected = self.is_read_only() || self.mode.current.write_protect;
        ModeHeader6::DPOFUA | if protected { ModeHeader6::WRITE_PROTECTED } else { 0 }
    }

    fn block_descriptor(&self, flags: u8, long: bool) -> Vec<u8> {
        let block_length = U32::new(self.geometry.block_size.bytes());
        if flags & ModeSense6::DBD != 0 {
            Vec::new()
        } else if long {
            let reserved = U32::ZERO;
            BlockDescriptorLong { blocks: self.blocks.into(), reserved, block_length }.as_bytes().to_vec()
        } else {
            BlockDescriptorShort { blocks: self.blocks_32().into(), block_length }.as_bytes().to_vec()
        }
    }

    /// The number of blocks as the short block descriptor says it.
    pub(super) fn blocks_32(&self) -> u32 {
        u32::try_from(self.blocks).unwrap_or(u32::MAX)
    }

    /// The pages that byte 2 (`page`: page control and code) and the subpage code ask for.
    ///
    /// Subpage 00h is the page itself, FFh it and its subpages; of all pages (3Fh) 00h leaves subpages out.
    fn mode_pages(&self, page: u8, subpage: u8) -> Result<Vec<u8>, Sense> {
        let (control, code) = (page >> 6, ModePage(page & 0x3f));
        let values = match control {
            0b00 => pages(self.mode.current),
            0b01 => changeable(),
            0b10 => pages(self.mode.default),
            _ => pages(self.mode.saved),
        };
        let of_code = |page: &&Page| code == ModePage::ALL || code == page.code;
        if !values.iter().any(|page| of_code(&page)) {
            return Err(Sense::invalid_field(2, Some(5)));
        }
        let listed = values.iter().filter(of_code).filter(|page| match subpage {
            0xff => true,
            // Of all pages only those without a subpage code, or all: 3Fh with another subpage is reserved.
            _ => page.subpage == subpage && (code != ModePage::ALL || subpage == 0),
        });
        let bytes: Vec<u8> = listed.flat_map(|page| &page.bytes).copied().collect();
        if bytes.is_empty() { Err(Sense::invalid_field(3, None)) } else { Ok(bytes) }
    }
}
