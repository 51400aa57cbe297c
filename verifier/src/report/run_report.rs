//! A run, and what is known of its schedule: what a command tells a reporter.

use crate::driver::Driver;
use crate::explore::deviations::Deviation;
use crate::explore::shrink::Shrunk;
use crate::run::environment::Needs;
use crate::run::{Run, Setup};
use crate::schedule::Fit;
use crate::timeline::Timeline;
use crate::workload::{Mode, Sizes};

/// Whether the schedule of a finding was kept.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Kept {
    /// In this file.
    Saved(String),
    /// It was not.
    NotSaved {
        /// Which file, and why not.
        why: String,
        /// The schedule itself: its deviations.
        deviations: Vec<String>,
    },
}

/// A run, and what is known of its schedule.
pub struct RunReport {
    /// The driver that ran.
    pub driver: &'static Driver,
    /// How.
    pub setup: Setup,
    /// The run itself.
    pub run: Run,
    /// The file that replays it.
    pub schedule: Option<Kept>,
    /// Who ran when, and the deviations that made it so.
    pub timeline: Option<(Timeline, Vec<Deviation>)>,
    /// What the finding needs of its environment, as far as that is known.
    pub needs: Option<Needs>,
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
        RunReport {
            driver,
            setup,
            run,
            schedule: None,
            timeline: None,
            needs: None,
            shrunk: None,
            fit: None,
            trace: None,
        }
    }

    /// The file that replays it, if there is one.
    pub(super) fn file(&self) -> Option<&str> {
        match &self.schedule {
            Some(Kept::Saved(file)) => Some(file),
            Some(Kept::NotSaved { .. }) | None => None,
        }
    }

    /// The command of `program` that shows the run again: for one on real threads, as far as one can. None
    /// where only the schedule shows it, which was not saved.
    pub(super) fn command(&self, program: &str) -> Option<String> {
        match &self.schedule {
            Some(Kept::Saved(file)) => Some(match self.driver.image {
                Some(image) => format!("{program} replay {file} {}", image.flags),
                None => format!("{program} replay {file}"),
            }),
            Some(Kept::NotSaved { .. }) => None,
            None => Some(format!("{program} run {}", self.flags())),
        }
    }

    /// The driver, and the flags of `run` that are not as they would be by themselves.
    fn flags(&self) -> String {
        let setup = &self.setup;
        let w = &setup.workload;
        let mut flags = format!(
            "{} --executor {} --cpus {} --seed {}",
            self.driver.image.map_or(self.driver.name, |file| &file.flags),
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
        flags + &setup.units.flags() + &setup.disturbances.flags()
    }
}
