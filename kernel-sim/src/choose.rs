//! The one door through which nondeterminism enters a deterministic run.
//!
//! At every scheduling point the executor lists what could happen next and a [`Choose`] picks one.
//! A run is the sequence of picks; nothing here knows what the transitions do. Invariant: a pick
//! depends only on what the strategy was created with and on what it was shown.

use crate::routine::DdiInfo;
use crate::site::Site;
use crate::split_mix::{INCREMENT, SplitMix64};

/// One thing that could happen next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Transition {
    /// Processor n goes on with what it is running.
    Run(u8),
    /// Processor n accepts the most urgent interrupt pended for it.
    Interrupt(u8),
    /// Processor n drains its DPC queue.
    Dpc(u8),
    /// Processor n preempts its thread for another that is ready.
    Switch(u8),
    /// Device n takes its next step.
    Device(u8),
    /// A timer whose time has come expires.
    Timer,
}

/// The transitions that are enabled now, as sets of processors and devices.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Enabled<'a> {
    run: u64,
    others: &'a OtherTransitions,
    runs: u32,
    len: u32,
}

/// Enabled transitions other than going on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct OtherTransitions {
    /// Processors that would accept an interrupt.
    pub interrupt: u64,
    /// Processors that would drain DPCs.
    pub dpc: u64,
    /// Processors that could switch threads.
    pub switch: u64,
    /// Devices that could take a step.
    pub device: u64,
    /// Whether a timer may expire.
    pub timer: bool,
}

impl OtherTransitions {
    /// Nothing.
    pub const NONE: OtherTransitions =
        OtherTransitions { interrupt: 0, dpc: 0, switch: 0, device: 0, timer: false };
}

impl<'a> Enabled<'a> {
    /// Only processors that can go on.
    #[inline]
    #[must_use]
    pub fn running(run: u64) -> Enabled<'static> {
        let runs = count(run);
        Enabled { run, others: &OtherTransitions::NONE, runs, len: runs }
    }

    /// Processors that can go on, and other things that can happen.
    #[must_use]
    pub fn with(run: u64, others: &'a OtherTransitions) -> Enabled<'a> {
        let runs = count(run);
        let other_count =
            count(others.interrupt) + count(others.dpc) + count(others.switch) + count(others.device);
        Enabled { run, others, runs, len: runs + other_count + u32::from(others.timer) }
    }

    /// How many transitions are enabled.
    #[inline]
    #[must_use]
    pub fn len(&self) -> u32 {
        self.len
    }

    /// Whether nothing can happen.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Whether all that can happen is that a processor goes on.
    #[must_use]
    pub fn is_only_running(&self) -> bool {
        self.len == self.runs
    }

    /// Processors that can go on.
    #[inline]
    #[must_use]
    pub fn run(&self) -> u64 {
        self.run
    }

    /// The transitions that are enabled besides.
    #[inline]
    #[must_use]
    pub fn others(&self) -> &'a OtherTransitions {
        self.others
    }

    /// The `k`-th enabled transition: processors that go on first, then interrupts, DPCs, switches,
    /// devices, the timer, each in ascending order.
    ///
    /// # Panics
    /// When `k` is not below [`Enabled::len`].
    #[inline]
    #[must_use]
    pub fn nth(&self, k: u32) -> Transition {
        if k < self.runs { Transition::Run(nth_bit(self.run, k)) } else { self.nth_rare(k - self.runs) }
    }

    #[cold]
    fn nth_rare(&self, mut k: u32) -> Transition {
        type Make = fn(u8) -> Transition;
        let classes: [(u64, Make); 4] = [
            (self.others.interrupt, Transition::Interrupt),
            (self.others.dpc, Transition::Dpc),
            (self.others.switch, Transition::Switch),
            (self.others.device, Transition::Device),
        ];
        for (set, make) in classes {
            let n = set.count_ones();
            if k < n {
                return make(nth_bit(set, k));
            }
            k -= n;
        }
        assert!(self.others.timer && k == 0, "asked for a transition past the last");
        Transition::Timer
    }

    /// Whether `t` is among them.
    #[must_use]
    pub fn contains(&self, t: Transition) -> bool {
        let has = |set: u64, n: u8| n < 64 && set & (1 << n) != 0;
        match t {
            Transition::Run(n) => has(self.run, n),
            Transition::Interrupt(n) => has(self.others.interrupt, n),
            Transition::Dpc(n) => has(self.others.dpc, n),
            Transition::Switch(n) => has(self.others.switch, n),
            Transition::Device(n) => has(self.others.device, n),
            Transition::Timer => self.others.timer,
        }
    }
}

