//! StorPortIrql: Storport's routines inside the IRQL range of their pages.

use super::range::IrqlRange;
use crate::rules::row::rule;
use kernel_sim::routine::DdiInfo;
use storport_sim::ddi::row;

rule! {
    /// Storport's routines for memory, MDLs, the registry and the system's layout are called at the levels of
    /// their pages.
    ///
    /// ## What is checked
    /// The IRQL at each call of the routines that the rule names. StorPortPutScatterGatherList is for
    /// DISPATCH_LEVEL only, StorPortRegistryRead and StorPortRegistryWrite are for PASSIVE_LEVEL only, the
    /// others for DISPATCH_LEVEL at most. MDL routines are not modelled; a call at a wrong level is told all
    /// the same.
    ///
    /// ## Why it matters
    /// Most of them return STOR_STATUS_INVALID_IRQL and do nothing. A miniport that does not look at the
    /// status goes on with a NULL pointer, or leaks what it meant to free.
    ///
    /// ## Source
    /// Microsoft, "StorPortIrql rule (Storport)": devtest/storport-storportirql, with the levels of each
    /// routine's page. StorPortAllocateDmaMemory names the rule, but its page has no level.
    StorPortIrql: Irql, Rule, on,
    why "the routine returns STOR_STATUS_INVALID_IRQL and does nothing: what looks at no status goes on with NULL",
    url "devtest/storport-storportirql",
    exhibits "stor-port-irql",
    make |_| IrqlRange::of(CALLS)
}

/// The routines that it names.
pub(super) static CALLS: &[&DdiInfo] = &[
    &row::StorPortAllocateContiguousMemorySpecifyCacheNode,
    &row::StorPortAllocateMdl,
    &row::StorPortAllocatePool,
    &row::StorPortBuildMdlForNonPagedPool,
    &row::StorPortFreeContiguousMemorySpecifyCache,
    &row::StorPortFreeMdl,
    &row::StorPortFreePool,
    &row::StorPortGetActiveGroupCount,
    &row::StorPortGetActiveNodeCount,
    &row::StorPortGetCurrentProcessorNumber,
    &row::StorPortGetGroupAffinity,
    &row::StorPortGetHighestNodeNumber,
    &row::StorPortGetLogicalProcessorRelationship,
    &row::StorPortGetNodeAffinity,
    &row::StorPortGetSystemAddress,
    &row::StorPortLogSystemEvent,
    &row::StorPortPutScatterGatherList,
    &row::StorPortRegistryRead,
    &row::StorPortRegistryWrite,
];
