//! `Site`: a source position in a driver, one pointer wide.
//!
//! Rust code has its positions made by the compiler ([`Site::caller`]); code that is no Rust has them made at
//! run time from its debug information ([`Site::intern`]). Both fit into one tagged pointer, so that a call
//! passes a site in one register and a held lock keeps it in one word. Invariant: two sites are equal if and
//! only if file, line and column are.
#![expect(unsafe_code, reason = "a tagged pointer to one of two kinds of static data")]

use parking_lot::Mutex;
use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::fmt;
use std::panic::Location;
use std::ptr::{NonNull, null_mut};
use std::sync::atomic::{AtomicPtr, Ordering::Relaxed};

/// A source position: file as the compiler names it, line and column from 1.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Site(NonNull<u8>);

/// A position made at run time; its address is marked by [`INTERNED`].
#[repr(align(8))]
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Interned {
    file: &'static str,
    line: u32,
    column: u32,
}

/// The low bit of the address of an [`Interned`] position.
const INTERNED: usize = 1;
const _: () = assert!(align_of::<Location<'static>>() > INTERNED && align_of::<Interned>() > INTERNED);

// SAFETY: a site points at immutable data that lives as long as the process.
unsafe impl Send for Site {}
// SAFETY: a site points at immutable data that lives as long as the process.
unsafe impl Sync for Site {}

impl Site {
    /// Where the caller of the present `#[track_caller]` function stands.
    #[inline(always)]
    #[track_caller]
    #[must_use]
    pub const fn caller() -> Site {
        Site::of(Location::caller())
    }

    /// A position that the compiler made.
    #[inline(always)]
    #[must_use]
    pub const fn of(location: &'static Location<'static>) -> Site {
        Site(NonNull::from_ref(location).cast())
    }

    /// The position with this file, line and column, made at run time. Equal positions are kept once, and for
    /// as long as the process lives: intern what a program contains, not what a run produces.
    ///
    /// # Panics
    /// Never in practice: a static reference is not null.
    #[must_use]
    pub fn intern(file: &str, line: u32, column: u32) -> Site {
        static KNOWN: Mutex<BTreeSet<&'static Interned>> = Mutex::new(BTreeSet::new());
        let mut known = KNOWN.lock();
        let found = known.iter().find(|i| (i.file, i.line, i.column) == (file, line, column)).copied();
        let interned = found.unwrap_or_else(|| {
            let kept = known.iter().find(|i| i.file == file).map(|i| i.file);
            let file = kept.unwrap_or_else(|| Box::leak(Box::<str>::from(file)));
            let new: &'static Interned = Box::leak(Box::new(Interned { file, line, column }));
            known.insert(new);
            new
        });
        let tagged = std::ptr::from_ref(interned).cast::<u8>().wrapping_add(INTERNED);
        Site(NonNull::new(tagged.cast_mut()).expect("the address of a static is not null"))
    }

    fn parts(self) -> (&'static str, u32, u32) {
        let at = self.0.as_ptr();
        if at.addr() & INTERNED == 0 {
            // SAFETY: without the mark the pointer was made in `of` from a static location.
            let location = unsafe { &*at.cast_const().cast::<Location<'static>>() };
            (location.file(), location.line(), location.column())
        } else {
            // SAFETY: with the mark the pointer was made in `intern` from a leaked position.
            let interned = unsafe { &*at.cast_const().wrapping_sub(INTERNED).cast::<Interned>() };
            (interned.file, interned.line, interned.column)
        }
    }

    /// Whether it lies in the simulator's own sources.
    pub(crate) fn is_own(self) -> bool {
        crate::own_sources::is_own(self.file())
    }

    /// The file, as the compiler names it.
    #[must_use]
    pub fn file(self) -> &'static str {
        self.parts().0
    }

    /// The line, from 1.
    #[must_use]
    pub fn line(self) -> u32 {
        self.parts().1
    }

    /// The column, from 1.
    #[must_use]
    pub fn column(self) -> u32 {
        self.parts().2
    }
}

/// A place for a site, or for none, that several processors may read and write.
#[derive(Default)]
pub struct AtomicSite(AtomicPtr<u8>);

impl AtomicSite {
    /// Puts a site there, or takes it away.
    #[inline]
    pub fn store(&self, site: Option<Site>) {
        self.0.store(site.map_or(null_mut(), |site| site.0.as_ptr()), Relaxed);
    }

    /// The site there.
    #[inline]
    #[must_use]
    pub fn load(&self) -> Option<Site> {
        NonNull::new(self.0.load(Relaxed)).map(Site)
    }
}

impl PartialEq for Site {
    fn eq(&self, other: &Site) -> bool {
        self.0 == other.0 || self.parts() == other.parts()
    }
}

impl Eq for Site {}

impl PartialOrd for Site {
    fn partial_cmp(&self, other: &Site) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Site {
    fn cmp(&self, other: &Site) -> Ordering {
        self.parts().cmp(&other.parts())
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, line, column) = self.parts();
        write!(f, "{file}:{line}:{column}")
    }
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_site_made_at_run_time_is_like_the_compilers() {
        let here = Site::caller();
        let made = Site::intern(here.file(), here.line(), here.column());
        assert_eq!(made, here);
        assert_eq!(made.to_string(), here.to_string());
    }

    #[test]
    fn a_place_for_a_site_gives_back_what_was_put_there() {
        let place = AtomicSite::default();
        assert_eq!(place.load(), None);
        for site in [Site::caller(), Site::intern("a.c", 7, 1)] {
            place.store(Some(site));
            assert_eq!(place.load(), Some(site));
        }
        place.store(None);
        assert_eq!(place.load(), None);
    }

    #[test]
    fn equal_positions_are_interned_once() {
        let (one, same, other) =
            (Site::intern("a.c", 7, 1), Site::intern("a.c", 7, 1), Site::intern("a.c", 7, 2));
        assert_eq!(one.0, same.0);
        assert!(one < other && one != other);
    }
}
