//! The pages of faults and events: what goes wrong, which settings there are, who deals with it.
//!
//! Who deals with it and whose behaviour that follows is read out of the table of `FAULTS.md`, whose first
//! column names faults and events in backticks.

use super::page::Page;
use crate::program::program_name;
use crate::run::Event;
use storport_sim::disk::fault::{FAULTS_PAGE, FaultKind, SETTINGS};

pub(super) fn page_of_fault(word: &str) -> Option<Page> {
    let kind = FaultKind::all().find(|kind| kind.name() == word)?;
    let settings = SETTINGS.iter().filter(|setting| setting.belongs_to(kind));
    let settings = settings.map(|s| format!("- {}={}  {}\n", s.name, s.value, s.meaning));
    let mut text = kind.text().to_owned() + "\n## Settings\n";
    text.extend(settings);
    Some(Page {
        name: word.into(),
        kind: "fault".into(),
        text: text + &responses(word),
        facts: vec![("use", format!("{} run DRIVER --fault {word}:every=100", program_name()))],
        url: None,
    })
}

pub(super) fn page_of_event(word: &str) -> Option<Page> {
    let (_, event) = Event::NAMES.into_iter().find(|(name, _)| *name == word)?;
    Some(Page {
        name: word.into(),
        kind: "event".into(),
        text: event.text().to_owned() + &responses(word),
        facts: vec![("use", format!("{} run DRIVER --event {word}", program_name()))],
        url: None,
    })
}

pub(super) fn words() -> impl Iterator<Item = &'static str> {
    FaultKind::all().map(FaultKind::name).chain(Event::NAMES.into_iter().map(|(name, _)| name))
}

/// The rows of `FAULTS.md` about a fault or an event: what is dealt with, by whom, and after what.
fn responses(word: &str) -> String {
    let quoted = format!("`{word}`");
    let mut text = "\n## Who deals with it\n".to_owned();
    for row in FAULTS_PAGE.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        if let [what, who, follows] = cells[..]
            && what.contains(&quoted)
        {
            text += &format!("- {}: {who}\n- follows: {follows}\n", what.replace('`', ""));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_faults_says_who_deals_with_every_fault_and_event() {
        for word in words() {
            assert!(responses(word).contains("- follows: "), "FAULTS.md has no row for `{word}`");
        }
    }
}
