//! Storport's locks: what each keeps out, and what taking one in the wrong place does.

use crate::physical_entry;
use crate::rig::physical::{self, Extension, with_adapter};
use crate::rig::{assert_completed, executions, on_threads, read_once, stopped};
use kernel_sim::bugcheck::{Ending, SPIN_LOCK_ALREADY_OWNED};
use kernel_sim::ddi::*;
use kernel_sim::irql::Irql;
use kernel_sim::machine::{Execution, Outcome};
use kernel_sim::processor::Processor;
use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use storport_sim::client::Device;
use storport_sim::ddi::*;

unsafe fn take(extension: PVOID, kind: STOR_SPINLOCK) -> STOR_LOCK_HANDLE {
    // SAFETY: the caller's extension; the handle is on this thread's stack.
    unsafe {
        let mut handle: STOR_LOCK_HANDLE = std::mem::zeroed();
        StorPortAcquireSpinLock(extension, kind, null_mut(), &raw mut handle);
        handle
    }
}

/// One read on one processor.
fn one_read(entry: PDRIVER_INITIALIZE, messages: u32, options: &'static [(&'static str, u32)]) -> Outcome {
    physical::run(1, Execution::Seeded(0), messages, 1, move |_| {
        with_adapter(entry, physical::slot(options), |adapter| {
            assert_eq!(read_once(adapter.disks()[0]), STATUS_SUCCESS);
        });
    })
}

unsafe extern "C-unwind" fn interrupt_takes_its_lock(extension: PVOID) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension; the lock is the mistake under test.
    unsafe {
        take(extension, InterruptLock);
        physical::HwInterrupt(extension)
    }
}
physical_entry!(isr_locks, |data| data.HwInterrupt = Some(interrupt_takes_its_lock));

unsafe extern "C-unwind" fn interrupt_synchronizes(extension: PVOID) -> BOOLEAN {
    unsafe extern "C-unwind" fn nothing(_extension: PVOID, _context: PVOID) -> BOOLEAN {
        TRUE
    }
    // SAFETY: Storport passes the adapter's live extension; synchronizing is the mistake under test.
    unsafe {
        StorPortSynchronizeAccess(extension, Some(nothing), null_mut());
        physical::HwInterrupt(extension)
    }
}
physical_entry!(isr_synchronizes, |data| data.HwInterrupt = Some(interrupt_synchronizes));

unsafe extern "C-unwind" fn start_io_takes_its_lock(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe {
        let mut handle = take(extension, StartIoLock);
        let answer = physical::HwStartIo(extension, srb);
        StorPortReleaseSpinLock(extension, &raw mut handle);
        answer
    }
}
physical_entry!(start_io_locks, |data| data.HwStartIo = Some(start_io_takes_its_lock));

#[test]
fn a_lock_that_storport_holds_is_not_recursive() {
    for entry in [isr_locks as unsafe extern "C-unwind" fn(_, _) -> _, isr_synchronizes, start_io_locks] {
        let outcome = one_read(Some(entry), 0, &[]);
        assert_eq!(stopped(&outcome).0, SPIN_LOCK_ALREADY_OWNED.code);
    }
}

#[test]
fn with_channels_the_start_io_lock_is_the_miniports_to_take() {
    for seed in 0..6 {
        let outcome = physical::run(4, Execution::Seeded(seed), 4, 2, |_| {
            let slot = physical::slot(&[("Dpc", 1), ("PerMessage", 1), ("Channels", 4)]);
            with_adapter(Some(start_io_locks), slot, |adapter| {
                let disk = Device::from(adapter.disks()[0]);
                on_threads(4, move |_| assert_eq!(read_once(disk), STATUS_SUCCESS));
                assert_eq!(physical::extension().starts_most.load(SeqCst), 1);
            });
        });
        assert_completed(&outcome, &format!("seed {seed}"));
    }
}

unsafe extern "C-unwind" fn start_io_locks_a_strange_dpc(
    extension: PVOID,
    srb: PSCSI_REQUEST_BLOCK,
) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now; the DPC was
    // never made, which is the mistake under test.
    unsafe {
        let e = extension.cast::<Extension>();
        let mut handle: STOR_LOCK_HANDLE = std::mem::zeroed();
        StorPortAcquireSpinLock(extension, DpcLock, (&raw mut (*e).dpcs[1]).cast(), &raw mut handle);
        physical::HwStartIo(extension, srb)
    }
}
physical_entry!(locks_a_strange_dpc, |data| data.HwStartIo = Some(start_io_locks_a_strange_dpc));

#[test]
fn a_dpc_lock_belongs_to_a_dpc_that_was_made() {
    let outcome = one_read(Some(locks_a_strange_dpc), 0, &[]);
    let Ending::BugCheck(check) = &outcome.ending else { panic!("{:?}", outcome.ending) };
    assert!(check.what.contains("StorPortInitializeDpc never made it"), "{}", check.what);
}

