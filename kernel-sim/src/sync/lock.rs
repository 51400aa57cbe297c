//! Spin locks: a word in driver memory that holds its owner.
//!
//! Every lock routine, whatever its name, ends in `take` and `give`; they differ in what they do to
//! the IRQL. The word is 0 when free, else the owner's index plus one (and `PARKED` while
//! processors wait for it in the parallel executor). Invariant: only the owner clears the word.
//!
//! The uncontended paths are inlined by force: they are what a hook is measured against, and a call
//! would cost as much as the whole check.

#![expect(unsafe_code, reason = "works on driver memory behind checked pointers")]

use crate::bugcheck::{DRIVER_VERIFIER_DETECTED_VIOLATION as VERIFIER, SPIN_LOCK_ALREADY_OWNED};
use crate::choose::Access;
use crate::ddi::types::{BOOLEAN, FALSE, KIRQL, KSPIN_LOCK, PKIRQL, PKSPIN_LOCK, TRUE};
use crate::ddi::{Call, row, tell_unusual};
use crate::exec::Executor;
use crate::exec::parallel::PARKED;
use crate::irql::Irql;
use crate::lives;
use crate::machine::Machine;
use crate::moment::Moment;
use crate::processor::{Processor, flag};
use crate::routine::{Arg, DdiInfo};
use crate::site::Site;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{self, Acquire, Relaxed, Release};

/// The lock word behind a driver's pointer.
#[inline(always)]
pub(crate) fn word<'a>(call: &Call, lock: PKSPIN_LOCK) -> &'a AtomicUsize {
    let address = lock as usize;
    if !call.cpu.is_aligned_word(address) {
        bad_lock(call.ddi, call.site, address);
    }
    // SAFETY: the word lies in mapped memory of the machine and is aligned; every access to it goes
    // through atomics.
    unsafe { &*(address as *const AtomicUsize) }
}

#[cold]
fn bad_lock(ddi: &'static DdiInfo, site: Site, address: usize) -> ! {
    let call = &Call::new(ddi, site);
    call.bad_pointer(address, "the KSPIN_LOCK")
}

/// Takes the lock word for this processor, waiting until it is free. Not counted among the driver's locks.
#[inline(always)]
pub(crate) fn take_word(call: &Call, word: &AtomicUsize, queued: bool) {
    if !swap_word(call, word, 0, call.cpu.lock_word(), Acquire) {
        take_contended(call.ddi, call.site, word, queued);
    }
}

/// Changes the word from `from` to `to`, if it is `from`. All processors of the deterministic
/// executor share one host thread, so a plain load and store do, at a third of the price.
#[inline(always)]
fn swap_word(call: &Call, word: &AtomicUsize, from: usize, to: usize, order: Ordering) -> bool {
    if let Some(d) = call.deterministic() {
        let same = word.load(Relaxed) == from;
        if same {
            word.store(to, Relaxed);
            let address = std::ptr::from_ref(word) as usize;
            // Taking or giving a lock is progress, whatever the routine.
            d.note_call(call.cpu.machine(), call.cpu, false);
            let access = if to == 0 {
                d.lock_released(address);
                call.cpu.gives(address);
                Access::Give
            } else {
                d.lock_taken(address);
                call.cpu.takes(address);
                Access::Take
            };
            d.touch(|| call.cpu.machine().machine_address(address), access);
        }
        return same;
    }
    word.compare_exchange(from, to, order, Relaxed).is_ok()
}

/// A word that names no processor is no lock, and never becomes free: stops the machine.
pub(crate) fn check_owner(call: &Call, word: &AtomicUsize) {
    let held = word.load(Relaxed);
    if held & !PARKED > call.machine().processors.len() {
        lives::stop_at_no_lock(call, std::ptr::from_ref(word) as usize, held);
    }
}

