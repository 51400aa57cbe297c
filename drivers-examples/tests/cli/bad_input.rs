//! A user's mistake: exit status 2, one line that says what and where, and nothing touched.

use crate::storsim::Desk;
use std::io::Write as _;
use std::path::Path;

#[test]
fn a_bad_flag_is_refused_by_its_name() {
    for (flags, names) in [
        ("nobody", ["'nobody'", ""]),
        ("'wdm-x*'", ["wdm-x*", ""]),
        ("wdm-startio nobody", ["'nobody'", ""]),
        ("ramdisk --cpus 0", ["--cpus", "0"]),
        ("ramdisk --cpus 65", ["--cpus", "65"]),
        ("ramdisk --cpus -1", ["-1", ""]),
        ("ramdisk --bs 3", ["--bs", "3"]),
        ("ramdisk --bs 0", ["--bs", "0"]),
        ("ramdisk --bs 2m", ["--bs", "1m"]),
        ("ramdisk --bs 4x", ["--bs", "'x'"]),
        ("ramdisk --seed x", ["--seed", "'x'"]),
        ("ramdisk --seed 18446744073709551616", ["--seed", ""]),
        ("ramdisk --ios 0", ["--ios", "0"]),
        ("ramdisk --iodepth 0", ["--iodepth", "0"]),
        ("ramdisk --iodepth 4097", ["--iodepth", "4097"]),
        ("ramdisk --time 1s", ["--time", "--ios"]),
        ("ramdisk --time 0s --executor parallel", ["--time", "no time"]),
        ("ramdisk --time 1s --ios 5", ["--time", "--ios"]),
        ("ramdisk --size 0", ["--size", "0"]),
        ("ramdisk --size 5000", ["--size", "5000"]),
        ("ramdisk --size 65g", ["--size", "64g"]),
        ("ramdisk --size 4k --bs 64k", ["--size 4096", "65536"]),
        ("ramdisk --rw trimread", ["--rw", "'trimread'"]),
        ("ramdisk --bs 4k..512", ["--bs", "multiple of the smallest"]),
        ("ramdisk --bs 512..2m", ["--bs", "more than 1m"]),
        ("ramdisk --bs 1m --iodepth 1024", ["--iodepth 1024", "1048576"]),
        ("ramdisk --fault flood", ["--fault", "\"flood\" is no kind of fault"]),
        ("ramdisk --fault all:p=2", ["--fault", "p=2"]),
        ("ramdisk --event flood", ["--event", "'flood'"]),
        ("ramdisk --timers-every 1000001", ["--timers-every", "1000001"]),
        ("ramdisk --cdb :in=4", ["--cdb", "a command block has 1 to 16 bytes, not 0"]),
        ("ramdisk --cdb 1x", ["--cdb", "'x' is no hexadecimal digit"]),
        ("ramdisk --cdb 000000000000:in=2000000", ["--cdb", "1048576 at most"]),
        ("ramdisk --vendor ninechars", ["vendor", "longer than 8 characters"]),
        ("ramdisk --read-only --rw write", ["--read-only", "--rw write"]),
        ("wdm-startio --read-only", ["wdm-startio", "--read-only"]),
        ("wdm-startio --fault dropped", ["wdm-startio", "--fault"]),
        ("wdm-startio --event reset", ["wdm-startio", "--event"]),
        ("one-lock-2x3 --fault busy", ["one-lock-2x3", "--fault"]),
        ("wdm-startio --rw randtrim", ["wdm-startio", "trims"]),
        ("ramdisk --executor quantum", ["--executor", "'quantum'"]),
        ("ramdisk --rules Nonsense", ["--rules", "'Nonsense'"]),
        ("ramdisk --rules SpinLockSafe,", ["--rules", "''"]),
        ("ramdisk --schedule-dir nowhere", ["--schedule-dir", "nowhere"]),
        ("ramdisk --format yaml", ["--format", "'yaml'"]),
        ("ramdisk --no-such-flag", ["--no-such-flag", ""]),
        ("ramdisk --bypass-driver", ["--image", ""]),
        ("", ["DRIVER", ""]),
    ] {
        Desk::new().refused(&format!("run {flags}"), &names);
    }
}

#[test]
fn a_missing_or_unknown_command_is_refused() {
    Desk::new().refused("", &["--help"]);
    Desk::new().refused("dance", &["'dance'"]);
    Desk::new().refused("replay", &["FILE"]);
    Desk::new().refused("explain", &["WORD"]);
    Desk::new().refused("list all", &["'all'"]);
    Desk::new().refused("replay x --stop-before soon", &["--stop-before", "'soon'"]);
}