/// Marks itself as inside, and finds no other callback there that must not be.
unsafe fn alone(inside: &AtomicU32, extension: PVOID) {
    // SAFETY: the caller's extension. The register read lets others go first.
    unsafe {
        assert_eq!(inside.fetch_add(1, SeqCst), 0, "another callback is inside");
        StorPortReadRegisterUlong(extension, physical::register_at(extension.cast(), 0));
        assert_eq!(inside.fetch_sub(1, SeqCst), 1);
    }
}

unsafe extern "C-unwind" fn exclusive_interrupt(extension: PVOID) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension.
    unsafe {
        alone(&(*extension.cast::<Extension>()).work_calls, extension);
        physical::HwInterrupt(extension)
    }
}
unsafe extern "C-unwind" fn exclusive_message(extension: PVOID, message: ULONG) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension.
    unsafe {
        alone(&(*extension.cast::<Extension>()).work_calls, extension);
        physical::HwMSInterruptRoutine(extension, message)
    }
}
unsafe extern "C-unwind" fn exclusive_start_io(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe {
        assert_eq!(Processor::current().irql(), Irql(6), "half duplex: DIRQL");
        alone(&(*extension.cast::<Extension>()).work_calls, extension);
        physical::HwStartIo(extension, srb)
    }
}
unsafe extern "C-unwind" fn locked_start_io(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe {
        assert_eq!(Processor::current().irql(), Irql::DISPATCH);
        let mut handle = take(extension, InterruptLock);
        alone(&(*extension.cast::<Extension>()).work_calls, extension);
        StorPortReleaseSpinLock(extension, &raw mut handle);
        physical::HwStartIo(extension, srb)
    }
}
unsafe extern "C-unwind" fn synchronized_start_io(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    unsafe extern "C-unwind" fn inside(extension: PVOID, context: PVOID) -> BOOLEAN {
        // SAFETY: Storport passes the adapter's live extension; the context is the extension.
        unsafe { alone(&(*context.cast::<Extension>()).work_calls, extension) };
        TRUE
    }
    // SAFETY: Storport passes the adapter's live extension.
    unsafe {
        assert_eq!(StorPortSynchronizeAccess(extension, Some(inside), extension), TRUE);
        physical::HwStartIo(extension, srb)
    }
}
unsafe extern "C-unwind" fn find_with_exclusive_messages(
    extension: PVOID,
    context: PVOID,
    bus: PVOID,
    arguments: PCHAR,
    config: PPORT_CONFIGURATION_INFORMATION,
    again: PBOOLEAN,
) -> ULONG {
    // SAFETY: Storport passes the adapter's live extension and a live configuration.
    unsafe {
        let answer = physical::HwFindAdapter(extension, context, bus, arguments, config, again);
        (*config).HwMSInterruptRoutine = Some(exclusive_message);
        answer
    }
}

physical_entry!(half_duplex, |data| {
    data.HwInterrupt = Some(exclusive_interrupt);
    data.HwStartIo = Some(exclusive_start_io);
});
physical_entry!(locks_out_the_line, |data| {
    data.HwInterrupt = Some(exclusive_interrupt);
    data.HwStartIo = Some(locked_start_io);
});
physical_entry!(locks_out_messages, |data| {
    data.HwFindAdapter = Some(find_with_exclusive_messages);
    data.HwStartIo = Some(locked_start_io);
});
physical_entry!(synchronizes, |data| {
    data.HwInterrupt = Some(exclusive_interrupt);
    data.HwStartIo = Some(synchronized_start_io);
});

#[test]
fn what_keeps_the_interrupt_out_keeps_it_out() {
    type Case = (PDRIVER_INITIALIZE, u32, &'static [(&'static str, u32)]);
    let cases: [Case; 4] = [
        (Some(half_duplex), 0, &[("HalfDuplex", 1)]),
        (Some(locks_out_the_line), 0, &[("Dpc", 1)]),
        (Some(locks_out_messages), 4, &[("Dpc", 1)]),
        (Some(synchronizes), 0, &[]),
    ];
    for (entry, messages, options) in cases {
        for (cpus, execution, name) in executions(6) {
            let outcome = physical::run(cpus, execution, messages, 1, move |_| {
                with_adapter(entry, physical::slot(options), |adapter| {
                    let disk = Device::from(adapter.disks()[0]);
                    on_threads(4, move |_| assert_eq!(read_once(disk), STATUS_SUCCESS));
                });
            });
            assert_completed(&outcome, &format!("{options:?} {name}"));
        }
    }
}

