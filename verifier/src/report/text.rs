//! The report a person reads: the verdict, now, earlier, why, and how to see it again.

use super::json::hex;
use crate::driver::{Driver, Source};
use crate::finding::{Location, Lock, Scene, Verdict, Violation, waiting};
use crate::rig::{DisturbanceCounts, EventCounts};
use crate::rules;
use crate::session::{Executor, Run, Setup};
use anstyle::{AnsiColor, Style as Ansi};
use kernel_sim::bugcheck::{BugCheck, Deadlock, Livelock};
use kernel_sim::processor::ProcessorStats;
use std::fmt::{self, Write};

/// The look of the parts. Plain styles give plain text.
#[derive(Clone, Copy)]
pub struct Style {
    error: Ansi,
    pub(super) good: Ansi,
    mark: Ansi,
    dim: Ansi,
}

impl Style {
    /// With colours; a stream that does not want them strips them.
    #[must_use]
    pub fn coloured() -> Style {
        Style {
            error: AnsiColor::Red.on_default().bold(),
            good: AnsiColor::Green.on_default().bold(),
            mark: AnsiColor::Red.on_default(),
            dim: AnsiColor::Blue.on_default(),
        }
    }
}

/// The report on what was found, or one line for a clean run. `replay` is the command that shows a
/// finding again.
#[must_use]
pub fn verdict(driver: &Driver, run: &Run, replay: Option<&str>, style: Style) -> String {
    let mut out = String::new();
    let report = Report { driver, style, replay };
    // Writing to a String cannot fail.
    let _ = match &run.verdict {
        Verdict::Clean => {
            let good = style.good;
            writeln!(out, "{good}clean{good:#}: {} broke no rule in this run", driver.name)
        }
        Verdict::Violation(v) => report.violation(&mut out, v),
        Verdict::BugCheck(b) => report.bug_check(&mut out, b),
        Verdict::Deadlock(d) => report.deadlock(&mut out, d),
        Verdict::Livelock(l) => report.livelock(&mut out, l),
        Verdict::Parted(p) => writeln!(out, "step {}: {}", p.step, p.why),
    };
    out
}

struct Report<'a> {
    driver: &'a Driver,
    style: Style,
    replay: Option<&'a str>,
}

/// A source line to quote: where, which mark under it, and what to say there.
struct Quote<'a> {
    location: &'a Location,
    width: usize,
    mark: char,
    text: String,
}

