//! The parallel executor: a host thread per processor, real races, real contention.
//!
//! What is pended for a processor is one word that it looks at as it leaves a DDI; an idle
//! processor parks on its doorbell. Two more host threads stand for the world outside: the clock
//! (timers, quanta, the deadlock watchdog) and the devices. Machine time is the host's monotonic
//! clock. Invariant: a processor that finds nothing pended and then parks cannot miss a ring,
//! because both sides look again under its doorbell's lock.
//!
//! Locks are taken in this order, and none is held while driver code runs: a device's model, the pool, the
//! kernel's tables, a DPC queue, then the world, a doorbell or the parking lot. A device that is touched
//! pends its interrupt with the model locked; a doorbell is rung with the kernel's tables locked.
//!
//! A machine that stops comes to rest before it is taken apart: each processor leaves its driver's
//! code at the next DDI and parks that fiber; when all have, the evidence of a standstill is
//! gathered, and only then destructors run. A panic is the exception: it drops its own locals at once.

#![expect(unsafe_code, reason = "fibers and host threads share the machine by pointers")]

mod clock;
mod polling;

use crate::bugcheck::{Ending, Waiter};
use crate::fiber::Returned;
use crate::host_clock::HostClock;
use crate::machine::Machine;
use crate::processor::{Processor, pend};
use crate::sync::thread::Thread;
use crossbeam::utils::{Backoff, CachePadded};
use parking_lot::{Condvar, Mutex};
use parking_lot_core::{DEFAULT_UNPARK_TOKEN, FilterOp, ParkToken, UnparkToken};
use polling::Polling;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst};
use std::time::Duration;

/// Set in a lock word while processors are parked on it; the low bits are the owner.
pub(crate) const PARKED: usize = 1 << 8;
/// Looks at a contended lock before parking.
const SPINS: u32 = 40;
/// How often the clock thread looks at quanta and lock waits when no timer is due sooner.
const TICK: Duration = Duration::from_millis(2);
/// Ticks that nothing must change in for a deadlock to be called one.
const DEADLOCK_TICKS: u32 = 3;

#[derive(Default)]
struct Doorbell {
    asleep: Mutex<bool>,
    bell: Condvar,
}

/// State of the executor.
pub(crate) struct Parallel {
    clock: HostClock,
    doorbells: Box<[CachePadded<Doorbell>]>,
    world: Mutex<World>,
    clock_bell: Condvar,
    /// When the clock thread wakes by itself.
    clock_wakes_ns: AtomicU64,
    device_bell: Condvar,
    /// Number of lock waits begun by each processor, so that the watchdog can tell one from the next.
    wait_numbers: Box<[CachePadded<AtomicUsize>]>,
    /// What each processor polls.
    polling: Box<[CachePadded<Polling>]>,
    /// Processors that have not come to rest yet.
    running: Mutex<u8>,
    /// Some device has said that it has steps to take since the devices' thread looked.
    devices_busy: AtomicBool,
    rest_bell: Condvar,
    at_rest: AtomicBool,
    /// Why the watchdog stopped the machine; told in full once it is at rest.
    standstill: Mutex<Option<Standstill>>,
}

#[derive(Default)]
struct World {
    timers_changed: bool,
    /// The devices' host thread has nothing to do.
    devices_resting: bool,
}

/// What the watchdog found: the processors that wait for spin locks and the lock words, and whether
/// threads that wait belong to the evidence too.
struct Standstill {
    locks: Vec<(usize, usize)>,
    threads: bool,
}

impl Parallel {
    pub(crate) fn new(processors: u8) -> Parallel {
        Parallel {
            clock: HostClock::start(),
            doorbells: (0..processors).map(|_| CachePadded::default()).collect(),
            world: Mutex::new(World::default()),
            clock_bell: Condvar::new(),
            clock_wakes_ns: AtomicU64::new(0),
            device_bell: Condvar::new(),
            wait_numbers: (0..processors).map(|_| CachePadded::default()).collect(),
            polling: (0..processors).map(|_| CachePadded::default()).collect(),
            devices_busy: AtomicBool::new(false),
            running: Mutex::new(processors),
            rest_bell: Condvar::new(),
            at_rest: AtomicBool::new(false),
            standstill: Mutex::new(None),
        }
    }

    pub(crate) fn time_ns(&self) -> u64 {
        self.clock.ns()
    }

    /// Whether every processor of the stopped machine has come to rest.
    pub(crate) fn is_at_rest(&self) -> bool {
        self.at_rest.load(SeqCst)
    }

    /// Pends something for a processor and wakes it if it sleeps or waits for a lock.
    #[inline]
    pub(crate) fn ring(&self, cpu: &Processor, bits: u32) {
        cpu.pending().fetch_or(bits, SeqCst);
        // A processor that rings itself is awake, and looks on its way out of the call.
        if !std::ptr::eq(cpu, Processor::current()) {
            self.wake(cpu, bits);
        }
    }

