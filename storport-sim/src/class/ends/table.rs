//! Every way in which an SRB ends, and what the class driver makes of it: one row each.
//!
//! The rows of sense data are asked from first to last; the last of each key has no conditions.
//! CLASS-STATUS.md is generated from these rows, and `walk.rs` sends each through a miniport.

use super::row::Source::{ClassLibrary, ClassLibraryDefault, OurChoice};
use super::row::{End, Only, RETRIES_MAX, Row, Source, THRESHOLD_RETRIES_MAX, When};
use crate::ddi::*;
use crate::scsi::SenseKey;
use kernel_sim::ddi::*;

const fn fail(status: NTSTATUS) -> End {
    End::Fail(status)
}

/// Sent again at once.
const fn again(status: NTSTATUS) -> End {
    again_after(status, 0)
}

const fn again_after(status: NTSTATUS, after_s: u32) -> End {
    End::Again { status, after_s, retries: RETRIES_MAX }
}

const fn srb(status: u8, end: End, source: Source, note: &'static str) -> Row {
    Row { when: When::Srb(status), end, source, note }
}

const fn scsi(status: u8, end: End, source: Source, note: &'static str) -> Row {
    Row { when: When::Scsi(status), end, source, note }
}

/// A code with a qualifier.
const fn pair(key: SenseKey, code: u8, qualifier: u8, end: End, note: &'static str) -> Row {
    let (code, qualifier, only) = (Some(code), Some(qualifier), Only::Always);
    Row { when: When::Sense { key, code, qualifier, only }, end, source: ClassLibrary, note }
}

/// A code with any qualifier that has no row before it.
const fn code(key: SenseKey, code: u8, end: End, note: &'static str) -> Row {
    let (code, qualifier, only) = (Some(code), None, Only::Always);
    Row { when: When::Sense { key, code, qualifier, only }, end, source: ClassLibrary, note }
}

/// A key with any code that has no row before it.
const fn key(key: SenseKey, only: Only, end: End, source: Source, note: &'static str) -> Row {
    Row { when: When::Sense { key, code: None, qualifier: None, only }, end, source, note }
}

impl Row {
    const fn of(self, source: Source) -> Row {
        Row { source, ..self }
    }
}

/// SRB_STATUS_SUCCESS, which nearly every request ends with.
pub(super) static SUCCESS: Row = srb(
    SRB_STATUS_SUCCESS,
    End::Success,
    ClassLibrary,
    "Information is what the SRB says was moved, be it less than was asked for",
);

