//! A strategy's random numbers: SplitMix64, written out so that a seed means the same choices in every
//! release.

/// Numbers that follow from a seed.
#[derive(Clone, Debug)]
pub(super) struct Dice {
    state: u64,
}

/// Weyl increment of SplitMix64.
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

impl Dice {
    /// The numbers of `seed`, for one purpose: different `salt`s give unrelated numbers.
    #[inline]
    pub(super) fn new(seed: u64, salt: u64) -> Dice {
        let mut dice = Dice { state: seed.wrapping_mul(STEP) ^ salt };
        dice.state ^= dice.next();
        dice
    }

    #[inline]
    pub(super) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `n`, which is not 0.
    #[inline]
    pub(super) fn below(&mut self, n: u32) -> u32 {
        (((self.next() >> 32) * u64::from(n)) >> 32) as u32
    }

    /// True `k` times out of `n`.
    #[inline]
    pub(super) fn chance(&mut self, k: u32, n: u32) -> bool {
        self.below(n) < k
    }
}
