//! What is gathered at every call on a machine that gathers evidence: who changed the IRQL, and the call
//! stack with which a lock was taken.
//!
//! For callbacks that return at another IRQL than they were called at, and for locks that are held when
//! something is found. A machine that gathers nothing does not come here: one flag of a call's byte says so.
//! Invariant: what a processor shows of a callback was a call of that very callback.

use crate::ddi::Call;
use crate::frame::Frame;
use crate::irql::Irql;
use crate::machine::Machine;
use crate::moment::Moment;
use crate::processor::Processor;
use crate::stamp::Mark;
use std::cell::Cell;
use std::ptr::from_ref;

/// A call is about to be made.
pub(crate) fn before_call(call: &Call) {
    let frame = call.cpu.frame();
    if !frame.kind.is_system {
        frame.irql_before_call.set(call.cpu.irql());
    }
}

/// The call has been made.
pub(crate) fn after_call(call: &Call) {
    let (frame, now) = (call.cpu.frame(), call.cpu.irql());
    if !frame.kind.is_system {
        // A call inside this one, of the same callback, has noted its own change.
        let before = frame.irql_before_call.replace(now);
        if before != now {
            call.cpu.irql_changes.note(call, before);
        }
    }
    call.cpu.keep_stack_of_lock(call);
}

/// Changes kept of one processor.
const KEPT: usize = 8;

/// One call after which the IRQL was not what it had been before.
#[derive(Clone, Copy)]
struct Change {
    /// The callback's frame, by address.
    frame: usize,
    before: Irql,
    /// Its IRQL is the one after.
    mark: Mark,
}

/// The latest changes on one processor.
pub(crate) struct IrqlChanges {
    changes: [Cell<Option<Change>>; KEPT],
    next: Cell<usize>,
}

impl IrqlChanges {
    pub(crate) const fn new() -> IrqlChanges {
        IrqlChanges { changes: [const { Cell::new(None) }; KEPT], next: Cell::new(0) }
    }

    pub(crate) fn clear(&self) {
        if self.next.replace(0) != 0 {
            self.changes.iter().for_each(|change| change.set(None));
        }
    }

    /// A call that a driver's callback makes has changed the IRQL, which was `before`.
    fn note(&self, call: &Call, before: Irql) {
        let at = self.next.get();
        let change = Change { frame: address(call.cpu.frame()), before, mark: Mark::without_stack(call) };
        self.changes[at % KEPT].set(Some(change));
        // Never 0 again: 0 says that there is nothing to clear.
        self.next.set(at % KEPT + 1);
    }

    /// The last call of that callback that changed the IRQL, if it left it at `now`.
    fn last_of(&self, machine: &Machine, frame: &Frame<'_>, now: Irql) -> Option<Moment> {
        let newest_first = (1..=KEPT).map(|n| self.changes[(self.next.get() + KEPT - n) % KEPT].get());
        let last = newest_first.flatten().find(|change| change.frame == address(frame))?;
        let direction = if now > last.before { "raised" } else { "lowered" };
        (last.mark.irql() == now).then(|| last.mark.moment(machine, format!("IRQL {direction} to {now}")))
    }
}

fn address(frame: &Frame<'_>) -> usize {
    from_ref(frame).addr()
}

impl Processor {
    /// The call that left the IRQL where it is now, made by the callback of a frame that has returned; as far
    /// as that is known.
    #[cold]
    #[must_use]
    pub fn irql_left_by(&self, frame: &Frame<'_>) -> Vec<Moment> {
        self.irql_changes.last_of(self.machine(), frame, self.irql()).into_iter().collect()
    }
}
