//! The lives of kernel objects: what may not be done to one while it is in use, or before it is initialised.
//!
//! Windows does not look: a handle of a queued spin lock that two processors use corrupts the queue, a timer
//! initialised while it is armed corrupts the list of timers, a lock that was never initialised is waited for
//! for ever. Here each is a stop of our own, with the moment at which the object came into use. What Windows
//! or Driver Verifier do stop at (a timer or DPC in freed memory) is told where it is found, in `pool`,
//! `sync::timer` and `sync::dpc`. Invariant: nothing is said of an object unless the kernel's own tables say
//! that it is in use, or its memory holds what no live object holds.

#![expect(unsafe_code, reason = "reads a word of a lock handle behind a checked pointer")]

use crate::bugcheck::OBJECT_MISUSED;
use crate::ddi::Call;
use crate::ddi::types::KLOCK_QUEUE_HANDLE;
use crate::machine::Machine;
use crate::moment::Moment;
use crate::pool::{FREED, FRESH};
use crate::processor::Processor;
use std::mem::offset_of;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Handles of queued locks in use on one processor that are known; of more than that the rest is not.
const HANDLES: usize = 4;

/// The handles of queued locks that one processor uses: each from the beginning of its acquire to its
/// release. Other processors look while they ask for a lock.
pub(crate) struct LockHandles {
    /// The field of the handle that names the lock, and the lock, by host address; 0: free.
    used: [(AtomicUsize, AtomicUsize); HANDLES],
}

impl LockHandles {
    pub(crate) const fn new() -> LockHandles {
        LockHandles { used: [const { (AtomicUsize::new(0), AtomicUsize::new(0)) }; HANDLES] }
    }

    pub(crate) fn clear(&mut self) {
        for (handle, _) in &mut self.used {
            *handle.get_mut() = 0;
        }
    }

    /// The lock that a handle is in use for. A handle that its holder has moved in memory, as Rust does with
    /// values that are returned, is not there any more: then its old place names another lock or none.
    fn lock_of(&self, handle: usize) -> Option<usize> {
        let used = self.used.iter().find(|(at, _)| at.load(Relaxed) == handle)?;
        let lock = used.1.load(Relaxed);
        // SAFETY: `begin_handle` found the handle in mapped memory of the machine, aligned for its fields;
        // other processors may write it meanwhile, so it is read as one word.
        let named = unsafe { AtomicUsize::from_ptr(handle as *mut usize) }.load(Relaxed);
        (named == lock).then_some(lock)
    }

    fn begin(&self, handle: usize, lock: usize) {
        if let Some((at, for_lock)) = self.used.iter().find(|(at, _)| at.load(Relaxed) == 0) {
            for_lock.store(lock, Relaxed);
            at.store(handle, Relaxed);
        }
    }

    /// The handle is released: by its address, or where it has been moved in memory by its lock.
    fn end(&self, handle: usize, lock: usize) {
        let by =
            |is_it: &dyn Fn(&(AtomicUsize, AtomicUsize)) -> bool| self.used.iter().find(|used| is_it(used));
        let used = by(&|used| used.0.load(Relaxed) == handle)
            .or_else(|| by(&|used| used.0.load(Relaxed) != 0 && used.1.load(Relaxed) == lock));
        if let Some((at, _)) = used {
            at.store(0, Relaxed);
        }
    }
}

/// A call begins to use a handle for a lock: stops the machine if it is in use. A handle is known by the
/// field that names its lock, which the caller has found in mapped, aligned memory.
#[inline]
pub(crate) fn begin_handle(call: &Call, handle: usize, lock: usize) {
    check_handle(call, handle);
    call.cpu.handles.begin(handle, lock);
}

/// A call gives a handle back.
#[inline]
pub(crate) fn end_handle(call: &Call, handle: usize, lock: usize) {
    call.cpu.handles.end(handle, lock);
}

/// The field of a KLOCK_QUEUE_HANDLE by which it is known.
pub(crate) fn field_of(handle: usize) -> usize {
    handle.wrapping_add(offset_of!(KLOCK_QUEUE_HANDLE, LockQueue.Lock))
}

/// Stops the machine if a handle is in use, on any processor.
pub(crate) fn check_handle(call: &Call, handle: usize) {
    let machine = call.machine();
    let user = machine.processors.iter().find_map(|cpu| Some((cpu, cpu.handles.lock_of(handle)?)));
    let Some((cpu, lock)) = user else { return };
    let shown = machine.machine_address(handle);
    let what = format!(
        "{} on CPU {} uses the lock handle {}, which CPU {} uses for spin lock {}",
        call.ddi.name,
        call.cpu.index(),
        crate::report_address(shown),
        cpu.index(),
        crate::report_address(machine.machine_address(lock)),
    );
    stop(call, shown, what, machine.taken_on(cpu, lock));
}

/// What a lock word holds that no processor has written, as a sentence part.
fn wrong_word(word: usize) -> &'static str {
    match word.to_ne_bytes() {
        bytes if bytes.iter().all(|byte| *byte == FRESH) => "was never initialised",
        bytes if bytes.iter().all(|byte| *byte == FREED) => "lies in freed memory",
        _ => "holds what no spin lock holds: it was never initialised, or was written over",
    }
}

/// A lock is asked for whose word names no processor: there is nothing to wait for.
#[cold]
pub(crate) fn stop_at_no_lock(call: &Call, address: usize, word: usize) -> ! {
    let shown = call.machine().machine_address(address);
    let what = format!(
        "{} asks for spin lock {}, which {}",
        call.ddi.name,
        crate::report_address(shown),
        wrong_word(word)
    );
    stop(call, shown, what, Vec::new())
}

/// An object is initialised, or its memory is freed, while it is in use. `what` completes "KeInitializeDpc
/// ...": "initialises a DPC that is queued".
#[cold]
pub(crate) fn stop_in_use(call: &Call, object: usize, what: &str, earlier: Vec<Moment>) -> ! {
    let shown = call.machine().machine_address(object);
    stop(call, shown, format!("{} {what}, {}", call.ddi.name, crate::report_address(shown)), earlier)
}

fn stop(call: &Call, shown: u64, what: String, earlier: Vec<Moment>) -> ! {
    call.bug_check_after(OBJECT_MISUSED, [0, shown, 0, 0], what, earlier)
}

impl Machine {
    /// When a processor took a lock that it holds. Under the parallel executor another processor may be
    /// running, and is not asked.
    fn taken_on(&self, cpu: &Processor, lock: usize) -> Vec<Moment> {
        let may_ask = self.is_deterministic() || std::ptr::eq(cpu, Processor::current());
        if may_ask { cpu.taken_at(lock) } else { Vec::new() }
    }

    /// A spin lock that a driver holds and that lies in a range of memory, and when it was taken; as far as
    /// [`Machine::taken_on`] knows.
    #[cold]
    pub(crate) fn lock_held_in(&self, start: usize, bytes: usize) -> Option<(usize, Vec<Moment>)> {
        let may_ask = |cpu: &&Processor| self.is_deterministic() || std::ptr::eq(*cpu, Processor::current());
        self.processors.iter().filter(may_ask).find_map(|cpu| {
            let lock = cpu.held_in(start, bytes)?;
            Some((lock, cpu.taken_at(lock)))
        })
    }
}
