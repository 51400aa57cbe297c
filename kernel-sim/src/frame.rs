//! `Frame`: one activation of a driver callback.
//!
//! Whoever calls into a driver describes the call in a frame on its own stack; the frames of one thread are
//! linked, innermost first, and nest per processor. A frame says what the callback was given and what the
//! system holds around it, and remembers the last line of the driver seen in it. It judges nothing.
//! Invariant: a frame is linked exactly while its callback runs, unwinding included.

#![expect(unsafe_code, reason = "frames lie on stacks and point at those around them")]

use crate::irql::Irql;
use crate::routine::{Arg, Callback, KERNEL};
use crate::site::Site;
use std::cell::Cell;
use std::ptr::null;

/// What a frame is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Item {
    /// A SCSI request block, by the host address of its memory.
    Srb(usize),
    /// An I/O request packet, by host address.
    Irp(usize),
    /// A block of pool, by the host address of its first byte.
    Pool(usize),
}

impl Item {
    /// The host address of its memory.
    #[must_use]
    pub fn address(self) -> usize {
        match self {
            Item::Srb(address) | Item::Irp(address) | Item::Pool(address) => address,
        }
    }
}

/// One activation of a driver callback.
pub struct Frame<'a> {
    /// Which callback.
    pub kind: &'static Callback,
    /// Its arguments, in the order of the callback's parameters.
    pub args: &'a [Arg],
    /// Host address of the device extension of the adapter it belongs to; 0 where there is none.
    pub adapter: usize,
    /// The request it is about.
    pub item: Option<Item>,
    /// The name of each lock that the system holds around it, such as `StartIoLock`.
    pub system_locks: &'static [&'static str],
    irql: Cell<Irql>,
    held: Cell<u32>,
    looks: Cell<u16>,
    noted: Cell<bool>,
    /// The IRQL before the call that it makes, on a machine that gathers evidence.
    pub(crate) irql_before_call: Cell<Irql>,
    last_site: Cell<Option<Site>>,
    stalled_us: Cell<u64>,
    /// How much was added to it by what the system ran inside the callback.
    system_us: Cell<u64>,
    pub(crate) outer: Cell<*const Frame<'static>>,
}

