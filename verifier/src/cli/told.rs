//! What a command tells about one run, in either format.

use super::args::Format;
use crate::driver::{Driver, Expects};
use crate::explore::deviations::Deviation;
use crate::explore::shrink::Shrunk;
use crate::report;
use crate::schedule::Fit;
use crate::session::{Run, Setup};
use crate::timeline::Timeline;
use crate::workload::{Mode, Sizes};
use serde_json::Value;

/// A run, and what is known of its schedule.
pub(super) struct RunReport {
    pub setup: Setup,
    pub run: Run,
    /// The file that replays it.
    pub schedule: Option<String>,
    /// Who ran when, and the deviations that made it so.
    pub timeline: Option<(Timeline, Vec<Deviation>)>,
    /// How it was shrunk.
    pub shrunk: Option<Shrunk>,
    /// How a replay compares with the recorded run.
    pub fit: Option<Fit>,
}

impl RunReport {
    /// Nothing but the run.
    pub(super) fn of(setup: Setup, run: Run) -> RunReport {
        RunReport { setup, run, schedule: None, timeline: None, shrunk: None, fit: None }
    }

    /// Prints it.
    pub(super) fn print(&self, driver: &Driver, format: Format) {
        match format {
            Format::Json => self.print_json(driver),
            Format::Text => self.print_text(driver),
        }
    }

    fn print_json(&self, driver: &Driver) {
        let object = report::to_json(driver.name, &self.setup, &self.run, self.schedule.as_deref());
        anstream::println!("{}", self.with_parts(object));
    }

    /// Adds what is known of the schedule to the run's object.
    pub(super) fn with_parts(&self, mut object: Value) -> Value {
        let parts = [
            ("timeline", self.timeline.as_ref().map(|(t, d)| report::timeline_to_json(t, d))),
            ("shrunk", self.shrunk.as_ref().map(report::shrunk_to_json)),
            ("fit", self.fit.as_ref().map(report::fit_to_json)),
        ];
        for (name, part) in parts {
            if let Some(part) = part {
                object.as_object_mut().expect("built as an object").insert(name.into(), part);
            }
        }
        object
    }

    fn print_text(&self, driver: &Driver) {
        anstream::print!("{}", report::summary(driver, &self.setup, &self.run));
        self.print_finding(driver);
        if matches!(driver.expects, Expects::Breaks(_) | Expects::Stops(_)) && !self.run.verdict.is_finding()
        {
            anstream::eprintln!(
                "note: {} is an exhibit that breaks a rule; no rule that watched saw it",
                driver.name
            );
        }
    }

    /// Prints the verdict and what is known of the schedule.
    pub(super) fn print_finding(&self, driver: &Driver) {
        let again = self
            .schedule
            .as_ref()
            .map_or_else(|| command(driver, &self.setup), |file| format!("storsim replay {file}"));
        let style = report::Style::coloured();
        anstream::print!("{}", report::verdict(driver, &self.run, Some(&again), style));
        if let Some((timeline, deviations)) = &self.timeline {
            anstream::print!("{}", report::timeline(timeline, deviations));
        }
        if let Some(shrunk) = &self.shrunk {
            anstream::print!("{}", report::shrunk(shrunk));
        }
        if let Some(fit) = &self.fit {
            anstream::print!("{}", report::fit(fit));
        }
        anstream::println!();
    }
}

/// The command that makes a parallel run again, as far as one can.
fn command(driver: &Driver, setup: &Setup) -> String {
    let w = &setup.workload;
    let mut command = format!(
        "storsim run {} --executor {} --cpus {} --seed {}",
        driver.name,
        setup.executor.word(),
        setup.cpus,
        setup.seed
    );
    // What is not as it would be without the flag.
    if w.mode != Mode::RandRw {
        command += &format!(" --rw {}", w.mode.word());
    }
    if w.block_bytes != Sizes::of(4096) {
        command += &format!(" --bs {}", w.block_bytes);
    }
    if w.depth != 8 {
        command += &format!(" --iodepth {}", w.depth);
    }
    command + &setup.disturbances.flags()
}
