//! A disk in memory that costs what was written to it, not what it could hold.

use std::collections::BTreeMap;
use std::io;

use super::{BackingStore, check_range};

/// Bytes kept or absent together. Larger than nearly every transfer, so that one is mostly one copy.
const PAGE: usize = 64 * 1024;
/// Pages found through one directory: 256 MiB.
const PAGES: usize = 4096;

type Page = Box<[u8; PAGE]>;
/// Null pointers for absent pages, so an empty directory is zeroed memory the host need not touch.
type Directory = Box<[Option<Page>]>;

/// Sparse memory: pages appear on their first write, absent ones read as zero.
///
/// Any length up to 2^64 - 1 bytes may be promised; only pages written take room. Contents last as long as
/// the value does, so [`flush`](BackingStore::flush) has nothing to do.
#[derive(Debug)]
pub struct MemoryStore {
    len: u64,
    directories: BTreeMap<u64, Directory>,
}

impl MemoryStore {
    /// A store of `len` bytes, all zero.
    pub fn new(len: u64) -> Self {
        Self { len, directories: BTreeMap::new() }
    }

    /// How many bytes of the host's memory hold data now; grows in steps of 64 KiB.
    pub fn resident_bytes(&self) -> u64 {
        let pages = self.directories.values().flatten().filter(|page| page.is_some()).count();
        (pages * PAGE) as u64
    }

    fn read(&self, offset: u64, buffer: &mut [u8]) -> io::Result<()> {
        check_range(self.len, offset, buffer.len() as u64)?;
        let (mut index, mut within) = locate(offset);
        let mut rest = buffer;
        while !rest.is_empty() {
            let (piece, next) = rest.split_at_mut(rest.len().min(PAGE - within));
            match self.page(index) {
                Some(page) => piece.copy_from_slice(&page[within..within + piece.len()]),
                None => piece.fill(0),
            }
            rest = next;
            (index, within) = (index + 1, 0);
        }
        Ok(())
    }

    fn page(&self, index: u64) -> Option<&[u8; PAGE]> {
        let directory = self.directories.get(&(index / PAGES as u64))?;
        directory[(index % PAGES as u64) as usize].as_deref()
    }

    fn slot(&mut self, index: u64) -> &mut Option<Page> {
        let directory = self
            .directories
            .entry(index / PAGES as u64)
            .or_insert_with(|| vec![None; PAGES].into_boxed_slice());
        &mut directory[(index % PAGES as u64) as usize]
    }

    fn existing_slot(&mut self, index: u64) -> Option<&mut Option<Page>> {
        let directory = self.directories.get_mut(&(index / PAGES as u64))?;
        directory.get_mut((index % PAGES as u64) as usize)
    }
}

impl BackingStore for MemoryStore {
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
        let (mut index, mut within) = locate(offset);
        let mut rest = data;
        while !rest.is_empty() {
            let (piece, next) = rest.split_at(rest.len().min(PAGE - within));
            let page = self.slot(index).get_or_insert_with(blank_page);
            page[within..within + piece.len()].copy_from_slice(piece);
            rest = next;
            (index, within) = (index + 1, 0);
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn zero_at(&mut self, offset: u64, len: u64) -> io::Result<()> {
        check_range(self.len, offset, len)?;
        let mut at = offset;
        let end = offset + len;
        while at < end {
            let (index, within) = locate(at);
            // 64-bit on purpose: what is left need not fit a usize.
            let piece = (end - at).min((PAGE - within) as u64);
            if piece == PAGE as u64 {
                if let Some(slot) = self.existing_slot(index) {
                    *slot = None;
                }
            } else if let Some(Some(page)) = self.existing_slot(index) {
                page[within..within + piece as usize].fill(0);
            }
            at += piece;
        }
        Ok(())
    }

    fn mapped_at(&self, offset: u64) -> (bool, u64) {
        let left = self.len.saturating_sub(offset);
        let (index, within) = locate(offset);
        let page_left = (PAGE - within) as u64;
        if self.page(index).is_some() {
            return (true, page_left.min(left));
        }
        // Beyond the next page that is there, `next - index` is at least 1; it may be worth 2^64 bytes.
        let absent = self
            .next_page(index)
            .map_or(left, |next| (next - index - 1).saturating_mul(PAGE as u64).saturating_add(page_left));
        (false, absent.min(left))
    }
}

impl MemoryStore {
    /// The first page from `index` on that is there; within one directory, or where the next one begins.
    fn next_page(&self, index: u64) -> Option<u64> {
        let first = index / PAGES as u64;
        let (&number, directory) = self.directories.range(first..).next()?;
        let begin = number * PAGES as u64;
        let skip = index.saturating_sub(begin);
        let pages = directory.iter().zip(0..).skip(skip as usize);
        let found = pages.filter(|(page, _)| page.is_some()).map(|(_, at)| begin + at).next();
        Some(found.unwrap_or(begin + PAGES as u64))
    }
}

/// The page a byte is in, and where in it.
fn locate(offset: u64) -> (u64, usize) {
    (offset / PAGE as u64, (offset % PAGE as u64) as usize)
}

/// Zeroed on the heap; an array built on the stack first would be copied.
fn blank_page() -> Page {
    match vec![0; PAGE].into_boxed_slice().try_into() {
        Ok(page) => page,
        Err(_) => unreachable!("the slice was made of the page's length"),
    }
}
