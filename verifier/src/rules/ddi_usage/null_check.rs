//! NullCheck: a pointer that may be NULL is looked at before it is used.

use crate::rules::row::rule;
use crate::rules::state::{Empties, PerFrame, PerThread};
use crate::rules::{Breach, FINE, Rule, Seen, is_of_driver};
use kernel_sim::ddi::row;
use kernel_sim::hook::{DdiSet, Event, EventKind, Interest};
use kernel_sim::moment::Moment;
use kernel_sim::routine::{Arg, DdiInfo};
use storport_sim::ddi::row as storport;

rule! {
    /// A pointer that a routine returned is tested for NULL before it is passed on.
    ///
    /// ## What is checked
    /// Calls with NULL for a first argument that may not be NULL, in an activation of a callback (of a
    /// program: in a thread) in which a routine has returned NULL before. The rule is one for compilers: it
    /// follows every pointer of the source through every path, and knows that one may be NULL because the
    /// driver tests it elsewhere. A run knows which pointer was NULL, and of those only the ones that reach
    /// a call. Off unless asked for: what uses a NULL pointer is a stop of the machine.
    ///
    /// ## Why it matters
    /// It works until memory is short, on a customer's machine: then Windows stops.
    ///
    /// ## Source
    /// Microsoft, "NullCheck rule": devtest/nullchecks.
    NullCheck: DdiUsage, Rule, off,
    why "it works until memory is short, on a customer's machine: then Windows stops",
    url "devtest/nullchecks",
    exhibits "null-check" with "--rules all",
    make |_| NullCheck::default()
}

/// Routines that return NULL where they have nothing to return.
static RETURN_NULL: &[&DdiInfo] = &[
    &row::ExAllocateFromNPagedLookasideList,
    &row::ExAllocateFromPagedLookasideList,
    &row::ExAllocatePool2,
    &row::ExAllocatePoolWithTag,
    &row::IoAllocateIrp,
    &row::IoAllocateMdl,
    &row::IoAllocateWorkItem,
    &row::MmGetSystemAddressForMdlSafe,
    &row::MmMapIoSpace,
    &storport::StorPortAllocateRegistryBuffer,
    &storport::StorPortGetDeviceBase,
    &storport::StorPortGetLogicalUnit,
    &storport::StorPortGetUncachedExtension,
];

/// Routines whose first argument may not be NULL.
static NEED_POINTER: &[&DdiInfo] = &[
    &row::ExFreePool,
    &row::ExFreePoolWithTag,
    &row::ExInitializeResourceLite,
    &row::IoFreeIrp,
    &row::IoFreeMdl,
    &row::IoFreeWorkItem,
    &row::IoQueueWorkItem,
    &row::IoReuseIrp,
    &row::KeInitializeDpc,
    &row::KeInitializeEvent,
    &row::KeInitializeSpinLock,
    &row::KeInitializeTimer,
    &row::KeInitializeTimerEx,
    &row::MmBuildMdlForNonPagedPool,
];

/// The rule: when a routine last returned NULL.
#[derive(Default)]
struct NullCheck {
    in_callback: PerFrame<Option<Moment>>,
    in_thread: PerThread<Option<Moment>>,
}

impl NullCheck {
    fn of<R>(&self, event: &Event<'_>, change: impl FnOnce(&mut Option<Moment>) -> R) -> Option<R> {
        if event.frame().is_some() {
            self.in_callback.of(event, change)
        } else {
            self.in_thread.of(event, change)
        }
    }
}

impl Rule for NullCheck {
    fn interest(&self) -> Interest {
        let enter = DdiSet::of(NEED_POINTER);
        Interest { enter, ..Interest::NOTHING.exit(RETURN_NULL) }
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        if !is_of_driver(event) {
            return FINE;
        }
        match event.kind {
            EventKind::Exit(_, Arg::Pointer(0)) => {
                let now = event.moment_to_keep().labelled("NULL returned");
                self.of(event, |last| *last = Some(now));
                FINE
            }
            EventKind::Enter(ddi, [Arg::Pointer(0), ..]) => {
                let returned = self.of(event, |last| last.clone())??;
                let what = format!("{} called with a NULL pointer", ddi.name);
                Some(Breach::new(event, what).earlier([returned]))
            }
            _ => FINE,
        }
    }

    fn state(&self) -> Option<&dyn Empties> {
        Some(&self.in_callback)
    }
}
