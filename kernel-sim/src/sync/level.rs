//! Raising and lowering the IRQL.

use crate::bugcheck::DRIVER_VERIFIER_DETECTED_VIOLATION as VERIFIER;
use crate::ddi::Cx;
use crate::ddi::types::{KIRQL, PKIRQL};
use crate::irql::Irql;

pub(crate) unsafe fn current(cx: &Cx) -> KIRQL {
    cx.cpu.irql().0
}

pub(crate) unsafe fn raise(cx: &Cx, new: KIRQL, old: PKIRQL) {
    cx.check_output(old);
    // SAFETY: it touches no memory of the driver.
    let before = unsafe { kf_raise(cx, new) };
    // SAFETY: just found in mapped memory.
    unsafe { *old = before };
}

pub(crate) unsafe fn kf_raise(cx: &Cx, new: KIRQL) -> KIRQL {
    let irql = cx.cpu.irql();
    if Irql(new) < irql || Irql(new) > Irql::HIGH {
        let what = format!("{} asked to go from {irql} to {}", cx.ddi.name, Irql(new));
        cx.bug_check(VERIFIER, [0x30, u64::from(irql.0), u64::from(new), 0], what);
    }
    cx.cpu.set_irql(Irql(new));
    irql.0
}

pub(crate) unsafe fn raise_to_dpc_level(cx: &Cx) -> KIRQL {
    // SAFETY: it touches no memory of the driver.
    unsafe { kf_raise(cx, Irql::DISPATCH.0) }
}

pub(crate) unsafe fn lower(cx: &Cx, new: KIRQL) {
    let irql = cx.cpu.irql();
    let in_dpc = cx.cpu.in_dpc.get() != 0 && Irql(new) < Irql::DISPATCH;
    if Irql(new) > irql || in_dpc {
        let why = if in_dpc { " inside a DPC routine" } else { "" };
        let what = format!("{} asked to go from {irql} to {}{why}", cx.ddi.name, Irql(new));
        cx.bug_check(VERIFIER, [0x31, u64::from(irql.0), u64::from(new), u64::from(in_dpc)], what);
    }
    cx.cpu.set_irql(Irql(new));
}
