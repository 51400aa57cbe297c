//! Low resources on purpose: allocations of drivers that fail although there is memory.
//!
//! Driver Verifier's low resources simulation fails allocations at random; here an [`AllocationPolicy`],
//! which a rig gives to the machine, decides. It is called for every allocation that driver code makes (pool,
//! IRPs, MDLs and mappings of their pages, work items, thread and device objects, what the port driver
//! allocates for a miniport's call), with the routine and its place in the source. A refusal looks to the
//! driver like an exhausted pool. It is not called for what the system allocates on its own account, nor for
//! what a rig does: Windows' verifier, too, only looks at the drivers it was told to test.
//!
//! Invariant: without a policy an allocation pays one branch, and nothing else is different; with one that
//! refuses nothing, the run is the same as without.

use crate::ddi::Call;
use crate::machine::Machine;
use crate::routine::DdiInfo;
use crate::site::Site;
use parking_lot::Mutex;

/// An allocation that a driver asks for.
#[derive(Clone, Copy, Debug)]
pub struct AllocationRequest {
    /// The routine.
    pub ddi: &'static DdiInfo,
    /// Where it is called.
    pub site: Site,
    /// Bytes wanted; the object's own size where the routine makes an object.
    pub bytes: usize,
}

/// Says which allocations fail. The same requests in the same order must get the same results: then a run
/// stays a function of its seed (in the parallel executor the order is the host's).
pub trait AllocationPolicy: Send {
    /// Whether this allocation fails. Called once for each.
    fn fails(&mut self, request: &AllocationRequest) -> bool;
}

/// An allocation that was made to fail.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FailedAllocation {
    /// The routine.
    pub ddi: &'static str,
    /// Where it was called.
    pub site: Site,
    /// Bytes wanted.
    pub bytes: usize,
    /// The processor.
    pub cpu: u8,
    /// Number of the step; `None` in the parallel executor.
    pub step: Option<u64>,
}

impl std::fmt::Display for FailedAllocation {
    /// One line: which, where, when.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let FailedAllocation { ddi, site, bytes, cpu, step } = self;
        write!(f, "{ddi} of {bytes} bytes at {}:{} failed on CPU {cpu}", site.file(), site.line())?;
        step.map_or(Ok(()), |step| write!(f, ", step {step}"))
    }
}

/// Failures a machine remembers.
const REMEMBERED_MAX: usize = 256;

/// A policy at work, and its record of failures.
pub(crate) struct LowResources(Mutex<Inner>);

struct Inner {
    policy: Box<dyn AllocationPolicy>,
    failed: Vec<FailedAllocation>,
    /// How many failed, remembered or not.
    count: usize,
}

impl LowResources {
    pub(crate) fn new(policy: Box<dyn AllocationPolicy>) -> LowResources {
        LowResources(Mutex::new(Inner { policy, failed: Vec::new(), count: 0 }))
    }

    #[cold]
    fn refuse(&self, call: &Call, bytes: usize) -> bool {
        if call.cpu.frame().kind.is_system {
            return false;
        }
        let mut inner = self.0.lock();
        let refused = inner.policy.fails(&AllocationRequest { ddi: call.ddi, site: call.site, bytes });
        inner.count += usize::from(refused);
        if refused && inner.failed.len() < REMEMBERED_MAX {
            let machine = call.machine();
            inner.failed.push(FailedAllocation {
                ddi: call.ddi.name,
                site: call.site,
                bytes,
                cpu: call.cpu.index(),
                step: machine.is_deterministic().then(|| machine.step()),
            });
        }
        refused
    }
}

impl Machine {
    /// The allocations of drivers that were made to fail so far.
    #[must_use]
    pub fn failed_allocations(&self) -> usize {
        self.low_resources.as_ref().map_or(0, |low| low.0.lock().count)
    }

    pub(crate) fn take_failed_allocations(&self) -> Vec<FailedAllocation> {
        self.low_resources.as_ref().map_or_else(Vec::new, |low| std::mem::take(&mut low.0.lock().failed))
    }
}

/// Whether an allocation that a driver's call asks for is to fail.
#[inline]
pub(crate) fn fails(call: &Call, bytes: usize) -> bool {
    call.machine().low_resources.as_ref().is_some_and(|low| low.refuse(call, bytes))
}
