//! The hook: the code around the body of each DDI and around each driver callback.
//!
//! The short path does nothing but look at what is pended on the way out. The long path (the
//! deterministic executor, or a watcher) counts, hashes, lets others go first and shows the
//! event to those who asked. On a machine that has stopped the call does nothing.

#![expect(unsafe_code, reason = "layer 1: pointers and contracts are those of the WDK")]

use crate::bugcheck::StopCode;
use crate::evidence;
use crate::exec::Executor;
use crate::exec::deterministic::Deterministic;
use crate::frame::{Frame, Item};
use crate::hook::{Event, EventKind, Halt, Manner, Owner, TouchKind};
use crate::irql::Irql;
use crate::machine::Machine;
use crate::moment::Moment;
use crate::processor::{Processor, flag};
use crate::routine::{Arg, Callback, DdiInfo, Effect, IntoArg, Kind, is_outside};
use crate::site::Site;
use crate::sync::thread::unwind;

/// An access to memory that others may see, or to a register.
#[derive(Clone, Copy)]
pub(crate) struct Access {
    /// Its host address.
    pub address: usize,
    /// How many bytes.
    pub bytes: usize,
    /// How.
    pub kind: TouchKind,
    /// What it promises.
    pub manner: Manner,
}

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
    /// What the processor asked of this routine when the call was made: loaded once, so that the short path
    /// tests it in a register.
    hooks: u8,
}

impl Call {
    /// A call on the processor that this host thread runs.
    #[inline(always)]
    #[must_use]
    pub fn new(ddi: &'static DdiInfo, site: Site) -> Call {
        Call::numbered(ddi.id, ddi, site)
    }

    /// The same, of a routine whose number is known to the compiler: finding its byte costs nothing.
    #[inline(always)]
    #[must_use]
    pub fn numbered(number: u16, ddi: &'static DdiInfo, site: Site) -> Call {
        let cpu = Processor::current();
        Call { cpu, site, ddi, hooks: cpu.hooks_of(number) }
    }

    /// A call on `cpu`.
    #[inline(always)]
    pub(crate) fn on(cpu: &'static Processor, ddi: &'static DdiInfo, site: Site) -> Call {
        Call { cpu, site, ddi, hooks: cpu.hooks_of(ddi.id) }
    }

    /// Whether the call leaves the short path. `holding` and `irqls` are what its row says, known to the
    /// compiler.
    #[inline(always)]
    #[must_use]
    pub fn is_slow(&self, holding: bool, irqls: Option<(Irql, Irql)>) -> bool {
        self.hooks & flag::SLOW != 0
            || (self.hooks & flag::CONDITION != 0
                && ((holding && self.cpu.held_count() != 0) || is_outside(irqls, self.cpu.irql())))
    }

    /// Whether an acquire that left the short path only takes a lock inside others as watchers were told
    /// before, and needs no more than the short path. Looked at here, so that the path that is inlined in
    /// drivers stays short.
    #[inline]
    #[must_use]
    pub fn is_known_nesting(&self, irqls: Option<(Irql, Irql)>, args: &[Arg]) -> bool {
        self.hooks & flag::SLOW == 0
            && !is_outside(irqls, self.cpu.irql())
            && matches!(args.first(), Some(Arg::Pointer(lock)) if !self.cpu.nests_anew(*lock))
    }

    /// Whether the call has to be told to those who watch it under spin locks that the driver holds.
    #[inline(always)]
    fn holds(&self, kind: Kind, args: &[Arg]) -> bool {
        if !kind.is_holding() || self.cpu.held_count() == 0 {
            return false;
        }
        match args.first() {
            Some(Arg::Pointer(lock)) if kind.is_acquire() => self.cpu.nests_anew(*lock),
            _ => true,
        }
    }

