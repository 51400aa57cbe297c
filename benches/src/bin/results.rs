//! Writes `benches/RESULTS.md`: runs every benchmark once, counts instructions, makes the table.
//!
//! The one command that produces every figure the project quotes. Targets that are missed are shown
//! as missed.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

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
        .args(["bench", "-p", "benches"])
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
    std::fs::write(PAGE, page(&medians, &counts)?).map_err(|e| format!("{PAGE}: {e}"))
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

/// A target: the figure, what it is measured as, and the bound.
struct Target {
    what: &'static str,
    value: f64,
    unit: &'static str,
    bound: f64,
}

fn page(medians: &Medians, counts: &str) -> Result<String, String> {
    let ns = |id: &str| medians.get(id).copied().ok_or_else(|| format!("criterion measured no '{id}'"));
    let base = ns("lock pair/baseline")?;
    let nobody = ns("lock pair/nobody watching")?;
    let counting = ns("lock pair/SpinLockSafe counting")?;
    let sites = ns("lock pair/SpinLockSafe with sites")?;
    let added = |call: &str| -> Result<f64, String> {
        Ok(ns(&format!("completion call/{call}, SpinLockSafe"))?
            - ns(&format!("completion call/{call}, nobody watching"))?)
    };
    let targets = [
        Target { what: "pair, nobody watching / baseline", value: nobody / base, unit: "x", bound: 1.15 },
        Target {
            what: "pair, SpinLockSafe counting - nobody",
            value: counting - nobody,
            unit: "ns",
            bound: 2.0,
        },
        Target {
            what: "pair, SpinLockSafe counting / baseline",
            value: counting / base,
            unit: "x",
            bound: 1.8,
        },
        Target {
            what: "pair, SpinLockSafe with sites - nobody",
            value: sites - nobody,
            unit: "ns",
            bound: 10.0,
        },
        Target {
            what: "check at IoCompleteRequest",
            value: added("IoCompleteRequest")?,
            unit: "ns",
            bound: 2.0,
        },
        Target {
            what: "check at IoStartNextPacket",
            value: added("IoStartNextPacket")?,
            unit: "ns",
            bound: 2.0,
        },
        Target {
            what: "4 processors contended / parking_lot",
            value: ns("contended/4 processors")? / ns("contended/4 threads, peer parking_lot")?,
            unit: "x",
            bound: 3.0,
        },
        Target {
            what: "scheduling step, 1 CPU, rule on",
            value: ns("scheduling step/1 CPU, SpinLockSafe")?,
            unit: "ns",
            bound: 35.0,
        },
        Target {
            what: "scheduling step, 4 CPUs, a lock each, rule on",
            value: ns("scheduling step/4 CPUs, a lock each, SpinLockSafe")?,
            unit: "ns",
            bound: 35.0,
        },
        Target {
            what: "scheduling step, 4 CPUs, one lock, rule on",
            value: ns("scheduling step/4 CPUs, one lock, SpinLockSafe")?,
            unit: "ns",
            bound: 35.0,
        },
    ];
    let mut page = String::from(
        "# Results\n\nWritten by `cargo run --release -p benches --bin results`; do not edit. Medians of one run.\n\
         The machine it ran on has few cores and noisy neighbours: trust ratios and instruction counts.\n\n\
         ## Targets\n\n| what | measured | at most | |\n| --- | --- | --- | --- |\n",
    );
    for t in &targets {
        let met = if t.value <= t.bound { "met" } else { "**missed**" };
        // Writing to a String cannot fail.
        let _ = writeln!(page, "| {} | {:.2} {} | {} {} | {met} |", t.what, t.value, t.unit, t.bound, t.unit);
    }
    page.push_str("\n## Everything measured\n\n| benchmark | ns |\n| --- | --- |\n");
    for (id, ns) in medians {
        let _ = writeln!(page, "| {id} | {ns:.1} |");
    }
    let _ = write!(
        page,
        "\n## Instructions an iteration\n\nUnder valgrind, power-on and power-off subtracted.\n\n```text\n{counts}```\n"
    );
    Ok(page)
}
