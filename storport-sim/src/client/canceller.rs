//! The thread that cancels a client's requests, on another processor where there is one.
//!
//! `IoCancelIrp` may come late: the IRP must not be used again before that thread is through with it. So each
//! request it was asked about is waited for twice.

#![expect(unsafe_code, reason = "calls layer 1, as a client of the driver")]

use super::{allocate, machine};
use kernel_sim::ddi::*;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, Ordering::SeqCst};

/// Lies in the machine's memory, and is the thread's to free.
#[repr(C)]
struct Shared {
    wanted: KEVENT,
    done: KEVENT,
    /// The request to cancel; null: the thread ends.
    irp: AtomicPtr<IRP>,
}

/// See the module page.
pub(super) struct Canceller {
    shared: *mut Shared,
    is_wanted: bool,
    is_busy: bool,
}

impl Canceller {
    /// Starts the thread.
    #[track_caller]
    pub(super) fn start() -> Canceller {
        let shared: *mut Shared = allocate(size_of::<Shared>()).cast();
        // SAFETY: a fresh block of that size.
        unsafe {
            KeInitializeEvent(&raw mut (*shared).wanted, SynchronizationEvent, FALSE);
            KeInitializeEvent(&raw mut (*shared).done, SynchronizationEvent, FALSE);
        }
        let address = shared as usize;
        machine().start_thread(None, move || {
            let shared = address as *mut Shared;
            // SAFETY: the block is the thread's to free; the IRP is not used again before `done` is set.
            unsafe {
                loop {
                    wait(&raw mut (*shared).wanted);
                    let irp = (*shared).irp.load(SeqCst);
                    if irp.is_null() {
                        break;
                    }
                    IoCancelIrp(irp);
                    KeSetEvent(&raw mut (*shared).done, 0, FALSE);
                }
            }
            machine().free_system(shared.cast());
        });
        Canceller { shared, is_wanted: false, is_busy: false }
    }

    /// The next request is to be cancelled.
    pub(super) fn want(&mut self) {
        self.is_wanted = true;
    }

    /// The request is about to be sent.
    pub(super) fn begin(&mut self, irp: PIRP) {
        if std::mem::take(&mut self.is_wanted) {
            self.is_busy = true;
            self.wake(irp);
        }
    }

    /// The request is back: waits until the thread is through with it.
    pub(super) fn end(&mut self) {
        if std::mem::take(&mut self.is_busy) {
            // SAFETY: the thread lives until `finish`.
            unsafe { wait(&raw mut (*self.shared).done) };
        }
    }

    /// Ends the thread. No request is out.
    pub(super) fn finish(self) {
        self.wake(null_mut());
    }

    fn wake(&self, irp: PIRP) {
        // SAFETY: the block lives until the thread was told to end.
        unsafe {
            (*self.shared).irp.store(irp, SeqCst);
            KeSetEvent(&raw mut (*self.shared).wanted, 0, FALSE);
        }
    }
}

unsafe fn wait(event: PKEVENT) {
    // SAFETY: the event is live and this is PASSIVE_LEVEL, as the caller promises.
    unsafe { KeWaitForSingleObject(event.cast(), Executive, KernelMode, FALSE, null_mut()) };
}