#[cold]
#[inline(never)]
fn take_contended(ddi: &'static DdiInfo, site: Site, word: &AtomicUsize, queued: bool) {
    let call = &Call::new(ddi, site);
    let cpu = call.cpu;
    let me = cpu.lock_word();
    let address = std::ptr::from_ref(word) as usize;
    if word.load(Relaxed) & !PARKED == me {
        let shown = cpu.machine().machine_address(address);
        call.bug_check_after(
            SPIN_LOCK_ALREADY_OWNED,
            [shown, 0, 0, 0],
            format!(
                "{} requests spin lock {}, which CPU {} already holds",
                call.ddi.name,
                crate::report_address(shown),
                cpu.index()
            ),
            cpu.taken_at(address),
        );
    }
    let machine = cpu.machine();
    check_owner(call, word);
    cpu.count(|s| s.lock_waits += 1);
    let outer = cpu.call.replace(Some((call.ddi, call.site)));
    match &machine.executor {
        Executor::Deterministic(d) => {
            d.touch(|| machine.machine_address(address), if queued { Access::Change } else { Access::Look });
            d.wait_for_lock(machine, cpu, word, queued);
            word.store(me, Relaxed);
            d.lock_taken(address);
            cpu.takes(address);
            d.touch(|| machine.machine_address(address), Access::Take);
        }
        Executor::Parallel(p) => p.wait_for_lock(machine, cpu, word),
    }
    cpu.call.set(outer);
}

/// Clears the lock word; a bug check if this processor does not own it.
#[inline(always)]
pub(crate) fn give_word(call: &Call, word: &AtomicUsize) {
    if !swap_word(call, word, call.cpu.lock_word(), 0, Release) {
        give_contended(call.ddi, call.site, word);
    }
}

#[cold]
#[inline(never)]
fn give_contended(ddi: &'static DdiInfo, site: Site, word: &AtomicUsize) {
    let call = &Call::new(ddi, site);
    let machine = call.cpu.machine();
    let seen = word.load(Relaxed);
    let owner = seen & !PARKED;
    let address = std::ptr::from_ref(word) as usize;
    let shown = machine.machine_address(address);
    if owner == 0 {
        call.bug_check_after(
            VERIFIER,
            [0x1007, shown, 0, 0],
            format!(
                "{} releases spin lock {}, which is not held",
                call.ddi.name,
                crate::report_address(shown)
            ),
            call.cpu.taken_last(address),
        );
    }
    if owner != call.cpu.lock_word() {
        // Parameters 3 and 4 are threads; the simulator knows the owner as a processor, so they stay 0.
        call.bug_check_after(
            VERIFIER,
            [0x1004, shown, 0, 0],
            format!(
                "{} on CPU {} releases spin lock {}, which CPU {} holds",
                call.ddi.name,
                call.cpu.index(),
                crate::report_address(shown),
                owner - 1
            ),
            machine.taken_by_another(owner - 1, address),
        );
    }
    if let Executor::Parallel(p) = &machine.executor {
        p.release_parked(word);
    }
}

/// Takes the lock for the driver.
#[inline(always)]
pub(crate) fn take(call: &Call, lock: PKSPIN_LOCK, before: Irql, queued: bool) {
    let word = word(call, lock);
    if queued && call.is_deterministic() {
        take_in_order(call, word);
    } else {
        take_word(call, word, false);
    }
    call.cpu.lock_taken(call.hooks(), lock as usize, call.ddi, call.site, before);
}

/// As `take_word`, behind the processors that already wait in order.
#[cold]
fn take_in_order(call: &Call, word: &AtomicUsize) {
    let machine = call.cpu.machine();
    if machine.deterministic().has_queue(std::ptr::from_ref(word) as usize) {
        take_contended(call.ddi, call.site, word, true);
    } else {
        take_word(call, word, true);
    }
}

/// Gives the driver's lock back.
#[inline(always)]
pub(crate) fn give(call: &Call, lock: PKSPIN_LOCK) {
    give_word(call, word(call, lock));
    call.cpu.lock_given(call.hooks(), lock as usize);
}

impl Machine {
    /// When another processor, by index, took the lock that it holds. Under the parallel executor it may be
    /// running, and is not asked.
    fn taken_by_another(&self, owner: usize, address: usize) -> Vec<Moment> {
        let owner = self.processors.get(owner).filter(|_| self.is_deterministic());
        owner.map_or_else(Vec::new, |owner| owner.taken_at(address))
    }

    /// The processor that holds the lock word at `address`. None if the lock is free, or if what lies
    /// there is no lock: memory that was freed or overwritten.
    pub(crate) fn lock_holder(&self, address: usize) -> Option<u8> {
        let owner = self.lock_owner(address);
        (1..=self.processors.len()).contains(&owner).then(|| (owner - 1) as u8)
    }

