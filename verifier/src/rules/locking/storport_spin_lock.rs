//! StorPortSpinLock: Storport's locks are taken once and given back before the callback returns.

use crate::rules::row::rule;
use crate::rules::state::PerCpu;
use crate::rules::{Breach, FINE, Rule, Seen};
use kernel_sim::frame::Frame;
use kernel_sim::hook::{CallbackSet, Event, EventKind, Interest};
use kernel_sim::moment::Mark;
use storport_sim::callbacks::MINIPORT;
use storport_sim::ddi::row;
use storport_sim::seen::{self, Lock, LockUse};

rule! {
    /// A Storport lock is taken once, and given back before the callback returns.
    ///
    /// ## What is checked
    /// StorPortAcquireSpinLock for a lock that this processor holds already is reported, and so is
    /// StorPortReleaseSpinLock for one that this miniport does not hold there, and a callback that returns
    /// with a lock it took. Locks that Storport holds around a callback count as held: StartIoLock around
    /// HwStorStartIo of an adapter with hardware, InterruptLock around its interrupt routines. A DpcLock is
    /// that of one STOR_DPC: two of them may be held. StorPortAcquireSpinLockEx, which is newer than the
    /// rule, is not watched.
    ///
    /// ## Why it matters
    /// These locks are not recursive: the processor spins for ever, at DIRQL if it is InterruptLock. A lock
    /// that is left behind stops the next processor that wants it.
    ///
    /// ## Source
    /// Microsoft, "StorPortSpinLock rule (Storport)": devtest/storport-storportspinlock, and the table of
    /// held locks on the page of StorPortAcquireSpinLock.
    StorPortSpinLock: Locking, Rule, on,
    why "Storport's locks are not recursive: on hardware this processor, or the next that wants the lock, spins for ever",
    url "devtest/storport-storportspinlock",
    exhibits "stor-port-spin-lock",
    make |_| StorPortSpinLock::default()
}

/// The rule: what each processor holds.
#[derive(Default)]
struct StorPortSpinLock {
    held: PerCpu<Vec<Taken>>,
}

/// A lock that was taken.
struct Taken {
    lock: Lock,
    at: Mark,
    /// The callback it was taken in, by the address of its frame.
    frame: usize,
}

impl StorPortSpinLock {
    fn acquired(&self, event: &Event<'_>, lock: Lock) -> Seen {
        let again =
            || Breach::new(event, format!("{} acquired again by the processor that holds it", lock.name));
        let before = self.held.of(event, |held| held.iter().find(|t| t.lock == lock).map(|t| t.at));
        if let Some(before) = before {
            return Some(again().earlier([event.moment_of(&before, "taken")]));
        }
        let around = std::iter::successors(event.frame(), |frame| frame.outer());
        if let Some(frame) = around.into_iter().find(|frame| frame.system_holds(lock.name)) {
            let what = format!("Storport holds {} around {}", lock.name, frame.kind.name);
            return Some(again().note(what));
        }
        event.frame().inspect(|frame| frame.note());
        let taken = Taken { lock, at: event.mark_of_call(), frame: address(event.frame()) };
        self.held.of(event, |held| held.push(taken));
        FINE
    }

    fn released(&self, event: &Event<'_>, lock: Lock) -> Seen {
        let was_held = self.held.of(event, |held| {
            held.iter().rposition(|taken| taken.lock == lock).map(|at| held.remove(at)).is_some()
        });
        if was_held {
            return FINE;
        }
        Some(Breach::new(event, format!("{} released, and this miniport does not hold it", lock.name)))
    }

    fn returned(&self, event: &Event<'_>, frame: &Frame<'_>) -> Seen {
        let left = self.held.of(event, |held| {
            held.iter().rposition(|taken| taken.frame == address(Some(frame))).map(|at| held.remove(at))
        });
        let left = left?;
        let what = format!("{} returned with {} held", frame.kind.name, left.lock.name);
        Some(Breach::new(event, what).earlier([event.moment_of(&left.at, "taken")]))
    }
}

fn address(frame: Option<&Frame<'_>>) -> usize {
    frame.map_or(0, |frame| std::ptr::from_ref(frame).addr())
}

impl Rule for StorPortSpinLock {
    fn interest(&self) -> Interest {
        let calls = Interest::enter(&[&row::StorPortAcquireSpinLock, &row::StorPortReleaseSpinLock]);
        Interest { leaving_noted: CallbackSet::of(MINIPORT), ..calls }
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        match (event.kind, seen::storport_lock(event)) {
            (_, Some(LockUse::Acquire(lock))) => self.acquired(event, lock),
            (_, Some(LockUse::Release(lock))) => self.released(event, lock),
            (EventKind::End(frame, _), None) => self.returned(event, frame),
            _ => FINE,
        }
    }
}
