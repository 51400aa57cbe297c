//! Vandals: what a driver does on its first day, each in its smallest form.
//!
//! None of them can be run on hardware without taking the system along, and here none may take the tool
//! along: each ends in a finding with the line that did it, in both executors, and the next seed or driver
//! is run after it. The invariant of this directory: **a vandal makes one mistake**, and its page says which.
//!
//! | vandal | what it does | ends in |
//! | --- | --- | --- |
//! | [`null_read`] | reads through a NULL pointer | bug check 0x50 |
//! | [`wild_write`] | writes through a wild pointer in a DPC | bug check 0xD1 |
//! | [`stack_overflow`] | recurses without end | bug check 0x7F |
//! | [`illegal_instruction`] | executes what is no instruction | bug check 0x1E |
//! | [`execute_data`] | calls a routine in the pool | bug check 0x50 |
//! | [`divide_by_zero`] | divides by zero, as C does | bug check 0x1E |
//! | [`panic_in_drop`] | panics while a panic unwinds | bug check 0x1E |
//! | [`spin`] | spins on an atomic in a DPC | runaway |
//! | [`host_mutex`] | holds a `std::sync::Mutex` across a call | runaway |
//! | [`allocates`] | allocates without end | runaway |

pub mod allocates;
pub mod divide_by_zero;
pub mod execute_data;
pub mod host_mutex;
pub mod illegal_instruction;
pub mod null_read;
pub mod panic_in_drop;
pub mod spin;
pub mod stack_overflow;
pub mod wild_write;

use crate::VANDAL_SOURCES;
use verifier::driver::{Driver, Expects, Kind};

/// Descriptors of vandals. The row
///
/// ```text
/// NULL_READ = "vandal-null-read" on 2, Stops("PAGE_FAULT_IN_NONPAGED_AREA"), null_read::run, "reads NULL";
/// ```
///
/// becomes `pub static NULL_READ: Driver`, of kind [`Kind::Model`], and an entry of `ALL`.
macro_rules! vandals {
    ($($id:ident = $name:literal on $cpus:literal, $expects:expr, $run:path, $summary:literal;)+) => {
        $(
            #[doc = $summary]
            pub static $id: Driver = Driver {
                name: $name,
                aliases: &[],
                summary: $summary,
                expects: { use Expects::*; $expects },
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
    NULL_READ = "vandal-null-read" on 2, Stops("PAGE_FAULT_IN_NONPAGED_AREA"), null_read::run, "reads through a NULL pointer";
    WILD_WRITE = "vandal-wild-write" on 2, Stops("DRIVER_IRQL_NOT_LESS_OR_EQUAL"), wild_write::run, "writes through a wild pointer in a DPC";
    STACK_OVERFLOW = "vandal-stack-overflow" on 1, Stops("UNEXPECTED_KERNEL_MODE_TRAP"), stack_overflow::run, "recurses without end";
    ILLEGAL_INSTRUCTION = "vandal-illegal-instruction" on 1, Stops("KMODE_EXCEPTION_NOT_HANDLED"), illegal_instruction::run, "executes what is no instruction";
    EXECUTE_DATA = "vandal-execute-data" on 1, Stops("PAGE_FAULT_IN_NONPAGED_AREA"), execute_data::run, "calls a routine in the pool";
    DIVIDE_BY_ZERO = "vandal-divide-by-zero" on 1, Stops("KMODE_EXCEPTION_NOT_HANDLED"), divide_by_zero::run, "divides by zero, as C does";
    PANIC_IN_DROP = "vandal-panic-in-drop" on 1, Stops("KMODE_EXCEPTION_NOT_HANDLED"), panic_in_drop::run, "panics while a panic unwinds";
    SPIN = "vandal-spin" on 2, Stops("runaway"), spin::run, "spins on an atomic in a DPC";
    SPIN_NEAR_MISS = "vandal-spin-near-miss" on 2, Clean, spin::near_miss, "spins on an atomic in a DPC, a million times at most";
    HOST_MUTEX = "vandal-host-mutex" on 2, MayStop("runaway"), host_mutex::run, "holds a std::sync::Mutex across a call";
    ALLOCATES = "vandal-allocates" on 1, Stops("runaway"), allocates::run, "allocates without end";
}
