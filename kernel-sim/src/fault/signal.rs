//! The signal handler: notes what happened and redirects the thread, or passes the signal on.

#![expect(unsafe_code, reason = "installs and is a signal handler")]

use super::evidence::{Evidence, InImage};
use super::post;
use super::post::Obeyed;
use super::room::{self, Phase, Room};
use super::trampoline;
use crate::image;
use crate::irql::Irql;
use crate::processor::Processor;
use crate::program;
use libc::{REG_RBP, REG_RIP, REG_RSP, c_int, c_void, sigaction, siginfo_t, ucontext_t};
use std::mem::MaybeUninit;
use std::ptr::{null, null_mut};
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, Ordering::SeqCst};

/// The signals of faults. An abort is one: the second panic of an unwinding stack ends in it.
const SIGNALS: [c_int; 5] = [libc::SIGSEGV, libc::SIGBUS, libc::SIGILL, libc::SIGFPE, libc::SIGABRT];

/// What was done about each signal before.
static BEFORE: [AtomicPtr<sigaction>; SIGNALS.len()] = [const { AtomicPtr::new(null_mut()) }; SIGNALS.len()];

/// Installs the handler, once per process.
pub(crate) fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        program::find();
        for (signal, before) in SIGNALS.iter().zip(&BEFORE) {
            before.store(listen(*signal, on_fault, 0), SeqCst);
        }
        listen(post::SIGNAL, on_order, libc::SA_RESTART);
    });
}

type Handler = unsafe extern "C" fn(c_int, *mut siginfo_t, *mut c_void);

/// Installs a handler; returns what was there before, which is never freed, so that a handler may read it.
fn listen(signal: c_int, handler: Handler, flags: c_int) -> *mut sigaction {
    // SAFETY: all fields are numbers, pointers or sets, for which zero is a value.
    let mut action: sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handler as *const () as usize;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | flags;
    let before = Box::into_raw(Box::new(action));
    // SAFETY: both point at actions.
    let refused = unsafe { sigaction(signal, &raw const action, before) };
    assert_eq!(refused, 0, "the host refuses a handler for signal {signal}");
    before
}

unsafe extern "C" fn on_order(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let context: *mut ucontext_t = context.cast();
    let Some(room) = room::here() else { return };
    // SAFETY: the host's errno of this thread, which the interrupted code may be about to read.
    let errno = unsafe { *libc::__errno_location() };
    // SAFETY: the host's pointers, valid while the handler runs.
    let evidence = unsafe { Evidence::read(signal, info, context) };
    let on_kernel_stack = is_on_kernel_stack(evidence.stack_pointer) && room.phase.get() == Phase::Idle;
    room.disarm();
    match room.post.obey(evidence.instruction, on_kernel_stack) {
        Obeyed::GoesOn => {}
        Obeyed::Redirect => {
            room.phase.set(Phase::Looking);
            // SAFETY: the context of this very handler.
            unsafe { redirect(room, context, evidence) };
        }
        Obeyed::WhenReturned { slot } => {
            // SAFETY: the slot was found by walking the stack of the interrupted code.
            let walked_from = unsafe { room.arm(slot, trampoline::return_address()) };
            room.evidence.set(Evidence { walked_from, is_return: true, ..evidence });
        }
    }
    // SAFETY: as above.
    unsafe { *libc::__errno_location() = errno };
}

unsafe extern "C" fn on_fault(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    let context: *mut ucontext_t = context.cast();
    // SAFETY: the host's pointer, valid while the handler runs.
    let code = unsafe { (*info).si_code };
    // An abort is sent by the thread itself; no fault is sent by anyone.
    let is_fault = if signal == libc::SIGABRT { code == libc::SI_TKILL } else { code > 0 };
    if signal == libc::SIGSEGV && is_fault {
        // SAFETY: the host's pointers, valid while the handler runs.
        let evidence = unsafe { Evidence::read(signal, info, context) };
        if comes_back(&evidence) {
            return;
        }
    }
    let Some(room) = room::here().filter(|room| is_fault || room.phase.get() == Phase::PuttingBack) else {
        return pass_on(signal, is_fault);
    };
    // SAFETY: the host's pointers, valid while the handler runs.
    let evidence = unsafe { Evidence::read(signal, info, context) };
    let stack_pointer = evidence.stack_pointer;
    match room.phase.get() {
        Phase::Idle if is_on_kernel_stack(stack_pointer) => room.phase.set(Phase::Looking),
        Phase::Looking if room.is_on_reserve(stack_pointer) => {
            room.phase.set(Phase::LookingNoFurther);
            // What is known of the first fault stays.
            // SAFETY: the context of this very handler.
            return unsafe { redirect(room, context, room.evidence.get()) };
        }
        Phase::PuttingBack => {
            room.phase.set(Phase::Idle);
            // SAFETY: the context of this very handler.
            unsafe { (*context).uc_mcontext.gregs = room.evidence.get().registers };
            return pass_on(signal, true);
        }
        _ => return pass_on(signal, true),
    }
    // SAFETY: the context of this very handler.
    unsafe { redirect(room, context, evidence) }
}

