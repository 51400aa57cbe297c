//! Memory that is used by one who does not have it: what the machine says of that.
//!
//! On a guarded machine an access to a closed page is told at once, with when the block there was lent and
//! given back. On others a write to freed memory is told when its place is used again, or at the end of the
//! run; who wrote is not known then. Invariant: nothing here is asked in a run that goes well, but for one
//! look at what is free at the end.

use super::guarded::Placed;
use super::{Met, OVERRUN, Of, PAST_ITS_END};
use crate::bugcheck::{
    BugCheck, DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION as BEYOND,
    DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL as FREED_POOL, DRIVER_VERIFIER_DETECTED_VIOLATION as VERIFIER,
    Ending, REQUEST_TOUCHED_AFTER_COMPLETION as REQUEST, StopCode,
};
use crate::machine::Machine;
use crate::moment::Moment;
use crate::processor::Processor;
use crate::report_address;

/// What an access to closed memory comes to.
pub(crate) struct ClosedMemory {
    pub(crate) stop: StopCode,
    /// What the memory is or was, as the object of a sentence.
    pub(crate) what: String,
    /// When it was lent and given back.
    pub(crate) earlier: Vec<Moment>,
}

impl ClosedMemory {
    /// The parameters of its stop, for an access to the machine address `shown`.
    pub(crate) fn parameters(&self, shown: u64, is_write: bool) -> [u64; 4] {
        let is_write = u64::from(is_write);
        if self.stop == REQUEST { [0, shown, is_write, 0] } else { [shown, is_write, 0, 0] }
    }
}

impl Machine {
    /// The block of paged pool at an address, in words, and when it was allocated, if that is not in memory.
    pub(crate) fn paged_out(&self, address: usize) -> Option<(String, Vec<Moment>)> {
        let offset = address.checked_sub(self.memory.base())?;
        if !self.memory.guard()?.is_away(offset) {
            return None;
        }
        let placed = self.pool.lock().guarded.as_ref()?.lent_at(offset)?;
        let allocated = placed.block.mark.map(|mark| mark.moment(self, label(&placed)));
        let what = place(&placed, offset.saturating_sub(placed.start));
        Some((format!("{what} of paged pool"), allocated.into_iter().collect()))
    }

    /// What lies at an address of the guarded part of the pool that is closed, or lay there last; `None`: it
    /// is open, or nothing is known of it.
    pub(crate) fn closed_memory(&self, address: usize) -> Option<ClosedMemory> {
        let guard = self.memory.guard()?;
        let offset = address.checked_sub(self.memory.base())?;
        if !self.memory.spans(address, 1) || guard.is_open(offset, 1) {
            return None;
        }
        let (placed, met) = self.pool.lock().guarded.as_ref()?.meet(offset)?;
        let mut earlier: Vec<_> =
            placed.block.mark.map(|mark| mark.moment(self, label(&placed))).into_iter().collect();
        let (stop, what) = match met {
            Met::GivenBack { offset, at } => {
                let (stop, label) = match placed.block.of {
                    Of::Request(_) => (REQUEST, "completed"),
                    Of::Driver | Of::System => (FREED_POOL, "freed"),
                };
                earlier.extend(at.map(|mark| mark.moment(self, label)));
                (stop, format!("{}, which is {label}", place(&placed, offset)))
            }
            Met::Behind(bytes) => (BEYOND, format!("{} behind {}", distance(bytes + 1), name(&placed))),
            Met::Before(bytes) => (BEYOND, format!("{} before {}", distance(bytes), name(&placed))),
        };
        let what = format!("{what}, at {}", report_address(self.machine_address(address)));
        Some(ClosedMemory { stop, what, earlier })
    }

    /// What is wrong with the plain pool, if anything is: asked when code of the system has come to grief,
    /// which what lies there may explain. `now` is where that was. `None` where the pool is in use.
    pub(crate) fn misused_memory(&self, now: Moment) -> Option<BugCheck> {
        const FOUND: &str = "looked at, after what a part of the system relies on had made no sense";
        let base = self.memory.base();
        let (overrun, written) = {
            let pool = self.pool.try_lock()?;
            (pool.plain.first_overrun(), pool.plain.first_written())
        };
        let check = |stop, parameters, what, earlier| {
            Some(BugCheck { stop, parameters, what, now, earlier, raised_at: None })
        };
        if let Some((offset, block)) = overrun {
            let what = format!(
                "the block of {} bytes was written {PAST_ITS_END}; this was found when it was {FOUND}, and who \
                 wrote is not known: a run with guarded memory shows it",
                block.bytes
            );
            let parameters = [OVERRUN, self.machine_address(base + offset), 0, 0];
            return check(VERIFIER, parameters, what, block.allocated(self));
        }
        let (block, at) = written?;
        let what = written_after_free(self, base + block, base + at, FOUND);
        check(FREED_POOL, [self.machine_address(base + at), 1, 0, 0], what, self.freed_before(base + block))
    }

    /// The driver's part of the run has ended, and all is still: stops the machine if a freed block was
    /// written to and nobody has noticed yet.
    pub(crate) fn check_freed_memory(&self) {
        if self.is_quiet() {
            return;
        }
        let written = self.pool.lock().plain.first_written();
        if let Some((block, at)) = written {
            let base = self.memory.base();
            let what = written_after_free(self, base + block, base + at, "looked at, at the end of the run");
            let check = BugCheck {
                stop: FREED_POOL,
                parameters: [self.machine_address(base + at), 1, 0, 0],
                what,
                now: Moment { step: self.step_of_moment(), time_ns: self.time_ns(), ..Moment::on(0) },
                earlier: self.freed_before(base + block),
                raised_at: None,
            };
            self.stop(Ending::BugCheck(Box::new(check)));
        }
    }
}

/// A block was written to after it had been freed, which is found when its place is used again.
#[cold]
pub(super) fn stop_at_written(cpu: &Processor, block: usize, at: usize) -> ! {
    let machine = cpu.machine();
    let what = written_after_free(machine, block, at, "allocated again");
    let parameters = [machine.machine_address(at), 1, 0, 0];
    cpu.bug_check_after(FREED_POOL, parameters, what, machine.freed_before(block))
}

fn written_after_free(machine: &Machine, block: usize, at: usize, found: &str) -> String {
    format!(
        "byte {} of the freed block {} was written; this was found when the block was {found}, and who wrote is \
         not known: a run with guarded memory shows it",
        at - block,
        report_address(machine.machine_address(block)),
    )
}

fn label(placed: &Placed) -> &'static str {
    match placed.block.of {
        Of::Request(_) => "handed out",
        Of::Driver | Of::System => "allocated",
    }
}

/// A byte of a block.
fn place(placed: &Placed, offset: usize) -> String {
    let bytes = placed.block.bytes;
    match placed.block.of {
        Of::Request(part) if offset < bytes => format!("byte {offset} of {part} of a request"),
        _ if offset < bytes => format!("byte {offset} of a block of {bytes} bytes"),
        Of::Request(part) => format!("memory beside {part} of a request"),
        _ => format!("memory beside a block of {bytes} bytes"),
    }
}

fn name(placed: &Placed) -> String {
    match placed.block.of {
        Of::Request(part) => format!("{part} of a request, of {} bytes", placed.block.bytes),
        Of::Driver | Of::System => format!("a block of {} bytes", placed.block.bytes),
    }
}

/// How far a byte is from the nearest one of a block.
fn distance(bytes: usize) -> String {
    if bytes == 1 { "the byte".to_owned() } else { format!("byte {bytes}") }
}
