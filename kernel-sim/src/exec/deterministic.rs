//! The deterministic executor: all processors on one host thread, every choice made by one strategy.
//!
//! Processors are fibers. At a scheduling point the running one asks the strategy who goes on; if
//! that is itself, it costs no switch. Device steps and timer expiries have no processor and are
//! carried out by whoever is running. A processor waiting for a spin lock is not enabled, so a
//! deadlock is found in the step that closes it. Invariant: nothing here reads a clock, an address
//! or a hash order; equal choices give equal runs.

use crate::bugcheck::{Deadlock, Ending, Livelock, Waiter};
use crate::choose::{Choice, Choose, Enabled, Transition};
use crate::fiber::Returned;
use crate::hook::Arg;
use crate::irql::Irql;
use crate::machine::Machine;
use crate::processor::Processor;
use std::cell::{Cell, UnsafeCell};

/// Polling steps in a row, with nobody else able to do anything, that make a livelock.
const POLLS_MAX: u64 = 100_000;
/// Polling steps in a row after which the polled-for thing is taken to lie in the future.
const POLLS_PATIENCE: u64 = 1_000;

/// A processor blocked on a spin lock.
#[derive(Clone, Copy)]
struct LockWait {
    word: usize,
    /// Arrival number, for first-come first-served locks.
    arrival: u64,
    queued: bool,
}

/// State of the executor. Touched by one host thread only.
pub(crate) struct Deterministic {
    choose: UnsafeCell<Box<dyn Choose>>,
    choices: UnsafeCell<Vec<Choice>>,
    /// The processor that runs.
    current: Cell<u8>,
    /// What the processor that is resumed next is to do.
    order: Cell<Option<Transition>>,
    run: Cell<u64>,
    dpc: Cell<u64>,
    ready: Cell<u64>,
    device: Cell<u64>,
    /// Processors with an interrupt pended, and the highest device IRQL pended for each.
    pended: Cell<u64>,
    pended_irql: UnsafeCell<[u8; 64]>,
    next_due_ns: Cell<u64>,
    step: Cell<u64>,
    time_ns: Cell<u64>,
    hash: Cell<u64>,
    polls: Cell<u64>,
    waits: UnsafeCell<[Option<LockWait>; 64]>,
    arrivals: Cell<u64>,
}

impl Deterministic {
    pub(crate) fn new(choose: Box<dyn Choose>) -> Deterministic {
        Deterministic {
            choose: UnsafeCell::new(choose),
            choices: UnsafeCell::new(Vec::new()),
            current: Cell::new(0),
            order: Cell::new(None),
            run: Cell::new(0),
            dpc: Cell::new(0),
            ready: Cell::new(0),
            device: Cell::new(0),
            pended: Cell::new(0),
            pended_irql: UnsafeCell::new([0; 64]),
            next_due_ns: Cell::new(u64::MAX),
            step: Cell::new(0),
            time_ns: Cell::new(0),
            hash: Cell::new(0xCBF2_9CE4_8422_2325),
            polls: Cell::new(0),
            waits: UnsafeCell::new([None; 64]),
            arrivals: Cell::new(0),
        }
    }

    #[inline]
    pub(crate) fn step(&self) -> u64 {
        self.step.get()
    }

    #[inline]
    pub(crate) fn time_ns(&self) -> u64 {
        self.time_ns.get()
    }

