//! The constants of storport.h, srb.h and scsi.h that every miniport uses.
#![expect(non_upper_case_globals, reason = "the documented WDK names")]

use super::structures::{SCSI_ADAPTER_CONTROL_STATUS, SCSI_ADAPTER_CONTROL_TYPE, STOR_SPINLOCK};
use kernel_sim::ddi::{UCHAR, ULONG};

macro_rules! numbers {
    ($($name:ident: $ty:ty = $value:expr;)*) => {
        $(#[doc = concat!("`", stringify!($name), "` of the WDK headers.")] pub const $name: $ty = $value;)*
    };
}

/// Declares numbers of one kind and the function that names them.
macro_rules! named {
    ($(#[$doc:meta])* fn $names:ident($ty:ty); $($name:ident = $value:expr;)*) => {
        numbers! { $($name: $ty = $value;)* }
        $(#[$doc])*
        #[must_use]
        pub fn $names(value: $ty) -> Option<&'static str> {
            match value {
                $($name => Some(stringify!($name)),)*
                _ => None,
            }
        }
    };
}

named! {
    /// The name of an SRB status, its two flag bits (`SRB_STATUS_QUEUE_FROZEN`,
    /// `SRB_STATUS_AUTOSENSE_VALID`) left out; `None` for a value without one.
    fn srb_status_name(UCHAR);
    SRB_STATUS_PENDING = 0x00;
    SRB_STATUS_SUCCESS = 0x01;
    SRB_STATUS_ABORTED = 0x02;
    SRB_STATUS_ABORT_FAILED = 0x03;
    SRB_STATUS_ERROR = 0x04;
    SRB_STATUS_BUSY = 0x05;
    SRB_STATUS_INVALID_REQUEST = 0x06;
    SRB_STATUS_INVALID_PATH_ID = 0x07;
    SRB_STATUS_NO_DEVICE = 0x08;
    SRB_STATUS_TIMEOUT = 0x09;
    SRB_STATUS_SELECTION_TIMEOUT = 0x0A;
    SRB_STATUS_COMMAND_TIMEOUT = 0x0B;
    SRB_STATUS_MESSAGE_REJECTED = 0x0D;
    SRB_STATUS_BUS_RESET = 0x0E;
    SRB_STATUS_PARITY_ERROR = 0x0F;
    SRB_STATUS_REQUEST_SENSE_FAILED = 0x10;
    SRB_STATUS_NO_HBA = 0x11;
    SRB_STATUS_DATA_OVERRUN = 0x12;
    SRB_STATUS_UNEXPECTED_BUS_FREE = 0x13;
    SRB_STATUS_PHASE_SEQUENCE_FAILURE = 0x14;
    SRB_STATUS_BAD_SRB_BLOCK_LENGTH = 0x15;
    SRB_STATUS_REQUEST_FLUSHED = 0x16;
    SRB_STATUS_INVALID_LUN = 0x20;
    SRB_STATUS_INVALID_TARGET_ID = 0x21;
    SRB_STATUS_BAD_FUNCTION = 0x22;
    SRB_STATUS_ERROR_RECOVERY = 0x23;
    SRB_STATUS_NOT_POWERED = 0x24;
    SRB_STATUS_LINK_DOWN = 0x25;
    SRB_STATUS_INTERNAL_ERROR = 0x30;
}

numbers! {
    SRB_STATUS_QUEUE_FROZEN: UCHAR = 0x40;
    SRB_STATUS_AUTOSENSE_VALID: UCHAR = 0x80;
}

/// The status without its two flag bits: `SRB_STATUS` of srb.h.
#[must_use]
#[expect(non_snake_case, reason = "the documented WDK name")]
pub const fn SRB_STATUS(Status: UCHAR) -> UCHAR {
    Status & !(SRB_STATUS_AUTOSENSE_VALID | SRB_STATUS_QUEUE_FROZEN)
}

named! {
    /// The name of an SRB function, `None` for a value without one.
    fn srb_function_name(UCHAR);
    SRB_FUNCTION_EXECUTE_SCSI = 0x00;
    SRB_FUNCTION_IO_CONTROL = 0x02;
    SRB_FUNCTION_SHUTDOWN = 0x07;
    SRB_FUNCTION_FLUSH = 0x08;
    SRB_FUNCTION_ABORT_COMMAND = 0x10;
    SRB_FUNCTION_RESET_BUS = 0x12;
    SRB_FUNCTION_RESET_DEVICE = 0x13;
    SRB_FUNCTION_WMI = 0x17;
    SRB_FUNCTION_RESET_LOGICAL_UNIT = 0x20;
    SRB_FUNCTION_POWER = 0x24;
    SRB_FUNCTION_PNP = 0x25;
    SRB_FUNCTION_DUMP_POINTERS = 0x26;
    SRB_FUNCTION_FREE_DUMP_POINTERS = 0x27;
}

numbers! {
    SRB_FLAGS_QUEUE_ACTION_ENABLE: ULONG = 0x0000_0002;
    SRB_FLAGS_DISABLE_SYNCH_TRANSFER: ULONG = 0x0000_0008;
    SRB_FLAGS_DISABLE_AUTOSENSE: ULONG = 0x0000_0020;
    SRB_FLAGS_DATA_IN: ULONG = 0x0000_0040;
    SRB_FLAGS_DATA_OUT: ULONG = 0x0000_0080;
    SRB_FLAGS_NO_DATA_TRANSFER: ULONG = 0x0000_0000;
    SRB_FLAGS_UNSPECIFIED_DIRECTION: ULONG = 0x0000_00C0;
    SRB_FLAGS_NO_QUEUE_FREEZE: ULONG = 0x0000_0100;
    SRB_FLAGS_ADAPTER_CACHE_ENABLE: ULONG = 0x0000_0200;
    SRB_SIMPLE_TAG_REQUEST: UCHAR = 0x20;
    SRB_HEAD_OF_QUEUE_TAG_REQUEST: UCHAR = 0x21;
    SRB_ORDERED_QUEUE_TAG_REQUEST: UCHAR = 0x22;
    SCSISTAT_GOOD: UCHAR = 0x00;
    SCSISTAT_CHECK_CONDITION: UCHAR = 0x02;
    SCSISTAT_BUSY: UCHAR = 0x08;
    SCSISTAT_QUEUE_FULL: UCHAR = 0x28;

    SP_RETURN_NOT_FOUND: ULONG = 0;
    SP_RETURN_FOUND: ULONG = 1;
    SP_RETURN_ERROR: ULONG = 2;
    SP_RETURN_BAD_CONFIG: ULONG = 3;
    SP_UNINITIALIZED_VALUE: ULONG = ULONG::MAX;
    SP_UNTAGGED: UCHAR = 0xFF;
    STOR_MAP_NO_BUFFERS: UCHAR = 0;
    STOR_MAP_ALL_BUFFERS: UCHAR = 1;
    STOR_MAP_NON_READ_WRITE_BUFFERS: UCHAR = 2;
    STOR_MAP_ALL_BUFFERS_INCLUDING_READ_WRITE: UCHAR = 3;
    StorSynchronizeHalfDuplex: i32 = 0;
    StorSynchronizeFullDuplex: i32 = 1;
    SCSI_MAXIMUM_BUSES: UCHAR = 8;
    SCSI_MAXIMUM_TARGETS: UCHAR = 8;
    SCSI_MAXIMUM_TARGETS_PER_BUS: UCHAR = 128;
    SCSI_MAXIMUM_LUNS_PER_TARGET: UCHAR = 255;

    DpcLock: STOR_SPINLOCK = 1;
    StartIoLock: STOR_SPINLOCK = 2;
    InterruptLock: STOR_SPINLOCK = 3;

    ScsiQuerySupportedControlTypes: SCSI_ADAPTER_CONTROL_TYPE = 0;
    ScsiStopAdapter: SCSI_ADAPTER_CONTROL_TYPE = 1;
    ScsiRestartAdapter: SCSI_ADAPTER_CONTROL_TYPE = 2;
    ScsiSetBootConfig: SCSI_ADAPTER_CONTROL_TYPE = 3;
    ScsiSetRunningConfig: SCSI_ADAPTER_CONTROL_TYPE = 4;
    ScsiAdapterControlMax: SCSI_ADAPTER_CONTROL_TYPE = 24;
    ScsiAdapterControlSuccess: SCSI_ADAPTER_CONTROL_STATUS = 0;
    ScsiAdapterControlUnsuccessful: SCSI_ADAPTER_CONTROL_STATUS = 1;

    STOR_STATUS_SUCCESS: ULONG = 0;
    STOR_STATUS_UNSUCCESSFUL: ULONG = 0xC100_0001;
    STOR_STATUS_NOT_IMPLEMENTED: ULONG = 0xC100_0002;
    STOR_STATUS_INSUFFICIENT_RESOURCES: ULONG = 0xC100_0003;
    STOR_STATUS_BUFFER_TOO_SMALL: ULONG = 0xC100_0004;
    STOR_STATUS_ACCESS_DENIED: ULONG = 0xC100_0005;
    STOR_STATUS_INVALID_PARAMETER: ULONG = 0xC100_0006;
    STOR_STATUS_INVALID_DEVICE_REQUEST: ULONG = 0xC100_0007;
    STOR_STATUS_INVALID_IRQL: ULONG = 0xC100_0008;
    STOR_STATUS_INVALID_DEVICE_STATE: ULONG = 0xC100_0009;
    STOR_STATUS_INVALID_BUFFER_SIZE: ULONG = 0xC100_000A;
    STOR_STATUS_UNSUPPORTED_VERSION: ULONG = 0xC100_000B;
    STOR_STATUS_BUSY: ULONG = 0xC100_000C;

    IOCTL_MINIPORT_PROCESS_SERVICE_IRP: ULONG = 0x0004_D038;
}
