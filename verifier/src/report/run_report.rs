//! A run, and what is known of its schedule: what a command tells a reporter.

use crate::driver::Driver;
use crate::explore::deviations::Deviation;
use crate::explore::shrink::Shrunk;
use crate::run::{Run, Setup};
use crate::schedule::Fit;
use crate::timeline::Timeline;
use crate::workload::{Mode, Sizes};

/// A run, and what is known of its schedule.
pub struct RunReport {
    /// The driver that ran.
    pub driver: &'static Driver,
    /// How.
    pub setup: Setup,
    /// What came of it.
    pub run: Run,
    /// The file that replays it.
    pub schedule: Option<String>,
    /// Who ran when, and the deviations that made it so.
    pub timeline: Option<(Timeline, Vec<Deviation>)>,
    /// How it was shrunk.
    pub shrunk: Option<Shrunk>,
    /// How a replay compares with the recorded run.
    pub fit: Option<Fit>,
    /// Every event, where the reporter wanted it.
    pub trace: Option<String>,
}

impl RunReport {
    /// Nothing but the run.
    #[must_use]
    pub fn of(driver: &'static Driver, setup: Setup, run: Run) -> RunReport {
        RunReport { driver, setup, run, schedule: None, timeline: None, shrunk: None, fit: None, trace: None }
    }

    /// The command of `program` that shows the run again: for one on real threads, as far as one can.
    pub(super) fn command(&self, program: &str) -> String {
        match &self.schedule {
            Some(file) => format!("{program} replay {file}"),
            None => format!("{program} run {}", self.flags()),
        }
    }

    /// The driver, and the flags of `run` that are not as they would be by themselves.
    fn flags(&self) -> String {
        let setup = &self.setup;
        let w = &setup.workload;
        let mut flags = format!(
            "{} --executor {} --cpus {} --seed {}",
            self.driver.name,
            setup.executor.word(),
            setup.cpus,
            setup.seed
        );
        if w.mode != Mode::RandRw {
            flags += &format!(" --rw {}", w.mode.word());
        }
        if w.block_bytes != Sizes::of(4096) {
            flags += &format!(" --bs {}", w.block_bytes);
        }
        if w.depth != 8 {
            flags += &format!(" --iodepth {}", w.depth);
        }
        flags + &setup.disturbances.flags()
    }
}
