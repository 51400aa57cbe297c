//! PERSISTENT RESERVE OUT (SPC-5, section of that name): register, reserve, release, clear, preempt.
//!
//! A wrong key is RESERVATION CONFLICT, never sense data. Those whose registration or reservation is taken
//! away hear of it by unit attention. REGISTER AND MOVE and REPLACE LOST RESERVATION are refused like any
//! unknown service action; SPEC_I_PT and ALL_TG_PT are refused in the parameter list.

use zerocopy::FromBytes;

use super::super::commands::{Cdb, view};
use super::super::transfer::Transfer;
use super::super::{Nexus, ScsiDisk};
use super::{Held, REGISTRATIONS_MAX};
use crate::scsi::{
    AdditionalSense, PersistentReserveOut, ReservationType, ReserveOutParameters, ScsiStatus, Sense, SenseKey,
};

/// REGISTER: a new key, another key, or (a key of zero) none any more.
pub(in crate::disk) fn register(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let list = parameters(cdb, transfer)?;
    let registered = disk.reservations.keys.get(&transfer.nexus()).copied();
    // An initiator that is not registered registers with a key of zero.
    if list.key.get() != registered.unwrap_or(0) {
        return transfer.end_with(ScsiStatus::RESERVATION_CONFLICT);
    }
    disk.register(transfer.nexus(), &list)
}

/// REGISTER AND IGNORE EXISTING KEY: as REGISTER, for an initiator that forgot its key.
pub(in crate::disk) fn register_and_ignore(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let list = parameters(cdb, transfer)?;
    disk.register(transfer.nexus(), &list)
}

/// RESERVE, by a registrant. To reserve again what one holds, with the same type, is GOOD.
pub(in crate::disk) fn reserve(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let list = parameters(cdb, transfer)?;
    let kind = kind(cdb)?;
    let nexus = transfer.nexus();
    let state = &mut disk.reservations;
    let free = state.held.is_none_or(|held| state.holds(nexus) && held.kind == kind);
    if !state.is_registrant(nexus, &list) || !free {
        return transfer.end_with(ScsiStatus::RESERVATION_CONFLICT);
    }
    if state.held.is_none() {
        state.held = Some(Held { nexus, kind });
    }
    Ok(())
}

/// RELEASE, by a registrant: GOOD without effect if it holds nothing, 05/26/04 if it holds something else.
pub(in crate::disk) fn release(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let list = parameters(cdb, transfer)?;
    let nexus = transfer.nexus();
    if !disk.reservations.is_registrant(nexus, &list) {
        return transfer.end_with(ScsiStatus::RESERVATION_CONFLICT);
    }
    let Some(held) = disk.reservations.held.filter(|_| disk.reservations.holds(nexus)) else {
        return Ok(());
    };
    if view::<PersistentReserveOut>(cdb).scope_and_type != held.kind.0 {
        let additional = AdditionalSense::INVALID_RELEASE_OF_PERSISTENT_RESERVATION;
        return Err(Sense::new(SenseKey::ILLEGAL_REQUEST, additional));
    }
    disk.reservations.held = None;
    if held.kind.admits_registrants() {
        disk.tell_registrants(nexus, AdditionalSense::RESERVATIONS_RELEASED);
    }
    Ok(())
}

/// CLEAR, by a registrant: no reservation, no registrations.
pub(in crate::disk) fn clear(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let list = parameters(cdb, transfer)?;
    let nexus = transfer.nexus();
    if !disk.reservations.is_registrant(nexus, &list) {
        return transfer.end_with(ScsiStatus::RESERVATION_CONFLICT);
    }
    disk.tell_registrants(nexus, AdditionalSense::RESERVATIONS_PREEMPTED);
    disk.reservations.keys.clear();
    disk.reservations.held = None;
    disk.next_generation();
    Ok(())
}

/// PREEMPT and PREEMPT AND ABORT, by a registrant: the initiators registered with the other key lose their
/// registrations, and the reservation if they hold it. A key of zero stands for all other registrants where
/// all registrants hold the reservation, and is refused (05/26/00) where they do not.
pub(in crate::disk) fn preempt(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let list = parameters(cdb, transfer)?;
    let (nexus, victim) = (transfer.nexus(), list.action_key.get());
    let state = &disk.reservations;
    if !state.is_registrant(nexus, &list) {
        return transfer.end_with(ScsiStatus::RESERVATION_CONFLICT);
    }
    let takes_over = state.held.is_some_and(|held| {
        if held.kind.all_registrants() { victim == 0 } else { state.keys.get(&held.nexus) == Some(&victim) }
    });
    if !takes_over && victim == 0 {
        return Err(Sense::invalid_parameter(8));
    }
    if !takes_over && !state.keys.values().any(|&key| key == victim) {
        return transfer.end_with(ScsiStatus::RESERVATION_CONFLICT);
    }
    // Scope and type count only where there is a reservation to be had.
    let kind = if takes_over { Some(kind(cdb)?) } else { None };
    disk.preempt(nexus, victim, kind);
    Ok(())
}

