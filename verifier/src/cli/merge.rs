//! `storsim merge`: the summaries of many shards as one.

use super::args::MergeArguments;
use super::ended::{Found, Refusal};
use crate::bounded_input;
use crate::explore::summary::{self, Summary};
use crate::report::{Host, Progress, Reporter};
use serde_json::Value;
use std::path::Path;

pub(super) fn merge(arguments: &MergeArguments, reporter: &mut dyn Reporter) -> Result<Found, Refusal> {
    let mut parts = Vec::new();
    for file in &arguments.files {
        parts.extend(read(file)?);
    }
    let whole = summary::merge(parts)?;
    for summary in &whole {
        reporter.summary(summary, Host::default());
        if let Some(why) = missing(summary).filter(|_| !summary.findings.is_empty()) {
            reporter.progress(Progress::Note(why));
        }
    }
    if whole.iter().any(|summary| !summary.findings.is_empty()) {
        return Ok(Found::Something);
    }
    match whole.iter().find_map(missing) {
        Some(why) => Err(Refusal(why)),
        None => Ok(Found::Nothing),
    }
}

/// Which seeds were asked for and are in no part, if any.
fn missing(summary: &Summary) -> Option<String> {
    let missing = summary.missing();
    let [from, to] = summary.asked?;
    let ranges: Vec<_> = missing.iter().map(|[from, to]| format!("{from}..{to}")).collect();
    let driver = &summary.head.driver;
    let ranges = ranges.join(" and ");
    (!missing.is_empty()).then(|| format!("{driver}: seeds {ranges} of {from}..{to} are in no part"))
}

/// The summaries in a file: one at least, and the last line is one, else it was cut short.
fn read(file: &Path) -> Result<Vec<Summary>, Refusal> {
    let is_standard_input = file == Path::new("-");
    let name = if is_standard_input { "standard input".into() } else { file.display().to_string() };
    // JSON Lines: an object begins the file.
    let begins = |head: &[u8]| head.trim_ascii_start().first() == Some(&b'{');
    let bytes = if is_standard_input {
        bounded_input::read_from(std::io::stdin().lock(), begins)
    } else {
        bounded_input::read(file, begins)
    };
    let bytes = bytes.map_err(|e| format!("{name}: {e}"))?;
    let text =
        String::from_utf8(bytes).map_err(|_| format!("{name}: not what 'stress --format json' prints"))?;
    let mut summaries = Vec::new();
    let mut ends_with_summary = false;
    for (n, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let refuse = |why: String| Refusal(format!("{name}:{}: {why}", n + 1));
        let value: Value = serde_json::from_str(line).map_err(|e| refuse(format!("no JSON: {e}")))?;
        ends_with_summary = value["record"] == "summary";
        if ends_with_summary {
            let summary: Summary =
                serde_json::from_value(value).map_err(|e| refuse(format!("no summary: {e}")))?;
            summary.check().map_err(refuse)?;
            summaries.push(summary);
        } else if value["record"] != "finding" {
            return Err(refuse("neither a finding nor a summary of 'stress --format json'".into()));
        }
    }
    if !ends_with_summary {
        return Err(Refusal(format!("{name}: it does not end with a summary: empty, or cut short")));
    }
    Ok(summaries)
}
