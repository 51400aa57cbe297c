//! One emulated processor: its IRQL, what it holds, what is pended for it.
//!
//! It carries state only; what the executors do with it is in `exec`. The first cache line holds
//! all that a spin lock pair touches but the routines' bytes. Invariant: cells are touched by the host thread
//! that runs the processor and by no other while the machine runs; others may write `hooks` and `pending`.

#![expect(unsafe_code, reason = "machine, threads and processors point at each other")]

mod locks;

use crate::evidence::IrqlChanges;
use crate::frame::{Frame, OUTERMOST};
use crate::held::HeldTable;
use crate::hook::CALLBACKS_MAX;
use crate::image::Mapped;
use crate::irql::Irql;
use crate::lives::LockHandles;
use crate::machine::Machine;
use crate::nesting::KnownNestings;
use crate::routine::{Callback, DDIS_MAX, DdiInfo, KERNEL, reserved};
use crate::site::Site;
use crate::sync::thread::Thread;
use crate::watching::Watching;
use std::cell::{Cell, UnsafeCell};
use std::ptr::null;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering::Relaxed};

/// Where a guarded machine says its memory is, so that every pointer is looked at closely: no address can be
/// there.
const FAR_FROM_MEMORY: usize = 1 << 63;

/// Bits of a routine's byte: why it cannot take its short path, and what the short path keeps.
pub(crate) mod flag {
    /// The machine has stopped (or there is none): every DDI is a no-op.
    pub const QUIET: u8 = 1;
    /// Deterministic executor: every DDI is counted and hashed and may be a scheduling point.
    pub const DETERMINISTIC: u8 = 2;
    /// This routine (or callback) is watched.
    pub const EVENTS: u8 = 4;
    /// The machine gathers evidence for what may be found later: call stacks, and who changed the IRQL.
    pub const EVIDENCE: u8 = 8;
    /// What changes hands in this routine is watched.
    pub const MOVED: u8 = 16;
    /// Any of these: the long path.
    pub const SLOW: u8 = QUIET | DETERMINISTIC | EVENTS | EVIDENCE | MOVED;
    /// Held spin locks are counted.
    pub const COUNT: u8 = 32;
    /// Held spin locks are kept with their sites.
    pub const SITES: u8 = 64;
    /// This routine is watched on a condition: while a lock is held, at an IRQL that its page does not allow,
    /// with unusual arguments. A callback: if it leaves a lock held.
    pub const CONDITION: u8 = 128;
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
    /// The watchdog wants to see the next call.
    pub const WATCHED: u32 = 16;
}

/// One lock taken, in `Processor::locks`.
const LOCK_TAKEN: u64 = 1 << 16;

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
    /// The kinds of callbacks that ran, a bit each, by number.
    pub callbacks: u64,
}

impl ProcessorStats {
    const NONE: ProcessorStats = ProcessorStats {
        calls_by_irql: [0; 16],
        lock_acquires: 0,
        lock_waits: 0,
        interrupts: 0,
        dpcs: 0,
        switches: 0,
        callbacks: 0,
    };
}

/// One emulated processor.
#[repr(C, align(128))]
pub struct Processor {
    pending: AtomicU32,
    irql: AtomicU8,
    index: u8,
    /// Spin locks drivers hold here (low 16 bits) and have taken since power-on (the rest): one word,
    /// so that counting costs one addition.
    locks: Cell<u64>,
    memory_base: usize,
    /// The same; on a guarded machine an address far from all memory, so that the pages are looked at.
    open_base: usize,
    machine: *const Machine,
    /// The innermost driver callback's frame.
    frame: Cell<*const Frame<'static>>,
    /// The lock word this processor waits for (parallel executor), for wake-ups and the watchdog.
    pub(crate) waiting_on: AtomicUsize,
    held: UnsafeCell<HeldTable>,
    known_nestings: KnownNestings,
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
    /// Microseconds for which driver code kept it busy on purpose, since power-on.
    pub(crate) stalled_us: Cell<u64>,
    /// What is asked of each routine's calls, and of each kind of callback: bits of `flag`.
    hooks: [AtomicU8; DDIS_MAX],
    callback_hooks: [AtomicU8; CALLBACKS_MAX],
    /// The calls that changed its IRQL, on a machine that gathers evidence.
    pub(crate) irql_changes: IrqlChanges,
    /// Handles of queued locks in use here.
    pub(crate) handles: LockHandles,
}

