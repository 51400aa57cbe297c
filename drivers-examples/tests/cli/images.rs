//! A disk image through a driver is what it is without one.

use crate::storsim::{CLEAN, Desk, soak};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::process::Command;

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

/// `mkfs.ext4`, which is not on every user's path even where it is installed.
fn mkfs() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places =
        std::env::split_paths(&path).chain(["/usr/sbin", "/sbin", "/usr/local/sbin"].map(PathBuf::from));
    let found = places.map(|place| place.join("mkfs.ext4")).find(|file| file.is_file());
    if found.is_none() {
        println!("skipped: mkfs.ext4 is not installed (package e2fsprogs)");
    }
    found
}

/// Makes `disk.img`, an ext4 file system with some files. `false`: there is no mkfs.ext4.
fn make_ext4(desk: &Desk) -> bool {
    let Some(mkfs) = mkfs() else { return false };
    std::fs::create_dir_all(desk.path("files/below")).unwrap();
    for n in 0..20usize {
        let line = format!("file {n} of the image\n");
        desk.write(&format!("files/{n}.txt"), line.repeat(1 + 500 * n));
        desk.write(&format!("files/below/{n}.bin"), vec![n as u8; 7919 * n]);
    }
    let made = Command::new(mkfs)
        .args(["-q", "-F", "-d"])
        .arg(desk.path("files"))
        .arg(desk.path("disk.img"))
        .arg(soak("16M", "512M"))
        .output()
        .expect("mkfs.ext4 starts");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    true
}

#[test]
fn a_file_system_read_through_a_driver_has_its_own_digest() {
    let desk = Desk::new();
    if !make_ext4(&desk) {
        return;
    }
    let bytes = desk.read("disk.img");
    let digest = sha256(&bytes);
    for driver in CLEAN {
        for flags in ["--bs 64k", "--bs 64k --executor parallel"] {
            let said = desk.clean(&format!("run {driver} --image disk.img {flags}"));
            assert_eq!(said.field("sha256"), digest, "{driver} {flags}");
            let run = desk.clean(&format!("run {driver} --image disk.img {flags} --format json")).json();
            assert_eq!(run["sha256"], digest, "{driver} {flags}");
        }
    }
    assert!(desk.read("disk.img") == bytes, "reading changed the image");
}

#[test]
fn a_small_image_read_in_small_blocks_has_its_own_digest() {
    let bytes: Vec<u8> = (0..129 * 512u32).map(|n| (n.wrapping_mul(n) >> 7) as u8).collect();
    let desk = Desk::new();
    desk.write("disk.img", &bytes);
    for driver in CLEAN {
        for executor in ["deterministic", "parallel"] {
            let line = format!("run {driver} --image disk.img --bs 512 --iodepth 32 --executor {executor}");
            assert_eq!(desk.clean(&line).field("sha256"), sha256(&bytes));
        }
    }
    assert_eq!(desk.read("disk.img"), bytes);
}

/// Random writes with verification through each driver, and the same writes without one.
fn assert_same_writes(desk: &Desk, flags: &str) {
    let ios = soak(500, 10_000);
    let before = desk.read("disk.img");
    let workload = format!("--image disk.img --rw randwrite --ios {ios} --seed 5 {flags}");
    desk.clean(&format!("run ramdisk {workload} --bypass-driver"));
    let expected = desk.read("disk.img");
    assert!(expected != before, "the writes leave a mark");
    for driver in CLEAN {
        for executor in ["deterministic", "parallel"] {
            desk.write("disk.img", &before);
            let line = format!("run {driver} {workload} --executor {executor} --format json");
            let run = desk.clean(&line).json();
            assert!(run["sectors_verified"].as_u64() > Some(0), "{line}: {run}");
            assert!(desk.read("disk.img") == expected, "{line}: the image differs");
        }
    }
}

#[test]
fn reads_that_are_cancelled_are_read_again_for_the_digest() {
    let bytes: Vec<u8> = (0..1 << 20).map(|n: u32| (n.wrapping_mul(n) >> 9) as u8).collect();
    let desk = Desk::new();
    desk.write("disk.img", &bytes);
    for executor in ["deterministic", "parallel"] {
        let line = format!("run wdm-startio --image disk.img --cancel 2 --executor {executor} --format json");
        assert_eq!(desk.clean(&line).json()["sha256"], sha256(&bytes), "{line}");
    }
}

#[test]
fn random_writes_through_a_driver_leave_the_image_that_direct_writes_leave() {
    let desk = Desk::new();
    if !make_ext4(&desk) {
        desk.write("disk.img", vec![0xA5; 16 << 20]);
    }
    assert_same_writes(&desk, "--bs 4k");
}

#[test]
fn writes_leave_the_end_of_an_image_that_is_no_whole_number_of_blocks() {
    let desk = Desk::new();
    desk.write("disk.img", vec![0xA5; (64 << 10) + 512]);
    assert_same_writes(&desk, "--bs 1k --iodepth 3");
    assert_eq!(desk.read("disk.img").len(), (64 << 10) + 512);
    assert!(desk.read("disk.img").ends_with(&[0xA5; 512]));
}

#[test]
fn what_was_written_is_read_back_by_the_next_run() {
    let desk = Desk::new();
    desk.write("disk.img", vec![0; 1 << 20]);
    desk.clean("run wdm-startio --image disk.img --rw write --bs 8k");
    let digest = sha256(&desk.read("disk.img"));
    let said = desk.clean("run ramdisk --image disk.img --rw read --bs 4k");
    assert_eq!(said.field("sha256"), digest);
}

#[test]
fn a_mix_of_all_sizes_leaves_the_image_that_it_leaves_without_a_driver() {
    let desk = Desk::new();
    let workload = "--image disk.img --rw mixed --bs 512..128k --ios 300 --seed 3";
    let images = CLEAN.map(|driver| {
        desk.write("disk.img", vec![0xA5; 4 << 20]);
        desk.clean(&format!("run {driver} {workload} --bypass-driver"));
        let expected = desk.read("disk.img");
        for executor in ["deterministic", "parallel"] {
            desk.write("disk.img", vec![0xA5; 4 << 20]);
            desk.clean(&format!("run {driver} {workload} --executor {executor}"));
            assert!(desk.read("disk.img") == expected, "{driver} {executor}: the image differs");
        }
        expected
    });
    // One takes trims, the other writes instead.
    assert!(images[0] != images[1]);
}
