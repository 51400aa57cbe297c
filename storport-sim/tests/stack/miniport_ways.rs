//! What a miniport may do, and what stops it: busy, pause, locks, timers, service requests, mistakes.

use crate::rig::{assert_completed, executions, run, run_config, stopped, tiny, with_adapter};
use kernel_sim::bugcheck::{
    Ending, IRQL_UNEXPECTED_VALUE, SCSI_VERIFIER_DETECTED_VIOLATION, SPIN_LOCK_ALREADY_OWNED,
};
use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Execution, Machine};
use std::mem::offset_of;
use std::ptr::null_mut;
use storport_sim::client::{Client, sleep_us};
use storport_sim::ddi::*;
use storport_sim::{Adapter, CompleteWhere, StartError, StartOptions};

type StartIo = unsafe extern "C-unwind" fn(PVOID, PSCSI_REQUEST_BLOCK) -> BOOLEAN;

/// An entry point of the tiny miniport with another HwStorStartIo and what else `change` does.
macro_rules! entry {
    ($name:ident, $change:expr) => {
        unsafe extern "C-unwind" fn $name(driver: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
            // SAFETY: the I/O manager passes a live driver object and the path of its registry key.
            unsafe { tiny::register(driver, path, $change) }
        }
    };
}

/// Reads one block through the entry's driver.
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
        StorPortNotification(RequestComplete, extension, srb);
        if is_read(srb) {
            StorPortNotification(RequestComplete, extension, srb);
        }
    }
    TRUE
}
entry!(completes_twice, |data| data.HwStartIo = Some(complete_twice as StartIo));

#[test]
fn completing_twice_is_stopped() {
    for (cpus, execution, _) in executions(8) {
        let outcome = run(cpus, execution, 1, read_once(Some(completes_twice)));
        assert_eq!(stopped(&outcome), (SCSI_VERIFIER_DETECTED_VIOLATION.code, 0x2004));
    }
}

unsafe extern "C-unwind" fn complete_another(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now; the copy is
    // the mistake under test.
    unsafe {
        tiny::execute(extension, srb);
        let mut copy = *srb;
        StorPortNotification(RequestComplete, extension, &raw mut copy);
    }
    TRUE
}
entry!(completes_another, |data| data.HwStartIo = Some(complete_another as StartIo));

#[test]
fn completing_what_is_no_request_is_stopped() {
    let outcome = run(1, Execution::Seeded(0), 1, read_once(Some(completes_another)));
    assert_eq!(stopped(&outcome), (SCSI_VERIFIER_DETECTED_VIOLATION.code, 0x2004));
}

unsafe extern "C-unwind" fn complete_pending(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now; the status
    // is the mistake under test.
    unsafe { StorPortNotification(RequestComplete, extension, srb) };
    TRUE
}
entry!(completes_pending, |data| data.HwStartIo = Some(complete_pending as StartIo));

#[test]
fn completing_with_a_pending_status_is_stopped() {
    let outcome = run(1, Execution::Seeded(0), 1, read_once(Some(completes_pending)));
    assert_eq!(stopped(&outcome), (SCSI_VERIFIER_DETECTED_VIOLATION.code, 0x1004));
}

unsafe extern "C-unwind" fn raise_and_return(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport's own arguments.
    unsafe {
        tiny::execute(extension, srb);
        KfRaiseIrql(5);
        StorPortNotification(RequestComplete, extension, srb);
    }
    TRUE
}
entry!(returns_too_high, |data| data.HwStartIo = Some(raise_and_return as StartIo));

#[test]
fn a_callback_that_returns_too_high_names_the_call_that_raised() {
    let config = Config::new(1, Execution::Seeded(0)).unwrap().keep_evidence(true);
    let outcome = run_config(config, 1, read_once(Some(returns_too_high)));
    let Ending::BugCheck(check) = &outcome.ending else { panic!("{:?}", outcome.ending) };
    assert_eq!(check.stop, IRQL_UNEXPECTED_VALUE);
    let [raised] = &check.earlier[..] else { panic!("{:?}", check.earlier) };
    assert_eq!((&*raised.label, raised.routine()), ("IRQL raised to DIRQL 5", Some("KfRaiseIrql")));
    assert_eq!(raised.callback().map(|kind| kind.name), Some("HwStorStartIo"));
}

