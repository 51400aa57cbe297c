//! Requests that `start_io` has not completed, by tag.
//!
//! A request waits for a worker, or a worker has it, or it was sent to the partner, whose answer will name
//! the tag. What ends requests from outside (an abort, a reset, a partner that is gone) takes them off the
//! list and completes them; one that a worker has at that moment is marked and completed by the worker, since
//! its data is in use. The thread that takes a request off the list completes it, after the lock is given
//! back: so each ends once, however many answers and resets come, and an answer that finds no request under
//! its tag is ignored.

use kernel_sim::safe::SpinLock;
use storport_sim::miniport::{Pooled, Srb, SrbId, SrbStatus, Storport};
use storport_sim::scsi::Lun;

/// Tag of the pool blocks, as `poolmon` shows it.
const POOL_TAG: u32 = u32::from_le_bytes(*b"RdRq");

/// The name of a request between the driver and its partner. Never used twice.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Tag(u64);

impl Tag {
    /// Not a request's: what a partner may name that is not to be trusted.
    pub const UNKNOWN: Tag = Tag(u64::MAX);
}

/// The party that has a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// In the workers' queue.
    Queue,
    /// With the partner.
    Partner,
}

/// Which requests to end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// Every one.
    All,
    /// Those to one unit.
    Unit(Lun),
    /// This one.
    One(SrbId),
}

/// One request.
struct Entry {
    tag: Tag,
    id: SrbId,
    lun: Lun,
    place: Place,
    /// `None` while a worker has it.
    srb: Option<Srb>,
    /// How it was ended while a worker had it.
    ended: Option<SrbStatus>,
}

impl Entry {
    fn is_in(&self, scope: Scope) -> bool {
        match scope {
            Scope::All => true,
            Scope::Unit(lun) => self.lun == lun,
            Scope::One(id) => self.id == id,
        }
    }
}

/// In the order they came.
struct List {
    last_tag: u64,
    entries: Vec<Pooled<Entry>>,
}

impl List {
    fn find(&self, tag: Tag) -> Option<usize> {
        self.entries.iter().position(|entry| entry.tag == tag)
    }
}

/// A request that a worker has.
pub struct Job {
    /// Its tag.
    pub tag: Tag,
    /// The request.
    pub srb: Srb,
}

/// See the module page.
pub struct Outstanding(SpinLock<List>);

impl Outstanding {
    /// An empty list.
    pub const fn new() -> Outstanding {
        Outstanding(SpinLock::new(List { last_tag: 0, entries: Vec::new() }))
    }

    /// Puts a request on the list. At or below DISPATCH_LEVEL.
    ///
    /// # Errors
    /// The request, if the pool has no room for its entry.
    pub fn add(&self, storport: Storport, srb: Srb, place: Place) -> Result<Tag, Srb> {
        let (id, lun) = (srb.id(), srb.lun());
        let entry = Entry { tag: Tag(0), id, lun, place, srb: Some(srb), ended: None };
        match storport.allocate(POOL_TAG, entry) {
            Ok(mut entry) => {
                let mut list = self.0.lock();
                list.last_tag += 1;
                let tag = Tag(list.last_tag);
                entry.tag = tag;
                list.entries.push(entry);
                Ok(tag)
            }
            Err(entry) => Err(entry.srb.expect("just put there")),
        }
    }

    /// The oldest request that waits for a worker; it is the caller's until [`Self::finish`] or
    /// [`Self::sent`].
    pub fn take_job(&self) -> Option<Job> {
        let mut list = self.0.lock();
        let waits = |entry: &&mut Pooled<Entry>| entry.place == Place::Queue && entry.srb.is_some();
        let entry = list.entries.iter_mut().find(waits)?;
        Some(Job { tag: entry.tag, srb: entry.srb.take()? })
    }

    /// A worker is done with a request: takes it off the list. `Some`: it was ended meanwhile, and how.
    pub fn finish(&self, tag: Tag) -> Option<SrbStatus> {
        let entry = {
            let mut list = self.0.lock();
            let at = list.find(tag)?;
            list.entries.remove(at)
        };
        entry.ended
    }

    /// A worker has sent a request to the partner.
    ///
    /// # Errors
    /// The request, if it was ended meanwhile, and how: then it is off the list.
    pub fn sent(&self, job: Job) -> Result<(), (Srb, SrbStatus)> {
        let Job { tag, srb } = job;
        let mut list = self.0.lock();
        let at = list.find(tag).expect("a request that a worker has stays on the list");
        let Some(status) = list.entries[at].ended else {
            let entry = &mut list.entries[at];
            entry.srb = Some(srb);
            entry.place = Place::Partner;
            return Ok(());
        };
        let entry = list.entries.remove(at);
        drop(list);
        drop(entry);
        Err((srb, status))
    }

    /// The partner has answered: the request, unless it has been ended, or answered before.
    pub fn answered(&self, tag: Tag) -> Option<Srb> {
        let entry = {
            let mut list = self.0.lock();
            let at = list.find(tag).filter(|at| list.entries[*at].srb.is_some())?;
            list.entries.remove(at)
        };
        entry.into_inner().srb
    }

    /// Ends requests with a status; returns whether there were any.
    #[track_caller]
    pub fn end(&self, scope: Scope, status: SrbStatus) -> bool {
        let (mut ours, mut found) = (Vec::new(), false);
        {
            let mut list = self.0.lock();
            let all = std::mem::take(&mut list.entries);
            for mut entry in all {
                let is_meant = entry.is_in(scope);
                found |= is_meant;
                if is_meant && entry.srb.is_some() {
                    ours.push(entry);
                    continue;
                }
                if is_meant {
                    entry.ended = Some(status);
                }
                list.entries.push(entry);
            }
        }
        for entry in ours {
            if let Some(srb) = entry.into_inner().srb {
                srb.complete(status);
            }
        }
        found
    }
}
