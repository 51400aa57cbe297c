//! What a failing execution found, reduced to what makes it the same failure in another.

use crate::finding::{Location, Verdict};
use kernel_sim::moment::Moment;
use std::collections::BTreeSet;
use std::fmt;

/// Which rule or check was broken, or how the machine stopped, and at which calls.
///
/// Two executions of one program fail in the same way if these are equal: shrinking keeps it, and
/// [`Identity`](super::findings::Identity) is made of it. Processors, steps and addresses are not in it.
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
    /// What `verdict` found; `None` if it found nothing.
    #[must_use]
    pub fn of(verdict: &Verdict) -> Option<Failure> {
        let at = |name: &str, places: &[&Moment]| {
            let sites = places.iter().map(|place| CallSite::from(*place)).collect();
            Some(Failure { name: name.to_owned(), sites })
        };
        match verdict {
            Verdict::Clean | Verdict::Parted(_) => None,
            Verdict::Violation(v) => {
                let site = CallSite {
                    call: v.scene.call,
                    callback: v.scene.callback(),
                    location: v.scene.location.as_ref().map(ToString::to_string),
                };
                Some(Failure { name: v.rule.to_owned(), sites: [site].into() })
            }
            Verdict::BugCheck(b) => match &b.panicked_at {
                // A panic is told by where it was raised, not by the call that came before it.
                Some(panic) => {
                    let raised =
                        CallSite { call: None, location: Some(panic.to_string()), ..(&b.now).into() };
                    Some(Failure { name: b.stop.name.to_owned(), sites: [raised].into() })
                }
                None => at(b.stop.name, &[&b.now]),
            },
            Verdict::Livelock(l) => at("livelock", &[&l.place]),
            Verdict::Deadlock(d) => at("deadlock", &d.waiters.iter().map(|w| &w.place).collect::<Vec<_>>()),
        }
    }
}

impl From<&Moment> for CallSite {
    fn from(place: &Moment) -> CallSite {
        CallSite {
            call: place.call.map(|ddi| ddi.name),
            callback: place.callbacks.last().map(|c| c.name),
            location: place.site.map(|site| Location::from(site).to_string()),
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
