//! The one door through which nondeterminism enters a deterministic run.
//!
//! At every scheduling point the executor lists what could happen next and a [`Choose`] picks one.
//! A run is the sequence of picks; nothing here knows what the transitions do. Invariant: a pick
//! depends only on what the strategy was created with and on what it was shown.

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
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Enabled {
    /// Processors that can go on.
    pub run: u64,
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

impl Enabled {
    /// How many transitions are enabled.
    #[inline]
    #[must_use]
    pub fn len(&self) -> u32 {
        let rare = self.interrupt | self.dpc | self.switch | self.device;
        if rare == 0 && !self.timer {
            return self.run.count_ones();
        }
        self.run.count_ones()
            + self.interrupt.count_ones()
            + self.dpc.count_ones()
            + self.switch.count_ones()
            + self.device.count_ones()
            + u32::from(self.timer)
    }

    /// Whether nothing can happen.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.timer && self.run | self.interrupt | self.dpc | self.switch | self.device == 0
    }

    /// The `k`-th enabled transition: processors that go on first, then interrupts, DPCs, switches,
    /// devices, the timer, each in ascending order.
    ///
    /// # Panics
    /// When `k` is not below [`Enabled::len`].
    #[inline]
    #[must_use]
    pub fn nth(&self, k: u32) -> Transition {
        let runs = self.run.count_ones();
        if k < runs {
            return Transition::Run(nth_bit(self.run, k));
        }
        self.nth_rare(k - runs)
    }

    #[cold]
    fn nth_rare(&self, mut k: u32) -> Transition {
        let classes: [(u64, fn(u8) -> Transition); 4] = [
            (self.interrupt, Transition::Interrupt),
            (self.dpc, Transition::Dpc),
            (self.switch, Transition::Switch),
            (self.device, Transition::Device),
        ];
        for (set, make) in classes {
            let n = set.count_ones();
            if k < n {
                return make(nth_bit(set, k));
            }
            k -= n;
        }
        assert!(self.timer && k == 0, "asked for a transition past the last");
        Transition::Timer
    }

    /// Whether `t` is among them.
    #[must_use]
    pub fn contains(&self, t: Transition) -> bool {
        let has = |set: u64, n: u8| n < 64 && set & (1 << n) != 0;
        match t {
            Transition::Run(n) => has(self.run, n),
            Transition::Interrupt(n) => has(self.interrupt, n),
            Transition::Dpc(n) => has(self.dpc, n),
            Transition::Switch(n) => has(self.switch, n),
            Transition::Device(n) => has(self.device, n),
            Transition::Timer => self.timer,
        }
    }
}

/// Index of the `k`-th set bit.
#[inline]
fn nth_bit(mut set: u64, k: u32) -> u8 {
    for _ in 0..k {
        set &= set - 1;
    }
    set.trailing_zeros() as u8
}

/// A scheduling strategy.
pub trait Choose: Send {
    /// Picks among at least two enabled transitions. `step` is the number of the step that the
    /// pick begins.
    ///
    /// # Errors
    /// A strategy that follows a recording answers [`Parted`] when it cannot.
    fn choose(&mut self, step: u64, enabled: &Enabled) -> Result<Transition, Parted>;

    /// Picks a number below `n` (`n` is at least 2): which of several ready threads, expired timers
    /// or finished device commands goes first.
    ///
    /// # Errors
    /// As for [`Choose::choose`].
    fn pick(&mut self, step: u64, n: u32) -> Result<u32, Parted>;
}

/// Why a recorded schedule no longer fits the run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parted {
    /// The step at which they part.
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

/// Seeded uniform choice: the generator is SplitMix64, written out here so that a seed means the
/// same run in every release.
#[derive(Clone, Debug)]
pub struct RandomChoose {
    state: u64,
}

impl RandomChoose {
    /// The strategy of `seed`.
    #[must_use]
    pub fn new(seed: u64) -> RandomChoose {
        RandomChoose { state: seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ 0x5851_F42D_4C95_7F2D }
    }

