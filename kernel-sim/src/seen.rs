//! What events say, for those who watch: the memory that arguments name. It judges nothing.
//!
//! An argument is what a driver passed, so it is checked before it is read. Invariant: an answer is of the
//! memory as it is at the event, whether what is there is right or wrong.

#![expect(unsafe_code, reason = "reads memory behind checked pointers")]

use crate::ddi::inline::IoGetNextIrpStackLocation;
use crate::ddi::types::{IO_STACK_LOCATION, IRP, KLOCK_QUEUE_HANDLE, PIRP};
use crate::machine::Machine;
use std::mem::offset_of;

/// Whether `bytes` bytes at a host address are memory of the machine.
fn is_memory(address: usize, bytes: usize) -> bool {
    let machine = Machine::current();
    let last = address.checked_add(bytes - 1);
    machine.zip(last).is_some_and(|(machine, last)| {
        machine.machine_address(address) != 0 && machine.machine_address(last) != 0
    })
}

/// The pointer-sized word at a host address, if that is memory of the machine.
#[must_use]
pub fn word(address: usize) -> Option<usize> {
    // SAFETY: first and last byte are memory of the machine, which is one range; any bits are a number.
    is_memory(address, size_of::<usize>()).then(|| unsafe { (address as *const usize).read_unaligned() })
}

/// The spin lock that a handle of a queued lock names, by host addresses; `None` for none.
#[must_use]
pub fn lock_of_handle(handle: usize) -> Option<usize> {
    word(handle.wrapping_add(offset_of!(KLOCK_QUEUE_HANDLE, LockQueue.Lock))).filter(|lock| *lock != 0)
}

/// Whether the stack location that the next lower driver gets has a completion routine.
#[must_use]
pub fn has_completion_routine(irp: usize) -> bool {
    if !is_memory(irp, size_of::<IRP>()) {
        return false;
    }
    // SAFETY: an IRP's memory was found to be there; its next location is checked before it is read.
    let location = unsafe { IoGetNextIrpStackLocation(irp as PIRP) };
    // SAFETY: the location was found in memory of the machine, where locations lie behind their IRP.
    is_memory(location as usize, size_of::<IO_STACK_LOCATION>())
        && unsafe { (*location).CompletionRoutine.is_some() }
}
