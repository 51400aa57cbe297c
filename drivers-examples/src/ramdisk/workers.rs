//! The workers' bell: how many requests wait for a worker, and when the workers are to go home.
//!
//! One ring per request in the queue, and one per worker at the end. A worker that is woken and finds nothing
//! (a reset has emptied the queue) waits again; it returns only where it finds nothing and the end was
//! announced.

use kernel_sim::safe::{Semaphore, SpinLock};

/// See the module page.
pub struct Workers {
    count: u32,
    bell: Semaphore,
    is_over: SpinLock<bool>,
}

impl Workers {
    /// So many workers.
    pub const fn new(count: u32) -> Workers {
        Workers { count, bell: Semaphore::new(), is_over: SpinLock::new(false) }
    }

    /// How many.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Readies the kernel's objects, where the value stays. PASSIVE_LEVEL.
    pub fn initialize(&self) {
        self.bell.initialize();
    }

    /// One more request is in the queue. At or below DISPATCH_LEVEL.
    pub fn ring(&self) {
        self.bell.release(1);
    }

    /// What a worker does, at PASSIVE_LEVEL: `work_on_one` whenever the bell has rung, until it finds nothing
    /// after the end was announced.
    pub fn work(&self, work_on_one: impl Fn() -> bool) {
        loop {
            self.bell.wait();
            if !work_on_one() && *self.is_over.lock() {
                return;
            }
        }
    }

    /// Announces the end.
    pub fn end(&self) {
        *self.is_over.lock() = true;
        self.bell.release(self.count);
    }

    /// The workers are about to begin again.
    pub fn begin_again(&self) {
        *self.is_over.lock() = false;
    }
}
