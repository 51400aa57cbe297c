//! The kernel's DDIs, one row each, grouped as the documentation groups them.
//!
//! A row is the whole truth about a routine's interface; see `macros` for how to read it. Rows keep their
//! numbers, which trace hashes hold: new ones go to the end of their table.

mod executive;
mod kernel;

use crate::hook::DdiInfo;

pub use executive::*;
pub use kernel::*;

/// What the tables say of each routine, under the routine's name.
pub mod row {
    pub use super::executive::row::*;
    pub use super::kernel::row::*;
}

const ROWS: usize = kernel::TABLE.len() + executive::TABLE.len();

/// Every routine, in the order of the tables.
pub static TABLE: &[&DdiInfo] = {
    const ALL: [&DdiInfo; ROWS] = {
        let mut all = [kernel::TABLE[0]; ROWS];
        let mut n = 0;
        while n < ROWS {
            let later = n >= kernel::TABLE.len();
            all[n] = if later { executive::TABLE[n - kernel::TABLE.len()] } else { kernel::TABLE[n] };
            n += 1;
        }
        all
    };
    &ALL
};