/// Counts how deep messages nest on one processor.
unsafe extern "C-unwind" fn nesting_message(extension: PVOID, message: ULONG) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension.
    unsafe {
        let e = extension.cast::<Extension>();
        let depth = (*e).work_calls.fetch_add(1, SeqCst) + 1;
        (*e).timer_calls.fetch_max(depth, SeqCst);
        StorPortReadRegisterUlong(extension, physical::register_at(e, 0));
        let answer = physical::HwMSInterruptRoutine(extension, message);
        (*e).work_calls.fetch_sub(1, SeqCst);
        answer
    }
}
unsafe extern "C-unwind" fn find_with_nesting_messages(
    extension: PVOID,
    context: PVOID,
    bus: PVOID,
    arguments: PCHAR,
    config: PPORT_CONFIGURATION_INFORMATION,
    again: PBOOLEAN,
) -> ULONG {
    // SAFETY: Storport passes the adapter's live extension and a live configuration.
    unsafe {
        let answer = physical::HwFindAdapter(extension, context, bus, arguments, config, again);
        (*config).HwMSInterruptRoutine = Some(nesting_message);
        answer
    }
}
physical_entry!(nests, |data| data.HwFindAdapter = Some(find_with_nesting_messages));

#[test]
fn messages_nest_only_with_a_lock_each() {
    let deepest = |seed: u64, options: &'static [(&'static str, u32)]| {
        let seen = Arc::new(AtomicU32::new(0));
        let deepest = Arc::clone(&seen);
        let outcome = physical::run(1, Execution::Seeded(seed), 4, 1, move |_| {
            with_adapter(Some(nests), physical::slot(options), |adapter| {
                let disk = Device::from(adapter.disks()[0]);
                on_threads(4, move |_| assert_eq!(read_once(disk), STATUS_SUCCESS));
                deepest.store(physical::extension().timer_calls.load(SeqCst), SeqCst);
            });
        });
        assert_completed(&outcome, "nesting");
        seen.load(SeqCst)
    };
    assert!((0..24).all(|seed| deepest(seed, &[("Dpc", 1)]) == 1));
    assert!((0..24).any(|seed| deepest(seed, &[("Dpc", 1), ("PerMessage", 1)]) == 2));
}

physical_entry!(nests_and_synchronizes, |data| {
    data.HwFindAdapter = Some(find_with_nesting_messages);
    data.HwStartIo = Some(synchronizes_with_messages);
});
unsafe extern "C-unwind" fn synchronizes_with_messages(
    extension: PVOID,
    srb: PSCSI_REQUEST_BLOCK,
) -> BOOLEAN {
    unsafe extern "C-unwind" fn nothing(_extension: PVOID, _context: PVOID) -> BOOLEAN {
        TRUE
    }
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe {
        for _ in 0..4 {
            StorPortSynchronizeAccess(extension, Some(nothing), null_mut());
        }
        physical::HwStartIo(extension, srb)
    }
}

/// One processor has all locks of messages taken while another is in a message that interrupted a message.
#[test]
fn a_message_on_top_of_another_meets_who_keeps_all_of_them_out() {
    for seed in 0..300 {
        let outcome = physical::run(3, Execution::Seeded(seed), 4, 1, move |_| {
            let slot = physical::slot(&[("Dpc", 1), ("PerMessage", 1)]);
            with_adapter(Some(nests_and_synchronizes), slot, |adapter| {
                let disk = Device::from(adapter.disks()[0]);
                on_threads(8, move |_| (0..4).for_each(|_| assert_eq!(read_once(disk), STATUS_SUCCESS)));
            });
        });
        assert_completed(&outcome, &format!("seed {seed}"));
    }
}

unsafe extern "C-unwind" fn locks_messages(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe {
        let e = extension.cast::<Extension>();
        let mut old = 0;
        let status = StorPortAcquireMSISpinLock(extension, 1, &raw mut old);
        if status == STOR_STATUS_SUCCESS {
            assert_eq!(Processor::current().irql(), Irql(7));
            assert_eq!(old, 2);
            assert_eq!(StorPortReleaseMSISpinLock(extension, 1, old), STOR_STATUS_SUCCESS);
            assert_eq!(Processor::current().irql(), Irql::DISPATCH);
            let status = StorPortAcquireMSISpinLock(extension, 4, &raw mut old);
            assert_eq!(status, STOR_STATUS_INVALID_PARAMETER, "there are four messages");
        }
        (*e).timer_calls.store(status, SeqCst);
        physical::HwStartIo(extension, srb)
    }
}
physical_entry!(takes_message_locks, |data| data.HwStartIo = Some(locks_messages));

#[test]
fn message_locks_are_for_per_message_mode() {
    for (options, expected) in
        [(&[("PerMessage", 1)][..], STOR_STATUS_SUCCESS), (&[][..], STOR_STATUS_UNSUCCESSFUL)]
    {
        let outcome = physical::run(2, Execution::Seeded(0), 4, 1, move |_| {
            with_adapter(Some(takes_message_locks), physical::slot(options), |_| {
                assert_eq!(physical::extension().timer_calls.load(SeqCst), expected);
            });
        });
        assert_completed(&outcome, &format!("{options:?}"));
    }
}

