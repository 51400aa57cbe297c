//! Schedule files: a run as data, to be replayed.
//!
//! Text, versioned, one header field a line, then the choices as tokens with repeat counts. It holds
//! everything the run depends on, so `storsim replay FILE` needs nothing else. Invariant: what is
//! written can be read again, and a file that was cut short or is something else is refused with the
//! line that shows it.

use crate::rules::{self, RuleInfo, Sites};
use crate::session::{Contents, Executor, MEMORY_BYTES_MAX, Setup};
use crate::workload::{Amount, BLOCK_BYTES_MAX, DEPTH_MAX, Options};
use kernel_sim::choose::{Choice, Transition};
use kernel_sim::machine::PROCESSORS_MAX;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

const FIRST_LINE: &str = "storsim schedule 1";
const LAST_LINE: &str = "end";
const TOKENS_PER_LINE: usize = 16;

/// A schedule and the run it belongs to.
#[derive(Clone)]
pub struct Schedule {
    /// The driver's name.
    pub driver: String,
    /// How the run was set up.
    pub setup: Setup,
    /// Its trace hash.
    pub trace_hash: u64,
    /// Its choices.
    pub choices: Vec<Choice>,
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

/// The part of a setup that is written as JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SetupText {
    cpus: u8,
    seed: u64,
    workload: Options,
    size: Option<u64>,
    image: Option<PathBuf>,
    rules: Vec<String>,
    sites: bool,
}

