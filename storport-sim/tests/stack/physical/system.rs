//! The system around an adapter: registry and log, performance options, private requests, processors.

use crate::physical_entry;
use crate::rig::physical::{self, Extension, with_adapter};
use crate::rig::{assert_completed, read_once};
use kernel_sim::ddi::*;
use kernel_sim::machine::Execution;
use kernel_sim::processor::Processor;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::SeqCst;
use storport_sim::client::Client;
use storport_sim::ddi::*;

#[test]
fn parameters_and_log_are_kept_with_the_adapter() {
    unsafe extern "C-unwind" fn find(
        extension: PVOID,
        context: PVOID,
        bus: PVOID,
        arguments: PCHAR,
        config: PPORT_CONFIGURATION_INFORMATION,
        again: PBOOLEAN,
    ) -> ULONG {
        // SAFETY: Storport passes the adapter's live extension and a live configuration; names and lengths
        // are on this thread's stack.
        unsafe {
            let mut name = *b"Label\0";
            let mut length = 16;
            let buffer = StorPortAllocateRegistryBuffer(extension, &raw mut length);
            assert!(!buffer.is_null());
            let second = StorPortAllocateRegistryBuffer(extension, &raw mut length);
            assert!(second.is_null(), "one buffer at a time");
            let mut read = |kind, length: &mut u32| {
                StorPortRegistryRead(extension, name.as_mut_ptr(), 0, kind, buffer, &raw mut *length)
            };
            assert_eq!(read(MINIPORT_REG_SZ, &mut length), TRUE);
            let text = std::slice::from_raw_parts(buffer.cast::<u8>(), length as usize);
            assert_eq!(text, b"left\0");
            length = 2;
            assert_eq!(read(MINIPORT_REG_SZ, &mut length), FALSE, "too short");
            assert_eq!(length, 5);
            assert_eq!(read(MINIPORT_REG_DWORD, &mut length), FALSE, "another type");
            *buffer.cast::<u32>() = 77;
            let written =
                StorPortRegistryWrite(extension, name.as_mut_ptr(), 0, MINIPORT_REG_DWORD, buffer, 4);
            assert_eq!(written, TRUE);
            *buffer.cast::<u32>() = 0;
            length = 4;
            let found = StorPortRegistryRead(
                extension,
                name.as_mut_ptr(),
                0,
                MINIPORT_REG_DWORD,
                buffer,
                &raw mut length,
            );
            assert_eq!((found, *buffer.cast::<u32>()), (TRUE, 77));
            StorPortFreeRegistryBuffer(extension, buffer);
            StorPortLogError(extension, null_mut(), 0, 1, 2, 6, 4711);
            physical::HwFindAdapter(extension, context, bus, arguments, config, again)
        }
    }
    physical_entry!(reads, |data| data.HwFindAdapter = Some(find));
    let outcome = physical::run(1, Execution::Seeded(0), 0, 1, |_| {
        let label = storport_sim::Parameter::Text("left".into());
        with_adapter(Some(reads), physical::slot(&[]).parameter("LABEL", label), |adapter| {
            let log = adapter.log();
            assert_eq!(log.len(), 1);
            assert_eq!((log[0].address, log[0].error, log[0].unique_id), ((0, 1, 2), 6, 4711));
        });
    });
    assert_completed(&outcome, "registry");
}

