//! Blocks side by side, in power-of-two classes.
//!
//! What is known about a block is kept outside of it, so a driver that writes past its end cannot confuse the
//! allocator. A block that was freed is filled with a pattern and kept out of use for a while; when its place
//! is used again, and at the end of a run, the pattern is looked at. Invariant: equal sequences of calls give
//! equal addresses.

#![expect(unsafe_code, reason = "fills and checks blocks of driver memory")]

use super::{Block, FREED, TAIL, TAIL_BYTES};
use std::collections::VecDeque;

/// Bytes of a freed block that are overwritten; more would make freeing large buffers slow.
const FREED_BYTES_MAX: usize = 512;
const CLASS_MIN: u32 = 6;
const CLASSES: usize = 31;
/// Offset of the first block: the null page is never handed out.
const FIRST: usize = 4096;
/// Places of one class that are kept out of use after they were freed.
const QUARANTINE: usize = 8;
/// The largest class of which places are kept out of use: more would cost memory of the host.
const QUARANTINED_CLASS_MAX: usize = 12;

/// A place that was freed: its number, and how many bytes there hold the pattern.
#[derive(Clone, Copy)]
struct Free {
    slot: u32,
    filled: u32,
}

/// See the module page.
pub(super) struct PlainBlocks {
    base: usize,
    used: usize,
    free: [VecDeque<Free>; CLASSES],
    /// The classes in which a place was ever freed, as bits.
    freed_classes: u32,
    /// By offset / 64: index into `blocks` plus one, or 0.
    index: Vec<u32>,
    /// Blocks in use, and the numbers of their places.
    blocks: Vec<Option<(u32, Block)>>,
    spare: Vec<u32>,
}

impl PlainBlocks {
    pub(super) fn new(base: usize) -> PlainBlocks {
        PlainBlocks {
            base,
            used: FIRST,
            free: [const { VecDeque::new() }; CLASSES],
            freed_classes: 0,
            index: Vec::new(),
            blocks: Vec::new(),
            spare: Vec::new(),
        }
    }

    /// Forgets every block.
    pub(super) fn reset(&mut self) {
        self.used = FIRST;
        for class in classes(std::mem::take(&mut self.freed_classes)) {
            self.free[class].clear();
        }
        self.index.clear();
        self.blocks.clear();
        self.spare.clear();
    }

    pub(super) fn used_bytes(&self) -> usize {
        self.used
    }

    /// A place for a block, below `end`: its offset, and the offset of a byte in it that was written after it
    /// had been freed.
    pub(super) fn take(&mut self, block: Block, end: usize) -> Option<(usize, Option<usize>)> {
        let bytes = block.bytes;
        let class = class_of(bytes)?;
        let kept = if class <= QUARANTINED_CLASS_MAX { QUARANTINE } else { 0 };
        let (offset, written) = if self.free[class].len() > kept {
            let free = self.free[class].pop_front().expect("more than are kept");
            (offset_of(free.slot), self.written(free))
        } else {
            let size = 1usize << class;
            // Blocks of a page and more are page-aligned, smaller ones aligned to their size.
            let at = self.used.next_multiple_of(size.min(4096));
            if at + size > end {
                let free = self.free[class].pop_front()?;
                (offset_of(free.slot), self.written(free))
            } else {
                self.used = at + size;
                (at, None)
            }
        };
        let slot = offset >> CLASS_MIN;
        if self.index.len() <= slot {
            self.index.resize(slot + 1, 0);
        }
        let number = match self.spare.pop() {
            Some(n) => {
                self.blocks[n as usize] = Some((slot as u32, block));
                n
            }
            None => {
                self.blocks.push(Some((slot as u32, block)));
                (self.blocks.len() - 1) as u32
            }
        };
        self.index[slot] = number + 1;
        let host = self.base + offset;
        // SAFETY: the block lies in mapped memory and was just reserved; no reference to it exists yet.
        unsafe { ((host + bytes) as *mut u8).write_bytes(TAIL, TAIL_BYTES) };
        Some((offset, written))
    }

