//! Executive resources: locks that one thread owns exclusively or several share, and the critical regions
//! around them.
//!
//! Owners and waiters are kept in the kernel's tables, by the resource's address. Waiters are served in the
//! order they came, those who want to share together; Windows documents no order. A thread that shares a
//! resource and asks for it exclusively waits for itself, as it does on Windows. There are no APCs here, so a
//! critical region is a count that the routines below check as Driver Verifier does. Invariant: a waiter who
//! is woken owns the resource already.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use super::wait::check_may_wait;
use crate::bugcheck::{DRIVER_VERIFIER_DETECTED_VIOLATION as VERIFIER, RESOURCE_NOT_OWNED};
use crate::ddi::Call;
use crate::ddi::types::{BOOLEAN, ERESOURCE, FALSE, NTSTATUS, PERESOURCE, STATUS_SUCCESS, TRUE, ULONG};
use crate::irql::Irql;
use crate::kernel::Kernel;
use crate::machine::Machine;
use crate::stamp::Mark;
use crate::sync::thread::Thread;
use std::collections::VecDeque;
use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

/// The owners of a resource, and the threads that wait for it.
#[derive(Default)]
pub(crate) struct Owners {
    is_exclusive: bool,
    /// Threads that own it, and how many times; one at most if it is exclusive.
    holders: Vec<(*const Thread, u32)>,
    /// Threads that wait, and whether they want it exclusively.
    waiting: VecDeque<(*const Thread, bool)>,
    /// When the driver initialized it.
    since: Option<Mark>,
}

impl Owners {
    fn held_by(&mut self, thread: *const Thread) -> Option<&mut u32> {
        self.holders.iter_mut().find(|(t, _)| std::ptr::eq(*t, thread)).map(|(_, n)| n)
    }

    /// Gives the resource to a thread, if that takes no waiting; `waiting`: the thread is on the waiting
    /// list.
    fn take(&mut self, thread: *const Thread, exclusive: bool, waiting: bool) -> bool {
        let (alone, first) = (self.is_exclusive, waiting || self.waiting.is_empty());
        if let Some(count) = self.held_by(thread)
            && (alone || !exclusive)
        {
            *count += 1;
            return true;
        }
        let free = if exclusive { self.holders.is_empty() } else { !alone };
        if free && first {
            self.is_exclusive = exclusive;
            self.holders.push((thread, 1));
        }
        free && first
    }

    /// Gives one acquisition back; `false` if the thread has none.
    fn give(&mut self, thread: *const Thread) -> bool {
        let Some(count) = self.held_by(thread) else { return false };
        *count -= 1;
        self.holders.retain(|(_, count)| *count != 0);
        if self.holders.is_empty() {
            self.is_exclusive = false;
        }
        true
    }

    /// Makes the next waiter that can have the resource an owner, and returns it.
    fn next(&mut self) -> Option<*const Thread> {
        let (thread, exclusive) = *self.waiting.front()?;
        if !self.take(thread, exclusive, true) {
            return None;
        }
        self.waiting.pop_front();
        Some(thread)
    }
}

fn object<'a>(call: &Call, resource: PERESOURCE) -> &'a mut ERESOURCE {
    if !call.cpu.is_memory(resource as usize, size_of::<ERESOURCE>()) || !resource.is_aligned() {
        call.bad_pointer(resource as usize, "the ERESOURCE");
    }
    // SAFETY: mapped, aligned memory of the machine, plain data; the driver's own.
    unsafe { &mut *resource }
}

/// Runs `body` on the owners of a resource that is in use.
fn with<R>(call: &Call, resource: PERESOURCE, body: impl FnOnce(&mut Owners) -> R) -> R {
    if object(call, resource).Type != ERESOURCE::TYPE {
        call.bad_pointer(resource as usize, "the ERESOURCE, which is not initialized");
    }
    let mut kernel = call.machine().kernel.lock();
    let owners = kernel.resources.entry(resource as usize);
    body(owners.or_insert_with(|| {
        call.machine().linked_objects.fetch_add(1, Relaxed);
        Owners::default()
    }))
}

/// A resource in a range of memory that was initialized and not deleted: where, and when it was initialized.
pub(crate) fn live_within(kernel: &Kernel, range: Range<usize>) -> Option<(usize, Option<Mark>)> {
    // SAFETY: the kernel notes resources in memory of the machine, aligned; the block around this one has not
    // been freed yet.
    let is_live = |at: &usize| unsafe { (*(*at as PERESOURCE)).Type == ERESOURCE::TYPE };
    let mut within = kernel.resources.range(range);
    within.find(|(at, _)| is_live(at)).map(|(at, owners)| (*at, owners.since))
}

pub(super) fn me(call: &Call) -> &'static Thread {
    // SAFETY: a processor that runs driver code runs a thread, and threads live as long as the machine.
    unsafe { &*call.cpu.thread.get() }
}

pub(crate) unsafe fn enter_critical_region(call: &Call) {
    me(call).critical_regions.update(|n| n + 1);
}

pub(crate) unsafe fn leave_critical_region(call: &Call) {
    let regions = &me(call).critical_regions;
    match regions.get().checked_sub(1) {
        Some(n) => regions.set(n),
        None => call.bug_check(VERIFIER, [0x3E, 0, 0, 0], "KeLeaveCriticalRegion in no critical region"),
    }
}

pub(crate) unsafe fn are_apcs_disabled(call: &Call) -> BOOLEAN {
    if has_apcs(call) { FALSE } else { TRUE }
}

