//! Who ran when: a run cut into stretches, each of one processor, device or timer.
//!
//! A [`Following`] strategy collects it while another strategy chooses. It knows places and locks but
//! not what the driver did in between; that is the trace's. Invariant: the stretches follow each other
//! without a gap from the first step to the last, and being followed changes nothing about a run.

use crate::finding::RunEnd;
use crate::run::Run;
use kernel_sim::choose::{Choose, Enabled, Parted, Transition};
use kernel_sim::held::HeldLock;
use kernel_sim::hook::{Event, EventKind, Halt, Interest, Watcher};
use kernel_sim::machine::Machine;
use kernel_sim::moment::Moment;
use kernel_sim::site::Site;
use parking_lot::Mutex;
use std::ops::Range;
use std::sync::Arc;

/// Stretches shown before and after one with a deviation.
const AROUND: usize = 1;
/// Stretches shown at the end.
const LAST: usize = 3;
/// Stretches shown at most: those nearest to the end.
const SHOWN_MAX: usize = 60;

/// Calls shown of a long stretch: the first and the last of them.
const CALLS_FIRST: usize = 4;
const CALLS_LAST: usize = 12;
/// Calls that make a cycle at most.
const CYCLE_MAX: usize = 3;
/// Calls kept of a stretch while it lasts.
const CALLS_KEPT_MAX: usize = 256;

/// The stretches of one run, in order.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Timeline {
    /// Every stretch.
    pub stretches: Vec<Stretch>,
}

/// Steps in a row that one processor, device or timer made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stretch {
    /// Its steps.
    pub steps: Range<u64>,
    /// The transition that began it.
    pub began: Transition,
    /// The deviations in it: their numbers in the schedule, from 1.
    pub deviations: Vec<usize>,
    /// The calls it made at its first and last steps, each with how often in a row.
    made: Vec<Repeated>,
    /// How many entries of `made` between the first and the last ones were not kept.
    forgotten: usize,
    /// Where the processor was in the end: a call that it was about to make.
    end: Option<Spot>,
    /// Where the run was stopped, if that was later than `end`: at no step of its own.
    pub stopped: Option<Stopped>,
    /// Why it ended.
    pub ended: Ended,
    /// The spin locks that the driver held on the processor then, oldest first.
    pub holds: Vec<HeldLock>,
}

/// Where a processor was.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Spot {
    /// The innermost driver callback; `kernel` where there is none.
    pub callback: &'static str,
    /// The call it was about to make or making; none if it was between calls of the simulator.
    pub call: Option<&'static str>,
    /// Where that stands.
    pub site: Option<Site>,
    /// The value that was read or written, where the event tells it.
    pub value: Option<u64>,
}

/// A call that was made several times in a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Repeated {
    /// The call.
    pub spot: Spot,
    /// How often, at least once.
    pub times: u64,
}

/// Calls that were made in this order, several times in a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cycle<'a> {
    /// The calls: one, or a few.
    pub calls: &'a [Repeated],
    /// How often they were made, at least once.
    pub times: usize,
}

impl Cycle<'_> {
    /// The cycles of `made`, the first of the shortest first: every call is in one.
    fn of(mut made: &[Repeated]) -> Vec<Cycle<'_>> {
        let mut cycles = Vec::new();
        while !made.is_empty() {
            let repeats = |n: usize| made.chunks_exact(n).take_while(|chunk| *chunk == &made[..n]).count();
            let length = (2..=CYCLE_MAX.min(made.len())).find(|n| repeats(*n) > 1).unwrap_or(1);
            let times = if length == 1 { 1 } else { repeats(length) };
            let (cycle, rest) = made.split_at(length * times);
            cycles.push(Cycle { calls: &cycle[..length], times });
            made = rest;
        }
        cycles
    }
}

/// A place where a run was stopped between two steps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stopped {
    /// The innermost driver callback.
    pub callback: Option<&'static str>,
    /// The call; none for a panic.
    pub call: Option<&'static str>,
    /// Where it stands: file, line and column.
    pub location: String,
}

/// Why a stretch ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ended {
    /// Another went first although this could have gone on.
    Preempted,
    /// It could not go on.
    Waits,
    /// An interrupt, a DPC or another thread came on top of what the processor ran.
    Interrupted,
    /// A device or timer is done after one step.
    Done,
    /// The run was over.
    Over,
}

