//! Interrupts: whom they reach, how often, and until when.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![expect(unused_crate_dependencies, reason = "integration tests use a few of the crate's dependencies")]

use kernel_sim::bugcheck::Ending;
use kernel_sim::ddi::*;
use kernel_sim::hardware::{Bus, HardwareModel};
use kernel_sim::machine::{Config, Execution, Machine};
use kernel_sim::shared::Shared;
use std::ptr::null_mut;

const VECTOR: u32 = 0x41;
const DIRQL: KIRQL = 4;
/// Register: how often to ring; each ring is a step.
const RING: usize = 0;
/// Register: bit 0 is set by a ring and holds the line; write 1 to clear.
const STATUS: usize = 4;

/// A device that does nothing but interrupt.
#[derive(Default)]
struct Bell {
    rings: u64,
    status: u64,
}

impl HardwareModel for Bell {
    fn name(&self) -> &'static str {
        "bell"
    }
    fn line(&self) -> (u32, bool) {
        (VECTOR, self.status != 0)
    }
    fn read(&mut self, offset: usize, _width: u8) -> u64 {
        if offset == STATUS { self.status } else { self.rings }
    }
    fn write(&mut self, offset: usize, _width: u8, value: u64) {
        if offset == STATUS { self.status &= !value } else { self.rings += value }
    }
    fn steps(&self) -> u32 {
        u32::from(self.rings != 0 && self.status == 0)
    }
    fn step(&mut self, _which: u32, _bus: &Bus<'_>) {
        self.rings -= 1;
        self.status = 1;
    }
}

/// What the test's driver keeps, in machine memory.
#[repr(C)]
struct Extension {
    registers: *mut u8,
    interrupt: PKINTERRUPT,
    lock: KSPIN_LOCK,
    dpc: KDPC,
    /// Released once for each interrupt that a DPC saw, and once for each thread that ended.
    seen: KSEMAPHORE,
    ended: KSEMAPHORE,
    connected: Shared<u32>,
    served: Shared<u32>,
    synchronized: Shared<u32>,
}

unsafe fn write(x: *mut Extension, register: usize, value: u32) {
    // SAFETY: `set_up` mapped the registers.
    unsafe { WRITE_REGISTER_ULONG((*x).registers.add(register).cast(), value) };
}

unsafe extern "C-unwind" fn service(_interrupt: PKINTERRUPT, context: PVOID) -> BOOLEAN {
    let x: *mut Extension = context.cast();
    // SAFETY: the extension lives as long as the machine.
    unsafe {
        let status = READ_REGISTER_ULONG((*x).registers.add(STATUS).cast());
        assert_eq!(status, 1, "served although the line is not asserted");
        assert_eq!((*x).connected.get(), 1, "served after it was disconnected");
        (*x).served.set((*x).served.get() + 1);
        write(x, STATUS, 1);
        KeInsertQueueDpc(&raw mut (*x).dpc, null_mut(), null_mut());
    }
    TRUE
}

unsafe extern "C-unwind" fn deferred(_dpc: PKDPC, context: PVOID, _a1: PVOID, _a2: PVOID) {
    let x: *mut Extension = context.cast();
    // SAFETY: the extension lives as long as the machine.
    unsafe {
        KeAcquireSpinLockAtDpcLevel(&raw mut (*x).lock);
        KeReleaseSpinLockFromDpcLevel(&raw mut (*x).lock);
        KeReleaseSemaphore(&raw mut (*x).seen, 0, 1, FALSE);
    }
}

unsafe extern "C-unwind" fn synchronized(context: PVOID) -> BOOLEAN {
    let x: *mut Extension = context.cast();
    // SAFETY: the extension lives as long as the machine.
    unsafe { (*x).synchronized.set((*x).synchronized.get() + 1) };
    TRUE
}

unsafe fn set_up(machine: &Machine) -> *mut Extension {
    let x: *mut Extension = machine.allocate_system(size_of::<Extension>()).cast();
    // SAFETY: a fresh zeroed block of that size; zero is a valid value for every field.
    unsafe {
        let window = LARGE_INTEGER::new(machine.device_window(0).unwrap() as i64);
        (*x).registers = MmMapIoSpace(window, 8, MmNonCached).cast();
        KeInitializeSpinLock(&raw mut (*x).lock);
        KeInitializeDpc(&raw mut (*x).dpc, Some(deferred), x.cast());
        KeInitializeSemaphore(&raw mut (*x).seen, 0, LONG::MAX);
        KeInitializeSemaphore(&raw mut (*x).ended, 0, LONG::MAX);
        (*x).connected.set(1);
        let status = IoConnectInterrupt(
            &raw mut (*x).interrupt,
            Some(service),
            x.cast(),
            null_mut(),
            VECTOR,
            DIRQL,
            DIRQL,
            LevelSensitive,
            FALSE,
            u64::MAX,
            FALSE,
        );
        assert_eq!(status, STATUS_SUCCESS);
    }
    x
}

