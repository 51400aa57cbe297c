//! Blocks of a guarded machine: each on pages of its own, with a closed page behind it.
//!
//! A block that was given back keeps its place, and its pages stay closed, until there is no fresh place
//! left; then the one that was given back first is used again. So what is known of an address is what lies or
//! last lay there. A machine has so many guarded blocks at a time as the host can keep apart; those beyond
//! are plain ones. Invariant: no two blocks share a page, and between two there is always a closed one.

use super::Block;
use crate::guard::{GUARDED_FROM, Guard, PAGE, Placement};
use crate::memory::POOL_BYTES;
use crate::split_mix::SplitMix64;
use crate::stamp::Mark;
use std::collections::{BTreeMap, VecDeque};

/// Blocks at a time: closed by its protection each splits the host's table of mappings twice, which has room
/// for 65530.
const BLOCKS_MAX: usize = 4096;
/// What the pool promises of every block.
const ALIGNMENT: usize = 16;

/// A block and its place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Placed {
    pub block: Block,
    /// Offset of its first byte into the address space.
    pub start: usize,
    /// Its first page, counted from the beginning of the guarded part, and how many it has.
    page: usize,
    pages: usize,
    state: State,
}

/// Whether a block is in use.
#[derive(Clone, Copy, Debug)]
enum State {
    Lent,
    /// Since when, as far as a call gave it back.
    GivenBack(Option<Mark>),
}

/// What an address is to the block whose place it lies in.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Met {
    /// A byte of a block that was given back then.
    GivenBack { offset: usize, at: Option<Mark> },
    /// So many bytes behind the last byte of a block in use: 0 is the one right behind it.
    Behind(usize),
    /// So many bytes before the first byte of a block in use.
    Before(usize),
}

/// See the module page.
pub(super) struct GuardedBlocks {
    placed: BTreeMap<usize, Placed>,
    /// First pages of those given back, in that order.
    given_back: VecDeque<usize>,
    /// The first page that was never used.
    next: usize,
    in_use: usize,
    placement: Option<SplitMix64>,
}

impl GuardedBlocks {
    pub(super) fn new(placement: Placement) -> GuardedBlocks {
        let placement = match placement {
            Placement::AtEnd => None,
            Placement::Drawn(seed) => Some(SplitMix64::new(seed)),
        };
        // Page 0 stays closed: it is the guard before the first block.
        GuardedBlocks { placed: BTreeMap::new(), given_back: VecDeque::new(), next: 1, in_use: 0, placement }
    }

    /// Closes the pages of blocks that are still in use; whether all pages are closed then. Where the host
    /// refuses, it ends there.
    pub(super) fn close_all(&self, guard: &Guard) -> bool {
        let mut in_use = self.placed.values().filter(|placed| matches!(placed.state, State::Lent));
        let are_closed = in_use.all(|placed| guard.close(placed.page, placed.pages));
        // What the host refused to close when it was given back did not go on that list.
        are_closed && self.given_back.len() + self.in_use == self.placed.len()
    }

    /// Finds and opens a place for a block that is aligned to `alignment` bytes at least; its offset. `None`:
    /// there is none.
    pub(super) fn take(&mut self, guard: &Guard, block: Block, alignment: usize) -> Option<usize> {
        if self.in_use >= BLOCKS_MAX || alignment > PAGE {
            return None;
        }
        let pages = block.bytes.div_ceil(PAGE).max(1);
        let page = self.place(pages)?;
        if !guard.open(page, pages) {
            return None;
        }
        if block.paged {
            guard.are_paged(page, pages);
        }
        let slack = pages * PAGE - block.bytes;
        let is_at_end = self.placement.as_mut().is_none_or(|seed| seed.below(2) == 0);
        // A block of a page and more begins with a page, as documented.
        let before = if is_at_end && block.bytes < PAGE {
            slack / alignment.max(ALIGNMENT) * alignment.max(ALIGNMENT)
        } else {
            0
        };
        let start = GUARDED_FROM + page * PAGE + before;
        self.placed.insert(page, Placed { block, start, page, pages, state: State::Lent });
        self.in_use += 1;
        Some(start)
    }

