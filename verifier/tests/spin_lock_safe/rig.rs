//! A driver whose dispatch routine is the test's, and a machine that the rule watches.

use kernel_sim::bugcheck::Ending;
use kernel_sim::ddi::*;
use kernel_sim::hook::Watcher;
use kernel_sim::machine::{Config, Execution, Machine};
use kernel_sim::site::Site;
use std::ptr::null_mut;
use std::sync::Arc;
use verifier::finding::Finding;
use verifier::rules::{self, Sites};

pub const CPUS: u8 = 2;
const SEEDS: u64 = 12;

/// What a test does, in its driver's dispatch routine at PASSIVE_LEVEL.
pub type Body = unsafe fn(X);

/// What a driver does with one request: `body`, which may do what `inside` says, then `after`.
#[derive(Clone, Copy)]
pub struct Script {
    pub body: Body,
    pub inside: Option<Body>,
    pub after: Option<Body>,
    /// In the client's completion routine.
    pub in_completion: Option<Body>,
}

impl Script {
    pub fn of(body: Body) -> Script {
        Script { body, inside: None, after: None, in_completion: None }
    }
}

/// The driver's device extension.
pub type X = *mut Extension;

/// What the driver keeps. Everything starts as zero.
#[repr(C)]
pub struct Extension {
    pub device: PDEVICE_OBJECT,
    /// The request that the dispatch routine was called with; null once it was completed.
    pub irp: PIRP,
    pub lock: KSPIN_LOCK,
    pub other: KSPIN_LOCK,
    pub third: KSPIN_LOCK,
    pub interrupt: PKINTERRUPT,
    pub dpc: KDPC,
    /// Free for the test.
    pub first_event: KEVENT,
    pub second_event: KEVENT,
    pub flag: LONG,
    pub inside: Option<Body>,
    script: Option<Script>,
}

/// The rule's watcher, as a run of `storsim` makes it.
pub fn rule() -> Arc<dyn Watcher> {
    let row = rules::find("SpinLockSafe").expect("the first rule there is");
    rules::watcher(row, Sites::Kept).expect("a rule that watches")
}

/// How a script came out under one execution: what the rule found.
pub fn watched(execution: Execution, watcher: Option<Arc<dyn Watcher>>, script: Script) -> Option<Finding> {
    let mut config = Config::new(CPUS, execution).unwrap();
    if let Some(watcher) = watcher {
        config = config.watch(watcher);
    }
    let outcome = config.run(move || boot(script));
    match outcome.ending {
        Ending::Completed => None,
        Ending::Halted(found) => Some(*found.downcast::<Finding>().expect("the rule's violation")),
        other => panic!("the test's driver is at fault itself: {other:?}"),
    }
}

fn executions() -> impl Iterator<Item = Execution> {
    (0..SEEDS).map(Execution::Seeded).chain((0..3).map(|_| Execution::Parallel))
}

/// The rule has nothing to say about a script, under either executor.
#[track_caller]
pub fn is_innocent(what: &str, script: Script) {
    for execution in executions() {
        let found = watched(execution, Some(rule()), script);
        assert_eq!(found, None, "{what}: a false alarm");
    }
}

/// The rule reports a script, under either executor.
#[track_caller]
pub fn is_guilty(what: &str, script: Script, check: impl Fn(&Finding)) {
    for execution in executions() {
        let found = watched(execution, Some(rule()), script);
        check(&found.unwrap_or_else(|| panic!("{what}: not reported")));
    }
}

fn boot(script: Script) {
    let machine = Machine::current().unwrap();
    let driver = machine.load_driver(Some(entry)).expect("the driver loads");
    // SAFETY: the driver made one device; its extension has the type it was made with.
    unsafe {
        let device = (*driver).DeviceObject;
        let x: X = (*device).DeviceExtension.cast();
        (*x).inside = script.inside;
        (*x).script = Some(script);
        let irp = IoAllocateIrp((*device).StackSize, FALSE);
        (*IoGetNextIrpStackLocation(irp)).MajorFunction = IRP_MJ_READ as UCHAR;
        IoSetCompletionRoutine(irp, Some(came_back), x.cast(), true, true, true);
        IoCallDriver(device, irp);
        IoFreeIrp(irp);
        IoDisconnectInterrupt((*x).interrupt);
        IoDeleteDevice(device);
    }
    machine.unload_driver(driver);
}