fn run(cpus: u8, execution: Execution, body: unsafe fn(&'static Machine, *mut Extension)) -> Ending {
    let config = Config::new(cpus, execution).unwrap().hardware(Box::new(Bell::default()));
    let outcome = config.run(move || {
        let machine = Machine::current().unwrap();
        // SAFETY: the boot thread is at PASSIVE_LEVEL; the extension outlives `body`.
        unsafe { body(machine, set_up(machine)) };
    });
    outcome.ending
}

unsafe fn wait(semaphore: PKSEMAPHORE) {
    // SAFETY: a live semaphore.
    unsafe { KeWaitForSingleObject(semaphore.cast(), Executive, KernelMode, FALSE, null_mut()) };
}

fn everywhere(body: unsafe fn(&'static Machine, *mut Extension)) {
    for seed in 0..200 {
        let cpus = (seed % 4 + 1) as u8;
        let ending = run(cpus, Execution::Seeded(seed), body);
        assert!(matches!(ending, Ending::Completed), "{cpus} CPUs, seed {seed}: {ending:?}");
    }
    for n in 0..40 {
        let ending = run(n % 4 + 1, Execution::Parallel, body);
        assert!(matches!(ending, Ending::Completed), "parallel: {ending:?}");
    }
}

const RINGS: u32 = 20;

/// Threads take the lock, and inside it the interrupt's; meanwhile the bell rings, each time after
/// the DPC has seen the last.
unsafe fn ring_among_threads(machine: &'static Machine, x: *mut Extension) {
    let cpus = machine.processor_count();
    for n in 0..cpus {
        let at = x as usize;
        machine.start_thread(Some(n), move || {
            let x = at as *mut Extension;
            // SAFETY: the extension lives as long as the machine.
            unsafe {
                for _ in 0..10 {
                    let old = KeAcquireSpinLockRaiseToDpc(&raw mut (*x).lock);
                    KeSynchronizeExecution((*x).interrupt, Some(synchronized), x.cast());
                    KeReleaseSpinLock(&raw mut (*x).lock, old);
                }
                KeReleaseSemaphore(&raw mut (*x).ended, 0, 1, FALSE);
            }
        });
    }
    // SAFETY: the extension lives as long as the machine.
    unsafe {
        for _ in 0..RINGS {
            write(x, RING, 1);
            wait(&raw mut (*x).seen);
        }
        for _ in 0..cpus {
            wait(&raw mut (*x).ended);
        }
        assert_eq!((*x).served.get(), RINGS);
        assert_eq!((*x).synchronized.get(), 10 * u32::from(cpus));
    }
}

#[test]
fn idle_and_waiting_processors_serve_interrupts_to_their_end() {
    everywhere(ring_among_threads);
}

/// Many rings at once: each is delivered once, although the line stays asserted while the service
/// routine reads the device.
unsafe fn ring_at_once(_machine: &'static Machine, x: *mut Extension) {
    // SAFETY: the extension lives as long as the machine.
    unsafe {
        write(x, RING, RINGS);
        while (*x).served.get() < RINGS {
            KeStallExecutionProcessor(1);
        }
        KeFlushQueuedDpcs();
        assert_eq!((*x).served.get(), RINGS);
    }
}

#[test]
fn a_line_that_stays_asserted_is_not_delivered_while_in_service() {
    everywhere(ring_at_once);
}

/// Disconnects while the bell rings.
unsafe fn disconnect_while_ringing(_machine: &'static Machine, x: *mut Extension) {
    // SAFETY: the extension lives as long as the machine.
    unsafe {
        write(x, RING, RINGS);
        KeStallExecutionProcessor(1);
        IoDisconnectInterrupt((*x).interrupt);
        (*x).connected.set(0);
        for _ in 0..20 {
            KeStallExecutionProcessor(1);
        }
        KeFlushQueuedDpcs();
    }
}

#[test]
fn disconnecting_waits_for_the_service_routine() {
    everywhere(disconnect_while_ringing);
}

/// Rings a service routine that takes offence.
unsafe fn ring_until_it_panics(_machine: &'static Machine, x: *mut Extension) {
    // SAFETY: the extension lives as long as the machine.
    unsafe {
        (*x).connected.set(0);
        write(x, RING, 1);
        wait(&raw mut (*x).ended);
    }
}

#[test]
fn a_panic_in_a_service_routine_is_a_bug_check() {
    for execution in [Execution::Seeded(1), Execution::Parallel] {
        let Ending::BugCheck(check) = run(2, execution, ring_until_it_panics) else { panic!("no bug check") };
        assert_eq!((check.stop.code, check.now.irql.0), (0x1E, DIRQL));
        assert!(check.what.contains("served after it was disconnected"), "{}", check.what);
        assert_eq!(check.now.callbacks.last().map(|c| c.name), Some("InterruptService"));
    }
}
