//! A finding as text: the sentence, now, earlier, why, and how to see it again.

use super::Style;
use super::ending::{Layout, Mark};
use super::source;
use super::wrap::{broken, flow};
use crate::driver::Driver;
use crate::finding::RunEnd;
use std::fmt::{self, Write};

/// Columns left of a quoted line.
const MARGIN: usize = 8;
/// Columns left of the text of a labelled line.
const LABEL: usize = 10;
/// Columns that the text right of a mark has at least.
const TEXT_MIN: usize = 32;

/// The report on what was found, or one line for a run that found nothing. `program` is what was started,
/// `replay` the command that shows a finding again, `width` the columns that a line may have; quoted source
/// lines are never broken.
#[must_use]
pub fn finding(
    driver: &Driver,
    end: &RunEnd,
    program: &str,
    replay: Option<&str>,
    style: Style,
    width: usize,
) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = match end {
        RunEnd::Found(finding) => {
            let layout = Layout::of(driver, finding, program);
            Report { driver, style, width }.finding(&mut out, &layout, replay)
        }
        RunEnd::Parted(p) => writeln!(out, "step {}: {}", p.step, p.why),
        RunEnd::Interrupted => writeln!(out, "interrupted: {} broke no rule so far", driver.name),
        RunEnd::Endless(endless) => writeln!(
            out,
            "given up after {} steps, the last on CPU {}: it does not end under this schedule",
            endless.steps, endless.place.cpu
        ),
        RunEnd::Limit(limit) => writeln!(out, "not modelled: {}", limit.what),
        RunEnd::Ignored(finding) => {
            writeln!(out, "ended early: {} ({} is off)", finding.what, finding.of.name)
        }
        RunEnd::Clean => {
            let good = style.good;
            writeln!(out, "{good}clean{good:#}: {} broke no rule in this run", driver.name)
        }
    };
    out
}

struct Report<'a> {
    driver: &'a Driver,
    style: Style,
    width: usize,
}

impl Report<'_> {
    fn finding(&self, out: &mut String, layout: &Layout<'_>, replay: Option<&str>) -> fmt::Result {
        let error = self.style.error;
        let first = format!("{error}error[{}]{error:#}: ", layout.name);
        self.lines(out, flow(&first, layout.what, 2, "", self.width))?;
        for part in &layout.parts {
            if let Some(heading) = &part.heading {
                self.lines(out, broken(&format!("  {heading}"), "", self.width))?;
            }
            self.mark(out, &part.now, '^')?;
            for mark in &part.earlier {
                self.mark(out, mark, '-')?;
            }
        }
        for (label, text) in &layout.trailers {
            self.trailer(out, label, text, "")?;
        }
        replay.map_or(Ok(()), |command| self.trailer(out, "replay", command, " \\"))
    }

    /// A label, and its text to the right of it; a line that is continued ends in `continued`.
    fn trailer(&self, out: &mut String, label: &str, text: &str, continued: &str) -> fmt::Result {
        let dim = self.style.dim;
        self.lines(
            out,
            flow(
                &format!("  {dim}{label}{dim:#}{:1$}", "", LABEL - 2 - label.len()),
                text,
                LABEL,
                continued,
                self.width,
            ),
        )
    }

    fn lines(&self, out: &mut String, lines: Vec<String>) -> fmt::Result {
        lines.iter().try_for_each(|line| writeln!(out, "{line}"))
    }

    fn mark(&self, out: &mut String, mark: &Mark, sign: char) -> fmt::Result {
        self.place(out, mark, sign)?;
        for (n, caller) in mark.callers.iter().enumerate() {
            let label = if n == 0 { "called from " } else { "            " };
            self.lines(out, broken(&format!("      {label}{caller}"), "", self.width))?;
        }
        Ok(())
    }

    fn place(&self, out: &mut String, mark: &Mark, sign: char) -> fmt::Result {
        let Some(site) = mark.site else {
            let call = mark.call.map(|c| format!(", in {c}")).unwrap_or_default();
            return self.lines(out, broken(&format!("  {}{call}", mark.text), "", self.width));
        };
        let (dim, red) = (self.style.dim, self.style.mark);
        self.lines(out, flow(&format!("  {dim}-->{dim:#} "), &site.to_string(), MARGIN, "", self.width))?;
        let Some(line) = source::line(self.driver, site.file(), site.line()) else {
            return self.lines(out, broken(&format!("      {}", mark.text), "", self.width));
        };
        let shown = line.trim_start();
        let removed = line.len() - shown.len();
        let column = (site.column() as usize).saturating_sub(1 + removed);
        // Layer 2 calls are shorter or longer than the routine's name: mark the identifier there.
        let rest = shown.get(column..).unwrap_or("");
        let word = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').count();
        let routine = mark.call.map_or(1, str::len);
        let width = if word == 0 { routine.min(rest.len().max(1)) } else { word };
        let number = site.line().to_string();
        let marks: String = std::iter::repeat_n(sign, width).collect();
        writeln!(out, "{dim}{number:>5} |{dim:#} {shown}")?;
        let margin = format!("{dim}      |{dim:#} ");
        let right = MARGIN + column + width + 1;
        if right + TEXT_MIN.min(mark.text.len()) <= self.width {
            let first = format!("{:column$}{red}{marks}{red:#} ", "");
            let text = flow("", &mark.text, 0, "", self.width - right);
            let indent = " ".repeat(column + width + 1);
            let firsts = std::iter::once(first).chain(std::iter::repeat(indent));
            return text
                .iter()
                .zip(firsts)
                .try_for_each(|(line, first)| writeln!(out, "{margin}{first}{line}"));
        }
        // Too far right: the text stands below the mark.
        writeln!(out, "{margin}{:column$}{red}{marks}{red:#}", "")?;
        let text = flow("", &mark.text, 0, "", self.width - MARGIN);
        text.iter().try_for_each(|line| writeln!(out, "{margin}{line}"))
    }
}
