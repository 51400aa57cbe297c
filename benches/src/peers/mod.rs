//! The explorers we are compared with: shuttle and loom, on the programs of [`crate::programs`].
//!
//! Each is used as its documentation says, in the fastest configuration that still does its work,
//! through its public interface only. Nothing is printed: what they say on failure goes to
//! [`quiet`]. Nothing of ours runs inside their executions but the programs and two counters.

pub mod loom;
pub mod quiet;
pub mod shuttle;

use std::any::Any;

/// The message of a caught panic.
fn message(panic: &(dyn Any + Send)) -> &str {
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    owned.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default()
}
