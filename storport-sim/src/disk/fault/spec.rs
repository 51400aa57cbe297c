//! Fault plans as text: reading, writing, and saying what is wrong with one.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use thiserror::Error;

use super::{
    CallRule, CallSite, FaultKind, FaultPlan, FaultRule, LbaRange, OpClass, OpSelector, Pace, Phase,
    Probability,
};
use crate::scsi::{Lun, Opcode};

/// What is wrong with a specification: one line that quotes the rule and names the part.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
#[error("fault plan: {rule:?}: {problem}")]
pub struct FaultPlanError {
    rule: String,
    problem: Problem,
}

#[derive(Clone, PartialEq, Eq, Debug, Error)]
enum Problem {
    #[error("no kind of fault; the kinds are {}", kinds())]
    NoKind,
    #[error("{0:?} is no kind of fault; the kinds are {kinds}", kinds = kinds())]
    Kind(String),
    #[error("{0:?} is not a setting, NAME=VALUE")]
    NotASetting(String),
    #[error("there is no setting {0:?}; the settings are {all}", all = settings())]
    Setting(String),
    #[error("{0} is given twice")]
    Twice(String),
    #[error("{name}={value} is not {wanted}")]
    Value { name: String, value: String, wanted: &'static str },
    #[error("delay-us belongs to late completions")]
    Delay,
    #[error("site and when belong to allocation and registry")]
    OfThePool,
    #[error("{0} is about commands, and the rule is one about calls of the driver")]
    NotOfThePool(String),
}

/// What a rule of a plan may say besides its kind.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Its name, left of the `=`.
    pub name: &'static str,
    /// Its value, in the words of the [specification](super#the-specification).
    pub value: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

impl Setting {
    /// Whether rules of a kind may have it.
    pub fn belongs_to(&self, kind: FaultKind) -> bool {
        match self.name {
            "delay-us" => matches!(kind, FaultKind::LateCompletion { .. }),
            "site" | "when" => matches!(kind, FaultKind::AllocationFailure | FaultKind::RegistryRead),
            "lun" | "op" | "lba" => kind.is_of_commands(),
            _ => true,
        }
    }
}

const fn setting(name: &'static str, value: &'static str, meaning: &'static str) -> Setting {
    Setting { name, value, meaning }
}

/// Every setting.
pub static SETTINGS: [Setting; 10] = [
    setting("lun", "NUMBER", "at this logical unit only"),
    setting("op", "CLASS, COMMAND or NUMBER", "these commands only; a number is an operation code"),
    setting("lba", "NUMBER..NUMBER", "commands about a block of this range, end excluded"),
    setting("after", "NUMBER", "not the first so many of them"),
    setting("every", "NUMBER", "of the rest every so-manyth: 3 is the third, the sixth, ..."),
    setting("p", "DECIMAL", "of those each with this probability, 0 to 1"),
    setting("times", "NUMBER", "so many faults, then no more"),
    setting("delay-us", "NUMBER", "how late; 1000 if not said"),
    setting(
        "site",
        "FILE or FILE:NUMBER",
        "calls of the driver at this line or in this file: allocations, instead of commands, or registry reads",
    ),
    setting(
        "when",
        "start, io or unload",
        "calls of the driver in this part of its life: allocations, instead of commands, or registry reads",
    ),
];

fn settings() -> String {
    SETTINGS.map(|setting| setting.name).join(", ")
}

fn kinds() -> String {
    FaultKind::NAMES.map(|(name, _)| name).join(", ")
}

impl FromStr for FaultPlan {
    type Err = FaultPlanError;

    fn from_str(text: &str) -> Result<Self, FaultPlanError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let mut plan = Self::default();
        for text in text.split(';').map(str::trim) {
            for text in all_kinds(text).unwrap_or_else(|| vec![text.into()]) {
                let parsed = rule(&text).map_err(|problem| FaultPlanError { rule: text.clone(), problem })?;
                match parsed {
                    (rule, None) => plan.rules.push(rule),
                    (_, Some(rule)) if rule.kind == FaultKind::RegistryRead => plan.registry.push(rule),
                    (_, Some(rule)) => plan.allocations.push(rule),
                }
            }
        }
        Ok(plan)
    }
}

