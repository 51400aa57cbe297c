//! `suspect-filter-pending` and `suspect-filter-frees`: the ends of requests that a filter sees.
//!
//! **What the driver does.** It is the clean `filter`, above a disk. Its completion routine for reads counts
//! them; that for writes frees the IRP that it has sent in place of the other's. The first does not look at
//! PendingReturned. The second returns STATUS_SUCCESS, as its other completion routine does.
//!
//! **What goes wrong.** The first: the disk pends a read, and the filter's dispatch routine returns
//! STATUS_PENDING as it was told. The driver above waits until the request is said to have been pended, which
//! it never is. The second: the I/O manager goes on with an IRP that was freed.
//!
//! **Why it is rare.** Reads that are completed at once are right. What was freed is still there for a while.
//!
//! **What Windows does.** A thread waits for ever; Driver Verifier stops with 0xC9, 0x228. The freed IRP is
//! another owner's memory: 0x44, 0xC2, or worse.
//!
//! **The near misses** are the clean driver.
//!
//! **Found by** DRIVER_VERIFIER_IOMANAGER_VIOLATION, check 0x228, and by
//! DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL, in nearly every run.

use crate::filter::Ways;

pub(super) struct ForgetsPending;
impl Ways for ForgetsPending {
    const PASSES_PENDING: bool = false;
}

pub(super) struct ForgetsToKeep;
impl Ways for ForgetsToKeep {
    const KEEPS_OWN: bool = false;
}
