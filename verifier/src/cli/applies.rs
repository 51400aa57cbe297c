//! Which flags mean something to which driver, and what becomes of the others.
//!
//! One rule for all flags and kinds: a flag that no driver of the command takes is refused; one that some of
//! them take is left out for the rest, with a note. So `run all --event reset` resets every adapter there is,
//! and nothing that was asked for is ignored without a word.

use super::args::{CompletionName, ModeName, ProgramArguments};
use super::ended::Refusal;
use crate::driver::{Driver, Kind};
use crate::run::environment::{Bears, Part};
use std::collections::BTreeMap;
use storport_sim::disk::fault::FaultPlan;

/// Flags of `run` alone that say something of the disk or of the requests.
pub(super) const IMAGE: &str = "image";
pub(super) const TIME: &str = "time";

/// Drivers that a note names; of more it says how many.
const NAMED_MAX: usize = 4;

/// A driver, and the flags as far as it takes them.
pub(super) struct Fitted {
    pub driver: &'static Driver,
    pub arguments: ProgramArguments,
    left_out: Vec<&'static str>,
}

impl Fitted {
    /// Whether a flag of the command means something to this driver.
    pub(super) fn takes(&self, flag: &str) -> bool {
        !self.left_out.contains(&flag)
    }
}

/// A flag that a driver does not take, or not as it was given.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct LeftOut {
    /// What of it, as it stands in a note: "--event", "--fault dropped, late".
    what: String,
    why: &'static str,
    flag: &'static str,
}

