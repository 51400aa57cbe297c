//! The stores themselves.

use super::super::{BackingStore, FileStore, MemoryStore, StoreError};
use super::*;
use std::io::Write;

const PAGE: u64 = 64 * 1024;

/// An image of `len` bytes, all zero.
fn image(len: u64) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().set_len(len).unwrap();
    file
}

/// The same test over both kinds of store, 256 KiB each.
fn both(test: impl Fn(&mut dyn BackingStore)) {
    test(&mut MemoryStore::new(4 * PAGE));
    let file = image(4 * PAGE);
    test(&mut FileStore::open(file.path(), false).unwrap());
}

fn read(store: &mut dyn BackingStore, offset: u64, len: usize) -> Vec<u8> {
    let mut buffer = vec![0xaa; len];
    store.read_at(offset, &mut buffer).unwrap();
    buffer
}

#[test]
fn what_was_never_written_reads_as_zero() {
    both(|store| assert_eq!(read(store, 0, 4 * PAGE as usize), vec![0; 4 * PAGE as usize]));
}

#[test]
fn a_write_across_pages_is_read_back_across_pages() {
    both(|store| {
        let data = blocks(300);
        for offset in [0, PAGE - 1, PAGE - 512, PAGE, 4 * PAGE - data.len() as u64] {
            store.write_at(offset, &data).unwrap();
            assert_eq!(read(store, offset, data.len()), data);
        }
        store.flush().unwrap();
    });
}

#[test]
fn a_range_past_the_end_is_an_error_and_leaves_the_rest_alone() {
    both(|store| {
        let end = 4 * PAGE;
        for (offset, len) in
            [(end, 1), (end - 1, 2), (end + 1, 0), (u64::MAX, 1), (u64::MAX, 0), (0, end + 1)]
        {
            let mut buffer = vec![1; len as usize];
            assert!(store.read_at(offset, &mut buffer).is_err());
            assert!(store.write_at(offset, &buffer).is_err());
            assert!(store.zero_at(offset, len).is_err());
        }
        assert!(store.zero_at(1, u64::MAX).is_err());
        assert!(store.write_at(end, &[]).is_ok());
        assert_eq!(read(store, 0, 4 * PAGE as usize), vec![0; 4 * PAGE as usize]);
    });
}

#[test]
fn zeroing_touches_its_range_only() {
    both(|store| {
        for (offset, len) in [(0, 1), (5, PAGE), (PAGE, PAGE), (100, 3 * PAGE), (0, 4 * PAGE), (7, 0)] {
            let mut expected = vec![0xff; 4 * PAGE as usize];
            store.write_at(0, &expected).unwrap();
            store.zero_at(offset, len).unwrap();
            expected[offset as usize..(offset + len) as usize].fill(0);
            assert!(read(store, 0, 4 * PAGE as usize) == expected, "{len} bytes at {offset}");
        }
    });
}

#[test]
fn a_store_that_knows_no_better_zeroes_by_writing() {
    struct Plain(MemoryStore);
    impl BackingStore for Plain {
        fn len_bytes(&self) -> u64 {
            self.0.len_bytes()
        }
        fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> std::io::Result<()> {
            self.0.read_at(offset, buffer)
        }
        fn write_at(&mut self, offset: u64, data: &[u8]) -> std::io::Result<()> {
            self.0.write_at(offset, data)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            self.0.flush()
        }
    }
    let mut store = Plain(MemoryStore::new(4 * PAGE));
    store.write_at(0, &vec![0xff; 4 * PAGE as usize]).unwrap();
    store.zero_at(1, 3 * PAGE).unwrap();
    let data = read(&mut store, 0, 4 * PAGE as usize);
    assert_eq!(data.iter().filter(|&&byte| byte == 0).count() as u64, 3 * PAGE);
    assert_eq!((data[0], data[1], data[3 * PAGE as usize], data[3 * PAGE as usize + 1]), (0xff, 0, 0, 0xff));
    assert!(store.zero_at(4 * PAGE, 1).is_err());
}