/// How many bits are set. By table for the few low processors: the baseline of x86-64 has no population count
/// instruction, and the general way would cost more than the whole choice.
#[inline]
fn count(set: u64) -> u32 {
    if set < 256 { u32::from(LOW[set as usize].count) } else { set.count_ones() }
}

/// Index of the `k`-th set bit.
#[inline]
fn nth_bit(mut set: u64, k: u32) -> u8 {
    if set < 256 {
        return LOW[set as usize].nth[(k & 7) as usize];
    }
    for _ in 0..k {
        set &= set - 1;
    }
    set.trailing_zeros() as u8
}

/// The counts and positions for a set of the eight lowest processors.
#[derive(Clone, Copy)]
struct Low {
    nth: [u8; 8],
    count: u8,
}

static LOW: [Low; 256] = {
    let mut table = [Low { nth: [0; 8], count: 0 }; 256];
    let mut set = 0;
    while set < 256 {
        let mut bit = 0;
        while bit < 8 {
            if set & (1 << bit) != 0 {
                table[set].nth[table[set].count as usize] = bit;
                table[set].count += 1;
            }
            bit += 1;
        }
        set += 1;
    }
    table
};

/// A scheduling strategy.
pub trait Choose: Send {
    /// Picks among at least two enabled transitions. `step` is the number of the step that the pick begins.
    /// `None` ends the run: a strategy that follows a recording cannot go on, and [`Choose::parted`] says
    /// why.
    fn choose(&mut self, step: u64, enabled: &Enabled<'_>) -> Option<Transition>;

    /// Picks a number below `n` (`n` is at least 2): which of several ready threads, expired timers
    /// or finished device commands goes first. `None` as for [`Choose::choose`].
    fn pick(&mut self, step: u64, n: u32) -> Option<u32>;

    /// Why the last pick was refused. Called only after a `None`; a strategy that never returns one keeps the
    /// default.
    fn parted(&self) -> Parted {
        unreachable!("this strategy never refuses a choice")
    }

    /// Whether the strategy wants to be shown every step. Its `choose` is then called at every step, even
    /// where there is only one transition. Called once, before power-on.
    fn follows(&self) -> bool {
        false
    }

    /// Whether processors that wait for each other's spin locks end the run only when no other processor can
    /// go on: a search needs the schedules of what the others do. Any other strategy is told of the deadlock
    /// in the step that closes it, so that the recorded choices give the same run again. Called once, before
    /// power-on.
    fn lets_others_finish(&self) -> bool {
        false
    }

    /// A step was made. Called before the choice that begins the next one, if the strategy follows; the first
    /// call is for step 0, which is power-on up to the first choice.
    fn stepped(&mut self, _step: &Step<'_>) {}
}

/// One step as a strategy that follows is shown it.
#[derive(Debug)]
pub struct Step<'a> {
    /// Its number.
    pub number: u64,
    /// The transition that began it.
    pub transition: Transition,
    /// The objects that it saw or changed, each once. The processor it ran on is not among them.
    pub touches: &'a [Touch],
    /// The processor that made it (for a step of a device or a timer: the processor that carried it out).
    pub cpu: u8,
    /// The call which that processor is about to make.
    pub next: Option<(&'static DdiInfo, Site)>,
    /// The machine address in that call's first pointer; 0 if there is none.
    pub next_object: u64,
}

/// One object that a step saw or changed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Touch {
    /// A machine address, or one of [`object`].
    pub object: u64,
    /// The kind of access.
    pub access: Access,
}

/// How a step touched an object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Access {
    /// The object was read.
    Look,
    /// The object was added to. Commutes with other additions, not with reads.
    Add,
    /// The object was changed.
    Change,
    /// The object is a lock, and was taken.
    Take,
    /// The object is a lock, and was released; this is what lets others take it.
    Give,
}

