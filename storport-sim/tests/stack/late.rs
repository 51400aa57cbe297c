//! Requests that are late while the miniport is inside one of its routines: none of them has been lost.
//!
//! A request outlives HwStorResetBus, which is bug check 0xF1/0x1007, only if the miniport had taken it in
//! before and keeps it for its whole time afterwards.

use crate::rig::{assert_completed, on_threads, run, tiny, with_adapter};
use kernel_sim::ddi::*;
use kernel_sim::machine::Execution;
use storport_sim::client::{Client, Device, Threads, sleep_us};
use storport_sim::ddi::*;

/// As long as one call may take, in microseconds.
const STALL_US: ULONG = 100_000;
/// Longer than three time-outs, in seconds.
const LONG_S: u32 = 200;

/// What the miniport remembers, in the extension of its unit.
#[repr(C)]
struct Kept {
    /// The read of the first block, from when it is sent until the bus is reset.
    srb: PSCSI_REQUEST_BLOCK,
    resets: u32,
}

unsafe fn kept(extension: PVOID) -> *mut Kept {
    // SAFETY: Storport's own extension.
    unsafe { StorPortGetLogicalUnit(extension, 0, 0, 0) }.cast()
}

/// Passes time on this processor, in short calls, so that others go on meanwhile.
fn stall(seconds: u32) {
    // SAFETY: plain values.
    (0..seconds * 10).for_each(|_| unsafe { StorPortStallExecution(STALL_US) });
}

/// The block that is read; `None`: the SRB is no read.
unsafe fn block(srb: PSCSI_REQUEST_BLOCK) -> Option<u8> {
    // SAFETY: the caller's SRB is the miniport's.
    unsafe {
        ((*srb).Function == SRB_FUNCTION_EXECUTE_SCSI && (*srb).Cdb[0] == 0x28).then_some((*srb).Cdb[5])
    }
}

/// Keeps the read of block 0 until the bus is reset, and stays for long with that of block 8. All else is
/// completed at once, the reset of a unit with a status that fails it.
unsafe extern "C-unwind" fn start_io(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport's own arguments.
    unsafe {
        match block(srb) {
            Some(0) if (*kept(extension)).resets == 0 => {
                (*kept(extension)).srb = srb;
                return TRUE;
            }
            Some(8) => stall(LONG_S),
            _ => {}
        }
        tiny::execute(extension, srb);
        StorPortNotification(RequestComplete, extension, srb);
    }
    TRUE
}

/// Completes the read that was kept.
unsafe extern "C-unwind" fn reset_bus(extension: PVOID, _path: ULONG) -> BOOLEAN {
    // SAFETY: Storport's own extension; the SRB that was kept is the miniport's.
    unsafe {
        let kept = kept(extension);
        (*kept).resets += 1;
        let srb = std::mem::replace(&mut (*kept).srb, std::ptr::null_mut());
        if !srb.is_null() {
            (*srb).SrbStatus = SRB_STATUS_BUS_RESET;
            StorPortNotification(RequestComplete, extension, srb);
        }
    }
    TRUE
}

unsafe extern "C-unwind" fn reset_bus_slowly(extension: PVOID, path: ULONG) -> BOOLEAN {
    stall(LONG_S);
    // SAFETY: Storport's own arguments.
    unsafe { reset_bus(extension, path) }
}

unsafe extern "C-unwind" fn entry(driver: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
    // SAFETY: the I/O manager's own arguments.
    unsafe {
        tiny::register(driver, path, |data| {
            data.SpecificLuExtensionSize = size_of::<Kept>() as ULONG;
            data.HwStartIo = Some(start_io);
            data.HwResetBus = Some(reset_bus);
        })
    }
}

unsafe extern "C-unwind" fn slow_entry(driver: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
    // SAFETY: the I/O manager's own arguments.
    unsafe {
        tiny::register(driver, path, |data| {
            data.SpecificLuExtensionSize = size_of::<Kept>() as ULONG;
            data.HwStartIo = Some(start_io);
            data.HwResetBus = Some(reset_bus_slowly);
        })
    }
}

#[test]
fn a_request_inside_hw_stor_start_io_does_not_outlive_a_bus_reset() {
    // The ticks come on the processor that sent the first request, and the second keeps the other one.
    for seed in 0..40 {
        let outcome = run(2, Execution::Seeded(seed), 1, || {
            with_adapter(Some(entry), |adapter| {
                let disk: Device = adapter.disks()[0].into();
                on_threads(2, move |n| {
                    let mut client = Client::new(disk, 4096);
                    assert_eq!(client.read(n as i64 * 4096, 4096), (STATUS_SUCCESS, 4096));
                });
            });
        });
        assert_completed(&outcome, &format!("seed {seed}"));
        assert!(outcome.time_ns >= u64::from(LONG_S) * 1_000_000_000, "the time was passed");
    }
}

#[test]
fn a_request_that_is_late_while_hw_stor_reset_bus_runs_has_not_outlived_it() {
    for seed in 0..40 {
        let outcome = run(2, Execution::Seeded(seed), 1, || {
            with_adapter(Some(slow_entry), |adapter| {
                let disk: Device = adapter.disks()[0].into();
                // Until no tick is owed for the scan: then the ticks come on the processor that sends the
                // read, which is the other one.
                sleep_us(5_000_000);
                let reader = Threads::start(2, move |n| {
                    if n == 1 {
                        assert_eq!(Client::new(disk, 4096).read(0, 4096), (STATUS_SUCCESS, 4096));
                    }
                });
                sleep_us(30_000_000);
                adapter.reset_bus(0);
                reader.join();
            });
        });
        assert_completed(&outcome, &format!("seed {seed}"));
        assert!(outcome.time_ns >= u64::from(LONG_S) * 1_000_000_000, "the time was passed");
    }
}
