//! Plug and play and power under load: the clean driver bears all of it, and forms of it that treat one
//! request wrongly are found.

use drivers_examples::wdm_startio::driver_entry;
use kernel_sim::ddi::*;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use storport_sim::controller::DiskController;
use verifier::driver::{Driver, Expects, Kind};
use verifier::finding::RunEnd;
use verifier::run::{Chooser, Contents, Event, Executor, Run, Setup, once};
use verifier::workload::Amount;

type Dispatch = unsafe extern "C-unwind" fn(PDEVICE_OBJECT, PIRP) -> NTSTATUS;

/// The clean driver's dispatch routines for plug and play and for power, which are the same on every machine.
static CLEAN_PNP: AtomicUsize = AtomicUsize::new(0);
static CLEAN_POWER: AtomicUsize = AtomicUsize::new(0);

unsafe fn clean(routine: &AtomicUsize, device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    // SAFETY: `entry_with` stored the address of such a routine; the arguments are the I/O manager's.
    unsafe { std::mem::transmute::<usize, Dispatch>(routine.load(SeqCst))(device, irp) }
}

/// The clean driver's entry point, with one dispatch routine exchanged.
unsafe fn entry_with(
    driver: PDRIVER_OBJECT,
    path: PUNICODE_STRING,
    major: usize,
    wrong: Dispatch,
) -> NTSTATUS {
    // SAFETY: the I/O manager passes a live driver object and the path of its registry key.
    unsafe {
        let status = driver_entry(driver, path);
        let address = |major: usize| (*driver).MajorFunction[major].map_or(0, |routine| routine as usize);
        CLEAN_PNP.store(address(IRP_MJ_PNP), SeqCst);
        CLEAN_POWER.store(address(IRP_MJ_POWER), SeqCst);
        (*driver).MajorFunction[major] = Some(wrong);
        status
    }
}

/// Declares a form of the driver: its routine for a major function, which is given the device, the IRP and
/// the minor function.
macro_rules! form {
    ($driver:ident, $name:literal, $clean:ident, $major:ident, |$device:ident, $irp:ident, $minor:ident| $body:expr) => {
        static $driver: Driver = Driver {
            name: $name,
            aliases: &[],
            summary: $name,
            expects: Expects::Clean,
            kind: Kind::Wdm {
                entry: {
                    unsafe extern "C-unwind" fn wrong($device: PDEVICE_OBJECT, $irp: PIRP) -> NTSTATUS {
                        // SAFETY: the I/O manager passes a live device of this driver and an IRP that is the
                        // driver's now.
                        unsafe {
                            let $minor = (*IoGetCurrentIrpStackLocation($irp)).MinorFunction;
                            let own: Option<NTSTATUS> = $body;
                            own.unwrap_or_else(|| clean(&$clean, $device, $irp))
                        }
                    }
                    unsafe extern "C-unwind" fn entry(
                        driver: PDRIVER_OBJECT,
                        path: PUNICODE_STRING,
                    ) -> NTSTATUS {
                        // SAFETY: the I/O manager passes a live driver object and the path of its registry
                        // key.
                        unsafe { entry_with(driver, path, $major, wrong) }
                    }
                    Some(entry)
                },
                device: Some(|store, faults| Box::new(DiskController::new(store).with_faults(faults))),
            },
            cancels: false,
            reads_registry: false,
            image: None,
            sources: &[],
        };
    };
}

unsafe fn complete(irp: PIRP, status: NTSTATUS) -> NTSTATUS {
    // SAFETY: the caller's IRP is the driver's.
    unsafe {
        (*irp).IoStatus = IO_STATUS_BLOCK::new(status, 0);
        IoCompleteRequest(irp, IO_NO_INCREMENT);
    }
    status
}

/// Passes a request down as if it had been handled.
unsafe fn pass_down(device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    // SAFETY: the caller's device is the driver's, whose extension begins with the device and the one below.
    unsafe {
        let lower = *(*device).DeviceExtension.cast::<PDEVICE_OBJECT>().add(1);
        (*irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_SUCCESS, 0);
        IoSkipCurrentIrpStackLocation(irp);
        IoCallDriver(lower, irp)
    }
}

form!(COMPLETES_ALL, "completes every other minor function", CLEAN_PNP, IRP_MJ_PNP, |_device, irp, minor| {
    let is_known = [IRP_MN_START_DEVICE, IRP_MN_REMOVE_DEVICE].contains(&minor);
    (!is_known).then(|| complete(irp, STATUS_NOT_SUPPORTED))
});