    /// The deterministic executor, if it runs the machine: by the byte that the call has at hand.
    #[inline(always)]
    pub(crate) fn deterministic(&self) -> Option<&'static Deterministic> {
        if self.hooks & flag::DETERMINISTIC == 0 {
            return None;
        }
        match &self.machine().executor {
            Executor::Deterministic(d) => Some(d),
            // SAFETY: every constructor reads `hooks` from the processor of the call, which no code
            // exchanges. Power-on sets the flag on processors of machines that have a deterministic executor,
            // and on no others; a machine keeps its executor.
            Executor::Parallel(_) => unsafe { std::hint::unreachable_unchecked() },
        }
    }

    #[inline]
    pub(crate) fn is_deterministic(&self) -> bool {
        self.hooks & flag::DETERMINISTIC != 0
    }

    #[inline]
    pub(crate) fn hooks(&self) -> u8 {
        self.hooks
    }

    /// Tells those who watch it that something changes hands in this call.
    #[inline]
    pub fn moved(&self, item: Item, from: Owner, to: Owner) {
        if self.hooks & flag::MOVED != 0 {
            tell_moved(self.cpu, self.site, item, from, to);
        }
    }

    /// The same of something that the caller hands on, a driver or the system. Which of the two it is takes a
    /// look at the frames, and is worked out only if it is told.
    #[inline]
    pub(crate) fn handed_on(&self, item: Item, to: Owner) {
        if self.hooks & flag::MOVED != 0 {
            tell_handed_on(self.cpu, self.site, item, to);
        }
    }

    /// Tells those who watch for them that the arguments of this call are out of the ordinary.
    #[inline]
    pub fn unusual(&self, args: &[Arg]) {
        if self.hooks & flag::CONDITION != 0 {
            tell_unusual(self.ddi, self.site, args);
        }
    }

    /// Tells those who watch it that this call accesses memory that others may see.
    #[inline]
    pub(crate) fn touched(&self, access: Access, value: Option<u64>) {
        if self.hooks & flag::EVENTS != 0 {
            show_touch(self.cpu, self.site, access, value);
        }
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
        self.bug_check_after(stop, parameters, what, Vec::new())
    }

    /// The same, with the moments that made it so, oldest first.
    pub fn bug_check_after(
        &self,
        stop: StopCode,
        parameters: [u64; 4],
        what: impl Into<String>,
        earlier: Vec<Moment>,
    ) -> ! {
        self.cpu.call.set(Some((self.ddi, self.site)));
        self.cpu.bug_check_after(stop, parameters, what, earlier)
    }

    /// Ends the run because the simulator has not got what this call asks for: a limit of the simulator, and
    /// no mistake of the driver. `what` completes "not modelled: ".
    pub fn not_modelled(&self, what: impl Into<String>) -> ! {
        self.cpu.call.set(Some((self.ddi, self.site)));
        self.cpu.not_modelled(what)
    }

    /// The pointer is no live object: a bug check.
    pub fn bad_pointer(&self, address: usize, what: &str) -> ! {
        self.cpu.call.set(Some((self.ddi, self.site)));
        self.cpu.bad_pointer(address, &format!("{}: {what}", self.ddi.name))
    }

    /// Checks a pointer that the call only reads through: a constant of the driver's will do, where Windows
    /// takes one.
    #[inline]
    pub fn check_input<T>(&self, pointer: *const T) {
        if !self.cpu.is_readable(pointer as usize, size_of::<T>()) || !pointer.is_aligned() {
            bad_argument(self.ddi, self.site, pointer as usize, std::any::type_name::<T>());
        }
    }

    /// Checks so many bytes that the call only reads; `what` says what they are.
    pub fn check_input_bytes(&self, buffer: *const u8, bytes: usize, what: &str) {
        if !self.is_readable(buffer as usize, bytes.max(1)) {
            self.bad_pointer(buffer as usize, what);
        }
    }

    /// Whether so many bytes are memory of the machine, or constants of the driver's.
    #[must_use]
    pub fn is_readable(&self, address: usize, bytes: usize) -> bool {
        self.cpu.is_readable(address, bytes)
    }

    /// Checks a pointer that the call writes through.
    #[inline]
    pub fn check_output<T>(&self, pointer: *mut T) {
        if !self.cpu.is_memory(pointer as usize, size_of::<T>()) || !pointer.is_aligned() {
            bad_argument(self.ddi, self.site, pointer as usize, std::any::type_name::<T>());
        }
    }
}

#[cold]
fn bad_argument(ddi: &'static DdiInfo, site: Site, address: usize, what: &str) -> ! {
    Call::new(ddi, site).bad_pointer(address, what)
}

