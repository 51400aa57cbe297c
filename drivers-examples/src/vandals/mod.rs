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
//! | [`memory`] | reads or writes a freed block | bug check 0xD5 |
//! | | frees a block twice | bug check 0xC4 |
//! | | reads or writes past the end of a block | bug check 0xD6 |
//! | [`descriptors`] | walks past a descriptor of length 0 | livelock |
//! | | reads a page to where it says that it ends | bug check 0xD6 |
//! | `miniport` of the exhibits | uses a request that it has completed | `REQUEST_TOUCHED_AFTER_COMPLETION` |
//! | | writes over what the system keeps behind a sense buffer | bug check 0xD6 |
//! | [`global`] | counts in a global | not repeatable, said with the summary |
//! | [`stall`] | keeps its processor busy for 100 ms under a spin lock | check StallAtRaisedIrql |
//! | [`irql_left_raised`] | returns from a thread at DISPATCH_LEVEL | bug check 0xC8 |
//! | [`lock_never_initialised`] | takes a spin lock that it never initialised | `OBJECT_MISUSED` |
//! | [`lock_freed_held`] | frees memory with a spin lock that it holds | `OBJECT_MISUSED` |
//! | [`timer_initialised_armed`] | initialises a timer that is armed | `OBJECT_MISUSED` |
//! | [`dpc_of_freed_memory`] | frees a DPC that is queued elsewhere | bug check 0xC7 |
//! | [`shared_queue_handle`] | uses one lock handle on two processors | `OBJECT_MISUSED` |
//! | [`shared_wait_blocks`] | waits on two processors with one array of wait blocks | `OBJECT_MISUSED` |

pub mod allocates;
pub mod descriptors;
pub mod divide_by_zero;
pub mod dpc_of_freed_memory;
pub mod execute_data;
pub mod global;
pub mod host_mutex;
pub mod illegal_instruction;
pub mod irql_left_raised;
pub mod lock_freed_held;
pub mod lock_never_initialised;
pub mod memory;
pub mod null_read;
pub mod panic_in_drop;
pub mod shared_queue_handle;
pub mod shared_wait_blocks;
pub mod spin;
pub mod stack_overflow;
pub mod stall;
pub mod timer_initialised_armed;
pub mod wild_write;

use crate::VANDAL_SOURCES;
use verifier::driver::{Driver, Expects, Kind};

/// Descriptors of vandals. The row
///
/// ```text
/// NULL_READ = "vandal-null-read" on 2, Stops("PAGE_FAULT_IN_NONPAGED_AREA"), null_read::run, "reads NULL";
/// ```
///
/// of the models becomes `pub static NULL_READ: Driver`, of kind [`Kind::Model`], and an entry of `ALL`; one
/// of the miniports has an entry point instead.
macro_rules! vandals {
    (models { $($id:ident = $name:literal on $cpus:literal, $expects:expr, $run:path, $summary:literal;)+ }
        miniports { $($mid:ident = $mname:literal, $mexpects:expr, $entry:path, $msummary:literal;)+ }) => {
        $(
            #[doc = $summary]
            pub static $id: Driver = Driver {
                name: $name,
                aliases: &[],
                summary: $summary,
                expects: { use Expects::*; $expects },
                kind: Kind::Model { cpus: $cpus, run: &$run },
                cancels: false,
                reads_registry: false,
                image: None,
                sources: VANDAL_SOURCES,
            };
        )+

        $(
            #[doc = $msummary]
            pub static $mid: Driver = Driver {
                name: $mname,
                aliases: &[],
                summary: $msummary,
                expects: { use Expects::*; $mexpects },
                kind: Kind::VirtualMiniport { entry: Some($entry) },
                cancels: false,
                reads_registry: false,
                image: None,
                sources: crate::exhibits::SOURCES,
            };
        )+

        /// Every vandal.
        pub const ALL: &[&Driver] = &[$(&$id),+, $(&$mid),+];
    };
}