impl Report<'_> {
    fn headline(&self, out: &mut String, name: &str, what: &str) -> fmt::Result {
        let error = self.style.error;
        writeln!(out, "{error}error[{name}]{error:#}: {what}")
    }

    fn violation(&self, out: &mut String, v: &Violation) -> fmt::Result {
        self.headline(out, v.rule, &v.what)?;
        self.scene(out, &v.scene)?;
        self.trailer(out, "why", v.why)?;
        if let Some(note) = v.note {
            self.trailer(out, "note", note)?;
        }
        if let Some(url) = rules::find(v.rule).and_then(|r| r.url) {
            self.trailer(out, "rule", url)?;
        }
        self.replay(out)
    }

    fn bug_check(&self, out: &mut String, b: &BugCheck) -> fmt::Result {
        self.headline(out, b.stop.name, &b.what)?;
        self.scene(out, &Scene::from(&b.now))?;
        let [p1, p2, p3, p4] = b.parameters;
        self.trailer(out, "stop", &format!("{:#06X} ({p1:#x}, {p2:#x}, {p3:#x}, {p4:#x})", b.stop.code))?;
        self.replay(out)
    }

    fn deadlock(&self, out: &mut String, d: &Deadlock) -> fmt::Result {
        self.headline(out, "deadlock", &d.what)?;
        for waiter in &d.waiters {
            writeln!(out, "  {}", waiting(waiter))?;
            self.scene(out, &Scene::from(&waiter.place))?;
        }
        self.trailer(out, "why", "on hardware these processors spin, or these threads sleep, for ever")?;
        self.replay(out)
    }

    fn livelock(&self, out: &mut String, l: &Livelock) -> fmt::Result {
        let call = l.place.routine().unwrap_or("its registers");
        let what =
            format!("CPU {} polls {call} for what will never come ({} polls in a row)", l.place.cpu, l.polls);
        self.headline(out, "livelock", &what)?;
        self.scene(out, &Scene::from(&l.place))?;
        self.trailer(
            out,
            "why",
            "nothing else can happen any more: no interrupt, DPC, timer or device step is pending",
        )?;
        self.replay(out)
    }

    fn trailer(&self, out: &mut String, name: &str, text: &str) -> fmt::Result {
        let dim = self.style.dim;
        writeln!(out, "  {dim}{name:<7}{dim:#} {text}")
    }

    fn replay(&self, out: &mut String) -> fmt::Result {
        match self.replay {
            Some(command) => self.trailer(out, "replay", command),
            None => Ok(()),
        }
    }

    /// Now, then what is held from earlier, numbered in the order they happened.
    fn scene(&self, out: &mut String, scene: &Scene) -> fmt::Result {
        let now_number = scene.locks.len() + 1;
        let number = if scene.locks.is_empty() { String::new() } else { format!("({now_number}) ") };
        let step = scene.step.map(|s| format!("step {s}, ")).unwrap_or_default();
        let callback = scene.callback().map(|c| format!(", in {c}")).unwrap_or_default();
        let text = format!("{number}{step}CPU {}{callback}, at {}", scene.cpu, scene.irql);
        match &scene.location {
            Some(location) => {
                let width = scene.call.map_or(1, str::len);
                self.quote(out, &Quote { location, width, mark: '^', text })?;
            }
            None => writeln!(out, "  {text}{}", scene.call.map(|c| format!(", in {c}")).unwrap_or_default())?,
        }
        for (n, lock) in scene.locks.iter().enumerate().rev() {
            self.quote(
                out,
                &Quote {
                    location: &lock.location,
                    width: lock.routine.len(),
                    mark: '-',
                    text: taken(n + 1, lock),
                },
            )?;
        }
        Ok(())
    }

    fn quote(&self, out: &mut String, quote: &Quote<'_>) -> fmt::Result {
        let (dim, mark) = (self.style.dim, self.style.mark);
        let location = quote.location;
        writeln!(out, "  {dim}-->{dim:#} {location}")?;
        let Some(line) = self.source_line(location) else {
            return writeln!(out, "      {}", quote.text);
        };
        let shown = line.trim_start();
        let removed = line.len() - shown.len();
        let column = (location.column as usize).saturating_sub(1 + removed);
        // Layer 2 calls are shorter or longer than the routine's name: mark the identifier there.
        let rest = shown.get(column..).unwrap_or("");
        let word = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').count();
        let width = if word == 0 { quote.width.min(rest.len().max(1)) } else { word };
        let number = location.line.to_string();
        let marks: String = std::iter::repeat_n(quote.mark, width).collect();
        writeln!(out, "{dim}{number:>5} |{dim:#} {shown}")?;
        writeln!(out, "{dim}      |{dim:#} {:column$}{mark}{marks}{mark:#} {}", "", quote.text)
    }

    fn source_line(&self, location: &Location) -> Option<&'static str> {
        let source: &Source = self.driver.sources.iter().find(|s| s.path == location.file)?;
        source.text.lines().nth(location.line.checked_sub(1)? as usize)
    }
}

fn taken(n: usize, lock: &Lock) -> String {
    let step = lock.step.map(|s| format!("step {s}, ")).unwrap_or_default();
    let address = kernel_sim::report_address(lock.address);
    format!("({n}) {step}spin lock {address} taken by {} in {}, still held", lock.routine, lock.callback)
}

/// What a run did, in a few lines.
#[must_use]
pub fn summary(driver: &Driver, setup: &Setup, run: &Run) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_summary(&mut out, driver, setup, run);
    out
}

fn write_summary(out: &mut String, driver: &Driver, setup: &Setup, run: &Run) -> fmt::Result {
    let s = &run.statistics;
    let cpus = if setup.cpus == 1 { "CPU" } else { "CPUs" };
    writeln!(
        out,
        "{}  {} executor, {} {cpus}, seed {}",
        driver.name,
        setup.executor.word(),
        setup.cpus,
        setup.seed
    )?;
    if s.requests() != 0 {
        let trims = if setup.workload.mode.trims() { format!("{} trims, ", s.trims) } else { String::new() };
        writeln!(
            out,
            "  requests  {} reads, {} writes, {} flushes, {trims}{} cancelled, {} service requests",
            s.reads, s.writes, s.flushes, s.cancelled, s.services
        )?;
        writeln!(
            out,
            "  data      {} read, {} written, {} sectors verified",
            bytes(s.bytes_read),
            bytes(s.bytes_written),
            s.sectors_verified
        )?;
        throughput(out, setup, run)?;
    }
    // A run with thousands would drown everything else.
    for failed in run.failed_allocations.iter().take(ALLOCATIONS_SHOWN) {
        writeln!(out, "  low       {failed}")?;
    }
    if let Some(more) = run.failed_allocations.len().checked_sub(ALLOCATIONS_SHOWN).filter(|n| *n > 0) {
        writeln!(out, "  low       and {more} more")?;
    }
    if let Some(met) = &run.met {
        disturbances(out, met, s.failed)?;
    }
    if let Some(digest) = &s.digest {
        writeln!(out, "  sha256    {}", hex(digest))?;
    }
    locks(out, &run.processors)?;
    if let Some(hash) = run.trace_hash {
        writeln!(out, "  trace     {hash:016x}, {} steps, {} choices", run.steps, run.choices.len())?;
    }
    Ok(())
}

