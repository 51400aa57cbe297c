//! READ, WRITE and SYNCHRONIZE CACHE when data, store or medium do not play along, and when data is durable.

use super::io::writes;
use super::*;
use crate::scsi::{Opcode, Rw10, Rw16};

#[test]
fn a_read_buffer_too_small_gets_what_fits_and_learns_of_the_rest() {
    let mut disk = disk(10);
    let data = blocks(2);
    send(&mut disk, &Rw10::new(Opcode::WRITE_10, 0, 2), &data);
    for room in [0, 1, 511, 512, 513, 1023] {
        let mut buffer = vec![0; room];
        let done = disk.execute(Rw10::new(Opcode::READ_10, 0, 2).as_bytes(), DataPhase::In(&mut buffer));
        assert_eq!((done.status, done.transferred, done.expected), (ScsiStatus::GOOD, room, 1024));
        assert_eq!(buffer, data[..room]);
    }
    let done = run(&mut disk, &Rw10::new(Opcode::READ_10, 0, 2));
    assert_eq!((done.transferred, done.expected), (0, 1024));
}

#[test]
fn a_write_with_too_little_data_is_given_up_and_nothing_is_written() {
    let mut disk = disk(10);
    let write = Rw10::new(Opcode::WRITE_10, 0, 2);
    for len in [0, 1, 512, 1023] {
        assert_eq!(quote(send(&mut disk, &write, &blocks(2)[..len])), "0b/4b/00");
    }
    assert_eq!(quote(run(&mut disk, &write)), "0b/4b/00");
    assert_eq!(ask(&mut disk, &Rw10::new(Opcode::READ_10, 0, 2), 1024), [0; 1024]);
}

#[test]
fn data_in_the_wrong_direction_is_a_data_phase_error() {
    let mut disk = disk(10);
    let mut buffer = [0; 512];
    assert_eq!(quote(send(&mut disk, &Rw10::new(Opcode::READ_10, 0, 1), &buffer)), "0b/4b/00");
    let write = Rw10::new(Opcode::WRITE_10, 0, 1);
    assert_eq!(quote(disk.execute(write.as_bytes(), DataPhase::In(&mut buffer))), "0b/4b/00");
}

#[test]
fn a_write_is_durable_when_fua_or_the_geometry_says_so() {
    let fua = Rw10 { flags: Rw10::FUA, ..Rw10::new(Opcode::WRITE_10, 0, 1) };
    let plain = Rw10::new(Opcode::WRITE_10, 0, 1);
    let read_fua = Rw10 { flags: Rw10::FUA, ..Rw10::new(Opcode::READ_10, 0, 1) };
    for (write_cache, cdb, flushes) in
        [(true, plain, 0), (true, fua, 1), (true, read_fua, 0), (false, plain, 1), (false, fua, 1)]
    {
        let store = Fake { len: 512, ..Fake::default() };
        let mut disk = disk_with(store.clone(), Geometry { write_cache, ..Geometry::default() });
        let mut buffer = [1; 512];
        let data = match cdb.opcode {
            Opcode::READ_10 => DataPhase::In(&mut buffer),
            _ => DataPhase::Out(&buffer),
        };
        assert_eq!(quote(disk.execute(cdb.as_bytes(), data)), "good");
        assert_eq!(store.flushes(), flushes, "write cache {write_cache}, {cdb:?}");
    }
}

#[test]
fn synchronize_cache_flushes_once_whatever_the_range() {
    let store = Fake { len: 100 * 512, ..Fake::default() };
    let mut disk = disk_over(store.clone());
    let immediate = Rw10 { flags: 0x02, ..Rw10::new(Opcode::SYNCHRONIZE_CACHE_10, 0, 0) };
    assert_eq!(quote(run(&mut disk, &Rw10::new(Opcode::SYNCHRONIZE_CACHE_10, 0, 0))), "good");
    assert_eq!(quote(run(&mut disk, &Rw10::new(Opcode::SYNCHRONIZE_CACHE_10, 99, 1))), "good");
    assert_eq!(quote(run(&mut disk, &Rw16::new(Opcode::SYNCHRONIZE_CACHE_16, 0, 100))), "good");
    assert_eq!(quote(run(&mut disk, &immediate)), "good");
    assert_eq!(store.flushes(), 4);
    assert_eq!(quote(run(&mut disk, &Rw10::new(Opcode::SYNCHRONIZE_CACHE_10, 99, 2))), "05/21/00");
    assert_eq!(store.flushes(), 4);
}

#[test]
fn a_failing_store_is_a_medium_error_that_names_the_first_block() {
    let store = Fake { len: 100 * 512, ..Fake::default() };
    let mut disk = disk_over(store.clone());
    store.break_down();
    let mut buffer = [0; 1024];
    let done = disk.execute(Rw10::new(Opcode::READ_10, 7, 2).as_bytes(), DataPhase::In(&mut buffer));
    assert_eq!((quote(done).as_str(), done.sense.unwrap().information), ("03/11/00", Some(7)));
    let done = send(&mut disk, &Rw10::new(Opcode::WRITE_10, 8, 2), &buffer);
    assert_eq!((quote(done).as_str(), done.sense.unwrap().information), ("03/0c/00", Some(8)));
    assert_eq!(quote(run(&mut disk, &Rw10::new(Opcode::SYNCHRONIZE_CACHE_10, 0, 0))), "03/0c/00");
}

#[test]
fn a_write_protected_medium_is_read_and_never_written() {
    let mut disk = disk_over(Fake { len: 512, read_only: true, ..Fake::default() });
    let data = [0; 512];
    for cdb in writes(0, 1) {
        assert_eq!(quote(send(&mut disk, &cdb[..], &data)), "07/27/00");
    }
    assert_eq!(quote(send(&mut disk, &Rw10::new(Opcode::WRITE_SAME_10, 0, 1), &data)), "07/27/00");
    assert_eq!(quote(send(&mut disk, &Rw10::new(Opcode::UNMAP, 0, 0), &data)), "07/27/00");
    assert_eq!(ask(&mut disk, &Rw10::new(Opcode::READ_10, 0, 1), 512).len(), 512);
}
