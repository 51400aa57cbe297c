//! What orders accesses to memory, as those who look for data races are told it.
//!
//! The mechanisms say here what they order: a lock that is given back and taken, a thread that is woken, a
//! DPC that is queued and run, a device that was written to and interrupts. Each says it at the door that
//! all its routines pass, so the system's own locks and queues count like a driver's. Told in the
//! deterministic executor only, and only where a watcher asked
//! ([`Interest::order`](crate::hook::Interest::order)). Those who are told it cannot call the machine, so
//! it may be said with the kernel's tables locked. What was said is kept and told before the next access.
//! What is said before the first plain access is not kept: nothing before that access can be in a race.
//! Invariant: whatever Windows promises to order is said; what is said and not promised can hide a race, and
//! never invents one.

use crate::hook::{Doer, GRAIN, Order, Ordered};
use crate::machine::Machine;
use crate::processor::{Processor, flag};
use crate::routine::reserved;
use crate::sync::thread::Thread;
use crate::watching::Watching;
use std::cell::Cell;

// Numbers of what is no object in memory; no memory of a machine lies so low. Objects are `GRAIN` apart.
const DEVICES: usize = 0x100_0000;
const VECTORS: usize = 0x200_0000;

/// What software wrote to device `n` and it has not looked at.
fn sent_to(n: usize) -> usize {
    DEVICES + 2 * GRAIN * n
}

/// What device `n` has looked at.
fn seen_by(n: usize) -> usize {
    sent_to(n) + GRAIN
}

/// An interrupt vector.
pub(crate) fn vector(vector: u32) -> usize {
    VECTORS + GRAIN * vector as usize
}

/// A thread, which lives as long as the machine.
pub(crate) fn thread(thread: &Thread) -> usize {
    std::ptr::from_ref(thread) as usize
}

/// Orders are told when so many were said, at the latest.
const MOST: usize = 64;

/// What was said in the deterministic executor and is still to be told.
pub(crate) struct Said {
    orders: [Cell<Ordered>; MOST],
    /// How many of them there are.
    count: Cell<usize>,
    /// Whether there was an access.
    is_wanted: Cell<bool>,
}

impl Default for Said {
    fn default() -> Said {
        let nothing = Ordered { doer: Doer::default(), object: 0, order: Order::Gives };
        let orders = std::array::from_fn(|_| Cell::new(nothing));
        Said { orders, count: Cell::new(0), is_wanted: Cell::new(false) }
    }
}

impl Said {
    /// Back to before the first access.
    pub(crate) fn reset(&self) {
        self.count.set(0);
        self.is_wanted.set(false);
    }

    /// There is an access that may race with later ones.
    #[inline]
    pub(crate) fn accessed(&self) {
        self.is_wanted.set(true);
    }

    #[inline]
    fn say(&self, watching: &Watching, ordered: Ordered) {
        let count = self.count.get();
        self.orders[count % MOST].set(ordered);
        self.count.set(count + 1);
        if count + 1 == MOST {
            self.tell_some(watching);
        }
    }

    /// Tells those who asked what was said.
    #[inline]
    pub(crate) fn tell(&self, watching: &Watching) {
        if self.count.get() != 0 {
            self.tell_some(watching);
        }
    }

    #[inline(never)]
    fn tell_some(&self, watching: &Watching) {
        watching.deliver_order(&self.orders[..self.count.replace(0)]);
    }
}

impl Processor {
    #[inline]
    fn is_order_told(&self) -> bool {
        self.hooks_of(reserved::ORDER) & flag::EVENTS != 0
    }

    /// What runs here gives to an object.
    #[inline]
    pub fn gives(&self, object: usize) {
        if self.is_order_told() {
            self.tell(object, Order::Gives);
        }
    }

    /// What runs here takes from an object.
    #[inline]
    pub fn takes(&self, object: usize) {
        if self.is_order_told() {
            self.tell(object, Order::Takes);
        }
    }

    /// What runs here gives to two objects.
    #[inline]
    pub fn gives_to_both(&self, object: usize, other: usize) {
        if self.is_order_told() {
            self.tell(object, Order::GivesToBoth { other });
        }
    }

    /// What runs here takes from two objects.
    #[inline]
    pub fn takes_from_both(&self, object: usize, other: usize) {
        if self.is_order_told() {
            self.tell(object, Order::TakesFromBoth { other });
        }
    }

    /// What runs here takes from an object and gives to it: an operation with a lock of its own.
    #[inline]
    pub fn meets(&self, object: usize) {
        if self.is_order_told() {
            self.tell(object, Order::Meets);
        }
    }

    /// A block of memory is fresh.
    #[inline]
    pub(crate) fn has_fresh(&self, address: usize, bytes: usize) {
        if self.is_order_told() {
            self.say(address, Order::Fresh { bytes });
        }
    }

    /// Devices and the clock act on no processor's account.
    #[cold]
    fn tell(&self, object: usize, order: Order) {
        if !self.machine().deterministic().is_unattended() {
            self.say(object, order);
        }
    }

    #[inline]
    fn say(&self, object: usize, order: Order) {
        let machine = self.machine();
        let said = &machine.deterministic().said;
        if said.is_wanted.get() && self.hooks() & flag::QUIET == 0 {
            said.say(&machine.watching, Ordered { doer: self.doer(), object, order });
        }
    }
}

impl Machine {
    /// What was given to one object is given to another.
    #[inline]
    pub(crate) fn passes(&self, from: usize, to: usize) {
        let cpu = Processor::current();
        if cpu.is_order_told() {
            cpu.say(from, Order::Passes { to });
        }
    }

    /// Runs what a device or the clock does: no processor's doing.
    pub(crate) fn unattended<R>(&self, body: impl FnOnce() -> R) -> R {
        if !self.is_deterministic() {
            return body();
        }
        let d = self.deterministic();
        let before = d.set_unattended(true);
        let answer = body();
        d.set_unattended(before);
        answer
    }

    /// A driver writes to a register of device `n`.
    #[inline]
    pub(crate) fn register_written(&self, cpu: &Processor, n: usize, register: usize) {
        cpu.gives_to_both(register, sent_to(n));
    }

    /// A driver reads a register of device `n`: it sees what was written to that very register, and what the
    /// device makes of what it has looked at.
    #[inline]
    pub(crate) fn register_read(&self, cpu: &Processor, n: usize, register: usize) {
        cpu.takes_from_both(register, seen_by(n));
    }

    /// Device `n` looks at what was written to it.
    #[inline]
    pub(crate) fn device_looks(&self, n: usize) {
        self.passes(sent_to(n), seen_by(n));
    }

    /// Device `n` asks for the interrupt of a vector.
    #[inline]
    pub(crate) fn device_interrupts(&self, n: usize, v: u32) {
        self.passes(seen_by(n), vector(v));
    }

    /// A driver reads memory: what lies in memory that a device was given may have come from the device. One
    /// that was never restricted is not thought of: it could have written any memory, and then nothing would
    /// ever be a race.
    pub(crate) fn takes_from_devices(&self, cpu: &Processor, address: usize) {
        if !cpu.is_order_told() {
            return;
        }
        let Some(physical) = self.physical_address(address) else { return };
        for slot in self.hardware.iter().filter(|slot| slot.dma().was_given(physical)) {
            cpu.takes(seen_by(slot.number()));
        }
    }
}
