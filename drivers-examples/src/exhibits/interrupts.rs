//! A spin lock that an interrupt service routine takes, and that a thread holds below its level or at it.

#![expect(unsafe_code, reason = "exhibits call layer 1, as a driver does")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::objects::{free, new};
use crate::models::bell;
use kernel_sim::ddi::*;
use kernel_sim::machine::Machine;
use kernel_sim::shared::Shared;
use std::mem::zeroed;
use std::ptr::null_mut;

/// A level above DISPATCH_LEVEL.
const DEVICE_LEVEL: KIRQL = 5;
/// A hundred microseconds from now, in units of 100 ns.
const A_WHILE: i64 = -1_000;

/// What the interrupt service routine and the thread share.
struct Rings {
    lock: KSPIN_LOCK,
    status: PULONG,
    count: Shared<ULONG>,
}

unsafe extern "C-unwind" fn count_ring(_: PKINTERRUPT, context: PVOID) -> BOOLEAN {
    let rings: *mut Rings = context.cast();
    if READ_REGISTER_ULONG((*rings).status) & bell::STATUS_RUNG == 0 {
        return FALSE;
    }
    WRITE_REGISTER_ULONG((*rings).status, bell::STATUS_RUNG);
    let mut handle: KLOCK_QUEUE_HANDLE = zeroed();
    KeAcquireInStackQueuedSpinLockAtDpcLevel(&raw mut (*rings).lock, &raw mut handle);
    (*rings).count.set((*rings).count.get() + 1);
    KeReleaseInStackQueuedSpinLockFromDpcLevel(&raw mut handle);
    TRUE
}

/// Takes the count at DISPATCH_LEVEL.
unsafe fn take_below(rings: *mut Rings, _: PKINTERRUPT) -> ULONG {
    let mut handle: KLOCK_QUEUE_HANDLE = zeroed();
    KeAcquireInStackQueuedSpinLock(&raw mut (*rings).lock, &raw mut handle);
    let count = (*rings).count.get();
    KeReleaseInStackQueuedSpinLock(&raw mut handle);
    count
}

/// Takes the count at the level of the interrupt.
unsafe fn take_at_level(rings: *mut Rings, interrupt: PKINTERRUPT) -> ULONG {
    let irql = KeAcquireInterruptSpinLock(interrupt);
    let mut handle: KLOCK_QUEUE_HANDLE = zeroed();
    KeAcquireInStackQueuedSpinLockAtDpcLevel(&raw mut (*rings).lock, &raw mut handle);
    let count = (*rings).count.get();
    KeReleaseInStackQueuedSpinLockFromDpcLevel(&raw mut handle);
    KeReleaseInterruptSpinLock(interrupt, irql);
    count
}

/// Lets the device ring once, and looks for the ring now and then.
unsafe fn await_ring(take: unsafe fn(*mut Rings, PKINTERRUPT) -> ULONG) {
    let machine = Machine::current().expect("an exhibit runs on a machine");
    let window = machine.device_window(0).expect("the machine has a bell");
    let registers = MmMapIoSpace(LARGE_INTEGER::new(window as i64), bell::LENGTH, MmNonCached);
    let rings: *mut Rings = new();
    (*rings).status = registers.byte_add(bell::STATUS).cast();
    KeInitializeSpinLock(&raw mut (*rings).lock);
    let mut interrupt: PKINTERRUPT = null_mut();
    IoConnectInterrupt(
        &raw mut interrupt,
        Some(count_ring),
        rings.cast(),
        null_mut(),
        bell::VECTOR,
        DEVICE_LEVEL,
        DEVICE_LEVEL,
        LevelSensitive,
        FALSE,
        1,
        FALSE,
    );
    WRITE_REGISTER_ULONG(registers.byte_add(bell::RINGS).cast(), 1);
    let mut interval = LARGE_INTEGER::new(A_WHILE);
    KeDelayExecutionThread(KernelMode, FALSE, &raw mut interval);
    while take(rings, interrupt) == 0 {
        KeDelayExecutionThread(KernelMode, FALSE, &raw mut interval);
    }
    IoDisconnectInterrupt(interrupt);
    free(rings);
}

/// Holds the lock at DISPATCH_LEVEL, below the interrupt that takes it, too.
pub(super) unsafe fn lock_below() {
    await_ring(take_below);
}

/// Holds the lock at the level of the interrupt.
pub(super) unsafe fn lock_at_level() {
    await_ring(take_at_level);
}
