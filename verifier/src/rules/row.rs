//! `Row`: what one line of the table of everything that can be found says.
//!
//! Every word that a report prints in brackets is the name of a row: a rule of Microsoft's, a check of ours,
//! a way in which the machine stops. Rows are static data, each next to what it describes; `TABLE` in the
//! module above lists them. Invariant: a name, in any case, names one row.

use super::exhibits::Exhibits;
use super::rule::Sites;
use crate::driver::Kind;
use crate::topic::first_sentence;
use kernel_sim::bugcheck::StopCode;
use kernel_sim::hook::Watcher;
use std::sync::Arc;

/// The set a row belongs to: Microsoft's for rules, ours for the rest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Set {
    /// Rules about locks.
    Locking,
    /// Rules about the IRQL of calls and callbacks.
    Irql,
    /// Rules about which routines a miniport may call at all.
    DdiUsage,
    /// Rules about requests and about what a miniport tells the port driver.
    SrbProcessing,
    /// Rules for virtual miniports.
    VirtualStorport,
    /// Rules that point at likely mistakes; off unless asked for.
    Warning,
    /// Checks of ours.
    Checks,
    /// Ways in which the machine stops: bug checks, standstills.
    Stops,
}

impl Set {
    /// Every set, in the order in which they are listed.
    pub const ALL: [Set; 8] = [
        Set::Locking,
        Set::Irql,
        Set::DdiUsage,
        Set::SrbProcessing,
        Set::VirtualStorport,
        Set::Warning,
        Set::Checks,
        Set::Stops,
    ];

    /// The word for it on the command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Set::Locking => "locking",
            Set::Irql => "irql",
            Set::DdiUsage => "ddi-usage",
            Set::SrbProcessing => "srb-processing",
            Set::VirtualStorport => "virtual-storport",
            Set::Warning => "warning",
            Set::Checks => "checks",
            Set::Stops => "stops",
        }
    }
}

/// The drivers whose promise it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Every driver.
    All,
    /// Miniports of adapters with hardware.
    Physical,
    /// Virtual miniports.
    Virtual,
}

impl Scope {
    /// In words, for lists; empty for all drivers.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Scope::All => "",
            Scope::Physical => "for miniports with hardware",
            Scope::Virtual => "for virtual miniports",
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

/// Makes the rule of a row for one run.
pub type Make = fn(&'static Row, Sites) -> Arc<dyn Watcher>;

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
    /// The drivers it is about: with others it does not watch.
    pub scope: Scope,
    /// The whole page: what, why, source.
    pub text: &'static str,
    /// Why a person should care, in a sentence, where a finding brings none of its own.
    pub why: &'static str,
    /// Where Microsoft describes it.
    pub url: Option<&'static str>,
    /// The bug check with which Windows stops for the same mistake, where it does.
    pub stop: Option<WindowsStop>,
    /// Its exhibits.
    pub exhibits: Exhibits,
    /// Makes the rule; `None` for what the workload or the machine itself finds.
    pub make: Option<Make>,
}

impl Row {
    /// Whether it is about drivers of that kind.
    #[must_use]
    pub fn is_about(&self, kind: &Kind) -> bool {
        match self.scope {
            Scope::All => true,
            Scope::Physical => matches!(kind, Kind::Miniport { .. }),
            Scope::Virtual => matches!(kind, Kind::VirtualMiniport { .. }),
        }
    }

    /// The first sentence of the page.
    #[must_use]
    pub fn summary(&self) -> String {
        first_sentence(self.text)
    }

    /// Microsoft's page about it, where there is one.
    #[must_use]
    pub fn link(&self) -> Option<String> {
        match (self.url, self.stop) {
            (Some(url), _) => Some(url.to_owned()),
            (None, Some(stop)) if self.origin == Origin::Stop => page_of_stop(&stop.code),
            (None, _) => None,
        }
    }

