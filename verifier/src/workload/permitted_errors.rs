//! Which errors the requests of a workload may end with: those that faults of a plan, resets and a removal
//! explain.
//!
//! It tells which errors may surface. The disk class driver tries most failures again, so an error that
//! passes must have had as many causes as there are tries: a single aborted command that reaches the client
//! is a finding. The statuses are those of the class driver's reading (`storport-sim/src/class/ends/`), which
//! follows Windows' ClassInterpretSenseInfo. It also counts the requests sent and rings the waiter when
//! their number is reached: that is when events happen. After a hostile device has told a lie any request may
//! fail. Invariant: with nothing planned, no error is permitted and nothing is counted.

use super::doorbell::Doorbell;
use crate::driver::Protocol;
use kernel_sim::ddi::{
    NTSTATUS, STATUS_DATA_OVERRUN, STATUS_DEVICE_DATA_ERROR, STATUS_DEVICE_HARDWARE_ERROR,
    STATUS_DEVICE_NOT_READY, STATUS_INSUFFICIENT_RESOURCES, STATUS_IO_DEVICE_ERROR, STATUS_IO_TIMEOUT,
    STATUS_NO_MEMORY,
};
use kernel_sim::machine::Machine;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use storport_sim::disk::fault::{FaultCount, FaultKind, OpClass, OpSelector, SharedFaults};
use storport_sim::{BUSY_RETRIES_MAX, DISK_RETRIES_MAX, Medium};

/// Tries of the class driver's that fail before an error surfaces that may pass.
const TRIES: u64 = DISK_RETRIES_MAX as u64 + 1;
/// How often the miniport must say "busy" before the port driver passes it on.
const BUSY_TRIES: u64 = BUSY_RETRIES_MAX as u64 + 1;

/// Seconds of machine time after which an outstanding request is lost, on a healthy disk: the time-out of
/// Windows' disk class driver.
pub const LOST_AFTER_S: u32 = 60;
/// Steps of recovery (abort, unit, target, bus), each after a time-out, and how many seconds one may take.
const STEPS: (u32, u32) = (4, 10);
/// Pieces an adapter may make of the largest request: 64 KiB each.
const PIECES: u32 = 16;

/// Seconds that the class driver leaves between two tries at most.
const PAUSE_S: u32 = 10;

/// As [`LOST_AFTER_S`] where something goes wrong: what recovery may take at worst, if every try of every
/// piece of a request waits for its time-out before each step.
fn lost_after_faults_s(timeout_s: u32) -> u32 {
    PIECES * TRIES as u32 * (STEPS.0 * (timeout_s + STEPS.1) + PAUSE_S)
}

/// See the module page.
#[derive(Default)]
pub struct PermittedErrors {
    /// Where faults are injected, if any are: below an adapter, or at the device of a WDM driver, which has
    /// no recovery above it.
    medium: Option<Arc<Medium>>,
    device: Option<SharedFaults>,
    /// How long a command may take, in seconds, where something is planned.
    timeout_s: Option<u32>,
    /// The command set of the disks.
    protocol: Protocol,
    /// The jobs pause now and then.
    has_pauses: bool,
    /// The device was pulled out, or the unit unplugged.
    is_gone: AtomicBool,
    /// The device has told a lie: any request may fail from then on, since a driver may give such a device
    /// up.
    was_lied_to: AtomicBool,
    resets: AtomicU64,
    /// Units that came or went, each of which every other unit reports.
    changes: AtomicU64,
    sent: AtomicU64,
    /// How many requests are to be sent before the bell rings.
    due: AtomicU64,
    bell: Option<Doorbell>,
}

impl PermittedErrors {
    /// Nothing goes wrong.
    pub(crate) fn none() -> PermittedErrors {
        PermittedErrors::default()
    }

    /// Something is planned. `medium` is where faults are injected; `bell` rings when requests are due; a
    /// command may take so many seconds.
    pub(crate) fn planned(medium: Option<Arc<Medium>>, bell: Doorbell, timeout_s: u32) -> PermittedErrors {
        PermittedErrors {
            medium,
            timeout_s: Some(timeout_s),
            bell: Some(bell),
            due: AtomicU64::new(u64::MAX),
            ..PermittedErrors::default()
        }
    }

