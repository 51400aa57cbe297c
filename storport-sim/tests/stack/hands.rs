//! Whose hands an SRB was in: the moments that stops show, what `seen` says, and what watchers are told.

use crate::rig::{assert_completed, executions, run, tiny, with_adapter};
use kernel_sim::bugcheck::{BugCheck, Ending, SCSI_VERIFIER_DETECTED_VIOLATION};
use kernel_sim::ddi::*;
use kernel_sim::frame::Item;
use kernel_sim::hook::{Event, EventKind, Halt, Interest, Owner, Watcher};
use kernel_sim::machine::{Config, Execution, Machine, Outcome};
use kernel_sim::moment::Moment;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use storport_sim::Medium;
use storport_sim::client::{Client, Request, disk, sleep_us};
use storport_sim::ddi::*;
use storport_sim::disk::Target;
use storport_sim::seen;

type StartIo = unsafe extern "C-unwind" fn(PVOID, PSCSI_REQUEST_BLOCK) -> BOOLEAN;

/// An entry point of the tiny miniport, changed.
macro_rules! entry {
    ($name:ident, $change:expr) => {
        unsafe extern "C-unwind" fn $name(driver: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
            // SAFETY: the I/O manager passes a live driver object and the path of its registry key.
            unsafe { tiny::register(driver, path, $change) }
        }
    };
}

/// The line of this file that ends in `// <mark>`.
fn line_of(mark: &str) -> u32 {
    let end = format!("// {mark}");
    let at = include_str!("hands.rs").lines().position(|line| line.ends_with(&end));
    at.expect("a line carries that mark") as u32 + 1
}

/// Label, callback and line of each moment.
fn told(moments: &[Moment]) -> Vec<(&str, &str, Option<u32>)> {
    let callback = |m: &Moment| m.callback().map_or("none", |kind| kind.name);
    moments.iter().map(|m| (&*m.label, callback(m), m.site.map(|site| site.line()))).collect()
}

#[track_caller]
fn check_of(outcome: &Outcome) -> &BugCheck {
    match &outcome.ending {
        Ending::BugCheck(check) => check,
        other => panic!("no bug check: {other:?}"),
    }
}

fn read_once(entry: PDRIVER_INITIALIZE) -> impl FnOnce() + Send + 'static {
    move || {
        with_adapter(entry, |adapter| {
            let mut client = Client::new(adapter.disks()[0], 4096);
            assert_eq!(client.read(0, 4096), (STATUS_SUCCESS, 4096));
        });
    }
}

fn is_read(srb: PSCSI_REQUEST_BLOCK) -> bool {
    // SAFETY: an SRB the miniport has.
    unsafe { (*srb).Cdb[0] == 0x28 }
}

unsafe extern "C-unwind" fn complete_twice(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now; the second
    // completion is the mistake under test.
    unsafe {
        tiny::execute(extension, srb);
        StorPortNotification(RequestComplete, extension, srb); // first completion
        if is_read(srb) {
            StorPortNotification(RequestComplete, extension, srb); // second completion
        }
    }
    TRUE
}
entry!(completes_twice, |data| data.HwStartIo = Some(complete_twice as StartIo));

#[test]
fn a_second_completion_shows_the_first_and_when_the_request_was_handed_out() {
    let outcome = run(1, Execution::Seeded(0), 1, read_once(Some(completes_twice)));
    let check = check_of(&outcome);
    assert_eq!(check.parameters[0], 0x2004);
    assert_eq!(check.now.site.unwrap().line(), line_of("second completion"));
    let first = line_of("first completion");
    assert_eq!(
        told(&check.earlier),
        [("handed out", "HwStorStartIo", None), ("completed the first time", "HwStorStartIo", Some(first))]
    );
    let steps: Vec<_> = check.earlier.iter().chain([&check.now]).map(|m| m.step.unwrap()).collect();
    assert!(steps.is_sorted() && steps[1] < steps[2], "{steps:?}");
    assert_eq!(check.earlier[1].routine(), Some("StorPortNotification"));
}

#[test]
fn a_second_completion_on_real_threads_shows_the_first() {
    for (cpus, execution, name) in executions(4) {
        let outcome = run(cpus, execution, 1, read_once(Some(completes_twice)));
        let check = check_of(&outcome);
        // On real threads the slot may be in use again, and then nothing is certain.
        if let [.., first] = &check.earlier[..] {
            assert_eq!(first.site.unwrap().line(), line_of("first completion"), "{name}");
        }
    }
}

/// The SRB of the first read, completed once more a second after it was given back.
unsafe extern "C-unwind" fn complete_and_keep(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now. The unit
    // extension keeps the SRB.
    unsafe {
        tiny::execute(extension, srb);
        if is_read(srb) {
            *StorPortGetLogicalUnit(extension, 0, 0, 0).cast() = srb;
            StorPortNotification(RequestTimerCall, extension, (Some(complete_kept), 1_000_000));
        }
        StorPortNotification(RequestComplete, extension, srb); // in time
    }
    TRUE
}

unsafe extern "C-unwind" fn complete_kept(extension: PVOID) {
    // SAFETY: the unit extension holds an SRB that was given back: the mistake under test.
    unsafe {
        let kept: PSCSI_REQUEST_BLOCK = *StorPortGetLogicalUnit(extension, 0, 0, 0).cast();
        StorPortNotification(RequestComplete, extension, kept); // too late
    }
}
entry!(completes_again_later, |data| data.HwStartIo = Some(complete_and_keep as StartIo));

