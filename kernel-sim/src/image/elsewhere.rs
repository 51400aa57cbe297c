//! Hosts on which no image can be run: there is none, and routines are called by Rust's convention.

#![expect(unsafe_code, reason = "calls routines of drivers")]

use crate::ddi::STATUS_UNSUCCESSFUL;
use crate::ddi::types::{NTSTATUS, PDRIVER_OBJECT, PUNICODE_STRING};
use crate::memory::AddressSpace;
use std::path::Path;

/// No image.
pub enum Image {}

/// No image, mapped nowhere.
pub(crate) enum Mapped {}

/// Why a file is no image that can be loaded: completes "FILE: ".
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotAnImage;

impl std::fmt::Display for NotAnImage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("drivers from files run on Linux on x86-64 only")
    }
}

impl std::error::Error for NotAnImage {}

/// The entry point of a machine's image: there is none.
///
/// # Safety
/// As for the `DriverEntry` of any driver.
pub unsafe extern "C-unwind" fn entry(_: PDRIVER_OBJECT, _: PUNICODE_STRING) -> NTSTATUS {
    STATUS_UNSUCCESSFUL
}

impl Image {
    /// No image.
    ///
    /// # Errors
    /// Always.
    pub fn load(_: &Path, _: Vec<u8>) -> Result<&'static Image, NotAnImage> {
        Err(NotAnImage)
    }

    /// The bytes of its file.
    #[must_use]
    pub fn file(&self) -> &[u8] {
        match *self {}
    }

    /// Names of imported routines that are not here.
    #[must_use]
    pub fn missing(&self) -> Vec<&str> {
        match *self {}
    }

    /// Names of the routines it imports.
    pub fn imports(&self) -> impl Iterator<Item = &str> {
        [].into_iter()
    }

    /// Source files that its calls lie in.
    #[must_use]
    pub fn source_files(&self) -> Vec<String> {
        match *self {}
    }

    /// The name of its file.
    #[must_use]
    pub fn name(&self) -> &str {
        match *self {}
    }
}

impl Mapped {
    pub(crate) fn in_memory(image: &'static Image, _: &mut AddressSpace) -> Option<Box<Mapped>> {
        match *image {}
    }
}

/// A routine of a driver, called by the convention of the code that it is: Rust's.
pub trait Routine<Arguments> {
    /// What it returns.
    type Answer;

    /// Calls it.
    ///
    /// # Safety
    /// As for the routine.
    unsafe fn go(self, arguments: Arguments) -> Self::Answer;
}

macro_rules! routines {
    ($(($($letter:ident $n:tt),*);)*) => {$(
        impl<Answer, $($letter),*> Routine<($($letter,)*)> for unsafe extern "C-unwind" fn($($letter),*) -> Answer {
            type Answer = Answer;

            unsafe fn go(self, arguments: ($($letter,)*)) -> Answer {
                // SAFETY: forwarded from the caller.
                unsafe { self($(arguments.$n),*) }
            }
        }
    )*};
}
routines! {
    (A 0);
    (A 0, B 1);
    (A 0, B 1, C 2);
    (A 0, B 1, C 2, D 3);
    (A 0, B 1, C 2, D 3, E 4);
    (A 0, B 1, C 2, D 3, E 4, F 5);
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6);
}
