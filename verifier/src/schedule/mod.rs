//! Schedule files: a run as data, to be replayed.
//!
//! A schedule is the default scheduler and the deviations from it, so a file is as long as there were
//! choices that mattered, and still fits after an edit of the driver that does not touch them. It
//! holds everything the run depends on but the driver itself; of that it holds a fingerprint, so a
//! replay can say that it has changed. `text.rs` is the format, [`replay()`] the run made again.
//!
//! One exception: a run of the machine's own seeded choices that was not shrunk is written as its
//! seed, since it would deviate nearly everywhere. It fits the very program that it was made with and
//! no other.

mod replay;
mod setup;
mod text;

pub use replay::{Fit, Replay, replay};

use crate::bounded_input;
use crate::driver::Driver;
use crate::explore::deviations::{Describing, Deviation};
use crate::explore::shrink::Shrunk;
use crate::explore::{Chooser, Failure, Program};
use crate::finding::RunEnd;
use crate::run::environment::Needs;
use crate::run::{Run, Setup, SetupError};
use kernel_sim::choose::{Choice, Recorded};
use sha2::{Digest, Sha256};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// A schedule and the run it belongs to.
#[derive(Clone)]
pub struct Schedule {
    /// The driver's name.
    pub driver: String,
    /// How the run was set up.
    pub setup: Setup,
    /// What its sources were.
    pub sources: Fingerprint,
    /// What makes its choices.
    pub base: Base,
    /// Its trace hash.
    pub trace_hash: u64,
    /// What the run found, as [`Failure`] prints it; `None` if nothing.
    pub found: Option<String>,
    /// What that needs of its environment, as far as shrinking looked for it.
    pub needs: Option<Needs>,
}

/// Who makes the choices of a schedule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Base {
    /// The default scheduler, but for these deviations, in the order they are made.
    Steady(Vec<Deviation>),
    /// The machine's own seeded choices.
    Random(u64),
}

/// SHA-256 over names and texts of a driver's sources, or over the file it comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// That of `driver` as it was built.
    #[must_use]
    pub fn of(driver: &Driver) -> Fingerprint {
        let mut hash = Sha256::new();
        if let Some(file) = driver.image {
            hash.update(file.image.file());
            return Fingerprint(hash.finalize().into());
        }
        for source in driver.sources {
            for part in [source.path, source.text] {
                hash.update((part.len() as u64).to_le_bytes());
                hash.update(part);
            }
        }
        Fingerprint(hash.finalize().into())
    }
}

/// Why a schedule file was refused.
#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    /// It could not be read.
    #[error("{path}: {source}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no schedule, or not a whole one.
    #[error("{path}:{line}: {what}", path = path.display())]
    Bad {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong there.
        what: String,
    },
}

impl Schedule {
    /// The schedule of a run with the machine's own seeded choices, as its seed. `None` for a run
    /// without a trace: that of the parallel executor.
    #[must_use]
    pub fn of_seed(driver: &Driver, setup: &Setup, run: &Run) -> Option<Schedule> {
        Schedule::of_run(driver, setup, Base::Random(setup.seed), run)
    }

    /// The schedule that shrinking came to.
    ///
    /// # Panics
    /// Never: an execution that was shrunk has a trace.
    #[must_use]
    pub fn of_shrunk(shrunk: &Shrunk) -> Schedule {
        let Shrunk { program, deviations, run, needs, .. } = shrunk;
        let schedule =
            Schedule::of_run(program.driver, &program.setup, Base::Steady(deviations.clone()), run)
                .expect("strategies choose in the deterministic executor only");
        Schedule { needs: needs.clone(), ..schedule }
    }

    /// The schedule of any run, from the choices it made, as deviations. The run is made once more to
    /// tell them. `None` if the choices are not those of that driver and setup.
    ///
    /// # Errors
    /// When the run could not be made.
    pub fn of_choices(
        driver: &'static Driver,
        setup: &Setup,
        choices: Vec<Choice>,
    ) -> Result<Option<Schedule>, SetupError> {
        let (describing, description) = Describing::new(Box::new(Recorded::new(choices)), false);
        let program = Program { driver, setup: setup.clone() };
        let run = program.execute(setup.seed, Chooser::Strategy(Box::new(describing)))?;
        if let RunEnd::Parted(_) = run.end {
            return Ok(None);
        }
        let deviations = std::mem::take(&mut description.lock().deviations);
        Ok(Schedule::of_run(driver, setup, Base::Steady(deviations), &run))
    }

    fn of_run(driver: &Driver, setup: &Setup, base: Base, run: &Run) -> Option<Schedule> {
        Some(Schedule {
            driver: driver.name.into(),
            setup: setup.clone(),
            sources: Fingerprint::of(driver),
            base,
            trace_hash: run.trace_hash?,
            found: Failure::of(&run.end).map(|failure| failure.to_string()),
            needs: None,
        })
    }

    /// The deviations; none for a seed.
    #[must_use]
    pub fn deviations(&self) -> &[Deviation] {
        match &self.base {
            Base::Steady(deviations) => deviations,
            Base::Random(_) => &[],
        }
    }

    /// Writes the file, whole or not at all, and makes its directory if need be. Returns whether a file with
    /// other content was there and is replaced.
    ///
    /// # Errors
    /// When the directory cannot be made or written to.
    pub fn save(&self, path: &Path) -> std::io::Result<bool> {
        let text = self.to_text();
        let directory = path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
        std::fs::create_dir_all(directory)?;
        let is_replaced = std::fs::read(path).is_ok_and(|before| before != text.as_bytes());
        // As any file is made: for all to read and write, as far as the umask lets them.
        let permissions = std::fs::Permissions::from_mode(0o666);
        let mut file = tempfile::Builder::new().permissions(permissions).tempfile_in(directory)?;
        file.write_all(text.as_bytes())?;
        file.persist(path)?;
        Ok(is_replaced)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read or is no whole schedule of this version.
    pub fn load(path: &Path) -> Result<Schedule, ScheduleError> {
        let bytes = bounded_input::read(path, text::begins)
            .map_err(|source| ScheduleError::Read { path: path.into(), source })?;
        let bad = |line, what: &str| ScheduleError::Bad { path: path.into(), line, what: what.to_owned() };
        let text = String::from_utf8(bytes).map_err(|_| bad(1, "not a schedule file of storsim"))?;
        Schedule::parse(&text).map_err(|(line, what)| ScheduleError::Bad { path: path.into(), line, what })
    }
}
