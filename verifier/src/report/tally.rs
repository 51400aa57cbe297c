//! What a command over several drivers came to: the last line of its output.

/// The drivers of a command, by how they came out.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally {
    /// Nothing was found in them.
    pub clean: usize,
    /// Something was.
    pub found: Vec<&'static str>,
    /// They could not be run to their end: refused, or beyond what the simulator has.
    pub not_run: Vec<&'static str>,
    /// They were interrupted before anything was found.
    pub interrupted: Vec<&'static str>,
    /// Their turn never came: the command was interrupted.
    pub not_begun: Vec<&'static str>,
}

impl Tally {
    /// How many drivers there were.
    #[must_use]
    pub fn drivers(&self) -> usize {
        self.clean
            + [&self.found, &self.not_run, &self.interrupted, &self.not_begun]
                .iter()
                .map(|n| n.len())
                .sum::<usize>()
    }
}

/// The tally in one sentence.
pub(super) fn tally(tally: &Tally) -> String {
    let named = [
        (&tally.found, "with findings"),
        (&tally.not_run, "not run to the end"),
        (&tally.interrupted, "interrupted"),
        (&tally.not_begun, "not begun"),
    ];
    let mut line = format!("{} drivers: {} clean", tally.drivers(), tally.clean);
    for (names, what) in named.iter().filter(|(names, _)| !names.is_empty()) {
        line += &format!("; {} {what}: {}", names.len(), names.join(", "));
    }
    line + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_there_is_is_named() {
        let mut all = Tally { clean: 3, ..Tally::default() };
        assert_eq!(tally(&all), "3 drivers: 3 clean\n");
        all.found = vec!["one", "two"];
        all.not_begun = vec!["three"];
        assert_eq!(tally(&all), "6 drivers: 3 clean; 2 with findings: one, two; 1 not begun: three\n");
    }
}
