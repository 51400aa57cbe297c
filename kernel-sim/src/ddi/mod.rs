//! Layer 1: the documented WDK names, letter for letter.
//!
//! `table` lists every routine as a row; from a row come the hooked function, its number, its entry
//! in the coverage page. `types` has the wdk-sys-shaped structures, `inline` what the WDK headers
//! define as macros or inline functions (they only touch the caller's own structures and are not
//! hooked). Invariant: hooks fire here and nowhere else, so code written on layer 2 is watched alike.

pub mod inline;
#[macro_use]
mod macros;
mod call;
#[macro_use]
mod number;
#[expect(non_camel_case_types, non_snake_case, reason = "the documented WDK names")]
mod resources;
pub mod status;
#[expect(non_snake_case, reason = "the documented WDK names")]
mod table;
#[expect(non_camel_case_types, non_snake_case, non_upper_case_globals, reason = "the documented WDK names")]
pub mod types;

pub(crate) use call::{Access, show_touch, tell_unusual};
pub use call::{Call, as_system, callback, enter, leave};
pub use inline::*;
pub use number::Number;
pub use status::*;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(crate) use table::thunk;
pub use table::*;
pub use types::*;
