//! The text of a schedule file, format 2.
//!
//! One header field a line, then one deviation a line, then `end`:
//!
//! ```text
//! storsim schedule 2
//! driver wdm-startio-rare
//! setup {"cpus":4,"seed":1,...}
//! sources b94d27b9934d3e08...
//! base steady
//! trace 925560f62e1fb120
//! found SpinLockSafe at IoCompleteRequest in DpcRoutine
//! environment {"needs":["2 processors"],"not":["reset"]}
//! deviations 1
//! cpu 0 before IoCompleteRequest #1 in DpcRoutine: interrupt cpu 1
//! end
//! ```
//!
//! The line `environment` is there only if shrinking looked what the finding needs of it; what the run has is
//! in the setup. Invariant: what is written can be read again and is written again the same, and a file that
//! was cut short or is something else is refused with the line that shows it. Format 1 listed every choice by
//! number; it is refused.

use super::setup::SetupText;
use super::{Base, Fingerprint, Schedule};
use crate::explore::deviations::Deviation;
use std::collections::BTreeSet;
use std::fmt::Write as _;

const FIRST_LINE: &str = "storsim schedule 2";
/// What files of every version begin with.
const FIRST_WORDS: &str = "storsim schedule ";
const LAST_LINE: &str = "end";
/// The field that says what is needed of the environment.
const NEEDS: &str = "environment";
const NOTHING: &str = "nothing";

/// A line number, from 1, and what is wrong there.
type Wrong = (usize, String);

impl Schedule {
    /// The file's text.
    ///
    /// # Panics
    /// Never: a setup is plain data.
    #[must_use]
    pub fn to_text(&self) -> String {
        let setup = serde_json::to_string(&SetupText::of(&self.setup)).expect("plain data");
        let mut text = String::new();
        // Writing to a String cannot fail.
        let mut line = |what: std::fmt::Arguments<'_>| _ = writeln!(text, "{what}");
        line(format_args!("{FIRST_LINE}"));
        line(format_args!("driver {}", self.driver));
        line(format_args!("setup {setup}"));
        line(format_args!("sources {}", self.sources));
        match &self.base {
            Base::Steady(_) => line(format_args!("base steady")),
            Base::Random(seed) => line(format_args!("base random {seed}")),
        }
        line(format_args!("trace {:016x}", self.trace_hash));
        line(format_args!("found {}", self.found.as_deref().unwrap_or(NOTHING)));
        if let Some(needs) = &self.needs {
            line(format_args!("{NEEDS} {}", serde_json::to_string(needs).expect("plain data")));
        }
        line(format_args!("deviations {}", self.deviations().len()));
        for deviation in self.deviations() {
            line(format_args!("{deviation}"));
        }
        line(format_args!("{LAST_LINE}"));
        text
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// With the line number and what is wrong there.
    pub fn parse(text: &str) -> Result<Schedule, (usize, String)> {
        let mut lines = Lines { text, number: 0, rest: text.lines() };
        first_line(lines.next().unwrap_or(""))?;
        let driver = lines.field("driver")?.to_owned();
        let setup: SetupText = lines.read("setup", serde_json::from_str)?;
        let setup = setup.into_setup().map_err(|what| lines.wrong(what))?;
        let sources = lines.read("sources", str::parse)?;
        let seed = lines.read("base", base)?;
        let trace_hash = lines.read("trace", trace)?;
        let found = lines.field("found")?;
        let found = (found != NOTHING).then(|| found.to_owned());
        let needs = if lines.has(NEEDS) { Some(lines.read(NEEDS, serde_json::from_str)?) } else { None };
        let count = lines.read("deviations", str::parse::<u64>)?;
        if seed.is_some() && count != 0 {
            return Err(lines.wrong("a random base has no deviations"));
        }
        let deviations = lines.deviations(count)?;
        let base = seed.map_or(Base::Steady(deviations), Base::Random);
        Ok(Schedule { driver, setup, sources, base, trace_hash, found, needs })
    }
}

/// Whether bytes begin as a schedule file does.
pub(super) fn begins(bytes: &[u8]) -> bool {
    bytes.starts_with(FIRST_WORDS.as_bytes())
}

fn first_line(first: &str) -> Result<(), Wrong> {
    match first.strip_prefix(FIRST_WORDS) {
        _ if first == FIRST_LINE => Ok(()),
        Some("1") => Err((
            1,
            "a schedule of format 1, which this storsim no longer reads; run the driver with its seed again"
                .into(),
        )),
        Some(version) => Err((1, format!("a schedule of format {version}; this storsim reads format 2"))),
        None => Err((1, "not a schedule file of storsim".into())),
    }
}

/// The seed of a random base; `None` for the default scheduler.
fn base(text: &str) -> Result<Option<u64>, String> {
    match text.strip_prefix("random ") {
        Some(seed) => seed.parse().map(Some).map_err(|e| format!("'{seed}': {e}")),
        None if text == "steady" => Ok(None),
        None => Err(format!("'{text}': 'steady' or 'random SEED' expected")),
    }
}

fn trace(text: &str) -> Result<u64, String> {
    hexadecimal(text).map(u64::from_be_bytes).ok_or_else(|| format!("'{text}' is no trace hash"))
}

/// Bytes as written by `{:02x}` each.
fn hexadecimal<const N: usize>(text: &str) -> Option<[u8; N]> {
    let is_written = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if text.len() != 2 * N || !text.bytes().all(is_written) {
        return None;
    }
    let mut bytes = [0; N];
    for (n, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * n..2 * n + 2], 16).ok()?;
    }
    Some(bytes)
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::str::FromStr for Fingerprint {
    type Err = String;

    fn from_str(text: &str) -> Result<Fingerprint, String> {
        hexadecimal(text).map(Fingerprint).ok_or_else(|| format!("'{text}' is no SHA-256"))
    }
}

