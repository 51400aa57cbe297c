//! What is said of keys and values, in the forms of the documented structures.
//!
//! A form is a head of fixed size and a tail of any: a name, data, or both. Where the driver's buffer has no
//! room for the head nothing is written; where it has none for all of the tail, as much as there is room for.
//! Invariant: nothing is written past the buffer, and how much room all of it needs is always said.

#![expect(non_upper_case_globals, reason = "the documented WDK names")]

use super::{Key, Value};
use crate::ddi::status::{STATUS_BUFFER_OVERFLOW, STATUS_BUFFER_TOO_SMALL, STATUS_SUCCESS};
use crate::ddi::types::*;

/// What was asked for: its head, and all of its bytes.
pub(super) struct Answer {
    /// Bytes without which nothing is written.
    head: usize,
    bytes: Vec<u8>,
}

impl Answer {
    fn new(head: &[u32], tail: impl IntoIterator<Item = u8>) -> Answer {
        let mut bytes: Vec<u8> = head.iter().flat_map(|field| field.to_le_bytes()).collect();
        let head = bytes.len();
        bytes.extend(tail);
        Answer { head, bytes }
    }

    /// How many bytes it has.
    pub(super) fn len(&self) -> u32 {
        self.bytes.len() as u32
    }

    /// The bytes for a buffer of that length, and the status that goes with them.
    pub(super) fn for_buffer(&self, length: usize) -> (&[u8], NTSTATUS) {
        match length {
            _ if length < self.head => (&[], STATUS_BUFFER_TOO_SMALL),
            _ if length < self.bytes.len() => (&self.bytes[..length], STATUS_BUFFER_OVERFLOW),
            _ => (&self.bytes, STATUS_SUCCESS),
        }
    }
}

fn bytes(name: &[u16]) -> impl Iterator<Item = u8> + Clone {
    name.iter().flat_map(|unit| unit.to_le_bytes())
}

/// What is said of a value, by class; `None` for a class that is not modelled.
pub(super) fn of_value(value: &Value, class: KEY_VALUE_INFORMATION_CLASS) -> Option<Answer> {
    /// The size of a KEY_VALUE_FULL_INFORMATION up to the name.
    const FULL_HEAD: usize = 20;
    let (name_bytes, data_bytes) = (2 * value.name.len() as u32, value.data.len() as u32);
    let data = value.data.iter().copied();
    Some(match class {
        KeyValueBasicInformation => Answer::new(&[0, value.kind, name_bytes], bytes(&value.name)),
        KeyValuePartialInformation => Answer::new(&[0, value.kind, data_bytes], data),
        KeyValueFullInformation => {
            // The data are aligned as a pointer is.
            let offset = (FULL_HEAD + name_bytes as usize).next_multiple_of(8);
            let gap = offset - FULL_HEAD - name_bytes as usize;
            let tail = bytes(&value.name).chain(std::iter::repeat_n(0, gap)).chain(data);
            Answer::new(&[0, value.kind, offset as u32, data_bytes, name_bytes], tail)
        }
        _ => return None,
    })
}

/// What is said of a key, by class; `None` for a class that is not modelled. When it was written last is 0.
pub(super) fn of_key(key: &Key, class: KEY_INFORMATION_CLASS, longest_key: u32) -> Option<Answer> {
    /// Stands for the offset of a class name where there is none.
    const NO_CLASS: u32 = u32::MAX;
    let name_bytes = 2 * key.name.len() as u32;
    let longest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0) as u32;
    Some(match class {
        KeyBasicInformation => Answer::new(&[0, 0, 0, name_bytes], bytes(&key.name)),
        KeyNodeInformation => Answer::new(&[0, 0, 0, NO_CLASS, 0, name_bytes], bytes(&key.name)),
        KeyFullInformation => {
            let values = key.values.values();
            let longest_value = longest(&mut values.clone().map(|value| 2 * value.name.len()));
            let most_data = longest(&mut values.map(|value| value.data.len()));
            let (keys, values) = (key.keys.len() as u32, key.values.len() as u32);
            Answer::new(
                &[0, 0, 0, NO_CLASS, 0, keys, longest_key, 0, values, longest_value, most_data],
                std::iter::empty(),
            )
        }
        _ => return None,
    })
}
