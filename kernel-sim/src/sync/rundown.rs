//! Rundown protection: a count of holders, and an end after which no new holder is admitted.
//!
//! The count lies in driver memory, twice the number of holders; its lowest bit says that the rundown has
//! begun. Windows documents what the routines do and not what the structure holds, so that layout is our
//! choice. Invariant: once the bit is set the number only falls, and the release that makes it zero wakes the
//! waiters.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use super::interlocked::note;
use crate::bugcheck::REFERENCE_BY_POINTER;
use crate::ddi::Call;
use crate::ddi::types::{BOOLEAN, EX_RUNDOWN_REF, FALSE, PEX_RUNDOWN_REF, TRUE};
use crate::sync::wait::check_may_wait;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// The rundown has begun.
const BEGUN: usize = 1;
/// One holder.
const HOLDER: usize = 2;

fn count<'a>(call: &Call, rundown: PEX_RUNDOWN_REF) -> &'a AtomicUsize {
    call.check_output::<EX_RUNDOWN_REF>(rundown);
    // SAFETY: `check_output` found it in mapped memory, aligned; its count is accessed here only.
    unsafe { AtomicUsize::from_ptr(&raw mut (*rundown).Count) }
}

pub(crate) unsafe fn initialize(call: &Call, rundown: PEX_RUNDOWN_REF) {
    count(call, rundown).store(0, SeqCst);
}

/// Only an object that is run down may be used again; any other is bug check 0x18, as our choice: the page
/// says that checked builds stop, and not how.
pub(crate) unsafe fn reinitialize(call: &Call, rundown: PEX_RUNDOWN_REF) {
    let before = count(call, rundown).swap(0, SeqCst);
    note(call, rundown as usize, true);
    call.cpu.meets(rundown as usize);
    if before != BEGUN {
        misused(call, rundown, "reuses something that has not been run down");
    }
}

pub(crate) unsafe fn acquire(call: &Call, rundown: PEX_RUNDOWN_REF) -> BOOLEAN {
    let more = |n: usize| (n & BEGUN == 0).then_some(n + HOLDER);
    let granted = count(call, rundown).fetch_update(SeqCst, SeqCst, more).is_ok();
    note(call, rundown as usize, granted);
    call.cpu.takes(rundown as usize);
    if granted { TRUE } else { FALSE }
}

/// A release without a holder is bug check 0x18, as our choice: Windows leaves it open.
pub(crate) unsafe fn release(call: &Call, rundown: PEX_RUNDOWN_REF) {
    let less = |n: usize| n.checked_sub(HOLDER);
    let Ok(before) = count(call, rundown).fetch_update(SeqCst, SeqCst, less) else {
        misused(call, rundown, "releases protection that is not held");
    };
    note(call, rundown as usize, true);
    call.cpu.gives(rundown as usize);
    if before - HOLDER == BEGUN {
        let machine = call.cpu.machine();
        // A waiter set the bit under this lock, so it is on the list by the time we have the lock.
        machine.wake_all(&mut machine.kernel.lock(), rundown as usize);
    }
}

pub(crate) unsafe fn wait(call: &Call, rundown: PEX_RUNDOWN_REF) {
    let count = count(call, rundown);
    check_may_wait(call, rundown as usize, None);
    let machine = call.cpu.machine();
    let kernel = machine.kernel.lock();
    if count.fetch_or(BEGUN, SeqCst) >= HOLDER {
        machine.sleep_on(call, kernel, rundown as usize, None);
    }
    call.cpu.meets(rundown as usize);
}

pub(crate) unsafe fn completed(call: &Call, rundown: PEX_RUNDOWN_REF) {
    count(call, rundown).store(BEGUN, SeqCst);
    note(call, rundown as usize, true);
    call.cpu.meets(rundown as usize);
}

#[cold]
fn misused(call: &Call, rundown: PEX_RUNDOWN_REF, how: &str) -> ! {
    let shown = call.cpu.machine().machine_address(rundown as usize);
    call.bug_check(REFERENCE_BY_POINTER, [0, shown, 0, 0], format!("{} {how}", call.ddi.name))
}
