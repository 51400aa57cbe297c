//! What the device may reach, and what stops a driver that asks for more.

use crate::physical_entry;
use crate::rig::physical::{self, Extension, with_adapter};
use crate::rig::{assert_completed, read_once, stopped};
use kernel_sim::bugcheck::{DRIVER_VERIFIER_DMA_VIOLATION, Ending, SCSI_VERIFIER_DETECTED_VIOLATION};
use kernel_sim::ddi::*;
use kernel_sim::machine::{Execution, Machine};
use std::ptr::null_mut;
use storport_sim::Adapter;
use storport_sim::client::{Client, sleep_us};
use storport_sim::ddi::*;

/// Gives every SRB back before the device has it.
unsafe extern "C-unwind" fn start_and_complete(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe {
        let is_read = *SrbGetCdb(srb.cast()) == 0x28;
        physical::HwStartIo(extension, srb);
        if is_read {
            let e = extension.cast::<Extension>();
            for slot in &(*e).outstanding {
                slot.store(null_mut(), std::sync::atomic::Ordering::SeqCst);
            }
            SrbSetSrbStatus(srb.cast(), SRB_STATUS_SUCCESS);
            StorPortNotification(RequestComplete, extension, srb);
        }
    }
    TRUE
}
physical_entry!(completes_early, |data| data.HwStartIo = Some(start_and_complete));

#[test]
fn a_device_that_still_writes_after_requestcomplete_is_caught() {
    let outcome = physical::run(1, Execution::Seeded(2), 0, 1, |_| {
        let machine = Machine::current().unwrap();
        let driver = machine.load_driver(Some(completes_early)).unwrap();
        let adapter = Adapter::start_device(driver, physical::slot(&[])).unwrap();
        read_once(adapter.disks()[0]);
        loop {
            sleep_us(1000);
        }
    });
    assert_eq!(stopped(&outcome), (DRIVER_VERIFIER_DMA_VIOLATION.code, 0x26));
    let Ending::BugCheck(check) = &outcome.ending else { unreachable!("it is one") };
    assert!(
        check.what.contains("of the SRB extension of SRB") && check.what.ends_with("which is complete"),
        "{}",
        check.what
    );
    assert_eq!(check.now.device, Some("test adapter"));
    let [out, back] = &check.earlier[..] else { panic!("handed out and completed: {:?}", check.earlier) };
    assert!(out.step < back.step && back.step < check.now.step);
    assert_eq!(back.call.map(|ddi| ddi.name), Some("StorPortNotification"));
}

#[test]
fn a_list_has_an_element_per_page() {
    unsafe extern "C-unwind" fn build(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
        // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
        unsafe {
            let length = SrbGetDataTransferLength(srb.cast());
            let list = StorPortGetScatterGatherList(extension, srb);
            assert_eq!(list.is_null(), length == 0);
            if !list.is_null() {
                let elements = std::slice::from_raw_parts(
                    (&raw const (*list).List).cast::<STOR_SCATTER_GATHER_ELEMENT>(),
                    (*list).NumberOfElements as usize,
                );
                assert_eq!(elements.iter().map(|e| e.Length).sum::<u32>(), length);
                let pages = |e: &STOR_SCATTER_GATHER_ELEMENT| {
                    let start = e.PhysicalAddress.QuadPart() as u64;
                    (start / 4096, (start + u64::from(e.Length) - 1) / 4096)
                };
                assert!(elements.iter().all(|e| pages(e).0 == pages(e).1), "an element crosses a page");
                assert!(elements.windows(2).all(|w| pages(&w[0]).1 + 1 == pages(&w[1]).0));
            }
            physical::HwBuildIo(extension, srb)
        }
    }
    physical_entry!(looks, |data| data.HwBuildIo = Some(build));
    let outcome = physical::run(1, Execution::Seeded(0), 0, 1, |_| {
        with_adapter(Some(looks), physical::slot(&[]), |adapter| {
            let mut client = Client::new(adapter.disks()[0], 40 << 10);
            for length in [512, 4096, 8192, 40 << 10] {
                assert_eq!(client.read(0, length), (STATUS_SUCCESS, length));
            }
        });
    });
    assert_completed(&outcome, "pages");
}

/// One read through a miniport whose HwStorStartIo does something first; the stop it ends in.
fn stop_of(entry: PDRIVER_INITIALIZE) -> (u32, u64) {
    stopped(&physical::run(1, Execution::Seeded(0), 0, 1, move |_| {
        with_adapter(entry, physical::slot(&[]), |_| {});
    }))
}

