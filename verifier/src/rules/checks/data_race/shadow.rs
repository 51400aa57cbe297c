//! What is remembered of memory: its last accesses, as far as a later one may race with them.
//!
//! Memory is looked at in words of eight bytes; each that was touched has a short list of accesses, with
//! the bytes that they touched. An access that is in order with a newer one, and would race with nothing
//! that the newer one does not race with, is forgotten. Invariant: if any two accesses of a run race, the
//! later one of some pair is told so.

use super::clocks::{Actor, Clock, Entry};
use super::table::Table;
use kernel_sim::moment::Mark;
use kernel_sim::words::{WORD, WordMap};

/// A plain access that was made.
#[derive(Clone, Copy)]
pub(super) struct Past {
    /// The bytes of the word, a bit each.
    mask: u8,
    /// Whether it wrote.
    pub(super) is_write: bool,
    actor: Actor,
    /// The entry of its actor when it was made.
    at: Entry,
    /// Where and when.
    pub(super) mark: Mark,
}

impl Past {
    /// Whether it comes before what an actor with that clock does now.
    #[inline]
    fn is_before(&self, actor: Actor, clock: &Clock) -> bool {
        self.actor == actor || self.at <= clock.of(self.actor)
    }

    /// Whether a later access races with all that it could race with.
    #[inline]
    fn is_stood_for(&self, later: Access) -> bool {
        self.mask & !later.mask == 0 && (later.is_write || !self.is_write)
    }
}

/// The accesses of a run: a list for each word.
#[derive(Default)]
pub(super) struct Shadow(Table<Vec<Past>>);

/// An access that is made now, of bytes of one word.
#[derive(Clone, Copy)]
pub(super) struct Access {
    word: usize,
    mask: u8,
    is_write: bool,
}

impl Access {
    /// An access whose bytes, one or more, lie in one word: most do.
    #[inline]
    pub(super) fn of_one_word(address: usize, bytes: usize, is_write: bool) -> Option<Access> {
        let from = address % WORD;
        let mask = || (0xFF_u8 >> (WORD - bytes)) << from;
        (from + bytes <= WORD).then(|| Access { word: address / WORD, mask: mask(), is_write })
    }

    /// The parts of an access, a word each.
    pub(super) fn parts(address: usize, bytes: usize, is_write: bool) -> impl Iterator<Item = Access> {
        let end = address + bytes;
        WordMap::words(address, bytes).filter_map(move |word| {
            let (from, to) = (address.max(word * WORD), end.min((word + 1) * WORD));
            Access::of_one_word(from, to - from, is_write)
        })
    }
}

impl Shadow {
    /// Notes an access; returns one before it that it races with, if there is any.
    #[inline]
    pub(super) fn access(
        &mut self,
        access: Access,
        actor: Actor,
        clock: &Clock,
        mark: impl FnOnce() -> Mark,
    ) -> Option<Past> {
        let Access { mask, is_write, .. } = access;
        let list = self.0.get_or_default(access.word);
        let now = clock.of(actor);
        // Where the first and the last stand that it stands for as well.
        let mut stood_for = None;
        for (n, p) in list.iter().enumerate() {
            if p.actor == actor && p.at == now && p.mask & mask == mask && (p.is_write || !is_write) {
                // The same stretch of one actor's doing: nothing that others did since could be between.
                return None;
            }
            if !p.is_before(actor, clock) {
                if p.mask & mask != 0 && (p.is_write || is_write) {
                    return Some(*p);
                }
            } else if p.is_stood_for(access) {
                stood_for = Some((stood_for.map_or(n, |(first, _)| first), n));
            }
        }
        let newest = Past { mask, is_write, actor, at: now, mark: mark() };
        let Some((first, last)) = stood_for else {
            list.push(newest);
            return None;
        };
        list[first] = newest;
        for n in (first + 1..=last).rev() {
            if list[n].is_before(actor, clock) && list[n].is_stood_for(access) {
                list.swap_remove(n);
            }
        }
        None
    }

    /// A block of memory is fresh: what was done there is over.
    pub(super) fn forget(&mut self, from: usize, bytes: usize) {
        self.0.clear(WordMap::words(from, bytes), Vec::clear);
    }
}

#[cfg(test)]
mod tests {
    use super::super::clocks::Clocks;
    use super::*;
    use kernel_sim::bugcheck::Ending;
    use kernel_sim::hook::Doer;
    use kernel_sim::machine::{Config, Execution};
    use kernel_sim::processor::Processor;
    use kernel_sim::routine::DEFERRED_ROUTINE;

    /// A word, two threads that access it, and how many of their accesses were remembered.
    #[derive(Default)]
    struct Word {
        shadow: Shadow,
        clocks: Clocks,
        marks: usize,
    }

    impl Word {
        fn thread(&mut self, n: u8) -> Actor {
            self.clocks.actor(Doer::new(n, n.into(), false, false))
        }

        /// The thread writes or reads the bytes of the mask, and races with nobody.
        fn accesses(&mut self, thread: Actor, mask: u8, is_write: bool) {
            let mark = || {
                self.marks += 1;
                Mark::of_entry(Processor::current(), &DEFERRED_ROUTINE)
            };
            let access = Access { word: 1, mask, is_write };
            assert!(self.shadow.access(access, thread, self.clocks.of(thread), mark).is_none());
        }

        /// What is remembered: bytes, and whether they were written.
        fn list(&mut self) -> Vec<(u8, bool)> {
            self.shadow.0.get(1).expect("the word").iter().map(|past| (past.mask, past.is_write)).collect()
        }
    }

    /// Runs where accesses have a place.
    fn on_a_machine(body: impl FnOnce() + Send + 'static) {
        let outcome = Config::new(1, Execution::Seeded(0)).unwrap().run(body);
        assert!(matches!(outcome.ending, Ending::Completed), "{:?}", outcome.ending);
    }

    #[test]
    fn an_access_takes_the_place_of_all_that_it_stands_for_and_of_nothing_else() {
        on_a_machine(|| {
            let mut word = Word::default();
            let [one, other] = [0, 1].map(|n| word.thread(n));
            word.accesses(one, 0x0F, false);
            word.clocks.ends_stretch(one);
            word.accesses(one, 0x0F, false);
            word.accesses(one, 0xF0, true);
            word.accesses(other, 0x0F, false);
            assert_eq!(word.list(), [(0x0F, false), (0xF0, true), (0x0F, false)]);
            let known = word.clocks.of(one).clone();
            word.clocks.learns(other, &known);
            word.accesses(other, 0x0F, true);
            assert_eq!(word.list(), [(0x0F, true), (0xF0, true)]);
        });
    }

    #[test]
    fn of_one_stretch_the_first_access_is_remembered() {
        on_a_machine(|| {
            let mut word = Word::default();
            let thread = word.thread(0);
            word.accesses(thread, 0x0F, false);
            word.accesses(thread, 0x03, false);
            assert_eq!(word.marks, 1);
            word.accesses(thread, 0x0F, true);
            word.accesses(thread, 0x0F, false);
            assert_eq!((word.marks, word.list()), (2, vec![(0x0F, true)]));
        });
    }

    #[test]
    fn an_access_has_a_part_in_each_word_that_it_touches() {
        let parts = |address, bytes| {
            Access::parts(address, bytes, true).map(|part| (part.word, part.mask)).collect::<Vec<_>>()
        };
        assert_eq!(parts(8, 8), [(1, 0xFF)]);
        assert_eq!(parts(13, 2), [(1, 0b0110_0000)]);
        assert_eq!(parts(12, 16), [(1, 0xF0), (2, 0xFF), (3, 0x0F)]);
    }
}
