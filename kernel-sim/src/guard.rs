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

mod closing;

use closing::{Closing, Means};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Acquire, Ordering::Release};

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
    closing: Closing,
    open: Pages,
    /// Pages of paged pool: how many from each first one on.
    paged: Mutex<BTreeMap<usize, usize>>,
    /// Pages of paged pool that are not in memory.
    away: Pages,
    /// Whether any of them may be in memory.
    is_any_here: AtomicBool,
}

impl Guard {
    /// Closes the guarded part of the address space at `base`; `None`: the host refuses.
    pub(crate) fn new(base: NonNull<u8>) -> Option<Guard> {
        // SAFETY: the guarded part lies in the address space at `base`.
        let closing = Closing::new(unsafe { base.add(GUARDED_FROM) }, PAGES, Means::Marks)?;
        let (open, away) = (Pages::none(), Pages::none());
        Some(Guard { closing, open, paged: Mutex::default(), away, is_any_here: AtomicBool::new(false) })
    }

    /// Opens every page again and gives the memory behind them back to the host. `false`: the host refuses.
    pub(crate) fn end(self) -> bool {
        self.closing.end()
    }

    /// Makes pages accessible, all zero; `false`: the host refuses, and they stay closed.
    pub(crate) fn open(&self, first: usize, pages: usize) -> bool {
        let is_done = self.closing.open(first, pages);
        if is_done {
            self.open.add(first..first + pages);
        }
        is_done
    }

    /// Makes pages inaccessible and forgets what is on them. `false`: the host refuses, and they stay open.
    pub(crate) fn close(&self, first: usize, pages: usize) -> bool {
        self.open.remove(first..first + pages);
        if self.paged.lock().remove(&first).is_some() {
            self.away.remove(first..first + pages);
            // Else they would be inaccessible for their protection, too, when they are opened next.
            self.closing.restore(first, pages);
        }
        let is_done = self.closing.close(first, pages);
        if !is_done {
            self.open.add(first..first + pages);
        }
        is_done
    }

    /// Whether `bytes` bytes at an offset into the address space lie on open pages, as far as they lie in the
    /// guarded part.
    pub(crate) fn is_open(&self, offset: usize, bytes: usize) -> bool {
        let (from, to) = (offset.max(GUARDED_FROM), (offset + bytes.max(1)).min(POOL_BYTES));
        from >= to || self.open.have((from - GUARDED_FROM) / PAGE..(to - GUARDED_FROM).div_ceil(PAGE))
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
            if self.closing.withdraw(*first, *pages) {
                self.away.add(*first..first + pages);
            }
        }
    }

    /// Whether the page at an offset into the address space is of paged pool and not in memory.
    pub(crate) fn is_away(&self, offset: usize) -> bool {
        offset.checked_sub(GUARDED_FROM).is_some_and(|at| {
            let page = at / PAGE;
            page < PAGES && self.away.have(page..page + 1)
        })
    }

    /// Brings that page back; `false`: it is none such. Takes no lock, so that a handler of signals may call
    /// it.
    pub(crate) fn bring_back(&self, offset: usize) -> bool {
        if !self.is_away(offset) {
            return false;
        }
        let page = (offset - GUARDED_FROM) / PAGE;
        self.away.remove(page..page + 1);
        self.is_any_here.store(true, Release);
        self.closing.restore(page, 1)
    }
}

/// Some of the pages of the guarded part.
struct Pages(Box<[AtomicU64]>);

impl Pages {
    fn none() -> Pages {
        Pages((0..PAGES / 64).map(|_| AtomicU64::new(0)).collect())
    }

    fn add(&self, pages: Range<usize>) {
        words(pages).for_each(|(word, bits)| _ = self.0[word].fetch_or(bits, Release));
    }

    fn remove(&self, pages: Range<usize>) {
        words(pages).for_each(|(word, bits)| _ = self.0[word].fetch_and(!bits, Release));
    }

    /// Whether all of these are among them.
    fn have(&self, pages: Range<usize>) -> bool {
        words(pages).all(|(word, bits)| self.0[word].load(Acquire) & bits == bits)
    }
}

/// The words that the bits of pages lie in, and which bits of each they are.
fn words(pages: Range<usize>) -> impl Iterator<Item = (usize, u64)> {
    (pages.start / 64..pages.end.div_ceil(64)).map(move |word| {
        let first = word * 64;
        let (from, to) = (pages.start.max(first) - first, pages.end.min(first + 64) - first);
        (word, (u64::MAX >> (64 - (to - from))) << from)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_is_added_and_removed_alone() {
        for range in [0..1, 63..64, 63..65, 64..128, 10..200, PAGES - 1..PAGES] {
            let pages = Pages::none();
            pages.add(range.clone());
            let has = |page: usize| pages.have(page..page + 1);
            let around = range.start.saturating_sub(2)..(range.end + 2).min(PAGES);
            assert!(around.clone().all(|page| has(page) == range.contains(&page)), "{range:?}");
            assert!(pages.have(range.clone()) && !pages.have(around.clone()), "{range:?}");
            pages.add(0..PAGES);
            pages.remove(range.clone());
            assert!(around.clone().all(|page| has(page) != range.contains(&page)), "{range:?}");
        }
    }
}
