//! Lines that fit: a terminal's width, and text broken between words to it.
//!
//! Invariant: no line that comes out is wider than asked for; a word that is wider by itself is broken.

/// The width where there is no terminal.
pub const WIDTH_DEFAULT: usize = 100;
/// The least width that is used, whatever the terminal says.
const WIDTH_MIN: usize = 40;
/// Columns that a long word is indented by: few, so that most long words need not be broken.
const INDENT_LONG: usize = 4;

/// The width of the lines of a report: what COLUMNS says, else the terminal's, else [`WIDTH_DEFAULT`].
pub(super) fn terminal_width() -> usize {
    let asked = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let terminal =
        || terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0));
    asked.or_else(terminal).filter(|n| *n != 0).unwrap_or(WIDTH_DEFAULT).max(WIDTH_MIN)
}

/// The characters that are seen of a text with colours.
pub(super) fn seen(text: &str) -> usize {
    anstream::adapter::strip_str(text).to_string().chars().count()
}

/// Every line of `text`, broken where it is wider than `width`. What follows a break stands under the text
/// behind the line's label, where it has one (two spaces end it), else two characters further in.
pub(super) fn fitted(text: &str, width: usize) -> String {
    text.lines().map(|line| broken(line, "", width).join("\n") + "\n").collect()
}

/// One line as [`fitted`] breaks it. A line that is continued ends in `continued`.
pub(super) fn broken(line: &str, continued: &str, width: usize) -> Vec<String> {
    if seen(line) <= width {
        return vec![line.to_owned()];
    }
    let indent = hanging(line, width);
    let start = line.len() - line.trim_start().len();
    let (label, text) = match label_end(line, width) {
        Some(end) => line.split_at(end),
        None => line.split_at(start),
    };
    flow(label, text, indent, continued, width)
}

/// `first`, then the words of `text`; lines after the first are indented.
pub(super) fn flow(first: &str, text: &str, indent: usize, continued: &str, width: usize) -> Vec<String> {
    let room = width.saturating_sub(continued.len()).max(1);
    // A narrow column keeps half of its width for text, however deep the line is indented.
    let indent = indent.min(room / 2);
    let mut lines = Vec::new();
    let mut now = first.to_owned();
    let mut is_empty = true;
    for word in text.split_whitespace() {
        let gap = usize::from(!is_empty);
        if seen(&now) + gap + seen(word) <= room {
            now += &" "[..gap];
            now += word;
            is_empty = false;
            continue;
        }
        let indent = if indent + seen(word) > room { indent.min(INDENT_LONG) } else { indent };
        if !now.trim().is_empty() {
            lines.push(now.trim_end().to_owned() + continued);
        }
        now = " ".repeat(indent);
        let mut word = word;
        while indent + seen(word) > room {
            let cut = word.char_indices().nth(room - indent).map_or(word.len(), |(at, _)| at);
            lines.push(now.clone() + &word[..cut]);
            word = &word[cut..];
        }
        now += word;
        is_empty = false;
    }
    lines.push(now.trim_end().to_owned());
    lines
}

/// Where the last column of a line begins: after the last two spaces or more that follow other characters, in
/// the first half of the line.
fn label_end(line: &str, width: usize) -> Option<usize> {
    let start = line.len() - line.trim_start().len();
    let gaps = line[start..].match_indices("  ").map(|(at, _)| {
        let rest = &line[start + at..];
        start + at + rest.len() - rest.trim_start().len()
    });
    gaps.filter(|end| seen(&line[..*end]) <= width / 2).last()
}

fn hanging(line: &str, width: usize) -> usize {
    match label_end(line, width) {
        Some(end) => seen(&line[..end]),
        None => line.len() - line.trim_start().len() + 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_follows_a_label_stays_under_its_text() {
        let line = "  why     on hardware these processors spin for ever";
        let text = "  why     on hardware these\n          processors spin for\n          ever\n";
        assert_eq!(fitted(line, 30), text);
    }

    #[test]
    fn a_line_that_fits_is_left_alone() {
        assert_eq!(fitted("  a   b \n\nc", 40), "  a   b \n\nc\n");
    }

    #[test]
    fn a_word_that_is_wider_than_the_line_is_broken() {
        let lines = broken(&format!("x {}", "y".repeat(50)), "", 20);
        assert!(lines.iter().all(|line| line.len() <= 20), "{lines:?}");
        assert_eq!(lines.concat().replace(' ', ""), format!("x{}", "y".repeat(50)));
    }

    #[test]
    fn a_line_indented_deeper_than_the_column_is_wide_still_fits() {
        for width in 1..12 {
            let lines = flow("", "holds lock", 30, "", width);
            assert!(lines.iter().all(|line| line.len() <= width), "{width}: {lines:?}");
            assert_eq!(lines.concat().replace(' ', ""), "holdslock");
        }
    }

    #[test]
    fn a_command_that_is_continued_says_so() {
        assert_eq!(
            broken("  replay  storsim replay x", " \\", 24),
            ["  replay  storsim \\", "          replay x"]
        );
    }
}
