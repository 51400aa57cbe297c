//! What keeps requests back: pause, busy, a unit's queue depth.
//!
//! An adapter and each of its units has a gate. A gate is open unless something holds it: a pause that ends
//! by itself after a while, or a number of completions that have to come first. The call that opens a gate
//! starts what waited behind it.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter;
use super::adapter::AdapterState;
use super::unit::{Address, Unit};
use crate::callbacks::STORPORT;
use kernel_sim::ddi::{
    BOOLEAN, Call, FALSE, KDPC, KTIMER, PKDPC, PKTIMER, PVOID, TRUE, UCHAR, ULONG, as_system,
};
use kernel_sim::processor::Processor;
use kernel_sim::unhooked;
use std::ptr::null_mut;
use std::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU32, AtomicU64, Ordering::Acquire, Ordering::Relaxed, Ordering::SeqCst,
};

/// One timer clears every timed reason together.
mod why {
    /// StorPortPause, StorPortPauseDevice.
    pub const PAUSED: u32 = 1;
    /// The miniport said "busy".
    pub const BUSY: u32 = 2;
    /// LinkDown.
    pub const LINK: u32 = 4;
    /// HwStorResetBus is running.
    pub const RESET: u32 = 8;
    /// A reset SRB is under way.
    pub const RECOVERY: u32 = 16;
    /// The adapter, or the unit if it is its gate, is stopped or without power.
    pub const STOPPED: u32 = 32;
    /// The bus is left alone for a while after a reset.
    pub const SETTLING: u32 = 64;
}
pub(super) use why::{LINK, RECOVERY, RESET, SETTLING, STOPPED};

const SECOND_US: u64 = 1_000_000;
/// How long LinkDown holds an adapter whose miniport says nothing more, in seconds.
pub(super) const LINK_DOWN_S: u32 = 30;

/// Keeps requests of an adapter or of a unit back.
pub(super) struct Gate {
    held: AtomicU32,
    /// Completions that have to come first.
    left: AtomicU32,
    /// When the timer is due, in machine time; 0: it is not armed.
    until_ns: AtomicU64,
    timer: AtomicPtr<KTIMER>,
    dpc: AtomicPtr<KDPC>,
}

impl Gate {
    pub(super) fn new() -> Gate {
        Gate {
            held: AtomicU32::new(0),
            left: AtomicU32::new(0),
            until_ns: AtomicU64::new(0),
            timer: AtomicPtr::new(null_mut()),
            dpc: AtomicPtr::new(null_mut()),
        }
    }

    /// What orders what is done before it opens, and what begins afterwards.
    fn number(&self) -> usize {
        std::ptr::from_ref(self) as usize
    }

    /// Gives the gate its kernel objects, initialized.
    pub(super) fn attach(&self, timer: PKTIMER, dpc: PKDPC) {
        self.timer.store(timer, Relaxed);
        self.dpc.store(dpc, Relaxed);
    }

    #[inline]
    pub(super) fn is_open(&self) -> bool {
        Processor::current().takes(self.number());
        self.held.load(SeqCst) == 0 && self.left.load(SeqCst) == 0
    }

    /// Whether it is closed for this reason.
    pub(super) fn is_held(&self, reason: u32) -> bool {
        self.held.load(SeqCst) & reason != 0
    }

    /// Closes the gate for at most `us` microseconds; 0: until it is opened. One timer serves all
    /// reasons, so the longest pause decides for those that run at the same time.
    pub(super) fn close(&self, call: &Call, reason: u32, us: u64) {
        self.held.fetch_or(reason, SeqCst);
        let until_ns = call.machine().time_ns().saturating_add(us.saturating_mul(1000));
        if us != 0 && self.until_ns.fetch_max(until_ns, SeqCst) < until_ns {
            // SAFETY: `attach` gave initialized objects that live as long as the gate's owner.
            unsafe { unhooked::set_timer(call, self.timer.load(Relaxed), us, self.dpc.load(Relaxed)) };
        }
    }

    /// Closes the gate because the miniport said "busy".
    pub(super) fn close_briefly(&self, call: &Call, us: u64) {
        self.close(call, why::BUSY, us);
    }

