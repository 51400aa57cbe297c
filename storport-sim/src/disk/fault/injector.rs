//! A fault plan at work.

use super::random::of_rule;
use super::{FaultKind, FaultPlan, FaultRule, OpClass, OpSelector, Subject};
use kernel_sim::split_mix::SplitMix64;

/// A fault that a command meets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InjectedFault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// The first block of the command that the rule is about, if the command names any.
    pub block: Option<u64>,
}

/// How often one rule matched and struck so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FaultCount {
    /// The rule.
    pub rule: FaultRule,
    /// Commands that its settings match, `after`, `every`, `p` and `times` apart.
    pub matched: u64,
    /// Faults it caused.
    pub injected: u64,
}

/// A plan, its counts, and where its random numbers are.
#[derive(Clone, Debug, Default)]
pub struct FaultInjector {
    rules: Vec<Armed>,
    /// Only the hostile rules are at work.
    only_lies: bool,
}

#[derive(Clone, Debug)]
struct Armed {
    count: FaultCount,
    random: SplitMix64,
}

impl FaultInjector {
    /// A plan from its beginning. The seed matters to rules with a probability only.
    pub fn new(plan: &FaultPlan, seed: u64) -> Self {
        let armed = |(place, &rule): (u64, &FaultRule)| Armed {
            count: FaultCount { rule, matched: 0, injected: 0 },
            random: of_rule(seed, place),
        };
        Self { rules: (0..).zip(&plan.rules).map(armed).collect(), only_lies: false }
    }

    /// The same, of which only the hostile rules are at work until [`let_go`](Self::let_go): a device lies
    /// from the start on, and fails later.
    #[must_use]
    pub fn only_lying(self) -> Self {
        Self { only_lies: true, ..self }
    }

    /// All rules are at work from now on.
    pub fn let_go(&mut self) {
        self.only_lies = false;
    }

    /// Returns the fault that this command meets, and counts the command.
    pub fn decide(&mut self, subject: &Subject) -> Option<InjectedFault> {
        let mut fault = None;
        let only_lies = self.only_lies;
        for armed in self.rules.iter_mut().filter(|armed| !only_lies || armed.count.rule.kind.is_hostile()) {
            if let Some(block) = armed.count.rule.matches(subject)
                && armed.strikes(fault.is_some())
            {
                fault = Some(InjectedFault { kind: armed.count.rule.kind, block });
            }
        }
        fault
    }

    /// Whether a device lies when it is asked something that is no command: in a register, or in data of its
    /// own making. Only rules of this kind count it.
    pub fn lies(&mut self, kind: FaultKind, subject: &Subject) -> bool {
        let mut lies = false;
        for armed in self.rules.iter_mut().filter(|armed| armed.count.rule.kind == kind) {
            if armed.count.rule.matches(subject).is_some() {
                lies |= armed.strikes(lies);
            }
        }
        lies
    }

    /// How often each rule matched and struck, in the order of the plan.
    pub fn counts(&self) -> impl Iterator<Item = FaultCount> {
        self.rules.iter().map(|armed| armed.count)
    }
}

impl Armed {
    /// Counts a command that matches, and draws for it, whether or not an earlier rule has struck it already.
    fn strikes(&mut self, struck: bool) -> bool {
        let FaultCount { rule, matched, injected } = &mut self.count;
        rule.pace().strikes(matched, injected, &mut self.random, struck)
    }
}

impl FaultRule {
    /// Whether the rule is about a command at all, and which of its blocks is the first the rule is about.
    fn matches(&self, subject: &Subject) -> Option<Option<u64>> {
        let sensible = match self.kind {
            FaultKind::MediumError => subject.needs_medium,
            FaultKind::ShortTransfer => subject.moves_blocks(),
            FaultKind::UnitAttention => subject.attentive,
            FaultKind::LongLength => subject.moves_blocks(),
            kind if kind.is_of_questions() => subject.asks(kind),
            _ => true,
        };
        let unit = self.lun.is_none_or(|lun| lun == subject.lun);
        let command = self.op.is_none_or(|op| match op {
            OpSelector::Class(class) => class == OpClass::of(subject.opcode),
            OpSelector::Code(opcode) => opcode == subject.opcode,
        });
        if !(sensible && unit && command) {
            return None;
        }
        match (self.lba, subject.lbas) {
            (None, lbas) => Some(lbas.map(|lbas| lbas.first())),
            (Some(wanted), Some(lbas)) => Some(Some(wanted.meets(lbas)?)),
            (Some(_), None) => None,
        }
    }
}
