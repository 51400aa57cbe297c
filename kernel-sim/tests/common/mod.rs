//! What the tests share: a desk of kernel objects in machine memory, ways to run a piece of driver
//! code on it under both executors, and ways to say how that has to end.
//!
//! A test's driver code is an `unsafe fn(*mut Desk)`: driver code is unsafe from end to end, and the
//! desk outlives every thread of its machine.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(unsafe_op_in_unsafe_fn, reason = "helpers of driver code; see above")]
#![allow(clippy::missing_safety_doc, reason = "they take the desk, which lives as long as its machine")]

use kernel_sim::bugcheck::{BugCheck, Deadlock, Ending};
use kernel_sim::ddi::*;
use kernel_sim::hook::{Event, Halt, Interest, Watcher};
use kernel_sim::machine::{Config, Execution, Machine, Outcome};
use kernel_sim::moment::Moment;
use kernel_sim::shared::Shared;
use std::ptr::null_mut;
use std::sync::Arc;

/// Objects for driver code to use, all zero to begin with but for the initialized ones.
#[repr(C)]
pub struct Desk {
    /// Free.
    pub locks: [KSPIN_LOCK; 8],
    pub handles: [KLOCK_QUEUE_HANDLE; 8],
    pub dpcs: [KDPC; 4],
    /// Initialized notification timers.
    pub timers: [KTIMER; 4],
    /// Initialized notification events, not signaled.
    pub events: [KEVENT; 4],
    /// Released by each thread of `spawn` that ends.
    ended: KSEMAPHORE,
    pub semaphore: KSEMAPHORE,
    pub numbers: [Shared<u32>; 8],
    pub pointers: [PVOID; 16],
    logged: LONG,
    log: [u32; 64],
}

/// A piece of driver code.
pub type Driver = unsafe fn(*mut Desk);

/// How many seeds and how many parallel runs `everywhere` tries.
const SEEDS: u64 = 40;
const PARALLEL_RUNS: u32 = 8;

/// A watcher that has every lock counted and its site kept, and wants to see nothing.
pub struct CountsLocks;

impl Watcher for CountsLocks {
    fn interest(&self) -> Interest {
        Interest { lock_count: true, lock_sites: true, ..Interest::NOTHING }
    }
    fn event(&self, _event: &Event<'_>) -> Option<Halt> {
        None
    }
}

/// A zeroed block of machine memory for a `T`.
pub fn block<T>() -> *mut T {
    Machine::current().expect("a machine runs").allocate_system(size_of::<T>()).cast()
}

/// Runs `driver` as the boot thread.
pub fn run(cpus: u8, execution: Execution, driver: Driver) -> Outcome {
    run_config(Config::new(cpus, execution).unwrap(), driver)
}

/// As `run`, with every lock counted.
pub fn run_counting(cpus: u8, execution: Execution, driver: Driver) -> Outcome {
    run_config(Config::new(cpus, execution).unwrap().watch(Arc::new(CountsLocks)), driver)
}

pub fn run_config(config: Config, driver: Driver) -> Outcome {
    config.run(move || {
        let x: *mut Desk = block();
        // SAFETY: a fresh zeroed block; zero is a valid value for every field. It is never freed.
        unsafe {
            for n in 0..4 {
                KeInitializeTimer(timer(x, n));
                KeInitializeEvent(event(x, n), NotificationEvent, FALSE);
            }
            KeInitializeSemaphore(&raw mut (*x).ended, 0, LONG::MAX);
            KeInitializeSemaphore(&raw mut (*x).semaphore, 0, LONG::MAX);
            driver(x);
        }
    })
}

/// Runs `driver` under many seeds and on real threads; it has to complete.
pub fn everywhere(cpus: u8, driver: Driver) {
    for seed in 0..SEEDS {
        completes(&run_counting(cpus, Execution::Seeded(seed), driver), &format!("seed {seed}"));
    }
    for _ in 0..PARALLEL_RUNS {
        completes(&run_counting(cpus, Execution::Parallel, driver), "parallel");
    }
}

/// Runs `driver` under many seeds; it has to complete.
pub fn every_seed(cpus: u8, driver: Driver) {
    for seed in 0..SEEDS {
        completes(&run_counting(cpus, Execution::Seeded(seed), driver), &format!("seed {seed}"));
    }
}

pub fn completes(outcome: &Outcome, which: &str) {
    assert!(matches!(outcome.ending, Ending::Completed), "{which}: {:?}", outcome.ending);
}

/// Runs `driver` in both executors; it has to end in the bug check `code` with first parameter `p1`.
#[track_caller]
pub fn stops(cpus: u8, driver: Driver, code: u32, p1: u64) -> BugCheck {
    let check = bug_check(run(cpus, Execution::Parallel, driver));
    assert_eq!((check.stop.code, check.parameters[0]), (code, p1), "parallel: {check:?}");
    let check = bug_check(run(cpus, Execution::Seeded(1), driver));
    assert_eq!((check.stop.code, check.parameters[0]), (code, p1), "seeded: {check:?}");
    check
}

/// Label and line of each moment.
pub fn told(moments: &[Moment]) -> Vec<(&str, Option<u32>)> {
    moments.iter().map(|moment| (&*moment.label, moment.site.map(|site| site.line()))).collect()
}

