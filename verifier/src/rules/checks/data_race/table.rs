//! A value for each word that has one: what objects were given, which accesses a word remembers.
//!
//! It says nothing about what a value means. Invariant: a word has the default value until it is given
//! another, and again once it was cleared.

use kernel_sim::words::WordMap;
use std::ops::Range;

/// Values by word.
pub(super) struct Table<T> {
    /// For each word the place of its value, plus one.
    places: WordMap,
    values: Vec<T>,
    /// Places of values, default ones, that no word has.
    unused: Vec<u32>,
}

impl<T> Default for Table<T> {
    fn default() -> Table<T> {
        Table { places: WordMap::default(), values: Vec::new(), unused: Vec::new() }
    }
}

impl<T: Default> Table<T> {
    /// The value of a word; `None` if it was never asked for since it was cleared.
    #[inline(always)]
    pub(super) fn get(&mut self, word: usize) -> Option<&mut T> {
        let place = *self.places.of(word);
        (place != 0).then(|| &mut self.values[place as usize - 1])
    }

    /// The value of a word.
    #[inline(always)]
    pub(super) fn get_or_default(&mut self, word: usize) -> &mut T {
        let Table { places, values, unused } = self;
        let place = places.of(word);
        if *place == 0 {
            *place = Table::place(values, unused);
        }
        &mut values[*place as usize - 1]
    }

    /// A place for the value of a word that has none.
    #[cold]
    fn place(values: &mut Vec<T>, unused: &mut Vec<u32>) -> u32 {
        unused.pop().unwrap_or_else(|| {
            values.push(T::default());
            values.len() as u32
        })
    }

    /// Clears words; `empty` makes a value the default one.
    pub(super) fn clear(&mut self, words: Range<usize>, empty: impl Fn(&mut T)) {
        let Table { places, values, unused } = self;
        places.clear(words, |place| {
            empty(&mut values[place as usize - 1]);
            unused.push(place);
        });
    }
}
