//! StorPortAllocatePool2: a pointer that holds a live block is not overwritten by the next allocation.

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
    /// StorPortAllocatePool is not called for a pointer that holds a live block.
    ///
    /// ## What is checked
    /// At each StorPortAllocatePool: the variable behind BufferPointer does not hold a block that an
    /// earlier call stored into this very variable and that was not freed. Off unless asked for: a driver
    /// that has put the block somewhere else meanwhile, into a list, loses nothing, and is told of all the
    /// same.
    ///
    /// ## Why it matters
    /// The earlier block is lost: nothing has its address any more, and it stays allocated until the system
    /// is restarted.
    ///
    /// ## Source
    /// Microsoft, "StorPortAllocatePool2 rule (Storport)": devtest/storport-storportallocatepool2.
    StorPortAllocatePool2: SrbProcessing, Rule, off,
    why "nothing has the earlier block's address any more: it stays allocated until the system is restarted",
    url "devtest/storport-storportallocatepool2",
    exhibits "stor-port-allocate-pool2" with "--rules all",
    make |_| StorPortAllocatePool2::default()
}

/// The rule.
#[derive(Default)]
struct StorPortAllocatePool2 {
    /// The variable that the call of a thread is to fill in.
    variable: PerThread<usize>,
    /// Live blocks: the variable that got each, and when.
    blocks: Mutex<BTreeMap<usize, (usize, Moment)>>,
}

impl Rule for StorPortAllocatePool2 {
    fn interest(&self) -> Interest {
        let calls = Interest::enter(&[&row::StorPortAllocatePool, &row::StorPortFreePool]);
        calls.exit(&[&row::StorPortAllocatePool])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        if let Some(call) = event.args::<args::StorPortAllocatePool>() {
            let variable = call.BufferPointer.pointer();
            self.variable.of(event, |own| *own = variable);
            let block = word(variable)?;
            let earlier = self.blocks.lock().get(&block).filter(|(got, _)| *got == variable).cloned();
            let (_, at) = earlier.filter(|_| is_of_driver(event))?;
            let what = "StorPortAllocatePool for a pointer that holds a block which was not freed";
            return Some(Breach::new(event, what).earlier([at]));
        }
        if let Some(call) = event.args::<args::StorPortFreePool>() {
            self.blocks.lock().remove(&call.BufferPointer.pointer());
        } else if let EventKind::Exit(..) = event.kind {
            let variable = self.variable.of(event, |variable| *variable)?;
            if let Some(block) = word(variable).filter(|block| *block != 0) {
                let at = event.moment_to_keep().labelled("allocated");
                self.blocks.lock().insert(block, (variable, at));
            }
        }
        FINE
    }
}