/// Statuses without sense data; SRB_STATUS_ERROR is under [`SCSI`].
pub(super) static SRB: &[Row] = &[
    srb(SRB_STATUS_ABORTED, again_after(STATUS_IO_TIMEOUT, 1), ClassLibrary, ""),
    srb(SRB_STATUS_ABORT_FAILED, again(STATUS_IO_DEVICE_ERROR), ClassLibraryDefault, ""),
    srb(
        SRB_STATUS_BUSY,
        again(STATUS_IO_DEVICE_ERROR),
        ClassLibraryDefault,
        "each try is one of the port driver's, which sends it again twenty times by itself",
    ),
    srb(SRB_STATUS_INVALID_REQUEST, fail(STATUS_INVALID_DEVICE_REQUEST), ClassLibrary, ""),
    srb(SRB_STATUS_INVALID_PATH_ID, fail(STATUS_NO_SUCH_DEVICE), ClassLibrary, ""),
    srb(SRB_STATUS_NO_DEVICE, fail(STATUS_NO_SUCH_DEVICE), ClassLibrary, ""),
    srb(SRB_STATUS_TIMEOUT, again_after(STATUS_IO_TIMEOUT, 1), ClassLibrary, ""),
    srb(SRB_STATUS_SELECTION_TIMEOUT, fail(STATUS_DEVICE_NOT_CONNECTED), ClassLibrary, ""),
    srb(SRB_STATUS_COMMAND_TIMEOUT, again_after(STATUS_IO_TIMEOUT, 1), ClassLibrary, ""),
    srb(SRB_STATUS_MESSAGE_REJECTED, again(STATUS_IO_DEVICE_ERROR), ClassLibraryDefault, ""),
    srb(SRB_STATUS_BUS_RESET, again(STATUS_IO_DEVICE_ERROR), ClassLibrary, ""),
    srb(SRB_STATUS_PARITY_ERROR, again_after(STATUS_IO_DEVICE_ERROR, 1), ClassLibrary, ""),
    srb(SRB_STATUS_REQUEST_SENSE_FAILED, again(STATUS_IO_DEVICE_ERROR), ClassLibraryDefault, ""),
    srb(SRB_STATUS_NO_HBA, fail(STATUS_NO_SUCH_DEVICE), ClassLibrary, ""),
    srb(
        SRB_STATUS_DATA_OVERRUN,
        fail(STATUS_DATA_OVERRUN),
        ClassLibrary,
        "Windows' disk driver, above the class library, tries reads and writes again; ours does not",
    ),
    srb(SRB_STATUS_UNEXPECTED_BUS_FREE, again_after(STATUS_IO_DEVICE_ERROR, 1), ClassLibrary, ""),
    srb(
        SRB_STATUS_PHASE_SEQUENCE_FAILURE,
        End::Again { status: STATUS_IO_DEVICE_ERROR, after_s: 1, retries: 2 },
        ClassLibrary,
        "fewer tries than others have",
    ),
    srb(SRB_STATUS_BAD_SRB_BLOCK_LENGTH, again(STATUS_IO_DEVICE_ERROR), ClassLibraryDefault, ""),
    srb(SRB_STATUS_REQUEST_FLUSHED, again(STATUS_IO_DEVICE_ERROR), ClassLibrary, ""),
    srb(SRB_STATUS_INVALID_LUN, fail(STATUS_NO_SUCH_DEVICE), ClassLibrary, ""),
    srb(SRB_STATUS_INVALID_TARGET_ID, fail(STATUS_NO_SUCH_DEVICE), ClassLibrary, ""),
    srb(SRB_STATUS_BAD_FUNCTION, again(STATUS_IO_DEVICE_ERROR), ClassLibraryDefault, ""),
    srb(SRB_STATUS_ERROR_RECOVERY, again(STATUS_IO_DEVICE_ERROR), ClassLibraryDefault, ""),
    srb(SRB_STATUS_NOT_POWERED, again(STATUS_IO_DEVICE_ERROR), ClassLibraryDefault, ""),
    srb(SRB_STATUS_LINK_DOWN, again(STATUS_IO_DEVICE_ERROR), ClassLibraryDefault, ""),
    srb(SRB_STATUS_INSUFFICIENT_RESOURCES, again(STATUS_IO_DEVICE_ERROR), ClassLibraryDefault, ""),
    srb(SRB_STATUS_THROTTLED_REQUEST, again(STATUS_IO_DEVICE_ERROR), ClassLibraryDefault, ""),
    srb(SRB_STATUS_INVALID_PARAMETER, again(STATUS_IO_DEVICE_ERROR), ClassLibraryDefault, ""),
    srb(
        SRB_STATUS_INTERNAL_ERROR,
        End::OfTheSrb,
        ClassLibrary,
        "the NTSTATUS that the SRB carries, asked before anything else; a success there is \
         STATUS_IO_DEVICE_ERROR: our choice",
    ),
];

/// Values that srb.h does not define.
pub(super) static OTHER_SRB: Row =
    srb(0xFF, again(STATUS_IO_DEVICE_ERROR), ClassLibraryDefault, "any value without a name");

