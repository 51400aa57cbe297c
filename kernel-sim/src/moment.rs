//! `Moment`: where and when something happened on a machine. What every finding is made of.
//!
//! A value of its own, with no reference into the machine. Invariant: no host address and no host time, but
//! for the call stack, which takes part in no comparison.

use crate::held::HeldLock;
use crate::irql::Irql;
use crate::routine::{Callback, DdiInfo};
use crate::site::Site;
use crate::stack::{Stack, StackId};
use std::borrow::Cow;

/// Where and when something happened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Moment {
    /// What happened then, as a sentence part: "taken by", "handed out". Empty for the moment of a finding.
    pub label: Cow<'static, str>,
    /// Processor index; 0 where a device did it.
    pub cpu: u8,
    /// The device that did it, by name, if no processor did.
    pub device: Option<&'static str>,
    /// Number of the thread that ran there, in the order in which threads were created.
    pub thread: u32,
    /// The processor's IRQL.
    pub irql: Irql,
    /// Number of the step (deterministic executor only).
    pub step: Option<u64>,
    /// Machine time in nanoseconds.
    pub time_ns: u64,
    /// The routine that was being called, if any.
    pub call: Option<&'static DdiInfo>,
    /// The driver's source line.
    pub site: Option<Site>,
    /// Driver callbacks active, innermost last.
    pub callbacks: Vec<&'static Callback>,
    /// Spin locks the driver held there, oldest first; of the moment at which one was taken, that one.
    pub held: Vec<HeldLock>,
    /// The call stack, where one was taken.
    pub stack: Stack,
}

impl Moment {
    /// A moment on processor `cpu` of which nothing else is known.
    #[must_use]
    pub fn on(cpu: u8) -> Moment {
        Moment {
            label: Cow::Borrowed(""),
            cpu,
            device: None,
            thread: 0,
            irql: Irql::PASSIVE,
            step: None,
            time_ns: 0,
            call: None,
            site: None,
            callbacks: Vec::new(),
            held: Vec::new(),
            stack: Stack::default(),
        }
    }

    /// The moment at which processor `cpu` took a lock that it holds, as far as the lock's entry says:
    /// without time and thread, and without the call stack, which the machine keeps.
    #[must_use]
    pub fn of_taking(cpu: u8, lock: &HeldLock) -> Moment {
        Moment {
            label: "taken".into(),
            irql: lock.irql_before,
            step: (lock.step != 0).then_some(lock.step),
            call: Some(lock.routine),
            site: Some(lock.site).filter(|site| !site.is_own()),
            callbacks: vec![lock.callback],
            held: vec![*lock],
            ..Moment::on(cpu)
        }
    }

    /// The innermost driver callback, if any was active.
    #[must_use]
    pub fn callback(&self) -> Option<&'static Callback> {
        self.callbacks.last().copied()
    }

    /// The name of the routine that was being called, if any.
    #[must_use]
    pub fn routine(&self) -> Option<&'static str> {
        self.call.map(|ddi| ddi.name)
    }

    /// The same moment, with what happened then.
    #[must_use]
    pub fn labelled(mut self, label: impl Into<Cow<'static, str>>) -> Moment {
        self.label = label.into();
        self
    }
}

/// A moment as a plain value, which can be kept for every request, block, lock and access: made by
/// `stamp.rs`, and made into a moment again by the machine that it is one of.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    /// The callback that was active.
    pub(crate) callback: &'static Callback,
    pub(crate) routine: Option<&'static DdiInfo>,
    pub(crate) site: Option<Site>,
    pub(crate) step: u64,
    pub(crate) time_ns: u64,
    pub(crate) stack: StackId,
    pub(crate) thread: u32,
    pub(crate) cpu: u8,
    pub(crate) irql: Irql,
}
