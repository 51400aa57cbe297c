//! What a stop shows of what came before it: where the lock was taken, the block freed, the IRP completed.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![allow(unsafe_op_in_unsafe_fn, reason = "driver code is unsafe from end to end")]

mod common;

use common::*;
use kernel_sim::bugcheck::BugCheck;
use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Execution, Machine};
use std::ptr::null_mut;

/// The line of this file that ends in `// <mark>`.
fn line_of(mark: &str) -> u32 {
    let end = format!("// {mark}");
    let at = include_str!("evidence.rs").lines().position(|line| line.ends_with(&end));
    at.expect("a line carries that mark") as u32 + 1
}

/// Two processors of the deterministic executor.
fn machine() -> Config {
    Config::new(2, Execution::Seeded(1)).unwrap()
}

/// Runs `driver` on a machine that gathers evidence; the bug check it ends in.
#[track_caller]
fn stopped(driver: Driver) -> BugCheck {
    bug_check(run_config(machine().keep_evidence(true), driver))
}

/// As `stopped`; it has to show exactly one earlier moment: this label, at the marked line, at no later
/// step.
#[track_caller]
fn shows(driver: Driver, code: u32, label: &str, mark: &str) -> BugCheck {
    let check = stopped(driver);
    assert_eq!(check.stop.code, code, "{check:?}");
    assert_eq!(told(&check.earlier), [(label, Some(line_of(mark)))], "{check:?}");
    assert!(check.earlier[0].step <= check.now.step, "{check:?}");
    check
}

unsafe fn pool() -> PVOID {
    ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, u32::from_le_bytes(*b"Test")) // allocated
}

#[test]
fn a_second_free_shows_the_first() {
    unsafe fn driver(_: *mut Desk) {
        let (block, other) = (pool(), pool());
        ExFreePool(block); // freed
        ExFreePool(other);
        ExFreePool(block);
    }
    shows(driver, 0xC4, "freed", "freed");
    // On real threads too, though without a step.
    let check = bug_check(run(1, Execution::Parallel, driver));
    assert_eq!(told(&check.earlier), [("freed", Some(line_of("freed")))]);
}

#[test]
fn a_free_of_what_was_never_allocated_shows_nothing() {
    unsafe fn driver(_: *mut Desk) {
        ExFreePool(pool());
        ExFreePool(pool().wrapping_byte_add(64));
    }
    assert_eq!(told(&stopped(driver).earlier), []);
}

#[test]
fn a_bad_free_shows_where_the_block_was_allocated() {
    unsafe fn other_tag(_: *mut Desk) {
        ExFreePoolWithTag(pool(), 7);
    }
    unsafe fn too_high(_: *mut Desk) {
        let block = pool();
        KfRaiseIrql(5);
        ExFreePool(block);
    }
    unsafe fn overrun(_: *mut Desk) {
        let block = pool();
        *block.cast::<u8>().add(64) = 1;
        ExFreePool(block);
    }
    unsafe fn armed(_: *mut Desk) {
        let timer: PKTIMER = pool().cast();
        KeInitializeTimer(timer);
        KeSetTimer(timer, after_ms(1000), null_mut());
        ExFreePool(timer.cast());
    }
    for (driver, code) in [(other_tag as Driver, 0xC2), (too_high, 0xC4), (overrun, 0xC4), (armed, 0xC4)] {
        shows(driver, code, "allocated", "allocated");
    }
    // On real threads too, though without a step.
    let check = bug_check(run(1, Execution::Parallel, other_tag));
    assert_eq!(told(&check.earlier), [("allocated", Some(line_of("allocated")))]);
}

#[test]
fn a_lock_requested_twice_shows_where_it_was_taken() {
    unsafe fn driver(x: *mut Desk) {
        let mut old = 0;
        KeAcquireSpinLock(lock(x, 0), &raw mut old); // taken
        KeAcquireSpinLockAtDpcLevel(lock(x, 0));
    }
    shows(driver, 0x0F, "taken", "taken");
}

#[test]
fn the_call_stack_of_a_lock_is_kept_where_evidence_is_gathered() {
    unsafe fn driver(x: *mut Desk) {
        let mut old = 0;
        KeAcquireSpinLock(lock(x, 0), &raw mut old);
        KeAcquireSpinLockAtDpcLevel(lock(x, 0));
    }
    assert!(!stopped(driver).earlier[0].stack.is_empty());
    let check = bug_check(run_config(machine(), driver));
    assert_eq!((told(&check.earlier).len(), check.earlier[0].stack.is_empty()), (1, true));
}

