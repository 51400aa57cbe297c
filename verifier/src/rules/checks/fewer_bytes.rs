//! FewerBytes: found by the workload, which alone knows what to expect.

use crate::rules::row::rule;

rule! {
    /// A read or write that succeeds has moved every byte that was asked for.
    ///
    /// ## What is checked
    /// Information of a request that ends with success is the number of bytes that its SRBs say were moved:
    /// Windows' disk class driver passes on what the miniport left in DataTransferLength. The workload asks
    /// for whole blocks inside the disk, so fewer bytes are found where no fault of the plan cut the command
    /// short.
    ///
    /// ## Why it matters
    /// The status is success, and few callers look at Information: the rest of the buffer holds what was
    /// there before, or the rest of the file was never written.
    ///
    /// ## Source
    /// Our own check, with the class driver's reading of SRB_STATUS_SUCCESS.
    FewerBytes: Checks, Check, on,
    why "the caller was told success: it takes the rest of its buffer for data of the disk",
    exhibits "fewer-bytes"
}
