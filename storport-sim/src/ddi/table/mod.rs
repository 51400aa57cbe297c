//! The StorPort routines, one row each, grouped as their documentation groups them.
//!
//! A row is the whole truth about a routine's interface; see the kernel's `ddis!` for how to read it.
//! Two thirds of the pages of storport.h state no IRQL; those rows say `undocumented`.

mod absent;
mod hardware;
mod requests;
mod system;

use kernel_sim::routine::{DdiInfo, assert_distinct, joined};

pub use absent::*;
pub use hardware::*;
pub use requests::*;
pub use system::*;

/// What the tables say of each routine, under the routine's name.
pub mod row {
    pub use super::absent::row::*;
    pub use super::hardware::row::*;
    pub use super::requests::row::*;
    pub use super::system::row::*;
}

/// The arguments of each routine by name, under the routine's name.
pub mod args {
    pub use super::absent::args::*;
    pub use super::hardware::args::*;
    pub use super::requests::args::*;
    pub use super::system::args::*;
}

const ROWS: usize = requests::TABLE.len() + hardware::TABLE.len() + system::TABLE.len() + absent::TABLE.len();

/// Every routine, in the order of the tables.
pub static TABLE: &[&DdiInfo] = {
    static ALL: [&DdiInfo; ROWS] = joined(&[requests::TABLE, hardware::TABLE, system::TABLE, absent::TABLE]);
    assert_distinct(&ALL);
    &ALL
};

/// Every routine as images call it.
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(crate) mod thunk {
    pub(crate) use super::requests::thunk::StorPortNotification;
    use kernel_sim::image::Export;

    /// All of them.
    pub(crate) fn exports() -> impl Iterator<Item = Export> {
        let groups = [
            super::requests::thunk::exports(),
            super::hardware::thunk::exports(),
            super::system::thunk::exports(),
            super::absent::thunk::exports(),
        ];
        groups.into_iter().flatten()
    }
}
