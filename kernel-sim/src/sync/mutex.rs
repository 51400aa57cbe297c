//! Kernel mutexes: dispatcher objects that one thread owns, as often as it likes.
//!
//! A thread takes one by waiting for it (`wait.rs`, `wait_many.rs`), which disables its normal kernel APCs:
//! as long as it has one, it is in a critical region. Only the owner may give it back. A thread that ends
//! with a mutex is told of in `leftovers.rs`, a block freed with an owned one in it in `pool.rs`. Invariant:
//! a mutex names an owner exactly while it is not signaled.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use super::wait::{header, initialize};
use crate::bugcheck::KMODE_EXCEPTION_NOT_HANDLED;
use crate::ddi::Call;
use crate::ddi::types::{BOOLEAN, DISPATCHER_HEADER, KMUTANT, LONG, MUTANT_OBJECT, PKMUTEX, PVOID, ULONG};
use crate::kernel::Kernel;
use crate::lives;
use crate::machine::Machine;
use crate::stamp::Mark;
use crate::sync::thread::Thread;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::Relaxed;

/// The exception that Windows raises for a mutex that another thread owns, or none.
const STATUS_MUTANT_NOT_OWNED: u64 = 0xC000_0046;

/// A mutex that a thread has: which, by its number, and since when.
pub(crate) struct Owned {
    pub(crate) thread: u32,
    pub(crate) since: Mark,
}

/// What the object says of its owner. A number and not an address, so that memory is the same in every run.
fn name_of(thread: &Thread) -> PVOID {
    (thread.number as usize + 1) as PVOID
}

/// The mutex that a header begins.
fn of_header(header: &mut DISPATCHER_HEADER) -> &mut KMUTANT {
    debug_assert_eq!(header.Type, MUTANT_OBJECT);
    // SAFETY: `initialize` gives this type only to headers with room for a whole KMUTANT in mapped memory,
    // aligned; its state changes under the kernel lock.
    unsafe { &mut *std::ptr::from_mut(header).cast::<KMUTANT>() }
}

/// Whether a thread that waits for this mutex has it, or could have it now.
pub(super) fn can_be_had(header: &mut DISPATCHER_HEADER, thread: &Thread) -> bool {
    header.SignalState > 0 || std::ptr::eq(of_header(header).OwnerThread, name_of(thread))
}

/// Gives a mutex to a thread that waits for it, if it can be had. Under the kernel lock.
pub(super) fn take(header: &mut DISPATCHER_HEADER, thread: &Thread) -> bool {
    if !can_be_had(header, thread) {
        return false;
    }
    let mutex = of_header(header);
    mutex.Header.SignalState -= 1;
    if mutex.OwnerThread.is_null() {
        mutex.OwnerThread = name_of(thread);
        thread.critical_regions.update(|n| n + 1);
    }
    true
}

pub(crate) unsafe fn initialize_mutex(call: &Call, mutex: PKMUTEX, _level: ULONG) {
    check_not_owned(call, mutex as usize, "initialises a mutex that a thread owns");
    initialize(call, mutex.cast(), size_of::<KMUTANT>(), MUTANT_OBJECT, 1, "the KMUTEX");
    // SAFETY: `initialize` found room for a whole KMUTANT in mapped memory, aligned.
    unsafe {
        (*mutex).OwnerThread = null_mut();
        (*mutex).Abandoned = 0;
        (*mutex).ApcDisable = 1;
    }
}

pub(crate) unsafe fn release(call: &Call, mutex: PKMUTEX, _wait: BOOLEAN) -> LONG {
    let header = object(call, mutex);
    // SAFETY: a processor that runs driver code runs a thread, and threads live as long as the machine.
    let me = unsafe { &*call.cpu.thread.get() };
    let machine = call.machine();
    let mut kernel = machine.kernel.lock();
    if !std::ptr::eq(of_header(header).OwnerThread, name_of(me)) {
        drop(kernel);
        let shown = machine.machine_address(mutex as usize);
        let what =
            format!("KeReleaseMutex of {}, which the thread does not own", crate::report_address(shown));
        call.bug_check(KMODE_EXCEPTION_NOT_HANDLED, [STATUS_MUTANT_NOT_OWNED, 0, shown, 0], what);
    }
    let before = header.SignalState;
    header.SignalState += 1;
    if header.SignalState > 0 {
        of_header(header).OwnerThread = null_mut();
        me.critical_regions.update(|n| n - 1);
        machine.forget_owned(&mut kernel, mutex as usize);
        call.cpu.gives(mutex as usize);
        machine.satisfy(&mut kernel, mutex as usize);
    }
    before
}

pub(crate) unsafe fn read_state(call: &Call, mutex: PKMUTEX) -> LONG {
    call.cpu.takes(mutex as usize);
    object(call, mutex).SignalState
}

/// The header of an initialized mutex.
fn object<'a>(call: &Call, mutex: PKMUTEX) -> &'a mut DISPATCHER_HEADER {
    let header = header(call, mutex.cast(), "the KMUTEX");
    if header.Type != MUTANT_OBJECT {
        call.bad_pointer(mutex as usize, "the KMUTEX, which is another object");
    }
    header
}

/// Stops the machine if a thread owns the mutex at an address.
pub(super) fn check_not_owned(call: &Call, mutex: usize, what: &str) {
    let machine = call.machine();
    let taken = machine.kernel.lock().owned.get(&mutex).map(|owned| owned.since.moment(machine, "taken"));
    if let Some(taken) = taken {
        lives::stop_in_use(call, mutex, what, vec![taken]);
    }
}

impl Machine {
    /// The calling thread has waited for these objects: notes since when it owns the mutexes among them.
    pub(super) fn note_owned(&self, call: &Call, objects: &[usize]) {
        for object in objects {
            // SAFETY: the caller has waited for these objects, so their headers lie in mapped memory,
            // aligned.
            let header = unsafe { &mut *(*object as *mut DISPATCHER_HEADER) };
            if header.Type != MUTANT_OBJECT {
                continue;
            }
            let mut kernel = self.kernel.lock();
            // SAFETY: a processor that runs driver code runs a thread, and threads live as long as the
            // machine.
            if std::ptr::eq(of_header(header).OwnerThread, name_of(unsafe { &*call.cpu.thread.get() })) {
                self.note_taken(call, &mut kernel, *object);
            }
        }
    }

    /// The calling thread owns the mutex at an address, of either kind.
    pub(super) fn note_taken(&self, call: &Call, kernel: &mut Kernel, mutex: usize) {
        // SAFETY: a processor that runs driver code runs a thread, and threads live as long as the machine.
        let thread = unsafe { (*call.cpu.thread.get()).number };
        kernel.owned.entry(mutex).or_insert_with(|| {
            self.linked_objects.fetch_add(1, Relaxed);
            Owned { thread, since: Mark::of(call) }
        });
    }

    /// No thread owns the mutex at an address any more.
    pub(super) fn forget_owned(&self, kernel: &mut Kernel, mutex: usize) {
        if kernel.owned.remove(&mutex).is_some() {
            self.linked_objects.fetch_sub(1, Relaxed);
        }
    }
}