#[test]
fn performance_options_are_granted_as_the_system_has_them() {
    unsafe extern "C-unwind" fn initialize(extension: PVOID) -> BOOLEAN {
        // SAFETY: Storport passes the adapter's live extension; structures are on this thread's stack.
        unsafe {
            let mut perf: PERF_CONFIGURATION_DATA = std::mem::zeroed();
            perf.Version = STOR_PERF_VERSION;
            perf.Size = size_of::<PERF_CONFIGURATION_DATA>() as ULONG;
            let ask = |query, perf: &mut PERF_CONFIGURATION_DATA| {
                StorPortInitializePerfOpts(extension, query, &raw mut *perf)
            };
            assert_eq!(ask(TRUE, &mut perf), STOR_STATUS_SUCCESS);
            assert_ne!(perf.Flags & STOR_PERF_CONCURRENT_CHANNELS, 0);
            // Message ranges need redirection, and messages there are.
            perf.Flags = STOR_PERF_INTERRUPT_MESSAGE_RANGES;
            assert_eq!(ask(FALSE, &mut perf), STOR_STATUS_SUCCESS);
            assert_eq!(perf.Flags, 0);
            perf.Flags = STOR_PERF_INTERRUPT_MESSAGE_RANGES | STOR_PERF_DPC_REDIRECTION;
            perf.LastRedirectionMessageNumber = 4;
            assert_eq!(ask(FALSE, &mut perf), STOR_STATUS_INVALID_PARAMETER);
            let mut targets: [GROUP_AFFINITY; 3] = std::mem::zeroed();
            perf.Flags |= STOR_PERF_ADV_CONFIG_LOCALITY;
            perf.FirstRedirectionMessageNumber = 1;
            perf.LastRedirectionMessageNumber = 3;
            perf.MessageTargets = targets.as_mut_ptr();
            assert_eq!(ask(FALSE, &mut perf), STOR_STATUS_SUCCESS);
            assert_eq!(targets.map(|t| t.Mask), [1, 2, 1], "two processors, in turn");
            perf.Version = 9;
            assert_eq!(ask(TRUE, &mut perf), STOR_STATUS_UNSUPPORTED_VERSION);
            let nothing = StorPortInitializePerfOpts(extension, TRUE, null_mut());
            assert_eq!(nothing, STOR_STATUS_INVALID_PARAMETER);
            physical::HwInitialize(extension)
        }
    }
    unsafe extern "C-unwind" fn start_io(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
        // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now; the
        // structure is on this thread's stack.
        unsafe {
            let mut perf: STARTIO_PERFORMANCE_PARAMETERS = std::mem::zeroed();
            perf.Size = size_of::<STARTIO_PERFORMANCE_PARAMETERS>() as ULONG;
            let status = StorPortGetStartIoPerfParams(extension, srb, &raw mut perf);
            assert_eq!(status, STOR_STATUS_SUCCESS);
            assert_eq!(perf.MessageNumber, 1 + u32::from(Processor::current().index()) % 3);
            physical::HwStartIo(extension, srb)
        }
    }
    physical_entry!(asks, |data| {
        data.HwInitialize = Some(initialize);
        data.HwStartIo = Some(start_io);
    });
    let outcome = physical::run(2, Execution::Seeded(0), 4, 1, |_| {
        with_adapter(Some(asks), physical::slot(&[]), |adapter| {
            assert_eq!(read_once(adapter.disks()[0]), STATUS_SUCCESS);
        });
    });
    assert_completed(&outcome, "performance");
}

#[test]
fn an_adapter_with_its_line_only_does_without_messages() {
    let outcome = physical::run(2, Execution::Seeded(0), 0, 1, |_| {
        let slot = physical::slot(&[("Dpc", 1)]).line_only().without_performance_options();
        with_adapter(Some(physical::entry), slot, |adapter| {
            assert_eq!(read_once(adapter.disks()[0]), STATUS_SUCCESS);
            let e = physical::extension();
            assert_eq!(e.messages, 0);
            assert!(e.line_interrupts.load(SeqCst) > 0);
        });
    });
    assert_completed(&outcome, "line");
}

#[test]
fn complete_request_ends_everything_of_a_unit() {
    unsafe extern "C-unwind" fn reset(extension: PVOID, path: ULONG) -> BOOLEAN {
        // SAFETY: Storport passes the adapter's live extension.
        unsafe {
            let e = extension.cast::<Extension>();
            (*e).bus_resets.fetch_add(1, SeqCst);
            for slot in &(*e).outstanding {
                slot.store(null_mut(), SeqCst);
            }
            StorPortWriteRegisterUlong(extension, physical::register_at(e, 0x18), 1);
            StorPortCompleteRequest(extension, path as UCHAR, SP_UNTAGGED, SP_UNTAGGED, SRB_STATUS_BUS_RESET);
        }
        TRUE
    }
    physical_entry!(completes_all, |data| data.HwResetBus = Some(reset));
    let outcome = physical::run(2, Execution::Seeded(0), 0, 1, |bench| {
        with_adapter(Some(completes_all), physical::slot(&[]), |adapter| {
            bench.behaviour.lock().hangs_until_reset = true;
            assert_eq!(read_once(adapter.disks()[0]), STATUS_SUCCESS);
            assert_eq!(physical::extension().bus_resets.load(SeqCst), 1);
        });
    });
    assert_completed(&outcome, "all at once");
}

