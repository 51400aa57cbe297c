//! DataIntegrity: found by the workload, which alone knows what to expect.

use crate::rules::row::rule;

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
    DataIntegrity: Checks, Check, on,
    why "a driver that mixes up two requests under some schedule corrupts files and reports success",
    exhibits "data-integrity"
}