/// The values that `enter` hands to `leave`.
pub struct Entered {
    outer: Option<(&'static DdiInfo, Site)>,
}

/// The long path before the body. `None`: the machine is quiet and the call is a no-op. `kind` is what the
/// row says, known to the compiler.
///
/// # Panics
/// When no machine runs on this host thread.
#[inline(always)]
pub fn enter(call: &Call, args: &[Arg], kind: Kind) -> Option<Entered> {
    let cpu = call.cpu;
    let hooks = call.hooks;
    if hooks & flag::QUIET != 0 {
        return quiet(call);
    }
    let machine = call.machine();
    let outer = cpu.call.replace(Some((call.ddi, call.site)));
    let frame = cpu.frame();
    if !frame.kind.is_system {
        frame.note_site(call.site);
    }
    cpu.count(|s| s.calls_by_irql[usize::from(cpu.irql().0 & 15)] += 1);
    if let Some(d) = call.deterministic() {
        if cpu.may_be_guarded() {
            cpu.send_pages_away();
        }
        // Whether an interlocked operation only looked is known when it is done.
        if kind.polls() || !matches!(kind.effect(), Effect::Body) {
            d.note_call(machine, cpu, kind.polls());
        }
        if kind.is_point() {
            if d.is_watched() {
                d.announce(machine, cpu, args);
            }
            match args.first() {
                Some(Arg::Pointer(lock)) if kind.is_acquire() => machine.point_before_lock(cpu, *lock, args),
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
    }
    let on_condition =
        hooks & flag::CONDITION != 0 && (call.holds(kind, args) || call.ddi.is_outside(cpu.irql()));
    if hooks & (flag::EVENTS | flag::EVIDENCE) != 0 || on_condition {
        show_entry(call, args, on_condition);
        if on_condition
            && kind.is_acquire()
            && let Some(Arg::Pointer(lock)) = args.first()
        {
            cpu.nesting_told(*lock);
        }
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
fn show_entry(call: &Call, args: &[Arg], on_condition: bool) {
    if call.hooks & flag::EVIDENCE != 0 {
        evidence::before_call(call);
        if call.hooks & flag::EVENTS == 0 && !on_condition {
            return;
        }
    }
    deliver(call.cpu, &Event::new(EventKind::Enter(call.ddi, args), call.site, call.cpu));
}

/// Whether a watcher asked for the exit of this call's routine.
#[inline]
fn is_exit_told(call: &Call) -> bool {
    call.hooks & flag::EVENTS != 0 && call.machine().watching.is_exit_told(call.ddi)
}

#[inline(never)]
fn show_exit(call: &Call, answer: Arg) {
    if call.hooks & flag::EVIDENCE != 0 {
        evidence::after_call(call);
    }
    if is_exit_told(call) {
        deliver(call.cpu, &Event::new(EventKind::Exit(call.ddi, answer), call.site, call.cpu));
    }
}

/// The long path after the body.
#[inline(always)]
pub fn leave(call: &Call, entered: Entered, answer: Arg) {
    let cpu = call.cpu;
    let machine = call.machine();
    if let Some(d) = call.deterministic() {
        d.mix_answer(machine, answer);
    }
    if (call.hooks & flag::EVIDENCE != 0 || is_exit_told(call)) && !machine.is_quiet() {
        show_exit(call, answer);
    }
    machine.after_call(cpu);
    cpu.call.set(entered.outer);
    if machine.is_quiet() {
        quiet(call);
    }
}

/// Runs a driver callback, described by `frame`; what it returns is told to those who watch it.
#[inline]
#[track_caller]
pub fn callback<R: IntoArg>(cpu: &Processor, frame: &Frame<'_>, body: impl FnOnce() -> R) -> R {
    framed(cpu, frame, Site::caller(), body, |answer| answer.into_arg())
}

/// Runs a part of the system as a frame of its own: what it calls is not the driver's doing.
#[inline]
#[track_caller]
pub fn as_system<R>(cpu: &Processor, kind: &'static Callback, body: impl FnOnce() -> R) -> R {
    framed(cpu, &Frame::new(kind, &[]), Site::caller(), body, |_| Arg::Value(0))
}

#[inline]
fn framed<R>(
    cpu: &Processor,
    frame: &Frame<'_>,
    site: Site,
    body: impl FnOnce() -> R,
    told: impl FnOnce(&R) -> Arg,
) -> R {
    if cpu.may_be_guarded() {
        cpu.send_pages_away();
    }
    let linked = cpu.link(frame);
    let hooks = cpu.callback_hooks(frame.kind);
    let watched = hooks & !flag::CONDITION != 0;
    if watched {
        show_begin(cpu, frame, site);
    }
    let answer = body();
    if watched || (hooks != 0 && is_out_of_the_ordinary(cpu, frame)) {
        show_end(cpu, frame, told(&answer), site);
    }
    drop(linked);
    answer
}

/// Whether a callback ends in a way that may be watched for.
#[inline]
fn is_out_of_the_ordinary(cpu: &Processor, frame: &Frame<'_>) -> bool {
    cpu.held_count() > frame.held_count() || cpu.irql() != frame.irql() || frame.is_noted()
}

#[cold]
fn show_begin(cpu: &Processor, frame: &Frame<'_>, site: Site) {
    mix_callback(cpu, frame.kind, true);
    if cpu.callback_hooks(frame.kind) & flag::EVENTS != 0 && cpu.hooks() & flag::QUIET == 0 {
        deliver(cpu, &Event::new(EventKind::Begin(frame), site, cpu));
    }
}

#[cold]
fn show_end(cpu: &Processor, frame: &Frame<'_>, answer: Arg, site: Site) {
    mix_callback(cpu, frame.kind, false);
    let hooks = cpu.callback_hooks(frame.kind);
    let is_told =
        hooks & flag::EVENTS != 0 || (hooks & flag::CONDITION != 0 && is_out_of_the_ordinary(cpu, frame));
    if is_told && cpu.hooks() & flag::QUIET == 0 {
        deliver(cpu, &Event::new(EventKind::End(frame, answer), site, cpu));
    }
}

/// Tells those who watch for them that the arguments of a call are out of the ordinary.
#[cold]
pub(crate) fn tell_unusual(ddi: &'static DdiInfo, site: Site, args: &[Arg]) {
    let cpu = Processor::current();
    if cpu.hooks() & flag::QUIET != 0 {
        return;
    }
    let event = Event::new(EventKind::Enter(ddi, args), site, cpu);
    if let Some(halt) = cpu.machine().watching.deliver_unusual(&event) {
        cpu.machine().halt(halt);
        unwind(cpu);
    }
}

fn mix_callback(cpu: &Processor, kind: &'static Callback, begins: bool) {
    if cpu.hooks() & flag::DETERMINISTIC != 0 {
        let bits = u64::from(kind.id) | u64::from(begins) << 15 | u64::from(cpu.index()) << 16 | 0xCB << 40;
        cpu.machine().deterministic().mix(bits);
    }
}

impl Processor {
    /// Tells those who watch it that something changes hands outside a call of a driver.
    #[inline]
    pub fn moved(&self, site: Site, item: Item, from: Owner, to: Owner) {
        if self.hooks() & flag::MOVED != 0 {
            tell_moved(self, site, item, from, to);
        }
    }
}

#[cold]
fn tell_moved(cpu: &Processor, site: Site, item: Item, from: Owner, to: Owner) {
    if cpu.hooks() & flag::QUIET == 0 {
        deliver(cpu, &Event::new(EventKind::Moved { item, from, to }, site, cpu));
    }
}

#[cold]
fn tell_handed_on(cpu: &Processor, site: Site, item: Item, to: Owner) {
    let from = if cpu.runs_driver() { Owner::Driver } else { Owner::System };
    tell_moved(cpu, site, item, from, to);
}

/// Tells those who watch it of an access to memory that others may see.
#[cold]
pub(crate) fn show_touch(cpu: &Processor, site: Site, access: Access, value: Option<u64>) {
    if cpu.hooks() & flag::QUIET != 0 {
        return;
    }
    let Access { address, bytes, kind, manner } = access;
    let machine = cpu.machine();
    if manner != Manner::Register && machine.is_deterministic() {
        if kind != TouchKind::Write {
            machine.takes_from_devices(cpu, address);
        }
        let said = &machine.deterministic().said;
        said.tell(&machine.watching);
        if manner == Manner::Plain {
            said.accessed();
        }
    }
    let event = Event::new(EventKind::Touch { address, bytes, kind, manner, value }, site, cpu);
    if let Some(halt) = machine.watching.deliver_touch(&event, manner) {
        halted(cpu, halt);
    }
}

/// Inlined where the kind of the event is known, so that each kind has a short path of its own.
#[inline(always)]
fn deliver(cpu: &Processor, event: &Event<'_>) {
    if let Some(halt) = cpu.machine().watching.deliver(event) {
        halted(cpu, halt);
    }
}

/// A watcher ends the run here.
#[cold]
fn halted(cpu: &Processor, halt: Halt) {
    cpu.machine().halt(halt);
    unwind(cpu);
}
