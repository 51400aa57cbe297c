//! Results for people: a run's figures, the finding, the timeline, each as it comes.

use super::bars::Bars;
use super::{Invocation, Progress, Reporter, RunReport, Style};
use super::{finding, fit, shrunk, statistics, stress, timeline};
use crate::driver::Expects;
use crate::explore::findings::Identity;
use crate::explore::summary::Summary;
use std::time::Duration;

/// Prints text.
pub(super) struct Text {
    bars: Bars,
    style: Style,
    /// The program that was started.
    program: String,
}

impl Text {
    pub(super) fn new() -> Text {
        Text { bars: Bars::default(), style: Style::coloured(), program: String::new() }
    }

    fn print(&self, text: &str) {
        self.bars.around(|| anstream::print!("{text}"));
    }

    /// What was found, and what is known of the schedule.
    fn found(&self, report: &RunReport) -> String {
        let command = report.command(&self.program);
        let mut out = finding(report.driver, &report.run.verdict, Some(&command), self.style);
        if let Some((timeline, deviations)) = &report.timeline {
            out += &timeline::timeline(timeline, deviations);
        }
        if let Some(shrunk) = &report.shrunk {
            out += &shrunk::shrunk(shrunk);
        }
        if let Some(fit) = &report.fit {
            out += &fit::fit(fit);
        }
        out + "\n"
    }
}

impl Reporter for Text {
    fn begin(&mut self, invocation: &Invocation) {
        self.program.clone_from(&invocation.program);
    }

    fn run(&mut self, report: &RunReport) {
        let trace = report.trace.as_deref().unwrap_or_default();
        let figures = statistics::summary(report.driver, &report.setup, &report.run);
        self.print(&format!("{trace}{figures}{}", self.found(report)));
        let expects = report.driver.expects;
        if matches!(expects, Expects::Breaks(_) | Expects::Stops(_)) && !report.run.verdict.is_finding() {
            self.bars.show(Progress::Note(format!(
                "{} is an exhibit that breaks a rule; no rule that watched saw it",
                report.driver.name
            )));
        }
    }

    fn finding(&mut self, _identity: &Identity, report: &RunReport) {
        self.print(&self.found(report));
    }

    fn progress(&mut self, progress: Progress) {
        self.bars.show(progress);
    }

    fn summary(&mut self, summary: &Summary, elapsed: Option<Duration>) {
        self.print(&stress::stress(summary, elapsed, self.style));
    }

    fn end(&mut self) {}

    fn wants_trace(&self) -> bool {
        true
    }
}
