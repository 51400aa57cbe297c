//! A deviation as a line of text, for people and for schedule files.
//!
//! `cpu 1 before KeAcquireSpinLockAtDpcLevel #3 in DpcRoutine: run cpu 0`. What is printed is read
//! again as the same value.

use super::{Deviation, Place};
use kernel_sim::choose::{Choice, Transition};
use kernel_sim::machine::PROCESSORS_MAX;
use std::fmt;
use std::str::FromStr;

/// Stands where a processor is between calls.
const BETWEEN: &str = "between calls";

impl fmt::Display for Deviation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { cpu, callback, call } = &self.place;
        match call {
            Some(call) => write!(f, "cpu {cpu} before {call}")?,
            None => write!(f, "cpu {cpu} {BETWEEN}")?,
        }
        write!(f, " #{} in {callback}: {}", self.nth, Take(self.take))
    }
}

/// What is taken, in words.
struct Take(Choice);

impl fmt::Display for Take {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Choice::Took(Transition::Run(n)) => write!(f, "run cpu {n}"),
            Choice::Took(Transition::Interrupt(n)) => write!(f, "interrupt cpu {n}"),
            Choice::Took(Transition::Dpc(n)) => write!(f, "drain dpcs of cpu {n}"),
            Choice::Took(Transition::Switch(n)) => write!(f, "switch threads on cpu {n}"),
            Choice::Took(Transition::Device(n)) => write!(f, "step device {n}"),
            Choice::Took(Transition::Timer) => write!(f, "expire a timer"),
            Choice::Picked(n) => write!(f, "pick {n}"),
        }
    }
}

impl FromStr for Deviation {
    type Err = String;

    fn from_str(line: &str) -> Result<Deviation, String> {
        let parts = || -> Option<(&str, &str, &str, &str, &str)> {
            let (cpu, rest) = line.strip_prefix("cpu ")?.split_once(' ')?;
            let (call, rest) = rest.split_once(" #")?;
            let (nth, rest) = rest.split_once(" in ")?;
            let (callback, take) = rest.split_once(": ")?;
            Some((cpu, call, nth, callback, take))
        };
        let (cpu, call, nth, callback, take) = parts().ok_or_else(|| format!("'{line}' is no deviation"))?;
        let call = match call.strip_prefix("before ") {
            Some(call) if !call.is_empty() => Some(call.to_owned().into()),
            None if call == BETWEEN => None,
            _ => return Err(format!("'{call}' is no place: 'before CALL' or '{BETWEEN}' expected")),
        };
        let cpu = processor(cpu)?;
        let nth = number(nth).filter(|n| *n != 0).ok_or_else(|| format!("'#{nth}' is no number from 1"))?;
        let place = Place { cpu, callback: callback.to_owned().into(), call };
        Ok(Deviation { place, nth, take: choice(take)? })
    }
}

/// A number as it is written, without signs or leading zeros: what is read is written again the same.
fn number<T: FromStr + ToString>(text: &str) -> Option<T> {
    text.parse().ok().filter(|n: &T| n.to_string() == text)
}

fn processor(text: &str) -> Result<u8, String> {
    number(text).filter(|n| *n < PROCESSORS_MAX).ok_or_else(|| format!("'{text}' is no processor"))
}

fn choice(text: &str) -> Result<Choice, String> {
    type Make = fn(u8) -> Transition;
    const TRANSITIONS: [(&str, Make); 4] = [
        ("run cpu ", Transition::Run),
        ("interrupt cpu ", Transition::Interrupt),
        ("drain dpcs of cpu ", Transition::Dpc),
        ("switch threads on cpu ", Transition::Switch),
    ];
    for (words, make) in TRANSITIONS {
        if let Some(cpu) = text.strip_prefix(words) {
            return processor(cpu).map(|n| Choice::Took(make(n)));
        }
    }
    if text == "expire a timer" {
        return Ok(Choice::Took(Transition::Timer));
    }
    let numbered = |words| text.strip_prefix(words);
    if let Some(device) = numbered("step device ").and_then(number) {
        return Ok(Choice::Took(Transition::Device(device)));
    }
    if let Some(n) = numbered("pick ").and_then(number) {
        return Ok(Choice::Picked(n));
    }
    Err(format!("'{text}' is nothing that can be taken"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let takes = [
            Choice::Took(Transition::Run(63)),
            Choice::Took(Transition::Interrupt(0)),
            Choice::Took(Transition::Dpc(1)),
            Choice::Took(Transition::Switch(2)),
            Choice::Took(Transition::Device(200)),
            Choice::Took(Transition::Timer),
            Choice::Picked(u32::MAX),
        ];
        for take in takes {
            for call in [None, Some("KeSetEvent".into()), Some("a shared cell".into())] {
                let place = Place { cpu: 7, callback: "DpcRoutine".into(), call };
                let deviation = Deviation { place, nth: 3, take };
                assert_eq!(deviation.to_string().parse(), Ok(deviation));
            }
        }
    }

    #[test]
    fn it_reads_as_a_sentence() {
        let line = "cpu 1 before KeAcquireSpinLockAtDpcLevel #3 in DpcRoutine: run cpu 0";
        assert_eq!(line.parse::<Deviation>().unwrap().to_string(), line);
    }

    #[test]
    fn what_is_none_is_refused_with_the_word_that_shows_it() {
        for (line, word) in [
            ("", "''"),
            ("cpu 1", "'cpu 1'"),
            ("cpu 64 before X #1 in Y: run cpu 0", "'64'"),
            ("cpu 01 before X #1 in Y: run cpu 0", "'01'"),
            ("cpu 1 before X #0 in Y: run cpu 0", "'#0'"),
            ("cpu 1 before X #4294967296 in Y: run cpu 0", "'#4294967296'"),
            ("cpu 1 after X #1 in Y: run cpu 0", "'after X'"),
            ("cpu 1 before X #1 in Y: run cpu -1", "'-1'"),
            ("cpu 1 before X #1 in Y: run cpu 64", "'64'"),
            ("cpu 1 before X #1 in Y: step device 256", "'step device 256'"),
            ("cpu 1 before X #1 in Y: expire", "'expire'"),
        ] {
            let why = line.parse::<Deviation>().expect_err(line);
            assert!(why.contains(word), "{line}: {why}");
        }
    }
}