    /// The same with pauses in the load: a machine that works has no time, and what is plugged in needs some
    /// before it can be used.
    pub(crate) fn with_pauses(mut self, has_pauses: bool) -> PermittedErrors {
        self.has_pauses = has_pauses;
        self
    }

    /// The same over disks that are asked in another protocol.
    pub(crate) fn over(mut self, protocol: Protocol) -> PermittedErrors {
        self.protocol = protocol;
        self
    }

    pub(super) fn has_pauses(&self) -> bool {
        self.has_pauses
    }

    /// Faults strike the device of a driver that reports what it says, and does not try again.
    /// `bell` rings when requests are due.
    pub(crate) fn of_device(faults: SharedFaults, bell: Doorbell) -> PermittedErrors {
        PermittedErrors {
            device: Some(faults),
            timeout_s: Some(LOST_AFTER_S),
            bell: Some(bell),
            due: AtomicU64::new(u64::MAX),
            ..PermittedErrors::default()
        }
    }

    pub(super) fn is_expected(&self) -> bool {
        self.timeout_s.is_some()
    }

    /// How long a request may take, in seconds of machine time.
    pub(super) fn patience_s(&self) -> u32 {
        self.timeout_s.map_or(LOST_AFTER_S, lost_after_faults_s)
    }

    /// From now on every request may fail.
    pub(crate) fn device_is_gone(&self) {
        self.is_gone.store(true, SeqCst);
    }

    /// Whether it is gone, by an event or by a fault.
    pub(crate) fn is_gone(&self) -> bool {
        self.is_gone.load(SeqCst) || self.medium.as_ref().is_some_and(|medium| medium.is_gone())
    }

    /// Keeps in mind whether the device has told a lie, before the counts of the plan go.
    pub(crate) fn note_lies(&self) {
        if self.counts().iter().any(|c| c.rule.kind.is_hostile() && c.injected > 0) {
            self.was_lied_to.store(true, SeqCst);
        }
    }

    /// Whether the device has told a lie, so that a driver may give it up.
    pub(crate) fn may_fail_for_a_lie(&self) -> bool {
        self.note_lies();
        self.was_lied_to.load(SeqCst)
    }

    /// A unit or a bus is about to be reset.
    pub(crate) fn count_reset(&self) {
        self.resets.fetch_add(1, SeqCst);
    }

    /// A unit is about to be plugged in or pulled out.
    pub(crate) fn count_change_of_units(&self) {
        self.changes.fetch_add(1, SeqCst);
    }

    /// Rings the bell after so many more requests.
    pub(crate) fn ring_after(&self, requests: u64) {
        self.due.store(self.sent.load(SeqCst).saturating_add(requests), SeqCst);
    }

    /// Counts a request that is about to be sent.
    pub(super) fn count_request(&self) {
        let Some(bell) = self.bell else { return };
        let sent = self.sent.fetch_add(1, SeqCst) + 1;
        if sent >= self.due.load(SeqCst) && self.due.swap(u64::MAX, SeqCst) != u64::MAX {
            bell.ring();
        }
    }

    /// Whether a request of this class may end with this status. Asked of failures only.
    pub(super) fn allows(&self, class: OpClass, status: NTSTATUS) -> bool {
        if !self.is_expected() {
            return false;
        }
        if self.is_gone() || is_for_want_of_memory(status) || self.may_fail_for_a_lie() {
            return true;
        }
        if self.device.is_some() {
            return status == STATUS_IO_DEVICE_ERROR
                && self.counts().iter().any(|c| c.injected > 0 && is_about(c, class));
        }
        let (resets, changes) = (self.resets.load(SeqCst), self.changes.load(SeqCst));
        let ends = Ends { resets, changes, denied: denied() };
        permitted(&self.counts(), ends, self.protocol, class, status)
    }

    /// Whether a request of this class may succeed with fewer bytes than it asked for.
    pub(super) fn allows_fewer_bytes(&self, class: OpClass) -> bool {
        let cuts = |c: &FaultCount| c.rule.kind.name() == FaultKind::ShortTransfer.name() && c.injected > 0;
        self.is_expected()
            && (self.may_fail_for_a_lie() || self.counts().iter().any(|c| cuts(c) && is_about(c, class)))
    }