    /// The text of the page: what is checked, why it matters, the source.
    #[must_use]
    pub fn body(&self) -> String {
        if self.text.contains("## Source") {
            return self.text.to_owned();
        }
        // The texts of bug checks are the kernel's, and say neither.
        let source =
            if self.link().is_some() { "Microsoft, bug check code reference" } else { "Our own stop" };
        let mut why = self.why.to_owned();
        if let Some(first) = why.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        format!("{}\n## Why it matters\n{why}.\n\n## Source\n{source}.\n", self.text)
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

/// Microsoft's page about a bug check; `None` for a stop of our own.
fn page_of_stop(stop: &StopCode) -> Option<String> {
    let dashes = match stop.code {
        0 => return None,
        // That page's address has one more than the others.
        0x11B => "---",
        _ => "--",
    };
    let name = stop.name.to_lowercase().replace('_', "-");
    Some(format!(
        "learn.microsoft.com/windows-hardware/drivers/debugger/bug-check-{:#x}{dashes}{name}",
        stop.code
    ))
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
/// it is, `on` or `off` unless told otherwise, then, where there are any, `only` with its [`Scope`], `why`,
/// `url` and `stop`, then `exhibits`, and `make` with what makes the rule. `exhibits.rs` says how exhibits
/// are named.
macro_rules! rule {
    (
        $(#[doc = $doc:literal])+
        $name:ident: $set:ident, $origin:ident, $default:ident
        $(, only $scope:ident)?
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
            scope: $crate::rules::row::first!($($crate::rules::Scope::$scope,)? $crate::rules::Scope::All),
            text: concat!($($doc, "\n"),+),
            why: $crate::rules::row::first!($($why,)? ""),
            url: $crate::rules::row::first!($(Some(concat!("learn.microsoft.com/windows-hardware/drivers/", $url)),)? None),
            stop: $crate::rules::row::first!($(Some($crate::rules::WindowsStop {
                code: ::kernel_sim::bugcheck::$stop,
                parameter: $crate::rules::row::first!($(Some($parameter),)? None),
            }),)? None),
            exhibits: $crate::rules::exhibits::exhibits!($exhibits $(with $flags)?),
            make: $crate::rules::row::first!(
                $(Some(|row, sites| {
                    static INTERESTS: [::std::sync::OnceLock<::kernel_sim::hook::Interest>; 2] =
                        [const { ::std::sync::OnceLock::new() }; 2];
                    let make: fn($crate::rules::Sites) -> _ = $make;
                    $crate::rules::rule::watching(row, make(sites), &INTERESTS[sites as usize])
                }),)?
                None
            ),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{find, stops};

    #[test]
    fn a_row_is_described_in_words() {
        assert_eq!([Scope::All, Scope::Virtual].map(Scope::words), ["", "for virtual miniports"]);
        let words = [Origin::Rule, Origin::Check, Origin::Stop].map(Origin::words);
        assert_eq!(words, ["rule of Microsoft's", "check of ours", "stop of the machine"]);
        let row = find("LockLeftHeld").expect("a row");
        assert_eq!(row.summary(), "A callback returns without the spin locks that it took.");
        assert_eq!(format!("{row:?}"), "LockLeftHeld");
    }

    #[test]
    fn only_a_stop_has_the_page_of_its_stop() {
        let stop = &stops::DRIVER_RETURNED_HOLDING_CANCEL_LOCK;
        let link = stop.link().expect("a page of Microsoft's");
        assert!(link.ends_with("/bug-check-0x11b---driver-returned-holding-cancel-lock"), "{link}");
        let Row { name, set, default, scope, text, why, url, stop, exhibits, make, .. } = *stop;
        let check =
            Row { name, set, origin: Origin::Check, default, scope, text, why, url, stop, exhibits, make };
        assert_eq!(check.link(), None);
    }

    #[test]
    fn a_stop_has_a_number_unless_it_is_our_own() {
        let named = |word| find(word).map(|row| row.name);
        assert_eq!(named("0xC4"), Some("DRIVER_VERIFIER_DETECTED_VIOLATION"));
        assert_eq!(named("0x0"), None);
        assert_eq!(stops::OBJECT_MISUSED.link(), None);
    }
}
