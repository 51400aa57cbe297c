//! The parts of an environment: where each stands in a setup, its words, and how to make it plain.

use crate::run::Setup;
use crate::run::memory::MemoryChoice;
use serde::{Deserialize, Serialize};
use storport_sim::CompleteWhere;

/// Declares the parts: the doc comment of each is also the text that `storsim explain environment` prints.
macro_rules! parts {
    ($($(#[doc = $doc:literal])+ $part:ident = $word:literal;)+) => {
        /// A part of an environment.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Part {
            $($(#[doc = $doc])+ $part,)+
        }

        impl Part {
            /// Every part.
            pub const ALL: &[Part] = &[$(Part::$part),+];

            /// Its word.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $(Part::$part => $word,)+
                }
            }

            /// What is drawn, in sentences.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self {
                    $(Part::$part => concat!($($doc, "\n"),+),)+
                }
            }
        }
    };
}

parts! {
    /// How many requests are sent. `--ios` pins it.
    Requests = "requests";
    /// Which requests: reads, writes, a mix with flushes and trims, in order or at random places. `--rw` pins
    /// it.
    Mix = "mix";
    /// How large they are. `--bs` pins it.
    Sizes = "sizes";
    /// How many are outstanding at once. `--iodepth` pins it.
    Depth = "depth";
    /// The processors of the machine. `--cpus` pins it.
    Processors = "processors";
    /// The disks that the requests go to; as many as are found, if those are fewer. `--luns` pins it.
    Units = "units";
    /// Resets, restarts, removals and the like. `--event` pins it.
    Events = "events";
    /// Faults of the disk and of the transport behind it. `--fault` pins it, the failing
    /// allocations and the registry.
    Faults = "faults";
    /// Allocations of the driver that fail, at the start, during requests, or from the removal on.
    Allocations = "allocations";
    /// Where requests are completed that a virtual miniport has finished: in the call, or in a DPC. Windows
    /// does both. `--completion` pins it.
    Completion = "completion";
    /// How machine time passes: while every processor waits only; or so much with each step, or to the next
    /// timer after so many, that timers meet requests that are under way. `--step-time` and `--timers-every`
    /// pin it.
    Speed = "speed";
    /// Guarded memory, as `--memory` says.
    Memory = "memory";
    /// What the driver reads from the registry and does not find; of a driver that reads it. `--fault` pins
    /// it.
    Registry = "registry";
}

/// A set of parts.
#[derive(Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Part>", into = "Vec<Part>")]
pub struct Parts(u16);

impl Parts {
    /// None.
    pub const NONE: Parts = Parts(0);
    /// All that [`Environment::draws`](super::Environment::draws) can name: memory is drawn by itself
    /// ([`MemoryChoice::Drawn`]).
    #[must_use]
    pub fn drawable() -> Parts {
        Part::ALL.iter().copied().filter(|part| *part != Part::Memory).collect()
    }

    /// Whether it is empty.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// Whether a part is in it.
    #[must_use]
    pub fn has(self, part: Part) -> bool {
        self.0 & 1 << part as u16 != 0
    }

    /// Adds a part.
    pub fn insert(&mut self, part: Part) {
        self.0 |= 1 << part as u16;
    }

    /// Takes a part out.
    pub fn remove(&mut self, part: Part) {
        self.0 &= !(1 << part as u16);
    }

    /// The parts, in their order.
    pub fn iter(self) -> impl Iterator<Item = Part> {
        Part::ALL.iter().copied().filter(move |part| self.has(*part))
    }
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl FromIterator<Part> for Parts {
    fn from_iter<I: IntoIterator<Item = Part>>(parts: I) -> Parts {
        let mut all = Parts::NONE;
        parts.into_iter().for_each(|part| all.insert(part));
        all
    }
}

impl From<Vec<Part>> for Parts {
    fn from(parts: Vec<Part>) -> Parts {
        parts.into_iter().collect()
    }
}

impl From<Parts> for Vec<Part> {
    fn from(parts: Parts) -> Vec<Part> {
        parts.iter().collect()
    }
}

impl Part {
    /// Copies this part of a setup into another.
    pub fn copy(self, from: &Setup, to: &mut Setup) {
        match self {
            Part::Requests => to.workload.amount = from.workload.amount,
            Part::Mix => to.workload.mode = from.workload.mode,
            Part::Sizes => to.workload.block_bytes = from.workload.block_bytes,
            Part::Depth => to.workload.depth = from.workload.depth,
            Part::Processors => to.cpus = from.cpus,
            Part::Units => to.workload.luns = from.workload.luns,
            Part::Events => to.disturbances.events.clone_from(&from.disturbances.events),
            Part::Faults => to.disturbances.faults.rules.clone_from(&from.disturbances.faults.rules),
            Part::Allocations => {
                to.disturbances.faults.allocations.clone_from(&from.disturbances.faults.allocations);
            }
            Part::Completion => to.environment.completion = from.environment.completion,
            Part::Speed => {
                to.environment.step_ns = from.environment.step_ns;
                to.environment.timers_every = from.environment.timers_every;
            }
            Part::Memory => to.memory = from.memory,
            Part::Registry => {
                to.disturbances.faults.registry.clone_from(&from.disturbances.faults.registry);
            }
        }
    }

