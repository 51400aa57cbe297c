//! The page of a strategy.

use super::page::Page;
use crate::explore::STRATEGIES;
use crate::program::program_name;

/// The page of a strategy, by its word or by its word with a parameter (`pct:5`).
pub(super) fn page(word: &str) -> Option<Page> {
    let name = word.split_once(':').map_or(word, |(name, _)| name);
    let topic = STRATEGIES.iter().find(|topic| topic.name == name)?;
    Some(Page {
        name: topic.name.into(),
        kind: "strategy".into(),
        text: topic.text.into(),
        facts: vec![("use", format!("{} stress DRIVER --strategy {}", program_name(), topic.name))],
        url: None,
    })
}

pub(super) fn words() -> impl Iterator<Item = &'static str> {
    STRATEGIES.iter().map(|topic| topic.name)
}