#[test]
fn a_release_of_a_lock_that_is_free_shows_where_it_was_taken_last() {
    unsafe fn driver(x: *mut Desk) {
        let mut old = 0;
        KeAcquireSpinLock(lock(x, 1), &raw mut old);
        KeReleaseSpinLock(lock(x, 1), old);
        KeAcquireSpinLock(lock(x, 0), &raw mut old); // taken last
        KeReleaseSpinLockFromDpcLevel(lock(x, 0));
        KeReleaseSpinLock(lock(x, 0), old);
    }
    let check = shows(driver, 0xC4, "taken last", "taken last");
    assert_eq!(check.parameters[0], 0x1007);
    unsafe fn never_taken(x: *mut Desk) {
        KeRaiseIrqlToDpcLevel();
        KeReleaseSpinLockFromDpcLevel(lock(x, 0));
    }
    assert_eq!(told(&stopped(never_taken).earlier), []);
}

#[test]
fn a_release_of_a_lock_that_another_processor_holds_shows_where_that_took_it() {
    unsafe fn driver(x: *mut Desk) {
        // SAFETY: the desk lives as long as its machine.
        spawn(x, 1, |x| unsafe {
            KeRaiseIrqlToDpcLevel();
            KeAcquireSpinLockAtDpcLevel(lock(x, 0)); // taken by another
            number(x, 0).set(1);
            while number(x, 1).get() == 0 {
                KeStallExecutionProcessor(1);
            }
        });
        while number(x, 0).get() == 0 {
            sleep_ms(1);
        }
        KeRaiseIrqlToDpcLevel();
        KeReleaseSpinLockFromDpcLevel(lock(x, 0));
    }
    let check = shows(driver, 0xC4, "taken", "taken by another");
    assert_eq!((check.parameters[0], check.earlier[0].cpu), (0x1004, 1));
}

#[test]
fn a_callback_that_returns_at_another_level_shows_the_call_that_left_it_there() {
    unsafe extern "C-unwind" fn raises(_: PKDPC, context: PVOID, _: PVOID, _: PVOID) {
        let x: *mut Desk = context.cast();
        KfRaiseIrql(5);
        KeLowerIrql(DISPATCH_LEVEL);
        KfRaiseIrql(4); // raised
        number(x, 0).set(1);
    }
    unsafe extern "C-unwind" fn lowers(_: PKDPC, context: PVOID, _: PVOID, _: PVOID) {
        let x: *mut Desk = context.cast();
        KeAcquireSpinLockAtDpcLevel(lock(x, 0));
        KeReleaseSpinLock(lock(x, 0), PASSIVE_LEVEL); // lowered
    }
    unsafe fn insert(x: *mut Desk, routine: PKDEFERRED_ROUTINE) {
        KeInitializeDpc(dpc(x, 0), routine, x.cast());
        KeInsertQueueDpc(dpc(x, 0), null_mut(), null_mut());
        sleep_ms(1);
    }
    unsafe fn up(x: *mut Desk) {
        insert(x, Some(raises));
    }
    unsafe fn down(x: *mut Desk) {
        insert(x, Some(lowers));
    }
    let check = shows(up, 0xC8, "IRQL raised to DIRQL 4", "raised");
    assert_eq!(check.earlier[0].routine(), Some("KfRaiseIrql"));
    let check = shows(down, 0xC8, "IRQL lowered to PASSIVE_LEVEL", "lowered");
    assert_eq!(check.earlier[0].callback().map(|kind| kind.name), Some("DpcRoutine"));
}

#[test]
fn a_change_of_another_callback_is_not_shown() {
    unsafe extern "C-unwind" fn raises_for_a_while(_: PKDPC, _: PVOID, _: PVOID, _: PVOID) {
        let old = KfRaiseIrql(5);
        KeLowerIrql(old);
    }
    unsafe extern "C-unwind" fn ends_at_dispatch(context: PVOID) {
        let x: *mut Desk = context.cast();
        KeInitializeDpc(dpc(x, 0), Some(raises_for_a_while), null_mut());
        KeRaiseIrqlToDpcLevel(); // raised before the DPC
        KeInsertQueueDpc(dpc(x, 0), null_mut(), null_mut());
        for _ in 0..20 {
            KeLowerIrql(PASSIVE_LEVEL);
            KeRaiseIrqlToDpcLevel(); // raised after the DPC
        }
    }
    unsafe fn thread(x: *mut Desk) {
        create(x, Some(ends_at_dispatch));
        sleep_ms(1);
    }
    shows(thread, 0xC8, "IRQL raised to DISPATCH_LEVEL", "raised after the DPC");
}

#[test]
fn without_evidence_a_change_of_the_irql_is_not_known() {
    unsafe extern "C-unwind" fn ends_at_dispatch(_: PVOID) {
        KeRaiseIrqlToDpcLevel();
    }
    unsafe fn thread(x: *mut Desk) {
        create(x, Some(ends_at_dispatch));
        sleep_ms(1);
    }
    let check = bug_check(run_config(machine(), thread));
    assert_eq!((check.stop.code, told(&check.earlier)), (0xC8, vec![]));
}

#[test]
fn a_thread_that_returns_too_high_shows_the_call_that_left_it_there() {
    unsafe extern "C-unwind" fn ends_at_dispatch(_: PVOID) {
        KeRaiseIrqlToDpcLevel(); // raised by the thread
    }
    unsafe fn thread(x: *mut Desk) {
        create(x, Some(ends_at_dispatch));
        sleep_ms(1);
    }
    shows(thread, 0xC8, "IRQL raised to DISPATCH_LEVEL", "raised by the thread");
}