/// Failed allocations that a report names.
const ALLOCATIONS_SHOWN: usize = 4;

/// What a run met of what it had to bear, and what became of the requests.
fn disturbances(out: &mut String, met: &DisturbanceCounts, failed: u64) -> fmt::Result {
    for count in &met.faults {
        writeln!(out, "  fault     {}: {} of {} commands", count.rule, count.injected, count.matched)?;
    }
    let e = met.events;
    if e != EventCounts::default() {
        let resets = format!("{} unit resets, {} bus resets", e.unit_resets, e.bus_resets);
        let plugged = format!("{} units plugged in ({} found)", e.plugged, e.found);
        writeln!(out, "  events    {resets}, {} restarts, {plugged}, {} removals", e.restarts, e.removals)?;
    }
    let d = met.disk;
    writeln!(
        out,
        "  recovery  {failed} requests failed; {} commands sent again, {} after a unit attention, {} ended by a \
         time-out or a reset",
        d.retries, d.unit_attentions, d.timeouts
    )
}

fn throughput(out: &mut String, setup: &Setup, run: &Run) -> fmt::Result {
    let s = &run.statistics;
    let at = |q| s.latency.value_at_quantile(q);
    match setup.executor {
        Executor::Parallel => {
            let seconds = run.elapsed.as_secs_f64().max(1e-9);
            let rate = s.requests() as f64 / seconds;
            let moved = (s.bytes_read + s.bytes_written) as f64 / seconds / f64::from(1 << 20);
            writeln!(out, "  rate      {rate:.0} requests/s, {moved:.1} MiB/s over {seconds:.2} s")?;
            let us = |q| at(q) as f64 / 1000.0;
            writeln!(
                out,
                "  latency   p50 {:.1} µs, p90 {:.1} µs, p99 {:.1} µs, p99.9 {:.1} µs",
                us(0.5),
                us(0.9),
                us(0.99),
                us(0.999)
            )
        }
        Executor::Deterministic => {
            let each = run.steps / s.requests().max(1);
            writeln!(out, "  rate      {each} steps a request")?;
            writeln!(
                out,
                "  latency   p50 {} steps, p90 {}, p99 {}, p99.9 {}",
                at(0.5),
                at(0.9),
                at(0.99),
                at(0.999)
            )
        }
    }
}

fn locks(out: &mut String, processors: &[ProcessorStats]) -> fmt::Result {
    let sum = |f: fn(&ProcessorStats) -> u64| processors.iter().map(f).sum::<u64>();
    writeln!(
        out,
        "  locks     {} taken by the driver and its callers, {} waited for",
        sum(|p| p.lock_acquires),
        sum(|p| p.lock_waits)
    )?;
    writeln!(
        out,
        "  machine   {} interrupts, {} DPCs, {} thread switches",
        sum(|p| p.interrupts),
        sum(|p| p.dpcs),
        sum(|p| p.switches)
    )?;
    let mut by_irql = [0u64; 16];
    for p in processors {
        for (total, n) in by_irql.iter_mut().zip(p.calls_by_irql) {
            *total += n;
        }
    }
    let levels: Vec<_> = (0u8..16)
        .filter(|n| by_irql[usize::from(*n)] != 0)
        .map(|n| format!("{} at {}", by_irql[usize::from(n)], kernel_sim::irql::Irql(n)))
        .collect();
    if !levels.is_empty() {
        writeln!(out, "  calls     {}", levels.join(", "))?;
    }
    Ok(())
}

/// A number of bytes in a unit that keeps it short.
fn bytes(n: u64) -> String {
    const UNITS: [&str; 4] = ["B", "KiB", "MiB", "GiB"];
    let mut unit = 0;
    let mut value = n as f64;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{n} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}
