//! SpIrql: the network's plug and play below DISPATCH_LEVEL.

use super::range::IrqlRange;
use crate::rules::row::rule;
use kernel_sim::ddi::row;
use kernel_sim::routine::DdiInfo;

rule! {
    /// TdiRegisterPnPHandlers and TdiDeregisterPnPHandlers are called below DISPATCH_LEVEL.
    ///
    /// ## What is checked
    /// The IRQL at each call of the two. The static rule passes every path that calls
    /// ExFreeToNPagedLookasideList besides, which says nothing about the level and is not followed here.
    ///
    /// ## Why it matters
    /// Both routines wait for locks of the network's, and touch paged memory: at DISPATCH_LEVEL neither can
    /// be served.
    ///
    /// ## Source
    /// Microsoft, "SpIrql rule (Storport)": devtest/storport-spirql. Why is our own conclusion.
    SpIrql: Irql, Rule, on,
    why "these routines wait and touch paged memory, neither of which can be served at DISPATCH_LEVEL",
    url "devtest/storport-spirql",
    exhibits "sp-irql",
    make |_| IrqlRange::of(CALLS)
}

/// The routines that it names.
pub(super) static CALLS: &[&DdiInfo] = &[&row::TdiRegisterPnPHandlers, &row::TdiDeregisterPnPHandlers];
