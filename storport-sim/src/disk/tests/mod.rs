//! The disk as an initiator sees it. Setup and expectations live here; the files beside hold the sentences.

mod allocation;
mod attention;
mod cache;
mod compound;
mod conformance;
mod fault;
mod identity;
mod io;
mod log;
mod mode;
mod mode_select;
mod persistent;
mod power;
mod provisioning;
mod reserve;
mod robustness;
mod shared;
mod soak;
mod store;
mod table;
mod target;
mod trouble;
mod unit;
mod verify;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use zerocopy::{Immutable, IntoBytes, Unaligned};

use super::{BackingStore, Completion, DataPhase, Geometry, Identity, MemoryStore, ScsiDisk};
use crate::scsi::{ScsiStatus, Sense};

/// A disk of `blocks` 512-byte blocks in memory, with nothing to say first.
fn disk(blocks: u64) -> ScsiDisk {
    disk_over(MemoryStore::new(blocks * 512))
}

fn disk_over(store: impl BackingStore + 'static) -> ScsiDisk {
    disk_with(store, Geometry::default())
}

fn disk_with(store: impl BackingStore + 'static, geometry: Geometry) -> ScsiDisk {
    ScsiDisk::new(Box::new(store), geometry, Identity::default()).unwrap().without_unit_attentions()
}

/// Command blocks: wire types and bytes. Unaligned, so that an array of plain integers is not one of `i32`.
trait Wire: IntoBytes + Immutable + Unaligned {}
impl<T: IntoBytes + Immutable + Unaligned + ?Sized> Wire for T {}

/// A command that moves no data, or whose data does not matter.
fn run(disk: &mut ScsiDisk, cdb: &(impl Wire + ?Sized)) -> Completion {
    disk.execute(cdb.as_bytes(), DataPhase::None)
}

/// The data a command sends into a buffer of `room` bytes; panics if it fails.
fn ask(disk: &mut ScsiDisk, cdb: &(impl Wire + ?Sized), room: usize) -> Vec<u8> {
    let mut buffer = vec![0xaa; room];
    let done = disk.execute(cdb.as_bytes(), DataPhase::In(&mut buffer));
    assert_eq!(done.sense, None);
    assert!(buffer[done.transferred..].iter().all(|&byte| byte == 0xaa), "written past `transferred`");
    buffer.truncate(done.transferred);
    buffer
}

/// A command that takes data.
fn send(disk: &mut ScsiDisk, cdb: &(impl Wire + ?Sized), data: &[u8]) -> Completion {
    disk.execute(cdb.as_bytes(), DataPhase::Out(data))
}

/// `count` blocks of 512 bytes that are not zero and not alike.
fn blocks(count: usize) -> Vec<u8> {
    (0..count * 512).map(|at| (at / 512 * 7 + at + 1) as u8 | 1).collect()
}

/// Sense as "05/24/00 2.4": key, codes, and the CDB byte and bit it points at; without sense the status.
fn quote(done: Completion) -> String {
    let Some(Sense { key, additional, field, .. }) = done.sense else {
        assert_ne!(done.status, ScsiStatus::CHECK_CONDITION);
        return done.status.to_string().to_lowercase();
    };
    assert_eq!((done.status, done.transferred), (ScsiStatus::CHECK_CONDITION, 0));
    let mut text = format!("{:02x}/{:02x}/{:02x}", key.0, additional.code, additional.qualifier);
    if let Some(field) = field {
        text += &format!(" {}{}", if field.in_cdb { "" } else { "data " }, field.byte);
        text += &field.bit.map(|bit| format!(".{bit}")).unwrap_or_default();
    }
    text
}

/// A store that pretends to any length, counts flushes and fails when told to; it keeps nothing.
#[derive(Clone, Default)]
struct Fake {
    len: u64,
    read_only: bool,
    broken: Arc<AtomicBool>,
    flushes: Arc<AtomicU32>,
}

impl Fake {
    fn answer(&self) -> std::io::Result<()> {
        if self.broken.load(Ordering::Relaxed) {
            Err(std::io::Error::other("broken on purpose"))
        } else {
            Ok(())
        }
    }

    fn break_down(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    fn flushes(&self) -> u32 {
        self.flushes.load(Ordering::Relaxed)
    }
}

impl BackingStore for Fake {
    fn len_bytes(&self) -> u64 {
        self.len
    }
    fn read_at(&mut self, _: u64, _: &mut [u8]) -> std::io::Result<()> {
        self.answer()
    }
    fn write_at(&mut self, _: u64, _: &[u8]) -> std::io::Result<()> {
        self.answer()
    }
    fn flush(&mut self) -> std::io::Result<()> {
        self.flushes.fetch_add(1, Ordering::Relaxed);
        self.answer()
    }
    fn is_read_only(&self) -> bool {
        self.read_only
    }
}