unsafe extern "C-unwind" fn lose_reads(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe {
        if !is_read(srb) {
            tiny::execute(extension, srb);
            StorPortNotification(RequestComplete, extension, srb);
        }
    }
    TRUE
}
entry!(loses_reads, |data| data.HwStartIo = Some(lose_reads as StartIo));

#[test]
fn a_request_that_is_lost_is_found_after_two_time_outs() {
    let outcome = run(2, Execution::Seeded(1), 1, read_once(Some(loses_reads)));
    assert_eq!(stopped(&outcome), (SCSI_VERIFIER_DETECTED_VIOLATION.code, 0x1007));
    assert!((120..130).contains(&(outcome.time_ns / 1_000_000_000)), "{} ns", outcome.time_ns);
}

unsafe extern "C-unwind" fn answer_busy_three_times(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now. The unit
    // extension counts.
    unsafe {
        let count = StorPortGetLogicalUnit(extension, 0, (*srb).TargetId, 0).cast::<u32>();
        if is_read(srb) && *count < 3 {
            *count += 1;
            (*srb).SrbStatus = SRB_STATUS_BUSY;
            // As shipped miniports do with any error.
            (*srb).DataTransferLength = 0;
        } else {
            tiny::execute(extension, srb);
        }
        StorPortNotification(RequestComplete, extension, srb);
    }
    TRUE
}
entry!(is_busy, |data| data.HwStartIo = Some(answer_busy_three_times as StartIo));

#[test]
fn a_busy_answer_sends_the_request_round_again() {
    let outcome = run(2, Execution::Seeded(1), 1, read_once(Some(is_busy)));
    assert_completed(&outcome, "busy");
    assert!(outcome.time_ns >= 750_000_000, "three pauses of 250 ms, not {} ns", outcome.time_ns);
}

unsafe extern "C-unwind" fn pause_first(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe {
        tiny::execute(extension, srb);
        if (*srb).Cdb[0] == 0x9e {
            // The request after READ CAPACITY waits for two seconds.
            assert_eq!(StorPortPause(extension, 2), TRUE);
        }
        StorPortNotification(RequestComplete, extension, srb);
    }
    TRUE
}
entry!(pauses, |data| data.HwStartIo = Some(pause_first as StartIo));

#[test]
fn a_pause_ends_by_itself() {
    let outcome = run(1, Execution::Seeded(1), 1, read_once(Some(pauses)));
    assert_completed(&outcome, "pause");
    assert!(outcome.time_ns >= 2_000_000_000, "{} ns", outcome.time_ns);
}

unsafe extern "C-unwind" fn under_start_io_lock(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    // RequestComplete under a Storport lock is allowed.
    unsafe {
        let mut handle = std::mem::zeroed::<STOR_LOCK_HANDLE>();
        StorPortAcquireSpinLock(extension, StartIoLock, null_mut(), &raw mut handle);
        tiny::execute(extension, srb);
        StorPortNotification(RequestComplete, extension, srb);
        StorPortReleaseSpinLock(extension, &raw mut handle);
    }
    TRUE
}
entry!(locks, |data| data.HwStartIo = Some(under_start_io_lock as StartIo));

#[test]
fn a_miniport_may_complete_under_a_storport_lock() {
    for (cpus, execution, name) in executions(8) {
        assert_completed(&run(cpus, execution, 1, read_once(Some(locks))), &name);
    }
}

unsafe extern "C-unwind" fn lock_in_timer(extension: PVOID) {
    // SAFETY: Storport passes the adapter's live extension; the lock is held by Storport around this
    // callback.
    unsafe {
        let mut handle = std::mem::zeroed::<STOR_LOCK_HANDLE>();
        StorPortAcquireSpinLock(extension, StartIoLock, null_mut(), &raw mut handle);
    }
}

