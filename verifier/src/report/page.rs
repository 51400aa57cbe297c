//! What `storsim explain` says about a word, as text and as JSON.

use super::wrap::{broken, flow};
use crate::explain::Page;
use serde_json::{Map, Value, json};

/// A page for people: the word and what it is, the text in paragraphs that fit, the facts, Microsoft's page.
pub(super) fn page(page: &Page, width: usize) -> String {
    let Page { name, kind, text, facts, url } = page;
    let mut lines = broken(&format!("{name}  ({kind})"), "", width);
    lines.push(String::new());
    paragraphs(text, width, &mut lines);
    let label_width = facts.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    if !facts.is_empty() {
        lines.push(String::new());
    }
    for (label, fact) in facts {
        lines.extend(flow(&format!("{label:label_width$}  "), fact, label_width + 2, "", width));
    }
    if let Some(url) = url {
        lines.push(String::new());
        lines.extend(flow("", url, 0, "", width));
    }
    lines.join("\n") + "\n"
}

/// The lines of a text anew, as wide as the terminal. Headings and items of lists keep lines of their own.
fn paragraphs(text: &str, width: usize, out: &mut Vec<String>) {
    let mut paragraph = String::new();
    let end = |paragraph: &mut String, out: &mut Vec<String>| {
        if !paragraph.is_empty() {
            out.extend(flow("", paragraph, 0, "", width));
            paragraph.clear();
        }
    };
    for line in text.trim().lines().map(str::trim) {
        let stands_alone = line.is_empty() || line.starts_with("## ") || line.starts_with("- ");
        if stands_alone {
            end(&mut paragraph, out);
            out.extend(broken(line, "", width));
        } else {
            paragraph += if paragraph.is_empty() { "" } else { " " };
            paragraph += line;
        }
    }
    end(&mut paragraph, out);
}

/// A page for programs.
pub(super) fn page_to_json(page: &Page) -> Value {
    let Page { name, kind, text, facts, url } = page;
    let text: Vec<_> = text.trim().lines().map(str::trim).collect();
    let facts: Map<String, Value> =
        facts.iter().map(|(label, fact)| ((*label).to_owned(), fact.as_str().into())).collect();
    json!({ "name": name, "kind": kind, "text": text.join("\n"), "facts": facts, "url": url })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_filled_anew_and_headings_stand_alone() {
        let mut lines = Vec::new();
        paragraphs(" One two\n three four.\n\n ## Why\n Five.\n - six\n", 12, &mut lines);
        assert_eq!(lines, ["One two", "three four.", "", "## Why", "Five.", "- six"]);
    }
}
