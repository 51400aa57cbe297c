//! One emulated processor: its IRQL, what it holds, what is pended for it.
//!
//! It carries state only; what the executors do with it is in `exec`. The first cache line holds
//! everything a spin lock pair touches. Invariant: cells are touched by the host thread that runs
//! the processor and by nobody else while the machine runs; `hooks` and `pending` are the two words
//! others may write.

#![expect(unsafe_code, reason = "machine, threads and processors point at each other")]

use crate::bugcheck::Place;
use crate::hook::{Callback, DdiInfo, KERNEL, Site};
use crate::irql::Irql;
use crate::machine::Machine;
use crate::sync::thread::Thread;
use std::cell::{Cell, UnsafeCell};
use std::ptr::null;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering::Relaxed};

/// Bits of `hooks`: why a DDI cannot take its short path, and what the short path keeps.
pub(crate) mod flag {
    /// The machine has stopped (or there is none): every DDI is a no-op.
    pub const QUIET: u32 = 1;
    /// Deterministic executor: every DDI is counted and hashed and may be a scheduling point.
    pub const DETERMINISTIC: u32 = 2;
    /// Somebody watches some DDI or callback.
    pub const EVENTS: u32 = 4;
    /// Any of these: the long path.
    pub const SLOW: u32 = QUIET | DETERMINISTIC | EVENTS;
    /// Held spin locks are counted.
    pub const COUNT: u32 = 8;
    /// Held spin locks are kept with their sites.
    pub const SITES: u32 = 16;
    /// Some DDIs are watched while a lock is held.
    pub const HOLDING: u32 = 32;
}

/// Bits of `pending`: what a processor has to look at when it leaves a DDI.
pub(crate) mod pend {
    /// The machine has stopped.
    pub const STOP: u32 = 1;
    /// An interrupt is pended.
    pub const INTERRUPT: u32 = 2;
    /// The DPC queue wants draining.
    pub const DPC: u32 = 4;
    /// A thread became ready.
    pub const RESCHEDULE: u32 = 8;
}

/// One lock taken, in `Processor::locks`.
const LOCK_TAKEN: u64 = 1 << 16;

/// Spin locks one processor can hold at once with their sites known; further ones are counted only.
pub const HELD_MAX: usize = 32;

/// A spin lock a driver holds.
#[derive(Clone, Copy, Debug)]
pub struct HeldLock {
    /// Machine address of the lock.
    pub address: u64,
    /// The DDI (or callback entry) that took it.
    pub routine: &'static DdiInfo,
    /// Where it was taken.
    pub site: Site,
    /// The callback in which it was taken.
    pub callback: &'static Callback,
    /// IRQL before it was taken.
    pub irql_before: Irql,
    /// Number of the step; 0 in the parallel executor.
    pub step: u64,
}

/// Counters of what one processor did.
#[derive(Clone, Copy, Default, Debug)]
pub struct ProcessorStats {
    /// DDI calls per IRQL, where they took the long path (always, in the deterministic executor).
    pub calls_by_irql: [u64; 16],
    /// Spin locks taken by drivers, while locks are counted.
    pub lock_acquires: u64,
    /// Spin lock requests that had to wait.
    pub lock_waits: u64,
    /// Interrupts accepted.
    pub interrupts: u64,
    /// DPCs run.
    pub dpcs: u64,
    /// Thread switches.
    pub switches: u64,
}

impl ProcessorStats {
    const NONE: ProcessorStats = ProcessorStats {
        calls_by_irql: [0; 16],
        lock_acquires: 0,
        lock_waits: 0,
        interrupts: 0,
        dpcs: 0,
        switches: 0,
    };
}

