//! What a host thread needs to survive a fault of the code it runs: two stacks and a place for the evidence.
//!
//! The handler runs on the *alternate* stack, because the one in use may have overflowed; what it redirects
//! to runs on the *reserve* stack, for the same reason. Invariant: a room belongs to one host thread, and
//! only that thread and its own signal handler touch it.

#![expect(unsafe_code, reason = "maps stacks and tells the host of one")]

use super::evidence::Evidence;
use super::post::Post;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags};
use std::cell::{Cell, RefCell};
use std::ptr::{null, null_mut};
use std::sync::Arc;

/// Bytes of the alternate stack. The handler needs few; the host's frame with all vector registers, some
/// thousands.
const ALTERNATE_BYTES: usize = 64 << 10;
/// Bytes of the reserve stack: naming a line of code needs many.
const RESERVE_BYTES: usize = 1 << 20;
/// Bytes below each stack that are no memory.
const GUARD_BYTES: usize = 4096;

/// What the thread is doing about a fault.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// Nothing: none happened, or the last was dealt with.
    Idle,
    /// It has been redirected, and looks at what happened.
    Looking,
    /// It faulted again while looking, and now looks no further.
    LookingNoFurther,
    /// It was not the driver's: the next signal puts everything back, for the handler that was there before.
    PuttingBack,
}

/// The room of one host thread.
pub(super) struct Room {
    pub(super) phase: Cell<Phase>,
    pub(super) evidence: Cell<Evidence>,
    /// The slot of the stack in which a return address was replaced, and that address.
    pub(super) trap: Cell<Option<(usize, usize)>>,
    /// Where the watchdog finds this thread.
    pub(super) post: Arc<Post>,
    reserve: Stack,
    /// Mapped, and told to the host, for as long as the thread lives.
    alternate: Stack,
}

/// A mapped stack above a guard page.
struct Stack {
    limit: *mut u8,
    bytes: usize,
}

thread_local! {
    /// The room of this thread. Without a destructor, so that a signal handler may look at any time.
    static ROOM: Cell<*const Room> = const { Cell::new(null()) };
    /// The same, to be dropped with the thread.
    static OWNED: RefCell<Owned> = const { RefCell::new(Owned(None)) };
}

struct Owned(Option<Box<Room>>);

/// Gives the calling host thread a room, if it has none. Called before it runs driver code. Returns its post.
pub(super) fn furnish() -> Arc<Post> {
    if let Some(room) = here() {
        return Arc::clone(&room.post);
    }
    OWNED.with_borrow_mut(|owned| {
        let post = Post::of_this_thread();
        let room = Box::new(Room {
            post: Arc::clone(&post),
            phase: Cell::new(Phase::Idle),
            evidence: Cell::new(Evidence::NONE),
            trap: Cell::new(None),
            reserve: Stack::map(RESERVE_BYTES),
            alternate: Stack::map(ALTERNATE_BYTES),
        });
        room.alternate.use_for_signals();
        ROOM.set(&raw const *room);
        owned.0 = Some(room);
        post
    })
}

/// The room of this thread, if it has one. May be called in a signal handler.
pub(super) fn here() -> Option<&'static Room> {
    // SAFETY: the room lives as long as its thread, which is the caller's.
    unsafe { ROOM.get().as_ref() }
}

impl Room {
    /// The top of the reserve stack, aligned.
    pub(super) fn reserve_top(&self) -> usize {
        self.reserve.top()
    }

    /// Replaces the return address in a slot of the stack, until something else happens.
    ///
    /// # Safety
    /// The slot is that of a frame that is there.
    pub(super) unsafe fn arm(&self, slot: usize, address: usize) -> usize {
        // SAFETY: the caller's promise.
        let before = unsafe { (slot as *mut usize).replace(address) };
        self.trap.set(Some((slot, before)));
        before
    }

    /// Puts a replaced return address back.
    pub(super) fn disarm(&self) {
        if let Some((slot, before)) = self.trap.take() {
            // SAFETY: the frame is there still: had it returned, the trap would have been taken.
            unsafe { (slot as *mut usize).write(before) };
        }
    }

    /// Whether a stack pointer lies in the reserve stack.
    pub(super) fn is_on_reserve(&self, stack_pointer: usize) -> bool {
        stack_pointer.wrapping_sub(self.reserve.limit as usize) <= self.reserve.bytes
    }
}

impl Stack {
    fn map(bytes: usize) -> Stack {
        let flags = MapFlags::PRIVATE | MapFlags::NORESERVE;
        let both = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: an anonymous private mapping at an address of the host's choosing.
        let limit = unsafe { rustix::mm::mmap_anonymous(null_mut(), bytes, both, flags) }
            .unwrap_or_else(|e| panic!("cannot map {bytes} bytes for a stack: {e}"));
        // SAFETY: the lowest page of what was just mapped, which nothing uses yet.
        unsafe { rustix::mm::mprotect(limit, GUARD_BYTES, MprotectFlags::empty()) }
            .expect("cannot protect a stack's guard page");
        Stack { limit: limit.cast(), bytes }
    }

    fn top(&self) -> usize {
        self.limit as usize + self.bytes
    }

    /// Lets handlers of signals on this thread run here.
    fn use_for_signals(&self) {
        let stack = libc::stack_t {
            ss_sp: self.limit.wrapping_add(GUARD_BYTES).cast(),
            ss_flags: 0,
            ss_size: self.bytes - GUARD_BYTES,
        };
        // SAFETY: the range is mapped, used for nothing else, and given back to the host before it is
        // unmapped.
        let refused = unsafe { libc::sigaltstack(&raw const stack, null_mut()) };
        assert_eq!(refused, 0, "the host refuses an alternate signal stack");
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        let Some(room) = self.0.take() else { return };
        ROOM.set(null());
        room.post.close();
        let none = libc::stack_t { ss_sp: null_mut(), ss_flags: libc::SS_DISABLE, ss_size: 0 };
        // SAFETY: the thread ends, and is not on that stack: no handler runs.
        unsafe { libc::sigaltstack(&raw const none, null_mut()) };
        drop(room);
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: mapped in `map` with this size; nothing runs on it any more.
        let _ = unsafe { rustix::mm::munmap(self.limit.cast(), self.bytes) };
    }
}
