//! The pages of the environment that a stress draws, and of its parts.

use super::page::Page;
use crate::program::program_name;
use crate::run::Part;
use crate::topic::topic;

topic! {
    /// What a driver has around it in a run, besides the schedule.
    ///
    /// ## What is drawn
    /// `stress` runs one seed in three on the plain machine: four processors, one disk, random reads and
    /// writes of 4 KiB, no faults, no events. For each of the others it draws an environment from the seed,
    /// as far as the driver's kind bears it: each part below is drawn or left plain by itself. A flag says
    /// its part for all seeds, and `--plain` says all parts. `run` and the exhaustive strategy draw nothing.
    ///
    /// ## What a finding needs
    /// Shrinking takes away what was drawn and is not needed. A report says so: needs: hotplug; not: 2
    /// processors. What is needed could not be taken away within the budget of shrinking: no schedule that it
    /// tried found the same without it.
    ///
    /// ## Parts
    TOPIC = "environment"
}

pub(super) fn page(word: &str) -> Option<Page> {
    let (text, name) = if word == TOPIC.name {
        let parts = Part::ALL.iter().map(|part| {
            let text = part.text().split_whitespace().collect::<Vec<_>>().join(" ");
            format!("- {}: {text}\n", part.word())
        });
        (TOPIC.text.to_owned() + &parts.collect::<String>(), TOPIC.name)
    } else {
        let part = Part::ALL.iter().find(|part| part.word() == word)?;
        (part.text().to_owned(), part.word())
    };
    let is_whole = name == TOPIC.name;
    let mut facts = vec![("plain", format!("{} stress DRIVER --plain", program_name()))];
    if !is_whole {
        facts.push(("see also", TOPIC.name.into()));
    }
    Some(Page {
        name: name.into(),
        kind: if is_whole { "what a stress draws".into() } else { "part of the environment".into() },
        text,
        facts,
        url: None,
    })
}

pub(super) fn words() -> impl Iterator<Item = &'static str> {
    std::iter::once(TOPIC.name).chain(Part::ALL.iter().map(|part| part.word()))
}
