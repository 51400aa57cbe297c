//! The registry fails on purpose: reads of drivers that find nothing although there is a value.
//!
//! A [`RegistryPolicy`], which a rig gives to the machine, decides. It is asked of every read that driver
//! code makes (ZwOpenKey, ZwQueryValueKey, what the port driver reads for a miniport), with the routine and
//! its place in the source. A refusal looks to the driver like a key or value that is not there: one that an
//! installer left out, or an administrator has deleted. It is not asked of what the system reads, nor of
//! enumerations, which say what there is.
//!
//! Invariant: without a policy a read pays one branch; with one that refuses nothing, the run is the same as
//! without.

use crate::ddi::Call;
use crate::machine::Machine;
use crate::routine::DdiInfo;
use crate::site::Site;
use parking_lot::Mutex;

/// A read that a driver asks for.
#[derive(Clone, Copy, Debug)]
pub struct RegistryRead {
    /// The routine.
    pub ddi: &'static DdiInfo,
    /// Where it is called.
    pub site: Site,
}

/// Says which reads fail. The same reads in the same order must get the same results: then a run stays a
/// function of its seed (in the parallel executor the order is the host's).
pub trait RegistryPolicy: Send {
    /// Whether this read fails. Called once for each.
    fn fails(&mut self, read: &RegistryRead) -> bool;
}

/// A policy at work, and how many reads it made fail.
pub(crate) struct FailingReads(Mutex<(Box<dyn RegistryPolicy>, usize)>);

impl FailingReads {
    pub(crate) fn new(policy: Box<dyn RegistryPolicy>) -> FailingReads {
        FailingReads(Mutex::new((policy, 0)))
    }

    #[cold]
    fn refuse(&self, call: &Call) -> bool {
        if call.cpu.frame().kind.is_system {
            return false;
        }
        let (policy, count) = &mut *self.0.lock();
        let refused = policy.fails(&RegistryRead { ddi: call.ddi, site: call.site });
        *count += usize::from(refused);
        refused
    }
}

impl Machine {
    /// The registry reads of drivers that were made to fail so far.
    #[must_use]
    pub fn failed_registry_reads(&self) -> usize {
        self.failing_reads.as_ref().map_or(0, |reads| reads.0.lock().1)
    }
}

/// Whether a read that a driver's call asks for is to fail.
#[inline]
#[must_use]
pub fn fails(call: &Call) -> bool {
    call.machine().failing_reads.as_ref().is_some_and(|reads| reads.refuse(call))
}