unsafe extern "C-unwind" fn start_timer(extension: PVOID) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension.
    unsafe { StorPortNotification(RequestTimerCall, extension, (Some(lock_in_timer), 1000)) };
    TRUE
}
entry!(locks_in_timer, |data| data.HwInitialize = Some(start_timer));

#[test]
fn the_start_io_lock_is_held_around_the_timer() {
    let outcome = run(1, Execution::Seeded(0), 1, move || {
        with_adapter(Some(locks_in_timer), |_| {
            sleep_us(10_000);
        });
    });
    assert_eq!(stopped(&outcome).0, SPIN_LOCK_ALREADY_OWNED.code);
}

unsafe extern "C-unwind" fn answer_service(extension: PVOID, irp: PVOID) {
    let irp: PIRP = irp.cast();
    // SAFETY: Storport passes the adapter's live extension and an IRP that this miniport has now.
    unsafe {
        (*irp).AssociatedIrp.SystemBuffer.cast::<u32>().write(0x5EED);
        (*irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_SUCCESS, 4);
        StorPortCompleteServiceIrp(extension, irp);
    }
}
entry!(serves, |data| data.HwProcessServiceRequest = Some(answer_service));

#[test]
fn a_service_request_goes_round() {
    for (cpus, execution, name) in executions(8) {
        let outcome = run(cpus, execution, 1, || {
            with_adapter(Some(serves), |adapter| {
                assert!(adapter.accepts_service_requests());
                let mut client = Client::new(adapter.device(), 16);
                let code = IOCTL_MINIPORT_PROCESS_SERVICE_IRP;
                assert_eq!(client.control(code, &[0; 16], 16), (STATUS_SUCCESS, 4));
                assert_eq!(client.data()[..4], 0x5EEDu32.to_le_bytes());
                assert_eq!(client.control(code + 4, &[0; 16], 16).0, STATUS_INVALID_DEVICE_REQUEST);
            });
        });
        assert_completed(&outcome, &name);
    }
}

#[test]
fn without_a_handler_service_requests_are_refused() {
    let outcome = run(1, Execution::Seeded(0), 1, || {
        with_adapter(Some(tiny::entry), |adapter| {
            assert!(!adapter.accepts_service_requests());
            let mut client = Client::new(adapter.device(), 16);
            let (status, _) = client.control(IOCTL_MINIPORT_PROCESS_SERVICE_IRP, &[0; 16], 16);
            assert_eq!(status, STATUS_INVALID_DEVICE_REQUEST);
        });
    });
    assert_completed(&outcome, "no handler");
}

entry!(wrong_size, |data| data.HwInitializationDataSize -= 1);
entry!(without_interrupt, |data| data.AdapterInterfaceType = PCIBus);
entry!(on_an_isa_bus, |data| data.AdapterInterfaceType = Isa);
entry!(no_start_io, |data| data.HwStartIo = None);

#[test]
fn storportinitialize_checks_what_it_is_given() {
    let outcome = run(1, Execution::Seeded(0), 1, || {
        let machine = Machine::current().unwrap();
        assert_eq!(machine.load_driver(Some(wrong_size)), Err(STATUS_REVISION_MISMATCH));
        assert_eq!(machine.load_driver(Some(without_interrupt)), Err(STATUS_INVALID_PARAMETER));
        assert_eq!(machine.load_driver(Some(on_an_isa_bus)), Err(STATUS_INVALID_PARAMETER));
        assert_eq!(machine.load_driver(Some(no_start_io)), Err(STATUS_INVALID_PARAMETER));
    });
    assert_completed(&outcome, "StorPortInitialize");
}

entry!(of_windows_7, |data| {
    data.HwInitializationDataSize = offset_of!(VIRTUAL_HW_INITIALIZATION_DATA, FeatureSupport) as ULONG;
});
// A routine that lies behind the end of what the size says.
entry!(of_windows_2003, |data| {
    let bytes = offset_of!(VIRTUAL_HW_INITIALIZATION_DATA, HwFreeAdapterResources);
    data.HwInitializationDataSize = bytes as ULONG;
    data.HwProcessServiceRequest = Some(answer_service);
});

