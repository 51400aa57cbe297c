//! MODE SELECT: the mode parameters, written.
//!
//! A list is read to its end before anything changes: a page that is not there, has another length, or asks
//! for a bit that cannot be changed refuses the whole list, with the field pointer on what is wrong. Strict
//! on purpose: a driver that sends back what MODE SENSE gave it, PS bit and all, meets the same refusal on
//! some real disks.

use zerocopy::FromBytes;

use super::{Page, Settings, changeable, pages};
use crate::disk::ScsiDisk;
use crate::disk::commands::{Cdb, view};
use crate::disk::transfer::Transfer;
use crate::scsi::{
    AdditionalSense, BlockDescriptorLong, BlockDescriptorShort, CachingPage, ControlPage, ModeHeader6,
    ModeHeader10, ModePage, ModeSelect6, ModeSelect10, Sense,
};

/// MODE SELECT(6) (SPC-5, section of that name).
pub(in crate::disk) fn mode_select_6(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let cdb: &ModeSelect6 = view(cdb);
    let list = transfer.take(cdb.parameter_list_length.into())?;
    if check_format(cdb.flags)? && !list.is_empty() {
        let (header, _) = ModeHeader6::read_from_prefix(list).map_err(|_| Sense::parameter_list_length())?;
        let list = List { bytes: list, at: size_of::<ModeHeader6>() };
        let head = Head {
            medium_type: (header.medium_type, 1),
            descriptor: (header.descriptor_length.into(), 3),
            long: false,
        };
        disk.select(transfer, cdb.flags, &head, list)?;
    }
    Ok(())
}

/// MODE SELECT(10) (SPC-5, section of that name).
pub(in crate::disk) fn mode_select_10(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let cdb: &ModeSelect10 = view(cdb);
    let list = transfer.take(cdb.parameter_list_length.get().into())?;
    if check_format(cdb.flags)? && !list.is_empty() {
        let (header, _) = ModeHeader10::read_from_prefix(list).map_err(|_| Sense::parameter_list_length())?;
        let list = List { bytes: list, at: size_of::<ModeHeader10>() };
        let head = Head {
            medium_type: (header.medium_type, 2),
            descriptor: (header.descriptor_length.get().into(), 6),
            long: header.long_lba & 1 != 0,
        };
        disk.select(transfer, cdb.flags, &head, list)?;
    }
    Ok(())
}

/// The pages are the standard's. Without PF they would be the vendor's own, and this one has none.
fn check_format(flags: u8) -> Result<bool, Sense> {
    if flags & ModeSelect6::PF == 0 { Err(Sense::invalid_field(1, Some(4))) } else { Ok(true) }
}

/// The fields of either header, with the places that errors point to.
struct Head {
    medium_type: (u8, u16),
    descriptor: (usize, u16),
    /// The block descriptor is the long one.
    long: bool,
}

/// A parameter list and how far it has been read. Offsets fit a field pointer: a list has at most 65535
/// bytes.
struct List<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> List<'a> {
    /// The next `len` bytes, or 05/1a/00.
    fn next(&mut self, len: usize) -> Result<&'a [u8], Sense> {
        let next = self.bytes.get(self.at..).and_then(|rest| rest.get(..len));
        let next = next.ok_or(Sense::parameter_list_length())?;
        self.at += len;
        Ok(next)
    }
}

impl ScsiDisk {
    fn select(
        &mut self,
        transfer: &Transfer<'_>,
        flags: u8,
        head: &Head,
        mut list: List<'_>,
    ) -> Result<(), Sense> {
        if head.medium_type.0 != 0 {
            return Err(Sense::invalid_parameter(head.medium_type.1));
        }
        self.check_descriptor(head, &mut list)?;
        let mut settings = self.mode.current;
        let (current, mask) = (pages(settings), changeable());
        while list.at < list.bytes.len() {
            read_page(&current, &mask, &mut list, &mut settings)?;
        }
        self.apply(transfer, settings, flags & ModeSelect6::SP != 0)
    }