    /// Whether this part is the same in two setups.
    #[must_use]
    pub fn is_same(self, one: &Setup, other: &Setup) -> bool {
        let (a, b) = (one, other);
        match self {
            Part::Requests => a.workload.amount == b.workload.amount,
            Part::Mix => a.workload.mode == b.workload.mode,
            Part::Sizes => a.workload.block_bytes == b.workload.block_bytes,
            Part::Depth => a.workload.depth == b.workload.depth,
            Part::Processors => a.cpus == b.cpus,
            Part::Units => a.workload.luns == b.workload.luns,
            Part::Events => a.disturbances.events == b.disturbances.events,
            Part::Faults => a.disturbances.faults.rules == b.disturbances.faults.rules,
            Part::Allocations => a.disturbances.faults.allocations == b.disturbances.faults.allocations,
            Part::Completion => a.environment.completion == b.environment.completion,
            Part::Speed => {
                (a.environment.step_ns, a.environment.timers_every)
                    == (b.environment.step_ns, b.environment.timers_every)
            }
            Part::Memory => a.memory == b.memory,
            Part::Registry => a.disturbances.faults.registry == b.disturbances.faults.registry,
        }
    }

    /// What this part of a setup is, in words: one for each event and each rule of a fault plan.
    #[must_use]
    pub fn words(self, setup: &Setup) -> Vec<String> {
        let w = &setup.workload;
        match self {
            // How many requests are needed is told with the schedule.
            Part::Requests => Vec::new(),
            Part::Mix => vec![format!("{} requests", w.mode.word())],
            Part::Sizes => vec![format!("requests of {} bytes", w.block_bytes)],
            Part::Depth => vec![format!("{} outstanding", w.depth)],
            Part::Processors => vec![count(setup.cpus, "processor")],
            Part::Units => vec![count(w.luns, "disk")],
            Part::Events => setup.disturbances.events.iter().map(|event| event.word().to_owned()).collect(),
            Part::Faults => setup.disturbances.faults.rules.iter().map(ToString::to_string).collect(),
            Part::Allocations => {
                setup.disturbances.faults.allocations.iter().map(ToString::to_string).collect()
            }
            Part::Registry => setup.disturbances.faults.registry.iter().map(ToString::to_string).collect(),
            Part::Completion => match setup.environment.completion {
                CompleteWhere::InDpc => vec!["completion in a DPC".into()],
                CompleteWhere::InCall => vec!["completion in the call".into()],
            },
            Part::Speed => {
                let step = match setup.environment.step_ns {
                    0 => "steps that take no time".into(),
                    ns => format!("steps of {}", time(ns)),
                };
                let leaps = match setup.environment.timers_every {
                    0 => None,
                    steps => Some(format!("a timer every {steps} steps")),
                };
                std::iter::once(step).chain(leaps).collect()
            }
            Part::Memory => vec![match setup.memory {
                MemoryChoice::Plain | MemoryChoice::Drawn => "plain memory".into(),
                MemoryChoice::Guarded | MemoryChoice::GuardedEnds => "guarded memory".into(),
            }],
        }
    }
}

fn count(n: u8, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Nanoseconds in a unit that keeps them short.
pub(super) fn time(ns: u32) -> String {
    if ns.is_multiple_of(1000) { format!("{} µs", ns / 1000) } else { format!("{ns} ns") }
}
