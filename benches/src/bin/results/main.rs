//! Writes `benches/RESULTS.md`: runs every benchmark once, counts instructions, makes the table.
//!
//! The one command that produces every figure the project quotes. Targets that are missed are shown
//! as missed.

mod explorations;

use benches::steps::Locks;
use benches::{Watching, completion, contention, locks, steps};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/RESULTS.md");

type Medians = BTreeMap<String, f64>;

fn main() -> ExitCode {
    match write() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("error: {why}");
            ExitCode::from(2)
        }
    }
}

fn write() -> Result<(), String> {
    let home = std::env::temp_dir().join(format!("storsim-results-{}", std::process::id()));
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(&cargo)
        .args(["bench", "-p", "benches", "--benches", "--"])
        .args(["--warm-up-time", "1", "--measurement-time", "2", "--sample-size", "30"])
        .env("CRITERION_HOME", &home)
        .status()
        .map_err(|e| format!("cargo bench: {e}"))?;
    if !status.success() {
        return Err("cargo bench failed".into());
    }
    let mut medians = Medians::new();
    collect(&home, &mut medians)?;
    let _ = std::fs::remove_dir_all(&home);
    let counts = Command::new(&cargo)
        .args(["run", "--profile", "bench", "-q", "-p", "benches", "--bin", "instructions"])
        .output()
        .map_err(|e| format!("instructions: {e}"))?;
    let counts = if counts.status.success() {
        String::from_utf8_lossy(&counts.stdout).into_owned()
    } else {
        format!("not counted: {}\n", String::from_utf8_lossy(&counts.stderr).trim())
    };
    std::fs::write(PAGE, page(&medians, &counts)).map_err(|e| format!("{PAGE}: {e}"))
}

/// Finds the medians that criterion left, by "group/name".
fn collect(directory: &Path, medians: &mut Medians) -> Result<(), String> {
    let read = |path: PathBuf| -> Result<serde_json::Value, String> {
        let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))
    };
    let entries = std::fs::read_dir(directory).map_err(|e| format!("{}: {e}", directory.display()))?;
    for entry in entries.filter_map(Result::ok).filter(|e| e.path().is_dir()) {
        let path = entry.path();
        if entry.file_name() == "new" && path.join("benchmark.json").exists() {
            let id = read(path.join("benchmark.json"))?;
            let estimates = read(path.join("estimates.json"))?;
            if let (Some(id), Some(ns)) =
                (id["full_id"].as_str(), estimates["median"]["point_estimate"].as_f64())
            {
                medians.insert(id.to_owned(), ns);
            }
        } else {
            collect(&path, medians)?;
        }
    }
    Ok(())
}

/// Rounds of a paired measurement: one of each in turn, so that a noisy neighbour disturbs both.
const ROUNDS: usize = 41;

/// Nanoseconds an iteration.
type Measure = fn() -> f64;

fn each(took: Duration, n: u64) -> f64 {
    took.as_nanos() as f64 / n as f64
}

/// The median over all rounds of what `combine` makes of the two measurements of a round.
fn paired(ours: Measure, other: Measure, combine: fn(f64, f64) -> f64) -> f64 {
    let mut rounds: Vec<f64> = (0..ROUNDS).map(|_| combine(ours(), other())).collect();
    rounds.sort_by(f64::total_cmp);
    rounds[ROUNDS / 2]
}

/// A target: what is measured, the figure, and the bound.
struct Target {
    what: &'static str,
    value: f64,
    unit: &'static str,
    bound: f64,
}

