//! Sizes and times as people write them.

use crate::run::MEMORY_BYTES_MAX;
use crate::run::environment::STEP_NS_MAX;
use crate::workload::{BLOCK_BYTES_MAX, Sizes};

/// Bytes: a number, or one with k, m, g (powers of 1024).
fn bytes(text: &str) -> Result<u64, String> {
    let lower = text.to_ascii_lowercase();
    let digits = lower.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &lower[digits.len()..] {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        other => return Err(format!("'{other}' is no unit of size (k, m or g)")),
    };
    let number: u64 = digits.parse().map_err(|_| format!("'{text}' is no size"))?;
    number.checked_mul(unit).ok_or_else(|| format!("'{text}' is too large"))
}

/// Sizes of requests: one, or the smallest and the largest.
pub(super) fn sizes(text: &str) -> Result<Sizes, String> {
    let Some((min, max)) = text.split_once("..") else { return block_bytes(text).map(Sizes::of) };
    let sizes = Sizes { min: block_bytes(min)?, max: block_bytes(max)? };
    sizes.check()?;
    Ok(sizes)
}

/// A request's size.
fn block_bytes(text: &str) -> Result<u32, String> {
    let n = bytes(text)?;
    if n == 0 || n % 512 != 0 {
        return Err(format!("{n} bytes is no multiple of 512"));
    }
    if n > BLOCK_BYTES_MAX.into() {
        return Err(format!("{n} bytes is more than 1m"));
    }
    u32::try_from(n).map_err(|e| e.to_string())
}

/// A memory disk's size.
pub(super) fn disk_bytes(text: &str) -> Result<u64, String> {
    let n = bytes(text)?;
    if n == 0 || n % 4096 != 0 {
        return Err(format!("{n} bytes is no multiple of 4096"));
    }
    if n > MEMORY_BYTES_MAX {
        return Err(format!("{n} bytes is more than 64g"));
    }
    Ok(n)
}

/// A time in nanoseconds: a number with s, ms, us or m; seconds without a unit.
pub(super) fn time_ns(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "s" => 1_000_000_000,
        "ms" => 1_000_000,
        "us" => 1_000,
        "m" => 60_000_000_000,
        other => return Err(format!("'{other}' is no unit of time (s, ms, us or m)")),
    };
    let number: u64 = digits.parse().map_err(|_| format!("'{text}' is no time"))?;
    match number.checked_mul(unit) {
        Some(0) => Err("a run of no time does nothing".into()),
        Some(ns) => Ok(ns),
        None => Err(format!("'{text}' is too long")),
    }
}

/// The machine time of a step in nanoseconds: 0, or a number with ns, us or ms.
pub(super) fn step_ns(text: &str) -> Result<u32, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number: u32 = digits.parse().map_err(|_| format!("'{text}' is no time"))?;
    let unit = match &text[digits.len()..] {
        "" if number == 0 => 1,
        "ns" => 1,
        "us" => 1_000,
        "ms" => 1_000_000,
        other => return Err(format!("'{other}' is no unit of so short a time (ns, us or ms)")),
    };
    let ns = number.checked_mul(unit).filter(|ns| *ns <= STEP_NS_MAX);
    ns.ok_or_else(|| format!("'{text}' is more than a millisecond"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_read_as_people_write_them() {
        assert_eq!(block_bytes("4k"), Ok(4096));
        assert_eq!(block_bytes("512"), Ok(512));
        assert_eq!(sizes("4k"), Ok(Sizes::of(4096)));
        assert_eq!(sizes("512..1m"), Ok(Sizes { min: 512, max: 1 << 20 }));
        assert_eq!(disk_bytes("1G"), Ok(1 << 30));
        assert_eq!(time_ns("500ms"), Ok(500_000_000));
        assert_eq!(time_ns("10"), Ok(10_000_000_000));
        assert_eq!((step_ns("0"), step_ns("10us"), step_ns("1ms")), (Ok(0), Ok(10_000), Ok(1_000_000)));
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_a_reason() {
        for text in ["3", "0", "x", "4q", "2m", "-1", "", "99999999999999999999", "18446744073709551615k"] {
            assert!(block_bytes(text).is_err(), "{text}");
        }
        for text in ["4k..512", "512..", "1k..1536", "..4k", "512..1024..2048"] {
            assert!(sizes(text).is_err(), "{text}");
        }
        for text in ["1", "2ms", "1s", "us", "-1ns", "5000000us", "99999999999ns"] {
            assert!(step_ns(text).is_err(), "{text}");
        }
        for text in ["0", "0s", "1h", "s", "99999999999999999999s"] {
            assert!(time_ns(text).is_err(), "{text}");
        }
    }
}
