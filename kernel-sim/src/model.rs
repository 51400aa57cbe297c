//! Programs without a driver: some state in the machine's memory and one body for every processor.
//!
//! For small models of a driver's locking, where loading, starting and exercising a whole driver
//! would only be in the way. Each processor runs the body once, as a system thread at PASSIVE_LEVEL,
//! and the run ends when all have returned and what they left to be done (DPCs, interrupts, device
//! steps) is done; timers not yet due do not expire any more. Nothing else runs on the machine, so the
//! schedules are those of the bodies alone.
//!
//! The threads outlive the body: on a machine that is used again (`power`) they wait for the next.

#![expect(unsafe_code, reason = "machine, threads and processors point at each other")]

use crate::leftovers;
use crate::machine::{Config, Machine, Outcome};
use crate::pool::tag;
use crate::site::Site;
use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

/// A body, whatever its state: called with the processor's index.
type Body = dyn Fn(u8) + Send + Sync;

/// The program that runs on every processor of a machine.
pub(crate) struct ModelSlot {
    /// The body of this run. Set before power-on, and gone after it.
    body: Cell<Option<*const Body>>,
    /// The threads were created, in this run or an earlier one.
    has_threads: Cell<bool>,
    unfinished: AtomicUsize,
}

impl ModelSlot {
    pub(crate) fn new() -> ModelSlot {
        ModelSlot { body: Cell::new(None), has_threads: Cell::new(false), unfinished: AtomicUsize::new(0) }
    }

    /// Whether the machine has run a model.
    pub(crate) fn has_run(&self) -> bool {
        self.has_threads.get()
    }
}

impl Config {
    /// Powers the machine on and runs `body` once on each processor, with the state and the
    /// processor's index. `T` may hold spin locks, shared cells and kernel objects; it is never
    /// dropped, its memory goes with the machine.
    ///
    /// # Panics
    /// On a failure of the simulator itself, when called from code that already runs on a machine,
    /// and when the state does not fit into the pool.
    pub fn run_on_every_processor<T: Sync + 'static>(
        self,
        state: T,
        body: impl Fn(&'static T, u8) + Send + Sync + 'static,
    ) -> Outcome {
        self.check_start();
        let machine = Machine::build_or_reuse(self);
        let place = machine.pool_allocate_zeroed(
            size_of::<T>().max(1),
            align_of::<T>(),
            tag(b"Modl"),
            Site::caller(),
        );
        let place = place.cast::<T>();
        assert!(!place.is_null() && place.is_aligned(), "no room for the state of a model");
        // SAFETY: a fresh, aligned block of that size, which is freed only with the machine.
        unsafe { place.write(state) };
        let place = place as usize;
        // SAFETY: just written; the reference is used only while the machine runs: no body outlives it, and
        // every routine a body could use with it needs a running machine.
        let on_state = move |cpu: u8| body(unsafe { &*(place as *const T) }, cpu);
        let body: *const Body = &raw const on_state;
        machine.model.body.set(Some(body));
        machine.run(Machine::begin_model)
    }
}

impl Machine {
    /// Lets the threads of the model go.
    fn begin_model(&self) {
        self.model.unfinished.store(self.processors.len(), SeqCst);
        if self.model.has_threads.replace(true) {
            let threads: Vec<_> = self.kernel.lock().model_threads(self.processors.len()).collect();
            for thread in threads {
                // SAFETY: threads live as long as the machine.
                self.make_ready(unsafe { &*thread });
            }
            return;
        }
        for cpu in 0..self.processor_count() {
            let at = std::ptr::from_ref(self) as usize;
            self.create_thread(
                0,
                Some(cpu),
                None,
                Box::new(move || {
                    // SAFETY: the machine outlives its threads.
                    unsafe { &*(at as *const Machine) }.run_model(cpu);
                }),
            );
        }
    }

    /// The thread of one processor: one body a run.
    fn run_model(&self, cpu: u8) {
        let processor = &self.processors[usize::from(cpu)];
        loop {
            let body = self.model.body.get().expect("a model runs");
            // SAFETY: the closure lives on the stack of `run_on_every_processor`, which returns when
            // the run is over and this thread waits below or has ended.
            unsafe { (*body)(cpu) };
            leftovers::check(processor, "the body of a model", processor.frame());
            if self.model.unfinished.fetch_sub(1, SeqCst) == 1 {
                self.complete_when_still();
            }
            if !self.is_deterministic() {
                return;
            }
            self.switch_away(processor);
            if self.is_quiet() {
                return;
            }
        }
    }
}