/// One emulated processor.
#[repr(C, align(128))]
pub struct Processor {
    hooks: AtomicU32,
    pending: AtomicU32,
    irql: AtomicU8,
    index: u8,
    /// Spin locks drivers hold here (low 16 bits) and have taken since power-on (the rest): one word,
    /// so that counting costs one addition.
    locks: Cell<u64>,
    memory_base: usize,
    machine: *const Machine,
    callback: Cell<&'static Callback>,
    /// The lock word this processor waits for (parallel executor), for wake-ups and the watchdog.
    pub(crate) waiting_on: AtomicUsize,
    held: UnsafeCell<[Option<HeldLock>; HELD_MAX]>,
    held_top: Cell<usize>,
    frames: UnsafeCell<Vec<&'static Callback>>,
    /// The thread this processor runs.
    pub(crate) thread: Cell<*const Thread>,
    pub(crate) idle: Cell<*const Thread>,
    /// Depth of DPC draining; non-zero inside a DPC.
    pub(crate) in_dpc: Cell<u32>,
    /// Interrupts in service here.
    pub(crate) in_isr: Cell<u32>,
    /// The call being made: for stops and standstills.
    pub(crate) call: Cell<Option<(&'static DdiInfo, Site)>>,
    stats: UnsafeCell<ProcessorStats>,
}

// SAFETY: cells are touched only by the host thread that runs the processor; the invariant in the
// module doc. After the run, the machine reads them when all host threads have been joined.
unsafe impl Sync for Processor {}
// SAFETY: as above; a processor is handed to its host thread before power-on.
unsafe impl Send for Processor {}

/// Stands in where no machine runs, so that the short path needs no null check.
static NOWHERE: Processor = Processor::blank(flag::QUIET, 0);

thread_local! {
    static CURRENT: Cell<*const Processor> = const { Cell::new(&raw const NOWHERE) };
}

impl Processor {
    const fn blank(hooks: u32, index: u8) -> Processor {
        Processor {
            hooks: AtomicU32::new(hooks),
            pending: AtomicU32::new(0),
            irql: AtomicU8::new(0),
            index,
            locks: Cell::new(0),
            memory_base: 0,
            machine: null(),
            callback: Cell::new(&KERNEL),
            waiting_on: AtomicUsize::new(0),
            held: UnsafeCell::new([None; HELD_MAX]),
            held_top: Cell::new(0),
            frames: UnsafeCell::new(Vec::new()),
            thread: Cell::new(null()),
            idle: Cell::new(null()),
            in_dpc: Cell::new(0),
            in_isr: Cell::new(0),
            call: Cell::new(None),
            stats: UnsafeCell::new(ProcessorStats::NONE),
        }
    }

    pub(crate) fn new(machine: *const Machine, index: u8, hooks: u32, memory_base: usize) -> Processor {
        Processor { machine, memory_base, ..Processor::blank(hooks, index) }
    }

    /// Makes a processor at rest as good as new.
    pub(crate) fn reset(&mut self, hooks: u32) {
        *self.hooks.get_mut() = hooks;
        *self.pending.get_mut() = 0;
        *self.irql.get_mut() = 0;
        self.locks.set(0);
        self.callback.set(&KERNEL);
        self.held_top.set(0);
        self.frames.get_mut().clear();
        self.thread.set(self.idle.get());
        self.in_dpc.set(0);
        self.in_isr.set(0);
        self.call.set(None);
        *self.stats.get_mut() = ProcessorStats::NONE;
    }

    /// The processor this host thread is running, or the stand-in where no machine runs.
    #[inline]
    #[must_use]
    pub fn current() -> &'static Processor {
        // SAFETY: `enter` stores a processor of a machine that outlives its run, and every use of
        // the reference happens inside that run; otherwise it is the static stand-in.
        unsafe { &*CURRENT.get() }
    }

    /// Makes this the current processor of the host thread.
    #[inline]
    pub(crate) fn enter(&self) {
        CURRENT.set(self);
    }

    /// Makes no processor current.
    pub(crate) fn leave_all() {
        CURRENT.set(&raw const NOWHERE);
    }

