//! Polling in the parallel executor: what a processor waits for that never comes.
//!
//! A processor that polls a device register never sleeps and waits for no lock, so to the watchdog it looks
//! like one at work. What gives it away: it reads the same register and gets the same value, and meanwhile
//! nothing else on the machine can go on that could change the value. Then it is asked to give up, and its
//! next read ends the run with itself as the evidence.
//!
//! The deterministic executor requires the same number of reads. What a processor calls between two reads is
//! not seen here: the short path counts nothing. Polling of other things than registers, or of several
//! registers in turn, is not noticed.

use crate::bugcheck::{Ending, Livelock};
use crate::ddi::Call;
use crate::machine::Machine;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};

/// Equal reads in a row after which a processor counts as polling.
const POLLS_MIN: u64 = 100_000;

/// The polling of one processor. Only that processor writes it, except `gives_up`.
#[derive(Default)]
pub(super) struct Polling {
    register: AtomicUsize,
    answer: AtomicU64,
    /// Consecutive reads of that register that returned that value.
    reads: AtomicU64,
    /// The watchdog has seen enough.
    gives_up: AtomicBool,
}

/// The processors that polled without pause between two looks of the watchdog, as a bit set.
pub(super) fn pollers(before: &[u64], now: &[u64]) -> u64 {
    let polls =
        |(n, (before, now)): (usize, (&u64, &u64))| u64::from(*before >= POLLS_MIN && now > before) << n;
    before.iter().zip(now).enumerate().map(polls).sum()
}

impl Machine {
    /// A processor has read a device register.
    #[inline]
    pub(crate) fn note_register_read(&self, call: &Call, register: usize, answer: u64) {
        let crate::exec::Executor::Parallel(p) = &self.executor else { return };
        let polling = &p.polling[usize::from(call.cpu.index())];
        let same = polling.register.load(Relaxed) == register && polling.answer.load(Relaxed) == answer;
        let reads = if same { polling.reads.load(Relaxed) + 1 } else { 1 };
        polling.register.store(register, Relaxed);
        polling.answer.store(answer, Relaxed);
        polling.reads.store(reads, Relaxed);
        if same && polling.gives_up.load(Relaxed) {
            stop_livelock(call, reads);
        }
    }

    /// How often each processor has read its register.
    pub(super) fn register_reads(&self) -> Vec<u64> {
        self.parallel().polling.iter().map(|polling| polling.reads.load(Relaxed)).collect()
    }

    /// Asks those processors to end the run at their next read.
    pub(super) fn give_up_on(&self, pollers: u64) {
        for (n, polling) in self.parallel().polling.iter().enumerate() {
            polling.gives_up.store(pollers & (1 << n) != 0, Relaxed);
        }
    }
}

#[cold]
fn stop_livelock(call: &Call, polls: u64) {
    call.cpu.call.set(Some((call.ddi, call.site)));
    call.machine().stop(Ending::Livelock(Box::new(Livelock { place: call.cpu.place(), polls })));
}
