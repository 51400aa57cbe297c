//! Initiators, and the unit attentions that each has yet to be told.
//!
//! A unit attention is kept for every I_T nexus apart: one initiator that has heard of a reset says nothing
//! to the others (SAM-6, "Unit attention conditions"). A nexus exists from its first command on; what it
//! hears first is the last power on or reset, because everything before that is no news.
//!
//! The invariant: a queue holds a condition at most once, so it is never longer than there are conditions.

use crate::scsi::AdditionalSense;

/// An I_T nexus: one initiator port, talking to this target through one of its ports (SAM-6, "I_T nexus").
///
/// Reservations and unit attentions are kept by nexus. The number is the host adapter's to give, and means
/// nothing to the disk but "the same as before".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Nexus(pub u16);

impl Nexus {
    /// The only one there is on a machine with one adapter: who
    /// [`ScsiDisk::execute`](super::ScsiDisk::execute) takes a command to come from.
    pub const DEFAULT: Self = Self(0);
}

/// The unit attentions of a logical unit, oldest first for each nexus.
#[derive(Debug)]
pub(super) struct Attentions {
    /// Ascending by nexus. The default one is always there, and so is first.
    queues: Vec<(Nexus, Vec<AdditionalSense>)>,
    /// The last power on or reset.
    newcomer: AdditionalSense,
    /// Attentions are kept at all.
    kept: bool,
}

impl Attentions {
    /// A unit that has just been powered on.
    pub(super) fn after_power_on() -> Self {
        let newcomer = AdditionalSense::POWER_ON_OR_RESET;
        Self { queues: vec![(Nexus::DEFAULT, vec![newcomer])], newcomer, kept: true }
    }

    /// None pending, none ever.
    pub(super) fn never(&mut self) {
        self.kept = false;
        self.queues.truncate(1);
        self.queues[0].1.clear();
    }

    /// Nothing is pending for a nexus that is known; `false` for one that is not.
    pub(super) fn quiet(&self, nexus: Nexus) -> bool {
        !self.kept || self.index(nexus).is_ok_and(|at| self.queues[at].1.is_empty())
    }

    /// The oldest, which is then no longer pending.
    pub(super) fn take(&mut self, nexus: Nexus) -> Option<AdditionalSense> {
        if !self.kept {
            return None;
        }
        let queue = self.queue(nexus);
        (!queue.is_empty()).then(|| queue.remove(0))
    }

    /// Queues a condition for one nexus.
    pub(super) fn raise(&mut self, nexus: Nexus, additional: AdditionalSense) {
        if self.kept {
            let queue = self.queue(nexus);
            if !queue.contains(&additional) {
                queue.push(additional);
            }
        }
    }

    /// Queues a condition for every nexus that is known, except one.
    pub(super) fn raise_for_others(&mut self, except: Option<Nexus>, additional: AdditionalSense) {
        for at in 0..self.queues.len() {
            let nexus = self.queues[at].0;
            if Some(nexus) != except {
                self.raise(nexus, additional);
            }
        }
    }

    /// What was pending gives way to a power on or a reset.
    pub(super) fn start_over(&mut self, additional: AdditionalSense) {
        self.newcomer = additional;
        for (_, queue) in &mut self.queues {
            queue.clear();
        }
        self.raise_for_others(None, additional);
    }

    /// A condition is no longer news to a nexus.
    pub(super) fn forget(&mut self, nexus: Nexus, additional: AdditionalSense) {
        if self.kept {
            self.queue(nexus).retain(|&pending| pending != additional);
        }
    }

    fn index(&self, nexus: Nexus) -> Result<usize, usize> {
        // The only one most machines have is found without a search.
        if nexus == Nexus::DEFAULT {
            Ok(0)
        } else {
            self.queues.binary_search_by_key(&nexus, |entry| entry.0)
        }
    }

    fn queue(&mut self, nexus: Nexus) -> &mut Vec<AdditionalSense> {
        let at = self.index(nexus).unwrap_or_else(|at| {
            self.queues.insert(at, (nexus, vec![self.newcomer]));
            at
        });
        &mut self.queues[at].1
    }
}
