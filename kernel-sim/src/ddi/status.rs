//! The NTSTATUS values that the simulator returns or its drivers use.
#![expect(non_snake_case, reason = "NT_SUCCESS is the documented name")]

use super::types::NTSTATUS;

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $value:expr;)*) => {
        $($(#[$doc])* pub const $name: NTSTATUS = $value as u32 as NTSTATUS;)*
        /// All of these.
        pub static STATUSES: &[crate::ddi::Number] =
            &[$(crate::ddi::Number { name: stringify!($name), value: $name as i64 }),*];
        /// The name of a status, if it is one of these.
        #[must_use]
        pub fn status_name(status: NTSTATUS) -> Option<&'static str> {
            match status {
                $($name => Some(stringify!($name)),)*
                _ => None,
            }
        }
    };
}

statuses! {
    /// Success; also the status of a wait that was satisfied.
    STATUS_SUCCESS = 0;
    /// A wait ended because its time was up.
    STATUS_TIMEOUT = 0x102;
    /// The request will be completed later.
    STATUS_PENDING = 0x103;
    /// A completion routine keeps the IRP.
    STATUS_MORE_PROCESSING_REQUIRED = 0xC000_0016u32;
    /// General failure.
    STATUS_UNSUCCESSFUL = 0xC000_0001u32;
    /// The routine is not there.
    STATUS_NOT_IMPLEMENTED = 0xC000_0002u32;
    /// The handle is not open.
    STATUS_INVALID_HANDLE = 0xC000_0008u32;
    /// A bad parameter.
    STATUS_INVALID_PARAMETER = 0xC000_000Du32;
    /// The device does not know the request.
    STATUS_INVALID_DEVICE_REQUEST = 0xC000_0010u32;
    /// Past the end of the medium.
    STATUS_END_OF_FILE = 0xC000_0011u32;
    /// There are no more entries in the list.
    STATUS_NO_MORE_ENTRIES = 0x8000_001Au32;
    /// The output buffer has room for a part only.
    STATUS_BUFFER_OVERFLOW = 0x8000_0005u32;
    /// The handle stands for something else.
    STATUS_OBJECT_TYPE_MISMATCH = 0xC000_0024u32;
    /// No object has that name.
    STATUS_OBJECT_NAME_NOT_FOUND = 0xC000_0034u32;
    /// The path is no path.
    STATUS_OBJECT_PATH_SYNTAX_BAD = 0xC000_003Bu32;
    /// What is there cannot be deleted.
    STATUS_CANNOT_DELETE = 0xC000_0121u32;
    /// The key was deleted.
    STATUS_KEY_DELETED = 0xC000_017Cu32;
    /// No memory for the request itself.
    STATUS_NO_MEMORY = 0xC000_0017u32;
    /// The output buffer is too small.
    STATUS_BUFFER_TOO_SMALL = 0xC000_0023u32;
    /// Two parts of the system speak different versions.
    STATUS_REVISION_MISMATCH = 0xC000_0059u32;
    /// A resource ran out.
    STATUS_INSUFFICIENT_RESOURCES = 0xC000_009Au32;
    /// The medium lost the data.
    STATUS_DEVICE_DATA_ERROR = 0xC000_009Cu32;
    /// The device is not ready.
    STATUS_DEVICE_NOT_READY = 0xC000_00A3u32;
    /// The operation took too long.
    STATUS_IO_TIMEOUT = 0xC000_00B5u32;
    /// The request is not supported.
    STATUS_NOT_SUPPORTED = 0xC000_00BBu32;
    /// The object is being deleted.
    STATUS_DELETE_PENDING = 0xC000_0056u32;
    /// The request was cancelled.
    STATUS_CANCELLED = 0xC000_0120u32;
    /// The device reported an error.
    STATUS_IO_DEVICE_ERROR = 0xC000_0185u32;
    /// The device is gone.
    STATUS_DEVICE_DOES_NOT_EXIST = 0xC000_00C0u32;
    /// The device is busy.
    STATUS_DEVICE_BUSY = 0x8000_0011u32;
    /// The medium is write-protected.
    STATUS_MEDIA_WRITE_PROTECTED = 0xC000_00A2u32;
    /// No device is there.
    STATUS_NO_SUCH_DEVICE = 0xC000_000Eu32;
    /// The drive has no medium.
    STATUS_NO_MEDIA_IN_DEVICE = 0xC000_0013u32;
    /// The medium has a format that is not known.
    STATUS_UNRECOGNIZED_MEDIA = 0xC000_0014u32;
    /// The disk has no such block.
    STATUS_NONEXISTENT_SECTOR = 0xC000_0015u32;
    /// Access is denied.
    STATUS_ACCESS_DENIED = 0xC000_0022u32;
    /// More or less data than there is room for.
    STATUS_DATA_OVERRUN = 0xC000_003Cu32;
    /// The device is not connected.
    STATUS_DEVICE_NOT_CONNECTED = 0xC000_009Du32;
    /// The block has another length.
    STATUS_INVALID_BLOCK_LENGTH = 0xC000_0173u32;
    /// The request is to be sent again.
    STATUS_RETRY = 0xC000_022Du32;
    /// Copy protection refused.
    STATUS_COPY_PROTECTION_FAILURE = 0xC000_0305u32;
    /// Copy protection: no authentication.
    STATUS_CSS_AUTHENTICATION_FAILURE = 0xC000_0306u32;
    /// Copy protection: no key.
    STATUS_CSS_KEY_NOT_PRESENT = 0xC000_0307u32;
    /// Copy protection: no key has been agreed on.
    STATUS_CSS_KEY_NOT_ESTABLISHED = 0xC000_0308u32;
    /// Copy protection: the sector is scrambled.
    STATUS_CSS_SCRAMBLED_SECTOR = 0xC000_0309u32;
    /// Copy protection: another region.
    STATUS_CSS_REGION_MISMATCH = 0xC000_030Au32;
    /// Copy protection: the region cannot be set again.
    STATUS_CSS_RESETS_EXHAUSTED = 0xC000_030Bu32;
    /// A thin disk has no space left behind it.
    STATUS_DISK_RESOURCES_EXHAUSTED = 0xC000_0461u32;
    /// The device cannot be reached.
    STATUS_DEVICE_UNREACHABLE = 0xC000_0464u32;
    /// The token is none, or no longer.
    STATUS_INVALID_TOKEN = 0xC000_0465u32;
    /// More segment descriptors than the device takes.
    STATUS_TOO_MANY_SEGMENT_DESCRIPTORS = 0xC000_0473u32;
    /// The offset is not aligned.
    STATUS_INVALID_OFFSET_ALIGNMENT = 0xC000_0474u32;
    /// The device is broken.
    STATUS_DEVICE_HARDWARE_ERROR = 0xC000_0483u32;
    /// Nothing is recorded there.
    STATUS_NO_DATA_DETECTED = 0x8000_0022u32;
    /// The medium is a cleaning cartridge.
    STATUS_CLEANER_CARTRIDGE_INSTALLED = 0x8000_0027u32;
}

/// Whether a status is a success or an information.
#[must_use]
pub const fn NT_SUCCESS(status: NTSTATUS) -> bool {
    status >= 0
}
