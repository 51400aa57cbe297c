//! What a run found, as one value that every report renders.
//!
//! Rules, checks, bug checks, deadlocks, livelocks, panics and lost requests differ in their row, not in
//! their type. Nothing here is computed by a renderer: text and JSON show the same fields. Invariant: a
//! finding holds no host address and no host time but in its call stacks, so that a replay gives it again
//! (with more of what came before, because a replay gathers evidence).

use crate::rules::{self, Row, Selection, WindowsStop};
use kernel_sim::bugcheck::{
    BugCheck, Deadlock, Ending, Endless, IRQL_UNEXPECTED_VALUE, Limit, Livelock,
    MULTIPLE_IRP_COMPLETE_REQUESTS, Runaway, StopCode, WORKER_THREAD_RETURNED_AT_BAD_IRQL, Waiter,
};
use kernel_sim::choose::Parted;
use kernel_sim::machine::Machine;
use kernel_sim::moment::Moment;
use kernel_sim::processor::Processor;
use kernel_sim::site::Site;
use std::borrow::Cow;

/// What a run found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The row of the one table: what kind of finding it is.
    pub of: &'static Row,
    /// One sentence: what the driver did.
    pub what: String,
    /// Why a person should care.
    pub why: &'static str,
    /// Where it broke.
    pub now: Moment,
    /// Of a standstill, where all others stand, each with what it waits for.
    pub also: Vec<Moment>,
    /// Moments that led to it, oldest first: taken at, handed out at, freed at, completed at.
    pub earlier: Vec<Moment>,
    /// The stop that Windows gives for it, where it documents one.
    pub stop: Option<Stop>,
    /// A remark, where one is due.
    pub note: Option<Cow<'static, str>>,
}

/// A stop of Windows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Stop {
    /// The code.
    pub code: StopCode,
    /// The four parameters, where the machine stopped with them; addresses are machine addresses.
    pub parameters: Option<[u64; 4]>,
    /// The first parameter, where it is documented for this.
    pub parameter: Option<u64>,
}

impl Stop {
    /// The bug check that the row of a rule names: Windows would stop with it.
    pub(crate) fn of_row(stop: WindowsStop) -> Stop {
        Stop { code: stop.code, parameters: None, parameter: stop.parameter }
    }
}

/// How a run came out.
#[derive(Clone, Debug)]
pub enum RunEnd {
    /// Nothing found.
    Clean,
    /// Something was found.
    Found(Box<Finding>),
    /// The run ended early with something whose row is off: it is not reported.
    Ignored(Box<Finding>),
    /// It was ended from outside: by a signal, or because the time was over.
    Interrupted,
    /// More steps than an execution may make: nothing is known of it.
    Endless(Box<Endless>),
    /// The driver called something that the simulator has not got.
    Limit(Box<Limit>),
    /// A recorded schedule no longer fits.
    Parted(Parted),
}

impl RunEnd {
    /// How a machine's run ended, seen with these rows on.
    ///
    /// # Panics
    /// When a watcher ended the run with something that is no finding.
    #[must_use]
    pub fn of(ending: Ending, rules: &Selection) -> RunEnd {
        let finding = match ending {
            Ending::Completed => return RunEnd::Clean,
            Ending::Parted(parted) => return RunEnd::Parted(parted),
            Ending::Limit(limit) => return RunEnd::Limit(limit),
            Ending::Interrupted => return RunEnd::Interrupted,
            Ending::Endless(endless) => return RunEnd::Endless(endless),
            Ending::BugCheck(check) => Box::new(bug_check(*check)),
            Ending::Deadlock(deadlock) => Box::new(standstill(*deadlock)),
            Ending::Livelock(livelock) => Box::new(polling(*livelock)),
            Ending::Runaway(runaway) => Box::new(does_not_return(*runaway)),
            Ending::Halted(found) => {
                found.downcast::<Finding>().expect("what watches here ends runs with a finding")
            }
        };
        if rules.has(finding.of) { RunEnd::Found(finding) } else { RunEnd::Ignored(finding) }
    }

