//! Small programs whose schedules can be counted on fingers.
//!
//! Driver code is unsafe from end to end; the cells it works on live as long as the machine.
#![allow(unsafe_op_in_unsafe_fn, reason = "driver code; see above")]

use kernel_sim::ddi::*;
use kernel_sim::hook::Halt;
use kernel_sim::machine::{Config, Machine, Outcome};
use kernel_sim::moment::Moment;
use kernel_sim::shared::Shared;
use std::ptr::null_mut;
use verifier::driver::{Driver, Expects, Kind, Source};
use verifier::explore::Program;
use verifier::finding::Finding;
use verifier::rules::{self, Selection, Sites};
use verifier::run::{Contents, Executor, Setup};
use verifier::workload::{Amount, Mode, Options};

/// What the threads of a model share. Everything starts as zero.
#[repr(C)]
pub struct Cells {
    pub number: Shared<u32>,
    pub flag: Shared<u32>,
    pub first: KSPIN_LOCK,
    pub second: KSPIN_LOCK,
    pub timer: KTIMER,
    pub dpc: KDPC,
    ended: KSEMAPHORE,
}

/// What one thread does.
type Body = unsafe fn(*mut Cells);

/// Runs a thread for each body, each on a processor of its own, until all have ended.
fn together<const N: usize>(config: Config, bodies: [Body; N]) -> Outcome {
    threads::<N>(config, std::array::from_fn(|n| (n as u8, bodies[n])))
}

/// Runs a thread for each body, on the processor beside it, until all have ended.
fn threads<const N: usize>(config: Config, bodies: [(u8, Body); N]) -> Outcome {
    config.run(move || {
        let machine = Machine::current().expect("a model runs on a machine");
        let cells: *mut Cells = machine.allocate_system(size_of::<Cells>()).cast();
        // SAFETY: a fresh zeroed block, never freed; zero is a valid value for every field.
        unsafe { KeInitializeSemaphore(&raw mut (*cells).ended, 0, N as LONG) };
        for (cpu, body) in bodies {
            let at = cells as usize;
            machine.start_thread(Some(cpu), move || {
                let cells = at as *mut Cells;
                // SAFETY: the block lives as long as the machine.
                unsafe {
                    body(cells);
                    KeReleaseSemaphore(&raw mut (*cells).ended, 0, 1, FALSE);
                }
            });
        }
        for _ in 0..N {
            // SAFETY: the block lives as long as the machine.
            unsafe {
                let ended = (&raw mut (*cells).ended).cast();
                KeWaitForSingleObject(ended, Executive, KernelMode, FALSE, null_mut());
            }
        }
    })
}

/// Ends the run as a broken rule would.
fn broken(rule: &str) -> ! {
    let machine = Machine::current().expect("a model runs on a machine");
    let now = Moment { step: Some(machine.step()), ..Moment::on(machine.running()) };
    let of = rules::find(rule).expect("a row");
    let what = "it came to that".into();
    machine.end_run(Halt(Box::new(Finding {
        of,
        what,
        why: of.why,
        now,
        also: Vec::new(),
        earlier: Vec::new(),
        stop: None,
        note: None,
    })))
}

const fn model(
    name: &'static str,
    cpus: u8,
    run: &'static verifier::driver::RunModel,
    sources: &'static [Source],
) -> Driver {
    let kind = Kind::Model { cpus, run };
    Driver {
        name,
        aliases: &[],
        summary: "",
        expects: Expects::Clean,
        kind,
        cancels: false,
        reads_registry: false,
        image: None,
        sources,
    }
}

/// Two threads that take two locks in two orders: one switch at the right place is a deadlock.
pub static LOCK_ORDER: Driver = model("lock-order", 2, &lock_order, &[]);

unsafe fn nested(outer: *mut KSPIN_LOCK, inner: *mut KSPIN_LOCK) {
    let irql = KeAcquireSpinLockRaiseToDpc(outer);
    KeAcquireSpinLockAtDpcLevel(inner);
    KeReleaseSpinLockFromDpcLevel(inner);
    KeReleaseSpinLock(outer, irql);
}

fn lock_order(config: Config) -> Outcome {
    unsafe fn one_order(c: *mut Cells) {
        nested(&raw mut (*c).first, &raw mut (*c).second);
    }
    unsafe fn the_other(c: *mut Cells) {
        nested(&raw mut (*c).second, &raw mut (*c).first);
    }
    together(config, [one_order, the_other])
}