    /// How often each rule of the plan has struck.
    fn counts(&self) -> Vec<FaultCount> {
        if let Some(faults) = &self.device {
            return faults.lock().counts().collect();
        }
        self.medium.as_ref().map_or_else(Vec::new, |medium| {
            medium.with(|target| target.faults().map_or_else(Vec::new, |f| f.counts().collect()))
        })
    }
}

/// Whether a request may end so because allocations of the driver's were made to fail: one is enough for a
/// status of its own; an error that the class driver makes of an SRB's end takes all of its tries.
fn is_for_want_of_memory(status: NTSTATUS) -> bool {
    match status {
        STATUS_INSUFFICIENT_RESOURCES | STATUS_NO_MEMORY => denied() > 0,
        STATUS_IO_DEVICE_ERROR => denied() >= TRIES,
        _ => false,
    }
}

/// Allocations of the driver that were made to fail so far.
fn denied() -> u64 {
    Machine::current().map_or(0, |machine| machine.failed_allocations() as u64)
}

/// What may end tries besides the faults that strike commands.
#[derive(Clone, Copy, Default)]
struct Ends {
    /// Resets of units and buses.
    resets: u64,
    /// Units that came or went.
    changes: u64,
    /// Allocations of the driver that failed.
    denied: u64,
}

/// Whether a rule is about commands of a class.
fn is_about(count: &FaultCount, class: OpClass) -> bool {
    match count.rule.op {
        None => true,
        Some(OpSelector::Class(wanted)) => wanted == class,
        Some(OpSelector::Code(opcode)) => OpClass::of(opcode) == class,
    }
}

