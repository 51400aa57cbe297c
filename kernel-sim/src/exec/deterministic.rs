//! The deterministic executor: all processors on one host thread, every choice made by one strategy.
//!
//! Processors are fibers. At a scheduling point the running one asks the strategy who goes on; if
//! that is itself, it costs no switch. Device steps and timer expiries have no processor and are
//! carried out by whoever is running. A processor waiting for a spin lock is not enabled, so a
//! deadlock is found in the step that closes it. Invariant: nothing here reads a clock, an address
//! or a hash order; equal choices give equal runs.

#![expect(unsafe_code, reason = "fibers and host threads share the machine by pointers")]

mod footprint;
mod lock_waits;
mod progress;
mod shared_words;
mod strategy;
mod turns;

use crate::bugcheck::Ending;
use crate::choose::{Access, Choice, Enabled, OtherTransitions, Transition, object};
use crate::fiber::Returned;
use crate::irql::Irql;
use crate::machine::Machine;
use crate::order::Said;
use crate::processor::Processor;
use crate::routine::Arg;
use footprint::Footprint;
use lock_waits::LockWait;
use progress::POLLS_PATIENCE;
use shared_words::SharedWords;
use std::cell::{Cell, UnsafeCell};
pub(crate) use strategy::Strategy;

const HASH_START: u64 = 0xCBF2_9CE4_8422_2325;

/// State of the executor. Touched by one host thread only.
pub(crate) struct Deterministic {
    choose: UnsafeCell<Strategy>,
    choices: UnsafeCell<Vec<Choice>>,
    /// The processor that runs.
    current: Cell<u8>,
    /// What the processor that is resumed next is to do.
    order: Cell<Transition>,
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
    /// Polling calls in a row, by processor.
    own_polls: [Cell<u32>; 64],
    /// Thread switches in a row that led to no call: threads that wait for one lock.
    switches: Cell<u64>,
    /// Steps after which the run is given up.
    steps_max: u64,
    /// The step at which it is looked whether the run comes to its end, at most `steps_max`.
    look_at: Cell<u64>,
    /// What that look found that ran alone.
    alone: Cell<progress::Alone>,
    /// Machine time that a step takes.
    step_ns: u32,
    /// After how many steps time leaps to the next timer, 0 for never, and at which step it does so next.
    timers_every: u32,
    leaps_at: Cell<u64>,
    /// Processors about to take a spin lock, those of them that are inside the call, and the lock.
    waiting: Cell<u64>,
    committed: Cell<u64>,
    waits: UnsafeCell<[LockWait; 64]>,
    arrivals: Cell<u64>,
    /// A cycle of lock waits ends the run only when nobody else can go on.
    others_finish: Cell<bool>,
    /// The run ends when nobody can go on.
    ends_when_still: Cell<bool>,
    /// It has ended like that: no fiber runs, and all could go on.
    at_rest: Cell<bool>,
    /// What happens now is a device's or the clock's doing, and no processor's.
    unattended: Cell<bool>,
    words: SharedWords,
    footprint: Footprint,
    /// What ordered accesses and is still to be told.
    pub(crate) said: Said,
}

/// How machine time passes while processors work.
#[derive(Clone, Copy, Default)]
pub(crate) struct Clock {
    /// Machine time that a step takes.
    pub step_ns: u32,
    /// After how many steps time leaps to the next timer; 0 for never.
    pub timers_every: u32,
}

impl Clock {
    fn first_leap(self) -> u64 {
        if self.timers_every == 0 { u64::MAX } else { self.timers_every.into() }
    }
}

