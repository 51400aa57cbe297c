//! Files that are no drivers, or broken ones: one line, status 2, whatever is in them.

use super::{CLEAN, desk, storsim};
use storport_sim::image;

fn is_refused(bytes: &[u8], words: &str) {
    let desk = desk();
    std::fs::write(desk.path().join("bad.sys"), bytes).expect("room for a file");
    let assert = storsim(&desk, "run --sys bad.sys --ios 5").code(2);
    let stderr = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.starts_with("error: --sys: bad.sys: ") && stderr.contains(words), "{stderr}");
    assert!(assert.get_output().stdout.is_empty());
}

#[test]
fn what_is_no_driver_is_refused_in_one_line() {
    is_refused(b"", "not a PE file");
    is_refused(b"#!/bin/sh\necho hello\n", "not a PE file");
    is_refused(&CLEAN[..64], "a broken PE file");
    is_refused(&CLEAN[..CLEAN.len() / 2], "a broken PE file");
    let mut other = CLEAN.to_vec();
    let header = u32::from_le_bytes(other[0x3C..0x40].try_into().expect("four bytes")) as usize;
    other[header + 4..header + 6].copy_from_slice(&0xAA64_u16.to_le_bytes());
    is_refused(&other, "machine 0xaa64");
}

#[test]
fn a_file_that_is_not_there_is_refused() {
    let desk = desk();
    let assert = storsim(&desk, "run --sys missing.sys").code(2);
    let stderr = String::from_utf8_lossy(&assert.get_output().stderr).into_owned();
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
    assert!(stderr.contains("missing.sys"), "{stderr}");
}

/// Parsing alone: what runs of a broken driver's code is the driver's own doing.
#[test]
fn two_thousand_mutations_are_parsed_or_refused() {
    let mut state = 1_u64;
    let mut next = move || {
        state = state.wrapping_mul(0x5851_F42D_4C95_7F2D).wrapping_add(1);
        (state >> 33) as usize
    };
    let (mut refused, mut taken) = (0, 0);
    for _ in 0..2000 {
        let mut bytes = CLEAN.to_vec();
        for _ in 0..=next() % 8 {
            // Most of them where the headers are.
            let at = next() % if next() % 4 == 0 { bytes.len() } else { 0x400 };
            bytes[at] = next() as u8;
        }
        if next() % 8 == 0 {
            bytes.truncate(next() % bytes.len());
        }
        match image::load("mutated.sys".as_ref(), bytes) {
            Ok(_) => taken += 1,
            Err(why) => {
                refused += 1;
                assert_eq!(why.to_string().lines().count(), 1, "{why}");
            }
        }
    }
    assert!(refused > 200 && taken > 200, "{refused} refused, {taken} taken");
}
