//! The museum: bugs that drivers of this kind have had, each beside its fix.
//!
//! `r01` is a driver with the bug, `r01-fixed` the same driver as it was repaired; a file has both forms,
//! which differ in as few lines as the repair did. Its page says what the driver does, how it goes wrong
//! step by step, what Windows does then, how it was repaired, what finds it here, and where it was found.
//! `museum` names them all. The code is ours, written from descriptions of the logic; the projects named are
//! where it happened.
//!
//! | pairs | what they share |
//! | --- | --- |
//! | `r02`, `r03`, `r09` to `r11`, `r13` to `r18`, `r20`, `r26`, `r27` | `backend`: a virtual miniport |
//! | `r04` to `r08`, `r12`, `r19`, `r22` to `r25` | `virtio`: the clean `vioscsi`, but for some routines |
//! | `r01`, `r21`, `r28` to `r32` | `wdm`, a disk driver with a queue, a worker and a remove lock |
//!
//! Invariant: **the fixed form is silent**, under every rule and whatever is drawn for it, and the buggy
//! form is found by the row that the table names.

#![expect(
    non_snake_case,
    non_camel_case_types,
    non_upper_case_globals,
    reason = "drivers in the manner of C, under the WDK's names"
)]
#![expect(clippy::upper_case_acronyms, reason = "names of structures, as in C")]
#![expect(clippy::manual_is_multiple_of, reason = "the remainder, as in C")]

mod backend;
mod r01;
mod r02;
mod r03;
mod r04;
mod r05;
mod r06;
mod r07;
mod r08;
mod r09;
mod r10;
mod r11;
mod r12;
mod r13;
mod r14;
mod r15;
mod r16;
mod r17;
mod r18;
mod r19;
mod r20;
mod r21;
mod r22;
mod r23;
mod r24;
mod r25;
mod r26;
mod r27;
mod r28;
mod r29;
mod r30;
mod r31;
mod r32;
mod tags;
mod virtio;
mod wdm;

use crate::VIOSCSI_SOURCES;
use storport_sim::controller::DiskController;
use storport_sim::hba::virtio_scsi::{self, VirtioScsi};
use verifier::driver::{Driver, Expects, Kind, Protocol, Source};

/// The files of the museum, for the lines that reports quote.
const SOURCES: &[Source] = verifier::sources![
    "mod.rs",
    "backend/adapter.rs",
    "backend/command.rs",
    "backend/mod.rs",
    "r01.rs",
    "r02.rs",
    "r03.rs",
    "r04.rs",
    "r05.rs",
    "r06.rs",
    "r07.rs",
    "r08.rs",
    "r09.rs",
    "r10.rs",
    "r11.rs",
    "r12.rs",
    "r13.rs",
    "r14.rs",
    "r15.rs",
    "r16.rs",
    "r17.rs",
    "r18.rs",
    "r19.rs",
    "r20.rs",
    "r21.rs",
    "r22.rs",
    "r23.rs",
    "r24.rs",
    "r25.rs",
    "r26.rs",
    "r27.rs",
    "r28.rs",
    "r29.rs",
    "r30.rs",
    "r31.rs",
    "r32.rs",
    "tags.rs",
    "virtio.rs",
    "wdm/device.rs",
    "wdm/mod.rs",
    "wdm/pnp.rs",
    "wdm/queue.rs",
];

/// Those of the pairs over `vioscsi`, with its files.
const VIRTIO_SOURCES: &[Source] = &{
    let mut all = [SOURCES[0]; SOURCES.len() + VIOSCSI_SOURCES.len()];
    let (museum, vioscsi) = all.split_at_mut(SOURCES.len());
    museum.copy_from_slice(SOURCES);
    vioscsi.copy_from_slice(VIOSCSI_SOURCES);
    all
};