vandals! {
    models {
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
        FREED_READ = "vandal-freed-read" on 2, MayStop("DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL"), memory::freed_read, "reads a block in a DPC that may be freed by then";
        FREED_READ_NEAR_MISS = "vandal-freed-read-near-miss" on 2, Clean, memory::freed_read_near_miss, "reads a block in a DPC, and frees it then";
        FREED_WRITE = "vandal-freed-write" on 2, MayStop("DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL"), memory::freed_write, "writes a block in a DPC that may be freed by then";
        FREED_WRITE_NEAR_MISS = "vandal-freed-write-near-miss" on 2, Clean, memory::freed_write_near_miss, "writes a block in a DPC, and frees it then";
        DOUBLE_FREE = "vandal-double-free" on 1, Stops("DRIVER_VERIFIER_DETECTED_VIOLATION"), memory::double_free, "frees a block twice";
        DOUBLE_FREE_NEAR_MISS = "vandal-double-free-near-miss" on 1, Clean, memory::double_free_near_miss, "frees a block once";
        OVERRUN_READ = "vandal-overrun-read" on 1, MayStop("DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION"), memory::overrun_read, "reads the byte behind a block";
        OVERRUN_READ_NEAR_MISS = "vandal-overrun-read-near-miss" on 1, Clean, memory::overrun_read_near_miss, "reads the last byte of a block";
        OVERRUN_WRITE = "vandal-overrun-write" on 1, Stops("DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION"), memory::overrun_write, "writes the byte behind a block";
        OVERRUN_WRITE_NEAR_MISS = "vandal-overrun-write-near-miss" on 1, Clean, memory::overrun_write_near_miss, "writes the last byte of a block";
        HOST_MUTEX_AND_LOCK = "vandal-host-mutex-and-lock" on 2, Stops("runaway"), host_mutex::with_lock, "takes a std::sync::Mutex and a spin lock in two orders";
        GLOBAL = "vandal-global" on 1, Clean, global::run, "counts its runs in a global, so that no two are alike";
        STALL = "vandal-stall" on 1, Breaks("StallAtRaisedIrql"), stall::run, "keeps its processor busy for 100 ms under a spin lock";
        STALL_NEAR_MISS = "vandal-stall-near-miss" on 1, Clean, stall::near_miss, "waits before it takes the spin lock";
        IRQL_LEFT_RAISED = "vandal-irql-left-raised" on 1, Stops("IRQL_UNEXPECTED_VALUE"), irql_left_raised::run, "returns from a thread at DISPATCH_LEVEL";
        IRQL_LEFT_RAISED_NEAR_MISS = "vandal-irql-left-raised-near-miss" on 1, Clean, irql_left_raised::near_miss, "lowers the IRQL on every way out of its thread";
        LOCK_NEVER_INITIALISED = "vandal-lock-never-initialised" on 1, Stops("OBJECT_MISUSED"), lock_never_initialised::run, "takes a spin lock that it never initialised";
        LOCK_NEVER_INITIALISED_NEAR_MISS = "vandal-lock-never-initialised-near-miss" on 1, Clean, lock_never_initialised::near_miss, "initialises its spin lock";
        LOCK_FREED_HELD = "vandal-lock-freed-held" on 1, Stops("OBJECT_MISUSED"), lock_freed_held::run, "frees memory with a spin lock that it holds";
        LOCK_FREED_HELD_NEAR_MISS = "vandal-lock-freed-held-near-miss" on 1, Clean, lock_freed_held::near_miss, "gives its spin lock back before it frees it";
        TIMER_INITIALISED_ARMED = "vandal-timer-initialised-armed" on 1, Stops("OBJECT_MISUSED"), timer_initialised_armed::run, "initialises a timer that is armed";
        TIMER_INITIALISED_ARMED_NEAR_MISS = "vandal-timer-initialised-armed-near-miss" on 1, Clean, timer_initialised_armed::near_miss, "cancels its timer before it initialises it again";
        DPC_OF_FREED_MEMORY = "vandal-dpc-of-freed-memory" on 2, MayStop("TIMER_OR_DPC_INVALID"), dpc_of_freed_memory::run, "frees a DPC that is queued elsewhere";
        DPC_OF_FREED_MEMORY_NEAR_MISS = "vandal-dpc-of-freed-memory-near-miss" on 2, Clean, dpc_of_freed_memory::near_miss, "flushes the DPC queues before it frees a DPC";
        SHARED_QUEUE_HANDLE = "vandal-shared-queue-handle" on 2, MayStop("OBJECT_MISUSED"), shared_queue_handle::run, "uses one lock handle on two processors";
        SHARED_QUEUE_HANDLE_NEAR_MISS = "vandal-shared-queue-handle-near-miss" on 2, Clean, shared_queue_handle::near_miss, "uses a lock handle of its own on each processor";
        SHARED_WAIT_BLOCKS = "vandal-shared-wait-blocks" on 2, MayStop("OBJECT_MISUSED"), shared_wait_blocks::run, "waits on two processors with one array of wait blocks";
        SHARED_WAIT_BLOCKS_NEAR_MISS = "vandal-shared-wait-blocks-near-miss" on 2, Clean, shared_wait_blocks::near_miss, "waits with an array of wait blocks of its own on each processor";
        DESCRIPTOR_OF_NOTHING = "vandal-descriptor-of-nothing" on 2, MayStop("livelock"), descriptors::of_nothing, "walks the descriptors of a page in a DPC, also past one of length 0";
        DESCRIPTOR_OF_NOTHING_NEAR_MISS = "vandal-descriptor-of-nothing-near-miss" on 2, Clean, descriptors::of_nothing_near_miss, "walks the descriptors of a page in a DPC, up to one of length 0";
        LENGTH_BELIEVED = "vandal-length-believed" on 2, MayStop("DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION"), descriptors::believed, "reads a page to where it says that it ends";
        LENGTH_BELIEVED_NEAR_MISS = "vandal-length-believed-near-miss" on 2, Clean, descriptors::believed_near_miss, "reads a page to where it was filled in";
    }
    miniports {
        SRB_WRITTEN = "vandal-srb-written", MayStop("REQUEST_TOUCHED_AFTER_COMPLETION"), crate::exhibits::miniport::writes_completed, "writes the status of an SRB after it has completed it";
        SRB_WRITTEN_NEAR_MISS = "vandal-srb-written-near-miss", Clean, crate::exhibits::miniport::writes_uncompleted, "writes the status of an SRB twice, and completes it then";
        EXTENSION_USED = "vandal-srb-extension-used", MayStop("REQUEST_TOUCHED_AFTER_COMPLETION"), crate::exhibits::miniport::counts_after, "counts in the SRB extension after it has completed the SRB";
        DATA_WRITTEN = "vandal-data-written", MayStop("REQUEST_TOUCHED_AFTER_COMPLETION"), crate::exhibits::miniport::data_after, "writes the data buffer of an SRB after it has completed it";
        DATA_WRITTEN_NEAR_MISS = "vandal-data-written-near-miss", Clean, crate::exhibits::miniport::data_before, "writes the data buffer of an SRB, and completes it then";
        SENSE_WRITTEN = "vandal-sense-written", MayStop("REQUEST_TOUCHED_AFTER_COMPLETION"), crate::exhibits::miniport::sense_after, "writes the sense buffer of an SRB after it has completed it";
        SENSE_WRITTEN_NEAR_MISS = "vandal-sense-written-near-miss", Clean, crate::exhibits::miniport::sense_before, "writes the sense buffer of an SRB, and completes it then";
        SENSE_OVERRUN = "vandal-sense-overrun", MayStop("DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION"), crate::exhibits::miniport::sense_overrun, "writes over what the system keeps behind the sense buffer of an SRB";
        SENSE_OVERRUN_NEAR_MISS = "vandal-sense-overrun-near-miss", Clean, crate::exhibits::miniport::sense_filled, "writes the sense buffer of an SRB to its end";
        EXTENSION_USED_NEAR_MISS = "vandal-srb-extension-used-near-miss", Clean, crate::exhibits::miniport::counts_before, "counts in the SRB extension, and completes the SRB then";
    }
}
