//! The host's monotonic clock, for the parallel executor and for figures a person reads.
//!
//! The deterministic executor never looks at it. It is the only file of the crate that may.

use std::time::{Duration, Instant};

/// A stopwatch started at power-on.
#[derive(Clone, Copy, Debug)]
pub struct HostClock(Instant);

impl HostClock {
    /// Starts it.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the host's clock")]
    pub fn start() -> HostClock {
        HostClock(Instant::now())
    }

    /// Time since the start.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    /// Nanoseconds since the start.
    #[must_use]
    pub fn ns(&self) -> u64 {
        // Centuries fit; a product of 128 bits, which `as_nanos` makes, costs more than the reading.
        let elapsed = self.elapsed();
        elapsed.as_secs() * 1_000_000_000 + u64::from(elapsed.subsec_nanos())
    }
}