    /// Takes one reason away; returns whether the gate is open now.
    pub(super) fn open(&self, reason: u32) -> bool {
        Processor::current().gives(self.number());
        self.held.fetch_and(!reason, SeqCst);
        self.is_open()
    }

    /// Takes every reason away that ends by itself.
    fn time_is_up(&self) {
        Processor::current().gives(self.number());
        self.until_ns.store(0, SeqCst);
        self.held.fetch_and(RESET | RECOVERY | STOPPED, SeqCst);
    }

    /// Opens the gate on behalf of the miniport. What waited is started by the gate's DPC and not
    /// inside the miniport's call, which may hold locks that HwStorStartIo wants.
    pub(super) fn resume(&self, call: &Call, reason: u32) {
        if self.open(reason) {
            unhooked::queue_dpc(call, self.dpc.load(Relaxed));
        }
    }

    /// Closes the gate until `n` requests have completed.
    pub(super) fn wait_for(&self, n: u32) {
        Processor::current().gives(self.number());
        self.left.store(n, SeqCst);
    }

    /// Counts a completion; returns whether that opened the gate.
    #[inline]
    fn completed(&self) -> bool {
        if self.left.load(Acquire) == 0 {
            return false;
        }
        Processor::current().gives(self.number());
        let before = self.left.fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1));
        before == Ok(1) && self.is_open()
    }

    pub(super) fn disarm(&self, call: &Call) {
        // SAFETY: `attach` gave initialized objects that live as long as the gate's owner.
        unsafe { unhooked::cancel_timer(call, self.timer.load(Relaxed)) };
    }
}

/// How many requests an adapter may have at once, over all its units.
#[derive(Default)]
pub(super) struct Throttle {
    outstanding: AtomicU32,
    /// 0: no limit yet.
    limit: AtomicU32,
    /// Some unit could not start a request because of the limit.
    starved: AtomicBool,
}

impl Throttle {
    pub(super) fn set_limit(&self, limit: u32) {
        self.limit.store(limit, SeqCst);
    }

    /// Room for one request, or none; then the next completion lets every unit try again.
    #[inline]
    pub(super) fn take(&self) -> bool {
        if self.try_take() {
            return true;
        }
        self.starved.store(true, SeqCst);
        // A completion that came before the mark has not seen it.
        self.try_take()
    }

    /// Room for one request more than there may be.
    pub(super) fn take_anyway(&self) {
        self.outstanding.fetch_add(1, SeqCst);
    }

    #[inline]
    fn try_take(&self) -> bool {
        let limit = self.limit.load(Relaxed);
        let one_more = |n: u32| (limit == 0 || n < limit).then_some(n + 1);
        self.outstanding.fetch_update(SeqCst, SeqCst, one_more).is_ok()
    }

    #[inline]
    pub(super) fn give(&self) {
        self.outstanding.fetch_sub(1, SeqCst);
    }

    /// Whether a request waits for room; returns `true` once per wait.
    #[inline]
    pub(super) fn was_starved(&self) -> bool {
        self.starved.load(SeqCst) && self.starved.swap(false, SeqCst)
    }
}

impl AdapterState {
    /// Counts a completion towards the number that a gate waits for.
    #[inline]
    pub(super) fn count_completion(&self, unit: &Unit) {
        if unit.gate.completed() {
            self.kick(unit);
        }
        if self.gate.completed() {
            self.kick_all();
        }
    }

    pub(super) fn kick_all(&self) {
        for unit in self.units() {
            self.kick(unit);
        }
    }

    pub(super) fn unit_by_address(&self, address: Address) -> Option<&Unit> {
        self.units().find(|unit| unit.address == address && !unit.is_private.load(Relaxed))
    }

    /// Opens the adapter's gate for one reason and starts what waited.
    pub(super) fn open(&self, reason: u32) {
        if self.gate.open(reason) {
            self.kick_all();
        }
    }
}

/// The time of an adapter's pause is up.
pub(super) unsafe extern "C-unwind" fn adapter_gate_dpc(_dpc: PKDPC, context: PVOID, _a1: PVOID, _a2: PVOID) {
    // SAFETY: the context is the adapter, which is kept until the machine has come to rest.
    let adapter = unsafe { &*context.cast::<AdapterState>() };
    as_system(Processor::current(), &STORPORT, || {
        adapter.gate.time_is_up();
        adapter.kick_all();
    });
}

