//! What happens around the body of a DDI and around a driver callback.
//!
//! The short path does nothing but look at what is pended on the way out. The long path (the
//! deterministic executor, or somebody watching) counts, hashes, lets others go first and shows the
//! event to those who asked. On a machine that has stopped the call does nothing.

#![expect(unsafe_code, reason = "layer 1: pointers and contracts are those of the WDK")]

use crate::bugcheck::StopCode;
use crate::hook::{Arg, Callback, DdiInfo, Effect, Event, EventKind, Site};
use crate::machine::Machine;
use crate::processor::{Processor, flag};
use crate::sync::thread::unwind;
use std::panic::Location;

/// One call: who, where from, which.
///
/// Cold paths make their own from its parts: a reference to the short path's would force it into
/// memory at every call.
pub struct Call {
    /// The processor that makes the call.
    pub cpu: &'static Processor,
    /// The caller's source position.
    pub site: Site,
    /// The routine.
    pub ddi: &'static DdiInfo,
    /// The processor's hook bits when the call was made: loaded once, so that the short path tests
    /// them in a register.
    hooks: u32,
}

impl Call {
    /// A call on the processor that this host thread runs.
    #[inline(always)]
    #[must_use]
    pub fn new(ddi: &'static DdiInfo, site: Site) -> Call {
        Call::on(Processor::current(), ddi, site)
    }

    /// A call on `cpu`.
    #[inline(always)]
    pub(crate) fn on(cpu: &'static Processor, ddi: &'static DdiInfo, site: Site) -> Call {
        Call { cpu, site, ddi, hooks: cpu.hooks() }
    }

    /// Whether the call takes the long path.
    #[inline]
    #[must_use]
    pub fn is_slow(&self, holding: bool) -> bool {
        self.hooks & flag::SLOW != 0
            || (holding && self.hooks & flag::HOLDING != 0 && self.cpu.held_count() != 0)
    }

    #[inline]
    pub(crate) fn is_deterministic(&self) -> bool {
        self.hooks & flag::DETERMINISTIC != 0
    }

    #[inline]
    pub(crate) fn hooks(&self) -> u32 {
        self.hooks
    }

    /// The end of the short path: looks at what is pended.
    #[inline]
    pub fn finish(&self) {
        if self.cpu.pending().load(std::sync::atomic::Ordering::Relaxed) != 0 {
            self.cpu.machine().serve_pending(self.cpu);
        }
    }

    /// The machine the call is made on.
    #[must_use]
    pub fn machine(&self) -> &'static Machine {
        // SAFETY: a call is made on a running machine, which outlives it; the reference does not
        // leave the call.
        unsafe { &*std::ptr::from_ref(self.cpu.machine()) }
    }

    /// Stops the machine with a bug check of this call's driver.
    pub fn bug_check(&self, stop: StopCode, parameters: [u64; 4], what: impl Into<String>) -> ! {
        self.cpu.call.set(Some((self.ddi, self.site)));
        self.cpu.bug_check(stop, parameters, what)
    }

    /// The pointer is no live object: a bug check.
    pub fn bad_pointer(&self, address: usize, what: &str) -> ! {
        self.cpu.call.set(Some((self.ddi, self.site)));
        self.cpu.bad_pointer(address, &format!("{}: {what}", self.ddi.name))
    }

    /// Checks a pointer that the call reads or writes through.
    #[inline]
    pub fn check_output<T>(&self, pointer: *mut T) {
        if !self.cpu.is_memory(pointer as usize, size_of::<T>()) || !pointer.is_aligned() {
            bad_output(self.ddi, self.site, pointer as usize, std::any::type_name::<T>());
        }
    }
}

#[cold]
fn bad_output(ddi: &'static DdiInfo, site: Site, address: usize, what: &str) -> ! {
    Call::new(ddi, site).bad_pointer(address, what)
}