    #[inline]
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    #[inline]
    fn below(&mut self, n: u32) -> u32 {
        // The high half of a 32x32 product: unbiased enough for n up to a few hundred.
        (((self.next() >> 32) * u64::from(n)) >> 32) as u32
    }
}

impl Choose for RandomChoose {
    #[inline]
    fn choose(&mut self, _step: u64, enabled: &Enabled) -> Result<Transition, Parted> {
        let n = enabled.len();
        Ok(enabled.nth(self.below(n)))
    }

    fn pick(&mut self, _step: u64, n: u32) -> Result<u32, Parted> {
        Ok(self.below(n))
    }
}

/// Follows the choices of an earlier run.
#[derive(Clone, Debug)]
pub struct Recorded {
    choices: Vec<Choice>,
    next: usize,
}

impl Recorded {
    /// A strategy that makes `choices` again, in order.
    #[must_use]
    pub fn new(choices: Vec<Choice>) -> Recorded {
        Recorded { choices, next: 0 }
    }

    fn take(&mut self, step: u64) -> Result<Choice, Parted> {
        let choice = self.choices.get(self.next).copied().ok_or_else(|| Parted {
            step,
            why: format!("the schedule ends after {} choices and the run goes on", self.choices.len()),
        })?;
        self.next += 1;
        Ok(choice)
    }
}

impl Choose for Recorded {
    fn choose(&mut self, step: u64, enabled: &Enabled) -> Result<Transition, Parted> {
        match self.take(step)? {
            Choice::Took(t) if enabled.contains(t) => Ok(t),
            Choice::Took(t) => Err(Parted { step, why: why_not(t) }),
            Choice::Picked(n) => Err(Parted {
                step,
                why: format!("the schedule picks number {n}, the run chooses who goes on"),
            }),
        }
    }

    fn pick(&mut self, step: u64, n: u32) -> Result<u32, Parted> {
        match self.take(step)? {
            Choice::Picked(k) if k < n => Ok(k),
            Choice::Picked(k) => {
                Err(Parted { step, why: format!("the schedule picks number {k}, only {n} are there") })
            }
            Choice::Took(t) => {
                Err(Parted { step, why: format!("the schedule takes {t:?}, the run picks one of {n}") })
            }
        }
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
        let enabled =
            Enabled { run: 0b101, interrupt: 0b10, dpc: 1, switch: 0b100, device: 0b11, timer: true };
        let all: Vec<_> = (0..enabled.len()).map(|k| enabled.nth(k)).collect();
        assert_eq!(all.len(), 8);
        assert!(all.iter().all(|t| enabled.contains(*t)));
        assert_eq!(all[0], Transition::Run(0));
        assert_eq!(all[1], Transition::Run(2));
        assert_eq!(*all.last().unwrap(), Transition::Timer);
        assert!(!enabled.contains(Transition::Run(1)));
    }

    #[test]
    fn a_seed_means_the_same_choices_for_ever() {
        let enabled = Enabled { run: 0xF, ..Enabled::default() };
        let mut choose = RandomChoose::new(1);
        let got: Vec<_> = (0..8)
            .map(|step| match choose.choose(step, &enabled).unwrap() {
                Transition::Run(n) => n,
                t => panic!("{t:?}"),
            })
            .collect();
        assert_eq!(got, [0, 3, 2, 1, 2, 1, 1, 1]);
        let mut again = RandomChoose::new(1);
        assert!(got.iter().all(|n| again.choose(0, &enabled) == Ok(Transition::Run(*n))));
    }

    #[test]
    fn a_recording_that_does_not_fit_says_where() {
        let mut recorded = Recorded::new(vec![Choice::Took(Transition::Run(1))]);
        let enabled = Enabled { run: 0b101, ..Enabled::default() };
        let parted = recorded.choose(212, &enabled).unwrap_err();
        assert_eq!(parted.step, 212);
        assert_eq!(parted.why, "the schedule resumes CPU 1, but CPU 1 cannot go on");
    }
}