/// Brings a page of paged pool back into memory, if that is what was touched: anywhere but in code of a fiber
/// that runs at DISPATCH_LEVEL or above.
fn comes_back(evidence: &Evidence) -> bool {
    let cpu = Processor::current();
    if !cpu.is_real() || (cpu.irql() >= Irql::DISPATCH && is_on_kernel_stack(evidence.stack_pointer)) {
        return false;
    }
    let memory = &cpu.machine().memory;
    let offset = evidence.address.checked_sub(memory.base());
    offset.zip(memory.guard()).is_some_and(|(offset, guard)| guard.bring_back(offset))
}

/// Whether the thread was on the stack of a machine's fiber: then it ran driver code, or code that a driver
/// called, or that calls one.
fn is_on_kernel_stack(stack_pointer: usize) -> bool {
    let cpu = Processor::current();
    cpu.is_real() && !cpu.thread.get().is_null() && cpu.is_memory(stack_pointer, 1)
}

/// Lets the thread go on in [`caught`](super::caught) when the handler returns.
///
/// # Safety
/// `context` is that of the running handler, on the thread whose room it is.
unsafe fn redirect(room: &Room, context: *mut ucontext_t, mut evidence: Evidence) {
    let words = (room.reserve_top() - trampoline::WORDS * size_of::<usize>()) as *mut usize;
    let mut stack_pointer = evidence.stack_pointer;
    let is_below_caller = evidence.is_jump_astray() || image::is_probe(evidence.instruction);
    if is_below_caller && is_on_kernel_stack(stack_pointer) {
        // SAFETY: it is on a stack of the machine's, which is mapped down to its guard page.
        evidence.walked_from = unsafe { evidence.return_address() };
        evidence.is_return = true;
        stack_pointer += size_of::<usize>();
    }
    // SAFETY: the context of this very handler.
    let registers = unsafe { &mut (*context).uc_mcontext.gregs };
    if image::contains(evidence.walked_from) {
        // The unwinder cannot read its frames: the walk begins at what called it.
        evidence.in_image = Some(InImage {
            instruction: evidence.walked_from,
            is_return: evidence.is_return,
            stack_pointer,
            frame_pointer: registers[REG_RBP as usize] as usize,
        });
        // SAFETY: code of an image runs, so its activation lives.
        let caller = unsafe { &*image::innermost() };
        evidence.walked_from = caller.instruction;
        evidence.is_return = true;
        stack_pointer = caller.stack_pointer;
        registers[REG_RBP as usize] = caller.frame_pointer as i64;
    }
    room.evidence.set(evidence);
    room.disarm();
    // SAFETY: the top of the reserve stack, on which nothing runs that will go on.
    unsafe {
        words.write(evidence.walked_from);
        words.add(1).write(stack_pointer);
        registers[REG_RIP as usize] = trampoline::address() as i64;
        registers[REG_RSP as usize] = words as i64;
    }
}

/// Leaves the signal to the handler that was there before: where it was a fault, the instruction is executed
/// again, and faults again.
fn pass_on(signal: c_int, is_fault: bool) {
    let at = SIGNALS.iter().position(|s| *s == signal);
    let before = at.map_or(null(), |n| BEFORE[n].load(SeqCst).cast_const());
    if before.is_null() {
        return;
    }
    // SAFETY: stored by `install` and never freed.
    unsafe { sigaction(signal, before, null_mut()) };
    if signal == libc::SIGABRT || !is_fault {
        // It was sent, not executed: nothing would send it again.
        // SAFETY: allowed in a handler.
        unsafe { libc::raise(signal) };
    }
}
