//! What driver code leaves behind when it returns: the IRQL it raised, the spin locks it took.
//!
//! Of system threads, of the bodies of models and of the thread a machine boots with. What a callback leaves
//! behind is looked at where the callback is made (`sync::dpc`, `sync::interrupt`, `io`). Invariant: code
//! that leaves the processor as it found it never comes here for more than two comparisons.

use crate::bugcheck::{IRQL_UNEXPECTED_VALUE, OBJECT_MISUSED};
use crate::frame::Frame;
use crate::irql::Irql;
use crate::processor::Processor;

/// Code that began at PASSIVE_LEVEL has returned; `who` is a sentence part: "the body of a model". Stops the
/// machine if it returned at another level, or with a spin lock held.
#[inline]
pub(crate) fn check(cpu: &Processor, who: &str, frame: &Frame<'_>) {
    if cpu.irql() != Irql::PASSIVE || cpu.held_count() != 0 {
        stop(cpu, who, frame);
    }
}

#[cold]
fn stop(cpu: &Processor, who: &str, frame: &Frame<'_>) -> ! {
    let (irql, held) = (cpu.irql(), cpu.held_count());
    let locks = match held {
        0 => "",
        1 => " with a spin lock held",
        _ => " with spin locks held",
    };
    if irql != Irql::PASSIVE {
        let earlier = if held == 0 { cpu.irql_left_by(frame) } else { cpu.taken_here() };
        let what = format!("{who} returned at {irql}{locks}");
        let parameters = [u64::from(irql.0) << 16, 0, 0, 0];
        cpu.bug_check_behind(frame, IRQL_UNEXPECTED_VALUE, parameters, what, earlier);
    }
    let lock = cpu.held_locks().first().map_or(0, |lock| lock.address);
    let what = format!("{who} returned{locks}");
    cpu.bug_check_behind(frame, OBJECT_MISUSED, [0, lock, 0, 0], what, cpu.taken_here())
}