impl Deterministic {
    pub(crate) fn new(mut choose: Strategy, steps_max: u64, clock: Clock) -> Deterministic {
        let follows = choose.as_dyn().follows();
        let others_finish = choose.as_dyn().lets_others_finish();
        Deterministic {
            choose: UnsafeCell::new(choose),
            choices: UnsafeCell::new(Vec::new()),
            current: Cell::new(0),
            order: Cell::new(Transition::Run(0)),
            run: Cell::new(0),
            dpc: Cell::new(0),
            ready: Cell::new(0),
            device: Cell::new(0),
            pended: Cell::new(0),
            pended_irql: UnsafeCell::new([0; 64]),
            next_due_ns: Cell::new(u64::MAX),
            step: Cell::new(0),
            time_ns: Cell::new(0),
            hash: Cell::new(HASH_START),
            polls: Cell::new(0),
            own_polls: [const { Cell::new(0) }; 64],
            switches: Cell::new(0),
            steps_max,
            look_at: Cell::new(progress::look_after(0, steps_max)),
            alone: Cell::default(),
            step_ns: clock.step_ns,
            timers_every: clock.timers_every,
            leaps_at: Cell::new(clock.first_leap()),
            waiting: Cell::new(0),
            committed: Cell::new(0),
            waits: UnsafeCell::new([LockWait::NONE; 64]),
            arrivals: Cell::new(0),
            others_finish: Cell::new(others_finish),
            ends_when_still: Cell::new(false),
            at_rest: Cell::new(false),
            unattended: Cell::new(false),
            words: SharedWords::default(),
            footprint: Footprint::new(follows),
            said: Said::default(),
        }
    }

    /// Makes the executor of a machine at rest as good as new.
    pub(crate) fn reset(&mut self, mut choose: Strategy, steps_max: u64, clock: Clock) {
        self.steps_max = steps_max;
        self.look_at.set(progress::look_after(0, steps_max));
        self.alone.take();
        self.step_ns = clock.step_ns;
        self.timers_every = clock.timers_every;
        self.leaps_at.set(clock.first_leap());
        self.footprint.reset(choose.as_dyn().follows());
        self.others_finish.set(choose.as_dyn().lets_others_finish());
        *self.choose.get_mut() = choose;
        self.choices.get_mut().clear();
        self.current.set(0);
        self.order.set(Transition::Run(0));
        self.step.set(0);
        self.time_ns.set(0);
        self.hash.set(HASH_START);
        self.polls.set(0);
        self.switches.set(0);
        for own in &self.own_polls {
            own.set(0);
        }
        self.arrivals.set(0);
        self.ends_when_still.set(false);
        self.at_rest.set(false);
        self.unattended.set(false);
        self.words.reset();
        self.said.reset();
        // Nobody runs, waits or has anything pended, or the machine would not be at rest.
        debug_assert_eq!(self.run.get() | self.ready.get() | self.dpc.get() | self.waiting.get(), 0);
    }

    /// Whether what happens now is no processor's doing.
    pub(crate) fn is_unattended(&self) -> bool {
        self.unattended.get()
    }

    pub(crate) fn set_unattended(&self, on: bool) -> bool {
        self.unattended.replace(on)
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
        let choices = unsafe { &mut *self.choices.get() };
        // The next run, if there is one, makes about as many.
        let room = Vec::with_capacity(choices.len());
        std::mem::replace(choices, room)
    }

    /// Mixes a number into the trace hash.
    #[inline]
    pub(crate) fn mix(&self, x: u64) {
        self.hash.set((self.hash.get().rotate_left(5) ^ x).wrapping_mul(0x517C_C1B7_2722_0A95));
    }

    /// Mixes a call and its arguments: numbers as they are, pointers by machine address, code not at
    /// all. The arguments are folded first, so that the hash waits for one multiplication and not
    /// for one each.
    #[inline(always)]
    pub(crate) fn mix_call(&self, machine: &Machine, head: u64, args: &[Arg]) {
        let mut x = head;
        for arg in args {
            x = x.rotate_left(23) ^ stable(machine, *arg).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        }
        self.mix(x);
    }

    /// Mixes an answer; one that says nothing changes nothing.
    #[inline(always)]
    pub(crate) fn mix_answer(&self, machine: &Machine, answer: Arg) {
        let x = stable(machine, answer);
        if x != 0 {
            self.mix(x);
        }
    }

    /// The processor that runs.
    pub(crate) fn current(&self) -> u8 {
        self.current.get()
    }

    pub(crate) fn set_ready(&self, cpu: &Processor, any: bool) {
        self.touch(|| object::READY + u64::from(cpu.index()), Access::Change);
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
        self.touch(|| object::DPCS + u64::from(cpu), Access::Change);
        set(&self.dpc, 1 << cpu, any);
    }