/// The flags of a command for each of its drivers, and what is to be said of those left out. `also` are flags
/// of the command besides that mean nothing to a program without a disk.
pub(super) fn fit(
    drivers: Vec<&'static Driver>,
    arguments: &ProgramArguments,
    also: &[&'static str],
) -> Result<(Vec<Fitted>, Vec<String>), Refusal> {
    let plan = plan(arguments)?;
    let mut fitted = Vec::new();
    let mut left: BTreeMap<LeftOut, Vec<&'static str>> = BTreeMap::new();
    for driver in drivers {
        let mut arguments = arguments.clone();
        let mut left_out = Vec::new();
        for unfit in unfit(driver, &arguments, &plan, also) {
            arguments.leave_out(unfit.flag, driver, &plan);
            let is_left = match unfit.flag {
                FAULT => !arguments.fault.is_empty(),
                EVENT => !arguments.event.is_empty(),
                _ => false,
            };
            if !is_left {
                left_out.push(unfit.flag);
            }
            left.entry(unfit).or_default().push(driver.name);
        }
        fitted.push(Fitted { driver, arguments, left_out });
    }
    for (unfit, names) in &left {
        if fitted.iter().all(|fitted| !fitted.takes(unfit.flag)) {
            return Err(Refusal(format!("{}: --{}: {}", named(names), spelt(unfit.flag), unfit.why)));
        }
    }
    let mut notes: BTreeMap<(Vec<&'static str>, &'static str), Vec<String>> = BTreeMap::new();
    for (unfit, names) in left {
        notes.entry((names, unfit.why)).or_default().push(unfit.what);
    }
    let note = |((names, why), whats): ((Vec<&str>, &str), Vec<String>)| {
        let run = if names.len() == 1 { "runs" } else { "run" };
        format!("{} {run} without {}: {why}", named(&names), whats.join(", "))
    };
    Ok((fitted, notes.into_iter().map(note).collect()))
}

/// The fault plan that the flags give.
pub(super) fn plan(arguments: &ProgramArguments) -> Result<FaultPlan, Refusal> {
    arguments.fault.join(";").parse().map_err(|why| Refusal(format!("--fault: {why}")))
}

/// A flag as it is typed.
fn spelt(flag: &str) -> String {
    flag.replace('_', "-")
}

fn named(names: &[&str]) -> String {
    if names.len() > NAMED_MAX { format!("{} drivers", names.len()) } else { names.join(", ") }
}

const FAULT: &str = "fault";
const EVENT: &str = "event";
const COMPLETION: &str = "completion";

/// The flags that mean something to whatever is sent requests.
const OF_REQUESTS: [&str; 20] = [
    "cpus",
    "ios",
    "rw",
    "bs",
    "iodepth",
    "fsync",
    "cancel",
    FAULT,
    EVENT,
    "timeout",
    "luns",
    "size",
    COMPLETION,
    "read_only",
    "vendor",
    "product",
    "serial",
    "cdb",
    "step_time",
    "timers_every",
];

/// The flags that a driver does not take, of those that were given.
fn unfit(
    driver: &Driver,
    arguments: &ProgramArguments,
    plan: &FaultPlan,
    also: &[&'static str],
) -> Vec<LeftOut> {
    let given = |flag: &&'static str| arguments.given.contains(*flag);
    let whole = |flag: &'static str, why| LeftOut { what: format!("--{}", spelt(flag)), why, flag };
    let bears = Bears::of(driver);
    let mut unfit = Vec::new();
    if !matches!(driver.kind, Kind::Model { .. }) && given(&COMPLETION) && !bears.part(Part::Completion) {
        unfit.push(whole(COMPLETION, "only requests of a virtual miniport are completed in its call"));
    }
    match driver.kind {
        Kind::Model { .. } => {
            let why = "a model is a program of its own: it has no disk, and as many processors as it is written for";
            unfit.extend(
                OF_REQUESTS.iter().chain(also).filter(|flag| given(flag)).map(|flag| whole(flag, why)),
            );
        }
        Kind::Wdm { .. } => {
            if given(&"timeout") {
                unfit.push(whole("timeout", "only requests to an adapter are timed out, by Storport"));
            }
            let why = "reset, hotplug, rebalance and units need an adapter; stop-restart, query-remove, power and \
                       removal do not";
            unfit.extend(events(arguments, why, bears));
            let of_units = ["read_only", "vendor", "product", "serial", "cdb"];
            unfit.extend(
                of_units
                    .iter()
                    .filter(|flag| given(flag))
                    .map(|flag| whole(flag, "only the units of an adapter are SCSI disks")),
            );
            if arguments.luns > 1 {
                unfit.push(whole("luns", "only an adapter has several disks"));
            }
            if matches!(arguments.rw, Some(ModeName::Trim | ModeName::RandTrim)) {
                unfit.push(whole("rw", "the disk of a WDM driver takes no trims"));
            }
            let kinds: Vec<_> =
                plan.rules.iter().filter(|rule| !bears.fault(rule.kind)).map(|r| r.kind.name()).collect();
            if !kinds.is_empty() {
                unfit.push(LeftOut {
                    what: format!("--fault {}", kinds.join(", ")),
                    why: "the rig of a WDM driver knows no time-outs or resets, without which a completion that is lost or doubled \
                          cannot be survived; --fault answers is every other kind",
                    flag: FAULT,
                });
            }
        }
        Kind::VirtualMiniport { .. } | Kind::Miniport { .. } => {
            if arguments.cancel.is_some_and(|one_in| one_in != 0) {
                unfit.push(whole("cancel", "the disk class driver's requests cannot be cancelled"));
            }
            let why = if arguments.event.iter().all(|e| e.is_about_adapters()) {
                "a virtual adapter has no resources to give up"
            } else {
                "Storport deals with plug and play and power, and stop-restart is what a miniport sees of it"
            };
            unfit.extend(events(arguments, why, bears));
        }
    }
    unfit
}

/// The events that were given and are not for such a driver.
fn events(arguments: &ProgramArguments, why: &'static str, bears: Bears) -> Option<LeftOut> {
    let words: Vec<_> =
        arguments.event.iter().filter(|event| !bears.event(**event)).map(|event| event.word()).collect();
    (!words.is_empty()).then(|| LeftOut { what: format!("--event {}", words.join(", ")), why, flag: EVENT })
}

impl ProgramArguments {
    /// As if a flag had not been given; of a fault plan the rules that the driver takes stay.
    fn leave_out(&mut self, flag: &str, driver: &Driver, plan: &FaultPlan) {
        let bears = Bears::of(driver);
        match flag {
            FAULT => {
                let mut plan = plan.clone();
                plan.rules.retain(|rule| bears.fault(rule.kind));
                if !bears.part(Part::Allocations) {
                    plan.allocations.clear();
                    plan.registry.clear();
                }
                self.fault = if plan.is_empty() { Vec::new() } else { vec![plan.to_string()] };
            }
            EVENT => self.event.retain(|event| bears.event(*event)),
            COMPLETION => self.completion = CompletionName::InDpc,
            "timeout" => self.timeout = None,
            "cancel" => self.cancel = None,
            "luns" => self.luns = 1,
            "read_only" => self.read_only = false,
            "vendor" => self.vendor = None,
            "product" => self.product = None,
            "serial" => self.serial = None,
            "cdb" => self.cdb.clear(),
            "rw" => self.rw = None,
            // What else a model is given it does not look at.
            _ => {}
        }
    }
}
