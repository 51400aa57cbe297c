//! A disk in a file: a raw image, one byte of file for one byte of disk.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{BackingStore, ZEROS, check_range, pieces};

/// The unit an image's length is counted in: the smallest logical block, in bytes.
const SECTOR: u64 = 512;

/// A raw disk image, read and written in place.
///
/// Opened for writing it holds an advisory exclusive lock (and opened for reading a shared one) until it is
/// dropped, so that two runs do not write one image. [`flush`](BackingStore::flush) is `fdatasync`.
#[derive(Debug)]
pub struct FileStore {
    file: File,
    len: u64,
    read_only: bool,
}

/// Why an image could not be opened. Each is one line that names the file.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The file is not there, may not be opened, or something else the host says.
    #[error("{}: cannot be opened: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// The host's error.
        source: io::Error,
    },
    /// A directory, a device, a pipe: not a thing with a fixed length.
    #[error("{}: is not a regular file", path.display())]
    NotAFile {
        /// The file.
        path: PathBuf,
    },
    /// A disk of no blocks is no disk.
    #[error("{}: is empty; a disk image is a whole number of 512-byte sectors", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// Part of a sector is left over.
    #[error("{}: is {len} bytes long, {} more than a whole number of 512-byte sectors", path.display(), len % SECTOR)]
    Ragged {
        /// The file.
        path: PathBuf,
        /// Its length, in bytes.
        len: u64,
    },
    /// Another process, or another store in this one, has the image.
    #[error("{}: is in use: another run holds its lock", path.display())]
    Locked {
        /// The file.
        path: PathBuf,
    },
}

impl FileStore {
    /// Opens an existing image; never creates, extends or shortens one.
    ///
    /// Refuses anything that is not a regular file of a non-zero multiple of 512 bytes, and one that is
    /// locked.
    pub fn open(path: impl AsRef<Path>, read_only: bool) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let failed = |source| StoreError::Open { path: path.into(), source };
        // Before opening: to open a pipe would be to wait for its other end.
        if !std::fs::metadata(path).map_err(failed)?.is_file() {
            return Err(StoreError::NotAFile { path: path.into() });
        }
        let file = OpenOptions::new().read(true).write(!read_only).open(path).map_err(failed)?;
        let locked = if read_only { file.try_lock_shared() } else { file.try_lock() };
        match locked {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StoreError::Locked { path: path.into() }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // After locking: now its length is ours to rely on.
        match file.metadata().map_err(failed)?.len() {
            0 => Err(StoreError::Empty { path: path.into() }),
            len if !len.is_multiple_of(SECTOR) => Err(StoreError::Ragged { path: path.into(), len }),
            len => Ok(Self { file, len, read_only }),
        }
    }
}

impl FileStore {
    fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        check_range(self.len, offset, buffer.len() as u64)?;
        self.file.read_exact_at(buffer, offset)
    }
}

impl BackingStore for FileStore {
    fn len_bytes(&self) -> u64 {
        self.len
    }

    fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        self.read(offset, buffer)
    }

    fn read_shared(&self, offset: u64, buffer: &mut [u8]) -> Option<io::Result<()>> {
        Some(self.read(offset, buffer))
    }

    fn write_at(&mut self, offset: u64, data: &[u8]) -> io::Result<()> {
        check_range(self.len, offset, data.len() as u64)?;
        self.file.write_all_at(data, offset)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Safe Rust cannot punch holes. What is zero already, holes included, is left as it is, so that
    /// unmapping a sparse image does not fill it.
    fn zero_at(&mut self, offset: u64, len: u64) -> io::Result<()> {
        check_range(self.len, offset, len)?;
        let mut held = vec![0; len.min(ZEROS.len() as u64) as usize];
        for (at, len) in pieces(offset, len) {
            let held = &mut held[..len];
            self.file.read_exact_at(held, at)?;
            if *held != ZEROS[..len] {
                self.file.write_all_at(&ZEROS[..len], at)?;
            }
        }
        Ok(())
    }

    fn is_read_only(&self) -> bool {
        self.read_only
    }
}
