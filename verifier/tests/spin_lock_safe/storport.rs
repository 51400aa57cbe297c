//! A virtual miniport under the rule: its locks count, those that Storport holds around it do not.

use crate::rig::{CPUS, line_at, rule};
use kernel_sim::bugcheck::Ending;
use kernel_sim::machine::{Config, Execution, Machine};
use kernel_sim::safe::SpinLock;
use std::ptr::null_mut;
use std::sync::Arc;
use storport_sim::client::{Client, Request, Rig, assert_completed};
use storport_sim::ddi::*;
use storport_sim::miniport::{Configuration, FindError, ServiceIrp, Srb, VirtualMiniport};
use storport_sim::{Adapter, Medium};
use verifier::finding::Finding;

/// The device extension: a request of the miniport's own, to be completed wherever the test wants.
#[repr(C)]
struct Extension {
    service: PIRP,
}

/// Completes the service request that was kept, by the I/O manager's routine.
unsafe fn complete_kept(extension: PVOID) {
    // SAFETY: the extension is this miniport's; a kept request is its own.
    unsafe {
        let irp = std::mem::replace(&mut (*extension.cast::<Extension>()).service, null_mut());
        if !irp.is_null() {
            (*irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_SUCCESS, 0);
            IoCompleteRequest(irp, IO_NO_INCREMENT);
        }
    }
}

unsafe extern "C-unwind" fn find_adapter(
    _extension: PVOID,
    _context: PVOID,
    _bus: PVOID,
    _lower: PVOID,
    _arguments: PCHAR,
    config: PPORT_CONFIGURATION_INFORMATION,
    _again: PBOOLEAN,
) -> ULONG {
    // SAFETY: Storport passes the adapter's live extension and a live configuration.
    unsafe {
        (*config).VirtualDevice = TRUE;
        (*config).MaximumNumberOfTargets = 1;
    }
    SP_RETURN_FOUND
}

unsafe extern "C-unwind" fn initialize(_extension: PVOID) -> BOOLEAN {
    TRUE
}

/// There is no disk.
unsafe extern "C-unwind" fn start_io(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe {
        (*srb).SrbStatus = SRB_STATUS_NO_DEVICE;
        StorPortNotification(RequestComplete, extension, srb);
    }
    TRUE
}

unsafe extern "C-unwind" fn reset_bus(_extension: PVOID, _path: ULONG) -> BOOLEAN {
    TRUE
}

unsafe extern "C-unwind" fn adapter_control(
    _extension: PVOID,
    _kind: SCSI_ADAPTER_CONTROL_TYPE,
    _parameters: PVOID,
) -> SCSI_ADAPTER_CONTROL_STATUS {
    ScsiAdapterControlUnsuccessful
}

type Serve = unsafe extern "C-unwind" fn(PVOID, PVOID);

unsafe fn register(driver: PDRIVER_OBJECT, path: PUNICODE_STRING, serve: Serve) -> NTSTATUS {
    let mut data = VIRTUAL_HW_INITIALIZATION_DATA::zeroed();
    data.HwInitializationDataSize = size_of::<VIRTUAL_HW_INITIALIZATION_DATA>() as ULONG;
    data.AdapterInterfaceType = Internal;
    data.HwFindAdapter = Some(find_adapter);
    data.HwInitialize = Some(initialize);
    data.HwStartIo = Some(start_io);
    data.HwResetBus = Some(reset_bus);
    data.HwAdapterControl = Some(adapter_control);
    data.HwProcessServiceRequest = Some(serve);
    data.DeviceExtensionSize = size_of::<Extension>() as ULONG;
    data.MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
    data.TaggedQueuing = TRUE;
    data.AutoRequestSense = TRUE;
    data.MultipleRequestPerLu = TRUE;
    // SAFETY: the driver object and the path are the I/O manager's, as the caller promises; it copies `data`.
    unsafe { StorPortInitialize(driver, path, (&raw mut data).cast(), null_mut()) }
}

/// An entry point of the miniport with this HwStorProcessServiceRequest.
macro_rules! entry {
    ($name:ident, $serve:path) => {
        unsafe extern "C-unwind" fn $name(driver: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
            // SAFETY: the I/O manager passes a live driver object and the path of its registry key.
            unsafe { register(driver, path, $serve) }
        }
    };
}

