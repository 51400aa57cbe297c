//! The look of the parts of a text report.

use anstyle::{AnsiColor, Style as Ansi};

/// The look of the parts. Plain styles give plain text.
#[derive(Clone, Copy, Default)]
pub struct Style {
    pub(super) error: Ansi,
    pub(super) good: Ansi,
    pub(super) mark: Ansi,
    pub(super) dim: Ansi,
}

impl Style {
    /// Without colours.
    #[must_use]
    pub fn plain() -> Style {
        Style::default()
    }

    /// With colours; a stream that does not want them strips them.
    #[must_use]
    pub fn coloured() -> Style {
        Style {
            error: AnsiColor::Red.on_default().bold(),
            good: AnsiColor::Green.on_default().bold(),
            mark: AnsiColor::Red.on_default(),
            dim: AnsiColor::Blue.on_default(),
        }
    }
}