/// What `enter` hands to `leave`.
pub struct Entered {
    outer: Option<(&'static DdiInfo, Site)>,
}

/// The long path before the body. `None`: the machine is quiet and the call is a no-op. `is_point`,
/// `is_holding` and `is_acquire` are what the row says.
///
/// # Panics
/// When no machine runs on this host thread.
#[inline(always)]
pub fn enter(
    call: &Call,
    args: &[Arg],
    is_point: bool,
    is_holding: bool,
    is_acquire: bool,
) -> Option<Entered> {
    let cpu = call.cpu;
    if cpu.hooks() & flag::QUIET != 0 {
        return quiet(call);
    }
    let machine = call.machine();
    let outer = cpu.call.replace(Some((call.ddi, call.site)));
    if cpu.hooks() & flag::DETERMINISTIC != 0 {
        let d = machine.deterministic();
        // Whether an interlocked operation only looked is known when it is done.
        if call.ddi.polls || !matches!(call.ddi.effect, Effect::Body) {
            d.note_call(machine, cpu, call.ddi.polls);
        }
        cpu.count(|s| s.calls_by_irql[usize::from(cpu.irql().0 & 15)] += 1);
        if is_point {
            if d.is_watched() {
                d.announce(machine, cpu, args);
            }
            match args.first() {
                Some(Arg::Pointer(lock)) if is_acquire => machine.point_before_lock(cpu, *lock),
                _ => machine.point(cpu),
            }
            if d.is_watched() {
                d.touch_effect(machine, call.ddi, args);
            }
        }
        let head = u64::from(call.ddi.id)
            | u64::from(cpu.index()) << 16
            | u64::from(cpu.irql().0) << 24
            | d.time_ns() << 32;
        d.mix_call(machine, head, args);
    } else {
        cpu.count(|s| s.calls_by_irql[usize::from(cpu.irql().0 & 15)] += 1);
    }
    if cpu.hooks() & flag::EVENTS != 0
        || (is_holding && cpu.hooks() & flag::HOLDING != 0 && cpu.held_count() != 0)
    {
        show_entry(call, args, is_holding);
    }
    Some(Entered { outer })
}

#[cold]
fn quiet(call: &Call) -> Option<Entered> {
    let cpu = call.cpu;
    if !cpu.is_real() {
        // Destructors may run after their machine; anything else is a mistake of the caller.
        assert!(std::thread::panicking(), "{} called where no machine runs", call.ddi.name);
        return None;
    }
    let thread = cpu.thread.get();
    // SAFETY: threads live as long as the machine.
    if !thread.is_null() && !unsafe { (*thread).unwinding.get() } {
        unwind(cpu);
    }
    None
}

#[inline(never)]
fn show_entry(call: &Call, args: &[Arg], is_holding: bool) {
    let machine = call.machine();
    let holding = is_holding && call.cpu.held_count() != 0;
    let wanted = &machine.wanted;
    if wanted.enter.has(call.ddi) || (holding && wanted.enter_holding.has(call.ddi)) {
        let event = Event { what: EventKind::Enter(call.ddi, args), site: call.site, cpu: call.cpu };
        deliver(machine, &event, |i| i.enter.has(call.ddi) || (holding && i.enter_holding.has(call.ddi)));
    }
}

/// The long path after the body.
#[inline(always)]
pub fn leave(call: &Call, entered: Entered, answer: Arg) {
    let cpu = call.cpu;
    let machine = call.machine();
    if cpu.hooks() & flag::DETERMINISTIC != 0 {
        machine.deterministic().mix_answer(machine, answer);
    }
    if cpu.hooks() & flag::EVENTS != 0 && machine.wanted.exit.has(call.ddi) {
        let event = Event { what: EventKind::Exit(call.ddi, answer), site: call.site, cpu };
        deliver(machine, &event, |i| i.exit.has(call.ddi));
    }
    machine.after_call(cpu);
    cpu.call.set(entered.outer);
    if machine.is_quiet() {
        quiet(call);
    }
}

/// Runs a driver callback: its name is on the processor's callback stack meanwhile.
#[track_caller]
pub fn callback<R>(cpu: &Processor, kind: &'static Callback, body: impl FnOnce() -> R) -> R {
    let site = Location::caller();
    cpu.push_callback(kind);
    let watched = cpu.hooks() & (flag::DETERMINISTIC | flag::EVENTS) != 0;
    if watched {
        show_callback(cpu, kind, true, site);
    }
    let answer = body();
    if watched {
        show_callback(cpu, kind, false, site);
    }
    cpu.pop_callback();
    answer
}

#[cold]
fn show_callback(cpu: &Processor, kind: &'static Callback, begins: bool, site: Site) {
    let machine = cpu.machine();
    if cpu.hooks() & flag::DETERMINISTIC != 0 {
        let bits = u64::from(kind.id) | u64::from(begins) << 15 | u64::from(cpu.index()) << 16 | 0xCB << 40;
        machine.deterministic().mix(bits);
    }
    if machine.wanted.callbacks && cpu.hooks() & flag::QUIET == 0 {
        let what = if begins { EventKind::CallbackBegin(kind) } else { EventKind::CallbackEnd(kind) };
        deliver(machine, &Event { what, site, cpu }, |i| i.callbacks);
    }
}

fn deliver(machine: &Machine, event: &Event<'_>, wanted: impl Fn(&crate::hook::Interest) -> bool) {
    for (watcher, interest) in machine.watchers() {
        if wanted(interest)
            && let Some(halt) = watcher.event(event)
        {
            machine.halt(halt);
            unwind(event.cpu);
        }
    }
}
