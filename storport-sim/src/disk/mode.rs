//! MODE SENSE: what could be configured, if anything could.
//!
//! There is no MODE SELECT yet: current values are the default ones, and the changeable masks are all zeros.

use zerocopy::big_endian::{U16, U32};
use zerocopy::{FromZeros, IntoBytes};

use super::ScsiDisk;
use super::commands::{Cdb, view};
use super::transfer::Transfer;
use crate::scsi::{
    AdditionalSense, BlockDescriptorLong, BlockDescriptorShort, CachingPage, ControlPage, ErrorRecoveryPage,
    ExceptionsPage, ModeHeader6, ModeHeader10, ModePage, ModeSense6, ModeSense10, Sense, SenseKey,
};

/// MODE SENSE(6) (SPC-5, section of that name).
pub(super) fn mode_sense_6(disk: &mut ScsiDisk, cdb: &Cdb, transfer: &mut Transfer<'_>) -> Result<(), Sense> {
    let cdb: &ModeSense6 = view(cdb);
    let pages = disk.pages(cdb.page, cdb.subpage)?;
    let descriptor = disk.block_descriptor(cdb.flags, false);
    let header = ModeHeader6 {
        // At most 3 + 8 + 56: four pages and the short descriptor.
        length: (size_of::<ModeHeader6>() - 1 + descriptor.len() + pages.len()) as u8,
        medium_type: 0,
        device_specific: disk.device_specific(),
        descriptor_length: descriptor.len() as u8,
    };
    transfer.reply(&[header.as_bytes(), &descriptor, &pages].concat(), cdb.allocation_length)
}

/// MODE SENSE(10) (SPC-5, section of that name), with the long block descriptor if LLBAA allows it.
pub(super) fn mode_sense_10(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let cdb: &ModeSense10 = view(cdb);
    let pages = disk.pages(cdb.page, cdb.subpage)?;
    let long = cdb.flags & ModeSense10::LLBAA != 0;
    let descriptor = disk.block_descriptor(cdb.flags, long);
    let header = ModeHeader10 {
        // At most 6 + 16 + 56.
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
        let write_protected = if self.store.is_read_only() { ModeHeader6::WRITE_PROTECTED } else { 0 };
        ModeHeader6::DPOFUA | write_protected
    }

    fn block_descriptor(&self, flags: u8, long: bool) -> Vec<u8> {
        let block_length = U32::new(self.geometry.block_size.bytes());
        if flags & ModeSense6::DBD != 0 {
            Vec::new()
        } else if long {
            let reserved = U32::ZERO;
            BlockDescriptorLong { blocks: self.blocks.into(), reserved, block_length }.as_bytes().to_vec()
        } else {
            let blocks = U32::new(u32::try_from(self.blocks).unwrap_or(u32::MAX));
            BlockDescriptorShort { blocks, block_length }.as_bytes().to_vec()
        }
    }

    /// The pages that byte 2 (`page`: page control and code) and the subpage code ask for.
    fn pages(&self, page: u8, subpage: u8) -> Result<Vec<u8>, Sense> {
        let (control, code) = (page >> 6, ModePage(page & 0x3f));
        if control == 0b11 {
            return Err(Sense::new(
                SenseKey::ILLEGAL_REQUEST,
                AdditionalSense::SAVING_PARAMETERS_NOT_SUPPORTED,
            ));
        }
        // No page has subpages: only "the page itself" and "with all its subpages" make sense.
        if !matches!(subpage, 0x00 | 0xff) {
            return Err(Sense::invalid_field(3, None));
        }
        let changeable = control == 0b01;
        let mut pages = Vec::new();
        for current in self.current_pages() {
            if code != ModePage::ALL && code.0 != current[0] {
                continue;
            }
            let values = pages.len() + 2;
            pages.extend_from_slice(&current);
            if changeable {
                pages[values..].fill(0);
            }
        }
        if pages.is_empty() { Err(Sense::invalid_field(2, Some(5))) } else { Ok(pages) }
    }

    /// Every page, in ascending order, as the standard wants page 3Fh answered.
    fn current_pages(&self) -> [Vec<u8>; 4] {
        let recovery = ErrorRecoveryPage {
            page: ModePage::ERROR_RECOVERY,
            length: 10,
            // AWRE and ARRE: a bad block would be reassigned by itself.
            flags: 0xc0,
            ..FromZeros::new_zeroed()
        };
        let caching = CachingPage {
            page: ModePage::CACHING,
            length: 18,
            flags: if self.geometry.write_cache { CachingPage::WCE } else { 0 },
            details: [0; 17],
        };
        let control = ControlPage {
            page: ModePage::CONTROL,
            length: 10,
            flags_2: ControlPage::GLTSD,
            flags_3: ControlPage::UNRESTRICTED_REORDERING,
            busy_timeout: U16::MAX_VALUE,
            ..FromZeros::new_zeroed()
        };
        let exceptions = ExceptionsPage {
            page: ModePage::EXCEPTIONS,
            length: 10,
            flags: ExceptionsPage::DEXCPT,
            ..FromZeros::new_zeroed()
        };
        [
            recovery.as_bytes().to_vec(),
            caching.as_bytes().to_vec(),
            control.as_bytes().to_vec(),
            exceptions.as_bytes().to_vec(),
        ]
    }
}
