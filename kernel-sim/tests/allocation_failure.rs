//! Allocations that a policy makes fail: which, what the driver sees, what the run remembers.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![allow(unsafe_op_in_unsafe_fn, reason = "driver code is unsafe from end to end")]

mod common;

use common::*;
use kernel_sim::allocation_failure::{AllocationPolicy, AllocationRequest};
use kernel_sim::ddi::*;
use kernel_sim::frame::Frame;
use kernel_sim::machine::{Config, Execution, Machine, Outcome};
use kernel_sim::processor::Processor;
use kernel_sim::routine::DRIVER_ENTRY;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};

const TAG: ULONG = u32::from_le_bytes(*b"Test");

/// Refuses every `n`-th allocation (0: none), and counts those it was asked about.
struct Every {
    n: u32,
    asked: Arc<AtomicU32>,
}

impl AllocationPolicy for Every {
    fn fails(&mut self, request: &AllocationRequest) -> bool {
        assert!(request.site.file().ends_with("tests/allocation_failure.rs"), "{}", request.site);
        let asked = self.asked.fetch_add(1, SeqCst) + 1;
        self.n != 0 && asked.is_multiple_of(self.n)
    }
}

fn run_with(n: Option<u32>, execution: Execution, driver: Driver) -> (Outcome, u32) {
    let asked = Arc::new(AtomicU32::new(0));
    let mut config = Config::new(2, execution).unwrap();
    if let Some(n) = n {
        config = config.fail_allocations(Box::new(Every { n, asked: Arc::clone(&asked) }));
    }
    let outcome = run_config(config, driver);
    completes(&outcome, "with a policy");
    let asked = asked.load(SeqCst);
    (outcome, asked)
}

/// As a driver's entry point would.
fn in_driver(body: impl FnOnce()) {
    callback(Processor::current(), &Frame::new(&DRIVER_ENTRY, &[]), body);
}

unsafe fn allocates_everything(_x: *mut Desk) {
    in_driver(|| {
        // SAFETY: routines with valid arguments; blocks are freed once.
        unsafe {
            for _ in 0..3 {
                let pool = ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, TAG);
                let old = ExAllocatePoolWithTag(NonPagedPoolNx, 100, TAG);
                let irp = IoAllocateIrp(2, FALSE);
                for block in [pool, old] {
                    if !block.is_null() {
                        ExFreePool(block);
                    }
                }
                if !irp.is_null() {
                    IoFreeIrp(irp);
                }
            }
        }
    });
}

#[test]
fn what_a_driver_asks_for_fails_when_the_policy_says_so() {
    for execution in [Execution::Seeded(1), Execution::Parallel] {
        let (outcome, asked) = run_with(Some(4), execution, allocates_everything);
        assert_eq!(asked, 9);
        let failed: Vec<_> = outcome.failed_allocations.iter().map(|f| (f.ddi, f.bytes)).collect();
        assert_eq!(failed[0], ("ExAllocatePool2", 100));
        assert_eq!(failed[1], ("ExAllocatePoolWithTag", 100));
        assert_eq!(failed.len(), 2);
    }
}

#[test]
fn the_evidence_names_routine_place_and_step() {
    let (outcome, _) = run_with(Some(4), Execution::Seeded(1), allocates_everything);
    let first = &outcome.failed_allocations[0];
    let said = first.to_string();
    let line = first.site.line();
    assert!(
        said.starts_with("ExAllocatePool2 of 100 bytes at kernel-sim/tests/allocation_failure.rs:"),
        "{said}"
    );
    assert!(
        said.ends_with(&format!(":{line} failed on CPU 0, step {}", first.step.expect("deterministic"))),
        "{said}"
    );
}

#[test]
fn a_policy_that_refuses_nothing_changes_nothing() {
    let (without, _) = run_with(None, Execution::Seeded(7), allocates_everything);
    let (with, asked) = run_with(Some(0), Execution::Seeded(7), allocates_everything);
    assert_eq!(asked, 9);
    assert_eq!(with.trace_hash, without.trace_hash);
    assert!(with.failed_allocations.is_empty());
}

