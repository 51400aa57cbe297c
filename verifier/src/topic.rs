//! A word of the command line that has a page of text, such as a strategy.
//!
//! The doc comment of a topic is the only copy of its text: lists print its first sentence, `storsim explain`
//! all of it.

/// A word and its page.
#[derive(Debug)]
pub struct Topic {
    /// The word.
    pub name: &'static str,
    /// The page: a sentence, then paragraphs and `## ` headings.
    pub text: &'static str,
}

impl Topic {
    /// The first sentence of the page.
    #[must_use]
    pub fn summary(&self) -> String {
        first_sentence(self.text)
    }
}

/// The first sentence of a text, on one line, without the blank that doc comments begin with.
#[must_use]
pub fn first_sentence(text: &str) -> String {
    let lines = text.trim().lines().map(str::trim).take_while(|line| !line.is_empty());
    let paragraph = lines.collect::<Vec<_>>().join(" ");
    match paragraph.split_once(". ") {
        Some((sentence, _)) => format!("{sentence}."),
        None => paragraph,
    }
}

/// Declares a topic of this name in a static: its doc comment becomes its page.
macro_rules! topic {
    ($(#[doc = $doc:literal])+ $topic:ident = $name:expr) => {
        $(#[doc = $doc])+
        pub static $topic: $crate::topic::Topic =
            $crate::topic::Topic { name: $name, text: concat!($($doc, "\n"),+) };
    };
}

pub(crate) use topic;

#[cfg(test)]
mod tests {
    use super::first_sentence;

    #[test]
    fn a_sentence_ends_at_its_full_stop_and_not_at_the_end_of_its_line() {
        assert_eq!(first_sentence(" One\n two. Three.\n"), "One two.");
        assert_eq!(first_sentence(" Parameters 1.5 and\n 2\n\n More."), "Parameters 1.5 and 2");
    }
}
