//! Results for people: a run's figures, the finding, the timeline, each as it comes.

use super::output::Output;
use super::{Host, Invocation, Kept, Listing, Progress, Reporter, RunReport, Style, Tally};
use super::{finding, fit, listing, page, shrunk, statistics, stress, tally, timeline, wrap};
use crate::driver::Expects;
use crate::explain::Page;
use crate::explore::findings::SiteKey;
use crate::explore::summary::Summary;
use std::time::Duration;

/// Prints text.
pub(super) struct Text {
    out: Output,
    style: Style,
    /// The program that was started.
    program: String,
    /// Columns that a line may have.
    width: usize,
}

impl Text {
    pub(super) fn new(interval: Duration) -> Text {
        Text {
            out: Output::new(interval),
            style: Style::coloured(),
            program: String::new(),
            width: wrap::terminal_width(),
        }
    }

    /// What was found, and what is known of the schedule.
    fn found(&self, report: &RunReport) -> String {
        let command = report.command(&self.program);
        let mut out = finding(
            report.driver,
            &report.run.end,
            &self.program,
            command.as_deref(),
            self.style,
            self.width,
        );
        let mut below = String::new();
        if let Some(Kept::NotSaved { why, deviations }) = &report.schedule {
            below += &format!("  note    the schedule could not be saved: {why}\n");
            if report.timeline.is_none() {
                deviations.iter().for_each(|deviation| below += &format!("          {deviation}\n"));
            }
        }
        out += &wrap::fitted(&below, self.width);
        if let Some((timeline, deviations)) = &report.timeline {
            out += &timeline::timeline(report.driver, timeline, deviations, self.width);
        }
        if let Some(shrunk) = &report.shrunk {
            out += &wrap::fitted(&shrunk::shrunk(shrunk), self.width);
        }
        let environment = match (&report.needs, report.setup.drawn_in_words()) {
            (Some(needs), _) => format!("{needs}\n"),
            (None, drawn) if report.run.end.is_finding() && !drawn.is_empty() => {
                format!("drawn: {}; what of it is needed was not looked for\n", drawn.join(", "))
            }
            (None, _) => String::new(),
        };
        out += &wrap::fitted(&environment, self.width);
        if let Some(fit) = &report.fit {
            out += &wrap::fitted(&fit::fit(fit), self.width);
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
        let figures = wrap::fitted(&figures, self.width);
        self.out.print(&format!("{trace}{figures}"));
        let found = self.found(report);
        if report.run.end.is_finding() {
            self.out.print_finding(&found)
        } else {
            self.out.print(&found)
        }
        let expects = report.driver.expects;
        if matches!(expects, Expects::Breaks(_) | Expects::Stops(_)) && !report.run.end.is_finding() {
            let uncalled: Vec<_> = report.run.uncalled.iter().flatten().map(|kind| kind.name).collect();
            let uncalled = match &uncalled[..] {
                [] => String::new(),
                [one] => format!("; {one} was not called in this run"),
                _ => format!("; {} were not called in this run", uncalled.join(", ")),
            };
            let name = report.driver.name;
            self.out.show(Progress::Note(format!(
                "{name} is an exhibit that breaks a rule; no rule that watched saw it{uncalled}"
            )));
        }
    }

    fn finding(&mut self, _key: &SiteKey, report: &RunReport) {
        self.out.print_finding(&self.found(report));
    }

    fn progress(&mut self, progress: Progress) {
        self.out.show(progress);
    }

    fn summary(&mut self, summary: &Summary, host: Host) {
        self.out.print(&wrap::fitted(&stress::stress(summary, host, self.style), self.width));
    }

    fn tally(&mut self, tally: &Tally) {
        self.out.print(&wrap::fitted(&tally::tally(tally), self.width));
    }

    fn list(&mut self, listing: &Listing) {
        self.out.print(&wrap::fitted(&listing::listing(listing), self.width));
    }

    fn explain(&mut self, pages: &[Page]) {
        let pages: Vec<_> = pages.iter().map(|page| page::page(page, self.width)).collect();
        self.out.print(&pages.join("\n"));
    }

    fn end(&mut self) -> std::io::Result<()> {
        self.out.end()
    }

    fn wants_trace(&self) -> bool {
        true
    }
}