unsafe fn maps(_x: *mut Desk) {
    in_driver(|| {
        // SAFETY: routines with valid arguments; the MDL is unlocked and freed once.
        unsafe {
            let buffer: *mut [u8; 64] = block();
            let mdl = IoAllocateMdl(buffer.cast(), 64, FALSE, FALSE, null_mut());
            MmProbeAndLockPages(mdl, UserMode, IoWriteAccess);
            assert!(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority).is_null(), "refused");
            assert_eq!(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority), buffer.cast());
            // What is mapped, or needs no mapping, is not asked for again.
            assert_eq!(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority), buffer.cast());
            MmUnlockPages(mdl);
            MmBuildMdlForNonPagedPool(mdl);
            assert_eq!(MmGetSystemAddressForMdlSafe(mdl, NormalPagePriority), buffer.cast());
            IoFreeMdl(mdl);
        }
    });
}

#[test]
fn locked_pages_may_find_no_place_to_be_mapped_at() {
    let (outcome, asked) = run_with(Some(2), Execution::Seeded(1), maps);
    assert_eq!(asked, 3, "the MDL, and twice the mapping");
    let failed: Vec<_> = outcome.failed_allocations.iter().map(|f| (f.ddi, f.bytes)).collect();
    assert_eq!(failed, [("MmGetSystemAddressForMdlSafe", 64)]);
}

unsafe extern "C-unwind" fn never_called(_: PDEVICE_OBJECT, _: PIRP, _: PVOID) -> NTSTATUS {
    unreachable!("no IRP is completed");
}

unsafe extern "C-unwind" fn sets_twice(driver: PDRIVER_OBJECT, _path: PUNICODE_STRING) -> NTSTATUS {
    let mut device: PDEVICE_OBJECT = null_mut();
    let created = IoCreateDevice(driver, 0, null_mut(), FILE_DEVICE_DISK, 0, FALSE, &raw mut device);
    assert_eq!(created, STATUS_SUCCESS);
    let irp = IoAllocateIrp(2, FALSE);
    let next = IoGetNextIrpStackLocation(irp);
    for is_set in [true, false] {
        let status =
            IoSetCompletionRoutineEx(device, irp, Some(never_called), device.cast(), TRUE, FALSE, TRUE);
        assert_eq!(NT_SUCCESS(status), is_set);
        assert_eq!((*next).CompletionRoutine.is_some(), is_set);
        assert_eq!((*next).Control == SL_INVOKE_ON_SUCCESS | SL_INVOKE_ON_CANCEL, is_set);
        (*next).CompletionRoutine = None;
        (*next).Control = 0;
    }
    IoFreeIrp(irp);
    IoDeleteDevice(device);
    STATUS_SUCCESS
}

unsafe fn sets_completion_routines(_x: *mut Desk) {
    Machine::current().unwrap().load_driver(Some(sets_twice)).unwrap();
}

#[test]
fn a_completion_routine_that_finds_no_memory_is_not_set() {
    // The device, the IRP and the first routine are let by.
    let (outcome, asked) = run_with(Some(4), Execution::Seeded(1), sets_completion_routines);
    assert_eq!(asked, 4);
    assert_eq!(outcome.failed_allocations[0].ddi, "IoSetCompletionRoutineEx");
}

#[test]
fn what_a_rig_allocates_is_not_asked_about() {
    unsafe fn rig(_x: *mut Desk) {
        let block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 100, TAG);
        assert!(!block.is_null());
        ExFreePool(block);
    }
    let (_, asked) = run_with(Some(1), Execution::Seeded(1), rig);
    assert_eq!(asked, 0);
}

#[test]
fn a_thread_that_finds_no_memory_does_not_start() {
    unsafe extern "C-unwind" fn never(_context: PVOID) {
        unreachable!("the thread was refused");
    }
    unsafe fn driver(_x: *mut Desk) {
        in_driver(|| {
            let mut handle = null_mut();
            // SAFETY: the output is on this thread's stack.
            let status = unsafe {
                PsCreateSystemThread(
                    &raw mut handle,
                    0,
                    null_mut(),
                    null_mut(),
                    null_mut(),
                    Some(never),
                    null_mut(),
                )
            };
            assert_eq!(status, STATUS_INSUFFICIENT_RESOURCES);
        });
    }
    let (outcome, _) = run_with(Some(1), Execution::Seeded(1), driver);
    assert_eq!(outcome.failed_allocations.len(), 1);
}