// SAFETY: cells are touched only by the host thread that runs the processor; the invariant in the
// module doc. After the run, the machine reads them when all host threads have been joined.
unsafe impl Sync for Processor {}
// SAFETY: what it points at (machine, threads, frames) lives as long as its run, and a processor is handed to
// the host thread that runs it before power-on.
unsafe impl Send for Processor {}

/// Stands in where no machine runs, so that the short path needs no null check.
static NOWHERE: Processor = Processor::blank(0, [const { AtomicU8::new(flag::QUIET) }; DDIS_MAX]);

thread_local! {
    static CURRENT: Cell<*const Processor> = const { Cell::new(&raw const NOWHERE) };
}

impl Processor {
    const fn blank(index: u8, hooks: [AtomicU8; DDIS_MAX]) -> Processor {
        Processor {
            pending: AtomicU32::new(0),
            irql: AtomicU8::new(0),
            index,
            locks: Cell::new(0),
            memory_base: 0,
            open_base: 0,
            machine: null(),
            frame: Cell::new(&raw const OUTERMOST.0),
            waiting_on: AtomicUsize::new(0),
            held: UnsafeCell::new(HeldTable::new()),
            known_nestings: KnownNestings::new(),
            thread: Cell::new(null()),
            idle: Cell::new(null()),
            in_dpc: Cell::new(0),
            in_isr: Cell::new(0),
            call: Cell::new(None),
            stats: UnsafeCell::new(ProcessorStats::NONE),
            stalled_us: Cell::new(0),
            hooks,
            callback_hooks: [const { AtomicU8::new(0) }; CALLBACKS_MAX],
            irql_changes: IrqlChanges::new(),
            handles: LockHandles::new(),
        }
    }

    pub(crate) fn new(
        machine: *const Machine,
        index: u8,
        watching: &Watching,
        memory_base: usize,
        is_guarded: bool,
    ) -> Processor {
        let blank = Processor::blank(index, [const { AtomicU8::new(0) }; DDIS_MAX]);
        let open_base = if is_guarded { FAR_FROM_MEMORY } else { memory_base };
        let mut new = Processor { machine, memory_base, open_base, ..blank };
        new.watch(watching);
        new
    }

    /// Notes what `watching` asks of each routine and callback.
    fn watch(&mut self, watching: &Watching) {
        let (mut hooks, mut callback_hooks) = ([0; DDIS_MAX], [0; CALLBACKS_MAX]);
        watching.fill(&mut hooks, &mut callback_hooks);
        // Two loops, each of which becomes a copy.
        for (own, wanted) in self.hooks.iter_mut().zip(hooks) {
            *own.get_mut() = wanted;
        }
        for (own, wanted) in self.callback_hooks.iter_mut().zip(callback_hooks) {
            *own.get_mut() = wanted;
        }
    }

