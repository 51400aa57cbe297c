//! Programs without a driver: some state in the machine's memory and one body for every processor.
//!
//! For small models of a driver's locking, where loading, starting and exercising a whole driver
//! would only be in the way. Each processor runs the body once, as a system thread at PASSIVE_LEVEL,
//! and the run ends when all have returned and what they left to be done (DPCs, interrupts, device
//! steps) is done; timers not yet due do not expire any more. Nothing else runs on the machine, so the
//! schedules are those of the bodies alone.

use crate::machine::{Config, Machine, Outcome};
use crate::pool::tag;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

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
        self.start(move |machine| {
            let place = machine
                .pool_allocate_zeroed(size_of::<T>().max(1), tag(b"Modl"), Location::caller())
                .cast::<T>();
            assert!(!place.is_null() && place.is_aligned(), "no room for the state of a model");
            // SAFETY: a fresh, aligned block of that size, which nobody frees while the machine runs.
            unsafe { place.write(state) };
            let place = place as usize;
            let body = Arc::new(body);
            let unfinished = Arc::new(AtomicUsize::new(usize::from(machine.processor_count())));
            for cpu in 0..machine.processor_count() {
                let (body, unfinished) = (Arc::clone(&body), Arc::clone(&unfinished));
                machine.start_thread(Some(cpu), move || {
                    // SAFETY: written above; the reference is used while the machine runs only: no
                    // body outlives it, and what a body keeps it cannot use without a machine.
                    body(unsafe { &*(place as *const T) }, cpu);
                    if unfinished.fetch_sub(1, SeqCst) == 1 {
                        Machine::current().expect("on a machine").complete_when_still();
                    }
                });
            }
        })
    }
}
