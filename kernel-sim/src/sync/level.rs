//! Raising and lowering the IRQL.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::bugcheck::DRIVER_VERIFIER_DETECTED_VIOLATION as VERIFIER;
use crate::ddi::Call;
use crate::ddi::types::{KIRQL, PKIRQL};
use crate::irql::Irql;

pub(crate) unsafe fn current(call: &Call) -> KIRQL {
    call.cpu.irql().0
}

pub(crate) unsafe fn paged_code(_call: &Call) {}

pub(crate) unsafe fn raise(call: &Call, new: KIRQL, old: PKIRQL) {
    call.check_output(old);
    // SAFETY: it takes no pointer.
    let before = unsafe { kf_raise(call, new) };
    // SAFETY: `check_output` found room for the level in mapped memory.
    unsafe { *old = before };
}

pub(crate) unsafe fn kf_raise(call: &Call, new: KIRQL) -> KIRQL {
    let irql = call.cpu.irql();
    if Irql(new) < irql || Irql(new) > Irql::HIGH {
        let what = format!("{} asked to go from {irql} to {}", call.ddi.name, Irql(new));
        call.bug_check(VERIFIER, [0x30, u64::from(irql.0), u64::from(new), 0], what);
    }
    call.cpu.set_irql(Irql(new));
    irql.0
}

pub(crate) unsafe fn raise_to_dpc_level(call: &Call) -> KIRQL {
    // SAFETY: it takes no pointer.
    unsafe { kf_raise(call, Irql::DISPATCH.0) }
}

pub(crate) unsafe fn lower(call: &Call, new: KIRQL) {
    let irql = call.cpu.irql();
    let in_dpc = call.cpu.in_dpc.get() != 0 && Irql(new) < Irql::DISPATCH;
    if Irql(new) > irql || in_dpc {
        let why = if in_dpc { " inside a DPC routine" } else { "" };
        let what = format!("{} asked to go from {irql} to {}{why}", call.ddi.name, Irql(new));
        call.bug_check(VERIFIER, [0x31, u64::from(irql.0), u64::from(new), u64::from(in_dpc)], what);
    }
    call.cpu.set_irql(Irql(new));
}