/// Sends one service request to the entry's adapter; returns what the rule found.
fn serve_once(execution: Execution, entry: PDRIVER_INITIALIZE) -> Option<Finding> {
    let config = Config::new(CPUS, execution).unwrap().watch(rule());
    let outcome = config.run(move || {
        let machine = Machine::current().unwrap();
        let driver = machine.load_driver(entry).expect("the driver loads");
        let adapter = Adapter::start(driver).expect("the adapter starts");
        let asked = Client::new(adapter.device(), 0).control(IOCTL_MINIPORT_PROCESS_SERVICE_IRP, &[], 0);
        assert_eq!(asked.0, STATUS_SUCCESS);
        adapter.remove();
        machine.unload_driver(driver);
    });
    match outcome.ending {
        Ending::Completed => None,
        Ending::Halted(found) => Some(*found.downcast::<Finding>().expect("the rule's violation")),
        other => panic!("the test's miniport is at fault itself: {other:?}"),
    }
}

fn executions() -> impl Iterator<Item = Execution> {
    (0..12).map(Execution::Seeded).chain([Execution::Parallel])
}

unsafe fn keep(extension: PVOID, irp: PVOID) {
    // SAFETY: the extension is this miniport's.
    unsafe { (*extension.cast::<Extension>()).service = irp.cast() };
}

/// Completes the request at once, under one of Storport's locks that the miniport takes.
unsafe fn complete_under(extension: PVOID, irp: PVOID, lock: STOR_SPINLOCK) {
    // SAFETY: Storport passes the adapter's live extension and an IRP that this miniport has now; the handle
    // lives while the lock is held.
    unsafe {
        keep(extension, irp);
        let mut handle = std::mem::zeroed::<STOR_LOCK_HANDLE>();
        StorPortAcquireSpinLock(extension, lock, null_mut(), &raw mut handle);
        complete_kept(extension);
        StorPortReleaseSpinLock(extension, &raw mut handle);
    }
}

unsafe extern "C-unwind" fn under_start_io_lock(extension: PVOID, irp: PVOID) {
    // SAFETY: Storport passes the adapter's live extension and an IRP that this miniport has now.
    unsafe { complete_under(extension, irp, StartIoLock) };
}
entry!(completes_under_start_io_lock, under_start_io_lock);

unsafe extern "C-unwind" fn under_interrupt_lock(extension: PVOID, irp: PVOID) {
    // SAFETY: Storport passes the adapter's live extension and an IRP that this miniport has now.
    unsafe { complete_under(extension, irp, InterruptLock) };
}
entry!(completes_under_interrupt_lock, under_interrupt_lock);

#[test]
fn a_storport_lock_that_the_miniport_took_is_reported() {
    for entry in [completes_under_start_io_lock, completes_under_interrupt_lock] {
        for execution in executions() {
            let v = serve_once(execution, Some(entry)).expect("reported");
            assert_eq!((v.of.name, v.now.routine()), ("SpinLockSafe", Some("IoCompleteRequest")));
            assert_eq!(v.now.callback().map(|c| c.name), Some("HwStorProcessServiceRequest"));
            let [lock] = &v.now.held[..] else { panic!("{:?}", v.now.held) };
            assert_eq!(lock.routine.name, "StorPortAcquireSpinLock");
            assert!(line_at(lock.site).starts_with(lock.routine.name), "{}", lock.site);
        }
    }
}

unsafe extern "C-unwind" fn by_storport_under_lock(extension: PVOID, irp: PVOID) {
    // SAFETY: Storport passes the adapter's live extension and an IRP that this miniport has now; the handle
    // lives while the lock is held.
    unsafe {
        (*irp.cast::<IRP>()).IoStatus = IO_STATUS_BLOCK::new(STATUS_SUCCESS, 0);
        let mut handle = std::mem::zeroed::<STOR_LOCK_HANDLE>();
        StorPortAcquireSpinLock(extension, StartIoLock, null_mut(), &raw mut handle);
        StorPortCompleteServiceIrp(extension, irp.cast());
        StorPortReleaseSpinLock(extension, &raw mut handle);
    }
}
entry!(completes_by_storport_under_lock, by_storport_under_lock);

unsafe extern "C-unwind" fn by_storport(extension: PVOID, irp: PVOID) {
    // SAFETY: Storport passes the adapter's live extension and an IRP that this miniport has now; the handle
    // lives while the lock is held.
    unsafe {
        let mut handle = std::mem::zeroed::<STOR_LOCK_HANDLE>();
        StorPortAcquireSpinLock(extension, StartIoLock, null_mut(), &raw mut handle);
        (*irp.cast::<IRP>()).IoStatus = IO_STATUS_BLOCK::new(STATUS_SUCCESS, 0);
        StorPortReleaseSpinLock(extension, &raw mut handle);
        StorPortCompleteServiceIrp(extension, irp.cast());
    }
}
entry!(completes_by_storport, by_storport);

