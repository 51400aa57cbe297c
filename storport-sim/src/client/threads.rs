//! Threads of a test, and time that passes for them.

#![expect(unsafe_code, reason = "calls layer 1, as a client of the driver")]

use super::{allocate, machine};
use kernel_sim::ddi::*;
use std::ptr::null_mut;
use std::sync::Arc;

/// System threads that were started together.
pub struct Threads {
    ended: PKSEMAPHORE,
    left: u32,
}

// SAFETY: the semaphore is a kernel object, made to be used from any thread of the machine.
unsafe impl Send for Threads {}

impl Threads {
    /// Starts `count` threads, on all processors in turn; thread `n` runs `body(n)` at PASSIVE_LEVEL.
    #[track_caller]
    #[must_use = "nothing waits for the threads unless `join` is called"]
    pub fn start(count: u32, body: impl Fn(u32) + Send + Sync + 'static) -> Threads {
        let machine = machine();
        let ended: PKSEMAPHORE = allocate(size_of::<KSEMAPHORE>()).cast();
        // SAFETY: a fresh block of that size.
        unsafe { KeInitializeSemaphore(ended, 0, count.max(1).cast_signed()) };
        let (body, bell) = (Arc::new(body), ended as usize);
        for n in 0..count {
            let body = Arc::clone(&body);
            let processor = (n % u32::from(machine.processor_count())) as u8;
            machine.start_thread(Some(processor), move || {
                body(n);
                drop(body);
                // SAFETY: the semaphore stays until every thread has released it.
                unsafe { KeReleaseSemaphore(bell as PKSEMAPHORE, 0, 1, FALSE) };
            });
        }
        Threads { ended, left: count }
    }

    /// Waits until all have ended..
    #[track_caller]
    pub fn join(self) {
        for _ in 0..self.left {
            // SAFETY: the semaphore is this value's.
            unsafe {
                KeWaitForSingleObject(self.ended.cast(), Executive, KernelMode, FALSE, null_mut());
            }
        }
        machine().free_system(self.ended.cast());
    }
}

/// Lets so many microseconds of machine time pass; from a thread at PASSIVE_LEVEL.
#[track_caller]
pub fn sleep_us(us: u64) {
    // In units of 100 ns, relative.
    let mut interval = LARGE_INTEGER::new(-i64::try_from(us.saturating_mul(10)).unwrap_or(i64::MAX));
    // SAFETY: the interval is on this thread's stack.
    unsafe { KeDelayExecutionThread(KernelMode, FALSE, &raw mut interval) };
}
