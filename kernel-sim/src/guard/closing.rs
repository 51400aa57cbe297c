//! How pages are closed and opened on this host.
//!
//! Linux 6.13 and later can mark single pages so that they fault: that splits no mapping, and costs half of
//! what changing their protection does. Elsewhere, and where the host refuses, it is their protection. What
//! is closed, and for whom, is [`Guard`](super::Guard)'s to say. Invariant: a page faults wherever it is
//! touched unless it was opened and not closed since; what was just opened is zero.

use super::PAGE;
use rustix::mm::{Advice, MprotectFlags, madvise, mprotect};
use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Advice to mark pages, and to take marks away, as Linux numbers them.
const MARK: libc::c_int = 102;
const UNMARK: libc::c_int = 103;

/// So many pages are marked at once, when one of them is opened first.
const MARKED_AHEAD: usize = 256;

const ACCESSIBLE: MprotectFlags = MprotectFlags::READ.union(MprotectFlags::WRITE);

/// What pages are closed with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Means {
    /// A mark each, as far as the host has them.
    Marks,
    /// Their protection.
    Protection,
}

/// A range of pages that are closed and opened.
pub(super) struct Closing {
    base: NonNull<u8>,
    pages: usize,
    means: Means,
    /// Pages from the first on that are inaccessible for no other reason than a mark.
    marked: AtomicUsize,
}

impl Closing {
    /// Closes so many pages from `base` on. `None`: the host refuses.
    pub(super) fn new(base: NonNull<u8>, pages: usize, means: Means) -> Option<Closing> {
        let mut closing = Closing { base, pages, means, marked: AtomicUsize::new(0) };
        if !closing.protect(0, pages, MprotectFlags::empty()) {
            return None;
        }
        if means == Means::Marks && !closing.advise(0, MARKED_AHEAD.min(pages), MARK) {
            closing.means = Means::Protection;
        }
        Some(closing)
    }

    /// Opens every page and gives the memory behind them back to the host. `false`: the host refuses.
    pub(super) fn end(self) -> bool {
        let used = match self.means {
            Means::Marks => self.marked.load(Relaxed).max(MARKED_AHEAD).min(self.pages),
            Means::Protection => self.pages,
        };
        self.discard(0, used);
        let is_unmarked = self.means == Means::Protection || self.advise(0, used, UNMARK);
        self.protect(0, self.pages, ACCESSIBLE) && is_unmarked
    }

    /// Opens closed pages; `false`: the host refuses, and they stay closed.
    pub(super) fn open(&self, first: usize, pages: usize) -> bool {
        match self.means {
            Means::Marks => self.mark_up_to(first + pages) && self.advise(first, pages, UNMARK),
            Means::Protection => self.protect(first, pages, ACCESSIBLE),
        }
    }

    /// Closes open pages and forgets what is on them. `false`: the host refuses, and they stay open.
    pub(super) fn close(&self, first: usize, pages: usize) -> bool {
        match self.means {
            Means::Marks => self.advise(first, pages, MARK),
            Means::Protection => {
                self.discard(first, pages);
                self.protect(first, pages, MprotectFlags::empty())
            }
        }
    }

    /// Makes open pages inaccessible, what is on them aside; `false`: the host refuses.
    pub(super) fn withdraw(&self, first: usize, pages: usize) -> bool {
        self.protect(first, pages, MprotectFlags::empty())
    }

    /// Makes pages that were withdrawn accessible again; `false`: the host refuses. Takes no lock.
    pub(super) fn restore(&self, first: usize, pages: usize) -> bool {
        self.protect(first, pages, ACCESSIBLE)
    }

    /// Has the first pages be inaccessible for no other reason than a mark: that many at least.
    fn mark_up_to(&self, pages: usize) -> bool {
        let marked = self.marked.load(Relaxed);
        if pages <= marked {
            return true;
        }
        let more = pages.next_multiple_of(MARKED_AHEAD).min(self.pages) - marked;
        let is_done = self.advise(marked, more, MARK) && self.protect(marked, more, ACCESSIBLE);
        if is_done {
            self.marked.store(marked + more, Relaxed);
        }
        is_done
    }

    fn at(&self, page: usize) -> *mut c_void {
        self.base.as_ptr().wrapping_add(page * PAGE).cast()
    }

    fn protect(&self, first: usize, pages: usize, how: MprotectFlags) -> bool {
        // SAFETY: the pages lie in the range that this value is of. The simulator touches them only while
        // they are lent; a driver that touches closed ones is to fault.
        unsafe { mprotect(self.at(first), pages * PAGE, how) }.is_ok()
    }

