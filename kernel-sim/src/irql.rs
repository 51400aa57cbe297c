//! Interrupt request levels, as a number that knows its x64 name.
//!
//! An IRQL belongs to a processor, never to a thread or a lock. The levels are those of x64:
//! PASSIVE 0, APC 1, DISPATCH 2, device levels 3 to 12, CLOCK 13, IPI 14, HIGH 15.

use std::fmt;

/// An interrupt request level of an x64 processor, 0 to 15.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Irql(pub u8);

impl Irql {
    /// Nothing is masked; threads run here.
    pub const PASSIVE: Irql = Irql(0);
    /// Asynchronous procedure calls are masked.
    pub const APC: Irql = Irql(1);
    /// DPCs and thread switches are masked; spin locks are held here.
    pub const DISPATCH: Irql = Irql(2);
    /// The lowest level a device may interrupt at.
    pub const DEVICE_MIN: Irql = Irql(3);
    /// The highest level a device may interrupt at.
    pub const DEVICE_MAX: Irql = Irql(12);
    /// Everything is masked.
    pub const HIGH: Irql = Irql(15);

    /// The level's name where it has one of its own: `PASSIVE_LEVEL`, `DISPATCH_LEVEL`, `DIRQL 5`.
    #[must_use]
    pub fn name(self) -> String {
        match self.0 {
            0 => "PASSIVE_LEVEL".into(),
            1 => "APC_LEVEL".into(),
            2 => "DISPATCH_LEVEL".into(),
            n @ 3..=12 => format!("DIRQL {n}"),
            13 => "CLOCK_LEVEL".into(),
            14 => "IPI_LEVEL".into(),
            15 => "HIGH_LEVEL".into(),
            n => format!("IRQL {n}"),
        }
    }
}

impl fmt::Display for Irql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

impl fmt::Debug for Irql {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}
