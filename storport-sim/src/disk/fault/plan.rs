//! A fault plan as a value: rules, and what a rule may say.

use std::num::NonZeroU64;

use serde::{Deserialize, Serialize};

use super::random::happens;
use super::{CallRule, OpSelector};
use crate::scsi::Lun;
use kernel_sim::split_mix::SplitMix64;

/// Declares the kinds of faults: the doc comment of each is also its [`FaultKind::text`].
macro_rules! fault_kinds {
    ($(
        $(#[doc = $doc:literal])+
        $kind:ident $({ $(#[doc = $field_doc:literal])+ $field:ident: $type:ty = $default:expr })? = $name:literal;
    )+) => {
        /// What goes wrong.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum FaultKind {
            $($(#[doc = $doc])+ $kind $({ $(#[doc = $field_doc])+ $field: $type })?,)+
        }

        impl FaultKind {
            /// Every kind, by the name specifications call it.
            pub(super) const NAMES: [(&'static str, Self); 21] =
                [$(($name, Self::$kind $({ $field: $default })?)),+];

            /// What goes wrong and which commands it strikes, in sentences.
            pub fn text(self) -> &'static str {
                match self {
                    $(Self::$kind { .. } => concat!($($doc, "\n"),+),)+
                }
            }
        }
    };
}

fault_kinds! {
    /// The medium is bad: sense 03/11/00 or, for a command that writes, 03/0c/00, with the first block that
    /// is bad. Nothing is moved. Strikes commands that name blocks, and flushes of all of them.
    MediumError = "medium-error";
    /// Sense 0b/00/00: the device gave the command up before it did anything.
    Aborted = "aborted";
    /// Status BUSY: the command is not accepted now.
    Busy = "busy";
    /// Status TASK SET FULL: too many commands at once.
    TaskSetFull = "task-set-full";
    /// Sense 06/29/00, a unit attention after a reset, though nothing was reset. Strikes commands that report
    /// unit attentions.
    UnitAttention = "unit-attention";
    /// Half of the blocks are moved, with status GOOD. Strikes commands that move blocks.
    ShortTransfer = "short";
    /// CHECK CONDITION with sense that no standard defines: key Fh, additional sense FFh/FFh. Nothing is
    /// moved.
    BadSense = "bad-sense";
    /// The command is executed and its completion never comes.
    DroppedCompletion = "dropped";
    /// The completion comes late.
    LateCompletion {
        /// How late, in microseconds of machine time.
        delay_us: u64 = Self::DELAY_US
    } = "late";
    /// The completion comes twice.
    DuplicateCompletion = "duplicate";
    /// The adapter stops until it is reset: neither this completion comes nor any other.
    HungAdapter = "hung";
    /// The device is gone, with everything that was under way.
    SurpriseRemoval = "removal";
    /// The adapter finds no memory for the command; with `site`, the driver gets no memory from the pool.
    AllocationFailure = "allocation";
    /// Hostile: the device says that it moved more than the buffer holds. The command is executed. Strikes
    /// commands that move blocks.
    LongLength = "long-length";
    /// Hostile: beside the completion comes one of something that the device does not have: an identifier out
    /// of range, a slot not in use, a port that is not there. The command is executed.
    StrayCompletion = "stray";
    /// Hostile: the command ends with a status that no standard has. Nothing is moved.
    UnknownStatus = "unknown-status";
    /// Hostile: the command fails with sense data that is said to be longer than its buffer; an ATA disk
    /// names a slot that is not in use as the one that failed. Nothing is moved.
    LongSense = "long-sense";
    /// Hostile: REPORT LUNS names every unit twice, in a list said to be longer than any.
    RepeatedUnits = "repeated-luns";
    /// Hostile: the device says that it has half of its blocks. Strikes READ CAPACITY, and what a device
    /// without that says instead.
    ShrunkCapacity = "shrunk-capacity";
    /// Hostile: what the device says of itself has lengths and numbers that cannot be. Strikes INQUIRY with
    /// its pages, and what a device says in registers or identify data.
    LyingInquiry = "lying-inquiry";
    /// What the driver reads from the registry is not there. It is about no command.
    RegistryRead = "registry";
}

impl FaultKind {
    /// How late a completion is unless the rule says, in microseconds.
    pub const DELAY_US: u64 = 1000;

    /// Every kind, in the order of the documentation.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::NAMES.iter().map(|(_, kind)| *kind)
    }

    /// Whether a command that meets it still ends, and once: faults that a driver without time-outs survives.
    pub fn is_answer(self) -> bool {
        !matches!(
            self,
            Self::DroppedCompletion | Self::DuplicateCompletion | Self::HungAdapter | Self::SurpriseRemoval
        )
    }

    /// Whether it is a device that reports what it should not, and not one that fails as devices do.
    pub fn is_hostile(self) -> bool {
        matches!(
            self,
            Self::LongLength
                | Self::StrayCompletion
                | Self::UnknownStatus
                | Self::LongSense
                | Self::RepeatedUnits
                | Self::ShrunkCapacity
                | Self::LyingInquiry
        )
    }

    /// Whether it can strike commands.
    pub fn is_of_commands(self) -> bool {
        !matches!(self, Self::RegistryRead)
    }

    /// Whether it is about what a device says of itself, which is asked as an adapter starts and seldom
    /// later.
    pub fn is_of_questions(self) -> bool {
        matches!(self, Self::RepeatedUnits | Self::ShrunkCapacity | Self::LyingInquiry)
    }

    /// The name specifications call it.
    pub fn name(self) -> &'static str {
        let same = |kind: &Self| std::mem::discriminant(kind) == std::mem::discriminant(&self);
        let row = Self::NAMES.iter().find(|(_, kind)| same(kind));
        row.expect("the table has every kind").0
    }
}

/// Some logical blocks: the first, and the one after the last.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LbaRange {
    first: u64,
    end: u64,
}

impl LbaRange {
    /// Blocks `first` up to, and without, `end`; `None` if that is no block.
    pub const fn new(first: u64, end: u64) -> Option<Self> {
        if first < end { Some(Self { first, end }) } else { None }
    }

    /// The first block.
    pub const fn first(self) -> u64 {
        self.first
    }

    /// The block after the last.
    pub const fn end(self) -> u64 {
        self.end
    }

    /// The first block both have; `None` if they share none.
    pub(super) fn meets(self, other: Self) -> Option<u64> {
        let first = self.first.max(other.first);
        (first < self.end.min(other.end)).then_some(first)
    }
}

/// A probability, in whole billionths, so that it is written as it was read and compared exactly.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Probability(u32);

impl Probability {
    /// The probability one, in billionths.
    pub(super) const ONE: u32 = 1_000_000_000;

    /// A probability of so many billionths; `None` above one.
    pub const fn from_billionths(billionths: u32) -> Option<Self> {
        if billionths <= Self::ONE { Some(Self(billionths)) } else { None }
    }

    /// In billionths.
    pub const fn billionths(self) -> u32 {
        self.0
    }
}

/// Which of the things a rule is about meet its fault. The default: every one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pace {
    /// Not the first so many.
    pub after: u64,
    /// Every so-manyth of the rest.
    pub every: Option<NonZeroU64>,
    /// With this probability, drawn from the seed for each that is left.
    pub p: Option<Probability>,
    /// So many times at most.
    pub times: Option<u64>,
}

impl Pace {
    /// Counts one more, and draws for it; whether it is struck. Not if an earlier rule `struck` it already,
    /// though it counts and draws then, too.
    pub(super) fn strikes(
        self,
        matched: &mut u64,
        injected: &mut u64,
        random: &mut SplitMix64,
        struck: bool,
    ) -> bool {
        *matched += 1;
        let Some(place) = matched.checked_sub(self.after).filter(|&place| place > 0) else {
            return false;
        };
        if self.every.is_some_and(|every| !place.is_multiple_of(every.get())) {
            return false;
        }
        if self.p.is_some_and(|p| !happens(random, p)) {
            return false;
        }
        let strikes = !struck && self.times.is_none_or(|times| *injected < times);
        *injected += u64::from(strikes);
        strikes
    }
}

/// One rule: what goes wrong, and for which commands. What is `None` does not restrict.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FaultRule {
    /// What goes wrong.
    pub kind: FaultKind,
    /// At this logical unit.
    pub lun: Option<Lun>,
    /// With these commands.
    pub op: Option<OpSelector>,
    /// With commands about at least one of these blocks.
    pub lba: Option<LbaRange>,
    /// Not with the first so many commands that match.
    pub after: u64,
    /// With every so-manyth command that matches.
    pub every: Option<NonZeroU64>,
    /// With this probability, drawn from the seed for each command that is left.
    pub p: Option<Probability>,
    /// So many times at most.
    pub times: Option<u64>,
}

impl FaultRule {
    /// A rule that strikes every command the kind can strike.
    pub const fn new(kind: FaultKind) -> Self {
        Self { kind, lun: None, op: None, lba: None, after: 0, every: None, p: None, times: None }
    }

    /// Which of the commands that match are struck.
    pub(super) const fn pace(&self) -> Pace {
        Pace { after: self.after, every: self.every, p: self.p, times: self.times }
    }
}

/// What is to go wrong: rules, the earlier ones first. The default is that nothing does.
///
/// Text is its one form outside of a program, also in JSON: see the [module page](super) for the
/// specification.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FaultPlan {
    /// The rules about commands.
    pub rules: Vec<FaultRule>,
    /// The rules about allocations of the driver.
    pub allocations: Vec<CallRule>,
    /// The rules about what the driver reads from the registry.
    pub registry: Vec<CallRule>,
}

impl FaultPlan {
    /// Whether nothing goes wrong.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty() && self.allocations.is_empty() && self.registry.is_empty()
    }

    /// Whether some rule makes the device hostile.
    pub fn is_hostile(&self) -> bool {
        self.rules.iter().any(|rule| rule.kind.is_hostile())
    }

    /// Whether some rule is of this kind, whatever its settings.
    pub fn names(&self, kind: FaultKind) -> bool {
        self.rules.iter().any(|rule| rule.kind.name() == kind.name())
    }
}
