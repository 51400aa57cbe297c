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
    /// A well-formed request to a healthy disk succeeds, and one that meets a fault ends as the fault says.
    ///
    /// ## What is checked
    /// Each request of the workload is inside the disk and aligned, so on a disk without faults its status
    /// must be success; a request that the workload cancelled may also end as cancelled. Success says that
    /// every byte was moved. With a fault plan or events, an error must be one that the disk class driver
    /// makes of a fault that struck, and often enough: what it tries again has to fail every time. Once the
    /// device is gone any error will do.
    ///
    /// ## Why it matters
    /// An error that the device did not report is invented by the driver; one that was to be tried again is
    /// lost data to somebody; a short transfer that passes for a whole one is corruption.
    ///
    /// ## Source
    /// Our own check, with the class driver's reading of statuses and sense data.
    REQUEST_STATUS: "RequestStatus", Check, true, None, None
}

rule! {
    /// Every request is completed.
    ///
    /// ## What is checked
    /// A request still outstanding after sixty seconds of machine time is lost; where a fault plan or events
    /// are on, after the hours that time-outs, resets and retries may take at worst. (A miniport that still
    /// has a request after a bus reset is stopped by Storport long before: bug check 0xF1/0x1007.)
    ///
    /// ## Why it matters
    /// The thread that waits for it hangs for ever; so does the shutdown that waits for the thread.
    ///
    /// ## Source
    /// Our own check; sixty seconds is the time-out of Windows' disk class driver.
    LOST_REQUEST: "LostRequest", Check, true, None, None
}

rule! {
    /// An adapter that was stopped starts again.
    ///
    /// ## What is checked
    /// After a stop under load the adapter is restarted; the miniport must not fail that.
    ///
    /// ## Why it matters
    /// Every request that waits for the adapter waits for ever: the disk is gone until the machine is
    /// restarted.
    ///
    /// ## Source
    /// Our own check.
    ADAPTER_RESTART: "AdapterRestart", Check, true, None, None
}