fn targets() -> Vec<Target> {
    const N: u64 = 200_000;
    let baseline: Measure = || each(locks::baseline_pairs(N), N);
    let nobody: Measure = || each(locks::pairs(Watching::Nobody, N), N);
    let counting: Measure = || each(locks::pairs(Watching::Counted, N), N);
    let sites: Measure = || each(locks::pairs(Watching::Sites, N), N);
    let ratio: fn(f64, f64) -> f64 = |a, b| a / b;
    let added: fn(f64, f64) -> f64 = |a, b| a - b;
    let row = |what, value, unit, bound| Target { what, value, unit, bound };
    let step = |cpus, locks| {
        let (took, steps) = steps::run(Watching::Sites, cpus, locks, N);
        each(took, steps)
    };
    let median = |measure: &dyn Fn() -> f64| {
        let mut rounds: Vec<f64> = (0..ROUNDS).map(|_| measure()).collect();
        rounds.sort_by(f64::total_cmp);
        rounds[ROUNDS / 2]
    };
    vec![
        row("pair, nobody watching / baseline", paired(nobody, baseline, ratio), "x", 1.15),
        row("pair, SpinLockSafe counting - nobody watching", paired(counting, nobody, added), "ns", 2.0),
        row("pair, SpinLockSafe counting / baseline", paired(counting, baseline, ratio), "x", 1.8),
        row("pair, SpinLockSafe with sites - nobody watching", paired(sites, nobody, added), "ns", 10.0),
        row(
            "pair inside another lock, LockOrder, a known nesting - nobody watching",
            paired(
                || each(locks::nested_pairs(Watching::Order, N), N),
                || each(locks::nested_pairs(Watching::Nobody, N), N),
                added,
            ),
            "ns",
            15.0,
        ),
        row(
            "the check at IoCompleteRequest",
            paired(
                || each(completion::complete_requests(Watching::Sites, N), N),
                || each(completion::complete_requests(Watching::Nobody, N), N),
                added,
            ),
            "ns",
            2.0,
        ),
        row(
            "the check at IoStartNextPacket",
            paired(
                || each(completion::start_next_packets(Watching::Sites, N), N),
                || each(completion::start_next_packets(Watching::Nobody, N), N),
                added,
            ),
            "ns",
            2.0,
        ),
        row(
            "4 processors contended / 4 threads of parking_lot, an acquisition",
            paired(
                || each(contention::emulated(Watching::Sites, 4, N), N),
                || each(contention::parking_lot(4, N), N),
                ratio,
            ),
            "x",
            3.0,
        ),
        row("scheduling step, 1 CPU, rule on", median(&|| step(1, Locks::OneEach)), "ns", 35.0),
        row("scheduling step, 4 CPUs, a lock each, rule on", median(&|| step(4, Locks::OneEach)), "ns", 35.0),
        row("scheduling step, 4 CPUs, one lock, rule on", median(&|| step(4, Locks::Shared)), "ns", 35.0),
    ]
}

fn page(medians: &Medians, counts: &str) -> String {
    let mut page = String::from(
        "# Results\n\nWritten by `cargo run --profile bench -p benches --bin results`; do not edit. Targets are medians of\n\
         paired rounds, the two sides in turn; the table below them is criterion's medians. The machine it ran on has few cores and noisy neighbours: trust ratios and instruction counts.\n\n\
         ## Targets\n\n| what | measured | at most | |\n| --- | --- | --- | --- |\n",
    );
    for t in targets() {
        let verdict = if t.value <= t.bound { "met" } else { "**missed**" };
        // Writing to a String cannot fail.
        let _ =
            writeln!(page, "| {} | {:.2} {} | {} {} | {verdict} |", t.what, t.value, t.unit, t.bound, t.unit);
    }
    page.push_str("\n## Requests a second\n\n4 KiB random reads, payload copied, working set in cache, depth 32 unless said. Runs in turn, medians.\n\n");
    page.push_str(&benches::throughput::table());
    page.push_str(&explorations::section());
    page.push_str("\n## Everything measured\n\n| benchmark | ns |\n| --- | --- |\n");
    for (id, ns) in medians {
        let _ = writeln!(page, "| {id} | {ns:.1} |");
    }
    let _ = write!(
        page,
        "\n## Instructions an iteration\n\nUnder valgrind, power-on and power-off subtracted.\n\n```text\n{counts}```\n"
    );
    page
}