/// A bug: its two forms, and what makes it show.
pub struct Pair {
    /// The driver with the bug.
    pub buggy: Driver,
    /// The driver as it was repaired.
    pub fixed: Driver,
    /// Flags of the command line without which a plain machine does not show it, though a stress that draws
    /// its environments does; empty if none are needed.
    pub with: &'static str,
}

/// The pairs. The row
///
/// ```text
/// wdm r01 = Breaks("SpinLockSafe"), with "", "completes requests under a lock";
/// ```
///
/// becomes the drivers `r01` and `r01-fixed`, of the types `Buggy` and `Fixed` in the file of that name.
/// Before `with` comes what is expected of the buggy one, after it the flags that it needs, which its summary
/// names as well.
macro_rules! museum {
    ($($kind:ident $id:ident = $expects:expr, with $with:tt, $summary:literal;)+) => {
        /// Every pair, in the order of the numbers.
        pub static PAIRS: [Pair; [$(stringify!($id)),+].len()] = {
            use Expects::*;
            [$(Pair {
                buggy: museum!(
                    @driver stringify!($id),
                    museum!(@summary $summary, $with),
                    $expects,
                    museum!(@$kind $id::Buggy)
                ),
                fixed: museum!(
                    @driver concat!(stringify!($id), "-fixed"),
                    concat!("as repaired: ", $summary),
                    Clean,
                    museum!(@$kind $id::Fixed)
                ),
                with: $with,
            }),+]
        };
    };
    (@summary $summary:literal, "") => { $summary };
    (@summary $summary:literal, $with:literal) => { concat!($summary, ": ", $with) };
    (@driver $name:expr, $summary:expr, $expects:expr, $kind:expr) => {
        Driver {
            name: $name,
            aliases: &["museum"],
            summary: $summary,
            expects: $expects,
            cancels: matches!($kind, Kind::Wdm { .. }),
            reads_registry: false,
            kind: $kind,
            image: None,
            sources: if matches!($kind, Kind::Miniport { .. }) { VIRTIO_SOURCES } else { SOURCES },
        }
    };
    (@miniport $form:ty) => {
        Kind::VirtualMiniport { entry: Some(backend::DriverEntry::<$form>) }
    };
    (@virtio $form:ty) => { museum!(@adapter WithMessages, $form) };
    (@line $form:ty) => { museum!(@adapter WithLine, $form) };
    (@early $form:ty) => { museum!(@adapter Early, $form) };
    (@changing $form:ty) => { museum!(@adapter Changing, $form) };
    (@adapter $options:ident, $form:ty) => {
        Kind::Miniport {
            protocol: Protocol::Scsi,
            entry: Some(virtio::DriverEntry::<$form>),
            device: |medium, cpus| Box::new(VirtioScsi::new(medium, virtio::$options(cpus))),
            slot: || virtio_scsi::slot(&virtio::$options(virtio_scsi::REQUEST_QUEUES_MAX as u8)),
        }
    };
    (@wdm $form:ty) => {
        Kind::Wdm {
            entry: Some(wdm::DriverEntry::<$form>),
            device: Some(|store, faults| Box::new(DiskController::new(store).with_faults(faults))),
        }
    };
}

