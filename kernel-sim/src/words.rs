//! A number for each word of memory: a map by address, for those who look at every access.
//!
//! Pages are made as words of them are asked for, and found by their address: most often among those that
//! were asked for lately. It says nothing about what a number means. Invariant: a word that was never given
//! a number has 0.

use std::collections::BTreeMap;
use std::ops::Range;

/// Bytes of a word.
pub const WORD: usize = 8;
const PAGE_WORDS: usize = 512;
/// Pages that are found at once.
const RECENT: usize = 256;

/// Numbers by word.
pub struct WordMap {
    pages: Vec<[u32; PAGE_WORDS]>,
    /// From the number of a page of memory to its place above.
    places: BTreeMap<usize, u32>,
    /// Pages that were asked for lately, each where its number says once it is mixed (regions of memory lie
    /// at round distances), and their places.
    recent: Box<[(usize, u32); RECENT]>,
}

/// The number of no page.
const NOWHERE: usize = usize::MAX;

/// Where a page stands among those that were asked for lately.
#[inline]
fn slot(page: usize) -> usize {
    page.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (usize::BITS - RECENT.ilog2())
}

impl Default for WordMap {
    fn default() -> WordMap {
        // Made where it stays: the map itself is moved about with what it is part of.
        let recent = vec![(NOWHERE, 0); RECENT].into_boxed_slice();
        let recent = recent.try_into().expect("of that length");
        WordMap { pages: Vec::new(), places: BTreeMap::new(), recent }
    }
}

impl WordMap {
    /// The words that some bytes lie in.
    #[must_use]
    pub fn words(address: usize, bytes: usize) -> Range<usize> {
        address / WORD..(address + bytes).div_ceil(WORD)
    }

    /// The number of a word.
    #[inline]
    pub fn of(&mut self, word: usize) -> &mut u32 {
        let page = word / PAGE_WORDS;
        let (known, place) = self.recent[slot(page)];
        let place = if known == page { place } else { self.find(page) };
        &mut self.pages[place as usize][word % PAGE_WORDS]
    }

    #[cold]
    fn find(&mut self, page: usize) -> u32 {
        let place = *self.places.entry(page).or_insert_with(|| {
            self.pages.push([0; PAGE_WORDS]);
            self.pages.len() as u32 - 1
        });
        self.recent[slot(page)] = (page, place);
        place
    }

    /// Gives every word of a range the number 0, and shows the numbers other than 0 that were there.
    pub fn clear(&mut self, words: Range<usize>, mut was: impl FnMut(u32)) {
        if words.is_empty() {
            return;
        }
        let (start, last) = (words.start / PAGE_WORDS, (words.end - 1) / PAGE_WORDS);
        let mut clear = |page: usize, place: u32| {
            let first = page * PAGE_WORDS;
            let (from, to) = (words.start.max(first), words.end.min(first + PAGE_WORDS));
            for number in &mut self.pages[place as usize][from - first..to - first] {
                if *number != 0 {
                    was(std::mem::take(number));
                }
            }
        };
        // Most blocks lie in one page, and in one that was asked for lately.
        if start == last && self.recent[slot(start)].0 == start {
            clear(start, self.recent[slot(start)].1);
            return;
        }
        self.places.range(start..=last).for_each(|(page, place)| clear(*page, *place));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_many_pages_keep_their_numbers_until_they_are_cleared() {
        let mut map = WordMap::default();
        // Pages that share a place among the recent ones, too.
        let words: Vec<usize> = (0..300).map(|n| n * PAGE_WORDS * 7 + n).collect();
        for (n, word) in words.iter().enumerate() {
            assert_eq!(*map.of(*word), 0);
            *map.of(*word) = n as u32 + 1;
        }
        assert!(words.iter().enumerate().all(|(n, word)| *map.of(*word) == n as u32 + 1));
        let mut cleared = Vec::new();
        map.clear(words[10]..words[12] + 1, |number| cleared.push(number));
        assert_eq!(cleared, [11, 12, 13]);
        assert_eq!((*map.of(words[11]), *map.of(words[13])), (0, 14));
        map.clear(5..5, |_| panic!("an empty range"));
    }

    #[test]
    fn an_access_lies_in_each_word_that_it_touches() {
        assert_eq!(WordMap::words(16, 8), 2..3);
        assert_eq!(WordMap::words(23, 2), 2..4);
        assert_eq!(WordMap::words(17, 1), 2..3);
    }
}
