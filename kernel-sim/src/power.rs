//! Power: a machine is built, run, and taken down, or kept for the next run.
//!
//! Building a machine costs more than running a small model on it. So a machine without devices and
//! drivers, on which everything has come to rest, keeps its fibers and tables and is reset for the
//! next run of the host thread. Invariant: a reset machine cannot be told from a new one, by anything
//! that runs on it.

#![expect(unsafe_code, reason = "machine, threads and processors point at each other")]

use crate::allocation_failure::LowResources;
use crate::bugcheck::Ending;
use crate::choose::RandomChoose;
use crate::exec::Executor;
use crate::exec::deterministic::{Deterministic, Strategy};
use crate::exec::parallel::Parallel;
use crate::guard::Memory;
use crate::hardware::HardwareSlot;
use crate::image::Mapped;
use crate::io::IoManager;
use crate::kernel::{DpcQueues, Kernel};
use crate::machine::{ATTACHED_MAX, Config, Execution, Machine, Outcome};
use crate::memory::AddressSpace;
use crate::model::ModelSlot;
use crate::pool::Pool;
use crate::processor::Processor;
use crate::registry_failure::FailingReads;
use crate::stack::Stacks;
use crate::sync::thread::Thread;
use crate::watching::Watching;
use parking_lot::Mutex;
use std::cell::RefCell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicUsize};

fn strategy(execution: Execution) -> Option<Strategy> {
    match execution {
        Execution::Seeded(seed) => Some(Strategy::Seeded(RandomChoose::new(seed))),
        Execution::Chosen(choose) => Some(Strategy::Other(choose)),
        Execution::Parallel => None,
    }
}

thread_local! {
    /// The machines that this host thread ran last, plain and guarded, if they can be used again.
    static SPARES: RefCell<Spares> = const { RefCell::new(Spares([None, None])) };
}

/// Machines at rest: a plain one, and a guarded one.
struct Spares([Option<Box<Machine>>; 2]);

impl Spares {
    fn of(&mut self, is_guarded: bool) -> &mut Option<Box<Machine>> {
        &mut self.0[usize::from(is_guarded)]
    }
}

impl Drop for Spares {
    fn drop(&mut self) {
        for machine in self.0.iter_mut().filter_map(Option::take) {
            machine.retire();
        }
    }
}

impl Machine {
    /// A new machine.
    pub(crate) fn build(config: Config) -> Box<Machine> {
        let mut memory = AddressSpace::take();
        // Where the host refuses, the run is a plain one.
        let layout = match config.memory {
            Memory::Guarded(_) if !memory.close_pages() => Memory::Plain,
            layout => layout,
        };
        let image = config.image.map(|image| {
            Mapped::in_memory(image, &mut memory)
                .unwrap_or_else(|| panic!("the host refuses to map {}", image.name()))
        });
        let deterministic = !matches!(config.execution, Execution::Parallel);
        let watching = Watching::new(config.watchers, deterministic, config.keep_sites, config.keep_evidence);
        let executor = match strategy(config.execution) {
            Some(strategy) => {
                Executor::Deterministic(Deterministic::new(strategy, config.steps_max, config.clock))
            }
            None => Executor::Parallel(Parallel::new(config.processors)),
        };
        let base = memory.base();
        let windows = memory.windows();
        let hardware = config.hardware.into_iter().enumerate();
        let mut machine = Box::new(Machine {
            processors: Box::new([]),
            memory,
            image,
            kernel: Mutex::new(Kernel::new(config.processors)),
            dpcs: DpcQueues::new(config.processors),
            pool: Mutex::new(Pool::new(base, layout)),
            io: IoManager::new(),
            hardware: hardware.map(|(n, model)| HardwareSlot::new(n, windows, model)).collect(),
            linked_objects: AtomicUsize::new(0),
            low_resources: config.allocation_policy.map(LowResources::new),
            failing_reads: config.registry_policy.map(FailingReads::new),
            executor,
            patience: config.patience,
            watching,
            stacks: Stacks::default(),
            ending: Mutex::new(None),
            stopped: AtomicBool::new(false),
            own_panic: Mutex::new(None),
            model: ModelSlot::new(),
            attached: [const { OnceLock::new() }; ATTACHED_MAX],
            lender: OnceLock::new(),
        });
        let at: *const Machine = &raw const *machine;
        let is_guarded = machine.is_guarded();
        machine.processors = (0..config.processors)
            .map(|n| Processor::new(at, n, &machine.watching, base, is_guarded))
            .collect();
        machine.reset_cancel_lock();
        machine.create_idle_threads();
        machine
    }

    /// The machine kept from the last run, as good as new, if there is one that fits; else a new one.
    pub(crate) fn build_or_reuse(config: Config) -> Box<Machine> {
        let fits = |m: &Machine| {
            m.processors.len() == usize::from(config.processors)
                && config.hardware.is_empty()
                && config.image.is_none()
                && !matches!(config.execution, Execution::Parallel)
        };
        let is_guarded = config.memory != Memory::Plain;
        let spare = SPARES.with_borrow_mut(|spares| spares.of(is_guarded).take_if(|m| fits(m)));
        match spare {
            Some(mut machine) => {
                machine.reset(config);
                machine
            }
            None => Machine::build(config),
        }
    }

