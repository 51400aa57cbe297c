//! Renderings of a run and of an exploration. They show what is in it and compute nothing of their own.

mod json;
mod stress;
mod text;

pub use json::to_json;
pub use stress::{finding_json, stress, summary_json};
pub use text::{Style, summary, verdict};
