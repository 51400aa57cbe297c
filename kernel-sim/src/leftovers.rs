//! What driver code leaves behind when it returns: the IRQL it raised, the spin locks and mutexes it took,
//! the critical and guarded regions it entered.
//!
//! Of system threads, of the bodies of models and of the thread a machine boots with. What a callback leaves
//! behind is looked at where the callback is made (`sync::dpc`, `sync::interrupt`, `io`). And what a driver
//! leaves when it is unloaded: threads that run, timers that are armed (what it leaves in the pool is looked
//! at in `io::driver`; that takes in work items, and the memory of queued DPCs). Invariant: code that leaves
//! the processor as it found it never comes here for more than three comparisons.

use crate::bugcheck::{
    DRIVER_UNLOADED_WITHOUT_CANCELLING_PENDING_OPERATIONS as UNLOADED_TOO_EARLY, IRQL_UNEXPECTED_VALUE,
    KERNEL_APC_PENDING_DURING_EXIT, OBJECT_MISUSED, THREAD_TERMINATE_HELD_MUTEX,
};
use crate::ddi::Call;
use crate::frame::Frame;
use crate::irql::Irql;
use crate::machine::Machine;
use crate::moment::Moment;
use crate::processor::Processor;
use crate::stamp::Mark;

/// Code that began at PASSIVE_LEVEL has returned; `who` is a sentence part: "the body of a model". Stops the
/// machine if it returned at another level, or with a spin lock held.
#[inline]
pub(crate) fn check(cpu: &Processor, who: &str, frame: &Frame<'_>) {
    if cpu.irql() != Irql::PASSIVE || cpu.held_count() != 0 {
        stop(cpu, who, frame);
    }
    if cpu.regions() != [0, 0] {
        stop_with_regions(cpu, who, frame);
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

/// The thread ends with a mutex, or in a critical or guarded region.
#[cold]
fn stop_with_regions(cpu: &Processor, who: &str, frame: &Frame<'_>) -> ! {
    let machine = cpu.machine();
    let owned: Vec<_> = {
        let kernel = machine.kernel.lock();
        let own = kernel.owned.iter().filter(|(_, owned)| owned.thread == cpu.thread_number());
        own.map(|(mutex, owned)| (*mutex, owned.since.moment(machine, "taken"))).collect()
    };
    if let Some((mutex, _)) = owned.first() {
        let parameters = [0, machine.machine_address(*mutex), 0, 0];
        let what = format!("{who} returned with a mutex that its thread owns");
        let earlier = owned.into_iter().map(|(_, taken)| taken).collect();
        cpu.bug_check_behind(frame, THREAD_TERMINATE_HELD_MUTEX, parameters, what, earlier);
    }
    let [critical, guarded] = cpu.regions();
    let which = if critical != 0 { "critical" } else { "guarded" };
    let what = format!("{who} returned inside a {which} region");
    let parameters = [0, u64::from(critical + guarded), 0, 0];
    cpu.bug_check_behind(frame, KERNEL_APC_PENDING_DURING_EXIT, parameters, what, Vec::new())
}

/// When a call is made, if it is a driver's: what it begins is to be over when the driver is unloaded.
pub(crate) fn mark_of_driver(call: &Call) -> Option<Mark> {
    call.cpu.runs_driver().then(|| Mark::of(call))
}

/// A driver has been unloaded: stops the machine if something that it began is still pending.
pub(crate) fn check_unloaded(machine: &Machine, cpu: &Processor) {
    let (threads, timers) = {
        let kernel = machine.kernel.lock();
        let marks = |marks: &mut dyn Iterator<Item = &Mark>, label: &'static str| -> Vec<Moment> {
            marks.map(|mark| mark.moment(machine, label)).collect()
        };
        (
            marks(&mut kernel.driver_threads.values(), "started"),
            marks(&mut kernel.driver_timers.values(), "armed"),
        )
    };
    let (what, earlier) = match (threads.len(), timers.len()) {
        (0, 0) => return,
        (1, _) => ("a thread that it started has not ended".to_owned(), threads),
        (0, 1) => ("a timer that it armed is still armed".to_owned(), timers),
        (0, n) => (format!("{n} timers that it armed are still armed"), timers),
        (n, _) => (format!("{n} threads that it started have not ended"), threads),
    };
    // The parameters are addresses of code that is gone; the simulator knows none.
    cpu.bug_check_after(UNLOADED_TOO_EARLY, [0; 4], format!("the driver is unloaded, and {what}"), earlier);
}
