//! What a run found, as one value that every report renders.
//!
//! Nothing here is computed by a renderer: text and JSON show the same fields. Invariant: a finding
//! holds no host address and no host time, so that a replay gives it again byte for byte.

use kernel_sim::bugcheck::{BugCheck, Deadlock, Livelock, Waiter};
use kernel_sim::choose::Parted;
use kernel_sim::held::HeldLock;
use kernel_sim::hook::Event;
use kernel_sim::moment::Moment;
use kernel_sim::site::Site;

/// A source position.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Location {
    /// The file, as the compiler names it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

impl From<Site> for Location {
    fn from(site: Site) -> Location {
        Location { file: site.file().to_owned(), line: site.line(), column: site.column() }
    }
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// A spin lock that was held.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lock {
    /// Its machine address.
    pub address: u64,
    /// The routine that took it.
    pub routine: &'static str,
    /// Where.
    pub location: Location,
    /// The callback in which it was taken.
    pub callback: &'static str,
    /// At which step (deterministic executor only).
    pub step: Option<u64>,
}

impl Lock {
    pub(crate) fn new(held: &HeldLock) -> Lock {
        Lock {
            address: held.address,
            routine: held.routine.name,
            location: held.site.into(),
            callback: held.callback.name,
            step: (held.step != 0).then_some(held.step),
        }
    }
}

/// Where a processor was when something was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Scene {
    /// Processor index.
    pub cpu: u8,
    /// Its IRQL.
    pub irql: kernel_sim::irql::Irql,
    /// The step (deterministic executor only).
    pub step: Option<u64>,
    /// The routine it was calling.
    pub call: Option<&'static str>,
    /// Where from.
    pub location: Option<Location>,
    /// Driver callbacks active, innermost last.
    pub callbacks: Vec<&'static str>,
    /// Spin locks the driver held there, oldest first.
    pub locks: Vec<Lock>,
}

impl Scene {
    /// The scene of an event.
    #[must_use]
    pub fn of(event: &Event<'_>, call: &'static str) -> Scene {
        let step = event.step();
        Scene {
            cpu: event.cpu(),
            irql: event.irql(),
            step: (step != 0).then_some(step),
            call: Some(call),
            location: Some(event.site.into()),
            callbacks: event.moment_to_keep().callbacks.iter().map(|c| c.name).collect(),
            locks: event.held_locks().iter().map(Lock::new).collect(),
        }
    }

    /// The callback the driver was in, if any.
    #[must_use]
    pub fn callback(&self) -> Option<&'static str> {
        self.callbacks.last().copied()
    }
}

impl From<&Moment> for Scene {
    fn from(place: &Moment) -> Scene {
        Scene {
            cpu: place.cpu,
            irql: place.irql,
            step: place.step,
            call: place.call.map(|ddi| ddi.name),
            location: place.site.map(Into::into),
            callbacks: place.callbacks.iter().map(|c| c.name).collect(),
            locks: place.held.iter().map(Lock::new).collect(),
        }
    }
}

/// A rule or check that was broken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Violation {
    /// Its name.
    pub rule: &'static str,
    /// One sentence: what the driver did.
    pub what: String,
    /// Why a person should care.
    pub why: &'static str,
    /// A remark on the finding, where one is due.
    pub note: Option<&'static str>,
    /// Where.
    pub scene: Scene,
    /// How many spin locks were held, where that matters (sites may be known for fewer).
    pub held_count: u32,
}

/// How a run came out.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Nothing found.
    Clean,
    /// A rule or check was broken.
    Violation(Box<Violation>),
    /// The machine stopped as Windows would.
    BugCheck(Box<BugCheck>),
    /// Nobody can go on.
    Deadlock(Box<Deadlock>),
    /// Somebody polls for what will never come.
    Livelock(Box<Livelock>),
    /// A recorded schedule no longer fits.
    Parted(Parted),
}

impl Verdict {
    /// The word for it in JSON.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Verdict::Clean => "clean",
            Verdict::Violation(_) => "violation",
            Verdict::BugCheck(_) => "bugcheck",
            Verdict::Deadlock(_) => "deadlock",
            Verdict::Livelock(_) => "livelock",
            Verdict::Parted(_) => "parted",
        }
    }

    /// Whether the driver is to blame.
    #[must_use]
    pub fn is_finding(&self) -> bool {
        !matches!(self, Verdict::Clean | Verdict::Parted(_))
    }
}

/// Who waits, in words: "CPU 1 waits for ..., held by CPU 0".
#[must_use]
pub fn waiting(waiter: &Waiter) -> String {
    let holder = waiter.holder.map(|h| format!(", held by CPU {h}")).unwrap_or_default();
    format!("CPU {} waits for {}{holder}", waiter.place.cpu, waiter.waits_for)
}
