//! What to send: fio's words.

use serde::{Deserialize, Serialize};

/// The largest request, in bytes.
pub const BLOCK_BYTES_MAX: u32 = 1 << 20;

/// The most requests outstanding at once.
pub const DEPTH_MAX: u32 = 4096;

/// Which requests, in which order.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Sequential reads.
    Read,
    /// Sequential writes.
    Write,
    /// Reads at random offsets.
    RandRead,
    /// Writes at random offsets.
    RandWrite,
    /// Reads and writes at random offsets, half and half.
    RandRw,
}

impl Mode {
    /// fio's word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Mode::Read => "read",
            Mode::Write => "write",
            Mode::RandRead => "randread",
            Mode::RandWrite => "randwrite",
            Mode::RandRw => "randrw",
        }
    }

    /// Whether it only reads.
    #[must_use]
    pub fn only_reads(self) -> bool {
        matches!(self, Mode::Read | Mode::RandRead)
    }
}

/// How much.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Amount {
    /// This many requests.
    Ios(u64),
    /// Every block once (sequential modes).
    Once,
    /// For this long, in nanoseconds of machine time.
    TimeNs(u64),
}

/// The workload of one run.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Options {
    /// Which requests.
    pub mode: Mode,
    /// How many.
    pub amount: Amount,
    /// Bytes of each request: a multiple of 512.
    pub block_bytes: u32,
    /// Requests outstanding at once, over all jobs.
    pub depth: u32,
    /// A flush after this many writes; 0 for none.
    pub flush_every: u32,
    /// One in this many reads is cancelled right after it was sent; 0 for none.
    pub cancel_every: u32,
    /// One service request after this many requests, where the driver takes them; 0 for none.
    pub service_every: u32,
    /// Where the operations come from.
    pub seed: u64,
    /// Whether the disk's initial contents are zero, so that blocks never written can be checked.
    pub zeroed: bool,
}

impl Options {
    /// No I/O to speak of: for programs to which none is sent.
    pub const NONE: Options = Options {
        mode: Mode::RandRw,
        amount: Amount::Ios(1),
        block_bytes: 512,
        depth: 1,
        flush_every: 0,
        cancel_every: 0,
        service_every: 0,
        seed: 1,
        zeroed: true,
    };

    /// How many jobs: one per processor, but none without a request to keep outstanding, and only
    /// one where the order of the data matters (sequential reads, whose digest is taken).
    #[must_use]
    pub fn jobs(&self, processors: u8, disk_bytes: u64) -> u32 {
        let blocks = disk_bytes / u64::from(self.block_bytes);
        if self.mode == Mode::Read {
            return 1;
        }
        u32::from(processors).min(self.depth).min(u32::try_from(blocks).unwrap_or(u32::MAX)).max(1)
    }
}
