//! Remove locks: how a WDM driver keeps its device until the last request is through.
//!
//! The count starts at one, for the device itself; a removal releases that together with the caller's own
//! acquisition, and waits. Windows compares tags in checked builds only. The deterministic executor keeps
//! those under which a lock is held, and tells those who watch of a release under another; it changes
//! nothing. Invariant: the event is signaled exactly when the count has reached zero. A count that reaches
//! zero before the removal began means one release too many; Windows does not notice, here it stops the
//! machine, which is our choice.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::bugcheck::UNBALANCED_RELEASE;
use crate::ddi::Call;
use crate::ddi::types::*;
use crate::kernel::Kernel;
use crate::routine::IntoArg as _;
use crate::sync::wait::{check_may_wait, initialize_event};

/// The tags under which remove locks are held: lock and tag, once for each acquisition.
#[derive(Default)]
pub(crate) struct Tags(Vec<(usize, usize)>);

impl Tags {
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether a lock was held under a tag; then it is once less.
    fn take(&mut self, lock: usize, tag: usize) -> bool {
        let place = self.0.iter().rposition(|held| *held == (lock, tag));
        place.map(|place| self.0.swap_remove(place)).is_some()
    }
}

fn object<'a>(call: &Call, lock: PIO_REMOVE_LOCK) -> &'a mut IO_REMOVE_LOCK_COMMON_BLOCK {
    if !call.cpu.is_memory(lock as usize, size_of::<IO_REMOVE_LOCK>()) || !lock.is_aligned() {
        call.bad_pointer(lock as usize, "the IO_REMOVE_LOCK");
    }
    // SAFETY: mapped, aligned memory of the machine, plain data; changed under the kernel lock.
    unsafe { &mut (*lock).Common }
}

pub(crate) unsafe fn initialize(
    call: &Call,
    lock: PIO_REMOVE_LOCK,
    _tag: ULONG,
    _minutes: ULONG,
    _high_watermark: ULONG,
) {
    let common = object(call, lock);
    common.Removed = FALSE;
    common.IoCount = 1;
    if call.is_deterministic() {
        let mut kernel = call.cpu.machine().kernel.lock();
        kernel.remove_tags.0.retain(|(held, _)| *held != lock as usize);
    }
    // SAFETY: the event is a field of the lock, which `object` found in mapped memory, aligned.
    unsafe { initialize_event(call, &raw mut common.RemoveEvent, NotificationEvent, FALSE) };
}

pub(crate) unsafe fn acquire(call: &Call, lock: PIO_REMOVE_LOCK, tag: PVOID) -> NTSTATUS {
    let common = object(call, lock);
    let mut kernel = call.cpu.machine().kernel.lock();
    if common.Removed != FALSE {
        drop(kernel);
        call.unusual(&[lock.into_arg(), tag.into_arg()]);
        return STATUS_DELETE_PENDING;
    }
    common.IoCount += 1;
    if call.is_deterministic() {
        kernel.remove_tags.0.push((lock as usize, tag as usize));
    }
    call.cpu.takes(lock as usize);
    STATUS_SUCCESS
}

/// Gives `n` acquisitions back.
fn give(call: &Call, kernel: &mut Kernel, lock: PIO_REMOVE_LOCK, n: LONG) {
    let common = object(call, lock);
    call.cpu.gives(lock as usize);
    common.IoCount -= n;
    if common.IoCount == 0 {
        call.cpu.machine().signal(kernel, &raw const common.RemoveEvent as usize);
    }
}

/// Stops the machine if fewer than `n` acquisitions besides the device's own are left to give back.
fn check_held(call: &Call, lock: PIO_REMOVE_LOCK, n: LONG) {
    let common = object(call, lock);
    let own = LONG::from(common.Removed == FALSE);
    if common.IoCount < n + own {
        let shown = call.cpu.machine().machine_address(lock as usize);
        let what = format!("{} of {}, which is not held", call.ddi.name, crate::report_address(shown));
        call.bug_check(UNBALANCED_RELEASE, [0, shown, 0, 0], what);
    }
}

/// The lock is about to be released under that tag; told to those who watch if it is not held under it.
fn give_tag(call: &Call, lock: PIO_REMOVE_LOCK, tag: PVOID) {
    if call.is_deterministic()
        && !call.cpu.machine().kernel.lock().remove_tags.take(lock as usize, tag as usize)
    {
        call.unusual(&[lock.into_arg(), tag.into_arg()]);
    }
}

pub(crate) unsafe fn release(call: &Call, lock: PIO_REMOVE_LOCK, tag: PVOID) {
    give_tag(call, lock, tag);
    check_held(call, lock, 1);
    let mut kernel = call.cpu.machine().kernel.lock();
    give(call, &mut kernel, lock, 1);
}

pub(crate) unsafe fn release_and_wait(call: &Call, lock: PIO_REMOVE_LOCK, tag: PVOID) {
    give_tag(call, lock, tag);
    check_held(call, lock, 1);
    check_may_wait(call, lock as usize, None);
    let machine = call.cpu.machine();
    let common = object(call, lock);
    let mut kernel = machine.kernel.lock();
    common.Removed = TRUE;
    give(call, &mut kernel, lock, 2);
    if common.IoCount > 0 {
        machine.sleep_on(call, kernel, &raw const common.RemoveEvent as usize, None);
    }
    call.cpu.takes(lock as usize);
}