    /// Makes a processor at rest as good as new; with the watchers, if they ask for something else now.
    pub(crate) fn reset(&mut self, watching: Option<&Watching>) {
        if let Some(watching) = watching {
            self.watch(watching);
        }
        *self.pending.get_mut() = 0;
        *self.irql.get_mut() = 0;
        self.locks.set(0);
        self.frame.set(&raw const OUTERMOST.0);
        self.held.get_mut().clear();
        self.known_nestings.forget_all();
        self.thread.set(self.idle.get());
        self.in_dpc.set(0);
        self.in_isr.set(0);
        self.call.set(None);
        self.irql_changes.clear();
        self.handles.clear();
        self.stalled_us.set(0);
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

    /// The image that lies in the machine's memory.
    #[inline]
    pub(crate) fn mapped_image(&self) -> Option<&Mapped> {
        if self.is_real() { self.machine().image.as_deref() } else { None }
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

    /// What is asked of the calls of one routine: bits of `flag`.
    #[inline(always)]
    pub(crate) fn hooks_of(&self, routine: u16) -> u8 {
        self.hooks[usize::from(routine) % DDIS_MAX].load(Relaxed)
    }

    /// What is asked of everything that is no call.
    #[inline(always)]
    pub(crate) fn hooks(&self) -> u8 {
        self.hooks_of(reserved::GENERAL)
    }

    /// What is asked of a kind of callback.
    #[inline]
    pub(crate) fn callback_hooks(&self, kind: &Callback) -> u8 {
        self.callback_hooks[usize::from(kind.id) % CALLBACKS_MAX].load(Relaxed)
    }

    /// From now on every DDI is a no-op here.
    pub(crate) fn silence(&self) {
        for hooks in &self.hooks {
            hooks.fetch_or(flag::QUIET, Relaxed);
        }
    }

    #[inline]
    pub(crate) fn pending(&self) -> &AtomicU32 {
        &self.pending
    }

    /// Lets the watchdog see that a call was made.
    #[inline]
    pub(crate) fn show_life(&self) {
        if self.pending.load(Relaxed) & pend::WATCHED != 0 {
            self.pending.fetch_and(!pend::WATCHED, Relaxed);
        }
    }

    /// Whether `bytes` bytes at `address` are memory of the machine.
    #[inline]
    pub(crate) fn is_memory(&self, address: usize, bytes: usize) -> bool {
        // The first comparison folds away where the size is a constant.
        bytes <= crate::memory::TOTAL_BYTES
            && address.wrapping_sub(self.open_base) <= crate::memory::TOTAL_BYTES - bytes
            || self.is_open_memory(address, bytes)
    }

    /// Whether `bytes` bytes at `address` are memory of the machine, or constants of the driver's where it is
    /// a part of the program. Those of an image lie in the machine's memory.
    #[inline]
    pub(crate) fn is_readable(&self, address: usize, bytes: usize) -> bool {
        self.is_memory(address, bytes) || crate::program::is_constant(address, bytes)
    }

    /// Whether it may be a processor of a guarded machine.
    #[inline(always)]
    pub(crate) fn may_be_guarded(&self) -> bool {
        self.open_base == FAR_FROM_MEMORY
    }

    /// On a guarded machine that one host thread runs: what is paged leaves the memory.
    #[cold]
    pub(crate) fn send_pages_away(&self) {
        if self.is_real()
            && self.hooks() & flag::DETERMINISTIC != 0
            && let Some(guard) = self.machine().memory.guard()
        {
            guard.send_away();
        }
    }

    /// As [`Processor::is_memory`], for a guarded machine: pages are looked at one by one.
    #[cold]
    fn is_open_memory(&self, address: usize, bytes: usize) -> bool {
        self.is_real() && self.open_base == FAR_FROM_MEMORY && self.machine().memory.contains(address, bytes)
    }

    /// Whether an aligned word of the machine's memory is at `address`: one comparison, because
    /// rotating the offset makes a misaligned one huge.
    #[inline(always)]
    pub(crate) fn is_aligned_word(&self, address: usize) -> bool {
        const WORD: usize = size_of::<usize>();
        let offset = address.wrapping_sub(self.open_base);
        offset.rotate_right(WORD.trailing_zeros()) <= (crate::memory::TOTAL_BYTES - WORD) / WORD
            || address.is_multiple_of(WORD) && self.is_open_memory(address, WORD)
    }

    /// The innermost frame; outside all callbacks the outermost, of the kind `KERNEL`.
    #[inline]
    #[must_use]
    pub fn frame(&self) -> &Frame<'_> {
        // SAFETY: a linked frame lives on the stack of the callback's caller, and is unlinked before that
        // returns; the outermost is static.
        unsafe { &*self.frame.get() }
    }

    /// Driver callbacks active here, innermost last.
    #[must_use]
    pub fn callbacks(&self) -> Vec<&'static Callback> {
        kinds(self.frame.get())
    }

