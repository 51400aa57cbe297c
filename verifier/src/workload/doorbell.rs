//! A semaphore in machine memory: how threads of the rig wait for each other.

#![expect(unsafe_code, reason = "the rig calls layer 1, as a client of the driver")]

use kernel_sim::ddi::*;
use kernel_sim::machine::Machine;
use kernel_sim::safe::relative_us;
use std::ptr::null_mut;

/// See the module page. Its maker frees it.
#[derive(Clone, Copy)]
pub(crate) struct Doorbell {
    semaphore: PKSEMAPHORE,
    timeout: PLARGE_INTEGER,
}

// SAFETY: the semaphore is a kernel object, made to be used from any thread of the machine; the
// time-out is read only.
unsafe impl Send for Doorbell {}
// SAFETY: a semaphore is used only through routines that may be called from any thread.
unsafe impl Sync for Doorbell {}

impl Doorbell {
    /// A bell that was not rung. `patience_s` is how long [`Doorbell::wait_a_while`] waits, in seconds of
    /// machine time.
    pub(crate) fn new(machine: &Machine, patience_s: u32) -> Doorbell {
        let semaphore: PKSEMAPHORE = machine.allocate_system(size_of::<KSEMAPHORE>()).cast();
        let timeout: PLARGE_INTEGER = machine.allocate_system(size_of::<LARGE_INTEGER>()).cast();
        assert!(!semaphore.is_null() && !timeout.is_null(), "the machine is out of memory for the workload");
        // SAFETY: fresh blocks of those sizes.
        unsafe {
            KeInitializeSemaphore(semaphore, 0, LONG::MAX);
            *timeout = relative_us(u64::from(patience_s) * 1_000_000);
        }
        Doorbell { semaphore, timeout }
    }

    /// Lets one waiter go, now or when it comes.
    pub(crate) fn ring(self) {
        // SAFETY: the semaphore lives until `free`.
        unsafe { KeReleaseSemaphore(self.semaphore, 0, 1, FALSE) };
    }

    /// Waits for a ring.
    pub(crate) fn wait(self) {
        // SAFETY: the semaphore lives until `free`.
        unsafe {
            KeWaitForSingleObject(self.semaphore.cast(), Executive, KernelMode, FALSE, null_mut());
        }
    }

    /// Waits for a ring; returns whether one came in time.
    pub(crate) fn wait_a_while(self) -> bool {
        // SAFETY: the semaphore and the time-out live until `free`.
        let status = unsafe {
            KeWaitForSingleObject(self.semaphore.cast(), Executive, KernelMode, FALSE, self.timeout)
        };
        status == STATUS_SUCCESS
    }

    /// Gives its memory back. No thread may wait for it.
    pub(crate) fn free(self, machine: &Machine) {
        machine.free_system(self.semaphore.cast());
        machine.free_system(self.timeout.cast());
    }
}
