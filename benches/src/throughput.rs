//! Requests per second through whole drivers, and what each costs as depth and units grow.
//!
//! 4 KiB random reads whose payload is copied and whose working set fits a cache, each compared with what its
//! block must hold as in every run. Figures that are compared are measured in turn. What stands beside them:
//! the bare copy, and fio's null engine as the most a client gets that moves nothing, where fio is installed.

use crate::Watching;
use crate::requests::Reads;
use drivers_examples::{RAMDISK, VIOSCSI};
use kernel_sim::host_clock::HostClock;
use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;
use verifier::run::{Executor, MemoryChoice};

/// Rounds of every figure.
const ROUNDS: usize = 9;
/// Requests of a run: enough that power-on and unload do not count.
const REQUESTS: u64 = 600_000;

/// One line of the table.
struct Row {
    what: String,
    measured: String,
    target: String,
    met: Option<bool>,
}

impl Row {
    fn at_least(what: impl Into<String>, value: f64, unit: &str, bound: f64) -> Row {
        let precision = if bound < 100.0 { 2 } else { 0 };
        Row {
            what: what.into(),
            measured: format!("{value:.precision$} {unit}"),
            target: format!("at least {bound} {unit}"),
            met: Some(value >= bound),
        }
    }

    /// A figure to stand beside the others.
    fn peer(what: impl Into<String>, measured: String) -> Row {
        Row { what: what.into(), measured, target: String::new(), met: None }
    }