unsafe extern "C-unwind" fn entry(driver: PDRIVER_OBJECT, _path: PUNICODE_STRING) -> NTSTATUS {
    // SAFETY: the I/O manager passes a live driver object; a device's extension is zeroed memory of the size
    // asked for.
    unsafe {
        (*driver).MajorFunction[IRP_MJ_READ] = Some(dispatch);
        (*driver).DriverStartIo = Some(start_io);
        let mut device = null_mut();
        let bytes = size_of::<Extension>() as ULONG;
        let status = IoCreateDevice(driver, bytes, null_mut(), FILE_DEVICE_DISK, 0, FALSE, &raw mut device);
        assert_eq!(status, STATUS_SUCCESS);
        let x: X = (*device).DeviceExtension.cast();
        (*x).device = device;
        KeInitializeSpinLock(&raw mut (*x).lock);
        KeInitializeSpinLock(&raw mut (*x).other);
        KeInitializeSpinLock(&raw mut (*x).third);
        KeInitializeEvent(&raw mut (*x).first_event, NotificationEvent, FALSE);
        KeInitializeEvent(&raw mut (*x).second_event, NotificationEvent, FALSE);
        IoConnectInterrupt(
            &raw mut (*x).interrupt,
            Some(service),
            x.cast(),
            null_mut(),
            0x41,
            5,
            5,
            LevelSensitive,
            FALSE,
            KAFFINITY::MAX,
            FALSE,
        )
    }
}

unsafe extern "C-unwind" fn service(_interrupt: PKINTERRUPT, _context: PVOID) -> BOOLEAN {
    FALSE
}

unsafe extern "C-unwind" fn start_io(_device: PDEVICE_OBJECT, _irp: PIRP) {}

unsafe extern "C-unwind" fn dispatch(device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    // SAFETY: the I/O manager passes a live device of this driver and an IRP that is the driver's now.
    unsafe {
        let x: X = (*device).DeviceExtension.cast();
        (*x).irp = irp;
        let script = (*x).script.expect("set before the request was sent");
        (script.body)(x);
        if let Some(after) = script.after {
            after(x);
        }
        complete(x);
    }
    STATUS_SUCCESS
}

unsafe extern "C-unwind" fn came_back(_device: PDEVICE_OBJECT, _irp: PIRP, context: PVOID) -> NTSTATUS {
    // SAFETY: the context is the device extension.
    unsafe {
        let x: X = context.cast();
        if let Some(body) = (*x).script.and_then(|s| s.in_completion) {
            body(x);
        }
    }
    STATUS_MORE_PROCESSING_REQUIRED
}

/// Completes the request, if it is still to be completed.
pub unsafe fn complete(x: X) {
    // SAFETY: the request is the driver's until it is completed.
    unsafe {
        let irp = std::mem::replace(&mut (*x).irp, null_mut());
        if !irp.is_null() {
            IoCompleteRequest(irp, IO_NO_INCREMENT);
        }
    }
}

/// Runs `body` at DISPATCH_LEVEL, or where it is if that is higher.
pub unsafe fn at_dispatch(x: X, body: Body) {
    // SAFETY: `x` is the rig, which outlives the run, as the caller promises.
    unsafe {
        let old = KeGetCurrentIrql();
        let raises = old < DISPATCH_LEVEL as KIRQL;
        if raises {
            KeRaiseIrqlToDpcLevel();
        }
        body(x);
        if raises {
            KeLowerIrql(old);
        }
    }
}

/// Asks for the next packet: there is none.
pub unsafe fn start_next(x: X) {
    // SAFETY: the device lives as long as the test.
    unsafe { at_dispatch(x, |x| IoStartNextPacket((*x).device, FALSE)) };
}

/// Asks for the next packet by its key: there is none.
pub unsafe fn start_next_by_key(x: X) {
    // SAFETY: the device lives as long as the test.
    unsafe { at_dispatch(x, |x| IoStartNextPacketByKey((*x).device, FALSE, 7)) };
}

/// The line of this test's sources at a location of a report.
pub fn line_at(site: Site) -> &'static str {
    let source = match site.file().rsplit('/').next() {
        Some("exhibits.rs") => include_str!("exhibits.rs"),
        Some("storport.rs") => include_str!("storport.rs"),
        Some("rig.rs") => include_str!("rig.rs"),
        _ => panic!("{site} is no place in these tests"),
    };
    let line = source.lines().nth(site.line() as usize - 1).expect("a line of the file");
    &line[site.column() as usize - 1..]
}