    /// The same; where nothing else could go on, or everything that could was let go on again and again
    /// (`is_fair`), what never ends is the driver's.
    #[must_use]
    pub(crate) fn judged_endless(self, rules: &Selection, is_fair: bool) -> RunEnd {
        let endless = match self {
            RunEnd::Endless(endless) if endless.is_alone || is_fair => *endless,
            end => return end,
        };
        let Endless { place, steps, is_alone } = endless;
        let call = place.routine().map(|call| format!(", now {call}")).unwrap_or_default();
        let what = format!("CPU {} makes calls on and on{call}: no end after {steps} steps", place.cpu);
        let finding = Box::new(Finding {
            of: &rules::LIVELOCK,
            what,
            why: if is_alone {
                "it waits for nothing, and nothing else is left that could go on: no interrupt, no timer, no other thread"
            } else {
                "under random choices everything gets its turn again and again, and still it does not end"
            },
            now: place,
            also: Vec::new(),
            earlier: Vec::new(),
            stop: None,
            note: None,
        });
        if rules.has(finding.of) { RunEnd::Found(finding) } else { RunEnd::Ignored(finding) }
    }

    /// The word for it in JSON.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            RunEnd::Clean => "clean",
            RunEnd::Found(_) => "finding",
            RunEnd::Ignored(_) => "ignored",
            RunEnd::Interrupted => "interrupted",
            RunEnd::Endless(_) => "endless",
            RunEnd::Limit(_) => "limit",
            RunEnd::Parted(_) => "parted",
        }
    }

    /// What was found, if anything was.
    #[must_use]
    pub fn finding(&self) -> Option<&Finding> {
        match self {
            RunEnd::Found(finding) => Some(finding),
            _ => None,
        }
    }

    /// Why the run ended early, whether that is reported or not.
    #[must_use]
    pub fn stopped_by(&self) -> Option<&Finding> {
        match self {
            RunEnd::Found(finding) | RunEnd::Ignored(finding) => Some(finding),
            RunEnd::Clean
            | RunEnd::Interrupted
            | RunEnd::Endless(_)
            | RunEnd::Limit(_)
            | RunEnd::Parted(_) => None,
        }
    }

    /// Whether the driver is to blame.
    #[must_use]
    pub fn is_finding(&self) -> bool {
        self.finding().is_some()
    }

    /// Whether the run found the row of that name.
    #[must_use]
    pub fn found(&self, name: &str) -> bool {
        self.finding().is_some_and(|finding| finding.of.name == name)
    }
}

impl Finding {
    /// A finding of the workload's, on the machine this code runs on: in a request called `call`.
    pub(crate) fn of_workload(
        of: &'static Row,
        what: String,
        why: &'static str,
        earlier: Vec<Moment>,
    ) -> Finding {
        let cpu = Processor::current();
        let machine = Machine::current().expect("a workload runs on a machine");
        let now = Moment {
            irql: cpu.irql(),
            step: machine.is_deterministic().then(|| machine.step()),
            time_ns: machine.time_ns(),
            ..Moment::on(cpu.index())
        };
        Finding { of, what, why, now, also: Vec::new(), earlier, stop: None, note: None }
    }

    /// The places at which it is: of a standstill every one that waits, of anything else one.
    pub fn places(&self) -> impl Iterator<Item = &Moment> {
        std::iter::once(&self.now).chain(&self.also)
    }

    /// Where it is shown to be: where a panic was raised, or the call.
    #[must_use]
    pub fn site(&self) -> Option<Site> {
        self.now.site
    }
}

/// Stops that show what came before them in the deterministic executor only, where noting it costs no
/// driver's thread its time.
const NOTED_IN_STEPS_ONLY: [StopCode; 3] =
    [MULTIPLE_IRP_COMPLETE_REQUESTS, IRQL_UNEXPECTED_VALUE, WORKER_THREAD_RETURNED_AT_BAD_IRQL];

/// What is said instead in the other.
const NOT_NOTED: &str =
    "what came before it is not known of a run on real threads; the deterministic executor notes it";

