//! The edges of rules: programs of one processor that only just break a rule, and others that only just do
//! not.
//!
//! A program is told of by a row that watches alone; what is no breach is told of by no row, with all of them
//! watching. The exhibits show what a row is for; here is where it begins and ends.

#![expect(unused_crate_dependencies, reason = "integration tests use a few of the crate's dependencies")]
#![allow(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![allow(unsafe_op_in_unsafe_fn, reason = "the programs are driver code, unsafe from end to end")]

mod cancel_lock;
mod counted;
mod events;
mod interrupts;
mod irps;
mod lock_order;
mod miniport;
mod regions;
mod registry;
mod release_level;
mod requests;
mod stalls;
mod storport_locks;
mod system;

use kernel_sim::bugcheck::Ending;
use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Execution, Machine};
use std::ptr::null_mut;
use verifier::finding::Finding;
use verifier::rules::{self, Row, Scope, Sites, TABLE};

/// What a program works with: machine memory, zero at first but for the initialized objects.
#[repr(C)]
struct Desk {
    locks: [KSPIN_LOCK; 4],
    handles: [KLOCK_QUEUE_HANDLE; 4],
    event: KEVENT,
    resource: ERESOURCE,
    device: PDEVICE_OBJECT,
    routine: PIO_COMPLETION_ROUTINE,
    dpc: KDPC,
    /// What the DPC runs.
    deferred: Option<Program>,
}

type X = *mut Desk;
type Program = unsafe fn(X);

/// Runs a body as the boot thread, watched by these rows. The machine keeps nothing that they do not ask for.
fn ends<'a>(
    rows: impl IntoIterator<Item = &'a &'static Row>,
    sites: Sites,
    body: impl FnOnce() + Send + 'static,
) -> Ending {
    let config = Config::new(1, Execution::Seeded(0)).expect("one processor").keep_sites(false);
    let watchers = rows.into_iter().filter_map(|row| rules::watcher(row, sites));
    watchers.fold(config, Config::watch).run(body).ending
}

/// Runs a program at a fresh desk.
fn run(program: Program) {
    let machine = Machine::current().expect("a machine runs");
    let x: X = machine.allocate_system(size_of::<Desk>()).cast();
    // SAFETY: a fresh zeroed block; zero is a value of every field. It is never freed.
    unsafe {
        KeInitializeEvent(&raw mut (*x).event, NotificationEvent, FALSE);
        ExInitializeResourceLite(&raw mut (*x).resource);
        program(x);
    }
}

/// How a program ends that these rows watch.
fn watched<'a>(rows: impl IntoIterator<Item = &'a &'static Row>, sites: Sites, program: Program) -> Ending {
    ends(rows, sites, move || run(program))
}

/// What the row says of a body; `None` also where the machine itself stops it.
fn told_by(row: &str, body: impl FnOnce() + Send + 'static) -> Option<Finding> {
    let row = rules::find(row).expect("a row of the table");
    match ends([&row], Sites::Kept, body) {
        Ending::Completed | Ending::BugCheck(_) => None,
        Ending::Halted(found) => Some(*found.downcast::<Finding>().expect("a finding")),
        other => panic!("the test's program is at fault itself: {other:?}"),
    }
}

/// What the row says of a program.
fn says(row: &str, program: Program) -> Option<Finding> {
    told_by(row, move || run(program))
}

/// The row tells of the program.
#[track_caller]
fn is_told(row: &str, program: Program) -> Finding {
    says(row, program).unwrap_or_else(|| panic!("{row} has nothing to say"))
}

/// No row tells of the program, and the machine does not stop.
#[track_caller]
fn is_fine(program: Program) {
    assert_fine(watched(TABLE, Sites::Kept, program));
}

#[track_caller]
fn assert_fine(ending: Ending) {
    match ending {
        Ending::Completed => {}
        Ending::Halted(found) => {
            let found = found.downcast::<Finding>().expect("a finding");
            panic!("a false alarm of {}: {}", found.of.name, found.what)
        }
        other => panic!("the machine stopped: {other:?}"),
    }
}

unsafe fn lock(x: X, n: usize) -> PKSPIN_LOCK {
    &raw mut (*x).locks[n]
}

unsafe fn handle(x: X, n: usize) -> PKLOCK_QUEUE_HANDLE {
    &raw mut (*x).handles[n]
}

unsafe extern "C-unwind" fn run_deferred(_: PKDPC, x: PVOID, _: PVOID, _: PVOID) {
    let x: X = x.cast();
    ((*x).deferred.expect("a program was set"))(x);
}

/// Runs it in a DPC of this processor.
unsafe fn in_dpc(x: X, program: Program) {
    (*x).deferred = Some(program);
    KeInitializeDpc(&raw mut (*x).dpc, Some(run_deferred), x.cast());
    KeInsertQueueDpc(&raw mut (*x).dpc, null_mut(), null_mut());
}