/// Whether a normal kernel APC could interrupt the calling thread.
pub(super) fn has_apcs(call: &Call) -> bool {
    let me = me(call);
    me.critical_regions.get() + me.guarded_regions.get() == 0 && call.cpu.irql() < Irql::APC
}

/// Without a critical region the thread could be suspended while it owns the resource, and block all others.
fn check_apcs(call: &Call, check: u64, resource: PERESOURCE) {
    if has_apcs(call) {
        let shown = call.machine().machine_address(resource as usize);
        let what = format!("{} outside of a critical region", call.ddi.name);
        call.bug_check(VERIFIER, [check, u64::from(call.cpu.irql().0), 0, shown], what);
    }
}

pub(crate) unsafe fn initialize(call: &Call, resource: PERESOURCE) -> NTSTATUS {
    let object = object(call, resource);
    let mut kernel = call.cpu.machine().kernel.lock();
    if object.Type == ERESOURCE::TYPE && kernel.resources.contains_key(&(resource as usize)) {
        drop(kernel);
        let shown = call.cpu.machine().machine_address(resource as usize);
        call.bug_check(VERIFIER, [0xD0, shown, 0, 0], "a resource is initialized twice");
    }
    object.Type = ERESOURCE::TYPE;
    let owners = Owners { since: Some(Mark::of(call)), ..Owners::default() };
    if kernel.resources.insert(resource as usize, owners).is_none() {
        call.machine().linked_objects.fetch_add(1, Relaxed);
    }
    STATUS_SUCCESS
}

pub(crate) unsafe fn delete(call: &Call, resource: PERESOURCE) -> NTSTATUS {
    let object = object(call, resource);
    if object.Type != ERESOURCE::TYPE {
        let shown = call.cpu.machine().machine_address(resource as usize);
        call.bug_check(VERIFIER, [0xD1, shown, 0, 0], "a resource is deleted that was not initialized");
    }
    object.Type = 0;
    if call.machine().kernel.lock().resources.remove(&(resource as usize)).is_some() {
        call.machine().linked_objects.fetch_sub(1, Relaxed);
    }
    STATUS_SUCCESS
}

fn acquire(call: &Call, resource: PERESOURCE, wait: BOOLEAN, exclusive: bool) -> BOOLEAN {
    check_apcs(call, 0x37, resource);
    let me = me(call);
    let taken = with(call, resource, |owners| {
        let taken = owners.take(me, exclusive, false);
        if !taken && wait != FALSE && call.cpu.may_dispatch() {
            owners.waiting.push_back((me, exclusive));
        }
        taken
    });
    if taken {
        call.cpu.takes(resource as usize);
        return TRUE;
    }
    if wait == FALSE {
        return FALSE;
    }
    check_may_wait(call, resource as usize, None);
    let machine = call.machine();
    let kernel = machine.kernel.lock();
    // Given to this thread between the two looks at the tables, in the parallel executor.
    let given = kernel.resources.get(&(resource as usize)).is_none_or(|owners| owners.is_given_to(me));
    if !given {
        machine.sleep_on(call, kernel, resource as usize, None);
    }
    call.cpu.takes(resource as usize);
    TRUE
}

impl Owners {
    /// Whether a thread that was waiting has been served.
    fn is_given_to(&self, thread: &Thread) -> bool {
        !self.waiting.iter().any(|(t, _)| std::ptr::eq(*t, thread))
    }
}

pub(crate) unsafe fn acquire_shared(call: &Call, resource: PERESOURCE, wait: BOOLEAN) -> BOOLEAN {
    acquire(call, resource, wait, false)
}

pub(crate) unsafe fn acquire_exclusive(call: &Call, resource: PERESOURCE, wait: BOOLEAN) -> BOOLEAN {
    acquire(call, resource, wait, true)
}

pub(crate) unsafe fn release(call: &Call, resource: PERESOURCE) {
    check_apcs(call, 0x38, resource);
    let me = me(call);
    if !with(call, resource, |owners| owners.give(me)) {
        let shown = call.machine().machine_address(resource as usize);
        let what =
            format!("{} of {}, which the thread does not have", call.ddi.name, crate::report_address(shown));
        call.bug_check(RESOURCE_NOT_OWNED, [shown, 0, 0, 0], what);
    }
    call.cpu.gives(resource as usize);
    call.machine().serve_waiters(resource as usize);
}

impl Machine {
    /// Gives a resource to the waiters who can have it now.
    fn serve_waiters(&self, resource: usize) {
        let mut kernel = self.kernel.lock();
        while let Some(thread) = kernel.resources.get_mut(&resource).and_then(Owners::next) {
            // SAFETY: threads live as long as the machine.
            let thread = unsafe { &*thread };
            // A thread that has not gone to sleep yet sees on its way that it was served.
            if thread.waits_for.get() == resource {
                self.wake(&mut kernel, thread, STATUS_SUCCESS);
            }
        }
    }
}

pub(crate) unsafe fn is_acquired_exclusive(call: &Call, resource: PERESOURCE) -> BOOLEAN {
    let me = me(call);
    let mine = with(call, resource, |owners| owners.is_exclusive && owners.held_by(me).is_some());
    if mine { TRUE } else { FALSE }
}

pub(crate) unsafe fn is_acquired_shared(call: &Call, resource: PERESOURCE) -> ULONG {
    let me = me(call);
    with(call, resource, |owners| owners.held_by(me).map_or(0, |count| *count))
}
