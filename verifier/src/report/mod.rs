//! Renderings of a run and of an exploration. They show what is in it and compute nothing of their own.

mod fit;
mod json;
mod shrunk;
mod stress;
mod text;
mod timeline;

pub use fit::{fit, fit_to_json};
pub use json::to_json;
pub use shrunk::{shrunk, shrunk_to_json};
pub use stress::{finding_json, stress, summary_json};
pub use text::{Style, summary, verdict};
pub use timeline::{timeline, timeline_to_json};