/// The lines of a file, counted.
struct Lines<'a> {
    text: &'a str,
    number: usize,
    rest: std::str::Lines<'a>,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<&'a str> {
        self.number += 1;
        self.rest.next()
    }

    /// Something is wrong with the last line that was read.
    fn wrong(&self, what: impl Into<String>) -> Wrong {
        (self.number, what.into())
    }

    fn cut_short(&self, missing: &str) -> Wrong {
        (self.text.lines().count(), format!("cut short: {missing} missing"))
    }

    /// Whether a field comes next.
    fn has(&self, name: &str) -> bool {
        self.rest.clone().next().is_some_and(|line| line.split(' ').next() == Some(name))
    }

    /// The value of the field that must come next.
    fn field(&mut self, name: &str) -> Result<&'a str, Wrong> {
        let line = self.next().ok_or_else(|| self.cut_short(&format!("'{name}' is")))?;
        let value = line.strip_prefix(name).and_then(|rest| rest.strip_prefix(' '));
        value.filter(|v| !v.is_empty()).ok_or_else(|| self.wrong(format!("'{name}' expected")))
    }

    fn read<T, E: std::fmt::Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&'a str) -> Result<T, E>,
    ) -> Result<T, Wrong> {
        let value = self.field(name)?;
        parse(value).map_err(|e| self.wrong(format!("{name}: {e}")))
    }

    /// So many deviations, and the last line.
    fn deviations(&mut self, count: u64) -> Result<Vec<Deviation>, Wrong> {
        let mut deviations = Vec::new();
        let mut taken = BTreeSet::new();
        loop {
            let left = count - deviations.len() as u64;
            let line = self.next().ok_or_else(|| self.cut_short(&format!("'{LAST_LINE}' is")))?;
            if line == LAST_LINE {
                if left != 0 {
                    return Err(
                        self.wrong(format!("{} deviations, the header promises {count}", deviations.len()))
                    );
                }
                return match self.next() {
                    Some(_) => Err(self.wrong(format!("text after '{LAST_LINE}'"))),
                    None => Ok(deviations),
                };
            }
            if left == 0 {
                return Err(self.wrong(format!("'{line}' is one deviation too many")));
            }
            let deviation: Deviation = line.parse().map_err(|what: String| self.wrong(what))?;
            if !taken.insert(deviation.at()) {
                return Err(self.wrong(format!("'{line}' is for a choice that a line before decides")));
            }
            deviations.push(deviation);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Selection, Sites};
    use crate::run::environment::Needs;
    use crate::run::{Contents, Executor, Setup};
    use crate::workload::{Amount, Mode, Options};

    fn schedule() -> Schedule {
        let lines = [
            "cpu 1 before KeAcquireSpinLockAtDpcLevel #3 in DpcRoutine: run cpu 0",
            "cpu 1 between calls #2 in kernel: expire a timer",
            "cpu 1 between calls #2 in kernel: pick 4",
        ];
        Schedule {
            driver: "some-driver".into(),
            setup: Setup {
                cpus: 4,
                executor: Executor::Deterministic,
                seed: 9,
                workload: Options {
                    mode: Mode::RandRw,
                    amount: Amount::Ios(100),
                    block_bytes: 4096.into(),
                    depth: 8,
                    flush_every: 32,
                    cancel_every: 0,
                    service_every: 0,
                    luns: 1,
                    seed: 9,
                    zeroed: true,
                },
                disturbances: Default::default(),
                contents: Contents::Memory { bytes: 1 << 20 },
                units: Default::default(),
                memory: crate::run::MemoryChoice::Plain,
                environment: Default::default(),
                rules: Selection::parse("SpinLockSafe").unwrap(),
                exceptions: Vec::new(),
                sites: Sites::Kept,
                evidence: false,
                patience: kernel_sim::machine::PATIENCE,
            },
            sources: Fingerprint([0xA5; 32]),
            base: Base::Steady(lines.map(|line| line.parse().expect(line)).into()),
            trace_hash: 0xDEAD_BEEF,
            found: Some("SpinLockSafe at IoCompleteRequest in DpcRoutine".into()),
            needs: None,
        }
    }

    fn why(text: &str) -> Wrong {
        Schedule::parse(text).err().unwrap_or_else(|| panic!("was read: {text}"))
    }

    #[test]
    fn what_is_written_is_read_again() {
        for base in [schedule().base, Base::Random(u64::MAX)] {
            for found in [schedule().found, None] {
                let words = Needs { needs: vec!["hotplug".into()], not: vec!["2 processors".into()] };
                for needs in [None, Some(words)] {
                    let schedule = Schedule { base: base.clone(), found: found.clone(), needs, ..schedule() };
                    let text = schedule.to_text();
                    let again = Schedule::parse(&text).unwrap_or_else(|e| panic!("{e:?}"));
                    assert_eq!((&again.base, &again.found), (&schedule.base, &schedule.found));
                    assert_eq!(again.needs, schedule.needs);
                    assert_eq!(again.to_text(), text);
                }
            }
        }
    }

    #[test]
    fn a_schedule_of_few_deviations_is_short() {
        assert!(schedule().to_text().len() < 1024, "{}", schedule().to_text());
    }

    #[test]
    fn a_file_cut_anywhere_is_refused() {
        let text = schedule().to_text();
        for end in 0..text.len() - 1 {
            why(&text[..end]);
        }
    }

    #[test]
    fn a_foreign_file_is_refused_in_its_first_line() {
        assert_eq!(why("#!/bin/sh\n"), (1, "not a schedule file of storsim".into()));
        assert!(why("storsim schedule 3\n").1.contains("format 3"));
        let (line, what) = why("storsim schedule 1\ndriver x\n");
        assert_eq!(line, 1);
        assert!(what.contains("format 1") && what.contains("seed"), "{what}");
    }

    #[test]
    fn lines_that_make_no_sense_are_refused_by_number() {
        for (from, to, line, word) in [
            ("base steady", "base shaky", 5, "'shaky'"),
            ("base steady", "base random", 5, "'random'"),
            ("base steady", "base random -1", 5, "'-1'"),
            ("base steady", "base random 7", 8, "no deviations"),
            ("trace 0", "trace x", 6, "trace"),
            ("trace 0", "trace +", 6, "trace"),
            ("found SpinLockSafe at IoCompleteRequest in DpcRoutine", "found ", 7, "'found'"),
            ("deviations 3", "deviations 4", 12, "promises 4"),
            ("deviations 3", "deviations 2", 11, "one deviation too many"),
            ("deviations 3", "deviations 18446744073709551616", 8, "deviations"),
            ("sources a5", "sources 5", 4, "SHA-256"),
            ("sources a5", "sources A5", 4, "SHA-256"),
            ("pick 4", "expire a timer", 11, "decides"),
            ("#3", "#x", 9, "'#x'"),
            ("end", "end\nend", 13, "after 'end'"),
        ] {
            let text = schedule().to_text().replacen(from, to, 1);
            let (number, what) = why(&text);
            assert_eq!(number, line, "{to}: {what}");
            assert!(what.contains(word), "{to}: {what}");
        }
    }
}
