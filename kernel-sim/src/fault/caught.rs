//! Where a thread goes on after a fault: on the reserve stack, in ordinary code.
//!
//! A fault of the simulator's own is a defect of the simulator, or a driver has written over what the
//! simulator relies on. If the pool shows that, it is the driver's after all. Else the caller of the run gets
//! a panic, as if the simulator had panicked there.
//!
//! Invariant: it never returns to the code that faulted. Either the machine stops and the fiber is abandoned
//! where it is, or the simulator has locked what stopping needs, and the fault happens again for the handler
//! that was there before.

#![expect(unsafe_code, reason = "abandons a fiber; raises a signal")]

use super::evidence::Evidence;
use super::post;
use super::room::{self, Phase, Room};
use super::{line, stop};
use crate::bugcheck::Ending;
use crate::image;
use crate::machine::Machine;
use crate::moment::Moment;
use crate::processor::Processor;
use crate::stack::Stack;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::time::Duration;

/// How long a lock of the machine's may be held by another processor before it is taken to be held by the
/// code that faulted.
const LOCKS_WAIT: Duration = Duration::from_secs(1);

/// Why the watchdog gives up on a thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub(super) enum Why {
    /// It runs on without a call.
    Runs,
    /// It sleeps in the host.
    Blocked,
    /// It takes memory of the host without a call.
    TakesMemory,
}

/// What the watchdog gave as its reason last; it deals with one thread at a time.
static WHY: AtomicU8 = AtomicU8::new(0);

/// The watchdog is about to give an order for that reason.
pub(super) fn explain(why: Why) {
    WHY.store(why as u8, SeqCst);
}

fn why() -> Why {
    match WHY.load(SeqCst) {
        n if n == Why::Blocked as u8 => Why::Blocked,
        n if n == Why::TakesMemory as u8 => Why::TakesMemory,
        _ => Why::Runs,
    }
}

/// Called by the trampoline.
pub(super) extern "C" fn caught() -> ! {
    let room = room::here().expect("only a thread with a room is redirected");
    let evidence = room.evidence.get();
    let cpu = Processor::current();
    let machine = cpu.machine();
    // A second fault while the first was looked at: the stack is not to be walked.
    let stack = match room.phase.get() {
        Phase::Looking => walk(&evidence),
        _ => Stack::default(),
    };
    let blame = stack.blame();
    let is_ordered = evidence.signal == post::SIGNAL;
    let is_drivers = !blame.is_own() || evidence.is_jump_astray() || is_ordered;
    if !locks_are_free(machine) {
        put_back(room);
    }
    if !machine.is_quiet() && !is_drivers {
        match machine.misused_memory(Moment { stack, ..cpu.place() }) {
            Some(check) => machine.stop(Ending::BugCheck(Box::new(check))),
            None => machine.own_fault(evidence.signal, blame.own.as_ref()),
        }
    } else if !machine.is_quiet() {
        let at = blame.driver.as_ref().map(|frame| line::site(cpu, &stack, frame));
        machine.stop(match is_ordered {
            true => stop::runaway(cpu, why(), at, stack),
            false => stop::of(cpu, &evidence, &blame, at, stack),
        });
    }
    abandon(room, cpu)
}

/// The stack of the code that was interrupted.
fn walk(evidence: &Evidence) -> Stack {
    let stack = Stack::interrupted_at(evidence.walked_from, evidence.is_return);
    match evidence.in_image {
        Some(at) => {
            stack.under(image::frames_from(at.instruction, at.is_return, at.stack_pointer, at.frame_pointer))
        }
        None => stack,
    }
}

/// Whether the code that faulted held none of the machine's locks: code of drivers never does.
fn locks_are_free(machine: &Machine) -> bool {
    machine.kernel.try_lock_for(LOCKS_WAIT).is_some()
        && machine.pool.try_lock_for(LOCKS_WAIT).is_some()
        && machine.ending.try_lock_for(LOCKS_WAIT).is_some()
}

/// Called by the trampoline to which a library returns: see [`Obeyed::WhenReturned`](post::Obeyed). Returns
/// where it would have returned to.
pub(super) extern "C" fn returned() -> usize {
    let room = room::here().expect("only a thread with a room is redirected");
    room.phase.set(Phase::Looking);
    room.trap.take();
    room.evidence.get().walked_from
}

/// Gives up the fiber as it is: nothing on it is dropped, and it never goes on.
fn abandon(room: &Room, cpu: &Processor) -> ! {
    room.phase.set(Phase::Idle);
    // SAFETY: threads live as long as the machine; the processor ran this one when it faulted, so the parker
    // is that of the fiber we came from, and its host thread waits in `resume`.
    unsafe { (*cpu.thread.get()).abandon() }
}

/// The fault is the simulator's own, and cannot be told: lets it happen again for the handler that was there
/// before.
fn put_back(room: &Room) -> ! {
    room.phase.set(Phase::PuttingBack);
    // SAFETY: raising a signal touches no memory; its handler puts the registers back.
    unsafe { libc::raise(room.evidence.get().signal) };
    unreachable!("a fault of the simulator's own happens again")
}