impl Access {
    /// The two combined: a lock that was taken after a look is taken, one taken and given back is changed.
    #[must_use]
    pub fn and(self, other: Access) -> Access {
        match (self, other) {
            (a, b) if a == b => a,
            (Access::Look, Access::Take) => Access::Take,
            _ => Access::Change,
        }
    }

    /// Whether it matters which of two accesses to one object comes first.
    #[inline]
    #[must_use]
    pub fn conflicts(self, other: Access) -> bool {
        !matches!((self, other), (Access::Look, Access::Look) | (Access::Add, Access::Add))
    }
}

/// Objects that are no memory of the driver. All machine addresses are greater.
pub mod object {
    /// Anything at all; touches every other object.
    pub const EVERYTHING: u64 = 0;
    /// Machine time.
    pub const CLOCK: u64 = 1;
    /// The armed timers.
    pub const TIMERS: u64 = 2;
    /// The interrupt lines.
    pub const LINES: u64 = 3;
    /// The ready queue of processor n, plus n.
    pub const READY: u64 = 0x100;
    /// The DPC queue of processor n, plus n.
    pub const DPCS: u64 = 0x200;
    /// Device n, plus n.
    pub const DEVICES: u64 = 0x300;
}

/// Why a recorded schedule no longer fits the run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parted {
    /// The step at which schedule and run part.
    pub step: u64,
    /// One sentence: what the schedule wants and why it cannot be.
    pub why: String,
}

/// One recorded choice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Choice {
    /// A transition among several.
    Took(Transition),
    /// A number below some bound.
    Picked(u32),
}

/// Seeded uniform choice.
#[derive(Clone, Debug)]
pub struct RandomChoose {
    numbers: SplitMix64,
}

impl RandomChoose {
    /// The strategy of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> RandomChoose {
        RandomChoose { numbers: SplitMix64::new(seed.wrapping_mul(INCREMENT) ^ 0x5851_F42D_4C95_7F2D) }
    }
}

impl Choose for RandomChoose {
    #[inline(always)]
    fn choose(&mut self, _step: u64, enabled: &Enabled<'_>) -> Option<Transition> {
        Some(enabled.nth(self.numbers.below(enabled.len())))
    }

    fn pick(&mut self, _step: u64, n: u32) -> Option<u32> {
        Some(self.numbers.below(n))
    }
}

/// Follows the choices of an earlier run.
#[derive(Clone, Debug)]
pub struct Recorded {
    choices: Vec<Choice>,
    next: usize,
    parted: Option<Parted>,
}

impl Recorded {
    /// A strategy that makes `choices` again, in order.
    #[must_use]
    pub fn new(choices: Vec<Choice>) -> Recorded {
        Recorded { choices, next: 0, parted: None }
    }

    fn take(&mut self) -> Result<Choice, String> {
        let ended = || format!("the schedule ends after {} choices and the run goes on", self.choices.len());
        let choice = self.choices.get(self.next).copied().ok_or_else(ended)?;
        self.next += 1;
        Ok(choice)
    }

    fn or_part<T>(&mut self, step: u64, choice: Result<T, String>) -> Option<T> {
        choice.map_err(|why| self.parted = Some(Parted { step, why })).ok()
    }
}