/// Runs that must be refused because of the image, which must be left as it was.
#[track_caller]
fn refuses_image(image: &[u8], flags: &str, names: &[&str]) {
    let desk = Desk::new();
    desk.write("disk.img", image);
    let mut names = names.to_vec();
    names.push("disk.img");
    for driver in ["ramdisk", "wdm-startio"] {
        for mode in ["read", "write", "randwrite"] {
            desk.refused(&format!("run {driver} --image disk.img --rw {mode} {flags}"), &names);
            assert!(desk.read("disk.img") == image, "{driver} {mode} {flags}: the image was changed");
        }
    }
    desk.refused(&format!("run ramdisk --image disk.img --rw randwrite --bypass-driver {flags}"), &names);
    assert!(desk.read("disk.img") == image, "{flags}: the image was changed");
}

#[test]
fn an_image_that_is_no_disk_is_refused() {
    refuses_image(b"", "", &["--image", "empty"]);
    refuses_image(&[7; 1000], "", &["--image", "512"]);
    refuses_image(&[7; 512], "", &["--image", "512 bytes"]);
    refuses_image(&[7; 65536], "--bs 128k", &["--image", "65536"]);
}

#[test]
fn an_image_that_is_not_there_or_no_file_is_refused() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("directory")).unwrap();
    for line in ["", "--rw write", "--rw randwrite --bypass-driver"] {
        desk.refused(&format!("run ramdisk --image nowhere.img {line}"), &["--image", "nowhere.img"]);
        desk.refused(&format!("run ramdisk --image directory {line}"), &["--image", "directory", "regular"]);
    }
    assert!(!desk.path("nowhere.img").exists());
}

#[cfg(unix)]
#[test]
fn an_image_that_may_not_be_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::new();
    let path = desk.write("secret.img", [0; 65536]);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o000)).unwrap();
    if std::fs::File::open(&path).is_ok() {
        println!("skipped: this user may read everything");
        return;
    }
    desk.refused("run ramdisk --image secret.img", &["--image", "secret.img"]);
}

#[test]
fn an_image_whose_end_a_whole_pass_would_leave_out_is_refused() {
    let desk = Desk::new();
    let image = vec![7; 5 * 512];
    desk.write("disk.img", &image);
    for mode in ["read", "write"] {
        desk.refused(
            &format!("run ramdisk --image disk.img --rw {mode} --bs 1k"),
            &["--image disk.img", "--bs 512"],
        );
    }
    assert_eq!(desk.read("disk.img"), image);
    desk.clean("run ramdisk --image disk.img --bs 512");
}

#[test]
fn other_bad_flags_leave_a_good_image_alone() {
    let image: Vec<u8> = (0..65536u32).map(|n| n as u8).collect();
    let desk = Desk::new();
    desk.write("disk.img", &image);
    for flags in [
        "--cpus 0",
        "--bs 3",
        "--rules Nonsense",
        "--schedule-dir nowhere",
        "--time 1s",
        "nobody",
        "--size 1m",
        "--bypass-driver --executor parallel --time 1s",
    ] {
        desk.refused(&format!("run ramdisk --image disk.img --rw randwrite {flags}"), &[]);
        assert!(desk.read("disk.img") == image, "{flags}");
    }
    desk.refused("run ramdisk --image disk.img --bypass-driver", &["--bypass-driver", "--rw"]);
}

#[cfg(unix)]
#[test]
fn a_pipe_or_a_device_is_refused_at_once() {
    let desk = Desk::new();
    let made = std::process::Command::new("mkfifo").arg(desk.path("pipe")).status().expect("mkfifo");
    assert!(made.success());
    for command in ["replay", "merge"] {
        for file in ["pipe", "/dev/zero"] {
            desk.refused(&format!("{command} {file}"), &[file, "not a regular file"]);
        }
    }
}

fn lock(path: &Path, exclusive: bool) -> std::fs::File {
    let mut file = std::fs::OpenOptions::new().read(true).write(true).open(path).unwrap();
    if exclusive { file.lock() } else { file.lock_shared() }.expect("no other process has it");
    file.flush().unwrap();
    file
}

#[test]
fn an_image_that_another_run_writes_is_refused() {
    let desk = Desk::new();
    let path = desk.write("disk.img", [7; 65536]);
    let held = lock(&path, true);
    for flags in ["", "--rw randwrite", "--rw randwrite --bypass-driver"] {
        desk.refused(&format!("run ramdisk --image disk.img {flags}"), &["--image", "disk.img", "in use"]);
    }
    drop(held);
    desk.clean("run ramdisk --image disk.img --rw randwrite --ios 10");
}

#[test]
fn an_image_that_another_run_reads_may_be_read_and_not_written() {
    let desk = Desk::new();
    let path = desk.write("disk.img", [7; 65536]);
    let _held = lock(&path, false);
    desk.clean("run ramdisk --image disk.img");
    desk.refused("run ramdisk --image disk.img --rw randwrite", &["--image", "disk.img", "in use"]);
    assert_eq!(desk.read("disk.img"), [7; 65536]);
}
