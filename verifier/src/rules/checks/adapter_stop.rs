//! AdapterStop: found by the workload, which alone knows what to expect.

use crate::rules::row::rule;

rule! {
    /// A miniport does not fail a stop of its adapter.
    ///
    /// ## What is checked
    /// Plug and play stops an adapter that works to give it other resources, or since a processor was added
    /// (`--event rebalance`). No request is under way, and those that come wait. The miniport is told by
    /// SRB_FUNCTION_PNP with StorStopDevice for the adapter, and ends that with SRB_STATUS_SUCCESS. An end
    /// that a lack of memory or a hostile device explains is no finding.
    ///
    /// ## Why it matters
    /// The stop goes on whatever the miniport says. An adapter that was not made quiet goes on to interrupt
    /// and to write into memory, and HwStorInitialize runs on queues that are in use: a hang.
    ///
    /// ## Source
    /// Our own check, after the page of IRP_MN_STOP_DEVICE, the request behind the SRB: "A driver must not
    /// fail this IRP." The page of SRB_FUNCTION_PNP does not say what a failure means.
    AdapterStop: Checks, Check, on,
    why "plug and play goes on with the stop: the adapter is started anew while it works",
    exhibits "adapter-stop" with "--event rebalance"
}