    pub(crate) fn set_device(&self, device: usize, busy: bool) {
        self.touch(|| object::DEVICES + device as u64, Access::Change);
        set(&self.device, 1 << device, busy);
    }

    pub(crate) fn set_next_due(&self, due: Option<u64>) {
        self.touch(|| object::TIMERS, Access::Change);
        self.next_due_ns.set(due.unwrap_or(u64::MAX));
    }

    pub(crate) fn set_pended(&self, irqls: &[u8; 64]) {
        // SAFETY: one host thread; no reference is alive across calls.
        let old = unsafe { std::mem::replace(&mut *self.pended_irql.get(), *irqls) };
        if old != *irqls {
            self.touch(|| object::LINES, Access::Change);
        }
        let mask = irqls.iter().enumerate().fold(0, |m, (n, irql)| m | u64::from(*irql != 0) << n);
        self.pended.set(mask);
    }

    /// The highest level pended for a processor.
    pub(crate) fn pended_level(&self, cpu: u8) -> Irql {
        // SAFETY: one host thread; no reference is alive across calls.
        Irql(unsafe { (*self.pended_irql.get())[usize::from(cpu)] })
    }

    pub(crate) fn pass_time(&self, ns: u64) {
        self.touch(|| object::CLOCK, Access::Add);
        self.time_ns.set(self.time_ns.get().saturating_add(ns));
    }

    /// Whether anything but going on could happen, as far as a glance tells.
    #[inline]
    fn is_quiet_outside(&self) -> bool {
        self.pended.get() | self.dpc.get() | self.ready.get() | self.device.get() == 0
            && self.next_due_ns.get() > self.time_ns.get()
    }

    #[inline(never)]
    fn others(&self, machine: &Machine) -> OtherTransitions {
        let timer = self.next_due_ns.get() <= self.time_ns.get();
        let mut others = OtherTransitions { device: self.device.get(), timer, ..OtherTransitions::default() };
        // SAFETY: one host thread; no reference is alive across calls.
        let pended_irql = unsafe { &*self.pended_irql.get() };
        for n in bits(self.pended.get() | self.dpc.get() | self.ready.get()) {
            let bit = 1 << n;
            let cpu = &machine.processors[n];
            let irql = cpu.irql();
            if self.pended.get() & bit != 0 && pended_irql[n] > irql.0 {
                others.interrupt |= bit;
            }
            if cpu.may_dispatch() {
                others.dpc |= self.dpc.get() & bit;
                if !std::ptr::eq(cpu.thread.get(), cpu.idle.get()) {
                    others.switch |= self.ready.get() & bit;
                }
            }
        }
        others
    }

    /// Lets the strategy choose the next transition. Returns `None` when the machine has stopped.
    #[inline(always)]
    fn next(&self, machine: &Machine) -> Option<Transition> {
        let step = self.step.get() + 1;
        self.step.set(step);
        self.time_ns.set(self.time_ns.get().saturating_add(self.step_ns.into()));
        if step >= self.leaps_at.get() {
            self.leap(step);
        }
        let run = self.run.get();
        if run == 0
            || !self.is_quiet_outside()
            || self.polls.get() >= POLLS_PATIENCE
            || self.footprint.wanted
            || step >= self.look_at.get()
        {
            return self.next_of_many(machine, step);
        }
        if run.is_power_of_two() {
            return Some(Transition::Run(run.trailing_zeros() as u8));
        }
        self.ask(machine, step, &Enabled::running(run))
    }

