//! The requests a device has: waiting to be executed, waiting for their time, or lost.
//!
//! A slab, so that a request costs no allocation once there were as many. Which of those that are ready is
//! executed next is the executor's choice. Invariant: a request is in exactly one of the four states, or its
//! place is free.

use super::chain::Chain;
use crate::scsi::Lun;
use std::collections::VecDeque;

/// One request.
#[derive(Default)]
pub(super) struct Task {
    pub queue: usize,
    pub chain: Chain,
    /// The unit it is for; `None`: another target, or none that can be.
    pub lun: Option<Lun>,
    /// The driver's identifier.
    pub id: u64,
    /// Bytes of the answer that are written already, for one that is late.
    pub written: usize,
}

/// See the module page.
#[derive(Default)]
pub(super) struct Tasks {
    places: Vec<Task>,
    free: Vec<usize>,
    ready: VecDeque<usize>,
    /// Executed, and to be delivered at a time.
    late: Vec<(u64, usize)>,
    /// Executed, and late enough.
    deliverable: VecDeque<usize>,
    /// Executed, and never to be delivered.
    lost: Vec<usize>,
}

impl Tasks {
    /// How many could be executed now.
    pub fn ready(&self) -> usize {
        self.ready.len()
    }

    /// How many late ones could be delivered now.
    pub fn deliverable(&self) -> usize {
        self.deliverable.len()
    }

    /// A new request, ready; the chain of the place it takes is given back for its room.
    pub fn add(&mut self, task: Task) -> Chain {
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(Task::default());
            self.places.len() - 1
        });
        self.ready.push_back(place);
        std::mem::replace(&mut self.places[place], task).chain
    }

    /// Takes one of those that are ready; its place is kept for it.
    pub fn begin(&mut self, at: usize) -> Option<usize> {
        self.ready.remove(at)
    }

    /// Takes one of those that are late enough.
    pub fn begin_delivery(&mut self, at: usize) -> Option<usize> {
        self.deliverable.remove(at)
    }

    pub fn get(&self, place: usize) -> &Task {
        &self.places[place]
    }

    pub fn get_mut(&mut self, place: usize) -> &mut Task {
        &mut self.places[place]
    }

    /// The place is free again.
    pub fn end(&mut self, place: usize) {
        self.free.push(place);
    }

    /// One that was begun waits again.
    pub fn put_back(&mut self, place: usize) {
        self.ready.push_front(place);
    }

    /// One that was begun is never delivered by itself.
    pub fn lose(&mut self, place: usize) {
        self.lost.push(place);
    }

    /// One that was begun is delivered at `due_ns` or later.
    pub fn delay(&mut self, place: usize, due_ns: u64) {
        self.late.push((due_ns, place));
    }

    /// When the first late one is due.
    pub fn due_ns(&self) -> Option<u64> {
        self.late.iter().map(|(due_ns, _)| *due_ns).min()
    }

    /// Makes those deliverable whose time has come.
    pub fn time_has_come(&mut self, now_ns: u64) {
        let deliverable = &mut self.deliverable;
        self.late.retain(|(due_ns, place)| {
            let is_due = *due_ns <= now_ns;
            if is_due {
                deliverable.push_back(*place);
            }
            !is_due
        });
    }

    /// Whether some request is meant.
    pub fn any(&self, is_meant: impl Fn(&Task) -> bool) -> bool {
        self.all().any(|place| is_meant(&self.places[place]))
    }

    /// Takes all that are meant, whatever they wait for; their places are kept for them.
    pub fn withdraw(&mut self, is_meant: impl Fn(&Task) -> bool) -> Vec<usize> {
        let meant: Vec<usize> = self.all().filter(|place| is_meant(&self.places[*place])).collect();
        self.ready.retain(|place| !meant.contains(place));
        self.late.retain(|(_, place)| !meant.contains(place));
        self.deliverable.retain(|place| !meant.contains(place));
        self.lost.retain(|place| !meant.contains(place));
        meant
    }

    fn all(&self) -> impl Iterator<Item = usize> {
        let late = self.late.iter().map(|(_, place)| place);
        self.ready.iter().chain(late).chain(&self.deliverable).chain(&self.lost).copied()
    }
}