    fn write(&self, table: &mut String) {
        let verdict = match self.met {
            Some(true) => "met",
            Some(false) => "**missed**",
            None => "",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(table, "| {} | {} | {} | {verdict} |", self.what, self.measured, self.target);
    }
}

fn per_second(n: u64, took: Duration) -> f64 {
    n as f64 / took.as_secs_f64()
}

/// Requests per second: the medians of several measurements of so many requests, made in turn.
fn in_turn<const N: usize>(requests: u64, reads: [Reads; N]) -> [f64; N] {
    let mut rounds: [Vec<f64>; N] = std::array::from_fn(|_| Vec::new());
    for _ in 0..ROUNDS {
        for (which, reads) in reads.iter().enumerate() {
            rounds[which].push(per_second(requests, reads.time(requests)));
        }
    }
    rounds.map(|mut rounds| {
        rounds.sort_by(f64::total_cmp);
        rounds[ROUNDS / 2]
    })
}

fn rates(rows: &mut Vec<Row>) {
    let ramdisk = Reads::through(&RAMDISK);
    let watched = Reads { watching: Watching::All, ..ramdisk };
    let two = Reads { cpus: 2, ..ramdisk };
    let deterministic = Reads { executor: Executor::Deterministic, ..ramdisk };
    let vioscsi = Reads::through(&VIOSCSI);
    let safe = Reads { watching: Watching::Sites, ..ramdisk };
    let [bare, with_safe, all, both, seeded, virtio] =
        in_turn(REQUESTS, [ramdisk, safe, watched, two, deterministic, vioscsi]);
    let unit = "requests/s";
    rows.push(Row::at_least("ramdisk, parallel, no rules", bare, unit, 1e6));
    rows.push(Row::at_least("the same with SpinLockSafe / without", with_safe / bare, "x", 0.95));
    rows.push(Row::at_least("the same with all rules / without", all / bare, "x", 0.7));
    rows.push(Row::at_least("ramdisk, two processors / one", both / bare, "x", 1.7));
    rows.push(Row::at_least("vioscsi, parallel, no rules", virtio, unit, 4e5));
    rows.push(Row::at_least("ramdisk, deterministic, no rules", seeded, unit, 2.5e5));
}

/// What all rules and checks cost in the deterministic executor, where DataRace is one of them.
fn all_rules(rows: &mut Vec<Row>) {
    for driver in [&RAMDISK, &VIOSCSI] {
        let nobody = Reads { executor: Executor::Deterministic, ..Reads::through(driver) };
        let all = Reads { watching: Watching::All, ..nobody };
        let [nobody, all] = in_turn(REQUESTS / 4, [nobody, all]);
        let what = format!("{}, deterministic, all rules / without", driver.name);
        rows.push(Row::at_least(what, all / nobody, "x", 0.67));
    }
}

/// How much dearer or cheaper a request becomes than in the first of several measurements.
fn flat<const N: usize>(rows: &mut Vec<Row>, what: [String; N], reads: [Reads; N]) {
    let rates = in_turn(REQUESTS, reads);
    for (what, rate) in what.into_iter().zip(rates).skip(1) {
        let cost = rates[0] / rate;
        rows.push(Row {
            what,
            measured: format!("{cost:.2} x"),
            target: "0.8 to 1.2 x".into(),
            met: Some((0.8..=1.2).contains(&cost)),
        });
    }
}

fn growth(rows: &mut Vec<Row>) {
    let ramdisk = Reads::through(&RAMDISK);
    let depths = [1, 8, 32, 256];
    let name = |depth| format!("ramdisk, cost of a request at depth {depth} / at 1");
    flat(rows, depths.map(name), depths.map(|depth| Reads { depth, ..ramdisk }));
    let units = [1, 8, 64];
    let name = |units| format!("ramdisk, cost of a request over {units} units / over 1");
    flat(rows, units.map(name), units.map(|units| Reads { units, ..ramdisk }));
}

/// What guarded memory costs: a figure without a target, since it is asked for or drawn, never met unasked.
fn guarded(rows: &mut Vec<Row>) {
    for driver in [&RAMDISK, &VIOSCSI] {
        let plain = Reads::through(driver);
        let guarded = Reads { memory: MemoryChoice::Guarded, ..plain };
        let [plain, guarded] = in_turn(REQUESTS / 10, [plain, guarded]);
        let what = format!("{}, cost of a request in guarded memory / in plain", driver.name);
        rows.push(Row::peer(what, format!("{:.1} x", plain / guarded)));
    }
}

fn peers(rows: &mut Vec<Row>) {
    let (from, mut to) = (vec![1u8; 4096], vec![0u8; 4096]);
    let clock = HostClock::start();
    for _ in 0..REQUESTS {
        to.copy_from_slice(std::hint::black_box(&from));
        std::hint::black_box(&to);
    }
    let rate = per_second(REQUESTS, clock.elapsed());
    rows.push(Row::peer("peer: the bare copy of 4 KiB", format!("{rate:.0} copies/s")));
    let rate = fio().map_or_else(|why| why, |rate| format!("{rate:.0} requests/s"));
    rows.push(Row::peer("peer: fio, null engine, one job, depth 32", rate));
}

/// Requests per second of fio's null engine, or why there are none.
fn fio() -> Result<f64, String> {
    let output = Command::new("fio")
        .args(["--name=null", "--ioengine=null", "--rw=randread", "--bs=4k", "--iodepth=32", "--size=4m"])
        .args(["--time_based", "--runtime=3", "--output-format=json"])
        .output()
        .map_err(|e| format!("not measured: fio: {e}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let json: serde_json::Value =
        serde_json::from_str(&text).map_err(|e| format!("not measured: what fio printed: {e}"))?;
    json["jobs"][0]["read"]["iops"].as_f64().ok_or_else(|| "not measured: fio names no iops".into())
}

/// The table, for people: measured now.
#[must_use]
pub fn table() -> String {
    let mut rows = Vec::new();
    rates(&mut rows);
    all_rules(&mut rows);
    growth(&mut rows);
    guarded(&mut rows);
    peers(&mut rows);
    let mut table = String::from("| what | measured | target | |\n| --- | --- | --- | --- |\n");
    for row in &rows {
        row.write(&mut table);
    }
    table
}