    /// Whether this is a processor of a machine.
    #[inline]
    pub(crate) fn is_real(&self) -> bool {
        !self.machine.is_null()
    }

    /// The machine.
    #[inline]
    pub(crate) fn machine(&self) -> &Machine {
        debug_assert!(self.is_real(), "no machine runs on this host thread");
        // SAFETY: a real processor is a field of its machine.
        unsafe { &*self.machine }
    }

    /// Its index.
    #[inline]
    #[must_use]
    pub fn index(&self) -> u8 {
        self.index
    }

    /// What its lock words hold while it owns them.
    #[inline]
    pub(crate) fn lock_word(&self) -> usize {
        usize::from(self.index) + 1
    }

    /// Its IRQL.
    #[inline]
    #[must_use]
    pub fn irql(&self) -> Irql {
        Irql(self.irql.load(Relaxed))
    }

    /// Whether DPCs may be drained and threads switched here now. A DPC or service routine that
    /// lowered the IRQL below DISPATCH_LEVEL, which is a bug check when it returns, is not switched
    /// away from.
    #[inline]
    pub(crate) fn may_dispatch(&self) -> bool {
        self.irql() < Irql::DISPATCH && self.in_dpc.get() == 0 && self.in_isr.get() == 0
    }

    #[inline]
    pub(crate) fn set_irql(&self, irql: Irql) {
        self.irql.store(irql.0, Relaxed);
    }

    #[inline]
    pub(crate) fn hooks(&self) -> u32 {
        self.hooks.load(Relaxed)
    }

    pub(crate) fn add_hooks(&self, bits: u32) {
        self.hooks.fetch_or(bits, Relaxed);
    }

    #[inline]
    pub(crate) fn pending(&self) -> &AtomicU32 {
        &self.pending
    }

    /// Whether `bytes` bytes at `address` are memory of the machine.
    #[inline]
    pub(crate) fn is_memory(&self, address: usize, bytes: usize) -> bool {
        // The first comparison folds away where the size is a constant.
        bytes <= crate::memory::TOTAL_BYTES
            && address.wrapping_sub(self.memory_base) <= crate::memory::TOTAL_BYTES - bytes
    }

    /// Whether an aligned word of the machine's memory is at `address`: one comparison, because
    /// rotating the offset makes a misaligned one huge.
    #[inline(always)]
    pub(crate) fn is_aligned_word(&self, address: usize) -> bool {
        const WORD: usize = size_of::<usize>();
        let offset = address.wrapping_sub(self.memory_base);
        offset.rotate_right(WORD.trailing_zeros()) <= (crate::memory::TOTAL_BYTES - WORD) / WORD
    }

    /// Notes that the driver took a spin lock.
    #[inline(always)]
    pub(crate) fn lock_taken(
        &self,
        hooks: u32,
        address: usize,
        routine: &'static DdiInfo,
        site: Site,
        before: Irql,
    ) {
        if hooks & flag::COUNT != 0 {
            self.locks.set(self.locks.get() + LOCK_TAKEN + 1);
            if hooks & flag::SITES != 0 {
                self.remember(address, routine, site, before);
            }
        }
    }

    #[inline]
    fn remember(&self, address: usize, routine: &'static DdiInfo, site: Site, irql_before: Irql) {
        let top = self.held_top.get();
        if top < HELD_MAX {
            let step = if self.hooks() & flag::DETERMINISTIC != 0 { self.machine().step() } else { 0 };
            let entry = HeldLock {
                address: address as u64,
                routine,
                site,
                callback: self.callback.get(),
                irql_before,
                step,
            };
            // SAFETY: only the processor's own host thread touches the table; no reference to it
            // is alive across calls.
            unsafe { (&mut *self.held.get())[top] = Some(entry) };
        }
        self.held_top.set(top + 1);
    }

