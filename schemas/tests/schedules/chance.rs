//! Numbers that look random and are the same in every run.

/// Xorshift; the seed must not be 0.
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    /// From 0 to below a number above 0.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        u32::try_from((self.0 >> 11) % u64::from(end)).expect("below a number of 32 bits")
    }
}
