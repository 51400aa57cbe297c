//! The partner: a service or server that has the data, and answers when it likes.
//!
//! A virtual miniport's data is with a party that it cannot call: a service in user mode behind an inverted
//! call, a server behind a socket. This module stands for that party and for the way to it, with the
//! machine's [`Medium`] as its store. It answers at once where it can; it also answers late, twice, or never,
//! loses a request for want of memory, hangs until it is reset, or is gone: what a fault plan wants of the
//! *delivery* of an answer is arranged here, and the driver proper never reads a disposition. What it gives
//! the driver for a request it has not answered is a [`Promise`], to which the driver says under which tag it
//! will look the request up.
//!
//! Late answers come in on a thread at PASSIVE_LEVEL, as from a service that calls down with a control code;
//! the thread is the driver's own for want of processes. A command takes effect when it is asked, only its
//! answer is late: so data is never touched after the driver has given a request up. That is our choice; a
//! real partner has the buffer mapped, or the driver copies.
//!
//! Invariant: an answer is delivered once for each time it was promised, in the order of the times they are
//! due, and none after `close`.

use super::outstanding::Tag;
use kernel_sim::safe::{Semaphore, SpinLock, interrupt_time_us};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use storport_sim::Medium;
use storport_sim::disk::fault::Disposition;
use storport_sim::disk::{Completion, DataPhase};
use storport_sim::scsi::Lun;

/// The partner's reaction to a request.
pub enum Reply {
    /// The answer.
    Now(Completion),
    /// Not now. Perhaps never.
    Later(Promise),
    /// It has no memory for the request, and has done nothing.
    NoMemory,
    /// There is no partner any more, and will not be one again.
    Gone,
}

/// Answers to come: none, one, or the same one twice.
#[must_use = "the partner has to be told the tag"]
pub struct Promise {
    answer: Option<Completion>,
    times: u8,
    delay_us: u64,
}

impl Promise {
    /// The partner has the request, and that is the last one hears of it.
    const NOTHING: Promise = Promise { answer: None, times: 0, delay_us: 0 };
}

/// An answer on its way.
struct Answer {
    due_us: u64,
    tag: Tag,
    completion: Completion,
}

/// Answers on their way.
struct Road {
    /// In the order in which they are due; equal times in the order they were promised.
    answers: Vec<Answer>,
    is_closed: bool,
}

/// See the module page.
pub struct Partner {
    medium: Arc<Medium>,
    /// The partner's own state, and nothing the driver shares: it takes no part in the schedule.
    is_hung: AtomicBool,
    road: SpinLock<Road>,
    /// Rung when the road has changed.
    bell: Semaphore,
}

/// What the thread that delivers answers does next.
enum Next {
    Deliver(Tag, Completion),
    Wait { us: u64 },
    WaitForMore,
    Return,
}

impl Partner {
    /// The partner behind a medium.
    pub fn new(medium: Arc<Medium>) -> Partner {
        let road = SpinLock::new(Road { answers: Vec::new(), is_closed: false });
        Partner { medium, is_hung: AtomicBool::new(false), road, bell: Semaphore::new() }
    }

    /// Readies the kernel's objects, where the value stays. PASSIVE_LEVEL.
    pub fn initialize(&self) {
        self.bell.initialize();
    }

    /// Asks for one command to be executed, at or below DISPATCH_LEVEL.
    pub fn ask(&self, lun: Lun, cdb: &[u8], data: DataPhase<'_>) -> Reply {
        if self.medium.is_gone() {
            return Reply::Gone;
        }
        if self.is_hung.load(Relaxed) {
            return Reply::Later(Promise::NOTHING);
        }
        let answer = self.medium.execute(lun, cdb, data);
        let promise = |times, delay_us| Reply::Later(Promise { answer: Some(answer), times, delay_us });
        match answer.disposition {
            // Statuses and sense are what they are: the driver hands them on.
            Disposition::Deliver | Disposition::UnknownStatus | Disposition::LongSense => Reply::Now(answer),
            Disposition::LongLength => Reply::Now(Completion { transferred: usize::MAX, ..answer }),
            Disposition::Stray => {
                self.answer_under(Tag::UNKNOWN, Promise { answer: Some(answer), times: 1, delay_us: 0 });
                Reply::Now(answer)
            }
            Disposition::Drop => Reply::Later(Promise::NOTHING),
            Disposition::Late { delay_us } => promise(1, delay_us),
            Disposition::Duplicate => promise(2, 0),
            Disposition::HungAdapter => {
                self.is_hung.store(true, Relaxed);
                Reply::Later(Promise::NOTHING)
            }
            Disposition::SurpriseRemoval => Reply::Gone,
            Disposition::AllocationFailure => Reply::NoMemory,
        }
    }

    /// Tells the partner the tag of a request it has promised to answer. At or below DISPATCH_LEVEL.
    pub fn answer_under(&self, tag: Tag, promise: Promise) {
        let Some(completion) = promise.answer else { return };
        let due_us = interrupt_time_us().saturating_add(promise.delay_us);
        {
            let mut road = self.road.lock();
            for _ in 0..promise.times {
                let at = road.answers.partition_point(|other| other.due_us <= due_us);
                road.answers.insert(at, Answer { due_us, tag, completion });
            }
        }
        self.bell.release(1);
    }

    /// Asks the partner to forget a request. `false`: it does not react.
    pub fn abort(&self) -> bool {
        !self.is_hung.load(Relaxed)
    }

    /// Resets the partner, which reacts again if it hung, and a unit of it, or all. Answers that are on their
    /// way still come.
    pub fn reset(&self, unit: Option<Lun>) {
        self.is_hung.store(false, Relaxed);
        self.medium.with(|target| {
            let units: Vec<Lun> = target.luns().filter(|lun| unit.is_none_or(|only| only == *lun)).collect();
            for lun in units {
                if let Some(disk) = target.disk_mut(lun) {
                    disk.reset();
                }
            }
        });
    }

    /// Whether units have come or gone since this was last asked.
    #[inline]
    pub fn units_have_changed(&self) -> bool {
        self.medium.changes() != 0 && std::iter::from_fn(|| self.medium.take_change()).count() != 0
    }

    /// One more than the highest number of a unit.
    pub fn units_end(&self) -> usize {
        self.medium.with(|target| target.luns().last().map_or(0, |lun| usize::from(lun.number()) + 1))
    }

    /// Delivers answers when they are due, until the partner is closed. PASSIVE_LEVEL.
    pub fn serve(&self, deliver: impl Fn(Tag, &Completion)) {
        loop {
            match self.next() {
                Next::Deliver(tag, completion) => deliver(tag, &completion),
                Next::Wait { us } => {
                    self.bell.wait_for(us);
                }
                Next::WaitForMore => self.bell.wait(),
                Next::Return => return,
            }
        }
    }

    fn next(&self) -> Next {
        let mut road = self.road.lock();
        if road.is_closed {
            return Next::Return;
        }
        let Some(first) = road.answers.first() else { return Next::WaitForMore };
        let wait_us = first.due_us.saturating_sub(interrupt_time_us());
        if wait_us != 0 {
            return Next::Wait { us: wait_us };
        }
        let first = road.answers.remove(0);
        Next::Deliver(first.tag, first.completion)
    }

    /// Drops what is on its way, and has `serve` return.
    pub fn close(&self) {
        {
            let mut road = self.road.lock();
            road.is_closed = true;
            road.answers.clear();
        }
        self.bell.release(1);
    }

    /// Opens a partner that was closed.
    pub fn open(&self) {
        self.road.lock().is_closed = false;
    }
}