    /// Notes that the driver gave a spin lock back.
    #[inline(always)]
    pub(crate) fn lock_given(&self, hooks: u32, address: usize) {
        if hooks & flag::COUNT != 0 {
            if self.held_count() != 0 {
                self.locks.set(self.locks.get() - 1);
            }
            if hooks & flag::SITES != 0 {
                self.forget(address);
            }
        }
    }

    #[inline]
    fn forget(&self, address: usize) {
        let top = self.held_top.get();
        if top > HELD_MAX {
            self.held_top.set(top - 1);
            return;
        }
        // SAFETY: as in `remember`.
        let held = unsafe { &mut *self.held.get() };
        let is_it = |h: &Option<HeldLock>| h.is_some_and(|h| h.address == address as u64);
        if top > 0 && is_it(&held[top - 1]) {
            self.held_top.set(top - 1);
        } else if let Some(at) = held[..top].iter().rposition(is_it) {
            held.copy_within(at + 1..top, at);
            self.held_top.set(top - 1);
        }
    }

    /// How many spin locks the driver holds here; 0 unless somebody asked for the count.
    #[inline]
    #[must_use]
    pub fn held_count(&self) -> u32 {
        self.locks.get() as u32 & (LOCK_TAKEN as u32 - 1)
    }

    /// The spin locks the driver holds here, oldest first, as far as sites are kept.
    #[must_use]
    pub fn held_locks(&self) -> Vec<HeldLock> {
        // SAFETY: as in `remember`.
        let held = unsafe { &*self.held.get() };
        held[..self.held_top.get().min(HELD_MAX)]
            .iter()
            .flatten()
            .map(|h| HeldLock { address: self.machine().machine_address(h.address as usize), ..*h })
            .collect()
    }

    /// Driver callbacks active here, innermost last.
    #[must_use]
    pub fn callbacks(&self) -> Vec<&'static Callback> {
        // SAFETY: as in `remember`.
        unsafe { (*self.frames.get()).clone() }
    }

    /// The innermost driver callback.
    pub(crate) fn innermost(&self) -> &'static Callback {
        self.callback.get()
    }

    pub(crate) fn push_callback(&self, callback: &'static Callback) {
        // SAFETY: as in `remember`.
        unsafe { (*self.frames.get()).push(callback) };
        self.callback.set(callback);
    }

    pub(crate) fn pop_callback(&self) {
        // SAFETY: as in `remember`.
        let frames = unsafe { &mut *self.frames.get() };
        frames.pop();
        self.callback.set(frames.last().copied().unwrap_or(&KERNEL));
    }

    /// Exchanges the callback stack with a thread's, at a thread switch.
    pub(crate) fn swap_callbacks(&self, with: &mut Vec<&'static Callback>) {
        // SAFETY: as in `remember`.
        let frames = unsafe { &mut *self.frames.get() };
        std::mem::swap(frames, with);
        self.callback.set(frames.last().copied().unwrap_or(&KERNEL));
    }

    /// Changes the counters.
    #[inline]
    pub(crate) fn count(&self, change: impl FnOnce(&mut ProcessorStats)) {
        // SAFETY: as in `remember`.
        change(unsafe { &mut *self.stats.get() });
    }

    pub(crate) fn final_stats(&self) -> ProcessorStats {
        // SAFETY: the run is over; all host threads have been joined.
        let stats = unsafe { *self.stats.get() };
        ProcessorStats { lock_acquires: self.locks.get() / LOCK_TAKEN, ..stats }
    }

    /// Where this processor is.
    pub(crate) fn place(&self) -> Place {
        let call = self.call.get();
        let deterministic = self.hooks() & flag::DETERMINISTIC != 0;
        Place {
            cpu: self.index,
            irql: self.irql(),
            step: deterministic.then(|| self.machine().step()),
            time_ns: self.machine().time_ns(),
            call: call.map(|(ddi, _)| ddi.name),
            site: call.map(|(_, site)| site),
            callbacks: self.callbacks(),
            held: self.held_locks(),
        }
    }
}
