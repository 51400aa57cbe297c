//! `storsim.toml`: exceptions, each a row that is off for a driver, with the reason.
//!
//! ```toml
//! [[exception]]
//! driver = "my-miniport"            # a name, or a pattern such as "my-*"
//! rule = "CompleteUnderLock"        # a row of 'storsim list --rules', or a set
//! reason = "the lock is never taken in HwStorStartIo"
//! ```
//!
//! The file is that of `--config`, or `storsim.toml` in the working directory if there is one; `--rules`
//! takes its place. Invariant: a file is read whole and every line of it is found good before anything runs;
//! what it turns off is told with every result.

use super::ended::Refusal;
use super::toml_text;
use crate::driver::Driver;
use crate::explain::did_you_mean;
use crate::rules::{Exception, Selection, Set, TABLE};
use serde::Deserialize;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use toml::Spanned;
use wildmatch::WildMatch;

/// The file that is looked for in the working directory.
const NAME: &str = "storsim.toml";

/// A file, as it was read; the default is none.
#[derive(Clone, Debug, Default)]
pub(super) struct Config {
    exceptions: Vec<(WildMatch, Selection, String)>,
    file: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ConfigText {
    #[serde(default)]
    exception: Vec<ExceptionText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExceptionText {
    driver: Spanned<String>,
    rule: Spanned<String>,
    reason: Spanned<String>,
}

/// Reads the file that was asked for, or the one that is there.
pub(super) fn read(asked: Option<&Path>) -> Result<Config, Refusal> {
    let path = asked.map_or_else(|| PathBuf::from(NAME), Path::to_owned);
    let file = path.display().to_string();
    match std::fs::read_to_string(&path) {
        Ok(text) => Config::parse(&text, &file),
        Err(why) if asked.is_none() && why.kind() == ErrorKind::NotFound => Ok(Config::default()),
        Err(why) if why.kind() == ErrorKind::InvalidData => Err(Refusal(format!("{file}: it is not UTF-8"))),
        Err(why) => Err(Refusal(format!("{file}: {why}"))),
    }
}

impl Config {
    fn parse(text: &str, file: &str) -> Result<Config, Refusal> {
        let refuse = |at: usize, why: &str| toml_text::refusal(text, file, at, why);
        let read: ConfigText = toml_text::parse(text, file)?;
        let mut exceptions = Vec::new();
        for ExceptionText { driver, rule, reason } in read.exception {
            for (field, value) in [("driver", &driver), ("reason", &reason)] {
                if value.get_ref().trim().is_empty() {
                    return Err(refuse(value.span().start, &format!("'{field}' is empty")));
                }
            }
            let rows = named(rule.get_ref()).map_err(|why| refuse(rule.span().start, &why))?;
            let reason = reason.get_ref().split_whitespace().collect::<Vec<_>>().join(" ");
            exceptions.push((WildMatch::new(driver.get_ref()), rows, reason));
        }
        Ok(Config { exceptions, file: file.to_owned() })
    }

    /// The rows that are on of `rules` for a driver, and those that are off by an exception, each by the
    /// first that names it.
    pub(super) fn except(&self, driver: &Driver, rules: Selection) -> (Selection, Vec<Exception>) {
        let (mut on, mut off) = (rules, Vec::new());
        for (pattern, rows, reason) in &self.exceptions {
            if !driver.names().any(|name| pattern.matches(name)) {
                continue;
            }
            for row in rows.iter().filter(|row| row.is_about(&driver.kind)) {
                if on.has(row) {
                    on = on.without(row);
                    off.push(Exception { row, reason: reason.clone(), file: self.file.clone() });
                }
            }
        }
        (on, off)
    }
}

/// The rows of a word: a name or a set.
fn named(word: &str) -> Result<Selection, String> {
    let is_set = Set::ALL.into_iter().any(|set| set.word().eq_ignore_ascii_case(word));
    let is_row = crate::rules::find(word).is_some();
    if is_set || is_row {
        return Selection::parse(word).map_err(|why| why.to_string());
    }
    let names = TABLE.iter().map(|row| row.name).chain(Set::ALL.into_iter().map(Set::word));
    let hint = did_you_mean(word, names).unwrap_or_else(|| "see 'list --rules'".to_owned());
    Err(format!("no rule, check, stop or set is called '{word}'; {hint}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::{Expects, Kind};

    static DRIVER: Driver = Driver {
        name: "my-miniport",
        aliases: &[],
        summary: "is not run",
        expects: Expects::Clean,
        kind: Kind::VirtualMiniport { entry: None },
        cancels: false,
        reads_registry: false,
        image: None,
        sources: &[],
    };

    fn exception(driver: &str, rule: &str, reason: &str) -> String {
        format!("[[exception]]\ndriver = \"{driver}\"\nrule = \"{rule}\"\nreason = \"{reason}\"\n")
    }

    fn why(text: &str) -> String {
        Config::parse(text, "a.toml").expect_err("it is bad").0
    }

    #[test]
    fn a_row_is_off_for_the_drivers_of_a_pattern_and_says_why() {
        let text = exception("my-*", "spinlocksafe", "tests only") + &exception("other", "LostRequest", "no");
        let config = Config::parse(&text, "a.toml").unwrap();
        let (on, off) = config.except(&DRIVER, Selection::default());
        let row = crate::rules::find("SpinLockSafe").unwrap();
        assert_eq!(on, Selection::default().without(row));
        let told: Vec<_> = off.iter().map(|off| (off.row.name, &*off.reason, &*off.file)).collect();
        assert_eq!(told, [("SpinLockSafe", "tests only", "a.toml")]);
    }

    #[test]
    fn what_is_off_already_is_no_exception_and_one_counts_once() {
        let twice = exception("*", "CompleteUnderLock", "a") + &exception("*", "LostRequest", "b").repeat(2);
        let (on, off) = Config::parse(&twice, "a.toml").unwrap().except(&DRIVER, Selection::default());
        assert_eq!((on.to_string().as_str(), off.len()), ("default,-LostRequest", 1));
    }

    #[test]
    fn a_bad_file_is_told_with_its_line() {
        assert_eq!(
            why(&exception("a", "nosuch", "b")).split(';').next(),
            Some("a.toml:3: no rule, check, stop or set is called 'nosuch'")
        );
        assert!(why(&exception("a", "SpinLockSave", "b")).contains("; did you mean 'SpinLockSafe'"));
        assert_eq!(why(&exception("a", "SpNoWait", "  ")), "a.toml:4: 'reason' is empty");
        assert_eq!(why(&exception("", "SpNoWait", "b")), "a.toml:2: 'driver' is empty");
        for (text, line, part) in [
            ("[[exception]]\ndriver = \"a\"\nrule = \"SpNoWait\"\n", 1, "missing field `reason`"),
            ("\n[[exception]]\nrules = \"a\"\n", 3, "unknown field `rules`"),
            ("[exceptions]\n", 1, "unknown field `exceptions`"),
            ("a =\n", 1, ""),
            ("[[exception]]\ndriver = 3\n", 2, "invalid type"),
        ] {
            let why = why(text);
            assert!(why.starts_with(&format!("a.toml:{line}: ")) && why.contains(part), "{why}");
            assert_eq!(why.lines().count(), 1, "{why}");
        }
    }

    #[test]
    fn an_empty_file_excepts_nothing() {
        let config = Config::parse("# nothing\n", "a.toml").unwrap();
        assert_eq!(config.except(&DRIVER, Selection::default()), (Selection::default(), Vec::new()));
    }
}