museum! {
    wdm r01 = Breaks("SpinLockSafe"), with "", "completes requests with the lock held that guards the count of pieces";
    miniport r02 = MayBreak("CompleteUnderLock"), with "--event removal --rules CompleteUnderLock", "completes requests under its lock when the backend has died";
    miniport r03 = MayBreak("RequestStatus"), with "", "frees its slot after it has completed the request";
    virtio r04 = MayStop("DRIVER_IRQL_NOT_LESS_OR_EQUAL"), with "--event reset", "takes the locks of other queues than it resets";
    early r05 = MayBreak("StorPortSpinLock"), with "", "takes InterruptLock in its interrupt routine while it has no DPCs";
    virtio r06 = MayBreak("DataRace"), with "", "does not lock a queue, as if its DPC stayed on one processor";
    virtio r07 = MayBreak("DataRace"), with "", "completes requests in its interrupt routine without the lock that starts them";
    line r08 = MayBreak("StorPortIrql"), with "--bs 512..64k", "frees contiguous memory in its interrupt routine";
    miniport r09 = MayStop("DRIVER_VERIFIER_DETECTED_VIOLATION"), with "", "waits in HwStorStartIo until it is resumed";
    miniport r10 = MayStop("DRIVER_IRQL_NOT_LESS_OR_EQUAL"), with "", "copies a name from paged pool at DISPATCH_LEVEL";
    miniport r11 = Breaks("ForDpcOutsideDpc"), with "", "takes a lock by the routine for DPCs where it is in none";
    virtio r12 = MayBreak("StorPortStartIo"), with "", "stalls in HwStorStartIo until a flush comes back";
    miniport r13 = MayStop("SCSI_VERIFIER_DETECTED_VIOLATION"), with "--event reset", "takes the address of a request for its name when a reset has ended it";
    miniport r14 = MayBreak("DataRace"), with "", "writes the number of parts after it has queued the parts";
    miniport r15 = MayBreak("DataIntegrity"), with "--event reset", "completes a request with success of which a part was dropped";
    miniport r16 = MayBreak("LostRequest"), with "", "says that a request was taken for which the ring had no room";
    miniport r17 = MayStop("MULTIPLE_IRP_COMPLETE_REQUESTS"), with "", "completes the newer of two service requests, and keeps it";
    miniport r18 = MayStop("SCSI_VERIFIER_DETECTED_VIOLATION"), with "--event hotplug", "completes requests of a unit that is gone, and leaves them in its list";
    virtio r19 = MayBreak("AdapterStop"), with "--event rebalance", "refuses to stop its adapter";
    miniport r20 = MayStop("DRIVER_IRQL_NOT_LESS_OR_EQUAL"), with "", "lists an object before it is initialised";
    wdm r21 = Stops("UNBALANCED_RELEASE"), with "", "waits for another remove lock than requests hold";
    virtio r22 = MayStop("DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL"), with "", "deletes queues whose DPCs may be running";
    virtio r23 = MayStop("DRIVER_IRQL_NOT_LESS_OR_EQUAL"), with "", "takes the lock of a message that no queue has";
    virtio r24 = MayStop("DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION"), with "", "has a shorter array than it says for the affinities of messages";
    changing r25 = MayBreak("LostRequest"), with "", "forgets that requests came back when the configuration changes";
    miniport r26 = MayStop("DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION"), with "", "lists a unit behind the end of a buffer";
    miniport r27 = MayStop("DRIVER_VERIFIER_DETECTED_VIOLATION"), with "--fault allocation:p=0.5,when=io", "frees an object that is in a list where a creation fails";
    wdm r28 = Stops("MAXIMUM_WAIT_OBJECTS_EXCEEDED"), with "", "waits for four objects without wait blocks";
    wdm r29 = MayStop("DRIVER_VERIFIER_IOMANAGER_VIOLATION"), with "--event removal", "completes requests with their cancel routines set";
    wdm r30 = MayStop("DRIVER_RETURNED_HOLDING_CANCEL_LOCK"), with "--fault allocation:p=0.2,when=io", "keeps the cancel spin lock where it has no memory";
    wdm r31 = MayBreak("LostRequest"), with "", "sets a cancel routine before it stores what that needs";
    wdm r32 = MayStop("DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL"), with "", "takes requests to a private list while they can be cancelled";
}

/// Every driver of the museum, each buggy one followed by its repair.
pub static ALL: [&Driver; 2 * PAIRS.len()] = {
    let mut all = [&PAIRS[0].buggy; 2 * PAIRS.len()];
    let mut n = 0;
    while n < PAIRS.len() {
        all[2 * n] = &PAIRS[n].buggy;
        all[2 * n + 1] = &PAIRS[n].fixed;
        n += 1;
    }
    all
};