    /// As `next`, where more than going on may be possible.
    #[inline(never)]
    fn next_of_many(&self, machine: &Machine, step: u64) -> Option<Transition> {
        if step >= self.look_at.get() && self.has_no_end(machine, step) {
            return self.give_up(machine, step);
        }
        let followed = self.footprint.wanted;
        if followed {
            self.show_step(step - 1, &machine.processors[usize::from(self.current.get())]);
        }
        let mut others = self.others(machine);
        let mut enabled = Enabled::with(self.run.get() | self.may_commit(&others), &others);
        if enabled.is_empty() {
            if self.ends_when_still.get() {
                return self.rest(machine);
            }
            if self.stop_if_any_cycle(machine) {
                return None;
            }
            self.let_time_pass(machine)?;
            others = self.others(machine);
            enabled = Enabled::with(self.run.get(), &others);
        }
        if self.polls.get() >= POLLS_PATIENCE {
            self.lose_patience(machine, &enabled)?;
        }
        let chosen =
            if enabled.len() == 1 && !followed { enabled.nth(0) } else { self.ask(machine, step, &enabled)? };
        if followed {
            self.begin_step(chosen);
        }
        Some(chosen)
    }

    #[inline(always)]
    fn ask(&self, machine: &Machine, step: u64, enabled: &Enabled<'_>) -> Option<Transition> {
        // SAFETY: one host thread; the strategy cannot reach the executor.
        let (choose, choices) = unsafe { (&mut *self.choose.get(), &mut *self.choices.get()) };
        let chosen = choose.choose(step, enabled);
        match chosen {
            Some(_) if enabled.len() == 1 => {}
            Some(t) => choices.push(Choice::Took(t)),
            None => machine.stop(Ending::Parted(choose.as_dyn().parted())),
        }
        chosen
    }

    pub(crate) fn pick(&self, machine: &Machine, n: u32) -> u32 {
        if n < 2 {
            return 0;
        }
        // SAFETY: one host thread; the strategy cannot reach the executor.
        let (choose, choices) = unsafe { (&mut *self.choose.get(), &mut *self.choices.get()) };
        match choose.as_dyn().pick(self.step.get(), n) {
            Some(k) => {
                choices.push(Choice::Picked(k));
                k
            }
            None => {
                machine.stop(Ending::Parted(choose.as_dyn().parted()));
                0
            }
        }
    }

    /// A scheduling point: returns when `cpu` is to go on, or when the machine has stopped.
    ///
    /// Everything up to the fiber switch is in line on purpose: a processor predicts returns by a
    /// stack of its own, which a fiber switch leaves wrong, so each frame between here and the
    /// driver costs a misprediction per switch.
    #[inline(always)]
    pub(crate) fn point(&self, machine: &Machine, cpu: &Processor) {
        match self.next(machine) {
            Some(Transition::Run(n)) if n == cpu.index() => {}
            Some(Transition::Run(n)) => match self.hand_over(machine, cpu, n, Transition::Run(n)) {
                None | Some(Transition::Run(_)) => {}
                Some(other) => self.follow(machine, cpu, other),
            },
            Some(t) => self.follow(machine, cpu, t),
            None => {}
        }
    }
}

/// The indices of the set bits, ascending.
#[inline]
fn bits(mut mask: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        (mask != 0).then(|| {
            let n = mask.trailing_zeros() as usize;
            mask &= mask - 1;
            n
        })
    })
}

/// What of an argument is the same in every run.
#[inline(always)]
fn stable(machine: &Machine, arg: Arg) -> u64 {
    match arg {
        Arg::Value(v) => v,
        Arg::Pointer(p) => machine.memory.stable_address(p),
        Arg::Routine | Arg::NoRoutine => 0,
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

    /// Runs the machine until it stops, then unwinds what is left; or until it is at rest, in which case
    /// the answer is `true` and its threads are there still.
    pub(crate) fn run_deterministic(&self) -> bool {
        let d = self.deterministic();
        let _watched = crate::fault::watch(self, None);
        while !self.is_quiet() && !d.at_rest.get() {
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
        if d.is_in_step() {
            d.show_step(d.step(), &self.processors[usize::from(d.current.get())]);
        }
        if d.at_rest.get() {
            return true;
        }
        self.unwind_threads();
        false
    }

    /// Unwinds the threads of a machine that has stopped.
    pub(crate) fn unwind_threads(&self) {
        let threads: Vec<*const crate::sync::thread::Thread> =
            self.kernel.lock().threads.iter().map(|t| &raw const **t).collect();
        for thread in threads {
            // SAFETY: threads live as long as the machine.
            self.unwind_thread(unsafe { &*thread });
        }
    }
}