    fn advise(&self, first: usize, pages: usize, how: libc::c_int) -> bool {
        // SAFETY: as above; a host that does not know these advices refuses them.
        unsafe { libc::madvise(self.at(first), pages * PAGE, how) == 0 }
    }

    /// Has open pages be zero.
    fn discard(&self, first: usize, pages: usize) {
        // SAFETY: as above; no code uses what lies on these pages any more.
        let is_done = unsafe { madvise(self.at(first), pages * PAGE, Advice::LinuxDontNeed) }.is_ok();
        if !is_done && self.protect(first, pages, ACCESSIBLE) {
            // SAFETY: the pages were just made accessible.
            unsafe { self.at(first).write_bytes(0, pages * PAGE) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous, munmap};

    /// More than are marked at once, twice.
    const PAGES: usize = 2 * MARKED_AHEAD + 40;

    /// What lies on a page, as the host sees it; `None` where it faults.
    fn look(base: NonNull<u8>, page: usize) -> Option<u8> {
        let mut ends = [0; 2];
        let mut byte = 0_u8;
        // SAFETY: the host looks at the page, and refuses where it is inaccessible; `byte` is ours.
        unsafe {
            assert_eq!(libc::pipe(ends.as_mut_ptr()), 0);
            let written = libc::write(ends[1], base.as_ptr().add(page * PAGE).cast(), 1);
            let is_seen = written == 1 && libc::read(ends[0], (&raw mut byte).cast(), 1) == 1;
            for end in ends {
                libc::close(end);
            }
            is_seen.then_some(byte)
        }
    }

    fn with_pages(means: Means, body: impl FnOnce(NonNull<u8>, Closing)) {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: an anonymous private mapping at an address of the host's choosing.
        let base = unsafe { mmap_anonymous(std::ptr::null_mut(), PAGES * PAGE, access, MapFlags::PRIVATE) };
        let base = NonNull::new(base.unwrap().cast()).unwrap();
        body(base, Closing::new(base, PAGES, means).unwrap());
        // SAFETY: mapped above, and no longer used.
        unsafe { munmap(base.as_ptr().cast(), PAGES * PAGE) }.unwrap();
    }

    fn write(base: NonNull<u8>, page: usize) {
        // SAFETY: a page that the test has just seen accessible.
        unsafe { base.as_ptr().add(page * PAGE).write(7) };
    }

    #[test]
    fn a_page_faults_unless_it_is_open_and_is_zero_when_it_was_just_opened() {
        for means in [Means::Marks, Means::Protection] {
            with_pages(means, |base, closing| {
                // One in the middle of the first that are marked, one behind them, the last of all.
                for page in [5, MARKED_AHEAD + 3, PAGES - 1] {
                    assert_eq!(look(base, page), None, "{means:?}, {page}");
                    for _ in 0..2 {
                        assert!(closing.open(page, 1));
                        assert_eq!(look(base, page), Some(0), "{means:?}, {page}");
                        write(base, page);
                        let beside = if page + 1 < PAGES { look(base, page + 1) } else { None };
                        assert_eq!((look(base, page - 1), beside), (None, None), "{means:?}, {page}");
                        assert!(closing.close(page, 1));
                        assert_eq!(look(base, page), None, "{means:?}, {page}");
                    }
                }
            });
        }
    }

    #[test]
    fn what_was_withdrawn_comes_back_as_it_was() {
        for means in [Means::Marks, Means::Protection] {
            with_pages(means, |base, closing| {
                assert!(closing.open(5, 2));
                write(base, 6);
                assert!(closing.withdraw(5, 2));
                assert_eq!((look(base, 5), look(base, 6)), (None, None), "{means:?}");
                assert!(closing.restore(5, 2));
                assert_eq!((look(base, 5), look(base, 6)), (Some(0), Some(7)), "{means:?}");
            });
        }
    }

    #[test]
    fn in_the_end_every_page_is_open_and_zero() {
        for means in [Means::Marks, Means::Protection] {
            for opened in [&[][..], &[0, 9, MARKED_AHEAD + 1]] {
                with_pages(means, |base, closing| {
                    for page in opened {
                        assert!(closing.open(*page, 1));
                        write(base, *page);
                    }
                    assert!(closing.end());
                    assert!((0..PAGES).all(|page| look(base, page) == Some(0)), "{means:?}");
                });
            }
        }
    }
}