    /// Whether the lock word at `address` is held.
    pub(crate) fn is_lock_taken(&self, address: usize) -> bool {
        self.lock_owner(address) != 0
    }

    /// The owner that the lock word at `address` names; 0 for none.
    fn lock_owner(&self, address: usize) -> usize {
        let is_aligned = address.is_multiple_of(align_of::<KSPIN_LOCK>());
        if address == 0 || !is_aligned || !self.memory.contains(address, size_of::<KSPIN_LOCK>()) {
            return 0;
        }
        // SAFETY: an aligned word of mapped memory; all accesses to lock words are atomic.
        unsafe { &*(address as *const AtomicUsize) }.load(Relaxed) & !PARKED
    }
}

// The bodies of the DDIs. Each is called from its row with the pointers the driver gave.

pub(crate) unsafe fn initialize(call: &Call, lock: PKSPIN_LOCK) {
    let word = word(call, lock);
    if word.load(Relaxed) != 0
        && let Some((held, taken)) = call.machine().lock_held_in(lock as usize, size_of::<KSPIN_LOCK>())
    {
        lives::stop_in_use(call, held, "initialises a spin lock that is held", taken);
    }
    word.store(0, Relaxed);
    call.machine().processors.iter().for_each(Processor::forget_nestings);
}

#[cold]
fn too_high(ddi: &'static DdiInfo, site: Site, lock: PKSPIN_LOCK) -> ! {
    let call = &Call::new(ddi, site);
    let irql = call.cpu.irql();
    let shown = call.cpu.machine().machine_address(lock as usize);
    call.bug_check(
        VERIFIER,
        [0x42, u64::from(irql.0), shown, 0],
        format!("{} called at {irql}", call.ddi.name),
    )
}

#[inline(always)]
pub(crate) unsafe fn acquire(call: &Call, lock: PKSPIN_LOCK, old: PKIRQL) {
    // SAFETY: the driver's own pointer, which `acquire_raise` resolves before it uses it.
    let before = unsafe { acquire_raise(call, lock) };
    call.check_output(old);
    // SAFETY: `check_output` found the pointer in mapped memory.
    unsafe { *old = before };
}

#[inline(always)]
pub(crate) unsafe fn acquire_raise(call: &Call, lock: PKSPIN_LOCK) -> KIRQL {
    let before = call.cpu.irql();
    if before > Irql::DISPATCH {
        too_high(call.ddi, call.site, lock);
    }
    call.cpu.set_irql(Irql::DISPATCH);
    take(call, lock, before, false);
    before.0
}

#[inline(always)]
pub(crate) unsafe fn acquire_at_dpc_level(call: &Call, lock: PKSPIN_LOCK) {
    check_at_dpc_level(call, lock, 0x40);
    take(call, lock, call.cpu.irql(), false);
}

/// The AtDpcLevel routines want DISPATCH_LEVEL or above.
#[inline(always)]
pub(crate) fn check_at_dpc_level(call: &Call, lock: PKSPIN_LOCK, check: u64) {
    if call.cpu.irql() < Irql::DISPATCH {
        too_low(call.ddi, call.site, lock, check);
    }
}

#[cold]
fn too_low(ddi: &'static DdiInfo, site: Site, lock: PKSPIN_LOCK, check: u64) -> ! {
    let call = &Call::new(ddi, site);
    let irql = call.cpu.irql();
    let shown = call.cpu.machine().machine_address(lock as usize);
    call.bug_check(
        VERIFIER,
        [check, u64::from(irql.0), shown, 0],
        format!("{} called at {irql}", call.ddi.name),
    )
}

pub(crate) unsafe fn try_acquire_at_dpc_level(call: &Call, lock: PKSPIN_LOCK) -> BOOLEAN {
    check_at_dpc_level(call, lock, 0x40);
    let word = word(call, lock);
    if swap_word(call, word, 0, call.cpu.lock_word(), Acquire) {
        call.cpu.lock_taken(call.hooks(), lock as usize, call.ddi, call.site, call.cpu.irql());
        TRUE
    } else {
        super::interlocked::note(call, lock as usize, false);
        FALSE
    }
}