    /// Makes a machine at rest as good as new.
    fn reset(&mut self, config: Config) {
        let (sites, evidence) = (config.keep_sites, config.keep_evidence);
        let replaced = self.watching.replace(config.watchers, sites, evidence);
        let is_new_index = replaced.is_err();
        if let Err(watchers) = replaced {
            self.watching = Watching::new(watchers, true, sites, evidence);
        }
        self.stacks.clear();
        self.patience = config.patience;
        self.low_resources = config.allocation_policy.map(LowResources::new);
        self.failing_reads = config.registry_policy.map(FailingReads::new);
        for processor in &mut self.processors {
            processor.reset(is_new_index.then_some(&self.watching));
        }
        if let (Executor::Deterministic(d), Some(strategy)) = (&mut self.executor, strategy(config.execution))
        {
            d.reset(strategy, config.steps_max, config.clock);
        }
        self.kernel.get_mut().reset();
        self.dpcs.reset();
        self.pool.get_mut().reset(config.memory);
        self.io = IoManager::new();
        self.reset_cancel_lock();
    }

    /// Whether nothing is left on the machine that a later run could notice, but for open pages.
    fn is_as_new(&mut self) -> bool {
        self.hardware.is_empty()
            && self.attached[0].get().is_none()
            && *self.linked_objects.get_mut() == 0
            && self.model.has_run()
            && self.kernel.get_mut().is_at_rest(self.processors.len())
            && self.dpcs.are_at_rest()
            && self.pool.get_mut().used_bytes() <= crate::pool::REUSE_BYTES_MAX
    }

    /// Closes what a run has left open in guarded memory; whether nothing is open then.
    fn close_pages(&mut self) -> bool {
        self.pool.get_mut().close_all(&self.memory)
    }

    /// Runs a machine on which `begin` creates the first threads, and takes it down.
    pub(crate) fn run(mut self: Box<Machine>, begin: impl FnOnce(&Machine)) -> Outcome {
        begin(&self);
        let at_rest = match &self.executor {
            Executor::Deterministic(_) => self.run_deterministic(),
            Executor::Parallel(_) => {
                self.run_parallel();
                false
            }
        };
        if at_rest {
            self.check_freed_memory();
        }
        if at_rest && !self.is_quiet() && self.is_as_new() && self.close_pages() {
            Processor::leave_all();
            let outcome = self.outcome(Ending::Completed);
            let is_guarded = self.is_guarded();
            let displaced = SPARES.with_borrow_mut(|spares| spares.of(is_guarded).replace(self));
            if let Some(machine) = displaced {
                machine.retire();
            }
            return outcome;
        }
        if at_rest {
            self.stop(Ending::Completed);
            self.unwind_threads();
        }
        Processor::leave_all();
        if let Some(payload) = self.own_panic.get_mut().take() {
            // In order: what drivers own on the host is dropped through the machine's memory.
            self.take_down();
            std::panic::resume_unwind(payload);
        }
        let ending = self.ending.get_mut().take().expect("a machine ends for a reason");
        let outcome = self.outcome(ending);
        self.take_down();
        outcome
    }

    /// The outcome of the run.
    fn outcome(&self, ending: Ending) -> Outcome {
        let (trace_hash, steps, choices) = match &self.executor {
            Executor::Deterministic(d) => (Some(d.trace_hash()), d.step(), d.take_choices()),
            Executor::Parallel(_) => (None, 0, Vec::new()),
        };
        Outcome {
            ending,
            trace_hash,
            steps,
            choices,
            time_ns: self.time_ns(),
            processors: self.processors.iter().map(Processor::final_stats).collect(),
            failed_allocations: self.take_failed_allocations(),
            failed_registry_reads: self.failed_registry_reads(),
        }
    }

    /// Ends the threads of a machine at rest, and the machine.
    fn retire(self: Box<Machine>) {
        self.stop(Ending::Completed);
        self.unwind_threads();
        Processor::leave_all();
        self.take_down();
    }

    fn take_down(self: Box<Machine>) {
        let mut machine = *self;
        let used = machine.pool.lock().used_bytes();
        // What drivers and rigs left in these may still point into the machine's memory.
        drop(machine.kernel);
        drop(machine.attached);
        drop(machine.hardware);
        if let Some(mapped) = machine.image.take() {
            machine.memory.tenant = Some(mapped);
        }
        machine.memory.give_back(used);
    }

    fn create_idle_threads(&self) {
        for cpu in &self.processors {
            let at = std::ptr::from_ref(self) as usize;
            let index = cpu.index();
            let mut kernel = self.kernel.lock();
            let body = Box::new(move || {
                // SAFETY: the machine outlives its threads.
                let machine = unsafe { &*(at as *const Machine) };
                machine.idle(&machine.processors[usize::from(index)]);
            });
            let number = kernel.threads.len() as u32;
            kernel.threads.push(Box::new(Thread::new(index, number, 0, Some(body))));
            let thread = &raw const **kernel.threads.last().expect("just pushed");
            cpu.thread.set(thread);
            cpu.idle.set(thread);
        }
    }
}
