//! What a driver of some kind can be given: events and faults that its rig can make, and that it can survive.
//!
//! The command line leaves out what a driver does not bear, a draw never draws it. Invariant: what
//! [`check_disturbances`](crate::run) refuses is not borne.

use super::Part;
use crate::driver::{Driver, Kind};
use crate::run::Event;
use storport_sim::disk::fault::FaultKind;

/// What a driver bears.
#[derive(Clone, Copy)]
pub struct Bears {
    kind: Kind,
    reads_registry: bool,
}

impl Bears {
    /// What that driver bears.
    #[must_use]
    pub fn of(driver: &Driver) -> Bears {
        Bears { kind: driver.kind, reads_registry: driver.reads_registry }
    }

    /// Whether a part of the environment means anything to it.
    #[must_use]
    pub fn part(self, part: Part) -> bool {
        match self.kind {
            Kind::Model { .. } => false,
            _ if part == Part::Registry => self.reads_registry,
            Kind::Wdm { .. } => !matches!(part, Part::Units | Part::Completion),
            Kind::VirtualMiniport { .. } => true,
            // Only a virtual adapter completes inside the call.
            Kind::Miniport { .. } => part != Part::Completion,
        }
    }

    /// Whether an event can happen to it.
    #[must_use]
    pub fn event(self, event: Event) -> bool {
        match self.kind {
            Kind::Model { .. } => false,
            Kind::Wdm { .. } => event.is_about_devices(),
            // A virtual adapter has no resources that could be others.
            Kind::VirtualMiniport { .. } => event.is_about_adapters() && event != Event::Rebalance,
            Kind::Miniport { .. } => event.is_about_adapters(),
        }
    }

    /// Whether its commands can meet a fault. The rig of a WDM driver knows no time-outs or resets.
    #[must_use]
    pub fn fault(self, fault: FaultKind) -> bool {
        match self.kind {
            Kind::Model { .. } => false,
            Kind::Wdm { .. } => fault.is_answer() && fault.is_of_commands(),
            Kind::VirtualMiniport { .. } | Kind::Miniport { .. } => true,
        }
    }

    /// Whether its disk takes trims.
    #[must_use]
    pub fn trims(self) -> bool {
        matches!(self.kind, Kind::VirtualMiniport { .. } | Kind::Miniport { .. })
    }
}
