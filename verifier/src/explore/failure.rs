//! A finding reduced to the part that two executions share when they fail in the same way.

use crate::finding::RunEnd;
use crate::rules;
use kernel_sim::moment::Moment;
use std::collections::BTreeSet;
use std::fmt;

/// Which rule or check was broken, or how the machine stopped, and at which calls.
///
/// Two executions of one program fail in the same way if these are equal: shrinking keeps it, and
/// [`SiteKey`](super::findings::SiteKey) is made of it. Processors, steps and addresses are not in it.
/// Printed without the source positions, so that what is printed survives an edit that moves lines.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Failure {
    /// The rule, the bug check, `deadlock` or `livelock`.
    pub name: String,
    /// The calls: one, or of a deadlock every one that waits.
    pub sites: BTreeSet<CallSite>,
}

/// A call in a driver.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct CallSite {
    /// The routine; none if the processor was between calls.
    pub call: Option<&'static str>,
    /// The innermost driver callback.
    pub callback: Option<&'static str>,
    /// Where it stands, or where the driver panicked, as the compiler names it.
    pub location: Option<String>,
}

impl Failure {
    /// What a run found; `None` if it found nothing.
    #[must_use]
    pub fn of(end: &RunEnd) -> Option<Failure> {
        let finding = end.finding()?;
        let mut sites: BTreeSet<_> = finding.places().map(CallSite::from).collect();
        if finding.of == &rules::RUNAWAY {
            // Where in its loop it was is chance.
            sites = sites.into_iter().map(|site| CallSite { location: None, ..site }).collect();
        }
        Some(Failure { name: finding.of.name.to_owned(), sites })
    }
}

impl From<&Moment> for CallSite {
    fn from(place: &Moment) -> CallSite {
        CallSite {
            call: place.call.map(|ddi| ddi.name),
            callback: place.callbacks.last().map(|c| c.name),
            location: place.site.map(|site| site.to_string()),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        let calls: BTreeSet<_> = self.sites.iter().map(|site| (site.call, site.callback)).collect();
        for (n, (call, callback)) in calls.into_iter().enumerate() {
            f.write_str(if n == 0 { " at " } else { ", " })?;
            f.write_str(call.unwrap_or("no call"))?;
            if let Some(callback) = callback {
                write!(f, " in {callback}")?;
            }
        }
        Ok(())
    }
}
