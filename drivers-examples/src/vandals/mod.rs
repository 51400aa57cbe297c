//! Vandals: what a driver does on its first day, each in its smallest form.
//!
//! None of them can be run on hardware without taking the system along, and here none may take the tool
//! along: each ends in a finding with the line that did it, in both executors, and the next seed or driver
//! is run after it. The invariant of this directory: **a vandal makes one mistake**, and its page says which.
//!
//! | vandal | what it does | ends in |
//! | --- | --- | --- |
//! | [`null_read`] | reads through a NULL pointer | bug check 0x50 |

pub mod null_read;

use crate::VANDAL_SOURCES;
use verifier::driver::{Driver, Expects, Kind};

/// Descriptors of vandals. The row
///
/// ```text
/// NULL_READ = "vandal-null-read" on 2, "PAGE_FAULT_IN_NONPAGED_AREA", null_read::run, "reads through NULL";
/// ```
///
/// becomes `pub static NULL_READ: Driver`, of kind [`Kind::Model`], and an entry of `ALL`.
macro_rules! vandals {
    ($($id:ident = $name:literal on $cpus:literal, $stop:literal, $run:path, $summary:literal;)+) => {
        $(
            #[doc = $summary]
            pub static $id: Driver = Driver {
                name: $name,
                aliases: &[],
                summary: $summary,
                expects: Expects::Stops($stop),
                kind: Kind::Model { cpus: $cpus, run: &$run },
                cancels: false,
                sources: VANDAL_SOURCES,
            };
        )+

        /// Every vandal.
        pub static ALL: &[&Driver] = &[$(&$id),+];
    };
}

vandals! {
    NULL_READ = "vandal-null-read" on 2, "PAGE_FAULT_IN_NONPAGED_AREA", null_read::run, "reads through a NULL pointer";
}