#[test]
fn the_system_says_what_it_is() {
    unsafe extern "C-unwind" fn build(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
        // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now; outputs
        // are on this thread's stack.
        unsafe {
            let (mut groups, mut nodes, mut highest, mut mask) = (0, 0, 9, 0);
            StorPortGetActiveGroupCount(extension, &raw mut groups);
            StorPortGetActiveNodeCount(extension, &raw mut nodes);
            StorPortGetHighestNodeNumber(extension, &raw mut highest);
            StorPortGetGroupAffinity(extension, 0, &raw mut mask);
            assert_eq!((groups, nodes, highest, mask), (1, 1, 0, 0b111));
            assert_eq!(StorPortGetGroupAffinity(extension, 1, &raw mut mask), STOR_STATUS_INVALID_PARAMETER);
            let mut number = PROCESSOR_NUMBER { Group: 9, Number: 99, Reserved: 0 };
            StorPortGetCurrentProcessorNumber(extension, &raw mut number);
            assert_eq!((number.Group, number.Number), (0, Processor::current().index()));
            let (mut functional, mut physical, mut lower) = (null_mut(), null_mut(), null_mut());
            let status =
                StorPortGetDeviceObjects(extension, &raw mut functional, &raw mut physical, &raw mut lower);
            assert_eq!((status, physical), (STOR_STATUS_SUCCESS, lower));
            assert_eq!((*physical.cast::<DEVICE_OBJECT>()).AttachedDevice, functional.cast());
            let (mut irql, mut cold) = (0, TRUE);
            StorPortGetCurrentIrql(extension, &raw mut irql);
            assert_eq!(irql, DISPATCH_LEVEL);
            let power = StorPortInitializePoFxPower(extension, null_mut(), null_mut(), &raw mut cold);
            assert_eq!((power, cold), (STOR_STATUS_NOT_IMPLEMENTED, FALSE));
            let status = StorPortEtwEvent2(
                extension,
                null_mut(),
                1,
                null_mut(),
                0,
                0,
                0,
                srb,
                null_mut(),
                1,
                null_mut(),
                2,
            );
            assert_eq!(status, STOR_STATUS_SUCCESS);
            physical::HwBuildIo(extension, srb)
        }
    }
    physical_entry!(asks, |data| data.HwBuildIo = Some(build));
    let outcome = physical::run(3, Execution::Seeded(0), 0, 1, |_| {
        with_adapter(Some(asks), physical::slot(&[]), |adapter| {
            assert_eq!(read_once(adapter.disks()[0]), STATUS_SUCCESS);
        });
    });
    assert_completed(&outcome, "system");
}

#[test]
fn a_private_request_goes_to_the_miniport_and_back() {
    unsafe extern "C-unwind" fn build(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
        // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now; the
        // data is mapped and as long as the SRB says.
        unsafe {
            if SrbGetSrbFunction(srb.cast()) as UCHAR != SRB_FUNCTION_IO_CONTROL {
                return physical::HwBuildIo(extension, srb);
            }
            let header = &mut *SrbGetDataBuffer(srb.cast()).cast::<SRB_IO_CONTROL>();
            assert_eq!(SrbGetDataTransferLength(srb.cast()), header.HeaderLength + header.Length);
            assert_eq!(&header.Signature, b"PRIVATE!");
            header.ReturnCode = header.ControlCode + 1;
            SrbSetSrbStatus(srb.cast(), SRB_STATUS_SUCCESS);
            StorPortNotification(RequestComplete, extension, srb);
        }
        FALSE
    }
    physical_entry!(answers, |data| data.HwBuildIo = Some(build));
    for disks in [0, 1] {
        let outcome = physical::run(1, Execution::Seeded(0), 0, disks, |_| {
            with_adapter(Some(answers), physical::slot(&[]), |adapter| {
                let header = size_of::<SRB_IO_CONTROL>() as u32;
                let mut client = Client::new(adapter.device(), 64);
                let mut send = |length: u32, bytes: usize| {
                    let numbers = |n: [u32; 4]| n.map(u32::to_le_bytes).concat();
                    let input = [
                        &header.to_le_bytes()[..],
                        b"PRIVATE!",
                        // Timeout, ControlCode, ReturnCode, Length; and data.
                        &numbers([5, 41, 0, length]),
                        &[0; 36],
                    ];
                    let ended = client.control(IOCTL_SCSI_MINIPORT, &input.concat()[..bytes], bytes);
                    (ended, client.data()[20])
                };
                let whole = (header + 8) as usize;
                assert_eq!(send(8, 64), ((STATUS_SUCCESS, whole), 42));
                assert_eq!(
                    send(8, header as usize),
                    ((STATUS_INVALID_PARAMETER, 0), 0),
                    "longer than the buffer"
                );
                assert_eq!(send(u32::MAX, 64), ((STATUS_INVALID_PARAMETER, 0), 0));
                assert_eq!(send(0, 4), ((STATUS_INVALID_PARAMETER, 0), 0));
            });
        });
        assert_completed(&outcome, &format!("{disks} disks"));
    }
}

