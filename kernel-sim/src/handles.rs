//! Handles: numbers by which drivers name threads and registry keys.
//!
//! Here is who a number stands for, not what can be done with it. Invariant: a number is given out once in a
//! run, so one that was closed never comes to mean something else.

use crate::ddi::types::HANDLE;

/// What a handle stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Object {
    /// A thread, by the host address of its object.
    Thread(usize),
    /// A registry key, by its place in the registry.
    Key(usize),
}

/// The handles of a machine; those that were closed are none.
#[derive(Default)]
pub(crate) struct Handles(Vec<Option<Object>>);

impl Handles {
    /// A handle of an object.
    pub(crate) fn open(&mut self, object: Object) -> HANDLE {
        self.0.push(Some(object));
        (self.0.len() * 4) as HANDLE
    }

    /// The object of an open handle.
    pub(crate) fn object(&self, handle: HANDLE) -> Option<Object> {
        self.0.get(place(handle)?).copied().flatten()
    }

    /// Closes a handle; `None` if it was not open.
    pub(crate) fn close(&mut self, handle: HANDLE) -> Option<Object> {
        self.0.get_mut(place(handle)?)?.take()
    }

    /// Whether none was ever given out.
    pub(crate) fn is_unused(&self) -> bool {
        self.0.is_empty()
    }
}

/// The place of a handle in the table, if a handle can have that number.
fn place(handle: HANDLE) -> Option<usize> {
    let number = handle as usize;
    (number != 0 && number.is_multiple_of(4)).then(|| number / 4 - 1)
}
