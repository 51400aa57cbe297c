//! One simulated computer: configuration, power-on, and how it comes to rest.
//!
//! The machine owns everything a run needs and takes it down again: processors, memory, the tables
//! of the kernel, the hardware, the executor. What a driver calls is `ddi`; how processors
//! interleave is `exec`. Invariant: the first reason to stop wins, and from that moment every DDI
//! is a no-op.

#![expect(unsafe_code, reason = "machine, threads and processors point at each other")]

use crate::allocation_failure::{AllocationPolicy, FailedAllocation, LowResources};
use crate::bugcheck::Ending;
use crate::choose::{Choice, Choose};
use crate::exec::Executor;
use crate::exec::deterministic::Clock;
use crate::guard::Memory;
use crate::hardware::{HardwareModel, HardwareSlot};
use crate::held::HeldLock;
use crate::hook::{Halt, Watcher};
use crate::image::{Image, Mapped};
use crate::io::IoManager;
use crate::irql::Irql;
use crate::kernel::{DpcQueues, Kernel};
use crate::leftovers;
use crate::lent::Lender;
use crate::memory::AddressSpace;
use crate::model::ModelSlot;
use crate::pool::Pool;
use crate::processor::{Processor, ProcessorStats};
use crate::registry_failure::{FailingReads, RegistryPolicy};
use crate::routine::{Callback, DdiInfo};
use crate::site::Site;
use crate::stack::Stacks;
use crate::watching::Watching;
use parking_lot::Mutex;
use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Processors a machine may have.
pub const PROCESSORS_MAX: u8 = 64;

/// Time that driver code may run without a call.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Values of other crates one machine can keep.
pub const ATTACHED_MAX: usize = 8;

/// Which executor runs the machine.
pub enum Execution {
    /// All processors on the calling host thread; every choice comes from this seed.
    Seeded(u64),
    /// All processors on the calling host thread; the strategy makes every choice.
    Chosen(Box<dyn Choose>),
    /// A host thread per processor.
    Parallel,
}

/// The configuration of a machine.
pub struct Config {
    pub(crate) processors: u8,
    pub(crate) execution: Execution,
    pub(crate) watchers: Vec<Arc<dyn Watcher>>,
    pub(crate) hardware: Vec<Box<dyn HardwareModel>>,
    pub(crate) keep_sites: bool,
    pub(crate) keep_evidence: bool,
    pub(crate) allocation_policy: Option<Box<dyn AllocationPolicy>>,
    pub(crate) registry_policy: Option<Box<dyn RegistryPolicy>>,
    pub(crate) patience: Duration,
    pub(crate) steps_max: u64,
    pub(crate) clock: Clock,
    pub(crate) memory: Memory,
    pub(crate) image: Option<&'static Image>,
}

/// A machine cannot have that many processors.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BadProcessorCount(pub u8);

impl std::fmt::Display for BadProcessorCount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a machine has 1 to {PROCESSORS_MAX} processors, not {}", self.0)
    }
}

impl std::error::Error for BadProcessorCount {}

impl Config {
    /// A machine with `processors` processors.
    ///
    /// # Errors
    /// When the number is not 1 to 64.
    pub fn new(processors: u8, execution: Execution) -> Result<Config, BadProcessorCount> {
        if processors == 0 || processors > PROCESSORS_MAX {
            return Err(BadProcessorCount(processors));
        }
        Ok(Config {
            processors,
            execution,
            watchers: Vec::new(),
            hardware: Vec::new(),
            keep_sites: true,
            keep_evidence: false,
            allocation_policy: None,
            registry_policy: None,
            patience: PATIENCE,
            steps_max: u64::MAX,
            clock: Clock::default(),
            memory: Memory::Plain,
            image: None,
        })
    }

    /// Adds a watcher.
    #[must_use]
    pub fn watch(mut self, watcher: Arc<dyn Watcher>) -> Config {
        self.watchers.push(watcher);
        self
    }

    /// The image that [`image::entry`](crate::image::entry) runs.
    #[must_use]
    pub fn image(mut self, image: Option<&'static Image>) -> Config {
        self.image = image;
        self
    }

    /// Adds a device; devices are numbered in the order they are added.
    #[must_use]
    pub fn hardware(mut self, model: Box<dyn HardwareModel>) -> Config {
        self.hardware.push(model);
        self
    }