impl<'a> Frame<'a> {
    /// A call of `kind` with these arguments.
    #[inline]
    #[must_use]
    pub const fn new(kind: &'static Callback, args: &'a [Arg]) -> Frame<'a> {
        Frame {
            kind,
            args,
            adapter: 0,
            item: None,
            system_locks: &[],
            irql: Cell::new(Irql::PASSIVE),
            held: Cell::new(0),
            looks: Cell::new(0),
            noted: Cell::new(false),
            irql_before_call: Cell::new(Irql::PASSIVE),
            last_site: Cell::new(None),
            stalled_us: Cell::new(0),
            system_us: Cell::new(0),
            outer: Cell::new(null()),
        }
    }

    /// The same, about that request.
    #[inline]
    #[must_use]
    pub const fn about(mut self, item: Item) -> Frame<'a> {
        self.item = Some(item);
        self
    }

    /// The same, of the adapter with that device extension.
    #[inline]
    #[must_use]
    pub const fn of_adapter(mut self, extension: usize) -> Frame<'a> {
        self.adapter = extension;
        self
    }

    /// The same, with these locks held around it.
    #[inline]
    #[must_use]
    pub const fn under(mut self, system_locks: &'static [&'static str]) -> Frame<'a> {
        self.system_locks = system_locks;
        self
    }

    /// The processor's IRQL when the callback was entered.
    #[must_use]
    pub fn irql(&self) -> Irql {
        self.irql.get()
    }

    /// How many spin locks the driver held on the processor when the callback was entered; 0 unless a watcher
    /// asked for the count.
    #[must_use]
    pub fn held_count(&self) -> u32 {
        self.held.get()
    }

    /// The last line of the driver seen in it: of a call that took the long path (all do, in the
    /// deterministic executor). `None` before the first.
    #[must_use]
    pub fn last_site(&self) -> Option<Site> {
        self.last_site.get()
    }

    /// Microseconds for which driver code had kept the processor busy when the callback was entered; see
    /// [`Here::stalled_us`](crate::hook::Here::stalled_us).
    #[must_use]
    pub fn stalled_us(&self) -> u64 {
        self.stalled_us.get()
    }

    /// Microseconds of those since then that callbacks took which the system ran inside this one and that
    /// have returned: a port driver may recover from within the call that completes a request, and what it
    /// calls then is not this one's doing.
    #[must_use]
    pub fn system_us(&self) -> u64 {
        self.system_us.get()
    }

    /// Notes that a watcher keeps something about this activation: its end is told to those who asked for the
    /// ends of such ([`Interest::leaving_noted`](crate::hook::Interest::leaving_noted)).
    pub fn note(&self) {
        self.noted.set(true);
    }

    /// Whether it was noted.
    #[inline]
    pub(crate) fn is_noted(&self) -> bool {
        self.noted.get()
    }

    /// The argument of that name, as the callback's parameters are named.
    #[must_use]
    pub fn arg(&self, name: &str) -> Option<Arg> {
        let at = self.kind.params.iter().position(|param| *param == name)?;
        self.args.get(at).copied()
    }

    /// Whether the system holds the lock of that name around the callback.
    #[must_use]
    pub fn system_holds(&self, lock: &str) -> bool {
        self.system_locks.contains(&lock)
    }

    /// The frame around it, if any.
    #[must_use]
    pub fn outer(&self) -> Option<&Frame<'_>> {
        // SAFETY: a linked frame's outer frames are linked, too, and live on stacks below it.
        unsafe { self.outer.get().as_ref() }.filter(|outer| !std::ptr::eq(outer.kind, &raw const KERNEL))
    }

    /// Notes that the callback was met again while it runs; returns how often that is now.
    pub(crate) fn look(&self) -> u16 {
        self.looks.set(self.looks.get().saturating_add(1));
        self.looks.get()
    }

    #[inline]
    pub(crate) fn enter(&self, irql: Irql, held: u32, outer: *const Frame<'static>, stalled_us: u64) {
        self.irql.set(irql);
        self.held.set(held);
        self.stalled_us.set(stalled_us);
        self.system_us.set(0);
        self.outer.set(outer);
    }

    /// The callback ends, at this sum of stalls, which has grown: the frame around it learns what of it was
    /// the system's doing.
    #[cold]
    pub(crate) fn leave(&self, stalled_us: u64) {
        let of_system = if self.kind.is_system {
            stalled_us.saturating_sub(self.stalled_us.get())
        } else {
            self.system_us.get()
        };
        if of_system != 0
            && let Some(outer) = self.outer()
        {
            outer.system_us.set(outer.system_us.get() + of_system);
        }
    }

    #[inline]
    pub(crate) fn note_site(&self, site: Site) {
        self.last_site.set(Some(site));
    }
}

impl std::fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.kind.name)
    }
}

/// Stands in where no callback is active.
pub(crate) struct Outermost(pub Frame<'static>);

// SAFETY: only processors read it, and nothing writes to it: `note_site` is called on linked frames of
// drivers only.
unsafe impl Sync for Outermost {}

/// The frame of code that runs outside all callbacks.
pub(crate) static OUTERMOST: Outermost = Outermost(Frame::new(&KERNEL, &[]));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routine::{Callback, DEFERRED_ROUTINE};

    static SYSTEM: Callback = Callback { id: 63, name: "System", is_system: true, params: &[] };

    /// Runs a callback of `kind` inside `outer` from one sum of stalls to another.
    fn inside(outer: &Frame<'_>, kind: &'static Callback, from: u64, to: u64, body: impl FnOnce(&Frame<'_>)) {
        let frame = Frame::new(kind, &[]);
        frame.enter(Irql::DISPATCH, 0, std::ptr::from_ref(outer).cast(), from);
        body(&frame);
        frame.leave(to);
    }

    #[test]
    fn what_the_system_runs_inside_a_callback_is_told_apart() {
        let dpc = Frame::new(&DEFERRED_ROUTINE, &[]);
        dpc.enter(Irql::DISPATCH, 0, &raw const OUTERMOST.0, 100);
        inside(&dpc, &DEFERRED_ROUTINE, 110, 160, |own| {
            inside(own, &SYSTEM, 110, 150, |system| {
                inside(system, &DEFERRED_ROUTINE, 110, 150, |_| ());
            });
        });
        inside(&dpc, &SYSTEM, 160, 165, |_| ());
        assert_eq!((dpc.stalled_us(), dpc.system_us()), (100, 40 + 5));
        // Outside all callbacks there is none to tell.
        dpc.leave(165);
        assert_eq!(OUTERMOST.0.system_us(), 0);
    }
}
