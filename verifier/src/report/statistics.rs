//! The figures of a run: requests, bytes, rate, latencies, locks, faults.

use super::json::hex;
use crate::driver::Driver;
use crate::run::{DisturbanceCounts, EventCounts};
use crate::run::{Executor, Run, Setup};
use kernel_sim::processor::ProcessorStats;
use std::fmt::{self, Write};

/// What a run did, in a few lines.
pub(super) fn summary(driver: &Driver, setup: &Setup, run: &Run) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write_summary(&mut out, driver, setup, run);
    out
}

/// The rows that are off for the driver: file, name and reason of each.
pub(super) fn exceptions<'a>(
    out: &mut String,
    off: impl Iterator<Item = (&'a str, &'a str, &'a str)>,
) -> fmt::Result {
    let all: Vec<_> = off.collect();
    let Some((file, ..)) = all.first() else { return Ok(()) };
    let each: Vec<_> = all.iter().map(|(_, rule, reason)| format!("{rule} ({reason})")).collect();
    let rows = if all.len() == 1 { "row" } else { "rows" };
    writeln!(out, "  rules     {} {rows} off by {file}: {}", all.len(), each.join("; "))
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
    for sent in &run.commands {
        writeln!(out, "  command   {sent}")?;
    }
    // A run with thousands would drown everything else.
    for failed in run.failed_allocations.iter().take(ALLOCATIONS_SHOWN) {
        writeln!(out, "  low       {failed}")?;
    }
    if let Some(more) = run.failed_allocations.len().checked_sub(ALLOCATIONS_SHOWN).filter(|n| *n > 0) {
        writeln!(out, "  low       and {more} more")?;
    }
    for count in &run.allocations {
        writeln!(out, "  fault     {}: {} of {} allocations", count.rule, count.failed, count.matched)?;
    }
    for count in &run.registry {
        writeln!(out, "  fault     {}: {} of {} registry reads", count.rule, count.failed, count.matched)?;
    }
    if let Some(why) = &run.not_started {
        writeln!(out, "  started   no, {NOT_STARTED}: {why}")?;
    }
    if let Some(counts) = &run.disturbances {
        disturbances(out, counts, s.failed)?;
    }
    if let Some(digest) = &s.digest {
        writeln!(out, "  sha256    {}", hex(digest))?;
    }
    locks(out, &run.processors)?;
    if let Some(uncalled) = run.uncalled.as_ref().filter(|kinds| !kinds.is_empty()) {
        let names: Vec<_> = uncalled.iter().map(|kind| kind.name).collect();
        writeln!(out, "  uncalled  {}", names.join(", "))?;
    }
    let off = setup.exceptions.iter().map(|off| (&*off.file, off.row.name, &*off.reason));
    exceptions(out, off)?;
    if let Some(hash) = run.trace_hash {
        writeln!(out, "  trace     {hash:016x}, {} steps, {} choices", run.steps, run.choices.len())?;
    }
    Ok(())
}

/// Failed allocations that a report names.
const ALLOCATIONS_SHOWN: usize = 4;

/// Why a driver may refuse to start without a finding: memory or a value of the registry was denied to it by
/// plan, or its device does not say the truth.
pub(super) const NOT_STARTED: &str = "for what was denied to it or for a lie of its device";

/// The faults and events of a run, and how its requests recovered.
fn disturbances(out: &mut String, counts: &DisturbanceCounts, failed: u64) -> fmt::Result {
    for count in &counts.faults {
        writeln!(out, "  fault     {}: {} of {} commands", count.rule, count.injected, count.matched)?;
    }
    if counts.events != EventCounts::default() {
        events(out, counts.events)?;
    }
    let d = counts.disk;
    writeln!(
        out,
        "  recovery  {failed} requests failed; {} commands sent again, {} after a unit attention, {} ended by a \
         time-out or a reset",
        d.retries, d.unit_attentions, d.timeouts
    )
}

/// The events of a run, or of many.
pub(super) fn events(out: &mut String, e: EventCounts) -> fmt::Result {
    let resets = format!("{} unit resets, {} bus resets", e.unit_resets, e.bus_resets);
    let plugged = format!("{} units plugged in ({} found)", e.plugged, e.found);
    writeln!(out, "  events    {resets}, {} restarts, {plugged}, {} removals", e.restarts, e.removals)?;
    if e.taken_back + e.sleeps + e.refused != 0 {
        let (back, sleeps, refused) = (e.taken_back, e.sleeps, e.refused);
        writeln!(out, "            {back} queries taken back, {sleeps} sleeps, {refused} queries refused")?;
    }
    if e.rebalances + e.unit_queries + e.unit_sleeps != 0 {
        let (rebalances, queries, sleeps) = (e.rebalances, e.unit_queries, e.unit_sleeps);
        writeln!(
            out,
            "            {rebalances} rebalances, {queries} queries of units, {sleeps} sleeps of units"
        )?;
    }
    Ok(())
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