impl Choose for Recorded {
    fn choose(&mut self, step: u64, enabled: &Enabled<'_>) -> Option<Transition> {
        let transition = self.take().and_then(|choice| match choice {
            Choice::Took(t) if enabled.contains(t) => Ok(t),
            Choice::Took(t) => Err(why_not(t)),
            Choice::Picked(n) => Err(format!("the schedule picks number {n}, the run chooses who goes on")),
        });
        self.or_part(step, transition)
    }

    fn pick(&mut self, step: u64, n: u32) -> Option<u32> {
        let number = self.take().and_then(|choice| match choice {
            Choice::Picked(k) if k < n => Ok(k),
            Choice::Picked(k) => Err(format!("the schedule picks number {k}, only {n} are there")),
            Choice::Took(t) => Err(format!("the schedule takes {t:?}, the run picks one of {n}")),
        });
        self.or_part(step, number)
    }

    fn parted(&self) -> Parted {
        self.parted.clone().expect("asked only after a refusal")
    }
}

fn why_not(t: Transition) -> String {
    match t {
        Transition::Run(n) => format!("the schedule resumes CPU {n}, but CPU {n} cannot go on"),
        Transition::Interrupt(n) => {
            format!("the schedule interrupts CPU {n}, but nothing is pended that it would accept")
        }
        Transition::Dpc(n) => {
            format!("the schedule drains the DPC queue of CPU {n}, but it is empty or masked")
        }
        Transition::Switch(n) => format!("the schedule switches threads on CPU {n}, but no other is ready"),
        Transition::Device(n) => format!("the schedule steps device {n}, but it has nothing to do"),
        Transition::Timer => "the schedule expires a timer, but none is due".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_enabled_transition_has_a_number_and_no_other() {
        const RARE: OtherTransitions =
            OtherTransitions { interrupt: 0b10, dpc: 1, switch: 0b100, device: 0b11, timer: true };
        let enabled = Enabled::with(0b101, &RARE);
        let all: Vec<_> = (0..enabled.len()).map(|k| enabled.nth(k)).collect();
        assert_eq!(all.len(), 8);
        assert!(all.iter().all(|t| enabled.contains(*t)));
        assert_eq!(all[0], Transition::Run(0));
        assert_eq!(all[1], Transition::Run(2));
        assert_eq!(*all.last().unwrap(), Transition::Timer);
        assert!(!enabled.contains(Transition::Run(1)));
    }

    #[test]
    fn the_table_and_the_general_way_agree() {
        for set in (0..256u64).chain([0x8000_0000_0000_0001, u64::MAX, 0x100]) {
            let indices: Vec<u8> = (0..64).filter(|n| set & (1 << n) != 0).collect();
            assert_eq!(count(set) as usize, indices.len());
            for (k, index) in indices.iter().enumerate() {
                assert_eq!(nth_bit(set, k as u32), *index);
            }
        }
    }

    #[test]
    fn a_seed_means_the_same_choices_for_ever() {
        let enabled = Enabled::running(0xF);
        let mut choose = RandomChoose::new(1);
        let got: Vec<_> = (0..8)
            .map(|step| match choose.choose(step, &enabled).unwrap() {
                Transition::Run(n) => n,
                t => panic!("{t:?}"),
            })
            .collect();
        assert_eq!(got, [0, 3, 2, 1, 2, 1, 1, 1]);
        let mut again = RandomChoose::new(1);
        assert!(got.iter().all(|n| again.choose(0, &enabled) == Some(Transition::Run(*n))));
    }

    #[test]
    fn a_recording_that_does_not_fit_says_where() {
        let mut recorded = Recorded::new(vec![Choice::Took(Transition::Run(1))]);
        let enabled = Enabled::running(0b101);
        assert_eq!(recorded.choose(212, &enabled), None);
        let parted = recorded.parted();
        assert_eq!(parted.step, 212);
        assert_eq!(parted.why, "the schedule resumes CPU 1, but CPU 1 cannot go on");
    }
}