    /// So many pages that are closed, with a closed one behind them.
    fn place(&mut self, pages: usize) -> Option<usize> {
        if self.next + pages < (POOL_BYTES - GUARDED_FROM) / PAGE {
            self.next += pages + 1;
            return Some(self.next - pages - 1);
        }
        let fits = |page: &usize| self.placed.get(page).is_some_and(|placed| placed.pages == pages);
        let at = self.given_back.iter().position(fits)?;
        self.given_back.remove(at)
    }

    /// The block in use that begins at an offset.
    pub(super) fn find(&self, offset: usize) -> Option<&Placed> {
        self.at(offset).filter(|placed| placed.start == offset && matches!(placed.state, State::Lent))
    }

    /// Takes a block in use back and closes its pages.
    pub(super) fn give_back(&mut self, guard: &Guard, offset: usize, at: Option<Mark>) {
        let page = offset.checked_sub(GUARDED_FROM).map(|from| from / PAGE);
        let placed = page.and_then(|page| self.placed.get_mut(&page)).expect("a block in use was found here");
        placed.state = State::GivenBack(at);
        self.in_use -= 1;
        // Where the host refuses, the place stays open and is not used again.
        if guard.close(placed.page, placed.pages) {
            self.given_back.push_back(placed.page);
        }
    }

    /// Ranges of bytes, as offsets, that belong to a block's pages and not to the block.
    pub(super) fn slack(placed: &Placed) -> [std::ops::Range<usize>; 2] {
        let first = GUARDED_FROM + placed.page * PAGE;
        [first..placed.start, placed.start + placed.block.bytes..first + placed.pages * PAGE]
    }

    /// What an offset is to the block whose pages it lies on, or else to the nearer one of those beside the
    /// closed page that it lies on. `None`: it is open, or nothing ever lay near it.
    pub(super) fn meet(&self, offset: usize) -> Option<(Placed, Met)> {
        let (here, next) = (self.at(offset), self.behind(offset));
        let behind_end = here.and_then(|placed| offset.checked_sub(placed.start + placed.block.bytes));
        let before_next = next.map(|next| next.start - offset);
        if let (Some(next), Some(before)) = (next, before_next)
            && (here.is_none() || behind_end.is_some_and(|behind| before <= behind))
        {
            return Some((*next, Met::Before(before)));
        }
        let placed = here?;
        let met = match (placed.state, behind_end) {
            (State::GivenBack(at), _) => Met::GivenBack { offset: offset.wrapping_sub(placed.start), at },
            (State::Lent, Some(behind)) => Met::Behind(behind),
            (State::Lent, None) => Met::Before(placed.start.checked_sub(offset).filter(|bytes| *bytes > 0)?),
        };
        Some((*placed, met))
    }

    /// The block in use on whose pages an offset lies.
    pub(super) fn lent_at(&self, offset: usize) -> Option<Placed> {
        self.at(offset).filter(|placed| matches!(placed.state, State::Lent)).copied()
    }

    /// The block in use that begins on the next page.
    fn behind(&self, offset: usize) -> Option<&Placed> {
        let page = offset.checked_sub(GUARDED_FROM)? / PAGE + 1;
        self.placed.get(&page).filter(|placed| matches!(placed.state, State::Lent))
    }

    /// The block on whose pages, or on the closed page behind them, an offset lies.
    fn at(&self, offset: usize) -> Option<&Placed> {
        let page = offset.checked_sub(GUARDED_FROM)? / PAGE;
        let (_, placed) = self.placed.range(..=page).next_back()?;
        (page <= placed.page + placed.pages).then_some(placed)
    }

    /// Blocks in use, by their places.
    pub(super) fn in_use(&self) -> impl Iterator<Item = &Block> {
        self.placed.values().filter(|placed| matches!(placed.state, State::Lent)).map(|placed| &placed.block)
    }
}
