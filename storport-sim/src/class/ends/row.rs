//! What a row of the table of ends says: how an SRB came back, and what becomes of its request.

use crate::scsi::SenseKey;
use kernel_sim::ddi::NTSTATUS;

/// How often a request is sent again that may succeed another time: MAXIMUM_RETRIES of Windows' class
/// library.
pub const RETRIES_MAX: u32 = 4;
/// The same for a unit that has reached a soft threshold of its space, which it says in a unit attention.
pub(crate) const THRESHOLD_RETRIES_MAX: u32 = 32;

/// How an SRB came back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum When {
    /// With this SRB status and no sense data that can be read.
    Srb(u8),
    /// With SRB_STATUS_ERROR, this SCSI status and no sense data that can be read.
    Scsi(u8),
    /// With sense data.
    Sense {
        /// The sense key.
        key: SenseKey,
        /// The additional sense code; `None`: any that no earlier row has.
        code: Option<u8>,
        /// Its qualifier; `None`: any that no earlier row has.
        qualifier: Option<u8>,
        /// What else must hold.
        only: Only,
    },
}

/// A condition besides the codes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Only {
    /// None.
    Always,
    /// The sense data says "incorrect length".
    IncorrectLength,
    /// The command writes blocks.
    Writes,
}

/// What becomes of the request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// It succeeded, with as many bytes as the SRB says were moved.
    Success,
    /// It fails with this, at once.
    Fail(NTSTATUS),
    /// It is sent again after so many seconds; if that was done `retries` times, it fails with this.
    Again { status: NTSTATUS, after_s: u32, retries: u32 },
    /// It fails at once with the NTSTATUS that the SRB carries (SystemStatus, InternalStatus).
    OfTheSrb,
}

impl End {
    /// How often a request that always ends so is sent.
    #[cfg(test)]
    pub(crate) fn tries(self) -> u32 {
        match self {
            End::Again { retries, .. } => retries + 1,
            End::Success | End::Fail(_) | End::OfTheSrb => 1,
        }
    }
}

/// Where a row comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Source {
    /// Named in what Microsoft's class library does (`ClassInterpretSenseInfo` of the published sample).
    ClassLibrary,
    /// As the class library treats what it does not name.
    ClassLibraryDefault,
    /// Our choice; the note says what the class library or its disk driver does instead.
    OurChoice,
}

/// One row.
#[derive(Debug)]
pub(crate) struct Row {
    pub when: When,
    pub end: End,
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the page"))]
    pub source: Source,
    /// What there is to add; may be empty.
    #[cfg_attr(not(test), expect(dead_code, reason = "read by the page"))]
    pub note: &'static str,
}
