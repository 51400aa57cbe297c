//! RequestStatus: found by the workload, which alone knows what to expect.

use crate::rules::row::rule;

rule! {
    /// A well-formed request to a healthy disk succeeds, and one that meets a fault ends as the fault says.
    ///
    /// ## What is checked
    /// Each request of the workload is inside the disk and aligned, so on a disk without faults its status
    /// must be success; a request that the workload cancelled may also end as cancelled. No more bytes may
    /// have been moved than were asked for. With a fault plan or events, an error must be one that the disk
    /// class driver makes of a fault that struck, and often enough: what it tries again has to fail every
    /// time. Once the device is gone any error will do.
    ///
    /// ## Why it matters
    /// An error that the device did not report is invented by the driver; one that was to be tried again is
    /// lost data for its sender; a short transfer that passes for a whole one is corruption.
    ///
    /// ## Source
    /// Our own check, with the class driver's reading of statuses and sense data.
    RequestStatus: Checks, Check, on,
    why "an error that the device did not report is invented by the driver",
    exhibits "request-status"
}