    /// A block descriptor may say how the disk is formatted; it may not ask for anything else.
    fn check_descriptor(&self, head: &Head, list: &mut List<'_>) -> Result<(), Sense> {
        let begin = list.at as u16;
        let block_length = self.geometry.block_size.bytes();
        let (blocks, length, block_length_at) = match (head.descriptor.0, head.long) {
            (0, _) => return Ok(()),
            (8, false) => {
                let Ok(short) = BlockDescriptorShort::read_from_bytes(list.next(8)?) else {
                    unreachable!("eight bytes are a short block descriptor")
                };
                let same = [0, u32::MAX, self.blocks_32()].contains(&short.blocks.get());
                // The byte above the 24 bits of block length is reserved.
                (same, short.block_length.get(), 5)
            }
            (16, true) => {
                let Ok(long) = BlockDescriptorLong::read_from_bytes(list.next(16)?) else {
                    unreachable!("sixteen bytes are a long block descriptor")
                };
                let same = [0, u64::MAX, self.blocks].contains(&long.blocks.get());
                (same, long.block_length.get(), 12)
            }
            _ => return Err(Sense::invalid_parameter(head.descriptor.1)),
        };
        if !blocks {
            Err(Sense::invalid_parameter(begin))
        } else if length != block_length {
            Err(Sense::invalid_parameter(begin + block_length_at))
        } else {
            Ok(())
        }
    }

    fn apply(&mut self, transfer: &Transfer<'_>, settings: Settings, save: bool) -> Result<(), Sense> {
        if self.mode.current.write_cache && !settings.write_cache {
            self.flush_all()?;
        }
        if self.mode.current != settings {
            self.mode.current = settings;
            self.attentions
                .raise_for_others(Some(transfer.nexus()), AdditionalSense::MODE_PARAMETERS_CHANGED);
        }
        if save {
            self.mode.saved = settings;
        }
        Ok(())
    }
}

/// Reads one page of the list into `settings`.
fn read_page(
    current: &[Page],
    mask: &[Page],
    list: &mut List<'_>,
    settings: &mut Settings,
) -> Result<(), Sense> {
    let begin = list.at;
    let refused = |byte: usize, bit| Sense::invalid_parameter_bit((begin + byte) as u16, bit);
    let code = list.next(2)?[0];
    if code & ModePage::PS != 0 {
        return Err(refused(0, 7));
    }
    let is_subpage = code & ModePage::SPF != 0;
    let subpage = if is_subpage { list.bytes[begin + 1] } else { 0 };
    let known = current.iter().zip(mask).find(|(page, _)| {
        let own = page.bytes[0] & ModePage::SPF != 0;
        (page.code.0, page.subpage, own) == (code & 0x3f, subpage, is_subpage)
    });
    let Some((page, mask)) = known else {
        return Err(refused(0, 5));
    };
    list.at = begin;
    let sent = list.next(page.values_at())?;
    // The page length is the last of the head: one byte, or two in a subpage.
    let length_at = if is_subpage { 2 } else { 1 };
    if sent[length_at..] != page.bytes[length_at..page.values_at()] {
        return Err(Sense::invalid_parameter((begin + length_at) as u16));
    }
    list.at = begin;
    let sent = list.next(page.bytes.len())?;
    for (at, ((&sent, &own), &mask)) in
        sent.iter().zip(&page.bytes).zip(&mask.bytes).enumerate().skip(page.values_at())
    {
        let stray = (sent ^ own) & !mask;
        if stray != 0 {
            // At most 7: the stray byte is not zero.
            return Err(refused(at, 7 - stray.leading_zeros() as u8));
        }
    }
    match (page.code, page.subpage) {
        (ModePage::CACHING, 0) => settings.write_cache = sent[2] & CachingPage::WCE != 0,
        (ModePage::CONTROL, 0) => {
            settings.descriptor_sense = sent[2] & ControlPage::D_SENSE != 0;
            settings.write_protect = sent[4] & ControlPage::SWP != 0;
        }
        // Nothing in it can be changed, and nothing was.
        _ => {}
    }
    Ok(())
}
