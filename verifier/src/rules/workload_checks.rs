//! Checks that the workload makes itself, because only it knows what the data should be.

use super::rule;

rule! {
    /// Data read back is the data written.
    ///
    /// ## What is checked
    /// Every sector the workload writes is stamped with its address and generation; every sector it
    /// reads is compared with the last generation written there.
    ///
    /// ## Why it matters
    /// A driver that mixes up two requests under some schedule corrupts files and reports success.
    ///
    /// ## Source
    /// Our own check.
    DATA_INTEGRITY: "DataIntegrity", Check, true, None, None
}

rule! {
    /// A well-formed request to a healthy disk succeeds.
    ///
    /// ## What is checked
    /// Each request of the workload is inside the disk and aligned, and the disk has no faults, so
    /// its status must be success; a request that the workload cancelled may also end as cancelled.
    ///
    /// ## Why it matters
    /// An error that the device did not report is invented by the driver.
    ///
    /// ## Source
    /// Our own check.
    REQUEST_STATUS: "RequestStatus", Check, true, None, None
}

rule! {
    /// Every request is completed.
    ///
    /// ## What is checked
    /// A request still outstanding after sixty seconds of machine time is lost.
    ///
    /// ## Why it matters
    /// The thread that waits for it hangs for ever; so does the shutdown that waits for the thread.
    ///
    /// ## Source
    /// Our own check; sixty seconds is the time-out of Windows' disk class driver.
    LOST_REQUEST: "LostRequest", Check, true, None, None
}
