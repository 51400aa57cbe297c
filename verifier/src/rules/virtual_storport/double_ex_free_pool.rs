//! DoubleExFreePool: a block of pool is freed once.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen, is_of_driver};
use kernel_sim::ddi::{args, row};
use kernel_sim::hook::{Event, EventKind, Interest};
use kernel_sim::moment::Moment;
use parking_lot::Mutex;
use std::collections::BTreeMap;

rule! {
    /// A pointer that was passed to ExFreePool is not passed to it again.
    ///
    /// ## What is checked
    /// At each ExFreePool and ExFreePoolWithTag, that the address was not freed before without having been
    /// allocated again. The static rule follows the variable, so it has to be told that a list was walked; an
    /// address needs no such exception. Off unless asked for: the machine stops for the same mistake
    /// (0xC4/0x10), as Windows does (0xC2).
    ///
    /// ## Why it matters
    /// The block may be another driver's by now: freeing it again frees that.
    ///
    /// ## Source
    /// Microsoft, "DoubleExFreePool rule (Storport)": devtest/storport-doubleexfreepool.
    DoubleExFreePool: VirtualStorport, Rule, off, only Virtual,
    why "the block may be another driver's by now: freeing it again frees that",
    url "devtest/storport-doubleexfreepool",
    exhibits "double-ex-free-pool" with "--rules all",
    make |_| DoubleExFreePool::default()
}

/// The rule: blocks that are free, by host address, and when they were freed.
#[derive(Default)]
struct DoubleExFreePool {
    freed: Mutex<BTreeMap<usize, Moment>>,
}

impl Rule for DoubleExFreePool {
    fn interest(&self) -> Interest {
        let calls = Interest::enter(&[&row::ExFreePool, &row::ExFreePoolWithTag]);
        calls.exit(&[&row::ExAllocatePool2, &row::ExAllocatePoolWithTag])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        if let EventKind::Exit(_, answer) = event.kind {
            self.freed.lock().remove(&answer.pointer());
            return FINE;
        }
        let tagged = event.args::<args::ExFreePoolWithTag>().map(|call| call.P);
        let block = event.args::<args::ExFreePool>().map(|call| call.P).or(tagged)?.pointer();
        let now = event.moment_to_keep().labelled("freed");
        let before = self.freed.lock().insert(block, now).filter(|_| is_of_driver(event))?;
        let what = "a block of pool is freed that is free already";
        Some(Breach::new(event, what).earlier([before]))
    }
}
