//! Handles of registry keys, from the call that opens one to the one that closes it: what two rules share.
//!
//! Of a handle is known which routine opened it and where it was closed; a rule judges those that its own
//! routine opened. Invariant: a handle's number is given out once in a run (`kernel-sim/src/handles.rs`), so
//! one that was closed stays so.

use crate::rules::state::PerThread;
use crate::rules::{Breach, FINE, Rule, Seen, is_of_driver};
use kernel_sim::ddi::{NT_SUCCESS, args, row};
use kernel_sim::hook::{Event, EventKind, Interest};
use kernel_sim::moment::Moment;
use kernel_sim::routine::{DRIVER_UNLOAD, DdiInfo};
use kernel_sim::seen::word;
use parking_lot::Mutex;
use std::collections::BTreeMap;

/// The routines that use a handle of a key, which is their first argument.
static USES: &[&DdiInfo] = &[
    &row::ZwDeleteKey,
    &row::ZwEnumerateKey,
    &row::ZwEnumerateValueKey,
    &row::ZwFlushKey,
    &row::ZwQueryKey,
    &row::ZwQueryValueKey,
    &row::ZwSetValueKey,
];

/// A handle that was opened.
struct Opened {
    by: &'static DdiInfo,
    at: Moment,
    closed: Option<Moment>,
}

/// A call that opens a handle: where that goes, and when it was made.
type Opening = Option<(usize, Moment)>;

/// A rule about the handles that one routine opens.
pub(super) struct RegistryHandles {
    own: &'static DdiInfo,
    judges_unknown: bool,
    opening: PerThread<Opening>,
    handles: Mutex<BTreeMap<usize, Opened>>,
}

impl RegistryHandles {
    /// The rule about handles that `own` opens; and, if asked for, about numbers that never were one's.
    pub(super) fn of(own: &'static DdiInfo, judges_unknown: bool) -> RegistryHandles {
        RegistryHandles { own, judges_unknown, opening: PerThread::default(), handles: Mutex::default() }
    }

    /// A routine is about to use a handle, or to close it.
    fn used(&self, event: &Event<'_>, ddi: &'static DdiInfo, handle: usize) -> Seen {
        let mut handles = self.handles.lock();
        let Some(opened) = handles.get_mut(&handle) else {
            // ZwClose closes handles of other objects as well.
            let is_wrong = self.judges_unknown && *ddi != row::ZwClose;
            return is_wrong
                .then(|| Breach::new(event, format!("{} for a handle that was never opened", ddi.name)));
        };
        let closes = [&row::ZwClose, &row::ZwDeleteKey].contains(&ddi);
        if let Some(closed) = &opened.closed {
            // A handle of a key that was deleted may be closed, and need not be.
            let is_of_deleted = closed.call.is_some_and(|call| *call == row::ZwDeleteKey);
            if *opened.by != *self.own || (is_of_deleted && *ddi == row::ZwClose) {
                return FINE;
            }
            let what = format!("{} for a handle of a registry key that is closed", ddi.name);
            return Some(Breach::new(event, what).earlier([opened.at.clone(), closed.clone()]));
        }
        if closes {
            opened.closed = Some(event.moment_to_keep().labelled("closed"));
        }
        FINE
    }
}

impl Rule for RegistryHandles {
    fn interest(&self) -> Interest {
        static OPEN: &[&DdiInfo] = &[&row::ZwCreateKey, &row::ZwOpenKey];
        let calls = Interest::enter(OPEN).exit(OPEN);
        calls.and(&Interest::enter(USES)).and(&Interest::enter(&[&row::ZwClose])).callbacks(&[&DRIVER_UNLOAD])
    }

    fn see(&self, event: &Event<'_>) -> Seen {
        match event.kind {
            EventKind::End(..) => {
                let handles = self.handles.lock();
                let left = handles.values().find(|o| *o.by == *self.own && o.closed.is_none())?;
                let what = format!(
                    "the driver is unloaded, and has not closed a handle that {} opened",
                    self.own.name
                );
                Some(Breach::new(event, what).earlier([left.at.clone()]))
            }
            _ if !is_of_driver(event) => FINE,
            EventKind::Enter(ddi, given) => {
                let created = event.args::<args::ZwCreateKey>().map(|call| call.KeyHandle);
                let opened = event.args::<args::ZwOpenKey>().map(|call| call.KeyHandle);
                if let Some(variable) = created.or(opened) {
                    let at = event.moment_to_keep().labelled("opened");
                    self.opening.of(event, |opening| *opening = Some((variable.pointer(), at)));
                    return FINE;
                }
                self.used(event, ddi, given.first()?.pointer())
            }
            EventKind::Exit(by, status) => {
                let (variable, at) = self.opening.of(event, Option::take)??;
                if NT_SUCCESS(status.value() as i32)
                    && let Some(handle) = word(variable)
                {
                    self.handles.lock().insert(handle, Opened { by, at, closed: None });
                }
                FINE
            }
            _ => FINE,
        }
    }
}
