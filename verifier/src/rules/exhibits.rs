//! The exhibits of a row: the smallest program that it finds, and one that looks guilty and is not.
//!
//! A row only names them. They are drivers of the program `storsim`, in the crate `drivers-examples`, where a
//! test holds every row against its two. Invariant: a driver is an exhibit of at most one row.

/// The program that has the exhibits.
const PROGRAM: &str = "storsim";

/// What shows a row at work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exhibits {
    /// The name of the driver that the row finds.
    pub breaker: &'static str,
    /// The name of the driver in which no row finds anything.
    pub near_miss: &'static str,
    /// The flags of `run` without which the row would not find the breaker; mostly none.
    pub flags: &'static str,
}

impl Exhibits {
    /// Both names, the breaker's first.
    #[must_use]
    pub fn names(&self) -> [&'static str; 2] {
        [self.breaker, self.near_miss]
    }

    /// The commands that run them, the breaker's first.
    #[must_use]
    pub fn commands(&self) -> [String; 2] {
        self.names().map(|name| format!("{PROGRAM} run {name} {}", self.flags).trim_end().to_owned())
    }
}

/// The exhibits called `name`: the breaker has that name, the near miss `name-near-miss`. `with` brings the
/// flags.
macro_rules! exhibits {
    ($name:literal $(with $flags:literal)?) => {
        $crate::rules::Exhibits {
            breaker: $name,
            near_miss: concat!($name, "-near-miss"),
            flags: concat!("" $(, $flags)?),
        }
    };
}

pub(crate) use exhibits;

#[cfg(test)]
mod tests {
    #[test]
    fn a_command_has_the_flags_of_its_row_and_no_blank_at_its_end() {
        let [breaker, near_miss] = exhibits!("over").commands();
        assert_eq!((&*breaker, &*near_miss), ("storsim run over", "storsim run over-near-miss"));
        let [breaker, _] = exhibits!("over" with "--rules all").commands();
        assert_eq!(breaker, "storsim run over --rules all");
    }
}
