//! The StorPort routines, one row each, grouped as their documentation groups them.
//!
//! A row is the whole truth about a routine's interface; see the kernel's `ddis!` for how to read it.
//! Two thirds of the pages of storport.h state no IRQL; those rows say `undocumented`.

mod absent;
mod hardware;
mod requests;
mod system;

use kernel_sim::hook::DdiInfo;

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

const PARTS: [&[&DdiInfo]; 4] = [requests::TABLE, hardware::TABLE, system::TABLE, absent::TABLE];
const ROWS: usize = PARTS[0].len() + PARTS[1].len() + PARTS[2].len() + PARTS[3].len();

/// Every routine, in the order of the tables.
pub static TABLE: &[&DdiInfo] = {
    const ALL: [&DdiInfo; ROWS] = {
        let mut all = [PARTS[0][0]; ROWS];
        let (mut part, mut row, mut n) = (0, 0, 0);
        while part < PARTS.len() {
            if row < PARTS[part].len() {
                all[n] = PARTS[part][row];
                (row, n) = (row + 1, n + 1);
            } else {
                (part, row) = (part + 1, 0);
            }
        }
        all
    };
    &ALL
};
