//! Calls of a driver's routines: of Rust ones by Rust's convention, of an image's by Windows'.
//!
//! Routines keep the type that Rust drivers give them; where the address lies says whose they are. Invariant:
//! in a process that has loaded no image this costs one look at a flag.

#![expect(unsafe_code, reason = "calls routines of drivers")]

use super::activation::call;
use super::registry;
use crate::ddi::types::{NTSTATUS, PDRIVER_OBJECT, PUNICODE_STRING};
use crate::processor::Processor;

/// Whether code at `address` is that of the present machine's image.
#[inline]
pub(crate) fn contains(address: usize) -> bool {
    registry::are_any() && is_inside(address)
}

fn is_inside(address: usize) -> bool {
    Processor::current().mapped_image().is_some_and(|mapped| mapped.place_of(address).is_some())
}

/// The entry point of a machine's image, as the system calls a driver's.
///
/// # Safety
/// As for the `DriverEntry` of any driver.
///
/// # Panics
/// On a machine without an image.
pub unsafe extern "C-unwind" fn entry(driver: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
    let mapped = Processor::current().mapped_image().expect("a machine that runs an image has one");
    // SAFETY: the entry point of an image that is mapped; the arguments are the caller's.
    NTSTATUS::from_word(unsafe { call(mapped.entry(), &[driver.word(), path.word()]) })
}

/// What may be an argument or the answer of an image's routine.
pub trait Word: Copy {
    /// As a register holds it.
    fn word(self) -> u64;
    /// From a register, whose upper part is of no account.
    fn from_word(word: u64) -> Self;
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Word for $number {
            #[inline]
            fn word(self) -> u64 {
                self as u64
            }
            #[inline]
            fn from_word(word: u64) -> Self {
                word as $number
            }
        }
    )*};
}
numbers!(u8, u16, u32, u64, usize, i8, i16, i32, i64);

impl Word for () {
    fn word(self) -> u64 {
        0
    }
    fn from_word(_: u64) {}
}

impl<T> Word for *mut T {
    #[inline]
    fn word(self) -> u64 {
        self as u64
    }
    #[inline]
    fn from_word(word: u64) -> Self {
        word as *mut T
    }
}

impl<T> Word for *const T {
    #[inline]
    fn word(self) -> u64 {
        self as u64
    }
    #[inline]
    fn from_word(word: u64) -> Self {
        word as *const T
    }
}

/// A routine of a driver, called by the convention of the code that it is.
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
        impl<Answer: Word, $($letter: Word),*> Routine<($($letter,)*)>
            for unsafe extern "C-unwind" fn($($letter),*) -> Answer
        {
            type Answer = Answer;

            #[inline]
            unsafe fn go(self, arguments: ($($letter,)*)) -> Answer {
                if contains(self as usize) {
                    let words = [$(arguments.$n.word()),*];
                    // SAFETY: just found in the image that is mapped; the rest is the caller's promise.
                    return Answer::from_word(unsafe { call(self as usize, &words) });
                }
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