#[test]
fn a_miniport_that_was_built_for_an_older_windows_registers_less() {
    let outcome = run(1, Execution::Seeded(0), 1, || {
        read_once(Some(of_windows_7))();
        read_once(Some(of_windows_2003))();
        with_adapter(Some(of_windows_2003), |adapter| assert!(!adapter.accepts_service_requests()));
    });
    assert_completed(&outcome, "older structures");
}

entry!(with_large_srb_extensions, |data| data.SrbExtensionSize = 8 << 20);

/// As many as a unit has room for would not fit into the machine's pool.
#[test]
fn a_bus_scan_needs_little_memory_for_units_that_are_not_there() {
    let outcome = run(1, Execution::Seeded(0), 0, || {
        with_adapter(Some(with_large_srb_extensions), |adapter| assert!(adapter.disks().is_empty()));
    });
    assert_completed(&outcome, "scan");
}

unsafe extern "C-unwind" fn fail_to_initialize(_extension: PVOID) -> BOOLEAN {
    FALSE
}
entry!(does_not_initialize, |data| data.HwInitialize = Some(fail_to_initialize));
unsafe extern "C-unwind" fn not_a_miniport(_driver: PDRIVER_OBJECT, _path: PUNICODE_STRING) -> NTSTATUS {
    STATUS_SUCCESS
}

#[test]
fn an_adapter_that_does_not_start_leaves_nothing_behind() {
    let outcome = run(1, Execution::Seeded(0), 1, || {
        let machine = Machine::current().unwrap();
        let cases: [(PDRIVER_INITIALIZE, _); 2] = [
            (Some(does_not_initialize), StartError::NotInitialized),
            (Some(not_a_miniport), StartError::NotAMiniport),
        ];
        for (entry, error) in cases {
            let driver = machine.load_driver(entry).unwrap();
            assert_eq!(Adapter::start(driver).err(), Some(error));
            machine.unload_driver(driver);
        }
        // And again, with the same machine.
        read_once(Some(tiny::entry))();
    });
    assert_completed(&outcome, "start");
}

/// Completes under a lock of its own, and is so exposed to whatever completing brings.
unsafe extern "C-unwind" fn complete_under_own_lock(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now; the lock is
    // the driver's.
    unsafe {
        tiny::execute(extension, srb);
        let lock = tiny::lock_of(extension);
        let mut old = 0;
        KeAcquireSpinLock(lock, &raw mut old);
        StorPortNotification(RequestComplete, extension, srb);
        KeReleaseSpinLock(lock, old);
    }
    TRUE
}
unsafe extern "C-unwind" fn initialize_lock(extension: PVOID) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension.
    unsafe { KeInitializeSpinLock(tiny::lock_of(extension)) };
    TRUE
}
entry!(completes_under_own_lock, |data| {
    data.HwInitialize = Some(initialize_lock);
    data.HwStartIo = Some(complete_under_own_lock as StartIo);
});

/// Reads a long buffer through an adapter that completes where `completion` says.
fn read_long(entry: PDRIVER_INITIALIZE, completion: CompleteWhere) -> impl FnOnce() + Send + 'static {
    move || {
        let machine = Machine::current().unwrap();
        let driver = machine.load_driver(entry).unwrap();
        let adapter =
            Adapter::start_with(driver, None, StartOptions { completion, ..StartOptions::default() })
                .unwrap();
        // Four pieces: the class driver sends the next from the completion of the last.
        let mut client = Client::new(adapter.disks()[0], 256 << 10);
        assert_eq!(client.read(0, 256 << 10), (STATUS_SUCCESS, 256 << 10));
        drop(client);
        adapter.remove();
        machine.unload_driver(driver);
    }
}

