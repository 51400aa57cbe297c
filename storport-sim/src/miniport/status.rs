//! How a request ended, in the miniport's words.

use crate::ddi;
use std::fmt;

/// An SRB status without its flag bits. Open: any value may be sent, as from C.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct SrbStatus(pub u8);

impl SrbStatus {
    /// The request did what was asked, and moved all of its data.
    pub const SUCCESS: SrbStatus = SrbStatus(ddi::SRB_STATUS_SUCCESS);
    /// The unit reported an error; see the SCSI status and the sense data.
    pub const ERROR: SrbStatus = SrbStatus(ddi::SRB_STATUS_ERROR);
    /// Not now: Storport sends the request again after a pause.
    pub const BUSY: SrbStatus = SrbStatus(ddi::SRB_STATUS_BUSY);
    /// The request was given up.
    pub const ABORTED: SrbStatus = SrbStatus(ddi::SRB_STATUS_ABORTED);
    /// The request to give up cannot be given up, or is not known.
    pub const ABORT_FAILED: SrbStatus = SrbStatus(ddi::SRB_STATUS_ABORT_FAILED);
    /// A bus reset ended the request.
    pub const BUS_RESET: SrbStatus = SrbStatus(ddi::SRB_STATUS_BUS_RESET);
    /// The miniport does not know the function.
    pub const INVALID_REQUEST: SrbStatus = SrbStatus(ddi::SRB_STATUS_INVALID_REQUEST);
    /// There is no device at that address.
    pub const NO_DEVICE: SrbStatus = SrbStatus(ddi::SRB_STATUS_NO_DEVICE);
    /// More data than there was room for, or less than was asked for.
    pub const DATA_OVERRUN: SrbStatus = SrbStatus(ddi::SRB_STATUS_DATA_OVERRUN);
}

impl fmt::Display for SrbStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match ddi::srb_status_name(ddi::SRB_STATUS(self.0)) {
            Some(name) => f.write_str(name),
            None => write!(f, "{:#04x}", self.0),
        }
    }
}

impl fmt::Debug for SrbStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