/// What the words "all", "answers" and "hostile" stand for: a rule of every kind but removal, after which
/// there is no device for the others to happen to, the hostile ones and the registry; of those of them that
/// still end a command once; of the hostile ones. Without settings each strikes one command in a hundred, and
/// questions more often.
fn all_kinds(text: &str) -> Option<Vec<String>> {
    let (word, settings) = match text.split_once(':') {
        Some((word, settings)) => (word, Some(settings)),
        None => (text, None),
    };
    let wanted: fn(FaultKind) -> bool = match word.trim() {
        "all" => |kind| kind != FaultKind::SurpriseRemoval && !kind.is_hostile() && kind.is_of_commands(),
        "answers" => |kind| kind.is_answer() && !kind.is_hostile() && kind.is_of_commands(),
        "hostile" => FaultKind::is_hostile,
        _ => return None,
    };
    let rule = |(name, kind): &(&str, FaultKind)| {
        let own = match kind {
            // An adapter has many registers, and a driver that reads one lie there does not start.
            FaultKind::LyingInquiry => "p=0.02",
            kind if kind.is_of_questions() => "p=0.1",
            _ => "p=0.01",
        };
        format!("{name}:{}", settings.unwrap_or(own))
    };
    Some(FaultKind::NAMES.iter().filter(|(_, kind)| wanted(*kind)).map(rule).collect())
}

impl TryFrom<String> for FaultPlan {
    type Error = FaultPlanError;

    fn try_from(text: String) -> Result<Self, FaultPlanError> {
        text.parse()
    }
}

impl From<FaultPlan> for String {
    fn from(plan: FaultPlan) -> Self {
        plan.to_string()
    }
}

/// One rule about commands.
impl FromStr for FaultRule {
    type Err = FaultPlanError;

    fn from_str(text: &str) -> Result<Self, FaultPlanError> {
        let read = match rule(text) {
            Ok((rule, None)) => Ok(rule),
            Ok((_, Some(_))) => Err(Problem::OfThePool),
            Err(problem) => Err(problem),
        };
        read.map_err(|problem| FaultPlanError { rule: text.into(), problem })
    }
}

/// One rule; and what it is if its kind, a place or a time makes it one about calls of the driver.
fn rule(text: &str) -> Result<(FaultRule, Option<CallRule>), Problem> {
    let (kind, settings) = match text.split_once(':') {
        Some((kind, settings)) => (kind.trim(), Some(settings)),
        None => (text.trim(), None),
    };
    if kind.is_empty() {
        return Err(Problem::NoKind);
    }
    let known = FaultKind::NAMES.iter().find(|(name, _)| *name == kind);
    let mut rule = FaultRule::new(known.ok_or_else(|| Problem::Kind(kind.into()))?.1);
    let (mut seen, mut site, mut when) = (Vec::new(), None, None);
    for setting in settings.into_iter().flat_map(|settings| settings.split(',')) {
        let pair = setting.split_once('=').map(|(name, value)| (name.trim(), value.trim()));
        let (name, value) = pair.ok_or_else(|| Problem::NotASetting(setting.trim().into()))?;
        if seen.contains(&name) {
            return Err(Problem::Twice(name.into()));
        }
        seen.push(name);
        let wrong = |wanted| Problem::Value { name: name.into(), value: value.into(), wanted };
        match name {
            "site" => site = Some(CallSite::read(value).ok_or_else(|| wrong("FILE or FILE:LINE"))?),
            "when" => {
                let phase = Phase::NAMES.iter().find(|(word, _)| *word == value);
                when = Some(phase.ok_or_else(|| wrong("start, io or unload"))?.1);
            }
            _ => set(&mut rule, name, value)?,
        }
    }
    if site.is_none() && when.is_none() && rule.kind.is_of_commands() {
        return Ok((rule, None));
    }
    if !matches!(rule.kind, FaultKind::AllocationFailure | FaultKind::RegistryRead) {
        return Err(Problem::OfThePool);
    }
    if let Some(name) = seen.iter().find(|name| ["lun", "op", "lba"].contains(name)) {
        return Err(Problem::NotOfThePool((*name).into()));
    }
    let of_calls = CallRule { kind: rule.kind, site, when, pace: rule.pace() };
    Ok((rule, Some(of_calls)))
}

fn set(rule: &mut FaultRule, name: &str, value: &str) -> Result<(), Problem> {
    let wrong = |wanted| Problem::Value { name: name.into(), value: value.into(), wanted };
    let whole = || number(value).ok_or(wrong("a number"));
    match name {
        "lun" => {
            let lun = number(value).and_then(|number| Lun::new(u16::try_from(number).ok()?));
            rule.lun = Some(lun.ok_or(wrong("a logical unit number from 0 to 16383"))?);
        }
        "op" => rule.op = Some(op(value).ok_or(wrong("read, write, flush, other, a command or a code"))?),
        "lba" => rule.lba = Some(lbas(value).ok_or(wrong("a range of blocks, FIRST..END"))?),
        "after" => rule.after = whole()?,
        "every" => {
            let every = number(value).and_then(NonZeroU64::new);
            rule.every = Some(every.ok_or(wrong("a number from 1"))?);
        }
        "p" => rule.p = Some(probability(value).ok_or(wrong("a probability from 0 to 1"))?),
        "times" => rule.times = Some(whole()?),
        "delay-us" => match &mut rule.kind {
            FaultKind::LateCompletion { delay_us } => *delay_us = whole()?,
            _ => return Err(Problem::Delay),
        },
        _ => return Err(Problem::Setting(name.into())),
    }
    Ok(())
}

fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(hex) => digits(hex, 16),
        None => digits(text, 10),
    }
}

/// Digits alone: a sign is none.
fn digits(text: &str, radix: u32) -> Option<u64> {
    let only = text.chars().all(|digit| digit.is_digit(radix));
    if only { u64::from_str_radix(text, radix).ok() } else { None }
}

fn lbas(text: &str) -> Option<LbaRange> {
    let (first, end) = text.split_once("..")?;
    LbaRange::new(number(first.trim())?, number(end.trim())?)
}

/// "0.01", "1", ".5": at most nine decimals, at most one.
fn probability(text: &str) -> Option<Probability> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    if decimals.len() > 9 || whole.len() + decimals.len() == 0 {
        return None;
    }
    let whole = if whole.is_empty() { 0 } else { digits(whole, 10)? };
    let billionths = digits(&format!("{decimals:0<9}"), 10)?;
    let total = whole.checked_mul(Probability::ONE.into())?.checked_add(billionths)?;
    Probability::from_billionths(u32::try_from(total).ok()?)
}

fn op(text: &str) -> Option<OpSelector> {
    if let Some(&(_, class)) = OpClass::NAMES.iter().find(|(name, _)| *name == text) {
        return Some(OpSelector::Class(class));
    }
    let named = (0..=u8::MAX).map(Opcode).find(|opcode| hyphenated(*opcode).as_deref() == Some(text));
    let code = || number(text).and_then(|code| u8::try_from(code).ok()).map(Opcode);
    named.or_else(code).map(OpSelector::Code)
}

/// "READ(10)" as "read-10".
fn hyphenated(opcode: Opcode) -> Option<String> {
    Some(opcode.name()?.to_lowercase().replace(['(', ' '], "-").replace(')', ""))
}

impl fmt::Display for FaultPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let commands = self.rules.iter().map(ToString::to_string);
        let calls = self.allocations.iter().chain(&self.registry).map(ToString::to_string);
        f.write_str(&commands.chain(calls).collect::<Vec<_>>().join(";"))
    }
}

impl fmt::Display for CallRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let site = self.site.as_ref().map(|site| format!("site={site}"));
        let when = self.when.map(|when| format!("when={}", when.word()));
        let settings: Vec<_> = site.into_iter().chain(when).chain(paced(self.pace)).collect();
        f.write_str(self.kind.name())?;
        if !settings.is_empty() {
            write!(f, ":{}", settings.join(","))?;
        }
        Ok(())
    }
}

/// The settings of a pace.
fn paced(pace: Pace) -> impl Iterator<Item = String> {
    let after = (pace.after > 0).then(|| format!("after={}", pace.after));
    let every = pace.every.map(|every| format!("every={every}"));
    let p = pace.p.map(|p| format!("p={p}"));
    let times = pace.times.map(|times| format!("times={times}"));
    [after, every, p, times].into_iter().flatten()
}

impl fmt::Display for FaultRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut settings = Vec::new();
        let mut say = |name: &str, value: Option<String>| {
            settings.extend(value.map(|value| format!("{name}={value}")));
        };
        say("lun", self.lun.map(|lun| lun.to_string()));
        say("op", self.op.map(|op| op.to_string()));
        say("lba", self.lba.map(|lba| format!("{}..{}", lba.first(), lba.end())));
        settings.extend(paced(self.pace()));
        if let FaultKind::LateCompletion { delay_us } = self.kind {
            settings.extend((delay_us != FaultKind::DELAY_US).then(|| format!("delay-us={delay_us}")));
        }
        f.write_str(self.kind.name())?;
        if !settings.is_empty() {
            write!(f, ":{}", settings.join(","))?;
        }
        Ok(())
    }
}

impl fmt::Display for OpSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Class(class) => {
                let row = OpClass::NAMES.iter().find(|(_, own)| *own == class);
                f.write_str(row.expect("the table has every class").0)
            }
            Self::Code(opcode) => match hyphenated(opcode) {
                Some(name) => f.write_str(&name),
                None => write!(f, "{:#04x}", opcode.0),
            },
        }
    }
}

impl fmt::Display for Probability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = format!("{:09}", self.billionths() % Self::ONE);
        match (self.billionths() / Self::ONE, decimals.trim_end_matches('0')) {
            (whole, "") => write!(f, "{whole}"),
            (whole, decimals) => write!(f, "{whole}.{decimals}"),
        }
    }
}