#[test]
fn lists_are_changed_in_one_call_and_say_what_was_there() {
    unsafe extern "C-unwind" fn initialize(extension: PVOID) -> BOOLEAN {
        // SAFETY: Storport passes the adapter's live extension; lists and entries are on this thread's stack.
        unsafe {
            let (mut lock, mut head): (STOR_KSPIN_LOCK, LIST_ENTRY) = std::mem::zeroed();
            let mut entries: [LIST_ENTRY; 3] = std::mem::zeroed();
            let [one, two, three] = entries.each_mut().map(std::ptr::from_mut);
            let (head, lock) = (&raw mut head, &raw mut lock);
            assert_eq!(StorPortInitializeSpinlock(extension, lock), STOR_STATUS_SUCCESS);
            assert_eq!(StorPortInitializeListHead(extension, head), STOR_STATUS_SUCCESS);
            let mut was: PLIST_ENTRY = one;
            assert_eq!(StorPortInterlockedInsertTailList(extension, head, one, lock, &raw mut was), 0);
            assert!(was.is_null(), "it was empty");
            assert_eq!(StorPortInterlockedInsertTailList(extension, head, two, lock, &raw mut was), 0);
            assert_eq!(was, one);
            assert_eq!(StorPortInterlockedInsertHeadList(extension, head, three, lock, &raw mut was), 0);
            assert_eq!(was, one);
            for expected in [three, one, two, null_mut()] {
                assert_eq!(StorPortInterlockedRemoveHeadList(extension, head, lock, &raw mut was), 0);
                assert_eq!(was, expected);
            }

            let mut list: SLIST_HEADER = std::mem::zeroed();
            let mut entries: [SLIST_ENTRY; 2] = std::mem::zeroed();
            let [one, two] = entries.each_mut().map(|entry| std::ptr::from_mut(entry).cast());
            let list: PVOID = (&raw mut list).cast();
            let (mut was, mut depth): (PSINGLE_LIST_ENTRY, USHORT) = (null_mut(), 9);
            assert_eq!(StorPortInitializeSListHead(extension, list), STOR_STATUS_SUCCESS);
            assert_eq!(StorPortInterlockedPushEntrySList(extension, list, one, &raw mut was), 0);
            assert!(was.is_null(), "it was empty");
            // Who does not want to know what was there says so.
            assert_eq!(StorPortInterlockedPushEntrySList(extension, list, two, null_mut()), 0);
            assert_eq!(StorPortQueryDepthSList(extension, list, &raw mut depth), STOR_STATUS_SUCCESS);
            assert_eq!(depth, 2);
            assert_eq!(StorPortInterlockedPopEntrySList(extension, list, &raw mut was), 0);
            assert_eq!(was, two);
            assert_eq!(StorPortInterlockedFlushSList(extension, list, &raw mut was), 0);
            assert_eq!(was, one);
            assert_eq!(StorPortQueryDepthSList(extension, list, &raw mut depth), STOR_STATUS_SUCCESS);
            assert_eq!(depth, 0);
            physical::HwInitialize(extension)
        }
    }
    physical_entry!(lists, |data| data.HwInitialize = Some(initialize));
    let outcome = physical::run(1, Execution::Seeded(0), 0, 1, |_| {
        with_adapter(Some(lists), physical::slot(&[]), |adapter| {
            assert_eq!(read_once(adapter.disks()[0]), STATUS_SUCCESS);
        });
    });
    assert_completed(&outcome, "lists");
}