    #[inline(never)]
    fn wake(&self, cpu: &Processor, bits: u32) {
        let doorbell = &self.doorbells[usize::from(cpu.index())];
        {
            let asleep = doorbell.asleep.lock();
            if *asleep {
                doorbell.bell.notify_one();
            }
        }
        let word = cpu.waiting_on.load(SeqCst);
        if word != 0 && bits & (pend::INTERRUPT | pend::STOP) != 0 {
            unpark_processor(word, cpu);
        }
    }

    /// Parks an idle processor until something is pended for it.
    pub(crate) fn wait_for_work(&self, machine: &Machine, cpu: &Processor) {
        let doorbell = &self.doorbells[usize::from(cpu.index())];
        // A device that is at work makes its step sooner than a host thread wakes up.
        let backoff = Backoff::new();
        while self.devices_busy.load(SeqCst)
            && cpu.pending().load(SeqCst) & !pend::WATCHED == 0
            && !backoff.is_completed()
        {
            backoff.snooze();
        }
        {
            let mut asleep = doorbell.asleep.lock();
            while cpu.pending().load(SeqCst) & !pend::WATCHED == 0 {
                *asleep = true;
                doorbell.bell.wait(&mut asleep);
            }
            *asleep = false;
        }
        cpu.pending().fetch_and(!pend::RESCHEDULE, SeqCst);
        machine.serve_pending(cpu);
    }

    /// Whether a processor has nothing to do, or waits for a lock.
    pub(crate) fn is_asleep(&self, cpu: &Processor) -> bool {
        cpu.waiting_on.load(SeqCst) != 0 || *self.doorbells[usize::from(cpu.index())].asleep.lock()
    }

    /// A timer is due at `due_ns`: wakes the clock thread if it sleeps longer than that. It never
    /// sleeps longer than a tick, so a ring that comes a moment too early costs a tick at most.
    pub(crate) fn ring_clock(&self, due_ns: u64) {
        if due_ns >= self.clock_wakes_ns.load(SeqCst) {
            return;
        }
        self.world.lock().timers_changed = true;
        self.clock_bell.notify_one();
    }

    pub(crate) fn ring_devices(&self) {
        // The thread that sets the flag rings; the devices' thread looks at it under the lock before it
        // rests.
        if !self.devices_busy.swap(true, SeqCst) && self.world.lock().devices_resting {
            self.device_bell.notify_one();
        }
    }

    pub(crate) fn wake_everybody(&self, machine: &Machine) {
        for cpu in &machine.processors {
            self.ring(cpu, pend::STOP);
        }
        drop(self.world.lock());
        self.clock_bell.notify_all();
        self.device_bell.notify_all();
    }

    /// Passes time as a stalling driver does, unless the machine stops meanwhile.
    pub(crate) fn spin_for(&self, machine: &Machine, us: u64) {
        let until = self.clock.ns().saturating_add(us.saturating_mul(1000));
        let backoff = Backoff::new();
        while self.clock.ns() < until && !machine.is_quiet() {
            if backoff.is_completed() {
                std::thread::yield_now();
            } else {
                backoff.snooze();
            }
        }
    }

    /// Waits for a lock word: a brief spin, then parked. Returns when the word was taken.
    #[cold]
    pub(crate) fn wait_for_lock(&self, machine: &Machine, cpu: &Processor, word: &AtomicUsize) {
        let number = &self.wait_numbers[usize::from(cpu.index())];
        number.fetch_add(1, Relaxed);
        let address = std::ptr::from_ref(word) as usize;
        let me = cpu.lock_word();
        let mut spins = 0;
        loop {
            let seen = word.load(Relaxed);
            if seen & !PARKED == 0 {
                // Keep the parked mark: others may still wait.
                if word.compare_exchange_weak(seen, seen | me, SeqCst, Relaxed).is_ok() {
                    break;
                }
                continue;
            }
            if spins < SPINS && seen & PARKED == 0 {
                spins += 1;
                std::hint::spin_loop();
                continue;
            }
            if seen & PARKED == 0 && word.compare_exchange(seen, seen | PARKED, SeqCst, Relaxed).is_err() {
                continue;
            }
            cpu.waiting_on.store(address, SeqCst);
            // SAFETY: the callbacks neither park nor panic; the key is the address of the lock word, and only
            // this executor parks on addresses of a machine's memory.
            unsafe {
                parking_lot_core::park(
                    address,
                    || {
                        let now = word.load(SeqCst);
                        now & PARKED != 0
                            && now & !PARKED != 0
                            && cpu.pending().load(SeqCst) & (pend::INTERRUPT | pend::STOP) == 0
                    },
                    || {},
                    |_, _| {},
                    ParkToken(usize::from(cpu.index())),
                    None,
                );
            }
            cpu.waiting_on.store(0, SeqCst);
            if machine.is_quiet() {
                crate::sync::thread::unwind(cpu);
            }
            if word.load(Relaxed) & !PARKED == 0 {
                // Free: take it before serving interrupts, or those still parked would wait for us.
                continue;
            }
            if cpu.pending().load(SeqCst) & pend::INTERRUPT != 0 && !machine.accept_interrupts(cpu) {
                // Pended, but masked at this level: look at the lock again without burning the core.
                std::thread::yield_now();
            }
            spins = 0;
        }
        number.fetch_add(1, Relaxed);
    }

