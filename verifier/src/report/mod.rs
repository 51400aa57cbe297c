//! Renderings of a run. They show what is in it and compute nothing of their own.

mod json;
mod text;

pub use json::to_json;
pub use text::{Style, summary, verdict};
