//! IoSetCompletionRoutineEx has failed for an IRP, which is passed on: when those who watch are told.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![allow(unsafe_op_in_unsafe_fn, reason = "driver code is unsafe from end to end")]

mod common;

use common::*;
use kernel_sim::allocation_failure::{AllocationPolicy, AllocationRequest};
use kernel_sim::ddi::*;
use kernel_sim::hook::{Event, Halt, Interest, Watcher};
use kernel_sim::machine::{Config, Execution, Machine};
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

/// Refuses the completion routines that are asked for first, so many of them.
struct First(u32);

impl AllocationPolicy for First {
    fn fails(&mut self, request: &AllocationRequest) -> bool {
        let is_refused = self.0 > 0 && request.ddi.name == "IoSetCompletionRoutineEx";
        self.0 -= u32::from(is_refused);
        is_refused
    }
}

/// Counts the IRPs that it is told of.
#[derive(Default)]
struct CountsUnset(AtomicU32);

impl Watcher for CountsUnset {
    fn interest(&self) -> Interest {
        Interest::unusual(&[&row::IoCallDriver])
    }
    fn event(&self, event: &Event<'_>) -> Option<Halt> {
        assert!(event.args::<args::IoCallDriver>().is_some());
        self.0.fetch_add(1, SeqCst);
        None
    }
}

unsafe extern "C-unwind" fn completes_it(_: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    (*irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_SUCCESS, 0);
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    STATUS_SUCCESS
}

unsafe extern "C-unwind" fn passes(_: PDEVICE_OBJECT, _: PIRP, _: PVOID) -> NTSTATUS {
    STATUS_SUCCESS
}

unsafe extern "C-unwind" fn keeps(_: PDEVICE_OBJECT, _: PIRP, _: PVOID) -> NTSTATUS {
    STATUS_MORE_PROCESSING_REQUIRED
}

unsafe fn set(device: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    IoSetCompletionRoutineEx(device, irp, Some(passes), null_mut(), TRUE, TRUE, TRUE)
}

type Way = unsafe fn(PDEVICE_OBJECT, PIRP);

unsafe fn goes_on(_: PDEVICE_OBJECT, _: PIRP) {}
unsafe fn sets_otherwise(_: PDEVICE_OBJECT, irp: PIRP) {
    IoSetCompletionRoutine(irp, Some(passes), null_mut(), true, true, true);
}
unsafe fn skips(_: PDEVICE_OBJECT, irp: PIRP) {
    IoSkipCurrentIrpStackLocation(irp);
}
unsafe fn sets_again(device: PDEVICE_OBJECT, irp: PIRP) {
    assert_eq!(set(device, irp), STATUS_SUCCESS);
}

/// What is done after each refusal. The last sets a routine a second time, which is not refused.
const WAYS: [Way; 4] = [goes_on, sets_otherwise, skips, sets_again];

unsafe extern "C-unwind" fn entry(driver: PDRIVER_OBJECT, _path: PUNICODE_STRING) -> NTSTATUS {
    (*driver).MajorFunction[IRP_MJ_READ] = Some(completes_it);
    let mut device: PDEVICE_OBJECT = null_mut();
    let created = IoCreateDevice(driver, 0, null_mut(), FILE_DEVICE_DISK, 0, FALSE, &raw mut device);
    assert_eq!(created, STATUS_SUCCESS);
    for way in WAYS {
        let irp = IoAllocateIrp(2, FALSE);
        // The location of the driver that was sent the IRP, whose maker keeps it when it has ended.
        (*IoGetNextIrpStackLocation(irp)).MajorFunction = IRP_MJ_READ as UCHAR;
        IoSetCompletionRoutine(irp, Some(keeps), null_mut(), true, true, true);
        IoSetNextIrpStackLocation(irp);
        IoCopyCurrentIrpStackLocationToNext(irp);
        assert_eq!(set(device, irp), STATUS_INSUFFICIENT_RESOURCES);
        way(device, irp);
        assert_eq!(IoCallDriver(device, irp), STATUS_SUCCESS);
        IoFreeIrp(irp);
    }
    IoDeleteDevice(device);
    STATUS_SUCCESS
}

#[test]
fn only_an_irp_that_is_passed_on_as_if_nothing_had_failed_is_told() {
    unsafe fn driver(_x: *mut Desk) {
        Machine::current().unwrap().load_driver(Some(entry)).unwrap();
    }
    for execution in [Execution::Seeded(1), Execution::Parallel] {
        let watcher = Arc::new(CountsUnset::default());
        let policy = Box::new(First(WAYS.len() as u32));
        let config = Config::new(1, execution).unwrap().watch(Arc::clone(&watcher) as _);
        completes(&run_config(config.fail_allocations(policy), driver), "one processor");
        assert_eq!(watcher.0.load(SeqCst), 1);
    }
}
