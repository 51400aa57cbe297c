//! INQUIRY: standard data and the vital product data pages.

use zerocopy::big_endian::U16;
use zerocopy::{FromZeros, IntoBytes};

use super::ScsiDisk;
use super::commands::{Cdb, view};
use super::io::COMPARE_AND_WRITE_MAX;
use super::provisioning::{UNMAP_BLOCKS_MAX, UNMAP_DESCRIPTORS_MAX, WRITE_SAME_MAX};
use super::transfer::Transfer;
use crate::scsi::{
    BlockCharacteristics, BlockLimits, DesignatorHeader, ExtendedInquiry, Inquiry, InquiryData,
    LogicalBlockProvisioning, PeripheralDeviceType, PeripheralQualifier, Sense, VpdHeader, VpdPage,
};

/// Byte 0 of everything a disk says about itself.
const DISK: u8 = PeripheralDeviceType::DIRECT_ACCESS.with(PeripheralQualifier::Connected);
/// Byte 0 where there is no disk: 7Fh.
const ABSENT: u8 = PeripheralDeviceType::UNKNOWN.with(PeripheralQualifier::Incapable);

/// One page: its code, and what follows its header.
type Page = (VpdPage, fn(&ScsiDisk) -> Vec<u8>);

/// The pages there are, in the ascending order page 00h lists them in.
const PAGES: [Page; 7] = [
    (VpdPage::SUPPORTED, |_| PAGES.iter().map(|(page, _)| page.0).collect()),
    (VpdPage::UNIT_SERIAL_NUMBER, |disk| disk.identity.serial.as_bytes().to_vec()),
    (VpdPage::DEVICE_IDENTIFICATION, device_identification),
    (VpdPage::EXTENDED_INQUIRY, extended_inquiry),
    (VpdPage::BLOCK_LIMITS, block_limits),
    (VpdPage::BLOCK_DEVICE_CHARACTERISTICS, block_characteristics),
    (VpdPage::LOGICAL_BLOCK_PROVISIONING, logical_block_provisioning),
];

/// INQUIRY (SPC-5, "INQUIRY command") to a disk. A page code without EVPD, or of a page there is not, is
/// 05/24/00.
pub(super) fn inquiry(disk: &mut ScsiDisk, cdb: &Cdb, transfer: &mut Transfer<'_>) -> Result<(), Sense> {
    let cdb: &Inquiry = view(cdb);
    if cdb.evpd & 1 == 0 {
        let identity = &disk.identity;
        let data = InquiryData {
            vendor: identity.vendor,
            product: identity.product,
            revision: identity.revision,
            flags_7: InquiryData::CMDQUE,
            ..standard(DISK)
        };
        return reply_standard(&data, cdb, transfer);
    }
    let (page, body) =
        PAGES.iter().find(|(page, _)| *page == cdb.page).ok_or(Sense::invalid_field(2, None))?;
    reply_page(DISK, *page, &body(disk), cdb, transfer)
}

/// INQUIRY to a unit that is not there: GOOD, with data that says so (SPC-5, "Peripheral qualifier").
pub(super) fn inquiry_absent(cdb: &Cdb, transfer: &mut Transfer<'_>) -> Result<(), Sense> {
    let cdb: &Inquiry = view(cdb);
    match (cdb.evpd & 1, cdb.page) {
        (0, _) => {
            let data = InquiryData {
                vendor: [b' '; 8],
                product: [b' '; 16],
                revision: [b' '; 4],
                ..standard(ABSENT)
            };
            reply_standard(&data, cdb, transfer)
        }
        (_, VpdPage::SUPPORTED) => {
            reply_page(ABSENT, VpdPage::SUPPORTED, &[VpdPage::SUPPORTED.0], cdb, transfer)
        }
        _ => Err(Sense::invalid_field(2, None)),
    }
}

/// The standard data of any unit, without names.
fn standard(peripheral: u8) -> InquiryData {
    let mut data = InquiryData {
        peripheral,
        version: InquiryData::SPC_5,
        format: InquiryData::HISUP_FORMAT_2,
        additional_length: (size_of::<InquiryData>() - 5) as u8,
        ..FromZeros::new_zeroed()
    };
    data.versions[..InquiryData::STANDARDS.len()].copy_from_slice(&InquiryData::STANDARDS);
    data
}

fn reply_standard(data: &InquiryData, cdb: &Inquiry, transfer: &mut Transfer<'_>) -> Result<(), Sense> {
    if cdb.page != VpdPage::SUPPORTED {
        return Err(Sense::invalid_field(2, None));
    }
    transfer.reply(data.as_bytes(), cdb.allocation_length.get())
}

fn reply_page(
    peripheral: u8,
    page: VpdPage,
    body: &[u8],
    cdb: &Inquiry,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    // Every page here is far below 64 KiB: the longest part is a serial number of 64 bytes.
    let header = VpdHeader { peripheral, page, length: U16::new(body.len() as u16) };
    transfer.reply(&[header.as_bytes(), body].concat(), cdb.allocation_length.get())
}

/// Two names for one unit: vendor, product and serial number in words, and an NAA name in binary.
fn device_identification(disk: &ScsiDisk) -> Vec<u8> {
    let identity = &disk.identity;
    let words = [&identity.vendor[..], &identity.product, identity.serial.as_bytes()].concat();
    [
        designator(DesignatorHeader::ASCII, DesignatorHeader::T10_VENDOR_ID, &words),
        designator(DesignatorHeader::BINARY, DesignatorHeader::NAA, &identity.naa().to_be_bytes()),
    ]
    .concat()
}

fn designator(code_set: u8, kind: u8, name: &[u8]) -> Vec<u8> {
    // At most 8 + 16 + 64 bytes of name.
    let header = DesignatorHeader { code_set, kind, reserved: 0, length: name.len() as u8 };
    [header.as_bytes(), name].concat()
}

fn extended_inquiry(_: &ScsiDisk) -> Vec<u8> {
    let extended = ExtendedInquiry {
        tasks: ExtendedInquiry::TASK_ATTRIBUTES,
        cache: ExtendedInquiry::V_SUP,
        sense_max: Sense::LEN_MAX as u8,
        ..FromZeros::new_zeroed()
    };
    extended.as_bytes().to_vec()
}

fn block_limits(disk: &ScsiDisk) -> Vec<u8> {
    let limits = BlockLimits {
        // WSNZ
        flags: 0x01,
        compare_and_write_max: COMPARE_AND_WRITE_MAX,
        transfer_granularity: U16::new(1 << disk.geometry.physical_exponent),
        unmap_blocks_max: UNMAP_BLOCKS_MAX.into(),
        unmap_descriptors_max: UNMAP_DESCRIPTORS_MAX.into(),
        unmap_granularity: (1 << disk.geometry.physical_exponent).into(),
        write_same_max: u64::from(WRITE_SAME_MAX).into(),
        ..FromZeros::new_zeroed()
    };
    limits.as_bytes().to_vec()
}

fn block_characteristics(disk: &ScsiDisk) -> Vec<u8> {
    let characteristics =
        BlockCharacteristics { rotation_rate: disk.geometry.rotation_rate.into(), ..FromZeros::new_zeroed() };
    characteristics.as_bytes().to_vec()
}

fn logical_block_provisioning(_: &ScsiDisk) -> Vec<u8> {
    let provisioning = LogicalBlockProvisioning {
        flags: LogicalBlockProvisioning::UNMAP_READS_ZERO,
        provisioning: LogicalBlockProvisioning::THIN,
        ..FromZeros::new_zeroed()
    };
    provisioning.as_bytes().to_vec()
}
