//! `Row`: what one line of the table of everything that can be found says.
//!
//! Every word that a report prints in brackets is the name of a row: a rule of Microsoft's, a check of ours,
//! a way in which the machine stops. Rows are static data, each next to what it describes; `TABLE` in the
//! module above lists them. Invariant: a name, in any case, names one row.

use super::exhibits::Exhibits;
use super::rule::{Rule, Sites};
use kernel_sim::bugcheck::StopCode;

/// The set a row belongs to: Microsoft's for rules, ours for the rest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Set {
    /// Rules about locks.
    Locking,
    /// Rules that point at likely mistakes; off unless asked for.
    Warning,
    /// Checks of ours.
    Checks,
    /// Ways in which the machine stops: bug checks, standstills.
    Stops,
}

impl Set {
    /// Every set, in the order in which they are listed.
    pub const ALL: [Set; 4] = [Set::Locking, Set::Warning, Set::Checks, Set::Stops];

    /// The word for it on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Set::Locking => "locking",
            Set::Warning => "warning",
            Set::Checks => "checks",
            Set::Stops => "stops",
        }
    }
}

/// Whose promise it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A rule of Microsoft's, under its name.
    Rule,
    /// A check of our own.
    Check,
    /// A stop of Windows, or a standstill.
    Stop,
}

impl Origin {
    /// In words, for lists.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Origin::Rule => "rule of Microsoft's",
            Origin::Check => "check of ours",
            Origin::Stop => "stop of the machine",
        }
    }
}

/// A stop of Windows for the same mistake: its code, and its first parameter where that says which mistake.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct WindowsStop {
    /// The stop code.
    pub code: StopCode,
    /// The first parameter, where it is documented for this.
    pub parameter: Option<u64>,
}

/// One row of the table.
pub struct Row {
    /// The name.
    pub name: &'static str,
    /// The set it belongs to.
    pub set: Set,
    /// Whose it is.
    pub origin: Origin,
    /// Whether it is on unless told otherwise.
    pub default: bool,
    /// The whole page: what, why, source.
    pub text: &'static str,
    /// Why a person should care, in a sentence, where a finding brings none of its own.
    pub why: &'static str,
    /// Where Microsoft describes it.
    pub url: Option<&'static str>,
    /// What Windows stops with for the same mistake, where it does.
    pub stop: Option<WindowsStop>,
    /// Its exhibits.
    pub exhibits: Exhibits,
    /// Makes the rule for one run; `None` for what the workload or the machine itself finds.
    pub make: Option<fn(Sites) -> Box<dyn Rule>>,
}

impl Row {
    /// The first line of the page.
    #[must_use]
    pub fn summary(&self) -> &'static str {
        self.text.lines().next().unwrap_or("").trim()
    }

    /// The whole page as it is printed: the name, the text, what Windows stops with, the exhibits, the
    /// source.
    #[must_use]
    pub fn page(&self) -> String {
        let code = self.stop.filter(|stop| stop.code.code != 0);
        let is_stop = self.origin == Origin::Stop;
        let number = code.filter(|_| is_stop).map(|stop| format!("{:#06X} ", stop.code.code));
        let default = if self.default { "" } else { ", off unless asked for" };
        let (words, set) = (self.origin.words(), self.set.word());
        let mut page =
            format!("{}{}  ({words}, set {set}{default})\n\n", number.unwrap_or_default(), self.name);
        page.extend(self.text.lines().map(|line| format!("{}\n", line.strip_prefix(' ').unwrap_or(line))));
        match code {
            Some(_) if is_stop => {
                page += &format!("\n## Why it matters\n{}.\n", self.why);
                page += "\n## Source\nMicrosoft, bug check code reference.\n";
            }
            Some(stop) => {
                let parameter = stop.parameter.map(|p| format!(" ({p:#x}, ..)")).unwrap_or_default();
                page += &format!("\nWindows stops with {:#X}{parameter} for it.\n", stop.code.code);
            }
            None if is_stop && !self.text.contains("## Source") => {
                page += &format!("\n## Why it matters\n{}.\n\n## Source\nOur own stop.\n", self.why);
            }
            None => {}
        }
        let [breaker, near_miss] = self.exhibits.commands();
        page += &format!(
            "\n## Exhibits\n{breaker}\n  is found by it.\n{near_miss}\n  looks guilty and is not.\n"
        );
        page.extend(self.url.map(|url| format!("\n{url}\n")));
        page
    }

    /// Whether `word` names it: its name in any case, or the number of its stop, such as `0xC4`.
    #[must_use]
    pub fn is_called(&self, word: &str) -> bool {
        let digits = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X"));
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.name.eq_ignore_ascii_case(word)
            || (self.origin == Origin::Stop
                && self.stop.is_some_and(|stop| stop.code.code != 0 && Some(stop.code.code) == number))
    }
}

impl PartialEq for Row {
    /// By name, which is unique.
    fn eq(&self, other: &Row) -> bool {
        self.name == other.name
    }
}

impl Eq for Row {}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Declares a row: its doc comment becomes its page. What it says after the name, in this order: set, whose
/// it is, `on` or `off` unless told otherwise, then, where there are any, `why`, `url` and `stop`, then
/// `exhibits`, and `make` with what makes the rule. `exhibits.rs` says how exhibits are named.
macro_rules! rule {
    (
        $(#[doc = $doc:literal])+
        $name:ident: $set:ident, $origin:ident, $default:ident
        $(, why $why:literal)?
        $(, url $url:literal)?
        $(, stop $stop:ident $(/ $parameter:literal)?)?
        , exhibits $exhibits:literal $(with $flags:literal)?
        $(, make $make:expr)?
    ) => {
        $(#[doc = $doc])+
        pub static ROW: $crate::rules::Row = $crate::rules::Row {
            name: stringify!($name),
            set: $crate::rules::Set::$set,
            origin: $crate::rules::Origin::$origin,
            default: $crate::rules::row::is_on!($default),
            text: concat!($($doc, "\n"),+),
            why: $crate::rules::row::first!($($why,)? ""),
            url: $crate::rules::row::first!($(Some(concat!("learn.microsoft.com/windows-hardware/drivers/", $url)),)? None),
            stop: $crate::rules::row::first!($(Some($crate::rules::WindowsStop {
                code: ::kernel_sim::bugcheck::$stop,
                parameter: $crate::rules::row::first!($(Some($parameter),)? None),
            }),)? None),
            exhibits: $crate::rules::exhibits::exhibits!($exhibits $(with $flags)?),
            make: $crate::rules::row::first!($(Some($make),)? None),
        };
    };
}

/// The first of what is listed.
macro_rules! first {
    ($first:expr $(, $rest:expr)*) => {
        $first
    };
}

/// `on` or `off`, as a truth value.
macro_rules! is_on {
    (on) => {
        true
    };
    (off) => {
        false
    };
}

pub(crate) use {first, is_on, rule};
