//! Random numbers of a fault plan, from its seed.

use super::Probability;

/// The generator of Steele, Lea and Flood ("Fast splittable pseudorandom number generators", 2014): a counter, mixed.
#[derive(Clone, Debug)]
pub(in crate::disk) struct SplitMix64(u64);

impl SplitMix64 {
    /// The numbers that follow from a seed.
    pub(in crate::disk) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The numbers of one rule of a plan: rules draw apart, so one rule more, or less, leaves the others' numbers as
    /// they were.
    pub(super) fn of_rule(seed: u64, place: u64) -> Self {
        Self::new(Self::new(seed).next() ^ Self::new(place).next())
    }

    /// The next number.
    pub(in crate::disk) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// `true` with probability `p`: the upper 32 bits, as a fraction, against it.
    pub(super) fn happens(&mut self, p: Probability) -> bool {
        let fraction = self.next() >> 32;
        (fraction * u64::from(Probability::ONE)) >> 32 < p.billionths().into()
    }
}
