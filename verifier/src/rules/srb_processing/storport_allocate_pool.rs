//! StorPortAllocatePool: what StorPortFreePool frees was allocated, and is freed once.

use crate::rules::row::rule;
use crate::rules::state::PerThread;
use crate::rules::{Breach, FINE, Rule, Seen, is_of_driver};
use kernel_sim::hook::{Event, EventKind, Interest};
use kernel_sim::moment::Moment;
use kernel_sim::seen::word;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use storport_sim::ddi::{args, row};

rule! {
    /// StorPortFreePool frees each block of StorPortAllocatePool once, and nothing else.
    ///
    /// ## What is checked
    /// At each StorPortFreePool, that StorPortAllocatePool returned this very block and that it was not freed
    /// since. Off unless asked for: the machine stops for the same mistake (0xC4/0x10).
    ///
    /// ## Why it matters
    /// The block may be another driver's by now: freeing it again frees that.
    ///
    /// ## Source
    /// Microsoft, "StorPortAllocatePool rule (Storport)": devtest/storportallocatepool.
    StorPortAllocatePool: SrbProcessing, Rule, off,
    why "the block may be another driver's by now: freeing it again frees that",
    url "devtest/storportallocatepool",
    exhibits "stor-port-allocate-pool" with "--rules all",
    make |_| StorPortAllocatePool::default()
}

/// The rule.
#[derive(Default)]
struct StorPortAllocatePool {
    /// The variable that the call of a thread is to fill in.
    variable: PerThread<usize>,
    /// Every block there ever was, by host address: when it was freed, if it is free.
    blocks: Mutex<BTreeMap<usize, Option<Moment>>>,
}

impl Rule for StorPortAllocatePool {
    fn interest(&self) -> Interest {
        let calls = Interest::enter(&[&row::StorPortAllocatePool, &row::StorPortFreePool]);
        calls.exit(&[&row::StorPortAllocatePool])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        if let Some(call) = event.args::<args::StorPortAllocatePool>() {
            self.variable.of(event, |variable| *variable = call.BufferPointer.pointer());
        } else if let EventKind::Exit(..) = event.kind {
            let variable = self.variable.of(event, |variable| *variable)?;
            if let Some(block) = word(variable).filter(|block| *block != 0) {
                self.blocks.lock().insert(block, None);
            }
        } else if let Some(call) = event.args::<args::StorPortFreePool>() {
            let block = call.BufferPointer.pointer();
            let now = event.moment_to_keep().labelled("freed");
            let (what, before) = match self.blocks.lock().get_mut(&block) {
                Some(freed @ None) => {
                    *freed = Some(now);
                    return FINE;
                }
                Some(Some(before)) => {
                    ("StorPortFreePool for a block that is free already", Some(before.clone()))
                }
                None => ("StorPortFreePool for memory that StorPortAllocatePool did not return", None),
            };
            if block != 0 && is_of_driver(event) {
                return Some(Breach::new(event, what).earlier(before));
            }
        }
        FINE
    }
}
