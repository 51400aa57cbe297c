//! The adapter's own system threads: started with it, joined before it goes.
//!
//! A virtual miniport has threads for what would keep `start_io` waiting. Storport knows nothing of them;
//! they are the kernel's (`PsCreateSystemThread`), and their start and end are bound here to the adapter's: a
//! miniport says how many it wants and what each does, and is told when they are to return. Invariant: no
//! thread runs before `initialize` has succeeded or after `end_threads` and the wait that follows it.

#![expect(unsafe_code, reason = "wraps layer 1, whose contracts its types keep")]

use super::VirtualMiniport;
use super::extension::Extension;
use kernel_sim::ddi::{
    Executive, FALSE, KeWaitForSingleObject, KernelMode, NT_SUCCESS, NTSTATUS, ObDereferenceObject,
    ObReferenceObjectByHandle, PVOID, PsCreateSystemThread, ZwClose,
};
use std::cell::UnsafeCell;
use std::ptr::null_mut;

/// Threads an adapter can have.
pub const THREADS_MAX: usize = 32;

/// The arguments of a thread.
#[repr(C)]
struct Start {
    extension: PVOID,
    number: u32,
    /// The thread object; null if the thread does not run.
    object: PVOID,
}

/// The threads of one adapter. Zeroes: none.
#[repr(C)]
pub(super) struct Threads(UnsafeCell<[Start; THREADS_MAX]>);

impl Threads {
    fn start_of(&self, n: usize) -> *mut Start {
        self.0.get().cast::<Start>().wrapping_add(n)
    }

    /// Starts the adapter's threads. `false`: the system refused one, and those that run have to be ended.
    ///
    /// # Safety
    /// Storport's own pointer to a filled extension, which stays filled until [`Threads::join`] has returned;
    /// at PASSIVE_LEVEL, from one thread at a time, with no thread of the adapter running.
    #[track_caller]
    pub(super) unsafe fn start<M: VirtualMiniport>(extension: PVOID) -> bool {
        // SAFETY: the caller promises Storport's own pointer to a filled extension.
        let of = unsafe { Extension::<M>::of(extension) };
        let wanted = of.adapter().threads().min(THREADS_MAX as u32);
        (0..wanted).all(|number| {
            let start = of.threads.start_of(number as usize);
            // SAFETY: a place of the array that has no other user now: no thread runs in it.
            unsafe {
                start.write(Start { extension, number, object: null_mut() });
                (*start).object = create(run::<M>, start.cast());
                !(*start).object.is_null()
            }
        })
    }

    /// Whether threads were started and not waited for since.
    pub(super) fn are_running(&self) -> bool {
        // SAFETY: only callbacks that run one at a time change the objects.
        unsafe { !(*self.start_of(0)).object.is_null() }
    }

    /// Waits until every thread has returned.
    ///
    /// # Safety
    /// At PASSIVE_LEVEL, from one thread at a time.
    #[track_caller]
    pub(super) unsafe fn join(&self) {
        for n in 0..THREADS_MAX {
            // SAFETY: a place of the array; the thread that may run in it only reads the rest of it.
            unsafe {
                let start = self.start_of(n);
                let object = std::mem::replace(&mut (*start).object, null_mut());
                if !object.is_null() {
                    KeWaitForSingleObject(object, Executive, KernelMode, FALSE, null_mut());
                    ObDereferenceObject(object);
                }
            }
        }
    }
}

/// Starts a thread; its object, with a reference, or null.
///
/// # Safety
/// PASSIVE_LEVEL; the context is what the routine takes.
#[track_caller]
unsafe fn create(routine: unsafe extern "C-unwind" fn(PVOID), context: PVOID) -> PVOID {
    let (mut handle, mut object) = (null_mut(), null_mut());
    // SAFETY: the outputs are on this thread's stack.
    unsafe {
        let status: NTSTATUS = PsCreateSystemThread(
            &raw mut handle,
            0,
            null_mut(),
            null_mut(),
            null_mut(),
            Some(routine),
            context,
        );
        if !NT_SUCCESS(status) {
            return null_mut();
        }
        // A live handle of ours: this cannot fail.
        ObReferenceObjectByHandle(handle, 0, null_mut(), KernelMode, &raw mut object, null_mut());
        ZwClose(handle);
    }
    object
}

unsafe extern "C-unwind" fn run<M: VirtualMiniport>(context: PVOID) {
    let start: *const Start = context.cast();
    // SAFETY: the extension and the place in it stay until the thread was waited for.
    unsafe { Extension::<M>::of((*start).extension).adapter().thread((*start).number) };
}
