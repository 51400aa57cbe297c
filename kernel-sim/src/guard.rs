//! Closed pages: the part of a machine's pool that is accessible only where somebody was lent it.
//!
//! A guarded machine has half of its pool for blocks with pages of their own. Every page there is closed
//! until a block on it is lent, and closed again when the block is given back, so whoever touches it then
//! faults. It knows pages only; what lay on them is [`pool::guarded`](crate::pool)'s to say. Invariant: a
//! page is accessible if and only if it is marked open, and no page of an address space is closed when it is
//! given back for the next machine.

#![expect(unsafe_code, reason = "protects pages of the address space of a machine")]

use rustix::mm::{Advice, MprotectFlags, madvise, mprotect};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering::Acquire, Ordering::Release};

/// Bytes of the range that the pool may hand out.
pub const POOL_BYTES: usize = 1 << 30;
/// Bytes of a page.
pub(crate) const PAGE: usize = 4096;
/// Where the guarded part of the pool begins: below it lies the plain part.
pub(crate) const GUARDED_FROM: usize = POOL_BYTES / 2;
const PAGES: usize = (POOL_BYTES - GUARDED_FROM) / PAGE;

/// What a machine's memory is like.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Memory {
    /// Blocks side by side, with a few guard bytes between them. What is freed is filled with a pattern and
    /// kept out of use for a while, so a write to it is found, later.
    #[default]
    Plain,
    /// Each block on pages of its own, which are closed before it is allocated and after it is freed: an
    /// access there stops the machine at once.
    Guarded(Placement),
}

/// Where on its pages a block lies that does not fill them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Placement {
    /// At the end: what reaches past it is seen.
    AtEnd,
    /// At the end or at the beginning, as drawn from this seed for one after the other: what reaches before
    /// it is seen too.
    Drawn(u64),
}

/// The guarded part of one address space.
pub(crate) struct Guard {
    base: NonNull<u8>,
    open: Box<[AtomicBool]>,
}

impl Guard {
    /// Closes the guarded part of the address space at `base`; `None`: the host refuses.
    pub(crate) fn new(base: NonNull<u8>) -> Option<Guard> {
        let guard = Guard { base, open: (0..PAGES).map(|_| AtomicBool::new(false)).collect() };
        guard.protect(0, PAGES, MprotectFlags::empty()).then_some(guard)
    }

    /// Opens every page again and gives the memory behind them back to the host. `false`: the host refuses.
    pub(crate) fn end(self) -> bool {
        self.discard(0, PAGES);
        self.protect(0, PAGES, MprotectFlags::READ | MprotectFlags::WRITE)
    }

    /// Makes pages accessible; `false`: the host refuses, and they stay closed.
    pub(crate) fn open(&self, first: usize, pages: usize) -> bool {
        let is_done = self.protect(first, pages, MprotectFlags::READ | MprotectFlags::WRITE);
        if is_done {
            self.open[first..first + pages].iter().for_each(|page| page.store(true, Release));
        }
        is_done
    }

    /// Makes pages inaccessible and forgets what is on them. `false`: the host refuses, and they stay open.
    pub(crate) fn close(&self, first: usize, pages: usize) -> bool {
        self.open[first..first + pages].iter().for_each(|page| page.store(false, Release));
        self.discard(first, pages);
        let is_done = self.protect(first, pages, MprotectFlags::empty());
        if !is_done {
            self.open[first..first + pages].iter().for_each(|page| page.store(true, Release));
        }
        is_done
    }

    /// Whether `bytes` bytes at an offset into the address space lie on open pages, as far as they lie in the
    /// guarded part.
    pub(crate) fn is_open(&self, offset: usize, bytes: usize) -> bool {
        let (from, to) = (offset.max(GUARDED_FROM), (offset + bytes.max(1)).min(POOL_BYTES));
        if from >= to {
            return true;
        }
        let pages = (from - GUARDED_FROM) / PAGE..(to - GUARDED_FROM).div_ceil(PAGE);
        self.open[pages].iter().all(|page| page.load(Acquire))
    }

    fn at(&self, page: usize) -> *mut std::ffi::c_void {
        self.base.as_ptr().wrapping_add(GUARDED_FROM + page * PAGE).cast()
    }

    fn protect(&self, first: usize, pages: usize, how: MprotectFlags) -> bool {
        // SAFETY: the pages lie in the address space that this guard is of. The simulator touches those of
        // the guarded part only while they are lent; a driver that touches closed ones is to fault.
        unsafe { mprotect(self.at(first), pages * PAGE, how) }.is_ok()
    }

    fn discard(&self, first: usize, pages: usize) {
        // SAFETY: as above; nobody has what lies on these pages. The advice may be refused: the memory is
        // then given back with the address space.
        let _ = unsafe { madvise(self.at(first), pages * PAGE, Advice::LinuxDontNeed) };
    }
}
