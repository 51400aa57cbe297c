//! Wait blocks that sleeping threads use: which memory, and since when.
//!
//! A thread that waits for several objects lends the kernel an array of wait blocks for as long as it sleeps.
//! Windows links the blocks into the lists of the objects and does not look whether they are linked already:
//! a second wait with the same array corrupts the lists, and so does freeing it. Both are stopped here.
//! Waits with the blocks of the thread itself are not of interest, nor are waits that do not sleep.
//! Invariant: the ranges of the table do not overlap.

use crate::ddi::Call;
use crate::lives;
use crate::machine::Machine;
use crate::moment::Moment;
use crate::stamp::Mark;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::Ordering::Relaxed;

/// One array.
struct Lent {
    end: usize,
    since: Mark,
}

/// The arrays in use, by host address. Guarded by the kernel lock.
#[derive(Default)]
pub(crate) struct WaitBlocks(BTreeMap<usize, Lent>);

impl WaitBlocks {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first array that has a byte in the range: where, and since when it is in use.
    pub(crate) fn within(&self, range: &Range<usize>) -> Option<(usize, Mark)> {
        let before = self.0.range(..range.start).next_back().filter(|(_, lent)| lent.end > range.start);
        let found = before.or_else(|| self.0.range(range.clone()).next());
        found.map(|(at, lent)| (*at, lent.since))
    }

    /// A wait with this array has ended. A wait without one has no array that is known.
    pub(super) fn end(&mut self, machine: &Machine, blocks: usize) {
        if self.0.remove(&blocks).is_some() {
            machine.linked_objects.fetch_sub(1, Relaxed);
        }
    }
}

/// The array of a wait is in use from now on; it must be in no other wait, whose beginning is returned
/// otherwise. An empty range is no array.
pub(super) fn begin(call: &Call, table: &mut WaitBlocks, blocks: &Range<usize>) -> Result<(), Mark> {
    if blocks.is_empty() {
        return Ok(());
    }
    if let Some((_, since)) = table.within(blocks) {
        return Err(since);
    }
    call.machine().linked_objects.fetch_add(1, Relaxed);
    table.0.insert(blocks.start, Lent { end: blocks.end, since: Mark::of(call) });
    Ok(())
}

/// Stops the machine: the array of a wait is in the use of another.
#[cold]
pub(super) fn stop_in_two_waits(call: &Call, blocks: usize, since: &Mark) -> ! {
    lives::stop_in_use(call, blocks, "waits with wait blocks that another wait uses", told(call, since))
}

/// Stops the machine: memory is freed that holds the array of a wait.
#[cold]
pub(crate) fn stop_freed(call: &Call, blocks: usize, since: &Mark) -> ! {
    lives::stop_in_use(
        call,
        blocks,
        "frees memory that holds wait blocks of a thread that waits",
        told(call, since),
    )
}

fn told(call: &Call, since: &Mark) -> Vec<Moment> {
    vec![since.moment(call.machine(), "waits")]
}
