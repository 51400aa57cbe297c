//! Driver Verifier's checks of requests that are pended: what a dispatch routine returns, what it marked, and
//! what its completion routine passes on.
//!
//! Each call of a dispatch routine is noted with the stack location it had. Two things come to it, in either
//! order: the routine returns, and completion passes its location. When both have come they are compared:
//! STATUS_PENDING goes together with SL_PENDING_RETURNED, which a driver sets with IoMarkIrpPending before it
//! returns, or in its completion routine if the drivers below have pended the request. It is asked for
//! ([`Machine::check_pending`](crate::machine::Machine)), and done in the deterministic executor only.
//! Invariant: a driver that returns what the driver below returned and passes PendingReturned on hears
//! nothing.

#![expect(unsafe_code, reason = "reads IRPs in driver memory")]

use crate::bugcheck::DRIVER_VERIFIER_IOMANAGER_VIOLATION as IO_VERIFIER;
use crate::ddi::Call;
use crate::ddi::types::*;
use crate::moment::Moment;
use crate::stamp::Mark;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

/// One call of a dispatch routine, until both have come.
struct Visit {
    id: u64,
    /// 0 when the IRP is gone.
    irp: usize,
    location: usize,
    /// Whether it returned STATUS_PENDING, and when.
    returned: Option<(bool, Option<Mark>)>,
    /// Whether its location was marked when completion passed it, and whether the request was pended below.
    passed: Option<(bool, bool)>,
}

/// What is known of calls of dispatch routines.
#[derive(Default)]
pub(crate) struct PendingChecks {
    is_on: AtomicBool,
    next: AtomicU64,
    visits: Mutex<Vec<Visit>>,
}

/// What is wrong, the number of the check, and when the dispatch routine returned.
type Wrong = (u64, &'static str, Option<Mark>);

fn wrong(visit: &Visit) -> Option<Wrong> {
    let ((is_pending, when), (is_marked, pended_below)) = (visit.returned?, visit.passed?);
    match (is_pending, is_marked) {
        (true, false) if pended_below => Some((
            0x228,
            "a completion routine did not pass PendingReturned on: its driver has returned STATUS_PENDING, and \
             the request was pended below; it has to call IoMarkIrpPending",
            when,
        )),
        (true, false) => Some((
            0x23D,
            "a dispatch routine returned STATUS_PENDING for a request that was not marked: IoMarkIrpPending",
            when,
        )),
        (false, true) => Some((
            0x23E,
            "a request was marked as pending, and the dispatch routine did not return STATUS_PENDING",
            when,
        )),
        _ => None,
    }
}

impl PendingChecks {
    pub(crate) fn turn_on(&self) {
        self.is_on.store(true, Relaxed);
    }

    #[inline]
    fn is_on(&self) -> bool {
        self.is_on.load(Relaxed)
    }
}

/// A dispatch routine is about to be called. 0: nothing is noted.
#[inline]
pub(super) fn begins(call: &Call, irp: PIRP, location: PIO_STACK_LOCATION) -> u64 {
    let checks = &call.machine().io.pending;
    if checks.is_on() && call.is_deterministic() { note(checks, irp, location) } else { 0 }
}

#[cold]
fn note(checks: &PendingChecks, irp: PIRP, location: PIO_STACK_LOCATION) -> u64 {
    let id = checks.next.fetch_add(1, Relaxed) + 1;
    let (irp, location) = (irp as usize, location as usize);
    checks.visits.lock().push(Visit { id, irp, location, returned: None, passed: None });
    id
}

/// A dispatch routine has returned. The IRP may be gone.
#[inline]
pub(super) fn returned(call: &Call, irp: PIRP, id: u64, status: NTSTATUS) {
    if id != 0 {
        judge_return(call, irp, id, status);
    }
}

#[cold]
fn judge_return(call: &Call, irp: PIRP, id: u64, status: NTSTATUS) {
    let found = {
        let mut visits = call.machine().io.pending.visits.lock();
        let Some(at) = visits.iter().position(|visit| visit.id == id) else { return };
        visits[at].returned = Some((status == STATUS_PENDING, Some(Mark::of(call))));
        if visits[at].passed.is_none() && visits[at].irp != 0 { None } else { wrong(&visits.remove(at)) }
    };
    stop(call, irp, found);
}

/// Completion passes a location, before its driver's completion routine has been called for it: that of the
/// location below has.
#[inline]
pub(super) fn passes(call: &Call, irp: PIRP, location: PIO_STACK_LOCATION, pended_below: bool) {
    let checks = &call.machine().io.pending;
    if checks.is_on() && call.is_deterministic() {
        judge_passing(call, checks, irp, location, pended_below);
    }
}

#[cold]
fn judge_passing(
    call: &Call,
    checks: &PendingChecks,
    irp: PIRP,
    location: PIO_STACK_LOCATION,
    pended_below: bool,
) {
    // SAFETY: a location of a live IRP, as the caller passes it.
    let is_marked = unsafe { (*location).Control } & SL_PENDING_RETURNED != 0;
    let mut found = None;
    checks.visits.lock().retain_mut(|visit| {
        let is_it =
            visit.irp == irp as usize && visit.location == location as usize && visit.passed.is_none();
        if is_it {
            visit.passed = Some((is_marked, pended_below));
            if visit.returned.is_some() {
                found = found.take().or_else(|| wrong(visit));
                return false;
            }
        }
        true
    });
    stop(call, irp, found);
}

/// An IRP is freed, or used for another trip: what has not come will not come.
#[inline]
pub(super) fn forget(call: &Call, irp: PIRP) {
    let checks = &call.machine().io.pending;
    if checks.is_on() {
        checks.visits.lock().retain_mut(|visit| {
            let is_it = visit.irp == irp as usize;
            if is_it {
                visit.irp = 0;
            }
            // The return of one that was passed is still to be compared.
            !is_it || visit.passed.is_some()
        });
    }
}

fn stop(call: &Call, irp: PIRP, found: Option<Wrong>) {
    if let Some((check, what, when)) = found {
        let machine = call.machine();
        let earlier: Vec<Moment> =
            when.map(|mark| mark.moment(machine, "the dispatch routine returned")).into_iter().collect();
        let shown = machine.machine_address(irp as usize);
        call.bug_check_after(IO_VERIFIER, [check, 0, shown, 0], what, earlier);
    }
}
