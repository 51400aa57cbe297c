//! PERSISTENT RESERVE IN (SPC-5, section of that name): keys, the reservation, what is possible, and all of
//! it.

use zerocopy::IntoBytes;
use zerocopy::big_endian::{U32, U64};

use super::super::commands::{Cdb, view};
use super::super::transfer::Transfer;
use super::super::{Nexus, ScsiDisk};
use crate::scsi::{FullStatusDescriptor, PersistentReserveIn, ReservationType, Sense};

/// READ KEYS: the registered keys, ascending by who registered them.
pub(in crate::disk) fn read_keys(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let keys: Vec<U64> = disk.reservations.keys.values().copied().map(U64::new).collect();
    reply(disk, keys.as_bytes(), cdb, transfer)
}

/// READ RESERVATION: the holder's key and the type, or nothing. All registrants have no one key: zero.
pub(in crate::disk) fn read_reservation(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let Some(held) = disk.reservations.held else {
        return reply(disk, &[], cdb, transfer);
    };
    let key = if held.kind.all_registrants() { 0 } else { disk.reservations.keys[&held.nexus] };
    let mut body = [0; 16];
    body[..8].copy_from_slice(&key.to_be_bytes());
    // The scope, always the logical unit, is 0h above the type.
    body[13] = held.kind.0;
    reply(disk, &body, cdb, transfer)
}

/// REPORT CAPABILITIES: PTPL_C, no other capability bit; which types there are.
pub(in crate::disk) fn report_capabilities(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    const PTPL_C: u8 = 0x01;
    // TMV: the type mask means something. ALLOW COMMANDS 000b: nothing said.
    const TMV: u8 = 0x80;
    let [types, more_types] = ReservationType::MASK;
    let persists = u8::from(disk.reservations.persists);
    let data = [0, 8, PTPL_C, TMV | persists, types, more_types, 0, 0];
    transfer.reply(&data, view::<PersistentReserveIn>(cdb).allocation_length.get())
}

/// READ FULL STATUS: every registration, with who it is.
pub(in crate::disk) fn read_full_status(
    disk: &mut ScsiDisk,
    cdb: &Cdb,
    transfer: &mut Transfer<'_>,
) -> Result<(), Sense> {
    let mut body = Vec::new();
    for (&nexus, &key) in &disk.reservations.keys {
        let held = disk.reservations.held.filter(|_| disk.reservations.holds(nexus));
        let name = transport_id(nexus);
        let descriptor = FullStatusDescriptor {
            key: key.into(),
            reserved_8: U32::ZERO,
            flags: if held.is_some() { FullStatusDescriptor::R_HOLDER } else { 0 },
            scope_and_type: held.map_or(0, |held| held.kind.0),
            reserved_14: U32::ZERO,
            target_port: 1.into(),
            length: (name.len() as u32).into(),
        };
        body.extend_from_slice(descriptor.as_bytes());
        body.extend_from_slice(&name);
    }
    reply(disk, &body, cdb, transfer)
}

/// A TransportID for an initiator that has no transport: the SAS form, whose name is a locally assigned NAA
/// with the number of the nexus in it. Our choice: SPC-5 has no form for an initiator without a transport.
fn transport_id(nexus: Nexus) -> [u8; 24] {
    const SAS: u8 = 0x06;
    let mut id = [0; 24];
    id[0] = SAS;
    id[4..12].copy_from_slice(&(0x3 << 60 | u64::from(nexus.0)).to_be_bytes());
    id
}

/// Sends `body` after PRGENERATION and its own length. At most 128 registrations of 48 bytes.
fn reply(disk: &ScsiDisk, body: &[u8], cdb: &Cdb, transfer: &mut Transfer<'_>) -> Result<(), Sense> {
    let head = [U32::new(disk.reservations.generation), U32::new(body.len() as u32)];
    let allocation_length = view::<PersistentReserveIn>(cdb).allocation_length.get();
    transfer.reply(&[head.as_bytes(), body].concat(), allocation_length)
}
