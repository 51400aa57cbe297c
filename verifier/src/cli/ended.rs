//! How a command ended: with results, or refused in one line.
//!
//! The exit status is made of it in the module above.

/// A reason to refuse, in one line.
#[derive(Debug)]
pub(super) struct Refusal(pub String);

impl<T: std::fmt::Display> From<T> for Refusal {
    fn from(why: T) -> Refusal {
        Refusal(why.to_string())
    }
}

/// Whether anything was found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    Nothing,
    Something,
    /// Nothing, as far as the simulator goes: it has not got what the driver called.
    Limit,
    /// Nothing, and one of several drivers could not be run as asked; why was said.
    Refused,
    /// Nothing before this signal came.
    Interrupted(u8),
}
