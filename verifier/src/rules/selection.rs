//! Which rows are on: names, sets, `all`, `none`, in the words of `--rules`; and why some are not.
//!
//! A row that is off is not reported. A rule that is off does not watch; a stop that is off still stops the
//! machine, which can go no further, and the run counts as ended early. Invariant: a selection holds each row
//! once, in the order of the table.

use super::{Row, Set, TABLE, find};

/// The rows that are on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Selection(Vec<&'static Row>);

/// A row that would be on, and is off for a driver.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Exception {
    /// The row.
    pub row: &'static Row,
    /// Why, in the words of whoever made the exception.
    pub reason: String,
    /// The file that makes it.
    pub file: String,
}

/// `--rules` names something that is not there.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("no rule, check, stop or set is called '{0}'; see 'storsim list'")]
pub struct UnknownRule(pub String);

impl Default for Selection {
    /// The rows that are on by default.
    fn default() -> Selection {
        Selection::of(|row| row.default)
    }
}

impl Selection {
    /// The rows that satisfy `is_on`.
    #[must_use]
    pub fn of(is_on: impl Fn(&Row) -> bool) -> Selection {
        Selection(TABLE.iter().copied().filter(|row| is_on(row)).collect())
    }

    /// Every row.
    #[must_use]
    pub fn all() -> Selection {
        Selection::of(|_| true)
    }

    /// No row at all.
    #[must_use]
    pub fn none() -> Selection {
        Selection(Vec::new())
    }

    /// The same with this row off.
    #[must_use]
    pub fn without(mut self, row: &Row) -> Selection {
        self.0.retain(|on| *on != row);
        self
    }

    /// The same with this row on.
    #[must_use]
    pub fn with(self, row: &Row) -> Selection {
        Selection::of(|other| other == row || self.has(other))
    }

    /// Names, sets, `all`, `none` and `default`, with commas between them; what begins with '-' is taken away
    /// from what stands before it.
    ///
    /// # Errors
    /// When a word is none of these.
    pub fn parse(text: &str) -> Result<Selection, UnknownRule> {
        let mut on = Selection::none();
        for word in text.split(',').map(str::trim) {
            let (word, is_taken_away) = word.strip_prefix('-').map_or((word, false), |word| (word, true));
            let named = match word {
                "all" => Selection::all(),
                "none" => Selection::none(),
                "default" => Selection::default(),
                _ => match Set::ALL.into_iter().find(|set| set.word().eq_ignore_ascii_case(word)) {
                    Some(set) => Selection::of(|row| row.set == set),
                    None => {
                        let row = find(word).ok_or_else(|| UnknownRule(word.to_owned()))?;
                        Selection::of(|other| other == row)
                    }
                },
            };
            on = Selection::of(|row| {
                if is_taken_away { on.has(row) && !named.has(row) } else { on.has(row) || named.has(row) }
            });
        }
        Ok(on)
    }

    /// Whether the row is on.
    #[must_use]
    pub fn has(&self, row: &Row) -> bool {
        self.0.contains(&row)
    }

    /// The rows that are on.
    pub fn iter(&self) -> impl Iterator<Item = &'static Row> {
        self.0.iter().copied()
    }
}

impl std::fmt::Display for Selection {
    /// The shortest words that [`Selection::parse`] makes the same of.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (word, selection) in
            [("default", Selection::default()), ("all", Selection::all()), ("none", Selection::none())]
        {
            if *self == selection {
                return f.write_str(word);
            }
        }
        let names: Vec<_> = self.0.iter().map(|row| row.name).collect();
        let default = Selection::default();
        let off: Vec<_> = default.iter().filter(|row| !self.has(row)).collect();
        // Where no more are off than this, that is shorter than the names of all others.
        if names.len() + off.len() == default.0.len() && off.len() < names.len() {
            f.write_str("default")?;
            return off.iter().try_for_each(|row| write!(f, ",-{}", row.name));
        }
        f.write_str(&names.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_selection_is_printed_in_words_that_mean_it() {
        for text in ["default", "all", "none", "SpinLockSafe", "SpinLockSafe,deadlock"] {
            assert_eq!(Selection::parse(text).unwrap().to_string(), text);
        }
        let set = Selection::parse("locking").unwrap();
        assert!(set.iter().count() > 1 && set.iter().all(|row| row.set == Set::Locking));
        assert_eq!(Selection::parse(&set.to_string()), Ok(set));
    }

    #[test]
    fn what_begins_with_a_dash_is_taken_away_again() {
        let row = find("SpinLockSafe").unwrap();
        let without = Selection::default().without(row);
        assert_eq!(Selection::parse("default,-SpinLockSafe"), Ok(without.clone()));
        assert_eq!(without.to_string(), "default,-SpinLockSafe");
        assert_eq!(Selection::parse("locking,-locking"), Ok(Selection::none()));
        assert_eq!(Selection::parse("all,-nosuch"), Err(UnknownRule("nosuch".into())));
    }

    #[test]
    fn all_means_all_and_none_means_none() {
        assert_eq!(Selection::parse("all").unwrap().iter().count(), TABLE.len());
        assert_eq!(Selection::parse("none").unwrap().iter().count(), 0);
        assert_eq!(Selection::parse("none, nosuch"), Err(UnknownRule("nosuch".into())));
    }
}
