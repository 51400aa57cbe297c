//! Text in TOML, as the files that a person writes for the command line have it: what is wrong in one line,
//! with the file's name and the line's number.

use super::ended::Refusal;
use serde::de::DeserializeOwned;

/// The whole of a text, or the first thing that is wrong with it.
pub(super) fn parse<T: DeserializeOwned>(text: &str, file: &str) -> Result<T, Refusal> {
    toml::from_str(text).map_err(|why| {
        let at = why.span().map_or(0, |span| span.start);
        // One line is what a person gets.
        refusal(text, file, at, &why.message().split_whitespace().collect::<Vec<_>>().join(" "))
    })
}

/// What is wrong at a place in a text.
pub(super) fn refusal(text: &str, file: &str, at: usize, why: &str) -> Refusal {
    let line = text.get(..at).unwrap_or(text).matches('\n').count() + 1;
    Refusal(format!("{file}:{line}: {why}"))
}