/// SRB_STATUS_ERROR without sense data, by SCSI status.
pub(super) static SCSI: &[Row] = &[
    scsi(SCSISTAT_GOOD, again_after(STATUS_IO_DEVICE_ERROR, 1), ClassLibrary, ""),
    scsi(
        SCSISTAT_CHECK_CONDITION,
        again(STATUS_IO_DEVICE_ERROR),
        ClassLibrary,
        "no sense data, or none that can be read",
    ),
    scsi(SCSISTAT_CONDITION_MET, again(STATUS_IO_DEVICE_ERROR), ClassLibraryDefault, ""),
    scsi(
        SCSISTAT_BUSY,
        again(STATUS_DEVICE_NOT_READY),
        ClassLibrary,
        "each try is one of the port driver's, which sends it again twenty times by itself; Windows' disk \
         driver resets the bus as well, ours does not",
    ),
    scsi(SCSISTAT_INTERMEDIATE, again(STATUS_IO_DEVICE_ERROR), ClassLibraryDefault, "obsolete"),
    scsi(SCSISTAT_INTERMEDIATE_COND_MET, again(STATUS_IO_DEVICE_ERROR), ClassLibraryDefault, "obsolete"),
    scsi(
        SCSISTAT_RESERVATION_CONFLICT,
        fail(STATUS_DEVICE_BUSY),
        ClassLibrary,
        "whatever the SRB status and the sense data say",
    ),
    scsi(SCSISTAT_COMMAND_TERMINATED, again(STATUS_IO_DEVICE_ERROR), ClassLibraryDefault, "obsolete"),
    scsi(
        SCSISTAT_QUEUE_FULL,
        again(STATUS_IO_DEVICE_ERROR),
        ClassLibraryDefault,
        "each try is one of the port driver's, which sends it again twenty times by itself",
    ),
    scsi(SCSISTAT_ACA_ACTIVE, again(STATUS_IO_DEVICE_ERROR), ClassLibraryDefault, ""),
    scsi(SCSISTAT_TASK_ABORTED, again(STATUS_IO_DEVICE_ERROR), ClassLibraryDefault, ""),
];

/// Values that SAM does not define.
pub(super) static OTHER_SCSI: Row =
    scsi(0xFF, again(STATUS_IO_DEVICE_ERROR), ClassLibraryDefault, "any value without a name");

const NO_SENSE: SenseKey = SenseKey::NO_SENSE;
const RECOVERED: SenseKey = SenseKey::RECOVERED_ERROR;
const NOT_READY: SenseKey = SenseKey::NOT_READY;
const MEDIUM: SenseKey = SenseKey::MEDIUM_ERROR;
const HARDWARE: SenseKey = SenseKey::HARDWARE_ERROR;
const ILLEGAL: SenseKey = SenseKey::ILLEGAL_REQUEST;
const ATTENTION: SenseKey = SenseKey::UNIT_ATTENTION;
const PROTECT: SenseKey = SenseKey::DATA_PROTECT;
const COPY_ABORTED: SenseKey = SenseKey::COPY_ABORTED;