#[inline(always)]
pub(crate) unsafe fn release(call: &Call, lock: PKSPIN_LOCK, new: KIRQL) {
    let irql = call.cpu.irql();
    if irql != Irql::DISPATCH || new > Irql::DISPATCH.0 {
        release_at_wrong_level(call.ddi, call.site, lock, new);
    }
    if call.hooks() & flag::CONDITION != 0 {
        check_counterpart(call, lock, Some(Irql(new)));
    }
    give(call, lock);
    call.cpu.set_irql(Irql(new));
}

#[cold]
fn release_at_wrong_level(ddi: &'static DdiInfo, site: Site, lock: PKSPIN_LOCK, new: KIRQL) -> ! {
    let call = &Call::new(ddi, site);
    let irql = call.cpu.irql();
    let shown = call.cpu.machine().machine_address(lock as usize);
    if irql == Irql::DISPATCH {
        call.bug_check(
            VERIFIER,
            [0x31, u64::from(irql.0), u64::from(new), 0],
            format!("{} asked to lower the IRQL to {}", call.ddi.name, Irql(new)),
        );
    }
    call.bug_check(
        VERIFIER,
        [0x32, u64::from(irql.0), shown, 0],
        format!("{} called at {irql}", call.ddi.name),
    )
}

#[inline(always)]
pub(crate) unsafe fn release_from_dpc_level(call: &Call, lock: PKSPIN_LOCK) {
    check_at_dpc_level(call, lock, 0x41);
    if call.hooks() & flag::CONDITION != 0 {
        check_counterpart(call, lock, None);
    }
    give(call, lock);
}

/// Tells those who watch for it if this is not the counterpart of the last acquire.
#[inline]
fn check_counterpart(call: &Call, lock: PKSPIN_LOCK, level: Option<Irql>) {
    if !call.cpu.gives_back_newest(lock as usize, call.ddi, level) {
        let args = [Arg::Pointer(lock as usize), Arg::Value(level.map_or(0, |level| level.0.into()))];
        // The routine of the cancel spin lock has no lock among its arguments.
        let is_cancel = call.ddi.id == row::IoReleaseCancelSpinLock.id;
        tell_unusual(call.ddi, call.site, if is_cancel { &args[1..] } else { &args });
    }
}

/// Whether a release is the counterpart of the acquire that took a lock.
pub(crate) fn is_counterpart(taken_by: &DdiInfo, release: &DdiInfo) -> bool {
    let is = |routine: &DdiInfo| taken_by.id == routine.id;
    match release.id {
        id if id == row::KeReleaseSpinLock.id => {
            is(&row::KeAcquireSpinLock)
                || is(&row::KeAcquireSpinLockRaiseToDpc)
                || is(&row::KeTryToAcquireSpinLockAtDpcLevel)
        }
        id if id == row::KeReleaseSpinLockFromDpcLevel.id => {
            is(&row::KeAcquireSpinLockAtDpcLevel) || is(&row::KeTryToAcquireSpinLockAtDpcLevel)
        }
        id if id == row::KeReleaseSpinLockForDpc.id => is(&row::KeAcquireSpinLockForDpc),
        id if id == row::IoReleaseCancelSpinLock.id => is(&row::IoAcquireCancelSpinLock),
        _ => false,
    }
}

// ForDpc routines serve code that runs as a threaded DPC at PASSIVE_LEVEL or as an ordinary one at
// DISPATCH_LEVEL: they raise where needed and put back what they found.

pub(crate) unsafe fn acquire_for_dpc(call: &Call, lock: PKSPIN_LOCK) -> KIRQL {
    // SAFETY: the driver's own pointer, which `acquire_raise` resolves before it uses it.
    unsafe { acquire_raise(call, lock) }
}

pub(crate) unsafe fn release_for_dpc(call: &Call, lock: PKSPIN_LOCK, old: KIRQL) {
    // SAFETY: the driver's own pointer, which `release` resolves before it uses it.
    unsafe { release(call, lock, old) }
}

pub(crate) unsafe fn test(call: &Call, lock: PKSPIN_LOCK) -> BOOLEAN {
    call.cpu.takes(lock as usize);
    BOOLEAN::from(word(call, lock).load(Acquire) & !PARKED == 0)
}
