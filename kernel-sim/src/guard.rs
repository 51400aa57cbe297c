//! Closed pages: the part of a machine's pool that is accessible only where somebody was lent it.
//!
//! A guarded machine has half of its pool for blocks with pages of their own. Every page there is closed
//! until a block on it is lent, and closed again when the block is given back, so whoever touches it then
//! faults. It knows pages only; what lay on them is [`pool::guarded`](crate::pool)'s to say. Invariant: a
//! page is accessible if and only if it is marked open and not away, and no page of an address space is
//! closed when it is given back for the next machine.
//!
//! Paged pool is closed besides whenever a processor may have raised its IRQL: as if its pages had been
//! written out, which Driver Verifier does at every raise ("force IRQL checking"). A page comes back where it
//! is touched below DISPATCH_LEVEL (`fault/signal.rs`), so only an access at or above it is ever seen.

#![expect(unsafe_code, reason = "protects pages of the address space of a machine")]

use parking_lot::Mutex;
use rustix::mm::{Advice, MprotectFlags, madvise, mprotect};
use std::collections::BTreeMap;
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
    /// Pages of paged pool: how many from each first one on.
    paged: Mutex<BTreeMap<usize, usize>>,
    /// Pages of paged pool that are not in memory.
    away: Box<[AtomicBool]>,
    /// Whether any of them may be in memory.
    is_any_here: AtomicBool,
}

impl Guard {
    /// Closes the guarded part of the address space at `base`; `None`: the host refuses.
    pub(crate) fn new(base: NonNull<u8>) -> Option<Guard> {
        let none = || (0..PAGES).map(|_| AtomicBool::new(false)).collect();
        let (open, away) = (none(), none());
        let (paged, is_any_here) = (Mutex::default(), AtomicBool::new(false));
        let guard = Guard { base, open, paged, away, is_any_here };
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
        if self.paged.lock().remove(&first).is_some() {
            self.away[first..first + pages].iter().for_each(|page| page.store(false, Release));
        }
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

    /// Open pages are of paged pool: from the next raise of an IRQL on they are not in memory.
    pub(crate) fn are_paged(&self, first: usize, pages: usize) {
        self.paged.lock().insert(first, pages);
        self.is_any_here.store(true, Release);
    }

    /// Has paged pool leave the memory, what is on it aside.
    #[inline]
    pub(crate) fn send_away(&self) {
        if self.is_any_here.load(Acquire) {
            self.send_all_away();
        }
    }

    #[cold]
    fn send_all_away(&self) {
        self.is_any_here.store(false, Release);
        for (first, pages) in self.paged.lock().iter() {
            // A page that the host leaves accessible is in memory, and nothing is missed but an access to it.
            if self.protect(*first, *pages, MprotectFlags::empty()) {
                self.away[*first..first + pages].iter().for_each(|page| page.store(true, Release));
            }
        }
    }

    /// Whether the page at an offset into the address space is of paged pool and not in memory.
    pub(crate) fn is_away(&self, offset: usize) -> bool {
        offset
            .checked_sub(GUARDED_FROM)
            .and_then(|at| self.away.get(at / PAGE))
            .is_some_and(|away| away.load(Acquire))
    }

    /// Brings that page back; `false`: it is none such. Takes no lock, so that a handler of signals may call
    /// it.
    pub(crate) fn bring_back(&self, offset: usize) -> bool {
        if !self.is_away(offset) {
            return false;
        }
        let page = (offset - GUARDED_FROM) / PAGE;
        self.away[page].store(false, Release);
        self.is_any_here.store(true, Release);
        self.protect(page, 1, MprotectFlags::READ | MprotectFlags::WRITE)
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
