//! Faults by plan: which commands fail, how, and which of these faults the disk shows by itself.
//!
//! A [`FaultPlan`] is data: rules, read from one line of text and written back the same. A [`FaultInjector`]
//! is a plan at work: it counts commands, draws from its seed, and says of each command which fault it meets.
//! Given to a [`Target`](super::Target) it is asked before every command; without one a command pays one
//! branch.
//!
//! Faults that a disk can show (a medium error, an aborted command, BUSY, TASK SET FULL, a unit attention, a
//! short transfer, sense that makes no sense) are answers, and the target gives them. Faults of what carries
//! the answer (a completion that is dropped, late or delivered twice, an adapter that hangs, loses its memory
//! or is pulled out) it can only announce: the [`Disposition`] beside the completion says what the host
//! adapter is to do.
//!
//! The injector is not a schedule: it never reads a clock, and *when* a late completion comes is the
//! adapter's to arrange. The invariant: the same plan, the same seed and the same commands in the same order
//! meet the same faults, and a rule counts and draws for itself, so that one rule more changes nothing about
//! the others.
//!
//! # The specification
//!
//! ```text
//! plan    = [ rule *( ";" rule ) ]                    empty: no faults
//! rule    = kind [ ":" setting *( "," setting ) ]
//!         | "all" [ ":" setting *( "," setting ) ]    every kind but "removal"; "all" is "all:p=0.01"
//!         | "answers" [ ":" setting *( "," setting ) ]  the same of the kinds that end a command, and once
//! kind    = "medium-error" | "aborted" | "busy" | "task-set-full" | "unit-attention" | "short" | "bad-sense"
//!         | "dropped" | "late" | "duplicate" | "hung" | "removal" | "allocation"
//! setting = name "=" value                            one of SETTINGS, which says what each means
//! class   = "read" | "write" | "flush" | "other"
//! command = as the standard calls it, in small letters and hyphens: "read-10", "test-unit-ready"
//! NUMBER  = decimal digits, or "0x" and hexadecimal ones
//! ```
//!
//! The settings ([`SETTINGS`]) restrict each other: all must hold. Each may be given once, in any order;
//! blanks around parts do not count. Without `every` and `p` every command that matches meets the fault.
//! Where several rules would strike the same command, the first of the plan does, and the others have counted
//! it.
//!
//! A kind narrows its commands by itself where it would make no sense otherwise: `medium-error` needs a
//! command that names blocks, or a flush of all of them; `short` one that moves them; `unit-attention` one
//! that reports unit attentions. UNMAP names its blocks in its data, where no rule looks: it has none as far
//! as rules are concerned. So has a command about blocks that the disk does not have, which says that itself.
//!
//! `allocation` alone is about a command: the adapter finds no memory for it. With `site` or `when` it is
//! about the machine's pool. With `site`, what the driver allocates at that line fails, or anywhere in that
//! file without a line; the file is its path or the end of it, in whole parts (`ramdisk/outstanding.rs:110`).
//! With `when`, what it allocates while it starts, while it has requests, or while it is removed and
//! unloaded. It goes with `after`, `every`, `p` and `times`, which count allocations then, and not with what
//! restricts commands. Such rules do not look at commands and commands not at them, so they are a list of
//! their own ([`FaultPlan::allocations`], written last), and the code that builds the machine gives them to
//! it: [`FaultPlan::allocation_policy`].
//!
//! ```
//! use storport_sim::disk::fault::{FaultPlan, SharedPhase};
//!
//! let plan = "medium-error:every=100; busy:p=0.01; aborted:lba=100..200,op=write";
//! let plan: FaultPlan = plan.parse().unwrap();
//! assert_eq!(plan.to_string(), "medium-error:every=100;busy:p=0.01;aborted:op=write,lba=100..200");
//! let pool: FaultPlan = "allocation:site=ramdisk/outstanding.rs:110,every=3".parse().unwrap();
//! assert!(pool.rules.is_empty() && pool.allocation_policy(1, &SharedPhase::default()).is_some());
//! let wrong = "busy:p=1.5".parse::<FaultPlan>().unwrap_err();
//! assert_eq!(wrong.to_string(), r#"fault plan: "busy:p=1.5": p=1.5 is not a probability from 0 to 1"#);
//! ```

mod allocation;
mod apply;
mod injector;
mod plan;
mod random;
mod spec;
mod subject;

use parking_lot::Mutex;
use std::sync::Arc;

pub use allocation::{AllocationCount, AllocationFaults, AllocationRule, CallSite, Phase, SharedPhase};
pub use injector::{FaultCount, FaultInjector, InjectedFault};
pub use plan::{FaultKind, FaultPlan, FaultRule, LbaRange, Pace, Probability};
pub use spec::{FaultPlanError, SETTINGS, Setting};
pub use subject::{OpClass, OpSelector, Subject};

/// The page that says who deals with each fault and event, and whose behaviour that follows: `FAULTS.md`.
pub const FAULTS_PAGE: &str = include_str!("../../../FAULTS.md");

/// A plan at work, where more than one party looks at it: a device, and the rig that counts.
pub type SharedFaults = Arc<Mutex<FaultInjector>>;

/// What a host adapter is to do with a completion.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Disposition {
    /// Deliver it, as if nothing were wrong.
    #[default]
    Deliver,
    /// Never deliver it. The command was executed.
    Drop,
    /// Deliver it later than it would be.
    Late {
        /// How much later, in microseconds of machine time.
        delay_us: u64,
    },
    /// Deliver it twice.
    Duplicate,
    /// Stop: deliver neither this one nor any other until the adapter is reset. The command was not executed.
    HungAdapter,
    /// The device is gone, with everything in flight. The command was not executed.
    SurpriseRemoval,
    /// The adapter found no memory for the command. It was not executed.
    AllocationFailure,
}
