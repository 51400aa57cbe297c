//! What was flushed is in the image, however the program ends.
//!
//! A run writes to an image and says on standard error, with `--verbose`, when a flush was acknowledged. It
//! is killed at some point; every block must then hold what it held at the last flush that was told, or what
//! a later write put there. The same operations without a driver say what that is. It is about this program's
//! own memory: the host goes on, so what has reached the file is safe.

use crate::storsim::{Desk, soak};
use assert_cmd::cargo::cargo_bin;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use storport_sim::disk::{BackingStore, MemoryStore};
use verifier::workload::{Amount, Mode, Options, apply};

const BLOCK: usize = 4096;
const IMAGE_BYTES: usize = 1 << 20;
const WRITES_A_FLUSH: u64 = 8;
const DEPTH: u64 = 8;
/// Writes that may have been made after the last flush that was told: those before the next, which may have
/// been acknowledged without a word, those behind it, and what was outstanding.
const WRITES_AFTER: u64 = 2 * WRITES_A_FLUSH + DEPTH;

/// The image after so many writes of a run.
fn after_writes(writes: u64, seed: u64) -> Vec<u8> {
    let options = Options {
        mode: Mode::RandWrite,
        amount: Amount::Ios(writes),
        block_bytes: (BLOCK as u32).into(),
        depth: DEPTH as u32,
        flush_every: WRITES_A_FLUSH as u32,
        cancel_every: 0,
        service_every: 32,
        luns: 1,
        seed,
        zeroed: false,
    };
    let mut store = MemoryStore::new(IMAGE_BYTES as u64);
    if writes != 0 {
        apply(&mut store, &options, 1, false).expect("memory takes it");
    }
    let mut bytes = vec![0; IMAGE_BYTES];
    store.read_at(0, &mut bytes).expect("it is there");
    bytes
}

/// Runs until so many flushes were acknowledged, kills the run, and returns how many it told of.
fn flushes_before_kill(desk: &Desk, driver: &str, executor: &str, seed: u64, flushes: usize) -> u64 {
    let line = format!(
        "run {driver} --image disk.img --rw randwrite --bs {BLOCK} --fsync {WRITES_A_FLUSH} --iodepth {DEPTH} --cpus 1 \
         --executor {executor} --seed {seed} --cancel 0 --ios 1000000000 --verbose"
    );
    let words =
        line.split_whitespace().filter(|word| driver.starts_with("wdm") || !["--cancel", "0"].contains(word));
    let mut child = Command::new(cargo_bin("storsim"))
        .args(words)
        .current_dir(desk.path("."))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let told = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let mut count = 0;
    for line in told.map_while(Result::ok).filter(|line| line.contains("flushed")) {
        count += 1;
        let number = line.split("flushes=").nth(1).and_then(|rest| rest.split_whitespace().next());
        assert_eq!(number, Some(&*count.to_string()), "{line}");
        if count == flushes as u64 {
            // SIGKILL; what is in the pipe by then is read all the same.
            child.kill().expect("it runs");
        }
    }
    assert!(!child.wait().expect("it ends").success());
    count
}

fn survives(driver: &str, executor: &str, seed: u64) {
    let desk = Desk::new();
    desk.write("disk.img", vec![0; IMAGE_BYTES]);
    let flushes = flushes_before_kill(&desk, driver, executor, seed, 3 + (seed as usize * 37) % 200);
    let safe = flushes * WRITES_A_FLUSH;
    let may_be: Vec<_> = (0..=WRITES_AFTER).map(|more| after_writes(safe + more, seed)).collect();
    let image = desk.read("disk.img");
    assert_eq!(image.len(), IMAGE_BYTES);
    for (n, block) in image.chunks(BLOCK).enumerate() {
        let at = n * BLOCK;
        assert!(
            may_be.iter().any(|whole| &whole[at..at + BLOCK] == block),
            "{driver} {executor} seed {seed}: block {n} is not as it was after {flushes} flushes"
        );
    }
}

fn rounds(seeds: std::ops::Range<u64>) {
    let ways = ["ramdisk", "ahci", "vioscsi", "wdm-startio"]
        .map(|driver| [(driver, "deterministic"), (driver, "parallel")]);
    for (seed, (driver, executor)) in seeds.zip(ways.as_flattened().iter().cycle()) {
        survives(driver, executor, seed);
    }
}

#[test]
fn what_was_flushed_survives_a_kill() {
    rounds(1..soak(9, 101));
}