form!(STAYS_BUSY, "agrees to be stopped, and goes on", CLEAN_PNP, IRP_MJ_PNP, |device, irp, minor| {
    (minor == IRP_MN_QUERY_STOP_DEVICE).then(|| pass_down(device, irp))
});

form!(IGNORES_REMOVAL, "does nothing when it is pulled out", CLEAN_PNP, IRP_MJ_PNP, |device, irp, minor| {
    (minor == IRP_MN_SURPRISE_REMOVAL).then(|| pass_down(device, irp))
});

form!(STARTS_ONCE, "does not start again", CLEAN_PNP, IRP_MJ_PNP, |device, irp, minor| {
    let has_started = (*device).Characteristics & FILE_SEEN != 0;
    (*device).Characteristics |= FILE_SEEN;
    (minor == IRP_MN_START_DEVICE && has_started).then(|| complete(irp, STATUS_INSUFFICIENT_RESOURCES))
});
/// A bit of the characteristics that means nothing to the I/O manager.
const FILE_SEEN: ULONG = 0x8000_0000;

form!(
    SLEEPS_BUSY,
    "goes to sleep with a request at the device",
    CLEAN_POWER,
    IRP_MJ_POWER,
    |device, irp, _minor| { Some(pass_down(device, irp)) }
);

form!(NOT_WRONG, "the clean driver", CLEAN_PNP, IRP_MJ_PNP, |_device, _irp, _minor| None);

fn run(driver: &'static Driver, events: &[Event], seed: u64) -> Run {
    let mut setup = Setup { executor: Executor::Deterministic, ..Setup::of_model(driver) };
    setup.cpus = 2;
    setup.contents = Contents::Memory { bytes: 1 << 20 };
    setup.workload.amount = Amount::Ios(80);
    setup.workload.block_bytes = 4096.into();
    setup.workload.depth = 8;
    setup.disturbances.events = events.to_vec();
    once(driver, &setup, seed, Chooser::Seeded, None).expect("the driver runs")
}

/// What is found: the name of the row, and the first parameter of a bug check.
fn found(run: &Run) -> Option<(&'static str, u64)> {
    match &run.end {
        RunEnd::Found(finding) => {
            let parameters = finding.stop.as_ref().and_then(|stop| stop.parameters);
            Some((finding.of.name, parameters.map_or(0, |p| p[0])))
        }
        RunEnd::Clean => None,
        _ => panic!("the run could not be judged"),
    }
}

const DEVICE_EVENTS: [Event; 4] = [Event::StopRestart, Event::QueryRemove, Event::Power, Event::Removal];

#[test]
fn the_clean_driver_bears_every_event() {
    for seed in 0..60 {
        for events in [&DEVICE_EVENTS[..1], &DEVICE_EVENTS[1..2], &DEVICE_EVENTS[2..3], &DEVICE_EVENTS] {
            let run = run(&NOT_WRONG, events, seed);
            assert_eq!(found(&run), None, "seed {seed}, {events:?}");
        }
    }
}

#[test]
fn events_happen_and_are_counted() {
    let counts = |event| run(&NOT_WRONG, &[event], 1).disturbances.expect("events were asked for").events;
    assert!(counts(Event::StopRestart).restarts > 0);
    assert!(counts(Event::QueryRemove).taken_back > 0);
    assert!(counts(Event::Power).sleeps > 0);
    assert_eq!(counts(Event::Removal).removals, 1);
}

#[test]
fn a_minor_function_that_is_completed_and_not_passed_down_is_found_without_any_event() {
    for seed in 0..10 {
        let found = found(&run(&COMPLETES_ALL, &[], seed));
        assert_eq!(found, Some(("DRIVER_VERIFIER_IOMANAGER_VIOLATION", 0x22F)), "seed {seed}");
    }
}

/// How many of some seeds find something.
fn times(driver: &'static Driver, event: Event) -> usize {
    (0..20).filter(|seed| found(&run(driver, &[event], *seed)).is_some()).count()
}

#[test]
fn each_event_finds_a_driver_that_is_not_ready_for_it() {
    for (driver, event) in
        [(&STAYS_BUSY, Event::StopRestart), (&IGNORES_REMOVAL, Event::Removal), (&SLEEPS_BUSY, Event::Power)]
    {
        let times = times(driver, event);
        assert!(times >= 3, "{}: found by {times} of 20 seeds", driver.name);
    }
    let found = found(&run(&STARTS_ONCE, &[Event::StopRestart], 1));
    assert_eq!(found, Some(("AdapterRestart", 0)));
}