    /// Whether the deterministic executor keeps acquire sites for its own deadlock reports even if
    /// no watcher asks (it does unless told otherwise).
    #[must_use]
    pub fn keep_sites(mut self, keep: bool) -> Config {
        self.keep_sites = keep;
        self
    }

    /// Whether evidence is gathered for what may be found later: call stacks of where locks are acquired and
    /// where things change hands, and the calls that changed the IRQL. Some microseconds each: for the one
    /// run that a report is made of.
    #[must_use]
    pub fn keep_evidence(mut self, keep: bool) -> Config {
        self.keep_evidence = keep;
        self
    }

    /// For how long, by the host's clock, driver code may run without a call before it is given up as a
    /// runaway; zero: for ever. [`PATIENCE`] unless told otherwise.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Config {
        self.patience = patience;
        self
    }

    /// Steps after which the deterministic executor gives the run up, as one that never ends; no bound unless
    /// told otherwise.
    #[must_use]
    pub fn steps_max(mut self, steps: u64) -> Config {
        self.steps_max = steps;
        self
    }

    /// Machine time that each step takes in the deterministic executor, in nanoseconds; none unless told
    /// otherwise, so that time passes only while every processor waits or stalls. With some, timers come due
    /// while processors work.
    #[must_use]
    pub fn step_ns(mut self, ns: u32) -> Config {
        self.clock.step_ns = ns;
        self
    }

    /// After how many steps machine time leaps to the next timer in the deterministic executor, if that is
    /// due within a second; never unless told otherwise. With leaps, timers expire among the work of
    /// processors that take no time for it.
    #[must_use]
    pub fn timers_every(mut self, steps: u32) -> Config {
        self.clock.timers_every = steps;
        self
    }

    /// What the machine's memory is like; [`Memory::Plain`] unless told otherwise.
    #[must_use]
    pub fn memory(mut self, memory: Memory) -> Config {
        self.memory = memory;
        self
    }

    /// Lets a policy say which allocations of drivers fail; see
    /// [`allocation_failure`](crate::allocation_failure).
    #[must_use]
    pub fn fail_allocations(mut self, policy: Box<dyn AllocationPolicy>) -> Config {
        self.allocation_policy = Some(policy);
        self
    }

    /// Lets a policy say which registry reads of drivers fail; see
    /// [`registry_failure`](crate::registry_failure).
    #[must_use]
    pub fn fail_registry_reads(mut self, policy: Box<dyn RegistryPolicy>) -> Config {
        self.registry_policy = Some(policy);
        self
    }

    /// Powers the machine on, runs `boot` as its first system thread on processor 0 at
    /// PASSIVE_LEVEL, and takes it down when that returns or the machine stops.
    ///
    /// # Panics
    /// On a failure of the simulator itself, and when called from code that already runs on a machine.
    pub fn run(self, boot: impl FnOnce() + Send + 'static) -> Outcome {
        self.start(move |machine| {
            machine.start_thread(Some(0), move || {
                boot();
                let cpu = Processor::current();
                leftovers::check(cpu, "the thread the machine booted with", cpu.frame());
                cpu.machine().check_freed_memory();
                Machine::current().expect("on a machine").complete();
            });
        })
    }

    /// Powers the machine on; `begin` creates the first threads. One of them has to end the run.
    pub(crate) fn start(self, begin: impl FnOnce(&Machine)) -> Outcome {
        self.check_start();
        Machine::build(self).run(begin)
    }

    /// What every start needs.
    pub(crate) fn check_start(&self) {
        assert!(!Processor::current().is_real(), "a machine cannot be started from inside another");
        crate::panics::install();
        crate::fault::install();
    }
}

/// Reserves the memory of a machine, so that the next one can be powered on.
///
/// # Errors
/// When the host refuses, as under a `ulimit -v` of less than about 1.4 GB.
pub fn reserve_memory() -> std::io::Result<()> {
    AddressSpace::reserve()
}