macro_rules! start_io_that {
    ($name:ident, $entry:ident, $body:expr) => {
        unsafe extern "C-unwind" fn $name(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
            // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now;
            // what is done with them is the mistake under test.
            unsafe {
                let body: unsafe fn(PVOID, PSCSI_REQUEST_BLOCK) = $body;
                body(extension, srb);
                physical::HwStartIo(extension, srb)
            }
        }
        physical_entry!($entry, |data| data.HwStartIo = Some($name));
    };
}

start_io_that!(translate_the_stack, translates_its_stack, |extension, _| {
    let mut local = 0;
    StorPortGetPhysicalAddress(extension, null_mut(), (&raw mut local).cast(), &raw mut local);
});
start_io_that!(read_past_the_window, reads_past_the_window, |extension, _| {
    StorPortReadRegisterUlong(extension, physical::register_at(extension.cast(), 64 << 10));
});
start_io_that!(map_too_much, maps_too_much, |extension, _| {
    let address = LARGE_INTEGER::new(0x1000);
    StorPortGetDeviceBase(extension, PCIBus, 2, address, 4096, FALSE);
});
start_io_that!(allocate_uncached, allocates_uncached_late, |extension, _| {
    let mut config: PORT_CONFIGURATION_INFORMATION = std::mem::zeroed();
    config.Master = TRUE;
    StorPortGetUncachedExtension(extension, &raw mut config, 4096);
});

#[test]
fn what_storport_verification_stops_is_stopped() {
    let storport = SCSI_VERIFIER_DETECTED_VIOLATION.code;
    assert_eq!(stop_of(Some(translates_its_stack)), (storport, 0x1006));
    assert_eq!(stop_of(Some(allocates_uncached_late)), (storport, 0x2002));
    assert_eq!(stop_of(Some(maps_too_much)), (storport, 0x2003));
    assert_eq!(stop_of(Some(reads_past_the_window)), (storport, 0x2005));
}

start_io_that!(ask_for_the_port, asks_for_the_port, |extension, _| {
    let mut number = 0;
    StorPortGetSystemPortNumber(extension, null_mut(), &raw mut number);
});

#[test]
fn a_routine_that_is_not_here_names_itself_and_its_caller() {
    let outcome = physical::run(1, Execution::Seeded(0), 0, 1, |_| {
        with_adapter(Some(asks_for_the_port), physical::slot(&[]), |_| {});
    });
    let Ending::Limit(limit) = &outcome.ending else { panic!("{:?}", outcome.ending) };
    let (what, now) = (&limit.what, &limit.now);
    assert!(what.starts_with("StorPortGetSystemPortNumber, called from HwStorStartIo at "), "{what}");
    assert_eq!(now.routine(), Some("StorPortGetSystemPortNumber"));
    let site = now.site.unwrap();
    assert!(site.file().ends_with("physical/dma.rs") && what.ends_with(&site.to_string()), "{what}");
}

#[test]
fn addresses_go_round() {
    unsafe extern "C-unwind" fn initialize(extension: PVOID) -> BOOLEAN {
        // SAFETY: Storport passes the adapter's live extension; outputs are on this thread's stack.
        unsafe {
            let e = extension.cast::<Extension>();
            let mut length = 0;
            let scratch: PVOID = (*e).scratch.cast();
            let physical =
                StorPortGetPhysicalAddress(extension, null_mut(), scratch.byte_add(16), &raw mut length);
            assert_eq!(length, 240);
            assert_eq!(StorPortGetVirtualAddress(extension, physical), scratch.byte_add(16));
            // The device extension too: real miniports point devices at it.
            StorPortGetPhysicalAddress(extension, null_mut(), extension, &raw mut length);
            assert_eq!(length as usize, size_of::<Extension>());
            let nowhere = LARGE_INTEGER::new(0x42);
            assert!(StorPortGetVirtualAddress(extension, nowhere).is_null());
            physical::HwInitialize(extension)
        }
    }
    physical_entry!(translates, |data| data.HwInitialize = Some(initialize));
    let outcome = physical::run(1, Execution::Seeded(0), 0, 1, |_| {
        with_adapter(Some(translates), physical::slot(&[]), |_| {});
    });
    assert_completed(&outcome, "addresses");
}

