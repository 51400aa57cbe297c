//! Instruction counts: the same loops under valgrind, where no neighbour can disturb them.
//!
//! `instructions` starts itself under `valgrind` twice for each row, with
//! two lengths of the loop; the difference divided by the difference of the lengths is the count of
//! one iteration. `instructions ROW N` runs a row itself.

use benches::steps::Locks;
use benches::{Watching, callbacks, completion, locks, steps};
use std::process::{Command, ExitCode};

const SHORT: u64 = 20_000;
const LONG: u64 = 220_000;

/// A name, and what runs it; returns how many iterations it made.
type Row = (&'static str, fn(u64) -> u64);

const ROWS: &[Row] = &[
    ("lock pair: baseline", |n| count(n, locks::baseline_pairs)),
    ("lock pair: nobody watching", |n| count(n, |n| locks::pairs(Watching::Nobody, n))),
    ("lock pair: sixty watchers on other routines", |n| count(n, |n| locks::pairs(Watching::Elsewhere, n))),
    ("lock pair: SpinLockSafe counting", |n| count(n, |n| locks::pairs(Watching::Counted, n))),
    ("lock pair: SpinLockSafe with sites", |n| count(n, |n| locks::pairs(Watching::Sites, n))),
    ("lock pair inside another: nobody watching", |n| count(n, |n| locks::nested_pairs(Watching::Nobody, n))),
    ("lock pair inside another: LockOrder, a known nesting", |n| {
        count(n, |n| locks::nested_pairs(Watching::Order, n))
    }),
    ("lock pair inside another: peer tracing-mutex", |n| count(n, locks::nested_tracing_mutex_pairs)),
    ("lock pair: peer parking_lot deadlock_detection", |n| count(n, locks::detecting_parking_lot_pairs)),
    ("lock pair: peer tracing-mutex", |n| count(n, locks::tracing_mutex_pairs)),
    ("IoReuseIrp and IoCompleteRequest: nobody watching", |n| {
        count(n, |n| completion::complete_requests(Watching::Nobody, n))
    }),
    ("IoReuseIrp and IoCompleteRequest: sixty watchers on other routines", |n| {
        count(n, |n| completion::complete_requests(Watching::Elsewhere, n))
    }),
    ("IoReuseIrp and IoCompleteRequest: SpinLockSafe", |n| {
        count(n, |n| completion::complete_requests(Watching::Sites, n))
    }),
    ("IoStartNextPacket: nobody watching", |n| {
        count(n, |n| completion::start_next_packets(Watching::Nobody, n))
    }),
    ("IoStartNextPacket: sixty watchers on other routines", |n| {
        count(n, |n| completion::start_next_packets(Watching::Elsewhere, n))
    }),
    ("IoStartNextPacket: SpinLockSafe", |n| count(n, |n| completion::start_next_packets(Watching::Sites, n))),
    ("IoReuseIrp and IoCallDriver, which completes: nobody watching", |n| {
        count(n, |n| callbacks::call_driver(Watching::Nobody, n))
    }),
    ("IoReuseIrp and IoCallDriver, which completes: sixty watchers on other routines", |n| {
        count(n, |n| callbacks::call_driver(Watching::Elsewhere, n))
    }),
    ("KeInsertQueueDpc and its DPC: nobody watching", |n| {
        count(n, |n| callbacks::deferred_calls(Watching::Nobody, n))
    }),
    ("KeInsertQueueDpc and its DPC: sixty watchers on other routines", |n| {
        count(n, |n| callbacks::deferred_calls(Watching::Elsewhere, n))
    }),
    ("scheduling step, 1 CPU: nobody watching", |n| steps::run(Watching::Nobody, 1, Locks::OneEach, n).1),
    ("scheduling step, 1 CPU: sixty watchers on other routines", |n| {
        steps::run(Watching::Elsewhere, 1, Locks::OneEach, n).1
    }),
    ("scheduling step, 1 CPU: SpinLockSafe", |n| steps::run(Watching::Sites, 1, Locks::OneEach, n).1),
    ("scheduling step, 4 CPUs, a lock each: SpinLockSafe", |n| {
        steps::run(Watching::Sites, 4, Locks::OneEach, n).1
    }),
    ("scheduling step, 4 CPUs, one lock: SpinLockSafe", |n| {
        steps::run(Watching::Sites, 4, Locks::Shared, n).1
    }),
];

fn count(n: u64, run: impl Fn(u64) -> std::time::Duration) -> u64 {
    let _ = run(n);
    n
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [row, n] = &arguments[..] {
        let (Ok(row), Ok(n)) = (row.parse::<usize>(), n.parse()) else { return ExitCode::from(2) };
        let Some((_, run)) = ROWS.get(row) else { return ExitCode::from(2) };
        println!("iterations {}", run(n));
        return ExitCode::SUCCESS;
    }
    for (row, (name, _)) in ROWS.iter().enumerate() {
        match (measure(row, SHORT), measure(row, LONG)) {
            (Ok(short), Ok(long)) => {
                let each = (long.0 - short.0) as f64 / (long.1 - short.1) as f64;
                println!("{each:8.1}  {name}");
            }
            (Err(why), _) | (_, Err(why)) => {
                eprintln!("error: {why}");
                return ExitCode::from(2);
            }
        }
    }
    ExitCode::SUCCESS
}

/// Instructions and iterations of one run of a row.
fn measure(row: usize, n: u64) -> Result<(u64, u64), String> {
    let own = std::env::current_exe().map_err(|e| e.to_string())?;
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(own)
        .args([row.to_string(), n.to_string()])
        .output()
        .map_err(|e| format!("valgrind: {e}"))?;
    let number = |text: &[u8], label: &str| -> Option<u64> {
        let text = String::from_utf8_lossy(text).into_owned();
        let rest = &text[text.find(label)? + label.len()..];
        let digits: String = rest.lines().next()?.chars().filter(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    let instructions = number(&output.stderr, "Collected :");
    let iterations = number(&output.stdout, "iterations");
    instructions
        .zip(iterations)
        .ok_or_else(|| format!("valgrind said: {}", String::from_utf8_lossy(&output.stderr)))
}
