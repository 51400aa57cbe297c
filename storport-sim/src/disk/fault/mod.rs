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
//! The hostile kinds are a device that reports what it should not: lengths, identifiers and statuses out of
//! range, units twice, a capacity that shrinks. They strike from the start of the adapter on, since that is
//! when a device is asked what it is. A driver owes such a device nothing but not to crash, hang or lose a
//! request over it. A lie in data is told by the target (`hostile`), one in the answer by the adapter, whose
//! form it has; and one in registers or identify data is told where
//! [`Target::lies`](super::Target::lies) says so. No lie concerns what another command has under way: a
//! driver could not tell that from the truth.
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
//!         | "all" [ ":" setting *( "," setting ) ]    every kind but "removal", "registry" and the hostile
//!                                                     ones; with
//!                                                     p=0.01 unless it is said
//!         | "answers" [ ":" setting *( "," setting ) ]  the same of the kinds that end a command, and once
//!         | "hostile" [ ":" setting *( "," setting ) ]  the hostile kinds; p=0.01 unless it is said, of the
//!                                                     last three 0.1, 0.1 and 0.02
//! kind    = "medium-error" | "aborted" | "busy" | "task-set-full" | "unit-attention" | "short" | "bad-sense"
//!         | "dropped" | "late" | "duplicate" | "hung" | "removal" | "allocation"
//!         | "long-length" | "stray" | "unknown-status" | "long-sense"    hostile, as the next three
//!         | "repeated-luns" | "shrunk-capacity" | "lying-inquiry"
//!         | "registry"                                about calls of the driver
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
//! `registry` is about what the driver reads from the registry, which finds nothing then; it goes with
//! `site`, `when` and the settings that count, which count reads ([`FaultPlan::registry`]).
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

mod apply;
mod calls;
mod hostile;
mod injector;
mod plan;
mod random;
mod spec;
mod subject;

use parking_lot::Mutex;
use std::sync::Arc;

pub use calls::{CallCount, CallFaults, CallRule, CallSite, Phase, SharedPhase};
pub use injector::{FaultCount, FaultInjector, InjectedFault};
pub use plan::{FaultKind, FaultPlan, FaultRule, LbaRange, Pace, Probability};
pub use spec::{FaultPlanError, SETTINGS, Setting};
pub use subject::{OpClass, OpSelector, Subject};

/// The page that says who deals with each fault and event, and whose behaviour that follows: `FAULTS.md`.
pub const FAULTS_PAGE: &str = include_str!("../../../FAULTS.md");

/// A status byte that no standard has.
pub const UNKNOWN_STATUS: u8 = 0x7E;

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
    /// Deliver it, with more bytes moved than there are.
    LongLength,
    /// Deliver it, and the completion of something that the adapter does not have.
    Stray,
    /// Deliver it with a status that there is not. The command was not executed.
    UnknownStatus,
    /// Deliver it as a failure whose sense data is longer than its buffer. The command was not executed.
    LongSense,
}

impl Disposition {
    /// Whether the completion comes once, now, whatever is told in it.
    #[must_use]
    pub fn is_delivered(self) -> bool {
        matches!(self, Self::Deliver | Self::LongLength | Self::Stray | Self::UnknownStatus | Self::LongSense)
    }
}