/// The outcome of a run.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub ending: Ending,
    /// Hash over every event (deterministic executor only).
    pub trace_hash: Option<u64>,
    /// Steps made (0 in the parallel executor).
    pub steps: u64,
    /// The choices made, where there was a choice (deterministic executor only).
    pub choices: Vec<Choice>,
    /// Machine time at the end, in nanoseconds.
    pub time_ns: u64,
    /// Counters, by processor.
    pub processors: Vec<ProcessorStats>,
    /// Allocations that a policy made fail, in the order they were asked for; the first 256.
    pub failed_allocations: Vec<FailedAllocation>,
    /// Registry reads that a policy made fail.
    pub failed_registry_reads: usize,
}

/// The interrupts and DPCs that a processor would accept.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Accepts {
    /// Its IRQL: interrupts of higher levels.
    pub irql: Irql,
    /// Whether its DPC queue may be drained and its thread switched.
    pub dispatches: bool,
    /// The highest level of the interrupts pended for it; PASSIVE if there is none.
    pub pended: Irql,
}

/// One simulated computer.
pub struct Machine {
    pub(crate) processors: Box<[Processor]>,
    pub(crate) memory: AddressSpace,
    /// The image of its driver, if that is one.
    pub(crate) image: Option<Box<Mapped>>,
    pub(crate) kernel: Mutex<Kernel>,
    pub(crate) dpcs: DpcQueues,
    pub(crate) pool: Mutex<Pool>,
    pub(crate) io: IoManager,
    pub(crate) hardware: Vec<HardwareSlot>,
    /// Armed timers and queued DPCs: while there are any, freed pool is searched for them. Changed
    /// under the lock of what they are linked into.
    pub(crate) linked_objects: AtomicUsize,
    /// Makes allocations of drivers fail.
    pub(crate) low_resources: Option<LowResources>,
    pub(crate) failing_reads: Option<FailingReads>,
    pub(crate) executor: Executor,
    pub(crate) patience: Duration,
    pub(crate) watching: Watching,
    pub(crate) stacks: Stacks,
    pub(crate) ending: Mutex<Option<Ending>>,
    pub(crate) stopped: AtomicBool,
    pub(crate) own_panic: Mutex<Option<Box<dyn Any + Send>>>,
    /// What runs on every processor of a machine without a driver.
    pub(crate) model: ModelSlot,
    /// Filled from the front and never emptied, so that looking one up takes no lock.
    pub(crate) attached: [OnceLock<Arc<dyn Any + Send + Sync>>; ATTACHED_MAX],
    pub(crate) lender: OnceLock<Lender>,
}

// SAFETY: the parts that are not Sync by themselves are the deterministic executor, used by one host
// thread only, and the processors' cells (see `processor`).
unsafe impl Sync for Machine {}