    /// Releases a lock word on which processors are parked.
    #[cold]
    pub(crate) fn release_parked(&self, word: &AtomicUsize) {
        let address = std::ptr::from_ref(word) as usize;
        // SAFETY: the callback neither parks nor panics; the key is the address of the lock word.
        unsafe {
            parking_lot_core::unpark_one(address, |result| {
                word.store(if result.have_more_threads { PARKED } else { 0 }, SeqCst);
                DEFAULT_UNPARK_TOKEN
            });
        }
    }
}

/// Wakes one processor from its wait for a lock word, leaving the others.
fn unpark_processor(word: usize, cpu: &Processor) {
    let mut found = false;
    // SAFETY: the callbacks neither park nor panic; the key is the address of the lock word.
    unsafe {
        parking_lot_core::unpark_filter(
            word,
            |token| {
                if !found && token == ParkToken(usize::from(cpu.index())) {
                    found = true;
                    FilterOp::Unpark
                } else {
                    FilterOp::Skip
                }
            },
            |_| UnparkToken(0),
        );
    }
}

/// Says that a processor has come to rest, even if its host thread dies of a failure of our own.
struct Arrival<'a>(&'a Machine);

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        self.0.arrive();
    }
}

impl Machine {
    pub(super) fn parallel(&self) -> &Parallel {
        match &self.executor {
            super::Executor::Parallel(p) => p,
            super::Executor::Deterministic(_) => {
                unreachable!("asked the deterministic executor for its host threads")
            }
        }
    }

    /// Runs the machine until it stops, then unwinds what is left.
    pub(crate) fn run_parallel(&self) {
        std::thread::scope(|scope| {
            let name = |name: String| std::thread::Builder::new().name(name);
            let refused = "the host refuses a thread";
            name("clock".into()).spawn_scoped(scope, || self.run_clock()).expect(refused);
            name("devices".into()).spawn_scoped(scope, || self.run_devices()).expect(refused);
            for cpu in &self.processors {
                name(format!("cpu {}", cpu.index()))
                    .spawn_scoped(scope, move || self.run_processor(cpu))
                    .expect(refused);
            }
        });
    }

    fn run_processor(&self, cpu: &Processor) {
        cpu.enter();
        {
            let _watched = crate::fault::watch(self, Some(cpu.index()));
            let _arrival = Arrival(self);
            while !self.is_quiet() {
                // SAFETY: threads live as long as the machine.
                let thread = unsafe { &*cpu.thread.get() };
                match thread.resume(self) {
                    Returned::Parked | Returned::Ended => {}
                }
            }
        }
        let p = self.parallel();
        let mut running = p.running.lock();
        while *running != 0 {
            p.rest_bell.wait(&mut running);
        }
        drop(running);
        let mine: Vec<*const Thread> = {
            let kernel = self.kernel.lock();
            kernel.threads.iter().filter(|t| t.home == cpu.index()).map(|t| &raw const **t).collect()
        };
        let _watched = crate::fault::watch(self, Some(cpu.index()));
        for thread in mine {
            // SAFETY: threads live as long as the machine.
            self.unwind_thread(unsafe { &*thread });
        }
        Processor::leave_all();
    }

    fn run_devices(&self) {
        let p = self.parallel();
        while !self.is_quiet() {
            {
                // A driver that has rung once often rings again soon.
                let backoff = Backoff::new();
                while !p.devices_busy.load(SeqCst) && !backoff.is_completed() {
                    backoff.snooze();
                }
                let mut world = p.world.lock();
                world.devices_resting = true;
                while !p.devices_busy.load(SeqCst) && !self.is_quiet() {
                    p.device_bell.wait(&mut world);
                }
                world.devices_resting = false;
                p.devices_busy.store(false, SeqCst);
            }
            for n in 0..self.hardware.len() {
                while !self.is_quiet() && self.step_device(n) {}
            }
        }
    }

    /// A processor has come to rest. The last one completes the watchdog's evidence and lets all go on.
    fn arrive(&self) {
        let p = self.parallel();
        let mut running = p.running.lock();
        *running -= 1;
        if *running == 0 {
            if let Some(standstill) = p.standstill.lock().take() {
                let mut waiters: Vec<_> =
                    standstill.locks.iter().map(|(n, word)| self.lock_waiter(*n, *word)).collect();
                if standstill.threads {
                    waiters.extend(self.thread_waiters(&self.kernel.lock()));
                }
                // Another reason to stop may have come first.
                if let Some(Ending::Deadlock(deadlock)) = &mut *self.ending.lock() {
                    deadlock.waiters = waiters;
                }
            }
            p.at_rest.store(true, SeqCst);
            p.rest_bell.notify_all();
        }
    }

    /// The evidence for one processor that waits for a lock word.
    fn lock_waiter(&self, n: usize, word: usize) -> Waiter {
        // The processor is at rest where `wait_for_lock` noticed that the machine has stopped.
        let cpu = &self.processors[n];
        Waiter {
            place: cpu.place(),
            waits_for: format!("spin lock {}", crate::report_address(self.machine_address(word))),
            holder: self.lock_holder(word),
        }
    }
}