#[track_caller]
pub fn bug_check(outcome: Outcome) -> BugCheck {
    match outcome.ending {
        Ending::BugCheck(check) => *check,
        other => panic!("not a bug check: {other:?}"),
    }
}

#[track_caller]
pub fn deadlock(outcome: Outcome) -> Deadlock {
    match outcome.ending {
        Ending::Deadlock(deadlock) => *deadlock,
        other => panic!("not a deadlock: {other:?}"),
    }
}

pub unsafe fn lock(x: *mut Desk, n: usize) -> PKSPIN_LOCK {
    &raw mut (*x).locks[n]
}

pub unsafe fn handle(x: *mut Desk, n: usize) -> PKLOCK_QUEUE_HANDLE {
    &raw mut (*x).handles[n]
}

pub unsafe fn dpc(x: *mut Desk, n: usize) -> PKDPC {
    &raw mut (*x).dpcs[n]
}

pub unsafe fn timer(x: *mut Desk, n: usize) -> PKTIMER {
    &raw mut (*x).timers[n]
}

pub unsafe fn event(x: *mut Desk, n: usize) -> PKEVENT {
    &raw mut (*x).events[n]
}

pub unsafe fn number<'a>(x: *mut Desk, n: usize) -> &'a Shared<u32> {
    &(*x).numbers[n]
}

/// Adds one to a number of the desk, as one step.
pub unsafe fn count(x: *mut Desk, n: usize) -> u32 {
    InterlockedIncrement((&raw mut (*x).numbers[n]).cast()) as u32
}

/// Appends to the desk's log.
pub unsafe fn note(x: *mut Desk, what: u32) {
    let at = InterlockedIncrement(&raw mut (*x).logged) as usize - 1;
    (*x).log[at] = what;
}

/// What was noted, in order.
pub unsafe fn noted(x: *mut Desk) -> Vec<u32> {
    (&(*x).log)[..(*x).logged as usize].to_vec()
}

/// Waits for an object as long as it takes.
#[track_caller]
pub unsafe fn wait<T>(object: *mut T) -> NTSTATUS {
    KeWaitForSingleObject(object.cast(), Executive, KernelMode, FALSE, null_mut())
}

/// Waits for an object for so many milliseconds.
#[track_caller]
pub unsafe fn wait_ms<T>(object: *mut T, ms: i64) -> NTSTATUS {
    let mut time = after_ms(ms);
    KeWaitForSingleObject(object.cast(), Executive, KernelMode, FALSE, &raw mut time)
}

/// A relative due time.
pub fn after_ms(ms: i64) -> LARGE_INTEGER {
    LARGE_INTEGER::new(-ms * 10_000)
}

#[track_caller]
pub unsafe fn sleep_ms(ms: i64) {
    let mut time = after_ms(ms);
    KeDelayExecutionThread(KernelMode, FALSE, &raw mut time);
}

/// Starts a thread of the rig on processor `cpu`.
pub unsafe fn spawn(x: *mut Desk, cpu: u8, driver: Driver) {
    let at = x as usize;
    Machine::current().expect("a machine runs").start_thread(Some(cpu), move || {
        let x = at as *mut Desk;
        // SAFETY: the desk lives as long as its machine.
        unsafe {
            driver(x);
            KeReleaseSemaphore(&raw mut (*x).ended, 0, 1, FALSE);
        }
    });
}

/// Waits until `n` more threads of `spawn` have ended.
pub unsafe fn join(x: *mut Desk, n: u32) {
    for _ in 0..n {
        wait(&raw mut (*x).ended);
    }
}

/// Creates a system thread as a driver does, with the desk as its context; returns the handle.
pub unsafe fn create(x: *mut Desk, routine: PKSTART_ROUTINE) -> HANDLE {
    let mut handle: HANDLE = null_mut();
    let out = &raw mut handle;
    let status = PsCreateSystemThread(out, 0, null_mut(), null_mut(), null_mut(), routine, x.cast());
    assert_eq!(status, STATUS_SUCCESS);
    handle
}

/// Runs `driver` on every processor at once, and waits for all.
pub unsafe fn on_every_cpu(x: *mut Desk, driver: Driver) {
    let cpus = Machine::current().expect("a machine runs").processor_count();
    for cpu in 0..cpus {
        spawn(x, cpu, driver);
    }
    join(x, u32::from(cpus));
}

/// A DPC routine whose context is the desk: notes its first argument.
pub unsafe extern "C-unwind" fn notes_argument(_dpc: PKDPC, context: PVOID, what: PVOID, _: PVOID) {
    assert_eq!(KeGetCurrentIrql(), DISPATCH_LEVEL);
    note(context.cast(), what as usize as u32);
}

/// A DPC routine whose context is the desk: counts number 0 and notes the processor.
pub unsafe extern "C-unwind" fn counts(_dpc: PKDPC, context: PVOID, _: PVOID, _: PVOID) {
    assert_eq!(KeGetCurrentIrql(), DISPATCH_LEVEL);
    count(context.cast(), 0);
    note(context.cast(), KeGetCurrentProcessorNumber());
    KeSetEvent(event(context.cast(), 0), 0, FALSE);
}