impl Machine {
    /// The machine this host thread runs, if any.
    #[inline]
    #[must_use]
    pub fn current() -> Option<&'static Machine> {
        let cpu = Processor::current();
        // SAFETY: a current processor's machine outlives the run in which it is current.
        cpu.is_real().then(|| unsafe { &*(cpu.machine() as *const Machine) })
    }

    /// How many processors it has.
    #[must_use]
    pub fn processor_count(&self) -> u8 {
        self.processors.len() as u8
    }

    /// Number of the current step; 0 in the parallel executor.
    #[inline]
    #[must_use]
    pub fn step(&self) -> u64 {
        match &self.executor {
            Executor::Deterministic(d) => d.step(),
            Executor::Parallel(_) => 0,
        }
    }

    /// Machine time in nanoseconds since power-on: virtual in the deterministic executor, the
    /// host's monotonic clock in the parallel one.
    #[must_use]
    pub fn time_ns(&self) -> u64 {
        match &self.executor {
            Executor::Deterministic(d) => d.time_ns(),
            Executor::Parallel(p) => p.time_ns(),
        }
    }

    /// Whether it runs under the deterministic executor.
    #[inline]
    #[must_use]
    pub fn is_deterministic(&self) -> bool {
        matches!(self.executor, Executor::Deterministic(_))
    }

    /// The processor that runs now (deterministic executor only), for strategies.
    ///
    /// # Panics
    /// In the parallel executor, where several run.
    #[must_use]
    pub fn running(&self) -> u8 {
        self.deterministic().current()
    }

    /// How many calls in a row only looked at something, and how many thread switches led to no call, since
    /// anything else happened (deterministic executor only): for strategies that want to let others go first
    /// then.
    ///
    /// # Panics
    /// In the parallel executor.
    #[must_use]
    pub fn polls(&self) -> u64 {
        self.deterministic().polls()
    }

    /// Where processor `cpu` is, for strategies: the innermost driver callback, and the call it is
    /// about to make or making.
    ///
    /// # Panics
    /// When there is no such processor.
    #[must_use]
    pub fn position(&self, cpu: u8) -> (&'static Callback, Option<(&'static DdiInfo, Site)>) {
        let cpu = &self.processors[usize::from(cpu)];
        (cpu.frame().kind, cpu.call.get())
    }

    /// The hash over all events so far (deterministic executor only), for those who compare runs step by
    /// step.
    ///
    /// # Panics
    /// In the parallel executor.
    #[must_use]
    pub fn trace_hash_so_far(&self) -> u64 {
        self.deterministic().trace_hash()
    }

    /// What processor `cpu` would accept now (deterministic executor only), for strategies.
    ///
    /// # Panics
    /// When there is no such processor, and in the parallel executor.
    #[must_use]
    pub fn accepts(&self, cpu: u8) -> Accepts {
        let processor = &self.processors[usize::from(cpu)];
        Accepts {
            irql: processor.irql(),
            dispatches: processor.may_dispatch(),
            pended: self.deterministic().pended_level(cpu),
        }
    }

    /// The spin locks the driver holds on processor `cpu`, oldest first, for strategies: as far as
    /// acquire sites are kept (deterministic executor only).
    ///
    /// # Panics
    /// When there is no such processor, and in the parallel executor, where it may be running.
    #[must_use]
    pub fn held_locks(&self, cpu: u8) -> Vec<HeldLock> {
        assert!(self.is_deterministic(), "asked for the locks of a processor that may be running");
        self.processors[usize::from(cpu)].held_locks()
    }

    /// The machine address of a host address; 0 for null and for memory that is not the machine's.
    #[must_use]
    pub fn machine_address(&self, host: usize) -> u64 {
        self.memory.machine_address(host)
    }

    /// Whether `bytes` bytes at a host address are memory of the machine that can be read: not on closed
    /// pages.
    #[must_use]
    pub fn is_accessible(&self, host: usize, bytes: usize) -> bool {
        self.memory.contains(host, bytes)
    }

    /// Starts a system thread of the test rig, at PASSIVE_LEVEL; it belongs to `processor`, or to one
    /// in turn.
    pub fn start_thread(&self, processor: Option<u8>, body: impl FnOnce() + Send + 'static) {
        self.create_thread(0, processor, None, Box::new(body));
    }

    /// Ends the run on behalf of the test rig, which found something wrong: from a thread of the
    /// machine, and does not return.
    pub fn end_run(&self, why: Halt) -> ! {
        self.halt(why);
        crate::sync::thread::unwind(Processor::current())
    }

    /// Keeps a value of another crate (the port driver's tables, say) for the machine's life.
    ///
    /// # Panics
    /// When the machine keeps [`ATTACHED_MAX`] values already.
    pub fn attach<T: Any + Send + Sync>(&self, value: Arc<T>) {
        let mut value: Arc<dyn Any + Send + Sync> = value;
        for slot in &self.attached {
            match slot.set(value) {
                Ok(()) => return,
                Err(refused) => value = refused,
            }
        }
        panic!("a machine keeps at most {ATTACHED_MAX} values of other crates");
    }

    /// The first value of that type kept before.
    #[must_use]
    pub fn attached<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.attached_values().find_map(|value| Arc::clone(value).downcast::<T>().ok())
    }

    /// As [`Machine::attached`], without a count of its own: for those who look at every request.
    #[inline]
    #[must_use]
    pub fn attached_ref<T: Any + Send + Sync>(&self) -> Option<&T> {
        self.attached_values().find_map(|value| value.downcast_ref::<T>())
    }

    fn attached_values(&self) -> impl Iterator<Item = &Arc<dyn Any + Send + Sync>> {
        self.attached.iter().map_while(OnceLock::get)
    }

    /// Whether the machine has stopped.
    #[inline]
    pub(crate) fn is_quiet(&self) -> bool {
        self.stopped.load(SeqCst)
    }
}
