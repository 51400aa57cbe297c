//! PagedCode: pageable code runs below DISPATCH_LEVEL.

use crate::rules::irql::range::IrqlRange;
use crate::rules::row::rule;
use kernel_sim::ddi::row;
use kernel_sim::routine::DdiInfo;

rule! {
    /// PAGED_CODE is executed at APC_LEVEL at most.
    ///
    /// ## What is checked
    /// The IRQL at each PAGED_CODE, which a driver puts at the beginning of a routine that may be paged out.
    /// Code that raises the IRQL behind it is not found.
    ///
    /// ## Why it matters
    /// The routine lies in memory that may be on disk: at DISPATCH_LEVEL nothing can read it back, and
    /// Windows stops with IRQL_NOT_LESS_OR_EQUAL when that happens to be so.
    ///
    /// ## Source
    /// Microsoft, "PagedCode rule (Storport)": devtest/storport-pagedcode.
    PagedCode: Warning, Rule, off,
    why "the routine may be on disk: at this IRQL nothing can read it back, and Windows stops",
    url "devtest/storport-pagedcode",
    exhibits "paged-code" with "--rules all",
    make |_| IrqlRange::of(CALLS)
}

static CALLS: &[&DdiInfo] = &[&row::PAGED_CODE];