/// Sense data, most particular rows first.
pub(super) static SENSE: &[Row] = &[
    key(NO_SENSE, Only::IncorrectLength, fail(STATUS_INVALID_BLOCK_LENGTH), ClassLibrary, ""),
    key(NO_SENSE, Only::Always, again(STATUS_IO_DEVICE_ERROR), ClassLibrary, ""),
    key(RECOVERED, Only::IncorrectLength, fail(STATUS_INVALID_BLOCK_LENGTH), ClassLibrary, ""),
    key(RECOVERED, Only::Always, End::Success, ClassLibrary, "Information as for a success"),
    pair(NOT_READY, 0x04, 0x00, fail(STATUS_DEVICE_NOT_READY), "cause not reportable"),
    pair(NOT_READY, 0x04, 0x01, again_after(STATUS_DEVICE_NOT_READY, 10), "becoming ready"),
    pair(
        NOT_READY,
        0x04,
        0x02,
        again(STATUS_DEVICE_NOT_READY),
        "needs a command to start it, which Windows' disk driver sends; ours does not",
    ),
    pair(NOT_READY, 0x04, 0x03, fail(STATUS_NO_MEDIA_IN_DEVICE), "manual intervention required"),
    pair(NOT_READY, 0x04, 0x04, fail(STATUS_DEVICE_NOT_READY), "format in progress"),
    pair(NOT_READY, 0x04, 0x07, again_after(STATUS_DEVICE_NOT_READY, 10), "operation in progress"),
    pair(NOT_READY, 0x04, 0x08, fail(STATUS_DEVICE_NOT_READY), "long write in progress"),
    pair(NOT_READY, 0x04, 0x14, again_after(STATUS_RETRY, 10), "space allocation in progress"),
    code(NOT_READY, 0x04, again(STATUS_DEVICE_NOT_READY), "not ready in another way: as if it needed a command to start it"),
    code(NOT_READY, 0x3a, fail(STATUS_NO_MEDIA_IN_DEVICE), "medium not present"),
    key(NOT_READY, Only::Always, again(STATUS_DEVICE_NOT_READY), ClassLibrary, ""),
    pair(MEDIUM, 0x30, 0x01, fail(STATUS_UNRECOGNIZED_MEDIA), "cannot read medium, unknown format"),
    pair(MEDIUM, 0x30, 0x03, fail(STATUS_CLEANER_CARTRIDGE_INSTALLED), "cleaning cartridge installed"),
    key(MEDIUM, Only::Always, fail(STATUS_DEVICE_DATA_ERROR), ClassLibrary, ""),
    pair(HARDWARE, 0x08, 0x03, again_after(STATUS_DEVICE_HARDWARE_ERROR, 1), "communication CRC error"),
    key(HARDWARE, Only::Always, fail(STATUS_DEVICE_HARDWARE_ERROR), ClassLibrary, "without LegacyErrorHandling, its default"),
    pair(ILLEGAL, 0x08, 0x04, fail(STATUS_DEVICE_UNREACHABLE), "unreachable copy target"),
    pair(ILLEGAL, 0x0d, 0x04, fail(STATUS_DATA_OVERRUN), "copy target device data underrun"),
    code(ILLEGAL, 0x1a, fail(STATUS_DATA_OVERRUN), "parameter list length error"),
    code(ILLEGAL, 0x20, fail(STATUS_INVALID_DEVICE_REQUEST), "invalid command operation code"),
    code(
        ILLEGAL,
        0x21,
        fail(STATUS_NONEXISTENT_SECTOR),
        "block address out of range; the class library tries again, after 5 s, where the blocks are on the disk \
         after all",
    )
    .of(OurChoice),
    code(ILLEGAL, 0x23, fail(STATUS_INVALID_TOKEN), "invalid token"),
    code(ILLEGAL, 0x24, fail(STATUS_INVALID_DEVICE_REQUEST), "invalid field in CDB"),
    code(ILLEGAL, 0x25, fail(STATUS_NO_SUCH_DEVICE), "logical unit not supported"),
    pair(ILLEGAL, 0x26, 0x04, fail(STATUS_INVALID_OFFSET_ALIGNMENT), "invalid release of persistent reservation: read as an alignment violation"),
    pair(ILLEGAL, 0x26, 0x08, fail(STATUS_TOO_MANY_SEGMENT_DESCRIPTORS), "too many segment descriptors"),
    code(ILLEGAL, 0x26, fail(STATUS_INVALID_DEVICE_REQUEST), "invalid field in parameter list"),
    pair(ILLEGAL, 0x6f, 0x00, fail(STATUS_CSS_AUTHENTICATION_FAILURE), "copy protection: authentication failure"),
    pair(ILLEGAL, 0x6f, 0x01, fail(STATUS_CSS_KEY_NOT_PRESENT), "copy protection: key not present"),
    pair(ILLEGAL, 0x6f, 0x02, fail(STATUS_CSS_KEY_NOT_ESTABLISHED), "copy protection: key not established"),
    pair(ILLEGAL, 0x6f, 0x03, fail(STATUS_CSS_SCRAMBLED_SECTOR), "copy protection: scrambled sector without authentication"),
    pair(ILLEGAL, 0x6f, 0x04, fail(STATUS_CSS_REGION_MISMATCH), "copy protection: region mismatch"),
    pair(ILLEGAL, 0x6f, 0x05, fail(STATUS_CSS_RESETS_EXHAUSTED), "copy protection: resets exhausted"),
    code(ILLEGAL, 0x6f, fail(STATUS_COPY_PROTECTION_FAILURE), "copy protection"),
    code(ILLEGAL, 0xa0, fail(STATUS_INVALID_DEVICE_REQUEST), "music area"),
    code(ILLEGAL, 0xa1, fail(STATUS_INVALID_DEVICE_REQUEST), "data area"),
    code(ILLEGAL, 0xa7, fail(STATUS_INVALID_DEVICE_REQUEST), "volume overflow"),
    key(ILLEGAL, Only::Always, fail(STATUS_INVALID_DEVICE_REQUEST), ClassLibrary, ""),
    code(ATTENTION, 0x28, again(STATUS_IO_DEVICE_ERROR), "medium may have changed"),
    code(ATTENTION, 0x29, again(STATUS_IO_DEVICE_ERROR), "power on or reset"),
    pair(ATTENTION, 0x2a, 0x09, again_after(STATUS_IO_DEVICE_ERROR, 1), "capacity data has changed"),
    code(ATTENTION, 0x2a, again(STATUS_IO_DEVICE_ERROR), "parameters changed"),
    pair(
        ATTENTION,
        0x38,
        0x07,
        End::Again { status: STATUS_IO_DEVICE_ERROR, after_s: 0, retries: THRESHOLD_RETRIES_MAX },
        "soft threshold of thin provisioning reached",
    ),
    code(ATTENTION, 0x38, fail(STATUS_IO_DEVICE_ERROR), "another event of thin provisioning"),
    pair(ATTENTION, 0x3f, 0x01, again_after(STATUS_IO_DEVICE_ERROR, 1), "microcode has been changed"),
    code(ATTENTION, 0x3f, again_after(STATUS_IO_DEVICE_ERROR, 5), "operating conditions have changed"),
    code(ATTENTION, 0x5a, again(STATUS_IO_DEVICE_ERROR), "operator request"),
    code(ATTENTION, 0x5d, again(STATUS_IO_DEVICE_ERROR), "failure prediction threshold exceeded"),
    key(ATTENTION, Only::Always, again(STATUS_IO_DEVICE_ERROR), ClassLibrary, "of media that are not removable"),
    pair(PROTECT, 0x27, 0x07, fail(STATUS_DISK_RESOURCES_EXHAUSTED), "space allocation failed"),
    code(
        PROTECT,
        0x27,
        fail(STATUS_MEDIA_WRITE_PROTECTED),
        "write protected; the published class library leaves STATUS_IO_DEVICE_ERROR here",
    )
    .of(OurChoice),
    key(PROTECT, Only::Writes, fail(STATUS_MEDIA_WRITE_PROTECTED), ClassLibrary, ""),
    key(PROTECT, Only::Always, fail(STATUS_ACCESS_DENIED), ClassLibrary, "commands that do not write blocks"),
    key(SenseKey::BLANK_CHECK, Only::Always, fail(STATUS_NO_DATA_DETECTED), ClassLibrary, ""),
    key(SenseKey::VENDOR_SPECIFIC, Only::Always, again(STATUS_IO_DEVICE_ERROR), ClassLibraryDefault, ""),
    pair(COPY_ABORTED, 0x0d, 0x04, End::Success, "copy target device data underrun"),
    key(COPY_ABORTED, Only::Always, again(STATUS_IO_DEVICE_ERROR), ClassLibrary, ""),
    key(SenseKey::ABORTED_COMMAND, Only::Always, again_after(STATUS_IO_DEVICE_ERROR, 1), ClassLibrary, ""),
    key(SenseKey::EQUAL, Only::Always, again(STATUS_IO_DEVICE_ERROR), ClassLibraryDefault, "obsolete"),
    key(SenseKey::VOLUME_OVERFLOW, Only::Always, again(STATUS_IO_DEVICE_ERROR), ClassLibraryDefault, ""),
    key(SenseKey::MISCOMPARE, Only::Always, again(STATUS_IO_DEVICE_ERROR), ClassLibraryDefault, ""),
    key(SenseKey::COMPLETED, Only::Always, again(STATUS_IO_DEVICE_ERROR), ClassLibraryDefault, ""),
];