#[test]
fn a_service_irp_completed_by_storport_under_a_lock_is_reported_as_our_extension() {
    for execution in executions() {
        let v = serve_once(execution, Some(completes_by_storport_under_lock)).expect("reported");
        assert_eq!((v.of.name, v.now.routine()), ("SpinLockSafe", Some("StorPortCompleteServiceIrp")));
        assert!(v.note.as_deref().is_some_and(|note| note.contains("our extension")), "{v:?}");
    }
    for execution in executions() {
        assert_eq!(serve_once(execution, Some(completes_by_storport)), None, "the lock was given back");
    }
}

unsafe extern "C-unwind" fn after_lock(extension: PVOID, irp: PVOID) {
    // SAFETY: Storport passes the adapter's live extension and an IRP that this miniport has now.
    unsafe {
        let mut handle = std::mem::zeroed::<STOR_LOCK_HANDLE>();
        StorPortAcquireSpinLock(extension, StartIoLock, null_mut(), &raw mut handle);
        keep(extension, irp);
        StorPortReleaseSpinLock(extension, &raw mut handle);
        complete_kept(extension);
    }
}
entry!(completes_after_lock, after_lock);

#[test]
fn a_storport_lock_that_was_given_back_is_innocent() {
    for execution in executions() {
        assert_eq!(serve_once(execution, Some(completes_after_lock)), None);
    }
}

/// HwStorTimer runs under the StartIo lock, which Storport holds for the miniport.
unsafe extern "C-unwind" fn timer(extension: PVOID) {
    // SAFETY: Storport passes the adapter's live extension.
    unsafe { complete_kept(extension) };
}

unsafe extern "C-unwind" fn complete_in_timer(extension: PVOID, irp: PVOID) {
    // SAFETY: Storport passes the adapter's live extension and an IRP that this miniport has now.
    unsafe {
        keep(extension, irp);
        StorPortNotification(RequestTimerCall, extension, (Some(timer), 100));
    }
}
entry!(completes_in_timer, complete_in_timer);

#[test]
fn the_start_io_lock_that_storport_holds_around_the_timer_is_not_the_drivers() {
    for execution in executions() {
        assert_eq!(serve_once(execution, Some(completes_in_timer)), None);
    }
}

/// A miniport at layer 2 that keeps service requests and completes them in `start_io`.
struct Keeper {
    medium: Arc<Medium>,
    kept: SpinLock<Option<ServiceIrp>>,
}

unsafe extern "C-unwind" fn keeper(driver: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
    // SAFETY: the I/O manager passes a live driver object and the path of its registry key.
    unsafe { storport_sim::miniport::register::<Keeper>(driver, path) }
}

impl VirtualMiniport for Keeper {
    const SERVICE_REQUESTS: bool = true;

    fn find_adapter(configuration: &mut Configuration<'_>) -> Result<Keeper, FindError> {
        let medium = Machine::current().and_then(Medium::of).ok_or(FindError::NotFound)?;
        configuration.set_addresses(1, 1, 1);
        Ok(Keeper { medium, kept: SpinLock::new(None) })
    }

    fn start_io(&self, mut srb: Srb) {
        // The guard is gone at the end of the statement.
        let kept = self.kept.lock().take();
        if let Some(irp) = kept {
            irp.complete_with_io_manager(STATUS_SUCCESS, 0);
        }
        let (lun, cdb) = (srb.lun(), srb.cdb());
        let answer = self.medium.execute(lun, &cdb, srb.data().into());
        srb.complete_as(&answer);
    }

    fn reset_bus(&self, _path: u8) -> bool {
        true
    }

    fn process_service_request(&self, irp: ServiceIrp) {
        *self.kept.lock() = Some(irp);
    }
}

#[test]
fn what_storport_holds_around_start_io_is_not_the_drivers() {
    for execution in executions() {
        let machine = Config::new(CPUS, execution).unwrap().watch(rule());
        let outcome = Rig::new(Some(keeper), 1, 1 << 20).run(machine, |bench| {
            let mut service = Client::new(bench.adapter().device(), 0);
            service.send(Request::Control { code: IOCTL_MINIPORT_PROCESS_SERVICE_IRP, input: 0, room: 0 });
            assert_eq!(Client::new(bench.disk(0), 0).flush(), STATUS_SUCCESS);
            assert_eq!(service.wait().0, STATUS_SUCCESS);
        });
        assert_completed(&outcome, "kept until HwStorStartIo");
    }
}
