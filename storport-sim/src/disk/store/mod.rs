//! Backing stores, which keep the blocks: memory, or a file.
//!
//! A store knows bytes and lengths, nothing of blocks or SCSI. It fails with an I/O error, which the disk
//! turns into a medium error; a store that injects faults is a wrapper that returns one.

mod file;
mod memory;

pub use file::{FileStore, StoreError};
pub use memory::MemoryStore;

use std::io;

/// The bytes behind a disk.
///
/// A range that reaches past [`len_bytes`](Self::len_bytes) is refused with an error, never a panic; the disk
/// does not ask for one.
pub trait BackingStore: Send + Sync {
    /// The length, in bytes. Does not change.
    fn len_bytes(&self) -> u64;

    /// Fills `buffer` from `offset` (bytes). On an error the buffer's contents mean nothing.
    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()>;

    /// As [`read_at`](Self::read_at), for several readers at once. `None`, and nothing done, from a store
    /// that can be read by one at a time only, which is what a store is unless it says otherwise.
    fn read_shared(&self, offset: u64, buffer: &mut [u8]) -> Option<io::Result<()>> {
        let _ = (offset, buffer);
        None
    }

    /// Writes `data` at `offset` (bytes). On an error any part of it may have been written.
    fn write_at(&mut self, offset: u64, data: &[u8]) -> io::Result<()>;

    /// Makes everything written before durable.
    fn flush(&mut self) -> io::Result<()>;

    /// Makes `len` bytes from `offset` read as zero, giving space back where the store can.
    ///
    /// Writes zeros unless a store knows better.
    fn zero_at(&mut self, offset: u64, len: u64) -> io::Result<()> {
        check_range(self.len_bytes(), offset, len)?;
        for (at, len) in pieces(offset, len) {
            self.write_at(at, &ZEROS[..len])?;
        }
        Ok(())
    }

    /// Whether the byte at `offset` takes any room, and for how many bytes from there on that is so, at
    /// least.
    ///
    /// What takes no room reads as zero. Everything is mapped unless a store says otherwise; at the end of
    /// the store the length is zero.
    fn mapped_at(&self, offset: u64) -> (bool, u64) {
        (true, self.len_bytes().saturating_sub(offset))
    }

    /// Writing is refused; the disk then reports a write-protected medium. `false` unless a store says
    /// otherwise.
    fn is_read_only(&self) -> bool {
        false
    }
}

static ZEROS: [u8; 64 * 1024] = [0; 64 * 1024];

/// Cuts a range into pieces no longer than [`ZEROS`].
fn pieces(offset: u64, len: u64) -> impl Iterator<Item = (u64, usize)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let piece = (len - done).min(ZEROS.len() as u64);
        let at = offset + done;
        done += piece;
        (piece > 0).then_some((at, piece as usize))
    })
}

/// Refuses a range that reaches past `store_len`.
fn check_range(store_len: u64, offset: u64, len: u64) -> io::Result<()> {
    if store_len.checked_sub(offset).is_some_and(|left| len <= left) {
        Ok(())
    } else {
        Err(past_the_end(store_len, offset, len))
    }
}

#[cold]
fn past_the_end(store_len: u64, offset: u64, len: u64) -> io::Error {
    let message = format!("{len} bytes at {offset} reach past the end of a store of {store_len} bytes");
    io::Error::new(io::ErrorKind::InvalidInput, message)
}
