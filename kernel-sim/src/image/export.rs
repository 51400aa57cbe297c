//! What images can import: names, and where they lead.
//!
//! Each crate adds the rows of its tables; this one adds its own and what C compilers need. A later name
//! takes the place of an earlier one, so that a crate can put a routine of its own before a row's. Invariant:
//! once an image is mapped, what its imports lead to stays.

use super::{access, runtime};
use crate::ddi;
use parking_lot::RwLock;
use std::collections::BTreeMap;

/// A routine that images can import.
#[derive(Clone, Copy)]
pub struct Export {
    /// Its name.
    pub name: &'static str,
    /// Where it is: code by Windows' convention.
    pub address: usize,
    /// How many arguments it takes, those in registers included.
    pub arguments: u32,
}

static EXPORTS: RwLock<BTreeMap<&'static str, Export>> = RwLock::new(BTreeMap::new());

/// Adds routines.
pub fn export(routines: impl IntoIterator<Item = Export>) {
    let mut exports = EXPORTS.write();
    if exports.is_empty() {
        exports.extend(
            ddi::thunk::exports()
                .chain(runtime::exports())
                .chain(access::exports())
                .map(|routine| (routine.name, routine)),
        );
    }
    exports.extend(routines.into_iter().map(|routine| (routine.name, routine)));
}

/// The routine of that name.
pub(super) fn exported(name: &str) -> Option<Export> {
    EXPORTS.read().get(name).copied()
}
