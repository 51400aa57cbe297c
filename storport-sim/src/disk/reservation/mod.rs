//! Reservations: which initiator may use the unit.
//!
//! Two generations, which exclude each other: RESERVE and RELEASE of SPC-2 (a holder, nothing else) and
//! persistent reservations of SPC-5 (registrations with keys, and at most one reservation among the
//! registered). While one is in use, commands of the other end in RESERVATION CONFLICT (CRH is not offered).
//!
//! The unit is never reserved in part: extents and elements are long obsolete. Nor are commands aborted by
//! PREEMPT AND ABORT, because the disk has none in flight; those that wait in a host adapter are the
//! adapter's to abort.
//!
//! The invariant: a persistent reservation is held by a nexus that is registered, or, if its type says all
//! registrants, there is at least one.

mod persistent_in;
mod persistent_out;
mod spc2;

pub(super) use persistent_in::{read_full_status, read_keys, read_reservation, report_capabilities};
pub(super) use persistent_out::{
    clear, preempt, register, register_and_ignore, release as persistent_release,
    reserve as persistent_reserve,
};
pub(super) use spc2::{release, reserve};

use std::collections::BTreeMap;

use super::Nexus;
use super::commands::Access;
use crate::scsi::ReservationType;

/// Registrations a unit keeps. The standard leaves the number to the device.
const REGISTRATIONS_MAX: usize = 128;

/// A persistent reservation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Held {
    /// The initiator that reserved. With an all-registrants type every registrant holds it, and this is only
    /// the first.
    nexus: Nexus,
    kind: ReservationType,
}

/// Everything a unit knows about reservations.
#[derive(Debug, Default)]
pub(super) struct Reservations {
    /// The holder by RESERVE (SPC-2).
    spc2: Option<Nexus>,
    /// Keys, by who registered them.
    keys: BTreeMap<Nexus, u64>,
    held: Option<Held>,
    /// PRGENERATION.
    generation: u32,
    /// APTPL: what is registered outlives a loss of power.
    persists: bool,
}

impl Reservations {
    /// Whether another initiator's reservation stops a command.
    pub(super) fn stop(&self, nexus: Nexus, access: Access) -> bool {
        if let Some(holder) = self.spc2 {
            return access == Access::Keys || holder != nexus && access > Access::Open;
        }
        let Some(held) = self.held else {
            return false;
        };
        let excluded = match access {
            Access::Open | Access::Persistent | Access::Keys => return false,
            Access::Read => held.kind.exclusive_access(),
            Access::Write => true,
        };
        excluded && !self.holds(nexus) && !(held.kind.admits_registrants() && self.keys.contains_key(&nexus))
    }

    /// Nothing is registered, so nothing persistent is reserved either.
    fn is_idle(&self) -> bool {
        self.keys.is_empty()
    }

    /// The nexus holds the persistent reservation, alone or with all registrants.
    fn holds(&self, nexus: Nexus) -> bool {
        self.held.is_some_and(|held| {
            held.nexus == nexus || held.kind.all_registrants() && self.keys.contains_key(&nexus)
        })
    }

    /// A logical unit reset ends RESERVE; persistent reservations are persistent.
    pub(super) fn reset(&mut self) {
        self.spc2 = None;
    }

    /// A loss of power ends everything that was not asked to outlive it.
    pub(super) fn power_loss(&mut self) {
        *self = if self.persists {
            Self { spc2: None, generation: 0, ..std::mem::take(self) }
        } else {
            Self::default()
        };
    }
}
