//! Kernel threads: creation, switching, ending.
//!
//! A thread belongs to one processor for life (its *home*): threads do not migrate. Windows moves
//! them; drivers that depend on the move are not modelled. There are no priorities. Invariant: a
//! thread is in exactly one place: running on its home, in its home's ready queue, in a wait, or
//! ended.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::fiber::{Fiber, KernelStack, Parker, Returned};
use crate::frame::{Frame, OUTERMOST};
use crate::irql::Irql;
use crate::machine::Machine;
use crate::order;
use crate::processor::Processor;
use crate::routine::{Callback, DdiInfo};
use crate::site::Site;
use crate::stamp::Mark;
use crate::sync::wait_many::Several;
use std::cell::{Cell, UnsafeCell};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// The payload by which a fiber is unwound: the machine stopped, or the thread ended itself.
pub(crate) struct Unwound;

/// Leaves the driver's code on this stack, running its destructors. Only from driver context, and
/// with none of the machine's own locks held.
pub(crate) fn unwind(cpu: &Processor) -> ! {
    cpu.machine().rest_before_unwinding(cpu);
    // SAFETY: a processor that runs driver code runs a thread.
    unsafe { (*cpu.thread.get()).unwinding.set(true) };
    resume_unwind(Box::new(Unwound))
}

type Body = Box<dyn FnOnce() + Send>;

/// One kernel thread.
pub(crate) struct Thread {
    pub home: u8,
    /// Its number, in the order in which threads were created.
    pub number: u32,
    /// The thread object drivers can wait for, or 0 for the machine's own threads and once the
    /// object is gone. Changed under the kernel lock.
    pub object: Cell<usize>,
    pub parker: Parker,
    fiber: UnsafeCell<Option<Fiber>>,
    body: Cell<Option<Body>>,
    stack: Cell<Option<usize>>,
    /// Its IRQL, callbacks and call while it does not run.
    irql: Cell<u8>,
    frames: Cell<*const Frame<'static>>,
    call: Cell<Option<(&'static DdiInfo, Site)>>,
    /// Whether its stack is being unwound: DDIs called by destructors do nothing.
    pub unwinding: Cell<bool>,
    /// Why the last wait ended. Guarded by the kernel lock.
    pub wait_status: Cell<i32>,
    /// Number of the current wait: a stale time-out with an older number is ignored. Guarded by the kernel
    /// lock.
    pub wait_number: Cell<u64>,
    /// The armed time-out of the current wait. Guarded by the kernel lock.
    pub wait_timer: Cell<Option<crate::sync::timer::TimerEntry>>,
    /// What it waits for, while it waits: host address of the object. Guarded by the kernel lock.
    pub waits_for: Cell<usize>,
    /// All it waits for, if that is more than one object. Guarded by the kernel lock.
    pub several: UnsafeCell<Several>,
    /// Its fiber faulted, or would not come back, and is not resumed again.
    pub abandoned: Cell<bool>,
    /// Critical regions it has entered and not left, one for each mutex that it owns among them. Touched by
    /// its own code, and under the kernel lock by who gives it a mutex while it waits.
    pub critical_regions: Cell<u32>,
    /// Guarded regions it has entered and not left. Touched by its own code only.
    pub guarded_regions: Cell<u32>,
}

// SAFETY: cells are touched by the home processor's host thread only, or under the kernel lock where
// their comment says so.
unsafe impl Sync for Thread {}
// SAFETY: a thread object is created by one host thread and its fiber only ever runs on its home's.
unsafe impl Send for Thread {}

impl Thread {
    pub(crate) fn new(home: u8, number: u32, object: usize, body: Option<Body>) -> Thread {
        Thread {
            home,
            number,
            object: Cell::new(object),
            parker: Parker::new(),
            fiber: UnsafeCell::new(None),
            body: Cell::new(body),
            stack: Cell::new(None),
            irql: Cell::new(0),
            frames: Cell::new(&raw const OUTERMOST.0),
            call: Cell::new(None),
            unwinding: Cell::new(false),
            wait_status: Cell::new(0),
            wait_number: Cell::new(0),
            wait_timer: Cell::new(None),
            waits_for: Cell::new(0),
            several: UnsafeCell::default(),
            abandoned: Cell::new(false),
            critical_regions: Cell::new(0),
            guarded_regions: Cell::new(0),
        }
    }

