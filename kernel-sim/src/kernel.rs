//! The kernel's own tables: threads, ready queues, waits, timers, work items; and the DPC queues.
//!
//! One lock guards them all (Windows long had such a "dispatcher lock") but the DPC queues, each of which has
//! its own, taken after this one where both are: a request costs several DPCs, and processors do not wait for
//! each other to queue their own. Nothing is called back while one is held. Spin locks of drivers are not
//! here: they are words in driver memory.

#![expect(unsafe_code, reason = "machine, threads and processors point at each other")]

use crate::ddi::types::KDPC;
use crate::handles::Handles;
use crate::io::remove_lock::Tags;
use crate::memory::STACKS_MAX;
use crate::registry::Registry;
use crate::stamp::Mark;
use crate::sync::interrupt::InterruptObject;
use crate::sync::mutex::Owned;
use crate::sync::resource::Owners;
use crate::sync::thread::Thread;
use crate::sync::timer::TimerEntry;
use crate::sync::wait_blocks::WaitBlocks;
use crate::sync::work_item::WorkQueue;
use crossbeam::utils::CachePadded;
use parking_lot::{Mutex, MutexGuard};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::AtomicU32;

/// The DPC queue of one processor.
#[derive(Default)]
pub(crate) struct DpcQueue {
    pub queue: VecDeque<*mut KDPC>,
    /// Grows each time the queue runs dry with no routine running: what a flush waits for.
    pub drains: u64,
    pub running: bool,
}

// SAFETY: the raw pointers are to objects of the machine, touched under the queue's lock.
unsafe impl Send for DpcQueue {}

/// The DPC queues of a machine, by processor.
pub(crate) struct DpcQueues {
    queues: Box<[CachePadded<Mutex<DpcQueue>>]>,
    /// Threads that wait for queues to run dry.
    pub flushers: AtomicU32,
}

impl DpcQueues {
    pub(crate) fn new(processors: u8) -> DpcQueues {
        let queues = (0..processors).map(|_| CachePadded::default()).collect();
        DpcQueues { queues, flushers: AtomicU32::new(0) }
    }

    /// The queue of one processor, locked.
    pub(crate) fn of(&self, processor: usize) -> MutexGuard<'_, DpcQueue> {
        self.queues[processor].lock()
    }

    /// All queues, one after the other.
    pub(crate) fn each(&self) -> impl Iterator<Item = MutexGuard<'_, DpcQueue>> {
        self.queues.iter().map(|queue| queue.lock())
    }

    /// Whether nothing is queued or runs.
    pub(crate) fn are_at_rest(&self) -> bool {
        self.each().all(|queue| queue.queue.is_empty() && !queue.running)
    }

    /// Forgets what a run leaves in the queues of a machine at rest.
    pub(crate) fn reset(&mut self) {
        for queue in &mut self.queues {
            queue.get_mut().drains = 0;
        }
    }
}

/// The tables.
pub(crate) struct Kernel {
    // Boxed: processors and wait lists point at threads.
    #[expect(clippy::vec_box, reason = "threads are pointed at and must not move")]
    pub threads: Vec<Box<Thread>>,
    pub ready: Vec<VecDeque<*const Thread>>,
    /// Waiting threads by host address of the object, in order of arrival.
    pub waits: BTreeMap<usize, VecDeque<*const Thread>>,
    pub timers: BTreeSet<TimerEntry>,
    pub timer_number: u64,
    pub interrupts: Vec<InterruptObject>,
    pub work: WorkQueue,
    pub handles: Handles,
    pub registry: Registry,
    /// When drivers started the threads that have not ended, by number.
    pub driver_threads: BTreeMap<u32, Mark>,
    /// When drivers armed the timers that are armed, by host address.
    pub driver_timers: BTreeMap<usize, Mark>,
    /// Executive resources in use, by host address.
    pub resources: BTreeMap<usize, Owners>,
    /// Mutexes and fast mutexes that threads own, by host address.
    pub owned: BTreeMap<usize, Owned>,
    pub wait_blocks: WaitBlocks,
    /// Tags of remove locks that are held, in the deterministic executor.
    pub remove_tags: Tags,
    /// Free stack indices, and the first never used.
    pub stacks: Vec<usize>,
    stack_next: usize,
}

// SAFETY: the raw pointers are to objects of the machine, touched under the kernel lock.
unsafe impl Send for Kernel {}

impl Kernel {
    pub(crate) fn new(processors: u8) -> Kernel {
        Kernel {
            threads: Vec::new(),
            ready: (0..processors).map(|_| VecDeque::new()).collect(),
            waits: BTreeMap::new(),
            timers: BTreeSet::new(),
            timer_number: 0,
            interrupts: Vec::new(),
            work: WorkQueue::default(),
            handles: Handles::default(),
            registry: Registry::default(),
            driver_threads: BTreeMap::new(),
            driver_timers: BTreeMap::new(),
            resources: BTreeMap::new(),
            owned: BTreeMap::new(),
            wait_blocks: WaitBlocks::default(),
            remove_tags: Tags::default(),
            stacks: Vec::new(),
            stack_next: 0,
        }
    }

    /// Whether nothing is queued, armed, connected or waiting, and there are no threads but the idle ones
    /// and as many of a model.
    pub(crate) fn is_at_rest(&self, processors: usize) -> bool {
        self.threads.len() == 2 * processors
            && self.ready.iter().all(VecDeque::is_empty)
            && self.waits.is_empty()
            && self.timers.is_empty()
            && self.interrupts.is_empty()
            && self.work.is_unused()
            && self.handles.is_unused()
            && self.resources.is_empty()
            && self.owned.is_empty()
            && self.wait_blocks.is_empty()
    }

    /// Forgets what a run leaves in the tables of a machine at rest.
    pub(crate) fn reset(&mut self) {
        self.timer_number = 0;
        self.driver_threads.clear();
        self.driver_timers.clear();
        self.remove_tags.clear();
    }

    /// Takes a thread off the wait list of `key`.
    pub(crate) fn strike_from_wait(&mut self, key: usize, thread: &Thread) {
        if let Some(list) = self.waits.get_mut(&key) {
            list.retain(|t| !std::ptr::eq(*t, thread));
            if list.is_empty() {
                self.waits.remove(&key);
            }
        }
    }

    /// The threads of a model, which were created right after the idle ones.
    pub(crate) fn model_threads(&self, processors: usize) -> impl Iterator<Item = *const Thread> + use<'_> {
        self.threads[processors..].iter().map(|t| &raw const **t)
    }

    pub(crate) fn take_stack(&mut self) -> usize {
        self.stacks.pop().unwrap_or_else(|| {
            self.stack_next += 1;
            assert!(self.stack_next <= STACKS_MAX, "more than {STACKS_MAX} kernel threads alive");
            self.stack_next - 1
        })
    }
}
