//! A finding as text: the sentence, now, earlier, why, and how to see it again.

use super::Style;
use super::ending::{Ending, Mark};
use crate::driver::{Driver, Source};
use crate::finding::{Location, Verdict};
use std::fmt::{self, Write};

/// The report on what was found, or one line for a clean run. `replay` is the command that shows a
/// finding again.
#[must_use]
pub fn finding(driver: &Driver, verdict: &Verdict, replay: Option<&str>, style: Style) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = match (Ending::of(verdict), verdict) {
        (Some(ending), _) => Report { driver, style }.ending(&mut out, &ending, replay),
        (None, Verdict::Parted(p)) => writeln!(out, "step {}: {}", p.step, p.why),
        (None, _) => {
            let good = style.good;
            writeln!(out, "{good}clean{good:#}: {} broke no rule in this run", driver.name)
        }
    };
    out
}

struct Report<'a> {
    driver: &'a Driver,
    style: Style,
}

impl Report<'_> {
    fn ending(&self, out: &mut String, ending: &Ending<'_>, replay: Option<&str>) -> fmt::Result {
        let error = self.style.error;
        writeln!(out, "{error}error[{}]{error:#}: {}", ending.name, ending.what)?;
        for part in &ending.parts {
            if let Some(heading) = &part.heading {
                writeln!(out, "  {heading}")?;
            }
            self.mark(out, &part.now, '^')?;
            for mark in &part.earlier {
                self.mark(out, mark, '-')?;
            }
        }
        for (label, text) in &ending.trailers {
            self.trailer(out, label, text)?;
        }
        replay.map_or(Ok(()), |command| self.trailer(out, "replay", command))
    }

    fn trailer(&self, out: &mut String, label: &str, text: &str) -> fmt::Result {
        let dim = self.style.dim;
        writeln!(out, "  {dim}{label:<7}{dim:#} {text}")
    }

    fn mark(&self, out: &mut String, mark: &Mark, sign: char) -> fmt::Result {
        let Some(location) = &mark.location else {
            let call = mark.call.map(|c| format!(", in {c}")).unwrap_or_default();
            return writeln!(out, "  {}{call}", mark.text);
        };
        let (dim, red) = (self.style.dim, self.style.mark);
        writeln!(out, "  {dim}-->{dim:#} {location}")?;
        let Some(line) = self.source_line(location) else {
            return writeln!(out, "      {}", mark.text);
        };
        let shown = line.trim_start();
        let removed = line.len() - shown.len();
        let column = (location.column as usize).saturating_sub(1 + removed);
        // Layer 2 calls are shorter or longer than the routine's name: mark the identifier there.
        let rest = shown.get(column..).unwrap_or("");
        let word = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').count();
        let routine = mark.call.map_or(1, str::len);
        let width = if word == 0 { routine.min(rest.len().max(1)) } else { word };
        let number = location.line.to_string();
        let marks: String = std::iter::repeat_n(sign, width).collect();
        writeln!(out, "{dim}{number:>5} |{dim:#} {shown}")?;
        writeln!(out, "{dim}      |{dim:#} {:column$}{red}{marks}{red:#} {}", "", mark.text)
    }

    fn source_line(&self, location: &Location) -> Option<&'static str> {
        let source: &Source = self.driver.sources.iter().find(|s| s.path == location.file)?;
        source.text.lines().nth(location.line.checked_sub(1)? as usize)
    }
}
