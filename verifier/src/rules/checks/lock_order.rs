//! LockOrder: spin locks are nested in one order.
//!
//! A graph of which lock was taken inside which, over the whole run; a pair of orders is told from a run in
//! which both happened, one after the other, without a hang. Invariant: what is told can hang two processors,
//! unless the driver keeps the two orders apart by other means than locks.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen, is_of_driver};
use kernel_sim::ddi::{args, row};
use kernel_sim::held::HeldLock;
use kernel_sim::hook::{DdiSet, Event, EventKind, Interest};
use kernel_sim::moment::Moment;
use kernel_sim::routine::{Arg, DdiInfo};
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet};
use storport_sim::ddi::row as storport;

rule! {
    /// Spin locks are nested in the same order everywhere.
    ///
    /// ## What is checked
    /// Each lock that is taken while others are held, over the whole run: if it was ever held, directly or
    /// through further locks, while one of those was taken, the two orders can wait for each other. Orders
    /// that are both taken inside a common third lock cannot, and are let pass. Routines that only try to
    /// take a lock do not count as taking it in an order. Off unless asked for: orders that other means keep
    /// apart, a flag or the life of the driver, are told of as well.
    ///
    /// ## Why it matters
    /// Two processors that take the locks in the two orders at the same time wait for each other for ever.
    ///
    /// ## Source
    /// Our own check, after Driver Verifier's deadlock detection (0xC4/0x1001).
    LockOrder: Checks, Check, off,
    why "two processors that take these locks in the two orders at the same time wait for each other for ever",
    exhibits "lock-order-inverted" with "--rules all",
    make |_| LockOrder::default()
}

/// Routines that take the spin lock that is their first argument: looked at before, if others are held.
pub(super) static ACQUIRES: &[&DdiInfo] = &[
    &row::KeAcquireSpinLock,
    &row::KeAcquireSpinLockAtDpcLevel,
    &row::KeAcquireSpinLockForDpc,
    &row::KeAcquireSpinLockRaiseToDpc,
];

/// Routines that take another, which is known when it is held.
pub(super) static OTHER_ACQUIRES: &[&DdiInfo] = &[
    &row::IoAcquireCancelSpinLock,
    &row::KeAcquireInStackQueuedSpinLock,
    &row::KeAcquireInStackQueuedSpinLockAtDpcLevel,
    &row::KeAcquireInStackQueuedSpinLockForDpc,
    &row::KeAcquireInterruptSpinLock,
    &storport::StorPortAcquireSpinLock,
];

/// That one lock was taken while another was held.
struct Edge {
    /// When the outer one was taken, and when the inner one.
    moments: [Moment; 2],
    /// The other locks that were held every time.
    guards: BTreeSet<u64>,
}

/// From the outer lock to the inner ones, by machine address.
type Edges = BTreeMap<u64, BTreeMap<u64, Edge>>;

/// The check.
#[derive(Default)]
struct LockOrder(Mutex<State>);

#[derive(Default)]
struct State {
    edges: Edges,
    /// Nestings that were found in order. The machine tells an acquire of [`ACQUIRES`] once a processor; the
    /// others are told each time, as they return. To meet one again adds no edge and takes no guard away, so
    /// there is nothing to look at: any edge since then was looked at when it was added.
    known: BTreeSet<Nesting>,
}

/// Locks by machine address, each taken inside those before it.
type Nesting = SmallVec<[u64; 4]>;

impl State {
    /// The lock `inner` is taken inside the others, at a moment of its own.
    fn taken(&mut self, event: &Event<'_>, inner: u64, at: &Moment, outer: &[HeldLock]) -> Seen {
        let edges = &mut self.edges;
        for (n, lock) in outer.iter().enumerate().filter(|(_, lock)| lock.address != inner) {
            let others = outer.iter().enumerate().filter(|(other, _)| *other != n);
            let guards: BTreeSet<u64> = others.map(|(_, lock)| lock.address).collect();
            if let Some(path) = path(edges, inner, lock.address, &guards) {
                let what = "a spin lock is taken inside another that is elsewhere taken inside it";
                let earlier =
                    path.into_iter().flat_map(|edge| edge.moments.clone()).chain([event.taken(lock)]);
                return Some(Breach::new(event, what).earlier(earlier));
            }
            let new = || Edge { moments: [event.taken(lock), at.clone()], guards: guards.clone() };
            let edge = edges.entry(lock.address).or_default().entry(inner).or_insert_with(new);
            edge.guards.retain(|guard| guards.contains(guard));
        }
        FINE
    }
}

/// The edges from one lock to another, if there are any; none that shares a guard with those before it.
fn path<'a>(edges: &'a Edges, from: u64, to: u64, guards: &BTreeSet<u64>) -> Option<Vec<&'a Edge>> {
    fn walk<'a>(
        edges: &'a Edges,
        from: u64,
        to: u64,
        guards: &BTreeSet<u64>,
        seen: &mut BTreeSet<u64>,
    ) -> Option<Vec<&'a Edge>> {
        if from == to {
            return Some(Vec::new());
        }
        if !seen.insert(from) {
            return None;
        }
        edges.get(&from)?.iter().find_map(|(next, edge)| {
            if !edge.guards.is_disjoint(guards) {
                return None;
            }
            let mut rest = walk(edges, *next, to, &(guards | &edge.guards), seen)?;
            rest.insert(0, edge);
            Some(rest)
        })
    }
    walk(edges, from, to, guards, &mut BTreeSet::new())
}

impl Rule for LockOrder {
    fn interest(&self) -> Interest {
        let calls = Interest::enter(&[&row::KeInitializeSpinLock]).exit(OTHER_ACQUIRES);
        let enter_holding = DdiSet::of(ACQUIRES);
        Interest { enter_holding, lock_sites: true, ..calls }
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        if let Some(call) = event.args::<args::KeInitializeSpinLock>() {
            // Another lock from now on.
            let lock = event.machine_address(call.SpinLock.pointer());
            let state = &mut *self.0.lock();
            state.known.clear();
            state.edges.remove(&lock);
            state.edges.values_mut().for_each(|inner| drop(inner.remove(&lock)));
            return FINE;
        }
        if !is_of_driver(event) {
            return FINE;
        }
        let mut nesting = event.held_addresses();
        if let EventKind::Enter(_, [Arg::Pointer(lock), ..]) = event.kind {
            nesting.push(event.machine_address(*lock));
        }
        let state = &mut *self.0.lock();
        if state.known.contains(&nesting) {
            return FINE;
        }
        let held = event.held_locks();
        let seen = match event.kind {
            EventKind::Enter(_, [Arg::Pointer(lock), ..]) => {
                let at = event.moment_to_keep().labelled("taken inside it");
                state.taken(event, event.machine_address(*lock), &at, &held)
            }
            EventKind::Exit(..) => {
                let (inner, outer) = held.split_last()?;
                state.taken(event, inner.address, &event.taken(inner), outer)
            }
            _ => FINE,
        };
        if seen.is_none() {
            state.known.insert(nesting);
        }
        seen
    }
}
