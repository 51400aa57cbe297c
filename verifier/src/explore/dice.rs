//! A strategy's random numbers: those of a seed, for one purpose.
//!
//! The generator is [`kernel_sim::split_mix`]. Invariant: the numbers depend on seed and salt alone.

use kernel_sim::split_mix::{INCREMENT, SplitMix64, mix};

/// Numbers that follow from a seed.
#[derive(Clone, Debug)]
pub(super) struct Dice(SplitMix64);

impl Dice {
    /// The numbers of `seed`, for one purpose: different `salt`s give unrelated numbers.
    #[inline]
    pub(super) fn new(seed: u64, salt: u64) -> Dice {
        let counter = (seed.wrapping_mul(INCREMENT) ^ salt).wrapping_add(INCREMENT);
        Dice(SplitMix64::new(counter ^ mix(counter)))
    }

    #[inline]
    pub(super) fn next(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number below `n`, which is not 0.
    #[inline]
    pub(super) fn below(&mut self, n: u32) -> u32 {
        self.0.below(n)
    }

    /// True `k` times out of `n`.
    #[inline]
    pub(super) fn chance(&mut self, k: u32, n: u32) -> bool {
        self.below(n) < k
    }
}
