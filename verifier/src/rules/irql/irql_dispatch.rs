//! IrqlDispatch: routines that are called at DISPATCH_LEVEL and at no other level.

use super::range::IrqlRange;
use crate::rules::row::rule;
use kernel_sim::ddi::row;
use kernel_sim::routine::DdiInfo;

rule! {
    /// Routines that need DISPATCH_LEVEL are called at DISPATCH_LEVEL.
    ///
    /// ## What is checked
    /// The IRQL at each call of the routines that the rule names, those of device queues, IoStartNextPacket
    /// and the routines for spin locks at DISPATCH_LEVEL, as far as this simulator has them. The range is
    /// that of each routine's page: KeAcquireSpinLockAtDpcLevel may be called above DISPATCH_LEVEL by its
    /// page, which the rule contradicts, so that is let pass.
    ///
    /// ## Why it matters
    /// Below DISPATCH_LEVEL the processor may switch threads in the middle: what the routine took stays taken
    /// while another thread, or a DPC on this very processor, waits for it for ever.
    ///
    /// ## Source
    /// Microsoft, "IrqlDispatch rule (Storport)": devtest/storport-irqldispatch. The routines of
    /// DMA_OPERATIONS and of controller objects, which it names too, are not in this simulator.
    IrqlDispatch: Irql, Rule, on,
    why "below DISPATCH_LEVEL a DPC or another thread of this processor can come in between, and wait for ever",
    url "devtest/storport-irqldispatch",
    stop DRIVER_VERIFIER_DETECTED_VIOLATION / 0x20003,
    exhibits "irql-dispatch",
    make |_| IrqlRange::of(CALLS)
}

/// The routines that it names.
pub(super) static CALLS: &[&DdiInfo] = &[
    &row::IoStartNextPacket,
    &row::KeAcquireSpinLockAtDpcLevel,
    &row::KeInsertByKeyDeviceQueue,
    &row::KeInsertDeviceQueue,
    &row::KeReleaseSpinLockFromDpcLevel,
    &row::KeRemoveByKeyDeviceQueue,
    &row::KeRemoveDeviceQueue,
];
