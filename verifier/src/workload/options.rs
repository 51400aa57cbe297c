//! The options of a workload, in fio's words: which requests, how many, how large.

use serde::{Deserialize, Serialize};

/// The largest request, in bytes.
pub const BLOCK_BYTES_MAX: u32 = 1 << 20;

/// The most requests outstanding at once.
pub const DEPTH_MAX: u32 = 4096;

/// The most disks the requests go to.
pub const LUNS_MAX: u8 = 64;

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
    /// Sequential trims.
    Trim,
    /// Trims at random offsets.
    RandTrim,
    /// Everything at random offsets: of sixteen requests eight reads, six writes, a trim and a flush.
    Mixed,
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
            Mode::Trim => "trim",
            Mode::RandTrim => "randtrim",
            Mode::Mixed => "mixed",
        }
    }

    /// Whether it only reads.
    #[must_use]
    pub fn only_reads(self) -> bool {
        matches!(self, Mode::Read | Mode::RandRead)
    }
}

impl Mode {
    /// Whether it goes over the disk in order.
    #[must_use]
    pub fn is_sequential(self) -> bool {
        matches!(self, Mode::Read | Mode::Write | Mode::Trim)
    }

    /// Whether it consists of trims, and does nothing with a disk that takes none.
    #[must_use]
    pub fn only_trims(self) -> bool {
        matches!(self, Mode::Trim | Mode::RandTrim)
    }

    /// Whether it trims at all.
    #[must_use]
    pub fn trims(self) -> bool {
        self.only_trims() || self == Mode::Mixed
    }
}

/// Sizes of requests, in bytes: multiples of the smallest, at multiples of it.
///
/// A range is drawn from so that every doubling is as likely as the next: as many requests of 512 to 1023
/// bytes as of 512 KiB to 1 MiB. (fio draws sizes evenly, which makes nearly all of them large.)
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "SizesText", into = "SizesText")]
pub struct Sizes {
    /// The smallest: a multiple of 512.
    pub min: u32,
    /// The largest: a multiple of the smallest.
    pub max: u32,
}

impl Sizes {
    /// One size for all.
    #[must_use]
    pub const fn of(bytes: u32) -> Sizes {
        Sizes { min: bytes, max: bytes }
    }

    /// Whether they are sizes a request can have; why not otherwise.
    ///
    /// # Errors
    /// With a sentence.
    pub fn check(self) -> Result<(), String> {
        if self.min == 0 || !self.min.is_multiple_of(512) || self.max > BLOCK_BYTES_MAX {
            return Err(format!("blocks of {self} bytes; a multiple of 512 up to {BLOCK_BYTES_MAX}"));
        }
        if self.max < self.min || !self.max.is_multiple_of(self.min) {
            return Err(format!("blocks of {self} bytes: the largest is no multiple of the smallest"));
        }
        Ok(())
    }
}

impl From<u32> for Sizes {
    fn from(bytes: u32) -> Sizes {
        Sizes::of(bytes)
    }
}

impl std::fmt::Display for Sizes {
    /// As the flag takes them.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.min == self.max { write!(f, "{}", self.min) } else { write!(f, "{}..{}", self.min, self.max) }
    }
}

/// In a file: one number, or the two ends.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum SizesText {
    One(u32),
    Range([u32; 2]),
}

impl From<SizesText> for Sizes {
    fn from(text: SizesText) -> Sizes {
        match text {
            SizesText::One(bytes) => Sizes::of(bytes),
            SizesText::Range([min, max]) => Sizes { min, max },
        }
    }
}

impl From<Sizes> for SizesText {
    fn from(sizes: Sizes) -> SizesText {
        if sizes.min == sizes.max {
            SizesText::One(sizes.min)
        } else {
            SizesText::Range([sizes.min, sizes.max])
        }
    }
}

/// How much.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Amount {
    /// This many requests.
    Ios(u64),
    /// The whole disk once (sequential modes).
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
    /// Bytes of each request.
    pub block_bytes: Sizes,
    /// Requests outstanding at once, over all jobs.
    pub depth: u32,
    /// A flush after this many writes; 0 for none.
    pub flush_every: u32,
    /// One in this many reads is cancelled right after it was sent; 0 for none.
    pub cancel_every: u32,
    /// One service request after this many requests, where the driver takes them; 0 for none.
    pub service_every: u32,
    /// Disks that the requests go to, as if they were one: from 1 on.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub luns: u8,
    /// Where the operations come from.
    pub seed: u64,
    /// Whether the disk's initial contents are zero, so that blocks never written can be checked.
    pub zeroed: bool,
}

fn one() -> u8 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_one(luns: &u8) -> bool {
    *luns == 1
}

impl Options {
    /// The least I/O there is: for programs to which none is sent.
    pub const NONE: Options = Options {
        mode: Mode::RandRw,
        amount: Amount::Ios(1),
        block_bytes: Sizes::of(512),
        depth: 1,
        flush_every: 0,
        cancel_every: 0,
        service_every: 0,
        luns: 1,
        seed: 1,
        zeroed: true,
    };

    /// How many jobs: one per processor, but none without a request to keep outstanding, and only
    /// one where the order of the data matters (sequential reads, whose digest is taken).
    #[must_use]
    pub fn jobs(&self, processors: u8, disk_bytes: u64) -> u32 {
        let blocks = disk_bytes / u64::from(self.block_bytes.min);
        if self.mode == Mode::Read {
            return 1;
        }
        u32::from(processors).min(self.depth).min(u32::try_from(blocks).unwrap_or(u32::MAX)).max(1)
    }
}
