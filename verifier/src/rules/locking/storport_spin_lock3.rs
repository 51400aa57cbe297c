//! StorPortSpinLock3: the order of Storport's locks, and which of them a callback may take.

use crate::rules::row::rule;
use crate::rules::state::PerCpu;
use crate::rules::{Breach, FINE, Rule, Seen};
use kernel_sim::frame::Frame;
use kernel_sim::hook::{Event, EventKind, Interest};
use kernel_sim::moment::Mark;
use storport_sim::callbacks::{self, MINIPORT, system_lock};
use storport_sim::ddi::row;
use storport_sim::seen::{self, Lock, LockUse};

rule! {
    /// Storport's locks are taken in their order, and only where a callback may take them.
    ///
    /// ## What is checked
    /// At each StorPortAcquireSpinLock: DpcLock and StartIoLock are not taken while the miniport holds
    /// InterruptLock, and the lock is one that the callback may take. HwStorFindAdapter, HwStorInitialize,
    /// the interrupt routines and synchronized access routines may take none, nor may in half duplex what
    /// Storport calls under both locks. The table is stricter: it lets the passive routine take no lock,
    /// beside which interrupt routines run by then, and HwStorTimer, HwStorResetBus and HwStorStateChange
    /// no DpcLock, which is in order under StartIoLock; neither is held against a miniport. Of DpcLock and
    /// StartIoLock either may be first: no page says otherwise. A lock that the processor holds already is
    /// StorPortSpinLock's matter.
    ///
    /// ## Why it matters
    /// Another callback takes the same two locks in the right order: each waits for the other's for ever, one
    /// of them at DIRQL.
    ///
    /// ## Source
    /// Microsoft, "StorPortSpinLock3 rule (Storport)": devtest/storport-storportspinlock3, and the tables on
    /// the page of StorPortAcquireSpinLock.
    StorPortSpinLock3: Locking, Rule, on,
    why "another callback takes these locks in the right order: each waits for the other's for ever, one at DIRQL",
    url "devtest/storport-storportspinlock3",
    exhibits "stor-port-spin-lock3",
    make |_| StorPortSpinLock3::default()
}

/// The rule: where each processor took InterruptLock.
#[derive(Default)]
struct StorPortSpinLock3 {
    interrupt_lock: PerCpu<Vec<Mark>>,
}

/// Whether a callback may take no lock of Storport's at all.
fn may_take_none(frame: &Frame<'_>) -> bool {
    let kinds = [
        &callbacks::HW_STOR_FIND_ADAPTER,
        &callbacks::HW_STOR_INITIALIZE,
        &callbacks::HW_STOR_INTERRUPT,
        &callbacks::HW_STOR_MS_INTERRUPT,
        &callbacks::HW_STOR_SYNCHRONIZED_ACCESS,
    ];
    let in_both = frame.system_holds(system_lock::START_IO) && frame.system_holds(system_lock::INTERRUPT);
    kinds.contains(&frame.kind) || in_both
}

impl StorPortSpinLock3 {
    fn acquired(&self, event: &Event<'_>, lock: Lock) -> Seen {
        let held = self.interrupt_lock.of(event, |held| held.last().copied());
        if let Some(at) = held.filter(|_| lock.name != system_lock::INTERRUPT) {
            let what = format!("{} taken while the miniport holds InterruptLock", lock.name);
            return Some(Breach::new(event, what).earlier([event.moment_of(&at, "taken")]));
        }
        if let Some(frame) = event.frame().filter(|frame| MINIPORT.contains(&frame.kind))
            && !frame.system_holds(lock.name)
            && may_take_none(frame)
        {
            let what = format!("{} taken in {}, which may take no lock", lock.name, frame.kind.name);
            return Some(Breach::new(event, what));
        }
        if lock.name == system_lock::INTERRUPT {
            let taken = event.mark_of_call();
            self.interrupt_lock.of(event, |held| held.push(taken));
        }
        FINE
    }
}

impl Rule for StorPortSpinLock3 {
    fn interest(&self) -> Interest {
        Interest::enter(&[&row::StorPortAcquireSpinLock, &row::StorPortReleaseSpinLock])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        match (event.kind, seen::storport_lock(event)) {
            (EventKind::Enter(..), Some(LockUse::Acquire(lock))) => self.acquired(event, lock),
            (_, Some(LockUse::Release(lock))) if lock.name == system_lock::INTERRUPT => {
                self.interrupt_lock.of(event, |held| held.pop());
                FINE
            }
            _ => FINE,
        }
    }
}
