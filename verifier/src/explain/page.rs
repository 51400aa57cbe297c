//! `Page`: what there is to say about one word.

/// What `storsim explain` says about one meaning of a word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// The word as it is written.
    pub name: String,
    /// What it is the word for: "driver", "rule of Microsoft's, set locking".
    pub kind: String,
    /// Paragraphs, and headings that begin with `## `.
    pub text: String,
    /// What stands below the text, each with its label.
    pub facts: Vec<(&'static str, String)>,
    /// Microsoft's page about it.
    pub url: Option<String>,
}
