//! The adapter extension: where a miniport's value lies between `find_adapter` and `free_adapter_resources`.
//!
//! The value's type is the driver's; beside it lie the adapter's threads. Invariant: the value is dropped
//! once, after its last thread has ended: by `free_adapter_resources`, or, on a machine that has stopped,
//! with the machine.

#![expect(unsafe_code, reason = "wraps layer 1, whose contracts its types keep")]

use super::VirtualMiniport;
use super::thread::Threads;
use kernel_sim::ddi::PVOID;
use kernel_sim::machine::Machine;
use parking_lot::Mutex;
use std::mem::MaybeUninit;
use std::sync::Arc;

/// The adapter extension.
#[repr(C)]
pub(super) struct Extension<M> {
    value: MaybeUninit<M>,
    pub(super) threads: Threads,
}

impl<M: VirtualMiniport> Extension<M> {
    /// Puts the value of a new adapter into its extension.
    ///
    /// # Safety
    /// Storport's own pointer to zeroed memory of this size, in which there is no value.
    pub(super) unsafe fn fill(extension: PVOID, value: M) {
        // SAFETY: the caller promises zeroed memory of this size without a value; zeroes are no threads.
        unsafe { (*extension.cast::<Extension<M>>()).value.write(value) };
        Leftovers::add(extension, drop_value::<M>);
    }

    /// The extension behind Storport's pointer.
    ///
    /// # Safety
    /// `fill` was called for this pointer, and `empty` was not.
    pub(super) unsafe fn of<'a>(extension: PVOID) -> &'a Extension<M> {
        // SAFETY: the caller promises that `fill` was called for this pointer and `empty` was not.
        unsafe { &*extension.cast::<Extension<M>>() }
    }

    /// The adapter.
    pub(super) fn adapter(&self) -> &M {
        // SAFETY: references to an extension come from `of`, whose callers promise that the value is there.
        unsafe { self.value.assume_init_ref() }
    }

    /// Drops the value, if there is one.
    ///
    /// # Safety
    /// Storport's own pointer; no thread of the adapter runs, and the value is not used afterwards.
    pub(super) unsafe fn empty(extension: PVOID) {
        if Leftovers::remove(extension) {
            // SAFETY: `fill` put the value there, and the caller promises that it is not used afterwards.
            unsafe { drop_value::<M>(extension) };
        }
    }

    /// Whether there is a value.
    pub(super) fn is_filled(extension: PVOID) -> bool {
        Leftovers::has(extension)
    }
}

unsafe fn drop_value<M>(extension: PVOID) {
    // SAFETY: both callers checked that the value is there, and do not use it afterwards.
    unsafe { (*extension.cast::<Extension<M>>()).value.assume_init_drop() };
}

/// Extensions that hold a value. A machine that stops takes its memory down without asking the driver,
/// and what the values own on the host has to go with it.
#[derive(Default)]
struct Leftovers(Mutex<Vec<Leftover>>);

/// The address of an extension, and what drops its value.
type Leftover = (usize, unsafe fn(PVOID));

impl Leftovers {
    fn of(machine: &Machine) -> Arc<Leftovers> {
        machine.attached::<Leftovers>().unwrap_or_else(|| {
            machine.attach(Arc::new(Leftovers::default()));
            machine.attached::<Leftovers>().expect("just attached")
        })
    }

    fn of_this_machine() -> Arc<Leftovers> {
        Leftovers::of(Machine::current().expect("callbacks run on a machine"))
    }

    fn add(extension: PVOID, drop: unsafe fn(PVOID)) {
        Leftovers::of_this_machine().0.lock().push((extension as usize, drop));
    }

    fn has(extension: PVOID) -> bool {
        Leftovers::of_this_machine().0.lock().iter().any(|(at, _)| *at == extension as usize)
    }

    fn remove(extension: PVOID) -> bool {
        let leftovers = Leftovers::of_this_machine();
        let mut list = leftovers.0.lock();
        let before = list.len();
        list.retain(|(at, _)| *at != extension as usize);
        list.len() != before
    }
}

impl Drop for Leftovers {
    fn drop(&mut self) {
        for (extension, drop) in self.0.get_mut().drain(..) {
            // SAFETY: the machine has come to rest, with its threads, and its memory is still mapped;
            // `remove` was not called, so the value is there.
            unsafe { drop(extension as PVOID) };
        }
    }
}