    /// Runs the thread on its home's host thread until it parks or ends.
    #[inline(always)]
    pub(crate) fn resume(&self, machine: &Machine) -> Returned {
        // SAFETY: the fiber is touched by the home's host thread only, and it is parked now: the
        // caller is that host thread, outside any fiber.
        let slot = unsafe { &mut *self.fiber.get() };
        let fiber = slot.get_or_insert_with(|| self.make_fiber(machine));
        let returned = fiber.resume();
        if returned == Returned::Ended {
            *slot = None;
            if let Some(stack) = self.stack.take() {
                machine.kernel.lock().stacks.push(stack);
            }
        }
        returned
    }

    /// Goes back to the host thread for good, from any stack of that host thread: what the fiber did is never
    /// finished.
    ///
    /// # Safety
    /// The caller's host thread runs this thread's fiber, or ran it until it was redirected to the caller.
    pub(crate) unsafe fn abandon(&self) -> ! {
        self.abandoned.set(true);
        // SAFETY: the caller's promise: the host thread waits in `resume` for this fiber to park.
        unsafe { self.parker.park() };
        unreachable!("an abandoned fiber was resumed")
    }

    /// Drops what is left of an abandoned fiber.
    fn forget(&self) {
        // SAFETY: the fiber is touched by the home's host thread only, which is the caller; the machine has
        // stopped, and no code that could use what lies on the stack runs again.
        unsafe {
            if let Some(fiber) = (*self.fiber.get()).take() {
                fiber.abandon();
            }
        }
    }

    /// Whether a fiber of it is parked somewhere in its body.
    pub(crate) fn is_parked(&self) -> bool {
        // SAFETY: the fiber is touched by the home's host thread only, which is the caller.
        unsafe { (*self.fiber.get()).as_ref().is_some_and(Fiber::started) }
    }

    #[cold]
    fn make_fiber(&self, machine: &Machine) -> Fiber {
        let index = machine.kernel.lock().take_stack();
        self.stack.set(Some(index));
        let body = self.body.take().expect("a thread has a body until it starts");
        let machine_at: *const Machine = machine;
        let this: *const Thread = self;
        // SAFETY: `take_stack` hands each index to one fiber at a time, and the address space
        // outlives every fiber; the parker is a field of this thread, which outlives its fiber;
        // machine and thread outlive the run.
        unsafe {
            let stack = KernelStack::new(machine.memory.stack(index));
            Fiber::new(stack, &raw const self.parker, move || {
                Processor::current().takes(order::thread(&*this));
                let outcome = catch_unwind(AssertUnwindSafe(body));
                let machine = &*machine_at;
                if let Err(payload) = outcome
                    && !payload.is::<Unwound>()
                {
                    machine.note_panic(payload);
                }
                machine.thread_ended(&*this);
            })
        }
    }

    /// Saves what belongs to the thread and not to the processor.
    fn save(&self, cpu: &Processor) {
        self.irql.set(cpu.irql().0);
        self.call.set(cpu.call.get());
        self.frames.set(cpu.exchange_frames(&raw const OUTERMOST.0));
    }

    fn restore(&self, cpu: &Processor) {
        cpu.set_irql(Irql(self.irql.get()));
        cpu.call.set(self.call.get());
        cpu.exchange_frames(self.frames.get());
    }

    /// The driver callbacks it was in when it parked.
    pub(crate) fn callbacks(&self) -> Vec<&'static Callback> {
        // Asked only while the thread is parked and its home does not run it.
        crate::processor::kinds(self.frames.get())
    }

    /// Where the thread was when it parked.
    pub(crate) fn parked_at(&self) -> Option<(&'static DdiInfo, Site)> {
        self.call.get()
    }
}