impl Schedule {
    /// The file's text.
    #[must_use]
    pub fn to_text(&self) -> String {
        let (size, image) = match &self.setup.contents {
            Contents::Memory { bytes } => (Some(*bytes), None),
            Contents::Image { path, .. } => (None, Some(path.clone())),
        };
        let setup = SetupText {
            cpus: self.setup.cpus,
            seed: self.setup.seed,
            workload: self.setup.workload.clone(),
            size,
            image,
            rules: self.setup.rules.iter().map(|r| r.name.to_owned()).collect(),
            sites: self.setup.sites == Sites::Kept,
        };
        let setup = serde_json::to_string(&setup).expect("plain data");
        let mut text = format!("{FIRST_LINE}\ndriver {}\nsetup {setup}\n", self.driver);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "trace {:016x}\nchoices {}", self.trace_hash, self.choices.len());
        for line in self.tokens().chunks(TOKENS_PER_LINE) {
            text.push_str(&line.join(" "));
            text.push('\n');
        }
        text.push_str(LAST_LINE);
        text.push('\n');
        text
    }

    fn tokens(&self) -> Vec<String> {
        self.choices
            .chunk_by(|a, b| a == b)
            .map(
                |same| {
                    if same.len() == 1 {
                        token(same[0])
                    } else {
                        format!("{}*{}", token(same[0]), same.len())
                    }
                },
            )
            .collect()
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// When the directory cannot be written to.
    pub fn save(&self, path: &Path) -> std::io::Result<()> {
        let directory = path.parent().filter(|d| !d.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(directory)?;
        file.write_all(self.to_text().as_bytes())?;
        file.persist(path)?;
        Ok(())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read or is no whole schedule of this version.
    pub fn load(path: &Path) -> Result<Schedule, ScheduleError> {
        let bytes =
            std::fs::read(path).map_err(|source| ScheduleError::Read { path: path.into(), source })?;
        let bad = |line, what: &str| ScheduleError::Bad { path: path.into(), line, what: what.to_owned() };
        let text = String::from_utf8(bytes).map_err(|_| bad(1, "not a schedule file of storsim"))?;
        Schedule::parse(&text).map_err(|(line, what)| ScheduleError::Bad { path: path.into(), line, what })
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// With the line number and what is wrong there.
    pub fn parse(text: &str) -> Result<Schedule, (usize, String)> {
        let mut lines = text.lines().enumerate().map(|(n, l)| (n + 1, l));
        let first = lines.next().map_or("", |(_, l)| l);
        if first != FIRST_LINE {
            let what = match first.strip_prefix("storsim schedule ") {
                Some(version) => format!("a schedule of format {version}; this storsim reads format 1"),
                None => "not a schedule file of storsim".into(),
            };
            return Err((1, what));
        }
        let mut field = |name: &str| -> Result<(usize, String), (usize, String)> {
            let (n, line) =
                lines.next().ok_or((text.lines().count(), format!("cut short: '{name}' is missing")))?;
            match line.strip_prefix(name).and_then(|rest| rest.strip_prefix(' ')) {
                Some(value) => Ok((n, value.to_owned())),
                None => Err((n, format!("'{name}' expected"))),
            }
        };
        let (_, driver) = field("driver")?;
        let (n, setup) = field("setup")?;
        let setup: SetupText = serde_json::from_str(&setup).map_err(|e| (n, format!("setup: {e}")))?;
        let setup = setup.into_setup().map_err(|what| (n, what))?;
        let (n, hash) = field("trace")?;
        let trace_hash = u64::from_str_radix(&hash, 16).map_err(|e| (n, format!("trace: {e}")))?;
        let (n, count) = field("choices")?;
        let count: usize = count.parse().map_err(|e| (n, format!("choices: {e}")))?;
        let choices = read_choices(lines, text, count)?;
        Ok(Schedule { driver, setup, trace_hash, choices })
    }
}

fn read_choices<'a>(
    mut lines: impl Iterator<Item = (usize, &'a str)>,
    text: &str,
    count: usize,
) -> Result<Vec<Choice>, (usize, String)> {
    let mut choices = Vec::new();
    while let Some((n, line)) = lines.next() {
        if line == LAST_LINE {
            if let Some((n, _)) = lines.next() {
                return Err((n, format!("text after '{LAST_LINE}'")));
            }
            if choices.len() != count {
                return Err((n, format!("{} choices, the header promises {count}", choices.len())));
            }
            return Ok(choices);
        }
        for word in line.split_whitespace() {
            let (name, times) = match word.split_once('*') {
                Some((name, times)) => (name, times.parse().ok()),
                None => (word, Some(1)),
            };
            let choice = choice(name).ok_or_else(|| (n, format!("'{word}' is no choice")))?;
            let times: usize = times
                .filter(|t| *t <= count - choices.len())
                .ok_or_else(|| (n, format!("'{word}' is one choice too many")))?;
            choices.try_reserve(times).map_err(|_| (n, format!("'{word}' does not fit into memory")))?;
            choices.extend(std::iter::repeat_n(choice, times));
        }
    }
    Err((text.lines().count(), format!("cut short: '{LAST_LINE}' is missing")))
}

impl SetupText {
    fn into_setup(self) -> Result<Setup, String> {
        self.check()?;
        let rules = self
            .rules
            .iter()
            .map(|name| rules::find(name).ok_or_else(|| format!("setup: rule '{name}' is not known")))
            .collect::<Result<Vec<&'static RuleInfo>, _>>()?;
        let contents = match (self.size, self.image) {
            (Some(bytes), None) => Contents::Memory { bytes },
            (None, Some(path)) => Contents::Image { path, writes: !self.workload.mode.only_reads() },
            _ => return Err("setup: either a size or an image".into()),
        };
        Ok(Setup {
            cpus: self.cpus,
            executor: Executor::Deterministic,
            seed: self.seed,
            workload: self.workload,
            contents,
            rules,
            sites: if self.sites { Sites::Kept } else { Sites::Counted },
        })
    }
}

impl SetupText {
    /// The limits of the command line: a file that was edited meets them too.
    fn check(&self) -> Result<(), String> {
        let Options { block_bytes, depth, amount, .. } = self.workload;
        let refuse = |what: String| Err(format!("setup: {what}"));
        if !(1..=PROCESSORS_MAX).contains(&self.cpus) {
            return refuse(format!("a machine has 1 to {PROCESSORS_MAX} processors, not {}", self.cpus));
        }
        if block_bytes == 0 || block_bytes % 512 != 0 || block_bytes > BLOCK_BYTES_MAX {
            return refuse(format!(
                "blocks of {block_bytes} bytes; a multiple of 512 up to {BLOCK_BYTES_MAX}"
            ));
        }
        if !(1..=DEPTH_MAX).contains(&depth) {
            return refuse(format!("a depth of {depth}; 1 to {DEPTH_MAX}"));
        }
        if matches!(amount, Amount::TimeNs(_) | Amount::Ios(0)) {
            return refuse("a number of requests is needed".into());
        }
        match self.size {
            Some(size) if size == 0 || size % 4096 != 0 || size > MEMORY_BYTES_MAX => {
                refuse(format!("a size of {size} bytes; a multiple of 4096 up to {MEMORY_BYTES_MAX}"))
            }
            _ => Ok(()),
        }
    }
}

/// A choice as a token: a letter for the kind, then the processor, device or number.
fn token(choice: Choice) -> String {
    match choice {
        Choice::Took(Transition::Run(n)) => format!("r{n}"),
        Choice::Took(Transition::Interrupt(n)) => format!("i{n}"),
        Choice::Took(Transition::Dpc(n)) => format!("d{n}"),
        Choice::Took(Transition::Switch(n)) => format!("s{n}"),
        Choice::Took(Transition::Device(n)) => format!("v{n}"),
        Choice::Took(Transition::Timer) => "t".into(),
        Choice::Picked(k) => format!("p{k}"),
    }
}

fn choice(token: &str) -> Option<Choice> {
    if token == "t" {
        return Some(Choice::Took(Transition::Timer));
    }
    let mut letters = token.chars();
    let kind = letters.next()?;
    let number = letters.as_str();
    if kind == 'p' {
        return number.parse().ok().map(Choice::Picked);
    }
    let n: u8 = number.parse().ok()?;
    let transition = match kind {
        'r' => Transition::Run(n),
        'i' => Transition::Interrupt(n),
        'd' => Transition::Dpc(n),
        's' => Transition::Switch(n),
        'v' => Transition::Device(n),
        _ => return None,
    };
    Some(Choice::Took(transition))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::Mode;

    fn schedule() -> Schedule {
        Schedule {
            driver: "some-driver".into(),
            setup: Setup {
                cpus: 4,
                executor: Executor::Deterministic,
                seed: 9,
                workload: Options {
                    mode: Mode::RandRw,
                    amount: Amount::Ios(100),
                    block_bytes: 4096,
                    depth: 8,
                    flush_every: 32,
                    cancel_every: 0,
                    service_every: 0,
                    seed: 9,
                    zeroed: true,
                },
                contents: Contents::Memory { bytes: 1 << 20 },
                rules: vec![rules::TABLE[0]],
                sites: Sites::Kept,
            },
            trace_hash: 0xDEAD_BEEF,
            choices: [Transition::Run(0), Transition::Run(0), Transition::Interrupt(3), Transition::Timer]
                .map(Choice::Took)
                .into_iter()
                .chain([Choice::Picked(2)])
                .collect(),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let text = schedule().to_text();
        let again = Schedule::parse(&text).map_err(|e| e.1).unwrap();
        assert_eq!(again.choices, schedule().choices);
        assert_eq!(again.to_text(), text);
        assert!(text.contains("r0*2 i3 t p2"));
    }

    #[test]
    fn a_file_cut_anywhere_is_refused() {
        let text = schedule().to_text();
        for end in 0..text.len() - 1 {
            assert!(Schedule::parse(&text[..end]).is_err(), "cut after {end} bytes");
        }
    }

    #[test]
    fn a_foreign_file_is_refused_in_its_first_line() {
        assert_eq!(Schedule::parse("#!/bin/sh\n").err(), Some((1, "not a schedule file of storsim".into())));
        let newer = Schedule::parse("storsim schedule 2\n").err().unwrap();
        assert!(newer.1.contains("format 2"));
    }
}
