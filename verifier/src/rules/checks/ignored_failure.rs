//! IgnoredFailure: a routine failed, and the driver goes on as if it had not.

use crate::rules::row::rule;
use crate::rules::{Breach, FINE, Rule, Seen, is_of_driver};
use kernel_sim::ddi::{args, row};
use kernel_sim::hook::{Event, EventKind, Interest};
use kernel_sim::moment::Moment;
use parking_lot::Mutex;
use std::collections::BTreeMap;

rule! {
    /// What a routine that failed would have given is not used.
    ///
    /// ## What is checked
    /// What a run knows exactly, of two routines whose pages say that their status is to be checked.
    /// IoSetCompletionRoutineEx has failed for an IRP, and IoCallDriver or PoCallDriver passes it on with the
    /// same stack location, which has no completion routine. A driver that then sets one by
    /// IoSetCompletionRoutine, or skips its location, has looked at the status.
    /// And IoAcquireRemoveLock has failed under a tag, and the lock is released under that tag, under which
    /// it is not held; in the deterministic executor only, which keeps the tags.
    ///
    /// IoSetCompletionRoutineEx fails where an allocation of the driver would: in the environments that a
    /// stress draws, and by `--fault allocation`. IoAcquireRemoveLock fails once the removal has begun.
    ///
    /// What uses a pointer or a lock that it did not get is found by other rows: a NULL pointer is
    /// PAGE_FAULT_IN_NONPAGED_AREA; a mutex that was waited for in vain and is released,
    /// KMODE_EXCEPTION_NOT_HANDLED; a resource, RESOURCE_NOT_OWNED; a spin lock, a stop of the machine;
    /// rundown protection, REFERENCE_BY_POINTER if it has no holder. If it has others, it is not known which
    /// of them the release is of. A handle of a registry key, in a virtual miniport, is ZwRegistryOpen.
    ///
    /// ## When the driver is compiled
    /// A status that is dropped, and nothing used that depends on it, is seen by the compiler only.
    /// `storsim cc` warns where C drops the result of a routine that Microsoft's headers or pages say to
    /// inspect (clang's unused-result), and the same routines are `#[must_use]` in Rust.
    ///
    /// ## Why it matters
    /// It works until memory is short, or the device is removed at that moment. Then the completion routine
    /// is never called, and what it was to free or signal stays as it is; or the device object is deleted
    /// while another request is under way.
    ///
    /// ## Source
    /// Our own check, drawn from the pages of the routines and from the rule IoSetCompletionExCompleteIrp
    /// (wdm), for which Driver Verifier stops with 0xC4/0x4100F. That rule wants the IRP completed. This
    /// check lets pass what sets a completion routine in the other way, as shipped drivers do, and
    /// what skips its location; an IRP sent with the location and no routine breaks the rule even if the
    /// driver has looked.
    IgnoredFailure: Checks, Check, on,
    why "it works until memory is short or the device is removed: then the end of a request is not seen, or a count is wrong",
    exhibits "ignored-failure" with "--fault allocation:when=io",
    make |_| IgnoredFailure::default()
}

/// What a call that failed was to give.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Wanted {
    /// A completion routine for the IRP at this address.
    Completion(usize),
    /// The remove lock at this address, under this tag.
    RemoveLock(usize, usize),
}

/// The check: when something was refused last.
#[derive(Default)]
struct IgnoredFailure(Mutex<BTreeMap<Wanted, Moment>>);

impl IgnoredFailure {
    fn refused(&self, event: &Event<'_>, wanted: Wanted) -> Seen {
        let mut at = event.moment_to_keep().labelled("refused");
        // On the short path the processor does not know which call it is in.
        if let EventKind::Enter(ddi, _) = event.kind {
            (at.call, at.site) = (Some(ddi), Some(event.site));
        }
        self.0.lock().insert(wanted, at);
        FINE
    }

    fn used(&self, event: &Event<'_>, wanted: Wanted, what: &str) -> Seen {
        let refused = self.0.lock().remove(&wanted)?;
        Some(Breach::new(event, what).earlier([refused]))
    }
}

impl Rule for IgnoredFailure {
    fn interest(&self) -> Interest {
        Interest::unusual(&[
            &row::IoSetCompletionRoutineEx,
            &row::IoCallDriver,
            &row::PoCallDriver,
            &row::IoAcquireRemoveLock,
            &row::IoReleaseRemoveLock,
            &row::IoReleaseRemoveLockAndWait,
        ])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        if !is_of_driver(event) {
            return FINE;
        }
        if let Some(call) = event.args::<args::IoSetCompletionRoutineEx>() {
            return self.refused(event, Wanted::Completion(call.Irp.pointer()));
        }
        if let Some(call) = event.args::<args::IoAcquireRemoveLock>() {
            return self.refused(event, Wanted::RemoveLock(call.RemoveLock.pointer(), call.Tag.pointer()));
        }
        let sent = event.args::<args::IoCallDriver>().map(|call| call.Irp);
        if let Some(irp) = sent.or_else(|| event.args::<args::PoCallDriver>().map(|call| call.Irp)) {
            let what = "an IRP is passed on without the completion routine that could not be set";
            return self.used(event, Wanted::Completion(irp.pointer()), what);
        }
        let released = event.args::<args::IoReleaseRemoveLock>().map(|call| (call.RemoveLock, call.Tag));
        let last = || event.args::<args::IoReleaseRemoveLockAndWait>().map(|c| (c.RemoveLock, c.Tag));
        let (lock, tag) = released.or_else(last)?;
        let what = "a remove lock is released that could not be acquired";
        self.used(event, Wanted::RemoveLock(lock.pointer(), tag.pointer()), what)
    }
}