#[test]
fn completing_under_a_lock_is_safe_only_where_nothing_comes_back() {
    let outcome =
        run(1, Execution::Seeded(0), 1, read_long(Some(completes_under_own_lock), CompleteWhere::InDpc));
    assert_completed(&outcome, "in a DPC");
    let outcome =
        run(1, Execution::Seeded(0), 1, read_long(Some(completes_under_own_lock), CompleteWhere::InCall));
    assert_eq!(stopped(&outcome).0, SPIN_LOCK_ALREADY_OWNED.code);
}

#[test]
fn requests_may_be_completed_inside_the_call() {
    for (cpus, execution, name) in executions(8) {
        let outcome = run(cpus, execution, 1, read_long(Some(tiny::entry), CompleteWhere::InCall));
        assert_completed(&outcome, &name);
    }
}

/// Says twice that it is becoming ready, then reads.
unsafe extern "C-unwind" fn become_ready(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now. The unit
    // extension counts; the sense buffer is as long as it says.
    unsafe {
        let s = &mut *srb;
        let count = StorPortGetLogicalUnit(extension, 0, s.TargetId, 0).cast::<u32>();
        if is_read(srb) && *count < 2 {
            *count += 1;
            let sense = std::slice::from_raw_parts_mut(s.SenseInfoBuffer.cast::<u8>(), 18);
            sense.fill(0);
            (sense[0], sense[2], sense[7], sense[12], sense[13]) = (0x70, 0x02, 10, 0x04, 0x01);
            s.SenseInfoBufferLength = 18;
            s.ScsiStatus = SCSISTAT_CHECK_CONDITION;
            s.SrbStatus = SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID;
        } else {
            tiny::execute(extension, srb);
        }
        StorPortNotification(RequestComplete, extension, srb);
    }
    TRUE
}
entry!(becomes_ready, |data| data.HwStartIo = Some(become_ready as StartIo));

#[test]
fn a_unit_that_is_becoming_ready_is_given_time() {
    for (cpus, execution, name) in executions(4) {
        if matches!(execution, Execution::Parallel) {
            // Twenty seconds of real time.
            continue;
        }
        let outcome = run(cpus, execution, 1, read_once(Some(becomes_ready)));
        assert_completed(&outcome, &name);
        assert!((20..22).contains(&(outcome.time_ns / 1_000_000_000)), "{} ns", outcome.time_ns);
    }
}

/// Asks for the tick count with every read.
unsafe extern "C-unwind" fn count_ticks(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now; outputs are
    // on this thread's stack.
    unsafe {
        let (mut ticks, mut frequency, mut counter) =
            (LARGE_INTEGER::new(-1), LARGE_INTEGER::new(0), LARGE_INTEGER::new(-1));
        StorPortNotification(QueryTickCount, extension, &raw mut ticks);
        StorPortQueryPerformanceCounter(extension, &raw mut frequency, &raw mut counter);
        assert_eq!(frequency.QuadPart(), 1_000_000_000);
        assert!(ticks.QuadPart() >= 0 && counter.QuadPart() >= 0);
        StorPortNotification(WMIEvent, extension, (null_mut(), 0));
        StorPortNotification(WMIReregister, extension, (0, 0, 0));
        StorPortNotification(ResetDetected, extension, ());
        StorPortNotification(NextRequest, extension, ());
        tiny::execute(extension, srb);
        StorPortNotification(RequestComplete, extension, srb);
    }
    TRUE
}
entry!(counts_ticks, |data| data.HwStartIo = Some(count_ticks as StartIo));

#[test]
fn every_kind_of_notification_is_taken() {
    let outcome = run(1, Execution::Seeded(0), 1, read_once(Some(counts_ticks)));
    assert_completed(&outcome, "notifications");
}

unsafe extern "C-unwind" fn report_overrun(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe { StorPortNotification(BufferOverrunDetected, extension, srb) };
    TRUE
}
entry!(reports_overrun, |data| data.HwStartIo = Some(report_overrun as StartIo));

#[test]
fn an_overrun_that_is_reported_stops_the_machine() {
    let outcome = run(1, Execution::Seeded(0), 1, read_once(Some(reports_overrun)));
    assert_eq!(stopped(&outcome).0, SCSI_VERIFIER_DETECTED_VIOLATION.code);
}
