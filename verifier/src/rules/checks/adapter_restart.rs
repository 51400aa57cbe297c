//! AdapterRestart: found by the workload, which alone knows what to expect.

use crate::rules::row::rule;

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
    AdapterRestart: Checks, Check, on,
    why "every request that waits for the adapter waits for ever",
    exhibits "adapter-restart" with "--event stop-restart"
}