fn bug_check(check: BugCheck) -> Finding {
    let BugCheck { stop, parameters, what, mut now, mut earlier, raised_at } = check;
    if raised_at.is_some() {
        // A panic is told by where it was raised, not by the call that came before it.
        (now.call, now.site) = (None, raised_at);
    }
    // The stop may have shown a lock that is held already, with the call stack.
    let is_shown = |address| earlier.iter().any(|m: &Moment| m.held.iter().any(|h| h.address == address));
    let others = now.held.iter().filter(|lock| !is_shown(lock.address));
    let others: Vec<Moment> = others.map(|lock| Moment::of_taking(now.cpu, lock)).collect();
    earlier.extend(others);
    earlier.sort_by_key(|moment| moment.step);
    // No step: it ran on real threads.
    let is_unknown = now.step.is_none() && earlier.is_empty() && NOTED_IN_STEPS_ONLY.contains(&stop);
    Finding {
        of: rules::row_of_stop(&stop),
        what,
        why: rules::why_of_stop(&stop, parameters),
        now,
        also: Vec::new(),
        earlier,
        stop: (stop.code != 0).then_some(Stop {
            code: stop,
            parameters: Some(parameters),
            parameter: Some(parameters[0]),
        }),
        note: is_unknown.then_some(Cow::Borrowed(NOT_NOTED)),
    }
}

fn standstill(deadlock: Deadlock) -> Finding {
    let mut moments = deadlock.waiters.into_iter().map(waiting);
    let now = moments.next().unwrap_or_else(|| Moment::on(0));
    Finding {
        of: &rules::DEADLOCK,
        what: deadlock.what,
        why: rules::DEADLOCK.why,
        now,
        also: moments.collect(),
        earlier: Vec::new(),
        stop: None,
        note: None,
    }
}

/// Where one waits, with what it waits for as the label.
fn waiting(waiter: Waiter) -> Moment {
    let holder = waiter.holder.map(|h| format!(", held by CPU {h}")).unwrap_or_default();
    let label = format!("CPU {} waits for {}{holder}", waiter.place.cpu, waiter.waits_for);
    Moment { label: label.into(), ..waiter.place }
}

fn does_not_return(runaway: Runaway) -> Finding {
    let Runaway { what, mut place, raised_at, .. } = runaway;
    // Told by where it was, not by the call that came before.
    (place.call, place.site) = (None, raised_at);
    let mut earlier: Vec<_> = place.held.iter().map(|lock| Moment::of_taking(place.cpu, lock)).collect();
    earlier.sort_by_key(|moment| moment.step);
    Finding {
        of: &rules::RUNAWAY,
        what,
        why: rules::RUNAWAY.why,
        now: place,
        also: Vec::new(),
        earlier,
        stop: None,
        note: Some("found by the host's clock; --runaway SECONDS sets how long driver code may take".into()),
    }
}

fn polling(livelock: Livelock) -> Finding {
    let (cpu, call) = (livelock.place.cpu, livelock.place.routine().unwrap_or("its registers"));
    let polls = livelock.polls;
    Finding {
        of: &rules::LIVELOCK,
        what: format!("CPU {cpu} polls {call} for what will never come ({polls} polls in a row)"),
        why: rules::LIVELOCK.why,
        now: livelock.place,
        also: Vec::new(),
        earlier: Vec::new(),
        stop: None,
        note: None,
    }
}

#[cfg(test)]
#[expect(unsafe_code, reason = "calls layer 1, as a driver does")]
mod tests {
    use super::*;
    use kernel_sim::ddi::{
        FALSE, IO_NO_INCREMENT, IoAllocateIrp, IoCompleteRequest, IoSetNextIrpStackLocation,
    };
    use kernel_sim::machine::{Config, Execution};

    fn completes_twice(execution: Execution) -> Finding {
        let outcome = Config::new(1, execution).unwrap().run(|| {
            // SAFETY: the IRP is this thread's own; that it is completed twice is what is stopped.
            unsafe {
                let irp = IoAllocateIrp(1, FALSE);
                IoSetNextIrpStackLocation(irp);
                IoCompleteRequest(irp, IO_NO_INCREMENT);
                IoCompleteRequest(irp, IO_NO_INCREMENT);
            }
        });
        RunEnd::of(outcome.ending, &Selection::default()).finding().expect("a finding").clone()
    }

    #[test]
    fn a_second_completion_shows_the_first_or_says_why_it_does_not() {
        let stepwise = completes_twice(Execution::Seeded(0));
        let labels: Vec<_> = stepwise.earlier.iter().map(|moment| &*moment.label).collect();
        assert_eq!((labels, stepwise.note), (vec!["completed before"], None));
        let on_threads = completes_twice(Execution::Parallel);
        assert_eq!((on_threads.earlier, on_threads.note.as_deref()), (vec![], Some(NOT_NOTED)));
    }
}