    /// The outermost of a driver's callbacks that were entered at DISPATCH_LEVEL or above.
    pub(crate) fn raised_frame(&self) -> Option<&Frame<'_>> {
        let is_raised = |frame: &&Frame<'_>| frame.irql() >= Irql::DISPATCH && !frame.kind.is_system;
        std::iter::successors(Some(self.frame()), |frame| frame.outer()).filter(is_raised).last()
    }

    /// The outermost of a driver's callbacks.
    pub(crate) fn outermost_frame(&self) -> Option<&Frame<'_>> {
        let is_drivers = |frame: &&Frame<'_>| !frame.kind.is_system && frame.kind.id != KERNEL.id;
        std::iter::successors(Some(self.frame()), |frame| frame.outer()).filter(is_drivers).last()
    }

    /// Links a frame while the guard lives.
    #[inline]
    pub(crate) fn link<'a>(&'a self, frame: &'a Frame<'_>) -> Linked<'a> {
        let outer = self.frame.get();
        frame.enter(self.irql(), self.held_count(), outer, self.stalled_us.get());
        self.count(|s| s.callbacks |= 1 << (frame.kind.id % 64));
        self.frame.set(std::ptr::from_ref(frame).cast());
        Linked { cpu: self, outer }
    }

    /// Takes the frames of one thread off the processor.
    pub(crate) fn exchange_frames(&self, other: *const Frame<'static>) -> *const Frame<'static> {
        self.frame.replace(other)
    }

    /// Whether the innermost code is a driver's: a callback's, or a model's, which has no callbacks.
    pub(crate) fn runs_driver(&self) -> bool {
        !self.frame().kind.is_system || self.machine().model.has_run()
    }

    /// Changes the counters.
    #[inline]
    pub(crate) fn count(&self, change: impl FnOnce(&mut ProcessorStats)) {
        // SAFETY: only the processor's own host thread touches the counters while the machine runs, and no
        // caller's closure comes here again.
        change(unsafe { &mut *self.stats.get() });
    }

    pub(crate) fn final_stats(&self) -> ProcessorStats {
        // SAFETY: the run is over; all host threads have been joined.
        let stats = unsafe { *self.stats.get() };
        ProcessorStats { lock_acquires: self.locks.get() / LOCK_TAKEN, ..stats }
    }
}

/// A frame that is linked into its processor's.
pub(crate) struct Linked<'a> {
    cpu: &'a Processor,
    outer: *const Frame<'static>,
}

impl Drop for Linked<'_> {
    #[inline]
    fn drop(&mut self) {
        let (frame, stalled_us) = (self.cpu.frame(), self.cpu.stalled_us.get());
        if stalled_us != frame.stalled_us() {
            frame.leave(stalled_us);
        }
        self.cpu.frame.set(self.outer);
    }
}

/// The kinds of `frame` and those around it, innermost last.
pub(crate) fn kinds(frame: *const Frame<'static>) -> Vec<&'static Callback> {
    // SAFETY: a linked frame and those around it live on stacks that are parked or running; the outermost is
    // static.
    let innermost = unsafe { &*frame };
    let inner = (!std::ptr::eq(frame, &raw const OUTERMOST.0)).then_some(innermost);
    let mut kinds: Vec<_> = std::iter::successors(inner, |frame| frame.outer()).map(|f| f.kind).collect();
    kinds.reverse();
    kinds
}