#[test]
fn a_completion_long_after_the_first_still_shows_it() {
    let outcome = run(1, Execution::Seeded(0), 1, || {
        with_adapter(Some(completes_again_later), |adapter| {
            let mut client = Client::new(adapter.disks()[0], 4096);
            assert_eq!(client.read(0, 4096), (STATUS_SUCCESS, 4096));
            sleep_us(5_000_000);
        });
    });
    let check = check_of(&outcome);
    assert_eq!(check.now.site.unwrap().line(), line_of("too late"));
    let last = line_of("in time");
    assert_eq!(check.earlier.last().unwrap().site.unwrap().line(), last);
    assert!(check.now.time_ns - check.earlier[1].time_ns >= 1_000_000_000);
}

unsafe extern "C-unwind" fn lose_reads(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe {
        StorPortGetLogicalUnit(extension, 0, 0, 0); // last call before it is lost
        if !is_read(srb) {
            tiny::execute(extension, srb);
            StorPortNotification(RequestComplete, extension, srb);
        }
    }
    TRUE
}
entry!(loses_reads, |data| data.HwStartIo = Some(lose_reads as StartIo));

#[test]
fn a_request_that_outlives_a_bus_reset_shows_where_the_driver_had_it() {
    let outcome = run(1, Execution::Seeded(1), 1, read_once(Some(loses_reads)));
    let check = check_of(&outcome);
    assert_eq!(check.stop, SCSI_VERIFIER_DETECTED_VIOLATION);
    let last = line_of("last call before it is lost");
    assert_eq!(
        told(&check.earlier),
        [("handed out; last call of that callback", "HwStorStartIo", Some(last))]
    );
}

unsafe extern "C-unwind" fn look_first(extension: PVOID, _srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe { StorPortGetLogicalUnit(extension, 0, 0, 0) }; // in HwStorBuildIo
    TRUE
}
unsafe extern "C-unwind" fn keep_in_build_io(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe { look_first(extension, srb) };
    if is_read(srb) { FALSE } else { TRUE }
}
entry!(keeps_reads, |data| data.HwBuildIo = Some(keep_in_build_io as StartIo));
entry!(builds_and_loses, |data| {
    data.HwBuildIo = Some(look_first as StartIo);
    data.HwStartIo = Some(lose_reads as StartIo);
});

/// What `seen` says of a request that has not come back after ten seconds.
fn hands_after_ten_seconds(entry: PDRIVER_INITIALIZE, execution: Execution) -> Vec<Moment> {
    let found = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&found);
    let outcome = run(1, execution, 1, move || {
        with_adapter(entry, |adapter| {
            let mut client = Client::new(adapter.disks()[0], 4096);
            client.send(Request::Read { offset: 0, bytes: 4096 });
            assert_eq!(client.wait_for(10_000_000), None);
            let machine = Machine::current().unwrap();
            *told.lock() = seen::last_in_hands(machine, client.irp() as usize);
            machine.end_run(Halt(Box::new(())));
        });
    });
    assert!(matches!(outcome.ending, Ending::Halted(_)), "{:?}", outcome.ending);
    std::mem::take(&mut *found.lock())
}

#[test]
fn a_request_that_is_out_is_shown_in_the_callback_that_had_it_last() {
    let last = line_of("in HwStorBuildIo");
    let label = "handed out; last call of that callback";
    let moments = hands_after_ten_seconds(Some(keeps_reads), Execution::Seeded(0));
    assert_eq!(told(&moments), [(label, "HwStorBuildIo", Some(last))]);
    let last = line_of("last call before it is lost");
    let moments = hands_after_ten_seconds(Some(builds_and_loses), Execution::Seeded(0));
    assert_eq!(told(&moments), [(label, "HwStorStartIo", Some(last))]);
}

/// Follows SRBs from hand to hand.
#[derive(Default)]
struct Follows {
    out: Mutex<Vec<usize>>,
    handed_out: AtomicUsize,
    given_back: AtomicUsize,
}

impl Watcher for Follows {
    fn interest(&self) -> Interest {
        Interest { moved: true, ..Interest::NOTHING }
    }

    fn event(&self, event: &Event<'_>) -> Option<Halt> {
        let EventKind::Moved { item: Item::Srb(srb), from, to } = event.kind else { return None };
        let mut out = self.out.lock();
        match (from, to) {
            (Owner::System, Owner::Driver) => {
                assert!(!out.contains(&srb), "handed out twice");
                assert!(seen::handed_out(event, srb).is_some(), "the port driver knows it");
                out.push(srb);
                self.handed_out.fetch_add(1, Relaxed);
            }
            (Owner::Driver, Owner::System) => {
                let at = out.iter().position(|other| *other == srb).expect("it was handed out");
                out.swap_remove(at);
                self.given_back.fetch_add(1, Relaxed);
            }
            _ => panic!("{from:?} to {to:?}"),
        }
        None
    }
}

#[test]
fn watchers_are_told_of_every_srb_that_changes_hands() {
    for (cpus, execution, name) in executions(8) {
        let watcher = Arc::new(Follows::default());
        let medium = Arc::new(Medium::new([disk(4 << 20)].into_iter().collect::<Target>()));
        let config = Config::new(cpus, execution).unwrap().watch(Arc::clone(&watcher) as Arc<dyn Watcher>);
        let outcome = config.run(move || {
            Machine::current().unwrap().attach(medium);
            read_once(Some(tiny::entry))();
        });
        assert_completed(&outcome, &name);
        assert!(watcher.out.lock().is_empty(), "{name}");
        let handed_out = watcher.handed_out.load(Relaxed);
        assert!(handed_out > 1 && handed_out == watcher.given_back.load(Relaxed), "{name}");
    }
}