/// A thread that must not see 0, then 1, then 0 again, and one that makes it so: three switches.
pub static THREE_SWITCHES: Driver = model("three-switches", 2, &three_switches, &[]);
const TEXT: Source = Source { path: "model.rs", text: "fn three_switches() {}" };
/// The same after an edit of its source that changes nothing about what it does.
pub static THREE_SWITCHES_EDITED: Driver = model("three-switches", 2, &three_switches, &[TEXT]);
/// The same after an edit of another of its threads.
pub static THREE_SWITCHES_LONGER: Driver = model("three-switches", 2, &three_switches_longer, &[TEXT]);
/// The same after the fault was repaired.
pub static THREE_SWITCHES_REPAIRED: Driver = model("three-switches", 2, &three_switches_repaired, &[TEXT]);

unsafe fn looks(c: *mut Cells) {
    let number = &raw const (*c).number;
    if [(*number).read_no_fence(), (*number).read_no_fence(), (*number).read_no_fence()] == [0, 1, 0] {
        broken("ThreeSwitches");
    }
}

unsafe fn flips(c: *mut Cells) {
    (*c).number.write_no_fence(1);
    (*c).number.write_no_fence(0);
}

unsafe fn locked(c: *mut Cells, body: Body) {
    let irql = KeAcquireSpinLockRaiseToDpc(&raw mut (*c).first);
    body(c);
    KeReleaseSpinLock(&raw mut (*c).first, irql);
}

fn three_switches(config: Config) -> Outcome {
    together(config, [looks, flips])
}

fn three_switches_longer(config: Config) -> Outcome {
    unsafe fn nothing(_: *mut Cells) {}
    unsafe fn flips_later(c: *mut Cells) {
        KeGetCurrentIrql();
        locked(c, nothing);
        flips(c);
    }
    together(config, [looks, flips_later])
}

fn three_switches_repaired(config: Config) -> Outcome {
    unsafe fn looks_alone(c: *mut Cells) {
        locked(c, looks);
    }
    unsafe fn flips_alone(c: *mut Cells) {
        locked(c, flips);
    }
    together(config, [looks_alone, flips_alone])
}

/// A thread that polls for another's, which polls for a DPC of a timer.
pub static POLLS: Driver = model("polls", 3, &polls, &[]);

fn polls(config: Config) -> Outcome {
    unsafe extern "C-unwind" fn expired(_: PKDPC, context: PVOID, _: PVOID, _: PVOID) {
        (*context.cast::<Cells>()).flag.set(1);
    }
    unsafe fn for_the_number(c: *mut Cells) {
        while (*c).number.read_no_fence() == 0 {}
    }
    unsafe fn for_the_timer(c: *mut Cells) {
        KeInitializeTimer(&raw mut (*c).timer);
        KeInitializeDpc(&raw mut (*c).dpc, Some(expired), c.cast());
        KeSetTimer(&raw mut (*c).timer, LARGE_INTEGER::new(-100), &raw mut (*c).dpc);
        while (*c).flag.read_no_fence() == 0 {}
        (*c).number.write_no_fence(1);
    }
    unsafe fn with_stalls(c: *mut Cells) {
        while (*c).number.read_no_fence() == 0 {
            KeStallExecutionProcessor(1);
        }
    }
    together(config, [for_the_number, for_the_timer, with_stalls])
}

/// Two threads of one processor and one of another that want one lock, often.
pub static ONE_LOCK_THREE_THREADS: Driver = model("one-lock-three-threads", 2, &one_lock_three_threads, &[]);

fn one_lock_three_threads(config: Config) -> Outcome {
    unsafe fn counts(c: *mut Cells) {
        unsafe fn count(c: *mut Cells) {
            (*c).number.write_no_fence((*c).number.read_no_fence() + 1);
        }
        for _ in 0..8 {
            locked(c, count);
        }
    }
    threads(config, [(0, counts), (0, counts), (1, counts)])
}

/// How a model is run. Of the setup, only the seed means something to it.
pub fn program(driver: &'static Driver) -> Program {
    let workload = Options {
        mode: Mode::RandRw,
        amount: Amount::Ios(1),
        block_bytes: 4096.into(),
        depth: 1,
        flush_every: 0,
        cancel_every: 0,
        service_every: 0,
        luns: 1,
        seed: 1,
        zeroed: true,
    };
    let setup = Setup {
        cpus: driver.kind.cpus(1),
        executor: Executor::Deterministic,
        seed: 1,
        workload,
        disturbances: Default::default(),
        contents: Contents::Memory { bytes: 4096 },
        units: Default::default(),
        memory: verifier::run::MemoryChoice::Drawn,
        environment: Default::default(),
        rules: Selection::default(),
        exceptions: Vec::new(),
        sites: Sites::Kept,
        evidence: false,
        patience: kernel_sim::machine::PATIENCE,
    };
    Program { driver, setup }
}
