//! What a run measured: counts, bytes, latencies, a digest.

use hdrhistogram::Histogram;
use parking_lot::Mutex;
use std::ops::{Deref, DerefMut};

/// Measurements of one run.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// Reads completed.
    pub reads: u64,
    /// Writes completed.
    pub writes: u64,
    /// Flushes completed.
    pub flushes: u64,
    /// Trims completed.
    pub trims: u64,
    /// Requests that ended with an error they may end with: a fault of the plan, or a device that is gone.
    pub failed: u64,
    /// Requests that ended as cancelled.
    pub cancelled: u64,
    /// Service requests completed.
    pub services: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// Bytes written.
    pub bytes_written: u64,
    /// Bytes trimmed.
    pub bytes_trimmed: u64,
    /// Sectors compared with what they should hold.
    pub sectors_verified: u64,
    /// Latency of reads and writes: nanoseconds in the parallel executor, steps in the
    /// deterministic one, where machine time stands still while processors work.
    pub latency: Histogram<u64>,
    /// SHA-256 of everything a sequential read read, in order.
    pub digest: Option<[u8; 32]>,
}

impl Statistics {
    /// No measurements.
    ///
    /// # Panics
    /// Never: the histogram's bounds are constants.
    #[must_use]
    pub fn new() -> Statistics {
        Statistics::over(Histogram::new(2).expect("two significant digits are supported"))
    }

    /// No measurements, and none to come: a run without I/O. It spares the room for latencies, a
    /// tenth of a microsecond.
    ///
    /// # Panics
    /// Never: the histogram's bounds are constants.
    #[must_use]
    pub fn none() -> Statistics {
        Statistics::over(Histogram::new_with_bounds(1, 2, 0).expect("the smallest histogram there is"))
    }

    fn over(latency: Histogram<u64>) -> Statistics {
        Statistics {
            reads: 0,
            writes: 0,
            flushes: 0,
            trims: 0,
            failed: 0,
            cancelled: 0,
            services: 0,
            bytes_read: 0,
            bytes_written: 0,
            bytes_trimmed: 0,
            sectors_verified: 0,
            latency,
            digest: None,
        }
    }

    /// Adds another job's.
    pub fn add(&mut self, other: &Statistics) {
        self.reads += other.reads;
        self.writes += other.writes;
        self.flushes += other.flushes;
        self.trims += other.trims;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.services += other.services;
        self.bytes_read += other.bytes_read;
        self.bytes_written += other.bytes_written;
        self.bytes_trimmed += other.bytes_trimmed;
        self.sectors_verified += other.sectors_verified;
        // Cannot fail: both histograms grow as needed.
        let _ = self.latency.add(&other.latency);
        self.digest = self.digest.or(other.digest);
    }

    /// All requests but service requests.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.reads + self.writes + self.flushes + self.trims + self.failed + self.cancelled
    }
}

/// What one job measures; handed in when it ends, however it ends.
pub(super) struct OfJob<'a> {
    own: Statistics,
    sum: &'a Mutex<Statistics>,
}

impl OfJob<'_> {
    pub(super) fn new(sum: &Mutex<Statistics>) -> OfJob<'_> {
        OfJob { own: Statistics::new(), sum }
    }
}

impl Deref for OfJob<'_> {
    type Target = Statistics;

    fn deref(&self) -> &Statistics {
        &self.own
    }
}

impl DerefMut for OfJob<'_> {
    fn deref_mut(&mut self) -> &mut Statistics {
        &mut self.own
    }
}

impl Drop for OfJob<'_> {
    fn drop(&mut self) {
        self.sum.lock().add(&self.own);
    }
}

impl Default for Statistics {
    fn default() -> Self {
        Statistics::new()
    }
}