/// A device with this dispatch routine for reads, and an IRP for it whose completion routine keeps it.
unsafe fn request(x: *mut Desk, entry: PDRIVER_INITIALIZE) -> (PDEVICE_OBJECT, PIRP) {
    let driver = Machine::current().unwrap().load_driver(entry).unwrap();
    let mut device: PDEVICE_OBJECT = null_mut();
    let status = IoCreateDevice(driver, 0, null_mut(), FILE_DEVICE_DISK, 0, FALSE, &raw mut device);
    assert_eq!(status, STATUS_SUCCESS);
    let irp = IoAllocateIrp((*device).StackSize, FALSE);
    prepare(x, irp);
    (device, irp)
}

unsafe fn prepare(x: *mut Desk, irp: PIRP) {
    (*IoGetNextIrpStackLocation(irp)).MajorFunction = IRP_MJ_READ as UCHAR;
    IoSetCompletionRoutine(irp, Some(keeps), x.cast(), true, true, true);
}

unsafe extern "C-unwind" fn keeps(_: PDEVICE_OBJECT, _: PIRP, _: PVOID) -> NTSTATUS {
    STATUS_MORE_PROCESSING_REQUIRED
}

unsafe extern "C-unwind" fn completes(driver: PDRIVER_OBJECT, _: PUNICODE_STRING) -> NTSTATUS {
    (*driver).MajorFunction[IRP_MJ_READ] = Some(complete);
    STATUS_SUCCESS
}

unsafe extern "C-unwind" fn complete(_: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    IoCompleteRequest(irp, IO_NO_INCREMENT); // completed
    STATUS_SUCCESS
}

#[test]
fn an_irp_completed_twice_shows_the_first_completion() {
    unsafe fn again(x: *mut Desk) {
        let (device, irp) = request(x, Some(completes));
        IoCallDriver(device, irp);
        IoCompleteRequest(irp, IO_NO_INCREMENT);
    }
    let check = shows(again, 0x44, "completed before", "completed");
    assert_eq!(check.earlier[0].callback().map(|kind| kind.name), Some("Dispatch"));
    unsafe fn freed(x: *mut Desk) {
        let (device, irp) = request(x, Some(completes));
        IoCallDriver(device, irp);
        IoFreeIrp(irp); // freed IRP
        IoCompleteRequest(irp, IO_NO_INCREMENT);
    }
    let lines = [("completed before", Some(line_of("completed"))), ("freed", Some(line_of("freed IRP")))];
    assert_eq!(told(&stopped(freed).earlier), lines);
}

#[test]
fn a_completion_of_the_trip_before_is_not_shown() {
    unsafe fn driver(x: *mut Desk) {
        let (device, irp) = request(x, Some(completes));
        IoCallDriver(device, irp);
        IoReuseIrp(irp, STATUS_SUCCESS);
        IoCompleteRequest(irp, IO_NO_INCREMENT);
    }
    let check = stopped(driver);
    assert_eq!((check.stop.code, told(&check.earlier)), (0x44, vec![]));
}

unsafe extern "C-unwind" fn raising(driver: PDRIVER_OBJECT, _: PUNICODE_STRING) -> NTSTATUS {
    (*driver).MajorFunction[IRP_MJ_READ] = Some(raise);
    STATUS_SUCCESS
}

unsafe extern "C-unwind" fn raise(_: PDEVICE_OBJECT, irp: PIRP) -> NTSTATUS {
    let mut old = 0;
    KeRaiseIrql(DISPATCH_LEVEL, &raw mut old); // raised in dispatch
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    STATUS_SUCCESS
}

#[test]
fn a_dispatch_routine_that_returns_too_high_shows_the_call_that_left_it_there() {
    unsafe fn driver(x: *mut Desk) {
        let (device, irp) = request(x, Some(raising));
        IoCallDriver(device, irp);
    }
    shows(driver, 0xC9, "IRQL raised to DISPATCH_LEVEL", "raised in dispatch");
}

#[test]
fn a_cancel_routine_that_keeps_the_lock_shows_where_it_was_taken() {
    unsafe extern "C-unwind" fn takes_again(_: PDEVICE_OBJECT, irp: PIRP) {
        IoReleaseCancelSpinLock((*irp).CancelIrql);
        let mut old = 0;
        IoAcquireCancelSpinLock(&raw mut old); // cancel lock taken
    }
    unsafe fn driver(x: *mut Desk) {
        let (_, irp) = request(x, Some(completes));
        IoSetNextIrpStackLocation(irp);
        IoSetCancelRoutine(irp, Some(takes_again));
        IoCancelIrp(irp);
    }
    let check = shows(driver, 0x11B, "taken", "cancel lock taken");
    assert_eq!(check.earlier[0].callback().map(|kind| kind.name), Some("Cancel"));
}
