//! Exhibits: for a row of what can be found, the smallest program that it finds, and a near miss.
//!
//! The near miss looks guilty and is not: no row may find anything in it. Nothing here is a driver that a
//! user would copy from. Invariant: **a breaker is found by its row in every run**.

mod locks;
mod miniport;
mod pool;

use kernel_sim::machine::Config;
use verifier::driver::{Driver, Expects, Kind, Source};

const SOURCES: &[Source] = verifier::sources!["mod.rs", "locks.rs", "miniport.rs", "pool.rs"];

/// A row, the breaker that it finds, and the near miss.
pub type Pair = (&'static str, &'static Driver, &'static Driver);

/// A virtual miniport as an exhibit.
macro_rules! miniport {
    ($id:ident, $name:literal, $entry:path, $summary:literal, $expects:expr) => {
        #[doc = $summary]
        pub static $id: Driver = Driver {
            name: $name,
            aliases: &[],
            summary: $summary,
            expects: $expects,
            kind: Kind::VirtualMiniport { entry: Some($entry) },
            cancels: false,
            sources: SOURCES,
        };
    };
}

miniport!(
    STATUS_PENDING,
    "status-pending",
    miniport::status_pending,
    "completes requests that still say SRB_STATUS_PENDING",
    Expects::Stops("SCSI_VERIFIER_DETECTED_VIOLATION")
);
miniport!(
    STATUS_PENDING_FROZEN,
    "status-pending-frozen",
    miniport::status_pending_frozen,
    "completes requests with a flag bit beside their final status",
    Expects::Clean
);
miniport!(
    STOR_PORT_SPIN_LOCK,
    "stor-port-spin-lock",
    miniport::start_io_lock_twice,
    "takes StartIoLock while it holds it",
    Expects::Breaks("StorPortSpinLock")
);
miniport!(
    STOR_PORT_SPIN_LOCK_NEAR_MISS,
    "stor-port-spin-lock-near-miss",
    miniport::start_io_lock_again,
    "takes StartIoLock again, after it gave it back",
    Expects::Clean
);

/// Pairs of miniports.
static MINIPORTS: &[Pair] = &[
    ("StorPortStatusPending", &STATUS_PENDING, &STATUS_PENDING_FROZEN),
    ("StorPortSpinLock", &STOR_PORT_SPIN_LOCK, &STOR_PORT_SPIN_LOCK_NEAR_MISS),
];

/// Every pair.
pub fn pairs() -> impl Iterator<Item = &'static Pair> {
    MINIPORTS.iter().chain(MODELS)
}

/// Descriptors of pairs: a program for the boot thread of one processor that a row finds, and its near miss.
macro_rules! pairs {
    ($($breaker:ident $near_miss:ident = $row:literal: $name:literal, $bad:path, $bad_summary:literal;
       $near:literal, $good:path, $good_summary:literal;)+) => {
        $(pairs!(@one $breaker, $name, $bad, $bad_summary, Expects::Stops($row));
        pairs!(@one $near_miss, $near, $good, $good_summary, Expects::Clean);)+

        /// Pairs of models: the row, the breaker, the near miss.
        static MODELS: &[Pair] = &[$(($row, &$breaker, &$near_miss)),+];
    };
    (@one $id:ident, $name:literal, $body:path, $summary:literal, $expects:expr) => {
        #[doc = $summary]
        pub static $id: Driver = Driver {
            name: $name,
            aliases: &[],
            summary: $summary,
            expects: $expects,
            kind: Kind::Model { cpus: 1, run: &|config: Config| config.run(|| $body()) },
            cancels: false,
            sources: SOURCES,
        };
    };
}

pairs! {
    SPIN_LOCK_ALREADY_OWNED SPIN_LOCK_ALREADY_OWNED_NEAR_MISS = "SPIN_LOCK_ALREADY_OWNED":
        "spin-lock-already-owned", locks::twice, "takes a spin lock that it holds";
        "spin-lock-already-owned-near-miss", locks::again, "takes a spin lock again, after it gave it back";
    BAD_POOL_CALLER BAD_POOL_CALLER_NEAR_MISS = "BAD_POOL_CALLER":
        "bad-pool-caller", pool::other_tag, "frees a block under another tag than it was allocated with";
        "bad-pool-caller-near-miss", pool::two_tags, "frees two blocks of different tags, each under its own";
    DRIVER_VERIFIER_DETECTED_VIOLATION DRIVER_VERIFIER_DETECTED_VIOLATION_NEAR_MISS =
        "DRIVER_VERIFIER_DETECTED_VIOLATION":
        "driver-verifier-detected-violation", pool::past_end, "writes one byte past the end of a block, and frees it";
        "driver-verifier-detected-violation-near-miss", pool::to_end, "writes the last byte of a block, and frees it";
}
