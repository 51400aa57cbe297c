//! Faults.

/// What a host adapter is to do with a completion.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Disposition {
    /// Deliver it, as if nothing were wrong.
    #[default]
    Deliver,
}
