//! SplitMix64: the one generator behind every seed.
//!
//! The generator of Steele, Lea and Flood ("Fast splittable pseudorandom number generators", 2014): a counter
//! that grows by a constant, mixed. It is written out here so that a seed means the same numbers in every
//! release. It is not the place that decides what is drawn: that is [`choose`](crate::choose) and the users
//! of seeds above this crate. Invariant: the numbers depend on the start value alone; changing them changes
//! every trace hash.

/// The increment of the counter: 2^64 divided by the golden ratio.
pub const INCREMENT: u64 = 0x9E37_79B9_7F4A_7C15;

/// Numbers that follow from a start value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SplitMix64(u64);

impl SplitMix64 {
    /// The numbers that follow from this value of the counter.
    #[must_use]
    #[inline(always)]
    pub const fn new(counter: u64) -> SplitMix64 {
        SplitMix64(counter)
    }

    /// The next number.
    #[inline(always)]
    pub const fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(INCREMENT);
        mix(self.0)
    }

    /// A number below `n`; 0 if `n` is 0. It is the high half of a 32x32 product, which is unbiased enough
    /// for `n` up to a few hundred.
    #[inline(always)]
    pub const fn below(&mut self, n: u32) -> u32 {
        (((self.next_u64() >> 32) * n as u64) >> 32) as u32
    }

    /// A number below `n`; 0 if `n` is 0. It is the high half of a 64x64 product: for bounds that may be
    /// large.
    #[inline]
    pub const fn below_u64(&mut self, n: u64) -> u64 {
        ((self.next_u64() as u128 * n as u128) >> 64) as u64
    }
}

/// Mixes a number: different inputs give different outputs, and neighbours have nothing in common.
#[must_use]
#[inline(always)]
pub const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published C program prints these for the seed 1234567.
    #[test]
    fn it_gives_the_published_numbers() {
        let mut numbers = SplitMix64::new(1_234_567);
        let first: [u64; 5] = std::array::from_fn(|_| numbers.next_u64());
        assert_eq!(
            first,
            [
                6_457_827_717_110_365_317,
                3_203_168_211_198_807_973,
                9_817_491_932_198_370_423,
                4_593_380_528_125_082_431,
                16_408_922_859_458_223_821,
            ]
        );
    }

    #[test]
    fn a_bound_is_never_reached() {
        let mut numbers = SplitMix64::new(7);
        for n in 1..200 {
            assert!(numbers.below(n) < n && numbers.below_u64(u64::from(n)) < u64::from(n));
        }
        assert_eq!((numbers.below(0), numbers.below_u64(0)), (0, 0));
    }
}