/// The time of a unit's pause is up.
pub(super) unsafe extern "C-unwind" fn unit_gate_dpc(_dpc: PKDPC, context: PVOID, _a1: PVOID, _a2: PVOID) {
    // SAFETY: the context is the unit, which its adapter owns.
    let unit = unsafe { &*context.cast::<Unit>() };
    as_system(Processor::current(), &STORPORT, || {
        unit.gate.time_is_up();
        unit.adapter().kick(unit);
    });
}

// The bodies of the routines. Those about a unit return FALSE if there is none at the address.

fn unit_at(call: &Call, extension: PVOID, path: UCHAR, target: UCHAR, lun: UCHAR) -> Option<&'static Unit> {
    adapter(call, extension).unit_by_address(Address { path, target, lun })
}

/// Does something to a unit, if there is one.
fn on_unit(unit: Option<&'static Unit>, action: impl FnOnce(&'static Unit)) -> BOOLEAN {
    let Some(unit) = unit else { return FALSE };
    action(unit);
    TRUE
}

pub(crate) unsafe fn set_queue_depth(
    call: &Call,
    extension: PVOID,
    path: UCHAR,
    target: UCHAR,
    lun: UCHAR,
    depth: ULONG,
) -> BOOLEAN {
    let unit = unit_at(call, extension, path, target, lun);
    let valid = unit.filter(|unit| depth > 0 && depth <= unit.depth_max());
    on_unit(valid, |unit| {
        unit.queue.lock().depth = depth;
    })
}

pub(crate) unsafe fn pause(call: &Call, extension: PVOID, seconds: ULONG) -> BOOLEAN {
    adapter(call, extension).gate.close(call, why::PAUSED, u64::from(seconds) * SECOND_US);
    TRUE
}

pub(crate) unsafe fn resume(call: &Call, extension: PVOID) -> BOOLEAN {
    adapter(call, extension).gate.resume(call, why::PAUSED);
    TRUE
}

pub(crate) unsafe fn pause_device(
    call: &Call,
    extension: PVOID,
    path: UCHAR,
    target: UCHAR,
    lun: UCHAR,
    seconds: ULONG,
) -> BOOLEAN {
    on_unit(unit_at(call, extension, path, target, lun), |unit| {
        unit.gate.close(call, why::PAUSED, u64::from(seconds) * SECOND_US);
    })
}

pub(crate) unsafe fn resume_device(
    call: &Call,
    extension: PVOID,
    path: UCHAR,
    target: UCHAR,
    lun: UCHAR,
) -> BOOLEAN {
    on_unit(unit_at(call, extension, path, target, lun), |unit| unit.gate.resume(call, why::PAUSED))
}

pub(crate) unsafe fn busy(call: &Call, extension: PVOID, requests: ULONG) -> BOOLEAN {
    let adapter = adapter(call, extension);
    let outstanding: u32 = adapter.units().map(|unit| unit.queue.lock().outstanding).sum();
    adapter.gate.wait_for(requests.min(outstanding));
    TRUE
}

pub(crate) unsafe fn ready(call: &Call, extension: PVOID) -> BOOLEAN {
    let adapter = adapter(call, extension);
    adapter.gate.wait_for(0);
    adapter.gate.resume(call, 0);
    TRUE
}

pub(crate) unsafe fn device_busy(
    call: &Call,
    extension: PVOID,
    path: UCHAR,
    target: UCHAR,
    lun: UCHAR,
    requests: ULONG,
) -> BOOLEAN {
    on_unit(unit_at(call, extension, path, target, lun), |unit| {
        let outstanding = unit.queue.lock().outstanding;
        unit.gate.wait_for(requests.min(outstanding));
    })
}

pub(crate) unsafe fn device_ready(
    call: &Call,
    extension: PVOID,
    path: UCHAR,
    target: UCHAR,
    lun: UCHAR,
) -> BOOLEAN {
    on_unit(unit_at(call, extension, path, target, lun), |unit| {
        unit.gate.wait_for(0);
        unit.gate.resume(call, 0);
    })
}