    /// The block in use that begins at an offset.
    pub(super) fn find(&self, offset: usize) -> Option<Block> {
        if !offset.is_multiple_of(1 << CLASS_MIN) {
            return None;
        }
        let number = self.index.get(offset >> CLASS_MIN).copied().filter(|n| *n != 0)?;
        self.blocks[number as usize - 1].map(|(_, block)| block)
    }

    /// Whether the guard bytes behind a block in use are as they were.
    pub(super) fn is_tail_intact(&self, offset: usize, block: &Block) -> bool {
        let tail = (self.base + offset + block.bytes) as *const u8;
        // SAFETY: the guard bytes belong to the block and lie in mapped memory.
        unsafe { std::slice::from_raw_parts(tail, TAIL_BYTES) == [TAIL; TAIL_BYTES] }
    }

    /// Frees a block in use.
    pub(super) fn give_back(&mut self, offset: usize, block: &Block) {
        let slot = offset >> CLASS_MIN;
        let number = std::mem::take(&mut self.index[slot]) - 1;
        self.blocks[number as usize] = None;
        self.spare.push(number);
        let class = class_of(block.bytes).expect("a block in use has a class");
        let filled = block.bytes.min(FREED_BYTES_MAX);
        self.freed_classes |= 1 << class;
        self.free[class].push_back(Free { slot: slot as u32, filled: filled as u32 });
        // SAFETY: the block is free now and lies in mapped memory.
        unsafe { ((self.base + offset) as *mut u8).write_bytes(FREED, filled) };
    }

    /// The first byte of a free place that no longer holds the pattern, as an offset into the pool.
    fn written(&self, free: Free) -> Option<usize> {
        let offset = offset_of(free.slot);
        // SAFETY: the place is free and lies in mapped memory; a driver that writes it at the same time races
        // with us, and is what is looked for.
        let bytes =
            unsafe { std::slice::from_raw_parts((self.base + offset) as *const u8, free.filled as usize) };
        // Whole pieces first: nearly always each of them is as it was left.
        let (pieces, _) = bytes.as_chunks::<16>();
        let from = 16 * pieces.iter().take_while(|piece| **piece == [FREED; 16]).count();
        bytes[from..].iter().position(|byte| *byte != FREED).map(|at| offset + from + at)
    }

    /// The first byte of any free place that was written after it had been freed: the place, and the byte, as
    /// offsets into the pool.
    pub(super) fn first_written(&self) -> Option<(usize, usize)> {
        let mut free = classes(self.freed_classes).flat_map(|class| &self.free[class]);
        free.find_map(|free| Some((offset_of(free.slot), self.written(*free)?)))
    }

    /// The first block in use behind which something was written: its offset, and what is known of it.
    pub(super) fn first_overrun(&self) -> Option<(usize, Block)> {
        let mut blocks = self.placed().into_iter().map(|(slot, block)| (offset_of(slot), block));
        blocks.find(|(offset, block)| !self.is_tail_intact(*offset, block))
    }

    /// Blocks in use, by their addresses.
    pub(super) fn in_use(&self) -> impl Iterator<Item = Block> + use<> {
        self.placed().into_iter().map(|(_, block)| block)
    }

    /// Blocks in use and their places, by address. It does not walk the index, which is as long as the pool.
    fn placed(&self) -> Vec<(u32, Block)> {
        let mut placed: Vec<_> = self.blocks.iter().copied().flatten().collect();
        placed.sort_unstable_by_key(|(slot, _)| *slot);
        placed
    }
}

/// The numbers of the bits that are set.
fn classes(mut bits: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let lowest = (bits != 0).then(|| bits.trailing_zeros() as usize)?;
        bits &= bits - 1;
        Some(lowest)
    })
}

fn offset_of(slot: u32) -> usize {
    (slot as usize) << CLASS_MIN
}

/// Power of two that holds the bytes and the guard behind them.
fn class_of(bytes: usize) -> Option<usize> {
    let class = (bytes.checked_add(TAIL_BYTES)?).next_power_of_two().trailing_zeros().max(CLASS_MIN) as usize;
    (class < CLASSES).then_some(class)
}
