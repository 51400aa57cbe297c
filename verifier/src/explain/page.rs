//! `Page`: the explanation of one meaning of a word.

/// The explanation of one meaning of a word.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Page {
    /// The word as it is written.
    pub name: String,
    /// The kind of thing it names: "driver", "rule of Microsoft's, set locking".
    pub kind: String,
    /// Paragraphs, and headings that begin with `## `.
    pub text: String,
    /// Single facts below the text, each with its label.
    pub facts: Vec<(&'static str, String)>,
    /// Microsoft's page about it.
    pub url: Option<String>,
}