impl super::Reservations {
    /// Whether the sender is registered with the key it gives.
    fn is_registrant(&self, nexus: Nexus, list: &ReserveOutParameters) -> bool {
        self.keys.get(&nexus) == Some(&list.key.get())
    }
}

/// The parameter list: 24 bytes, or 05/1a/00.
fn parameters(cdb: &Cdb, transfer: &mut Transfer<'_>) -> Result<ReserveOutParameters, Sense> {
    let len = view::<PersistentReserveOut>(cdb).parameter_list_length.get();
    if len as usize != size_of::<ReserveOutParameters>() {
        return Err(Sense::parameter_list_length());
    }
    let Ok(list) = ReserveOutParameters::read_from_bytes(transfer.take(len.into())?) else {
        unreachable!("as many bytes were taken as a list has")
    };
    match list.flags & !ReserveOutParameters::APTPL {
        0 => Ok(list),
        stray => Err(Sense::invalid_parameter_bit(20, 7 - stray.leading_zeros() as u8)),
    }
}

/// The type, if it is one and the scope is the logical unit.
fn kind(cdb: &Cdb) -> Result<ReservationType, Sense> {
    let scope_and_type = view::<PersistentReserveOut>(cdb).scope_and_type;
    let kind = ReservationType(scope_and_type & 0x0f);
    if scope_and_type >> 4 != 0 {
        Err(Sense::invalid_field(2, Some(7)))
    } else if kind.name().is_none() {
        Err(Sense::invalid_field(2, Some(3)))
    } else {
        Ok(kind)
    }
}

impl ScsiDisk {
    fn register(&mut self, nexus: Nexus, list: &ReserveOutParameters) -> Result<(), Sense> {
        let state = &mut self.reservations;
        let (known, key) = (state.keys.contains_key(&nexus), list.action_key.get());
        match (known, key) {
            (false, 0) => return Ok(()),
            (true, 0) => self.unregister(nexus),
            (false, _) if state.keys.len() >= REGISTRATIONS_MAX => {
                let additional = AdditionalSense::INSUFFICIENT_REGISTRATION_RESOURCES;
                return Err(Sense::new(SenseKey::ILLEGAL_REQUEST, additional));
            }
            _ => {
                state.keys.insert(nexus, key);
            }
        }
        self.reservations.persists = list.flags & ReserveOutParameters::APTPL != 0;
        self.next_generation();
        Ok(())
    }

    /// Takes a registration away; the reservation goes with its only holder.
    fn unregister(&mut self, nexus: Nexus) {
        self.reservations.keys.remove(&nexus);
        let Some(held) = self.reservations.held else {
            return;
        };
        if held.kind.all_registrants() {
            self.reservations.held = held_by_someone(held, self.reservations.keys.keys().next().copied());
        } else if held.nexus == nexus {
            self.reservations.held = None;
            if held.kind.admits_registrants() {
                self.tell_registrants(nexus, AdditionalSense::RESERVATIONS_RELEASED);
            }
        }
    }

    /// Every initiator registered as `victim` (zero: all but the sender) is unregistered; the reservation
    /// becomes the sender's if a type is given.
    fn preempt(&mut self, nexus: Nexus, victim: u64, kind: Option<ReservationType>) {
        let before = self.reservations.held;
        let losers: Vec<Nexus> = self
            .reservations
            .keys
            .iter()
            .filter(|&(&other, &key)| (victim == 0 || key == victim) && (other != nexus || kind.is_none()))
            .map(|(&other, _)| other)
            .collect();
        for &loser in &losers {
            self.reservations.keys.remove(&loser);
            if loser != nexus {
                self.attentions.raise(loser, AdditionalSense::REGISTRATIONS_PREEMPTED);
            }
        }
        if let Some(kind) = kind {
            self.reservations.held = Some(Held { nexus, kind });
            if before.is_some_and(|before| before.kind != kind) {
                self.tell_registrants(nexus, AdditionalSense::RESERVATIONS_RELEASED);
            }
        } else if let Some(held) = before.filter(|held| held.kind.all_registrants()) {
            self.reservations.held = held_by_someone(held, self.reservations.keys.keys().next().copied());
        }
        self.next_generation();
    }

    fn tell_registrants(&mut self, except: Nexus, additional: AdditionalSense) {
        for &nexus in self.reservations.keys.keys().filter(|&&nexus| nexus != except) {
            self.attentions.raise(nexus, additional);
        }
    }

    fn next_generation(&mut self) {
        self.reservations.generation = self.reservations.generation.wrapping_add(1);
    }
}

/// A reservation of all registrants lasts as long as there is one.
fn held_by_someone(held: Held, registrant: Option<Nexus>) -> Option<Held> {
    registrant.map(|nexus| Held { nexus, ..held })
}
