//! Rundown protection: a count of those who use something, and the wait until nobody does.
//!
//! The word is the driver's: bit 0 says that rundown has begun, the rest counts those who hold the protection,
//! twice. Invariant: once bit 0 is set the count only falls. Giving back what nobody holds wraps around
//! unnoticed on Windows; here it stops the machine, which is our choice.

use super::wait::check_may_wait;
use crate::bugcheck::UNBALANCED_RELEASE;
use crate::ddi::Cx;
use crate::ddi::types::{BOOLEAN, EX_RUNDOWN_REF, FALSE, PEX_RUNDOWN_REF, TRUE};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// Rundown has begun, or is over.
const ACTIVE: usize = 1;
/// One holder.
const HOLDER: usize = 2;

fn word<'a>(cx: &Cx, reference: PEX_RUNDOWN_REF) -> &'a AtomicUsize {
    if !cx.cpu.is_memory(reference as usize, size_of::<EX_RUNDOWN_REF>()) || !reference.is_aligned() {
        cx.bad_pointer(reference as usize, "the EX_RUNDOWN_REF");
    }
    // SAFETY: mapped, aligned memory of the machine; every access to it goes through atomics.
    unsafe { AtomicUsize::from_ptr(&raw mut (*reference).Count) }
}

pub(crate) unsafe fn initialize(cx: &Cx, reference: PEX_RUNDOWN_REF) {
    word(cx, reference).store(0, SeqCst);
}

pub(crate) unsafe fn acquire(cx: &Cx, reference: PEX_RUNDOWN_REF) -> BOOLEAN {
    let taken =
        word(cx, reference).fetch_update(SeqCst, SeqCst, |w| (w & ACTIVE == 0).then(|| w + HOLDER)).is_ok();
    if taken { TRUE } else { FALSE }
}

pub(crate) unsafe fn release(cx: &Cx, reference: PEX_RUNDOWN_REF) {
    let Ok(before) = word(cx, reference).fetch_update(SeqCst, SeqCst, |w| w.checked_sub(HOLDER)) else {
        let shown = cx.cpu.machine().machine_address(reference as usize);
        let what = format!("{} of {}, which nobody holds", cx.ddi.name, crate::report_address(shown));
        cx.bug_check(UNBALANCED_RELEASE, [0, shown, 0, 0], what);
    };
    if before == HOLDER | ACTIVE {
        let machine = cx.cpu.machine();
        machine.wake_all(&mut machine.kernel.lock(), reference as usize);
    }
}

pub(crate) unsafe fn wait(cx: &Cx, reference: PEX_RUNDOWN_REF) {
    let word = word(cx, reference);
    check_may_wait(cx, reference as usize, None);
    let machine = cx.cpu.machine();
    let kernel = machine.kernel.lock();
    // Under the lock: who gives the last one back finds either no rundown begun or somebody waiting.
    if word.fetch_or(ACTIVE, SeqCst) & !ACTIVE != 0 {
        machine.sleep_on(cx, kernel, reference as usize, None);
    }
}

pub(crate) unsafe fn completed(cx: &Cx, reference: PEX_RUNDOWN_REF) {
    word(cx, reference).store(ACTIVE, SeqCst);
}

pub(crate) unsafe fn reinitialize(cx: &Cx, reference: PEX_RUNDOWN_REF) {
    word(cx, reference).store(0, SeqCst);
}
