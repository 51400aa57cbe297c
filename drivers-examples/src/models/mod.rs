//! Models: the locking of a driver without the driver, small enough to explore to the end.
//!
//! Each is a program that a machine runs by itself, without a disk and without requests sent to it. Each is
//! named by what it does; the short names that schedule explorers' test programs have (`w1`, `3x3`) are their
//! aliases. None drives anything a user would own. The invariant of this directory: **a model does nothing
//! but what its page says**, so its schedules can be counted.
//!
//! Every racy one has a near miss beside it, in the same file: the same program with the mistake
//! mended, which fails under no schedule.
//!
//! | model | what it is | ends in |
//! | --- | --- | --- |
//! | [`critical_sections`] | a few processors, a few critical sections each | clean |
//! | [`test_and_set`] | a lock written by hand | clean |
//! | [`lock_order`] | two locks in two orders: plain, buried, skewed | deadlock, under some schedules |
//! | [`cancel_race`] | a request completed and cancelled at once | bug check, under some schedules |
//! | [`isr_dpc`] | a DPC changes what its service routine changes | bug check, under some schedules |
//! | [`timer_remove`] | memory freed under a timer's DPC | bug check, under some schedules |
//! | [`spins_on_register`] | polls for a bit that never comes | livelock |
//! | [`isr_never_returns`] | the same in its interrupt service routine | livelock |
//! | [`deadlocks_on_itself`] | takes a spin lock twice | bug check |
//! | [`panics`] | a Rust panic in a DPC | bug check |

pub(crate) mod bell;
pub mod cancel_race;
pub mod critical_sections;
pub mod deadlocks_on_itself;
pub mod isr_dpc;
pub mod isr_never_returns;
pub mod lock_order;
pub mod panics;
pub mod spins_on_register;
pub mod test_and_set;
pub mod timer_remove;

use crate::MODEL_SOURCES;
use verifier::driver::{Driver, Expects, Kind};

/// Descriptors of models. The row
///
/// ```text
/// TEST_AND_SET = "test-and-set" also "w4" on 2, Clean, test_and_set::run, "a lock written by hand";
/// ```
///
/// becomes `pub static TEST_AND_SET: Driver`, of kind [`Kind::Model`], that is found as `w4` too.
macro_rules! models {
    ($($id:ident = $name:literal $(also $alias:literal)? on $cpus:literal, $expects:expr, $run:path, $summary:literal;)+) => {$(
        #[doc = $summary]
        pub static $id: Driver = Driver {
            name: $name,
            aliases: &[$($alias)?],
            summary: $summary,
            expects: { use Expects::*; $expects },
            kind: Kind::Model { cpus: $cpus, run: &$run },
            cancels: false,
            reads_registry: false,
            image: None,
            sources: MODEL_SOURCES,
        };
    )+};
}

models! {
    ONE_LOCK_2X3 = "one-lock-2x3" also "w1" on 2, Clean, critical_sections::two_by_three, "2 CPUs, 3 critical sections each, one lock";
    ONE_LOCK_3X2 = "one-lock-3x2" also "w2" on 3, Clean, critical_sections::three_by_two, "3 CPUs, 2 critical sections each, one lock";
    ONE_LOCK_2X6 = "one-lock-2x6" also "2x6" on 2, Clean, critical_sections::two_by_six, "2 CPUs, 6 critical sections each, one lock";
    ONE_LOCK_3X3 = "one-lock-3x3" also "3x3" on 3, Clean, critical_sections::three_by_three, "3 CPUs, 3 critical sections each, one lock";
    TEST_AND_SET = "test-and-set" also "w4" on 2, Clean, test_and_set::run, "2 CPUs, 2 critical sections each, a test-and-set lock written by hand";
    ONE_LOCK_4X200 = "one-lock-4x200" also "w5" on 4, Clean, critical_sections::four_by_two_hundred, "4 CPUs, 200 critical sections each, one lock";
    LOCK_EACH_4X200 = "lock-each-4x200" also "w5i" on 4, Clean, critical_sections::a_lock_each, "4 CPUs, 200 critical sections each, a lock each";
    LOCK_ORDER = "lock-order" also "w3a" on 2, MayStop("deadlock"), lock_order::plain_inverted, "2 CPUs take two locks in two orders";
    LOCK_ORDER_KEPT = "lock-order-kept" also "w3a-ordered" on 2, Clean, lock_order::plain_kept, "lock-order with one order kept";
    CANCEL_RACE = "cancel-race" also "w3b" on 2, MayStop("MULTIPLE_IRP_COMPLETE_REQUESTS"), cancel_race::race,
        "a request is completed on one CPU while the other cancels it";
    CANCEL_RACE_LOCKED = "cancel-race-locked" also "w3b-locked" on 2, Clean, cancel_race::locked, "cancel-race, decided under a lock";
    LOCK_ORDER_BURIED = "lock-order-buried" also "w3c" on 4, MayStop("deadlock"), lock_order::buried_inverted, "lock-order among 4 CPUs that take another lock 50 times each";
    LOCK_ORDER_BURIED_KEPT = "lock-order-buried-kept" also "w3c-ordered" on 4, Clean, lock_order::buried_kept, "lock-order-buried with one order kept";
    LOCK_ORDER_SKEWED = "lock-order-skewed" also "w3d" on 2, MayStop("deadlock"), lock_order::skewed_inverted, "lock-order, one side at once, the other after 20 critical sections";
    LOCK_ORDER_SKEWED_KEPT = "lock-order-skewed-kept" also "w3d-ordered" on 2, Clean, lock_order::skewed_kept, "lock-order-skewed with one order kept";
    ISR_DPC_RACE = "isr-dpc-race" on 1, MayStop("KMODE_EXCEPTION_NOT_HANDLED"), isr_dpc::race,
        "a DPC changes a field of its interrupt service routine's, unsynchronized, on one CPU";
    ISR_DPC_SYNCHRONIZED = "isr-dpc-synchronized" on 1, Clean, isr_dpc::synchronized,
        "isr-dpc-race with KeSynchronizeExecution";
    TIMER_REMOVE_RACE = "timer-remove-race" on 2, MayStop("TIMER_OR_DPC_INVALID"), timer_remove::race,
        "frees memory that a timer's DPC uses, after KeCancelTimer alone";
    TIMER_REMOVE_FLUSHED = "timer-remove-flushed" on 2, Clean, timer_remove::flushed,
        "timer-remove-race with KeFlushQueuedDpcs";
    SPINS_ON_REGISTER = "spins-on-register" on 2, Stops("livelock"), spins_on_register::run,
        "polls a register for ever";
    DEADLOCKS_ON_ITSELF = "deadlocks-on-itself" on 2, Stops("SPIN_LOCK_ALREADY_OWNED"), deadlocks_on_itself::run,
        "takes a spin lock twice";
    ISR_NEVER_RETURNS = "isr-never-returns" on 2, Stops("livelock"), isr_never_returns::run,
        "polls a register in its interrupt service routine, for ever";
    PANICS = "panics" on 2, Stops("KMODE_EXCEPTION_NOT_HANDLED"), panics::run, "a Rust panic in a DPC";
}
