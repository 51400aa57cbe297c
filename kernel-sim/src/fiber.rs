//! Kernel threads as stackful fibers.
//!
//! A fiber is a host-side stack with a program counter: it runs until it parks itself, and goes on
//! when the host thread it belongs to resumes it. It knows nothing of scheduling. Invariant: a
//! fiber is resumed only by the host thread that first resumed it (thread-locals may be cached
//! across a switch), and never while it runs.

#![expect(unsafe_code, reason = "switches stacks")]

use corosensei::stack::{Stack, StackPointer};
use corosensei::{Coroutine, CoroutineResult, Yielder};
use std::cell::Cell;
use std::num::NonZeroUsize;
use std::ptr::null;

/// Bytes of one kernel stack. Windows gives 24 KiB; Rust's formatting machinery wants more.
pub const STACK_BYTES: usize = 256 << 10;

/// A stack inside the machine's address space.
pub(crate) struct KernelStack {
    limit: usize,
    base: usize,
}

impl KernelStack {
    /// A stack over `limit..base`, the lowest page of which is a guard page.
    ///
    /// # Safety
    /// The range is mapped, page-aligned, not used for anything else, and outlives the stack.
    pub(crate) unsafe fn new((limit, base): (usize, usize)) -> KernelStack {
        KernelStack { limit, base }
    }
}

// SAFETY: base and limit are page-aligned bounds of a mapped range with a guard page at the bottom,
// promised by the caller of `new`.
unsafe impl Stack for KernelStack {
    fn base(&self) -> StackPointer {
        NonZeroUsize::new(self.base).expect("a stack at address zero")
    }

    fn limit(&self) -> StackPointer {
        NonZeroUsize::new(self.limit).expect("a stack at address zero")
    }
}

/// What a fiber did when it came back to its host thread.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Returned {
    /// It parked itself and can be resumed.
    Parked,
    /// Its body returned.
    Ended,
}

/// A parked or not yet started fiber.
pub(crate) struct Fiber(Coroutine<(), (), (), KernelStack>);

/// The handle by which the running fiber parks itself. Lives in the thread object.
pub(crate) struct Parker(Cell<*const Yielder<(), ()>>);

impl Parker {
    pub(crate) const fn new() -> Parker {
        Parker(Cell::new(null()))
    }

    /// Parks the fiber that runs on this stack; returns when it is resumed.
    ///
    /// # Safety
    /// Called on the fiber this parker was given to.
    #[inline(always)]
    pub(crate) unsafe fn park(&self) {
        // SAFETY: `start` stored the yielder of this very fiber, which lives as long as its stack.
        unsafe { (*self.0.get()).suspend(()) }
    }
}

impl Fiber {
    /// A fiber that will run `body` on `stack`, parking through `parker`.
    ///
    /// # Safety
    /// `parker` outlives the fiber.
    pub(crate) unsafe fn new(
        stack: KernelStack,
        parker: *const Parker,
        body: impl FnOnce() + 'static,
    ) -> Fiber {
        Fiber(Coroutine::with_stack(stack, move |yielder: &Yielder<(), ()>, ()| {
            // SAFETY: the caller promised that the parker outlives the fiber.
            unsafe { (*parker).0.set(yielder) };
            body();
        }))
    }

    /// Runs the fiber until it parks or ends.
    #[inline(always)]
    pub(crate) fn resume(&mut self) -> Returned {
        match self.0.resume(()) {
            CoroutineResult::Yield(()) => Returned::Parked,
            CoroutineResult::Return(()) => Returned::Ended,
        }
    }

    /// Gives the fiber up where it is: nothing on its stack is dropped.
    ///
    /// # Safety
    /// What lies on its stack is never used again as a value: those who hold pointers to it have stopped.
    pub(crate) unsafe fn abandon(mut self) {
        // SAFETY: the caller's promise; to drop none of it leaks, and no more.
        unsafe { self.0.force_reset() }
    }

    /// Whether the fiber's body has begun.
    pub(crate) fn started(&self) -> bool {
        self.0.started()
    }
}