/// A line of the shown part of a timeline.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Row<'a> {
    /// A stretch.
    Stretch(&'a Stretch),
    /// Stretches that are not shown, at least one.
    Folded(&'a [Stretch]),
}

impl Stretch {
    /// The processor that made it; none for a device or timer.
    #[must_use]
    pub fn cpu(&self) -> Option<u8> {
        processor(self.began)
    }

    /// The calls that were made, each with how often in a row: the first ones, how many are left out, and the
    /// last ones.
    #[must_use]
    pub fn calls(&self) -> (&[Repeated], usize, &[Repeated]) {
        let made = &self.made[..];
        let skipped = made.len().saturating_sub(CALLS_FIRST + CALLS_LAST);
        if skipped == 0 {
            return (made, 0, &[]);
        }
        (&made[..CALLS_FIRST], skipped + self.forgotten, &made[CALLS_FIRST + skipped..])
    }

    /// As [`Stretch::calls`], with cycles of calls folded.
    #[must_use]
    pub fn cycles(&self) -> (Vec<Cycle<'_>>, usize, Vec<Cycle<'_>>) {
        if self.forgotten != 0 {
            let (first, skipped, last) = self.calls();
            return (Cycle::of(first), skipped, Cycle::of(last));
        }
        let mut first = Cycle::of(&self.made);
        if first.len() <= CALLS_FIRST + CALLS_LAST {
            return (first, 0, Vec::new());
        }
        let last = first.split_off(first.len() - CALLS_LAST);
        let skipped = first.split_off(CALLS_FIRST).iter().map(|cycle| cycle.calls.len() * cycle.times).sum();
        (first, skipped, last)
    }

    fn add(&mut self, spot: Spot) {
        let Some(before) = self.end.replace(spot) else { return };
        match self.made.last_mut() {
            Some(last) if last.spot == before => last.times += 1,
            _ => self.made.push(Repeated { spot: before, times: 1 }),
        }
        // In a long run most are never shown: forget them now and then.
        if self.made.len() > CALLS_KEPT_MAX {
            let end = self.made.len() - CALLS_LAST - 1;
            self.made.drain(CALLS_FIRST + 1..end);
            self.forgotten += end - CALLS_FIRST - 1;
        }
    }

    /// Where the processor was when it ended; none for a device or timer.
    #[must_use]
    pub fn end(&self) -> Option<&Spot> {
        self.end.as_ref()
    }
}

impl Timeline {
    /// The stretches around deviations and at the end, the others folded.
    #[must_use]
    pub fn rows(&self) -> Vec<Row<'_>> {
        let all = &self.stretches;
        let is_near = |n: usize| {
            let near = n.saturating_sub(AROUND)..(n + AROUND + 1).min(all.len());
            n + LAST >= all.len() || all[near].iter().any(|s| !s.deviations.is_empty())
        };
        let mut shown: Vec<usize> = (0..all.len()).filter(|n| is_near(*n)).collect();
        shown.drain(..shown.len().saturating_sub(SHOWN_MAX));
        let mut rows = Vec::new();
        let mut next = 0;
        for n in shown {
            if next < n {
                rows.push(Row::Folded(&all[next..n]));
            }
            rows.push(Row::Stretch(&all[n]));
            next = n + 1;
        }
        rows
    }
}

fn processor(transition: Transition) -> Option<u8> {
    match transition {
        Transition::Run(n) | Transition::Interrupt(n) | Transition::Dpc(n) | Transition::Switch(n) => Some(n),
        Transition::Device(_) | Transition::Timer => None,
    }
}

/// A strategy whose run is cut into stretches.
pub struct Following {
    inner: Box<dyn Choose>,
    timeline: Arc<Mutex<Timeline>>,
}

impl Following {
    /// Follows what `inner` chooses. The timeline lacks the end of the run: [`finish`].
    #[must_use]
    pub fn new(inner: Box<dyn Choose>) -> (Following, Arc<Mutex<Timeline>>) {
        let timeline = Arc::new(Mutex::new(Timeline::default()));
        (Following { inner, timeline: Arc::clone(&timeline) }, timeline)
    }
}

impl Choose for Following {
    fn choose(&mut self, step: u64, enabled: &Enabled<'_>) -> Option<Transition> {
        // The strategy is asked where it would be asked without being followed, and nowhere else.
        let chosen = if enabled.len() == 1 { enabled.nth(0) } else { self.inner.choose(step, enabled)? };
        self.timeline.lock().step(step, enabled, chosen);
        Some(chosen)
    }

    fn pick(&mut self, step: u64, n: u32) -> Option<u32> {
        self.inner.pick(step, n)
    }

    fn parted(&self) -> Parted {
        self.inner.parted()
    }

    fn follows(&self) -> bool {
        true
    }
}

/// Notes in a timeline what shared cells held: a watcher, beside the one that was wanted anyway.
pub(crate) struct Values {
    timeline: Arc<Mutex<Timeline>>,
    beside: Option<Arc<dyn Watcher>>,
}

impl Values {
    pub(crate) fn of(timeline: &Arc<Mutex<Timeline>>, beside: Option<Arc<dyn Watcher>>) -> Values {
        Values { timeline: Arc::clone(timeline), beside }
    }
}

impl Watcher for Values {
    fn interest(&self) -> Interest {
        let own = Interest { touch: true, registers: true, ..Interest::NOTHING };
        self.beside.as_ref().map_or(own, |beside| own.and(&beside.interest()))
    }

    fn event(&self, event: &Event<'_>) -> Option<Halt> {
        if let EventKind::Touch { value: Some(value), .. } = event.kind {
            self.timeline.lock().note_value(event.cpu(), event.site, value);
        }
        self.beside.as_ref().and_then(|beside| beside.event(event))
    }
}