/// InterruptLock before StartIoLock, where HwStorStartIo has them the other way round.
unsafe extern "C-unwind" fn inverted_dpc(_dpc: PSTOR_DPC, extension: PVOID, _a1: PVOID, _a2: PVOID) {
    // SAFETY: Storport passes the adapter's live extension; the order is the mistake under test.
    unsafe {
        let mut first = take(extension, InterruptLock);
        let mut second = take(extension, StartIoLock);
        StorPortReleaseSpinLock(extension, &raw mut second);
        StorPortReleaseSpinLock(extension, &raw mut first);
    }
}
unsafe extern "C-unwind" fn make_inverted(extension: PVOID) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension.
    unsafe {
        StorPortInitializeDpc(
            extension,
            &raw mut (*extension.cast::<Extension>()).dpcs[0],
            Some(inverted_dpc),
        );
    }
    TRUE
}
unsafe extern "C-unwind" fn initialize_inverted(extension: PVOID) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension.
    unsafe {
        StorPortEnablePassiveInitialization(extension, Some(make_inverted));
        physical::HwInitialize(extension)
    }
}
unsafe extern "C-unwind" fn start_io_with_lock(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe {
        let dpc = &raw mut (*extension.cast::<Extension>()).dpcs[0];
        StorPortIssueDpc(extension, dpc, null_mut(), null_mut());
        let mut handle = take(extension, InterruptLock);
        StorPortReadRegisterUlong(extension, physical::register_at(extension.cast(), 0));
        StorPortReleaseSpinLock(extension, &raw mut handle);
        physical::HwStartIo(extension, srb)
    }
}
physical_entry!(inverts, |data| {
    data.HwInitialize = Some(initialize_inverted);
    data.HwStartIo = Some(start_io_with_lock);
});

#[test]
fn an_inverted_order_deadlocks_when_two_processors_meet() {
    let deadlocks = |cpus: u8| {
        (0..60)
            .filter(|seed| {
                let outcome = physical::run(cpus, Execution::Seeded(*seed), 0, 1, |_| {
                    with_adapter(Some(inverts), physical::slot(&[]), |adapter| {
                        let disk = Device::from(adapter.disks()[0]);
                        on_threads(3, move |_| assert_eq!(read_once(disk), STATUS_SUCCESS));
                    });
                });
                matches!(outcome.ending, Ending::Deadlock(_))
            })
            .count()
    };
    assert_eq!(deadlocks(1), 0);
    assert!(deadlocks(2) > 0, "no schedule met the inversion");
}

#[test]
fn the_ex_routine_answers_with_a_status() {
    unsafe extern "C-unwind" fn build(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
        // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now; handles
        // are on this thread's stack.
        unsafe {
            let e = extension.cast::<Extension>();
            let mut handle: STOR_LOCK_HANDLE = std::mem::zeroed();
            let dpc: PVOID = (&raw mut (*e).dpcs[0]).cast();
            if (*e).dpcs_are_ready != 0 {
                for (kind, context) in
                    [(DpcLevelLock, dpc), (StartIoLock, null_mut()), (InterruptLock, null_mut())]
                {
                    let status = StorPortAcquireSpinLockEx(extension, kind, context, &raw mut handle);
                    assert_eq!(status, STOR_STATUS_SUCCESS);
                    StorPortReleaseSpinLock(extension, &raw mut handle);
                }
                let status = StorPortAcquireSpinLockEx(extension, 9, null_mut(), &raw mut handle);
                assert_eq!(status, STOR_STATUS_INVALID_PARAMETER);
                // At DIRQL no lock of DISPATCH_LEVEL can be had.
                let mut inner: STOR_LOCK_HANDLE = std::mem::zeroed();
                StorPortAcquireSpinLock(extension, InterruptLock, null_mut(), &raw mut handle);
                let status = StorPortAcquireSpinLockEx(extension, StartIoLock, null_mut(), &raw mut inner);
                assert_eq!(status, STOR_STATUS_INVALID_IRQL);
                StorPortReleaseSpinLock(extension, &raw mut handle);
            }
            physical::HwBuildIo(extension, srb)
        }
    }
    physical_entry!(tries, |data| data.HwBuildIo = Some(build));
    for seed in 0..4 {
        let outcome = physical::run(2, Execution::Seeded(seed), 4, 1, |_| {
            with_adapter(Some(tries), physical::slot(&[("Dpc", 1), ("PerMessage", 1)]), |adapter| {
                assert_eq!(read_once(adapter.disks()[0]), STATUS_SUCCESS);
            });
        });
        assert_completed(&outcome, &format!("seed {seed}"));
    }
}
