//! Additional sense codes: the two bytes that say what exactly went wrong.

/// An additional sense code and its qualifier (SPC-5, "ASC and ASCQ assignments"). Open: any pair is a value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AdditionalSense {
    /// The code (ASC).
    pub code: u8,
    /// Its qualifier (ASCQ).
    pub qualifier: u8,
}

/// One row per named code: `NAME = code, qualifier, "text of the standard"`.
macro_rules! additional_sense {
    ($( $constant:ident = $code:literal, $qualifier:literal, $text:literal; )*) => {
        impl AdditionalSense {
            $( #[doc = $text] pub const $constant: Self = Self { code: $code, qualifier: $qualifier }; )*

            /// The standard's text for this pair, or `None` if this crate does not know it.
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $( Self::$constant => Some($text), )*
                    _ => None,
                }
            }
        }
    };
}

additional_sense! {
    NO_ADDITIONAL_SENSE_INFORMATION           = 0x00, 0x00, "NO ADDITIONAL SENSE INFORMATION";
    INITIALIZING_COMMAND_REQUIRED             = 0x04, 0x02, "LOGICAL UNIT NOT READY, INITIALIZING COMMAND REQUIRED";
    WRITE_ERROR                               = 0x0c, 0x00, "WRITE ERROR";
    UNRECOVERED_READ_ERROR                    = 0x11, 0x00, "UNRECOVERED READ ERROR";
    PARAMETER_LIST_LENGTH_ERROR               = 0x1a, 0x00, "PARAMETER LIST LENGTH ERROR";
    MISCOMPARE_DURING_VERIFY                  = 0x1d, 0x00, "MISCOMPARE DURING VERIFY OPERATION";
    INVALID_COMMAND_OPERATION_CODE            = 0x20, 0x00, "INVALID COMMAND OPERATION CODE";
    LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE        = 0x21, 0x00, "LOGICAL BLOCK ADDRESS OUT OF RANGE";
    INVALID_FIELD_IN_CDB                      = 0x24, 0x00, "INVALID FIELD IN CDB";
    LOGICAL_UNIT_NOT_SUPPORTED                = 0x25, 0x00, "LOGICAL UNIT NOT SUPPORTED";
    INVALID_FIELD_IN_PARAMETER_LIST           = 0x26, 0x00, "INVALID FIELD IN PARAMETER LIST";
    INVALID_RELEASE_OF_PERSISTENT_RESERVATION = 0x26, 0x04, "INVALID RELEASE OF PERSISTENT RESERVATION";
    WRITE_PROTECTED                           = 0x27, 0x00, "WRITE PROTECTED";
    SOFTWARE_WRITE_PROTECTED                  = 0x27, 0x02, "LOGICAL UNIT SOFTWARE WRITE PROTECTED";
    POWER_ON_OR_RESET                         = 0x29, 0x00, "POWER ON, RESET, OR BUS DEVICE RESET OCCURRED";
    POWER_ON                                  = 0x29, 0x01, "POWER ON OCCURRED";
    BUS_RESET                                 = 0x29, 0x02, "SCSI BUS RESET OCCURRED";
    BUS_DEVICE_RESET                          = 0x29, 0x03, "BUS DEVICE RESET FUNCTION OCCURRED";
    MODE_PARAMETERS_CHANGED                   = 0x2a, 0x01, "MODE PARAMETERS CHANGED";
    RESERVATIONS_PREEMPTED                    = 0x2a, 0x03, "RESERVATIONS PREEMPTED";
    RESERVATIONS_RELEASED                     = 0x2a, 0x04, "RESERVATIONS RELEASED";
    REGISTRATIONS_PREEMPTED                   = 0x2a, 0x05, "REGISTRATIONS PREEMPTED";
    CAPACITY_DATA_HAS_CHANGED                 = 0x2a, 0x09, "CAPACITY DATA HAS CHANGED";
    COMMANDS_CLEARED_BY_ANOTHER_INITIATOR     = 0x2f, 0x00, "COMMANDS CLEARED BY ANOTHER INITIATOR";
    SAVING_PARAMETERS_NOT_SUPPORTED           = 0x39, 0x00, "SAVING PARAMETERS NOT SUPPORTED";
    MEDIUM_NOT_PRESENT                        = 0x3a, 0x00, "MEDIUM NOT PRESENT";
    INQUIRY_DATA_HAS_CHANGED                  = 0x3f, 0x03, "INQUIRY DATA HAS CHANGED";
    REPORTED_LUNS_DATA_HAS_CHANGED            = 0x3f, 0x0e, "REPORTED LUNS DATA HAS CHANGED";
    INTERNAL_TARGET_FAILURE                   = 0x44, 0x00, "INTERNAL TARGET FAILURE";
    DATA_PHASE_ERROR                          = 0x4b, 0x00, "DATA PHASE ERROR";
    INSUFFICIENT_REGISTRATION_RESOURCES       = 0x55, 0x04, "INSUFFICIENT REGISTRATION RESOURCES";
}

impl std::fmt::Display for AdditionalSense {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02x}/{:02x}", self.code, self.qualifier)?;
        match self.name() {
            Some(name) => write!(f, " {name}"),
            None => Ok(()),
        }
    }
}

impl std::fmt::Debug for AdditionalSense {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}