impl Timeline {
    /// The access that processor `cpu` was about to make at `site` saw or stored this value.
    fn note_value(&mut self, cpu: u8, site: Site, value: u64) {
        let stretch = self.stretches.iter_mut().rev().find(|stretch| stretch.cpu() == Some(cpu));
        let is_it = |spot: &&mut Spot| {
            // A register that is read in a loop is one line, whatever it holds.
            spot.site == Some(site) && spot.call.is_some_and(|call| call.starts_with("Shared::"))
        };
        if let Some(spot) = stretch.and_then(|stretch| stretch.end.as_mut()).filter(is_it) {
            spot.value = Some(value);
        }
    }

    /// A step begins with `chosen`.
    fn step(&mut self, step: u64, enabled: &Enabled<'_>, chosen: Transition) {
        let machine = Machine::current().expect("choices are made on a machine");
        if let Some(open) = self.stretches.last_mut() {
            open.steps.end = step;
            if let Some(cpu) = open.cpu() {
                open.add(Spot::of(machine, cpu));
                if chosen == Transition::Run(cpu) {
                    return;
                }
                open.holds = machine.held_locks(cpu);
                open.ended = match chosen {
                    _ if processor(chosen) == Some(cpu) => Ended::Interrupted,
                    _ if enabled.contains(Transition::Run(cpu)) => Ended::Preempted,
                    _ => Ended::Waits,
                };
            }
        }
        let end = match chosen {
            Transition::Run(cpu) => Some(Spot::of(machine, cpu)),
            // What comes on top begins with a call that is not known yet.
            _ => None,
        };
        let ended = if processor(chosen).is_some() { Ended::Over } else { Ended::Done };
        self.stretches.push(Stretch {
            steps: step..step + 1,
            began: chosen,
            deviations: Vec::new(),
            made: Vec::new(),
            forgotten: 0,
            end,
            stopped: None,
            ended,
            holds: Vec::new(),
        });
    }
}

impl Spot {
    fn of(machine: &Machine, cpu: u8) -> Spot {
        let (callback, call) = machine.position(cpu);
        Spot {
            callback: callback.name,
            call: call.map(|(ddi, _)| ddi.name),
            site: call.map(|(_, site)| site),
            value: None,
        }
    }
}

/// Adds to a timeline what is known only after the run: how it ended, and at which steps the
/// deviations of its schedule were made.
pub fn finish(timeline: &mut Timeline, run: &Run, deviations: &[Option<u64>]) {
    for (index, step) in deviations.iter().enumerate() {
        let Some(step) = step else { continue };
        let at = timeline.stretches.partition_point(|s| s.steps.end <= *step);
        if let Some(stretch) = timeline.stretches.get_mut(at) {
            stretch.deviations.push(index + 1);
        }
    }
    let Some(last) = timeline.stretches.last_mut() else { return };
    last.steps.end = last.steps.end.max(run.steps + 1);
    let Some(cpu) = last.cpu() else { return };
    // Its last step was announced and is in the stretch already; the locks are those of the end.
    if let Some(locks) = locks_held(&run.end, cpu) {
        last.holds = locks;
    }
    if let Some(stopped) = stopped(&run.end, cpu).filter(|stopped| !is_at(last.end(), stopped)) {
        // It had gone on from its last step, to a call that is none.
        let made = last.end.take().filter(|spot| spot.call.is_some());
        last.made.extend(made.map(|spot| Repeated { spot, times: 1 }));
        last.stopped = Some(stopped);
    }
}

/// Where something on `cpu` was found that stopped the run; a processor that waits is at a step.
fn stopped(end: &RunEnd, cpu: u8) -> Option<Stopped> {
    let finding = end.finding().filter(|finding| finding.also.is_empty() && finding.now.cpu == cpu)?;
    let site = finding.now.site?;
    Some(Stopped {
        callback: finding.now.callback().map(|callback| callback.name),
        call: finding.now.routine(),
        location: site.to_string(),
    })
}

fn is_at(spot: Option<&Spot>, stopped: &Stopped) -> bool {
    let location = spot.and_then(|spot| spot.site).map(|site| site.to_string());
    stopped.call.is_some() && location.as_ref() == Some(&stopped.location)
}

/// The spin locks held on `cpu` when something was found there.
fn locks_held(end: &RunEnd, cpu: u8) -> Option<Vec<HeldLock>> {
    let place: &Moment = end.finding()?.places().find(|place| place.cpu == cpu)?;
    Some(place.held.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_take_turns_are_one_cycle() {
        let call = |call| {
            let spot = Spot { callback: "DpcRoutine", call: Some(call), site: None, value: None };
            Repeated { spot, times: 1 }
        };
        let made = ["A", "B", "A", "B", "A", "B", "C", "A"].map(call);
        let cycles: Vec<_> = Cycle::of(&made).iter().map(|c| (c.calls.len(), c.times)).collect();
        assert_eq!(cycles, [(2, 3), (1, 1), (1, 1)]);
    }
}
