//! The kernel's DDIs, one row each, grouped as the documentation groups them.
//!
//! A row is the whole truth about a routine's interface; see `macros` for how to read it. A row stands where
//! it belongs and keeps its number, which trace hashes hold; a new one takes any free number below the
//! crate's limit.

mod executive;
mod kernel;
mod registry;

use crate::routine::{DdiInfo, assert_distinct, joined};

pub use executive::*;
pub use kernel::*;
pub use registry::*;

/// The row of each routine, under the routine's name.
pub mod row {
    pub use super::executive::row::*;
    pub use super::kernel::row::*;
    pub use super::registry::row::*;
}

/// The arguments of each routine by name, under the routine's name.
pub mod args {
    pub use super::executive::args::*;
    pub use super::kernel::args::*;
    pub use super::registry::args::*;
}

const ROWS: usize = kernel::TABLE.len() + executive::TABLE.len() + registry::TABLE.len();

/// Every routine, in the order of the tables.
pub static TABLE: &[&DdiInfo] = {
    static ALL: [&DdiInfo; ROWS] = joined(&[kernel::TABLE, executive::TABLE, registry::TABLE]);
    assert_distinct(&ALL);
    &ALL
};

/// Every routine as images call it.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(crate) mod thunk {
    use crate::image::Export;

    /// All of them.
    pub(crate) fn exports() -> impl Iterator<Item = Export> {
        use super::{executive, kernel, registry};
        [kernel::thunk::exports(), executive::thunk::exports(), registry::thunk::exports()]
            .into_iter()
            .flatten()
    }
}

/// The routines that access device registers.
pub(crate) fn register_rows() -> impl Iterator<Item = &'static DdiInfo> {
    let named =
        |row: &DdiInfo| row.name.starts_with("READ_REGISTER") || row.name.starts_with("WRITE_REGISTER");
    TABLE.iter().copied().filter(move |row| named(row))
}

/// The routines that access a word of driver memory in one.
pub(crate) fn interlocked_rows() -> impl Iterator<Item = &'static DdiInfo> {
    TABLE.iter().copied().filter(|row| row.name.starts_with("Interlocked"))
}

/// The routines in which an IRP or a block of pool changes hands.
pub(crate) fn moving_rows() -> impl Iterator<Item = &'static DdiInfo> {
    let moves = |row: &DdiInfo| {
        ["ExAllocatePool", "ExFreePool"].iter().any(|start| row.name.starts_with(start))
            || ["IoCallDriver", "PoCallDriver", "IoCompleteRequest"].contains(&row.name)
    };
    TABLE.iter().copied().filter(move |row| moves(row))
}
