//! What disturbs a run besides its requests: faults by plan, and events while requests are under way.

use serde::{Deserialize, Serialize};
use storport_sim::DiskStatistics;
use storport_sim::disk::fault::{FaultCount, FaultPlan};

/// Declares the events: the doc comment of each is also the text that `storsim explain` prints.
macro_rules! events {
    ($($(#[doc = $doc:literal])+ $event:ident = $word:literal;)+) => {
        /// What happens to an adapter or a device while requests are under way.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum Event {
            $($(#[doc = $doc])+ $event,)+
        }

        impl Event {
            /// Every event, by its word on the command line.
            pub const NAMES: [(&'static str, Event); 8] = [$(($word, Event::$event)),+];

            /// What happens, in sentences.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self {
                    $(Event::$event => concat!($($doc, "\n"),+),)+
                }
            }
        }
    };
}

events! {
    /// A unit or a bus is reset. Which of the two is drawn from the seed each time.
    Reset = "reset";
    /// The adapter is stopped and started again, as for a rebalance or for sleep. The device of a WDM driver
    /// is asked first (IRP_MN_QUERY_STOP_DEVICE), and now and then the query is taken back.
    StopRestart = "stop-restart";
    /// Units are plugged in, used, and pulled out. Each gets a short workload of its own meanwhile.
    Hotplug = "hotplug";
    /// The adapter, or the device of a WDM driver, is pulled out, once. Requests may fail from then on, and
    /// all of them must end.
    Removal = "removal";
    /// The device of a WDM driver is asked for its capabilities, its state and whether it may be removed,
    /// which it then is not (IRP_MN_CANCEL_REMOVE_DEVICE). One request among these has a minor function that
    /// no driver knows.
    QueryRemove = "query-remove";
    /// The device of a WDM driver goes to sleep and wakes up, with the system or alone: IRP_MN_QUERY_POWER
    /// and IRP_MN_SET_POWER. A driver without a dispatch routine for IRP_MJ_POWER gets none.
    Power = "power";
    /// An adapter with hardware is stopped and started by plug and play, as for other resources or a
    /// processor more: SRB_FUNCTION_PNP with StorStopDevice, and HwStorFindAdapter again.
    Rebalance = "rebalance";
    /// A unit of an adapter is asked for its capabilities (SRB_FUNCTION_PNP), or goes to sleep and wakes up
    /// (ScsiUnitPower, or SRB_FUNCTION_POWER). A miniport without ScsiUnitStart also hears of the start of
    /// each unit by SRB_FUNCTION_PNP.
    Units = "units";
}

impl Event {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        let row = Event::NAMES.iter().find(|(_, event)| *event == self);
        row.expect("the table has every event").0
    }

    /// Whether it can happen to the device of a WDM driver.
    #[must_use]
    pub fn is_about_devices(self) -> bool {
        !matches!(self, Event::Reset | Event::Hotplug | Event::Rebalance | Event::Units)
    }

    /// Whether it can happen to an adapter; [`Event::Rebalance`] to one with hardware only.
    #[must_use]
    pub fn is_about_adapters(self) -> bool {
        !matches!(self, Event::QueryRemove | Event::Power)
    }
}

/// The faults and events that a run is given. The default is none.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disturbances {
    /// Faults of the disk and of the transport behind it, drawn from the seed of the operations.
    #[serde(default, skip_serializing_if = "FaultPlan::is_empty")]
    pub faults: FaultPlan,
    /// Events, drawn from that seed as well; each at most once in the list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Event>,
    /// Seconds a command may take before it is recovered; without it, the disk class driver's sixty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_s: Option<u32>,
}

impl Disturbances {
    /// Whether there are none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.faults.is_empty() && self.events.is_empty() && self.timeout_s.is_none()
    }

    /// The flags that ask for it.
    #[must_use]
    pub fn flags(&self) -> String {
        let mut flags = String::new();
        if !self.faults.is_empty() {
            flags += &format!(" --fault '{}'", self.faults);
        }
        if !self.events.is_empty() {
            let words: Vec<_> = self.events.iter().map(|event| event.word()).collect();
            flags += &format!(" --event {}", words.join(","));
        }
        if let Some(timeout_s) = self.timeout_s {
            flags += &format!(" --timeout {timeout_s}");
        }
        flags
    }
}

/// How often something happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventCounts {
    /// Resets of a unit.
    pub unit_resets: u64,
    /// Resets of a bus.
    pub bus_resets: u64,
    /// Stops that were followed by a restart.
    pub restarts: u64,
    /// Units plugged in.
    pub plugged: u64,
    /// Those of them that the adapter made a disk of.
    pub found: u64,
    /// Removals of the adapter or the device.
    pub removals: u64,
    /// Queries for a stop or a removal that were taken back.
    pub taken_back: u64,
    /// Times a device went to sleep and woke up.
    pub sleeps: u64,
    /// Queries that the driver refused.
    pub refused: u64,
    /// Rebalances of an adapter.
    #[serde(default)]
    pub rebalances: u64,
    /// Times a unit was asked for its capabilities.
    #[serde(default)]
    pub unit_queries: u64,
    /// Times a unit went to sleep and woke up.
    #[serde(default)]
    pub unit_sleeps: u64,
}

impl EventCounts {
    /// Adds another's.
    pub fn add(&mut self, other: &EventCounts) {
        let EventCounts {
            unit_resets,
            bus_resets,
            restarts,
            plugged,
            found,
            removals,
            taken_back,
            sleeps,
            refused,
            rebalances,
            unit_queries,
            unit_sleeps,
        } = self;
        let pairs = [
            (unit_resets, other.unit_resets),
            (bus_resets, other.bus_resets),
            (restarts, other.restarts),
            (plugged, other.plugged),
            (found, other.found),
            (removals, other.removals),
            (taken_back, other.taken_back),
            (sleeps, other.sleeps),
            (refused, other.refused),
            (rebalances, other.rebalances),
            (unit_queries, other.unit_queries),
            (unit_sleeps, other.unit_sleeps),
        ];
        for (sum, n) in pairs {
            *sum = sum.saturating_add(n);
        }
    }
}

/// The faults and events that happened in a run.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DisturbanceCounts {
    /// How often each rule of the plan matched and struck.
    pub faults: Vec<FaultCount>,
    /// How the class driver recovered, for the disk found first.
    pub disk: DiskStatistics,
    /// The events.
    pub events: EventCounts,
}