fn permitted(
    counts: &[FaultCount],
    Ends { resets, changes, denied }: Ends,
    protocol: Protocol,
    class: OpClass,
    status: NTSTATUS,
) -> bool {
    let is_ata = protocol == Protocol::Ata;
    let injected = |is_meant: &dyn Fn(&FaultCount) -> bool| {
        counts.iter().filter(|c| is_meant(c)).map(|c| c.injected).sum::<u64>()
    };
    // Faults that strike the command itself.
    let of_class = |c: &FaultCount| is_about(c, class);
    let own = |kind: FaultKind| injected(&|c| c.rule.kind.name() == kind.name() && of_class(c));
    // Faults whose recovery ends the others' commands too.
    let anyones = |is_meant: fn(&FaultKind) -> bool| injected(&|c| is_meant(&c.rule.kind));
    let lost = anyones(|k| matches!(k, FaultKind::DroppedCompletion | FaultKind::LateCompletion { .. }));
    // One adapter that hangs may use up every try of a command: each is late until the adapter is reset.
    let hangs = anyones(|k| matches!(k, FaultKind::HungAdapter)) * TRIES;
    let ends = lost + hangs + resets;
    // What fails on an ATA disk may come to a reset of the port, which ends the commands of all jobs.
    let any_failure = || anyones(|k| !matches!(k, FaultKind::DuplicateCompletion | FaultKind::UnitAttention));
    let ends_of_all = if is_ata { any_failure() + hangs + resets } else { ends };
    // The port driver sends a busy one again by itself, so that many of these are one failed try. To an
    // adapter that does not know of dispositions a hang is a command that the disk was too busy for.
    let is_busy =
        [FaultKind::Busy, FaultKind::TaskSetFull, FaultKind::AllocationFailure, FaultKind::HungAdapter];
    let busy = is_busy.into_iter().map(own).sum::<u64>() + denied;
    let refusals = busy / BUSY_TRIES;
    // A unit that was reset says so to the next command, whose try that is.
    let failed_tries = 2 * ends_of_all
        + own(FaultKind::Aborted)
        + own(FaultKind::UnitAttention)
        + own(FaultKind::BadSense)
        + changes
        + denied
        + refusals;
    let is_tried_out = failed_tries >= TRIES;
    // An ATA disk has one word for a write it cannot do, whatever stands in the way: device fault (SAT-4).
    let writes = matches!(class, OpClass::Write | OpClass::Flush);
    match status {
        STATUS_DEVICE_DATA_ERROR => own(FaultKind::MediumError) > 0,
        STATUS_DATA_OVERRUN => own(FaultKind::ShortTransfer) > 0,
        STATUS_DEVICE_HARDWARE_ERROR => is_ata && writes && own(FaultKind::MediumError) > 0,
        STATUS_IO_DEVICE_ERROR => is_tried_out,
        STATUS_IO_TIMEOUT => is_tried_out && ends_of_all > 0,
        STATUS_DEVICE_NOT_READY => is_tried_out && refusals > 0,
        STATUS_INSUFFICIENT_RESOURCES => own(FaultKind::AllocationFailure) > 0,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use storport_sim::disk::fault::FaultRule;

    fn counts(text: &str, injected: u64) -> Vec<FaultCount> {
        let rule: FaultRule = text.parse().unwrap();
        vec![FaultCount { rule, matched: injected, injected }]
    }

    #[test]
    fn an_error_surfaces_only_when_its_fault_has_struck_often_enough() {
        let read = |text, injected, status| {
            permitted(&counts(text, injected), Ends::default(), Protocol::Scsi, OpClass::Read, status)
        };
        assert!(read("medium-error", 1, STATUS_DEVICE_DATA_ERROR));
        assert!(!read("medium-error", 0, STATUS_DEVICE_DATA_ERROR));
        assert!(!read("medium-error:op=write", 9, STATUS_DEVICE_DATA_ERROR));
        assert!(!read("medium-error", 1, STATUS_IO_DEVICE_ERROR));
        assert!(read("short", 1, STATUS_DATA_OVERRUN));
        assert!(!read("short", 99, STATUS_IO_DEVICE_ERROR));
        assert!(!read("aborted", 4, STATUS_IO_DEVICE_ERROR));
        assert!(read("aborted", 5, STATUS_IO_DEVICE_ERROR));
        assert!(!read("aborted", 99, STATUS_IO_TIMEOUT));
        assert!(!read("unit-attention", 4, STATUS_IO_DEVICE_ERROR));
        assert!(read("unit-attention", 5, STATUS_IO_DEVICE_ERROR));
        assert!(!read("dropped", 2, STATUS_IO_TIMEOUT));
        assert!(read("hung", 1, STATUS_IO_TIMEOUT));
        assert!(!read("busy", 104, STATUS_DEVICE_NOT_READY));
        assert!(read("busy", 105, STATUS_DEVICE_NOT_READY));
        assert!(!read("hung", 20, STATUS_DEVICE_NOT_READY));
        assert!(read("hung", 21, STATUS_DEVICE_NOT_READY));
        assert!(!read("duplicate", 99, STATUS_IO_DEVICE_ERROR));
    }

    #[test]
    fn tries_that_had_no_memory_add_up_with_those_that_met_faults() {
        let read = |denied| {
            let ends = Ends { denied, ..Ends::default() };
            permitted(&counts("aborted", 3), ends, Protocol::Scsi, OpClass::Read, STATUS_IO_DEVICE_ERROR)
        };
        assert!(!read(1));
        assert!(read(2));
    }

    #[test]
    fn a_reset_may_end_everybodys_commands_but_a_few_resets_are_tried_again() {
        // Each ends one try and may be told to another.
        let resets = |resets| Ends { resets, ..Ends::default() };
        assert!(!permitted(&[], resets(2), Protocol::Scsi, OpClass::Write, STATUS_IO_TIMEOUT));
        assert!(permitted(&[], resets(3), Protocol::Scsi, OpClass::Write, STATUS_IO_TIMEOUT));
    }

    #[test]
    fn each_change_of_the_units_may_cost_everybody_a_try() {
        let write = |changes| {
            let ends = Ends { changes, ..Ends::default() };
            permitted(&[], ends, Protocol::Scsi, OpClass::Write, STATUS_IO_DEVICE_ERROR)
        };
        assert!(!write(4));
        assert!(write(5));
    }

    #[test]
    fn only_an_ata_disk_lacks_words_for_a_write_and_resets_for_everybody() {
        let write = |protocol, text, injected, status| {
            permitted(&counts(text, injected), Ends::default(), protocol, OpClass::Write, status)
        };
        assert!(write(Protocol::Ata, "medium-error", 1, STATUS_DEVICE_HARDWARE_ERROR));
        assert!(!write(Protocol::Scsi, "medium-error", 1, STATUS_DEVICE_HARDWARE_ERROR));
        assert!(write(Protocol::Ata, "busy", 3, STATUS_IO_TIMEOUT));
        assert!(!write(Protocol::Ata, "busy", 2, STATUS_IO_TIMEOUT));
        assert!(!write(Protocol::Scsi, "busy", 99, STATUS_IO_TIMEOUT));
    }
}