    pub(crate) fn trace_hash(&self) -> u64 {
        // One more round, so that the last events reach the high bits.
        let h = self.hash.get();
        (h ^ (h >> 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15)
    }

    pub(crate) fn take_choices(&self) -> Vec<Choice> {
        // SAFETY: one host thread; no reference is alive across calls.
        std::mem::take(unsafe { &mut *self.choices.get() })
    }

    /// Mixes a number into the trace hash.
    #[inline]
    pub(crate) fn mix(&self, x: u64) {
        self.hash.set((self.hash.get().rotate_left(5) ^ x).wrapping_mul(0x517C_C1B7_2722_0A95));
    }

    /// Mixes an argument: numbers as they are, pointers by machine address, code not at all.
    #[inline]
    pub(crate) fn mix_arg(&self, machine: &Machine, arg: Arg) {
        match arg {
            Arg::Value(v) => self.mix(v),
            Arg::Pointer(p) => self.mix(machine.machine_address(p)),
            Arg::Routine => {}
        }
    }

    /// Notes a call: a polling one brings a livelock nearer, any other is progress.
    #[inline]
    pub(crate) fn note_call(&self, polls: bool) {
        self.polls.set(if polls { self.polls.get() + 1 } else { 0 });
    }

    pub(crate) fn set_ready(&self, cpu: &Processor, any: bool) {
        let bit = 1 << cpu.index();
        set(&self.ready, bit, any);
        if std::ptr::eq(cpu.thread.get(), cpu.idle.get()) {
            set(&self.run, bit, any);
        }
    }

    /// A processor that runs a thread can go on; an idle one can if a thread is ready for it.
    pub(crate) fn set_thread(&self, cpu: &Processor) {
        let bit = 1 << cpu.index();
        let idle = std::ptr::eq(cpu.thread.get(), cpu.idle.get());
        set(&self.run, bit, !idle || self.ready.get() & bit != 0);
    }

    pub(crate) fn set_dpc(&self, cpu: u8, any: bool) {
        set(&self.dpc, 1 << cpu, any);
    }

    pub(crate) fn set_device(&self, device: usize, busy: bool) {
        set(&self.device, 1 << device, busy);
    }

    pub(crate) fn set_next_due(&self, due: Option<u64>) {
        self.next_due_ns.set(due.unwrap_or(u64::MAX));
    }

    pub(crate) fn set_pended(&self, irqls: &[u8; 64]) {
        // SAFETY: one host thread; no reference is alive across calls.
        unsafe { *self.pended_irql.get() = *irqls };
        let mask = irqls.iter().enumerate().fold(0, |m, (n, irql)| m | u64::from(*irql != 0) << n);
        self.pended.set(mask);
    }

    pub(crate) fn pass_time(&self, ns: u64) {
        self.time_ns.set(self.time_ns.get().saturating_add(ns));
    }

    /// What could happen next.
    #[inline]
    fn enabled(&self, machine: &Machine) -> Enabled {
        let mut e = Enabled { run: self.run.get(), ..Enabled::default() };
        if self.pended.get() | self.dpc.get() | self.ready.get() | self.device.get() != 0
            || self.next_due_ns.get() <= self.time_ns.get()
        {
            self.enabled_rare(machine, &mut e);
        }
        e
    }

    #[inline(never)]
    fn enabled_rare(&self, machine: &Machine, e: &mut Enabled) {
        e.device = self.device.get();
        e.timer = self.next_due_ns.get() <= self.time_ns.get();
        // SAFETY: one host thread; no reference is alive across calls.
        let pended_irql = unsafe { &*self.pended_irql.get() };
        let mut some = self.pended.get() | self.dpc.get() | self.ready.get();
        while some != 0 {
            let n = some.trailing_zeros() as usize;
            let bit = some & some.wrapping_neg();
            some &= !bit;
            let cpu = &machine.processors[n];
            let irql = cpu.irql();
            if self.pended.get() & bit != 0 && pended_irql[n] > irql.0 {
                e.interrupt |= bit;
            }
            if irql < Irql::DISPATCH {
                e.dpc |= self.dpc.get() & bit;
                if !std::ptr::eq(cpu.thread.get(), cpu.idle.get()) {
                    e.switch |= self.ready.get() & bit;
                }
            }
        }
    }

    /// Lets the strategy choose the next transition. Answers `None` when the machine has stopped.
    #[inline]
    fn next(&self, machine: &Machine) -> Option<Transition> {
        let step = self.step.get() + 1;
        self.step.set(step);
        let mut enabled = self.enabled(machine);
        let n = match enabled.len() {
            0 => {
                enabled = self.let_time_pass(machine)?;
                enabled.len()
            }
            n => n,
        };
        if self.polls.get() >= POLLS_PATIENCE {
            self.lose_patience(machine, &enabled)?;
        }
        if n == 1 {
            return Some(enabled.nth(0));
        }
        // SAFETY: one host thread; the strategy cannot reach the executor.
        let (choose, choices) = unsafe { (&mut *self.choose.get(), &mut *self.choices.get()) };
        match choose.choose(step, &enabled) {
            Ok(t) => {
                choices.push(Choice::Took(t));
                Some(t)
            }
            Err(parted) => {
                machine.stop(Ending::Parted(parted));
                None
            }
        }
    }

    pub(crate) fn pick(&self, machine: &Machine, n: u32) -> u32 {
        if n < 2 {
            return 0;
        }
        // SAFETY: as in `next`.
        let (choose, choices) = unsafe { (&mut *self.choose.get(), &mut *self.choices.get()) };
        match choose.pick(self.step.get(), n) {
            Ok(k) => {
                choices.push(Choice::Picked(k));
                k
            }
            Err(parted) => {
                machine.stop(Ending::Parted(parted));
                0
            }
        }
    }

    /// Nobody can go on now: advances machine time to the next timer, or ends the run.
    #[cold]
    fn let_time_pass(&self, machine: &Machine) -> Option<Enabled> {
        let due = self.next_due_ns.get();
        if due == u64::MAX {
            machine.stop(Ending::Deadlock(Box::new(machine.standstill("nobody can go on"))));
            return None;
        }
        self.time_ns.set(due.max(self.time_ns.get()));
        Some(self.enabled(machine))
    }

    /// Somebody has been polling for long: move to the next timer if nothing else could help, and
    /// call it a livelock when nothing will.
    #[cold]
    fn lose_patience(&self, machine: &Machine, enabled: &Enabled) -> Option<()> {
        let only_runs = Enabled { run: enabled.run, ..Enabled::default() } == *enabled;
        if !only_runs || self.polls.get() % POLLS_PATIENCE != 0 {
            return Some(());
        }
        let due = self.next_due_ns.get();
        if due != u64::MAX {
            self.time_ns.set(due.max(self.time_ns.get()));
        }
        if self.polls.get() >= POLLS_MAX {
            let cpu = &machine.processors[usize::from(self.current.get())];
            let livelock = Livelock { place: cpu.place(), polls: self.polls.get() };
            machine.stop(Ending::Livelock(Box::new(livelock)));
            return None;
        }
        Some(())
    }

    /// A scheduling point: returns when `cpu` is to go on, or when the machine has stopped.
    #[inline]
    pub(crate) fn point(&self, machine: &Machine, cpu: &Processor) {
        match self.next(machine) {
            Some(Transition::Run(n)) if n == cpu.index() => {}
            Some(t) => self.follow(machine, cpu, t),
            None => {}
        }
    }

    /// Carries out transitions until it is `cpu`'s turn to go on.
    #[inline(never)]
    fn follow(&self, machine: &Machine, cpu: &Processor, mut t: Transition) {
        loop {
            let me = cpu.index();
            match t {
                Transition::Run(n) if n == me => return,
                Transition::Interrupt(n) if n == me => {
                    machine.accept_interrupts(cpu);
                }
                Transition::Dpc(n) if n == me => machine.drain_dpcs(cpu),
                Transition::Switch(n) if n == me => {
                    machine.preempt(cpu);
                    return;
                }
                Transition::Run(n)
                | Transition::Interrupt(n)
                | Transition::Dpc(n)
                | Transition::Switch(n) => {
                    self.current.set(n);
                    self.order.set(Some(t));
                    // SAFETY: we run on the fiber of this processor's thread.
                    unsafe { (*cpu.thread.get()).parker.park() };
                    if machine.is_quiet() {
                        return;
                    }
                    t = self.order.take().expect("a resumed processor has an order");
                    continue;
                }
                Transition::Device(n) => {
                    self.polls.set(0);
                    machine.step_device(usize::from(n));
                }
                Transition::Timer => {
                    self.polls.set(0);
                    machine.expire_timer();
                }
            }
            if machine.is_quiet() {
                return;
            }
            match self.next(machine) {
                Some(next) => t = next,
                None => return,
            }
        }
    }

    /// Blocks `cpu` until the lock word is free for it.
    pub(crate) fn wait_for_lock(
        &self,
        machine: &Machine,
        cpu: &Processor,
        word: usize,
        queued: bool,
        is_free: impl Fn() -> bool,
    ) {
        let n = usize::from(cpu.index());
        let arrival = self.arrivals.get();
        self.arrivals.set(arrival + 1);
        // SAFETY (here and below): one host thread; no reference is alive across calls.
        unsafe { (&mut *self.waits.get())[n] = Some(LockWait { word, arrival, queued }) };
        while !(is_free() && self.is_first(word, n)) {
            set(&self.run, 1 << n, false);
            if let Some(cycle) = self.lock_cycle(machine, n) {
                machine.stop(Ending::Deadlock(Box::new(cycle)));
            } else {
                self.point(machine, cpu);
            }
            if machine.is_quiet() {
                crate::sync::thread::unwind(cpu);
            }
        }
        // SAFETY: as above.
        unsafe { (&mut *self.waits.get())[n] = None };
        set(&self.run, 1 << n, true);
        self.wake_lock_waiters(word);
    }

    /// Whether processor `n` may have the free lock: a first-come first-served waiter gives way to
    /// those of its kind that came earlier.
    fn is_first(&self, word: usize, n: usize) -> bool {
        // SAFETY: one host thread; no reference is alive across calls.
        let waits = unsafe { &*self.waits.get() };
        let Some(mine) = waits[n] else { return true };
        !mine.queued
            || !waits.iter().flatten().any(|w| w.word == word && w.queued && w.arrival < mine.arrival)
    }

    /// Whether somebody waits for the lock in the order of arrival.
    pub(crate) fn has_queue(&self, word: usize) -> bool {
        // SAFETY: one host thread; no reference is alive across calls.
        unsafe { &*self.waits.get() }.iter().flatten().any(|w| w.word == word && w.queued)
    }

    /// A lock was released: its waiters may try.
    #[inline]
    pub(crate) fn lock_released(&self, machine: &Machine, word: usize) {
        let everybody = u64::MAX >> (64 - machine.processors.len());
        if self.run.get() != everybody {
            self.wake_lock_waiters(word);
        }
    }

    fn wake_lock_waiters(&self, word: usize) {
        // SAFETY: one host thread; no reference is alive across calls.
        let waits = unsafe { &*self.waits.get() };
        for (n, wait) in waits.iter().enumerate() {
            if wait.is_some_and(|w| w.word == word) && self.is_first(word, n) {
                set(&self.run, 1 << n, true);
            }
        }
    }

    /// The cycle of processors that waits for each other, if `start` closed one.
    fn lock_cycle(&self, machine: &Machine, start: usize) -> Option<Deadlock> {
        // SAFETY: one host thread; no reference is alive across calls.
        let waits = unsafe { &*self.waits.get() };
        let mut at = start;
        let mut members = Vec::new();
        loop {
            members.push(at);
            let wait = waits[at]?;
            let holder = machine.lock_holder(wait.word)?;
            if usize::from(holder) == start {
                break;
            }
            at = usize::from(holder);
            if members.contains(&at) {
                return None;
            }
        }
        let names: Vec<_> = members.iter().map(|n| format!("CPU {n}")).collect();
        let waiters = members.iter().map(|n| self.waiter(machine, *n, waits[*n])).collect();
        Some(Deadlock { what: format!("{} wait for each other's spin locks", names.join(", ")), waiters })
    }

    fn waiter(&self, machine: &Machine, n: usize, wait: Option<LockWait>) -> Waiter {
        let place = machine.processors[n].place();
        match wait {
            Some(w) => Waiter {
                place,
                waits_for: format!("spin lock {}", crate::report_address(machine.machine_address(w.word))),
                holder: machine.lock_holder(w.word),
            },
            None => Waiter { place, waits_for: "nothing: it is idle".into(), holder: None },
        }
    }

    /// Who is blocked on a spin lock.
    pub(crate) fn lock_waiters(&self, machine: &Machine) -> Vec<Waiter> {
        // SAFETY: one host thread; no reference is alive across calls.
        let waits = unsafe { &*self.waits.get() };
        (0..machine.processors.len())
            .filter(|n| waits[*n].is_some())
            .map(|n| self.waiter(machine, n, waits[n]))
            .collect()
    }
}

#[inline]
fn set(mask: &Cell<u64>, bit: u64, on: bool) {
    mask.set(if on { mask.get() | bit } else { mask.get() & !bit });
}

impl Machine {
    pub(crate) fn deterministic(&self) -> &Deterministic {
        match &self.executor {
            super::Executor::Deterministic(d) => d,
            super::Executor::Parallel(_) => unreachable!("asked the parallel executor for its schedule"),
        }
    }

    /// Runs the machine until it stops, then unwinds what is left.
    pub(crate) fn run_deterministic(&self) {
        let d = self.deterministic();
        while !self.is_quiet() {
            let cpu = &self.processors[usize::from(d.current.get())];
            cpu.enter();
            // SAFETY: threads live as long as the machine.
            let thread = unsafe { &*cpu.thread.get() };
            match thread.resume(self) {
                Returned::Parked => {}
                // The thread's end made another the processor's thread.
                Returned::Ended => continue,
            }
        }
        let threads: Vec<*const crate::sync::thread::Thread> =
            self.kernel.lock().threads.iter().map(|t| &raw const **t).collect();
        for thread in threads {
            // SAFETY: threads live as long as the machine.
            self.unwind_thread(unsafe { &*thread });
        }
    }
}