impl Machine {
    /// Makes `next` the thread of `cpu` in place of the one that runs, without parking it.
    pub(crate) fn change_thread(&self, cpu: &Processor, next: *const Thread) {
        // SAFETY: threads live as long as the machine.
        let (old, new) = unsafe { (&*cpu.thread.get(), &*next) };
        old.save(cpu);
        new.restore(cpu);
        cpu.thread.set(next);
        self.note_thread(cpu);
        cpu.count(|s| s.switches += 1);
    }

    /// Switches `cpu` to `next`; returns when the present thread runs again.
    pub(crate) fn switch_to(&self, cpu: &Processor, next: *const Thread) {
        let me = cpu.thread.get();
        if std::ptr::eq(me, next) {
            return;
        }
        self.change_thread(cpu, next);
        // SAFETY: we run on the fiber of `me`, whose parker this is.
        unsafe { (*me).parker.park() };
    }

    /// Gives the processor to the next ready thread, or to the idle thread.
    pub(crate) fn switch_away(&self, cpu: &Processor) {
        let next = self.pop_ready(cpu).unwrap_or_else(|| cpu.idle.get());
        self.switch_to(cpu, next);
    }

    /// Takes the next ready thread of `cpu` from its queue.
    pub(crate) fn pop_ready(&self, cpu: &Processor) -> Option<*const Thread> {
        let mut kernel = self.kernel.lock();
        let queue = &mut kernel.ready[usize::from(cpu.index())];
        let n = queue.len() as u32;
        if n == 0 {
            return None;
        }
        let at = if n > 1 { self.pick(n) } else { 0 };
        let next = queue.remove(at as usize);
        let more = !queue.is_empty();
        drop(kernel);
        self.note_ready(cpu.index(), more);
        next
    }

    /// Preempts the present thread of `cpu` in favour of another ready one.
    pub(crate) fn preempt(&self, cpu: &Processor) {
        let Some(next) = self.pop_ready(cpu) else { return };
        let me = cpu.thread.get();
        self.kernel.lock().ready[usize::from(cpu.index())].push_back(me);
        self.note_ready(cpu.index(), true);
        self.switch_to(cpu, next);
    }

    /// Puts a thread that can go on into its home's ready queue.
    pub(crate) fn make_ready(&self, thread: &Thread) {
        Processor::current().gives(order::thread(thread));
        self.kernel.lock().ready[usize::from(thread.home)].push_back(thread);
        self.note_ready(thread.home, true);
        self.ring_ready(thread.home);
    }

    /// Creates a thread; it is ready at once. `made` is when, of one that a driver starts.
    pub(crate) fn create_thread(
        &self,
        object: usize,
        home: Option<u8>,
        made: Option<Mark>,
        body: Body,
    ) -> *const Thread {
        let thread = {
            let mut kernel = self.kernel.lock();
            // In turn, by how many threads there ever were.
            let home = home.unwrap_or((kernel.threads.len() % self.processors.len()) as u8);
            let number = kernel.threads.len() as u32;
            if let Some(made) = made {
                kernel.driver_threads.insert(number, made);
            }
            kernel.threads.push(Box::new(Thread::new(home, number, object, Some(body))));
            &raw const **kernel.threads.last().expect("just pushed")
        };
        // SAFETY: threads are boxed and live as long as the machine.
        self.make_ready(unsafe { &*thread });
        thread
    }

    /// The last thing a thread's fiber does: announce the end and hand the processor on.
    fn thread_ended(&self, thread: &Thread) {
        let cpu = &self.processors[usize::from(thread.home)];
        if self.is_quiet() {
            return;
        }
        thread.unwinding.set(false);
        self.signal_thread_end(thread);
        let next = self.pop_ready(cpu).unwrap_or_else(|| cpu.idle.get());
        self.change_thread(cpu, next);
    }
}

impl Machine {
    /// After the machine stopped: lets a parked thread run its destructors and end.
    pub(crate) fn unwind_thread(&self, thread: &Thread) {
        let cpu = &self.processors[usize::from(thread.home)];
        while thread.is_parked() {
            if thread.abandoned.get() {
                return thread.forget();
            }
            cpu.thread.set(thread);
            cpu.enter();
            thread.resume(self);
        }
    }
}
