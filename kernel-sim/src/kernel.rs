//! The kernel's own tables: threads, ready queues, waits, timers, DPC queues, work items.
//!
//! One lock guards them all (Windows long had such a "dispatcher lock"); nothing is called back
//! while it is held. Spin locks of drivers are not here: they are words in driver memory.

use crate::ddi::types::KDPC;
use crate::memory::STACKS_MAX;
use crate::sync::interrupt::InterruptObject;
use crate::sync::thread::Thread;
use crate::sync::timer::TimerEntry;
use crate::sync::work_item::WorkQueue;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The DPC queue of one processor.
#[derive(Default)]
pub(crate) struct DpcQueue {
    pub queue: VecDeque<*mut KDPC>,
    /// Grows each time the queue runs dry with no routine running: what a flush waits for.
    pub drains: u64,
    pub running: bool,
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
    pub dpcs: Vec<DpcQueue>,
    pub interrupts: Vec<InterruptObject>,
    pub work: WorkQueue,
    pub handles: Vec<usize>,
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
            dpcs: (0..processors).map(|_| DpcQueue::default()).collect(),
            interrupts: Vec::new(),
            work: WorkQueue::default(),
            handles: Vec::new(),
            stacks: Vec::new(),
            stack_next: 0,
        }
    }

    pub(crate) fn take_stack(&mut self) -> usize {
        self.stacks.pop().unwrap_or_else(|| {
            self.stack_next += 1;
            assert!(self.stack_next <= STACKS_MAX, "more than {STACKS_MAX} kernel threads alive");
            self.stack_next - 1
        })
    }
}
