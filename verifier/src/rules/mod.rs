//! The rules and checks, one file each, and the table of them.
//!
//! A rule is a promise Microsoft documents under that name; a check is ours and says what it was
//! drawn from. Both watch, and never steer. The doc comment of each is the only copy of its text:
//! `storsim explain` prints it.

mod spin_lock_safe;
pub mod workload_checks;

use kernel_sim::hook::Watcher;
use std::sync::Arc;

pub use spin_lock_safe::SpinLockSafe;

/// Whether the promise is Microsoft's or ours.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Origin {
    /// A rule of Microsoft's, under its name.
    Rule,
    /// A check of our own.
    Check,
}

/// One row of the table.
#[derive(Debug)]
pub struct RuleInfo {
    /// The name.
    pub name: &'static str,
    /// Whose it is.
    pub origin: Origin,
    /// Whether it is on unless told otherwise.
    pub default: bool,
    /// The whole text: what, why, source.
    pub text: &'static str,
    /// Where Microsoft describes it.
    pub url: Option<&'static str>,
    /// Makes a watcher for one run; `None` for checks the workload makes itself.
    pub watcher: Option<fn(Sites) -> Arc<dyn Watcher>>,
}

impl RuleInfo {
    /// The first line of the text.
    #[must_use]
    pub fn summary(&self) -> &'static str {
        self.text.lines().next().unwrap_or("").trim()
    }
}

/// Whether acquire sites of held locks are kept: what a report quotes, at a few nanoseconds a lock.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sites {
    /// Kept.
    Kept,
    /// Only counted.
    Counted,
}

/// Every rule and check.
pub static TABLE: &[&RuleInfo] = &[
    &spin_lock_safe::INFO,
    &workload_checks::DATA_INTEGRITY,
    &workload_checks::REQUEST_STATUS,
    &workload_checks::LOST_REQUEST,
    &workload_checks::ADAPTER_RESTART,
];

/// The rule or check of that name, in any case.
#[must_use]
pub fn find(name: &str) -> Option<&'static RuleInfo> {
    TABLE.iter().copied().find(|r| r.name.eq_ignore_ascii_case(name))
}

/// Declares a rule: its doc comment becomes its text.
macro_rules! rule {
    ($(#[doc = $doc:literal])+ $id:ident: $name:literal, $origin:ident, $default:literal, $url:expr, $watcher:expr) => {
        $(#[doc = $doc])+
        pub static $id: $crate::rules::RuleInfo = $crate::rules::RuleInfo {
            name: $name,
            origin: $crate::rules::Origin::$origin,
            default: $default,
            text: concat!($($doc, "\n"),+),
            url: $url,
            watcher: $watcher,
        };
    };
}
pub(crate) use rule;