#[test]
fn a_private_list_is_within_reach_until_it_is_put_back() {
    unsafe extern "C-unwind" fn use_list(
        _device: *mut PVOID,
        _irp: *mut PVOID,
        list: PSTOR_SCATTER_GATHER_LIST,
        context: PVOID,
    ) {
        // SAFETY: Storport passes the adapter's live extension and an IRP that this miniport has now; the
        // context counts.
        unsafe {
            assert_eq!((*list).NumberOfElements, 2);
            *context.cast::<u32>() += 1;
        }
    }
    unsafe extern "C-unwind" fn build(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
        // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now;
        // everything else is on this thread's stack or pool.
        unsafe {
            let (mut memory, mut calls, mut list) = (null_mut(), 0u32, [0u64; 32]);
            assert_eq!(StorPortAllocatePool(extension, 8192, 7, &raw mut memory), STOR_STATUS_SUCCESS);
            let bytes = size_of_val(&list) as u32;
            let mut build = |room| {
                StorPortBuildScatterGatherList(
                    extension,
                    null_mut(),
                    memory,
                    8192,
                    Some(use_list),
                    (&raw mut calls).cast(),
                    TRUE,
                    list.as_mut_ptr().cast(),
                    room,
                )
            };
            assert_eq!(build(16), STOR_STATUS_BUFFER_TOO_SMALL);
            assert_eq!(build(bytes), STOR_STATUS_SUCCESS);
            assert_eq!(calls, 1);
            let put = StorPortPutScatterGatherList(extension, list.as_mut_ptr().cast(), TRUE);
            assert_eq!(put, STOR_STATUS_SUCCESS);
            assert_eq!(StorPortFreePool(extension, memory), STOR_STATUS_SUCCESS);
            physical::HwBuildIo(extension, srb)
        }
    }
    physical_entry!(builds, |data| data.HwBuildIo = Some(build));
    let outcome = physical::run(2, Execution::Seeded(0), 0, 1, |_| {
        with_adapter(Some(builds), physical::slot(&[]), |adapter| {
            assert_eq!(read_once(adapter.disks()[0]), STATUS_SUCCESS);
        });
    });
    assert_completed(&outcome, "lists");
}

#[test]
fn memory_for_dma_has_an_address_the_device_can_use() {
    unsafe extern "C-unwind" fn initialize(extension: PVOID) -> BOOLEAN {
        // SAFETY: Storport passes the adapter's live extension; outputs are on this thread's stack.
        unsafe {
            assert_eq!(physical::HwInitialize(extension), TRUE);
            let enabled = StorPortEnablePassiveInitialization(extension, Some(passive));
            assert_eq!(enabled, TRUE);
        }
        TRUE
    }
    unsafe extern "C-unwind" fn passive(extension: PVOID) -> BOOLEAN {
        // SAFETY: Storport passes the adapter's live extension; outputs are on this thread's stack.
        unsafe {
            let (low, high) = (LARGE_INTEGER::new(0), LARGE_INTEGER::new(-1));
            let (mut memory, mut address, mut length) = (null_mut(), LARGE_INTEGER::new(0), 0);
            let status = StorPortAllocateDmaMemory(
                extension,
                5000,
                low,
                high,
                low,
                MmNonCached,
                0,
                &raw mut memory,
                &raw mut address,
            );
            assert_eq!(status, STOR_STATUS_SUCCESS);
            let found = StorPortGetPhysicalAddress(extension, null_mut(), memory, &raw mut length);
            assert_eq!((found.QuadPart(), length), (address.QuadPart(), 8192));
            assert_eq!(
                StorPortFreeDmaMemory(extension, memory, 5000, MmNonCached, address),
                STOR_STATUS_SUCCESS
            );
            let status = StorPortAllocateContiguousMemorySpecifyCacheNode(
                extension,
                100,
                high,
                low,
                low,
                MmCached,
                0,
                &raw mut memory,
            );
            assert_eq!((status, memory), (STOR_STATUS_INVALID_PARAMETER, null_mut()));
            let status = StorPortAllocateContiguousMemorySpecifyCacheNode(
                extension,
                100,
                low,
                high,
                low,
                MmCached,
                0,
                &raw mut memory,
            );
            assert_eq!(status, STOR_STATUS_SUCCESS);
            let status = StorPortFreeContiguousMemorySpecifyCache(extension, memory, 100, MmCached);
            assert_eq!(status, STOR_STATUS_SUCCESS);
        }
        TRUE
    }
    physical_entry!(allocates, |data| data.HwInitialize = Some(initialize));
    let outcome = physical::run(1, Execution::Seeded(0), 0, 1, |_| {
        with_adapter(Some(allocates), physical::slot(&[]), |_| {});
    });
    assert_completed(&outcome, "memory");
}