#[test]
fn memory_is_taken_by_what_is_written_and_given_back_by_what_is_zeroed() {
    let mut store = MemoryStore::new(u64::MAX);
    read(&mut store, 1 << 60, 4096);
    store.zero_at(1 << 50, 1 << 30).unwrap();
    assert_eq!(store.resident_bytes(), 0);
    store.write_at(u64::MAX - 10, &[1; 10]).unwrap();
    store.write_at(PAGE - 1, &[1; 2]).unwrap();
    assert_eq!(store.resident_bytes(), 3 * PAGE);
    store.zero_at(0, 2 * PAGE).unwrap();
    assert_eq!(store.resident_bytes(), PAGE);
}

#[test]
fn an_image_keeps_its_blocks_between_openings() {
    let file = image(4096);
    let data = blocks(1);
    FileStore::open(file.path(), false).unwrap().write_at(512, &data).unwrap();
    assert_eq!(read(&mut FileStore::open(file.path(), true).unwrap(), 512, 512), data);
    assert_eq!(std::fs::read(file.path()).unwrap()[512..1024], data);
}

#[test]
fn zeroing_a_sparse_image_does_not_fill_it() {
    use std::os::unix::fs::MetadataExt;
    let file = image(64 * PAGE);
    FileStore::open(file.path(), false).unwrap().zero_at(0, 64 * PAGE).unwrap();
    assert!(file.as_file().metadata().unwrap().blocks() * 512 < PAGE);
}

#[test]
fn an_image_opened_read_only_refuses_writes() {
    let file = image(4096);
    let mut store = FileStore::open(file.path(), true).unwrap();
    assert!(store.is_read_only());
    assert!(store.write_at(0, &[1]).is_err());
    let mut disk = disk_over(store);
    assert_eq!(quote(send(&mut disk, &[0x0a_u8, 0, 0, 0, 1, 0], &[0; 512])), "07/27/00");
}

#[test]
fn an_image_is_one_writers_or_many_readers() {
    let file = image(4096);
    let writer = FileStore::open(file.path(), false).unwrap();
    assert!(matches!(FileStore::open(file.path(), false), Err(StoreError::Locked { .. })));
    assert!(matches!(FileStore::open(file.path(), true), Err(StoreError::Locked { .. })));
    drop(writer);
    let _readers = [FileStore::open(file.path(), true).unwrap(), FileStore::open(file.path(), true).unwrap()];
    assert!(matches!(FileStore::open(file.path(), false), Err(StoreError::Locked { .. })));
}

#[test]
fn an_image_that_cannot_be_used_is_refused_in_one_line_that_names_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::File::create(path("empty")).unwrap();
    std::fs::File::create(path("ragged")).unwrap().write_all(&[0; 1025]).unwrap();
    for (name, reason) in [
        ("absent", "cannot be opened: "),
        ("", "is not a regular file"),
        ("empty", "is empty; a disk image is a whole number of 512-byte sectors"),
        ("ragged", "is 1025 bytes long, 1 more than a whole number of 512-byte sectors"),
    ] {
        for read_only in [false, true] {
            let text = FileStore::open(path(name), read_only).unwrap_err().to_string();
            assert!(text.starts_with(&format!("{}: {reason}", path(name).display())), "{text}");
            assert_eq!(text.lines().count(), 1);
        }
    }
}

#[test]
fn a_file_cut_under_a_running_disk_is_a_medium_error() {
    let file = image(4096);
    let mut disk = disk_over(FileStore::open(file.path(), false).unwrap());
    file.as_file().set_len(1024).unwrap();
    let mut buffer = [0; 512];
    let done = disk.execute(&[0x08, 0, 0, 2, 1, 0], DataPhase::In(&mut buffer));
    assert_eq!(quote(done), "03/11/00");
}
