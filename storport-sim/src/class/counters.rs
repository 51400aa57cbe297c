//! Counts of retries, failures and the like for one disk, kept per processor.

use super::ends::{End, Row, When};
use crate::ddi::{SRB_STATUS_BUS_RESET, SRB_STATUS_COMMAND_TIMEOUT, SRB_STATUS_TIMEOUT};
use crate::scsi::SenseKey;
use crossbeam::utils::CachePadded;
use kernel_sim::machine::Machine;
use kernel_sim::processor::Processor;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// How the requests of one disk ended since it was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct DiskStatistics {
    /// SRBs that came back with success.
    pub completed: u64,
    /// SRBs that came back with a unit attention and were sent again.
    pub unit_attentions: u64,
    /// SRBs that were sent again after any other failure.
    pub retries: u64,
    /// SRBs that came back because of a time-out or a reset.
    pub timeouts: u64,
    /// SRBs that came back with a failure that is not tried again.
    pub failures: u64,
}

#[derive(Default)]
struct PerProcessor {
    completed: AtomicU64,
    unit_attentions: AtomicU64,
    retries: AtomicU64,
    timeouts: AtomicU64,
    failures: AtomicU64,
}

/// See the module page.
pub(super) struct Counters(Box<[CachePadded<PerProcessor>]>);

impl Counters {
    pub(super) fn new(machine: &Machine) -> Counters {
        Counters((0..machine.processor_count()).map(|_| CachePadded::default()).collect())
    }

    /// Counts how an SRB came back.
    #[inline]
    pub(super) fn count(&self, cpu: &Processor, row: &Row) {
        let here = &self.0[usize::from(cpu.index())];
        let counter = match (row.end, row.when) {
            (End::Success, _) => &here.completed,
            (End::Fail(_) | End::OfTheSrb, _) => &here.failures,
            (End::Again { .. }, When::Sense { key: SenseKey::UNIT_ATTENTION, .. }) => &here.unit_attentions,
            (
                End::Again { .. },
                When::Srb(SRB_STATUS_TIMEOUT | SRB_STATUS_COMMAND_TIMEOUT | SRB_STATUS_BUS_RESET),
            ) => &here.timeouts,
            (End::Again { .. }, _) => return,
        };
        counter.fetch_add(1, Relaxed);
    }

    /// Counts an SRB that is sent again because of this.
    pub(super) fn retried(&self, cpu: &Processor, row: &Row) {
        if !matches!(row.when, When::Sense { key: SenseKey::UNIT_ATTENTION, .. }) {
            self.0[usize::from(cpu.index())].retries.fetch_add(1, Relaxed);
        }
    }

    pub(super) fn sum(&self) -> DiskStatistics {
        self.0.iter().fold(DiskStatistics::default(), |sum, here| DiskStatistics {
            completed: sum.completed + here.completed.load(Relaxed),
            unit_attentions: sum.unit_attentions + here.unit_attentions.load(Relaxed),
            retries: sum.retries + here.retries.load(Relaxed),
            timeouts: sum.timeouts + here.timeouts.load(Relaxed),
            failures: sum.failures + here.failures.load(Relaxed),
        })
    }
}
