//! A processor as watchers see it, and the moments that findings are made of.
//!
//! Reads only. Invariant: nothing a watcher can call here changes the run.

#![expect(unsafe_code, reason = "a processor points at the thread it runs")]

use crate::frame::Frame;
use crate::held::HeldLock;
use crate::hook::{Caller, Doer, Here};
use crate::irql::Irql;
use crate::machine::Machine;
use crate::moment::{Mark, Moment};
use crate::processor::{Processor, flag};
use crate::site::Site;
use crate::stack::Stack;
use smallvec::SmallVec;

impl Machine {
    /// The number of the step, for moments: none in the parallel executor.
    pub(crate) fn step_of_moment(&self) -> Option<u64> {
        self.is_deterministic().then(|| self.step())
    }
}

impl Processor {
    /// How many critical and how many guarded regions the thread that it runs is inside of.
    pub(crate) fn regions(&self) -> [u32; 2] {
        // SAFETY: a processor that runs driver code runs a thread, and threads live as long as the machine.
        let thread = unsafe { &*self.thread.get() };
        [thread.critical_regions.get(), thread.guarded_regions.get()]
    }

    /// The number of the thread it runs; 0 before the first.
    pub(crate) fn thread_number(&self) -> u32 {
        // SAFETY: threads live as long as the machine.
        unsafe { self.thread.get().as_ref() }.map_or(0, |thread| thread.number)
    }

    /// Who acts here.
    pub(crate) fn doer(&self) -> Doer {
        let is_on_top = self.in_dpc.get() + self.in_isr.get() != 0;
        Doer::new(self.index(), self.thread_number(), self.irql() >= Irql::DISPATCH, is_on_top)
    }

    /// Where this processor is, without a call stack.
    pub(crate) fn place(&self) -> Moment {
        let call = self.call.get();
        let machine = self.machine();
        Moment {
            thread: self.thread_number(),
            irql: self.irql(),
            step: machine.step_of_moment(),
            time_ns: machine.time_ns(),
            call: call.map(|(ddi, _)| ddi),
            site: call.map(|(_, site)| site),
            callbacks: self.callbacks(),
            held: self.held_locks(),
            ..Moment::on(self.index())
        }
    }

    /// Where this processor, which the calling host thread runs, is now.
    pub(crate) fn place_with_stack(&self) -> Moment {
        Moment { stack: Stack::capture(), ..self.place() }
    }
}

impl Here for Processor {
    fn cpu(&self) -> u8 {
        self.index()
    }

    fn thread(&self) -> u32 {
        self.thread_number()
    }

    fn irql(&self) -> Irql {
        Processor::irql(self)
    }

    fn step(&self) -> u64 {
        self.machine().step()
    }

    fn time_ns(&self) -> u64 {
        self.machine().time_ns()
    }

    fn stalled_us(&self) -> u64 {
        self.stalled_us.get()
    }

    fn doer(&self) -> Doer {
        Processor::doer(self)
    }

    fn frame(&self) -> Option<&Frame<'_>> {
        Some(Processor::frame(self)).filter(|frame| frame.kind.id != crate::routine::KERNEL.id)
    }

    fn caller(&self) -> Caller {
        if self.runs_driver() { Caller::Driver } else { Caller::System(Processor::frame(self).kind.name) }
    }

    fn held_count(&self) -> u32 {
        Processor::held_count(self)
    }

    fn held_locks(&self) -> Vec<HeldLock> {
        Processor::held_locks(self)
    }

    fn held_last(&self) -> Option<HeldLock> {
        Processor::held_last(self)
    }

    fn held_addresses(&self) -> SmallVec<[u64; 4]> {
        Processor::held_addresses(self)
    }

    fn held_lock(&self, lock: usize) -> Option<HeldLock> {
        let held = Processor::held_lock(self, lock)?;
        Some(HeldLock { address: self.machine().machine_address(lock), ..held })
    }

    fn machine_address(&self, host: usize) -> u64 {
        self.machine().machine_address(host)
    }

    fn moment(&self) -> Moment {
        self.place_with_stack()
    }

    fn moment_to_keep(&self) -> Moment {
        if self.hooks() & flag::EVIDENCE != 0 { self.place_with_stack() } else { self.place() }
    }

    fn mark(&self, site: Site) -> Mark {
        Mark::of_access(self, site)
    }

    fn mark_of_call(&self) -> Mark {
        Mark::of_current_call(self)
    }

    fn is_shared_memory(&self, host: usize) -> bool {
        self.machine().memory.is_shared(host)
    }

    fn moment_of(&self, mark: &Mark, label: &'static str) -> Moment {
        mark.moment(self.machine(), label)
    }

    fn irql_changed(&self) -> Option<Moment> {
        self.irql_left_by(Processor::frame(self)).pop()
    }

    fn taken(&self, lock: &HeldLock) -> Moment {
        self.machine().taken(self.index(), lock)
    }
}

impl Processor {
    /// When the driver took a lock that it holds here, by host address; as far as sites are kept.
    #[cold]
    pub(crate) fn taken_at(&self, lock: usize) -> Vec<Moment> {
        let machine = self.machine();
        let shown = machine.machine_address(lock);
        let held = self.held_locks().into_iter().rev().find(|held| held.address == shown);
        held.map(|held| machine.taken(self.index(), &held)).into_iter().collect()
    }

    /// When the driver took each lock that it holds here, oldest first; as far as sites are kept.
    #[cold]
    pub(crate) fn taken_here(&self) -> Vec<Moment> {
        self.held_locks().iter().map(|held| self.machine().taken(self.index(), held)).collect()
    }

    /// When the driver took a lock here last that it has given back since, by host address.
    #[cold]
    pub(crate) fn taken_last(&self, lock: usize) -> Vec<Moment> {
        let machine = self.machine();
        let past = self.past_lock(lock).filter(|_| machine.is_deterministic());
        let moment = |held| machine.taken(self.index(), &held).labelled("taken last");
        past.map(moment).into_iter().collect()
    }
}

impl Machine {
    /// The moment at which processor `cpu` took a lock that it holds.
    #[must_use]
    pub fn taken(&self, cpu: u8, lock: &HeldLock) -> Moment {
        Moment { stack: self.stacks.get(lock.stack), ..Moment::of_taking(cpu, lock) }
    }
}
