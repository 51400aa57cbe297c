//! Random numbers of a fault plan, from its seed.
//!
//! Every rule draws on its own ([`kernel_sim::split_mix`]). Invariant: one rule more, or less, leaves the
//! numbers of the others as they were.

use super::Probability;
use kernel_sim::split_mix::SplitMix64;

/// The numbers of the rule at `place` in a plan.
pub(super) fn of_rule(seed: u64, place: u64) -> SplitMix64 {
    SplitMix64::new(SplitMix64::new(seed).next_u64() ^ SplitMix64::new(place).next_u64())
}

/// `true` with probability `p`: the upper 32 bits of the next number, as a fraction, against it.
pub(super) fn happens(numbers: &mut SplitMix64, p: Probability) -> bool {
    let fraction = numbers.next_u64() >> 32;
    (fraction * u64::from(Probability::ONE)) >> 32 < p.billionths().into()
}
