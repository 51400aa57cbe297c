//! Drivers that are right as long as the world is: what a hostile device or a timer at the wrong time does to
//! them.
//!
//! `suspect-ids` trusts the device that it drives, `suspect-ids-near-miss` looks first. A file has both
//! forms, which differ in as few lines as that takes; its page says what goes wrong and what finds it.
//! `suspects` names them all. They are not of Windows' rules, as exhibits are, and no driver that we know of
//! had just these bugs, as those of the museum did.
//!
//! | pairs | what they are |
//! | --- | --- |
//! | `suspect-ids`, `suspect-sense` | the clean `vioscsi`, but for the DPC of its rings |
//! | `suspect-ports` | the clean `ahci`, but for its interrupt routine |
//! | `suspect-timer` | a virtual miniport that completes requests in batches |
//! | `suspect-units`, `suspect-unit-power` | a virtual miniport that hears of its units |
//! | `suspect-power`, `suspect-unit-start` | a virtual miniport that hears of units by SRBs |
//! | `suspect-registry` | a virtual miniport that keeps a number in the registry |
//! | `suspect-filter-pending`, `suspect-filter-frees` | the clean `filter`, but for a completion routine |
//! | `suspect-handle` | a filter with data of its own for each handle |
//! | `suspect-cleanup`, `-lost`, `-write` | the clean `wdm-startio`, but for IRP_MJ_CLEANUP |
//!
//! Invariant: **the near miss is silent** under every rule that is on, also with `--fault hostile`.

#![expect(
    non_snake_case,
    non_upper_case_globals,
    reason = "drivers in the manner of C, under the WDK's names"
)]

mod cleanup;
mod filter;
mod handle;
mod ids;
mod miniport;
mod ports;
mod power;
mod registry;
mod sense;
mod timer;
mod units;
mod virtio;

use crate::{AHCI, AHCI_SOURCES, FILTER_SOURCES, VIOSCSI, VIOSCSI_SOURCES, WDM_SOURCES};
use storport_sim::controller::DiskController;
use verifier::driver::{Driver, Expects, Kind, Source};

/// The files of the suspects, for the lines that reports quote.
const SOURCES: &[Source] = verifier::sources![
    "mod.rs",
    "cleanup.rs",
    "filter.rs",
    "handle.rs",
    "ids.rs",
    "miniport.rs",
    "ports.rs",
    "power.rs",
    "registry.rs",
    "sense.rs",
    "timer.rs",
    "units.rs",
    "virtio.rs"
];

/// Those and the files of the driver that some are made of.
const fn with<const N: usize>(others: &[Source]) -> [Source; N] {
    let mut all = [SOURCES[0]; N];
    let (own, rest) = all.split_at_mut(SOURCES.len());
    own.copy_from_slice(SOURCES);
    rest.copy_from_slice(others);
    all
}

const OVER_VIOSCSI: &[Source] = &with::<{ SOURCES.len() + VIOSCSI_SOURCES.len() }>(VIOSCSI_SOURCES);
const OVER_AHCI: &[Source] = &with::<{ SOURCES.len() + AHCI_SOURCES.len() }>(AHCI_SOURCES);

const OVER_WDM_STARTIO: &[Source] = &with::<{ SOURCES.len() + WDM_SOURCES.len() }>(WDM_SOURCES);

const OVER_FILTER: &[Source] = &with::<{ SOURCES.len() + FILTER_SOURCES.len() }>(FILTER_SOURCES);

/// A driver, and the flags of the command line without which its mistake does not show; empty if none are
/// needed.
pub struct Suspect {
    /// The driver.
    pub driver: Driver,
    /// The flags.
    pub with: &'static str,
}

/// The suspects: names of both forms, what is expected of the first, what it needs, its routine and the
/// other's.
macro_rules! suspects {
    ($($kind:ident $name:literal = $expects:expr, with $with:literal, $buggy:path, $fixed:path, $summary:literal;)+) => {
        /// Every suspect, each before its near miss.
        pub static SUSPECTS: [Suspect; 2 * [$($name),+].len()] = {
            use Expects::*;
            [$(
                Suspect { driver: suspects!(@driver $kind $name, $summary, $expects, $buggy), with: $with },
                Suspect {
                    driver: suspects!(
                        @driver $kind concat!($name, "-near-miss"),
                        concat!("with care: ", $summary), Clean, $fixed
                    ),
                    with: $with,
                },
            )+]
        };
    };
    (@driver $kind:ident $name:expr, $summary:expr, $expects:expr, $entry:path) => {
        Driver {
            name: $name,
            aliases: &["suspects"],
            summary: $summary,
            expects: $expects,
            kind: suspects!(@kind $kind $entry),
            cancels: matches!(suspects!(@kind $kind $entry), Kind::Wdm { device: Some(_), .. }),
            reads_registry: suspects!(@reads_registry $kind),
            image: None,
            sources: suspects!(@sources $kind),
        }
    };
    (@kind virtual_miniport $entry:path) => { Kind::VirtualMiniport { entry: Some($entry) } };
    (@kind over_vioscsi $entry:path) => { of(&VIOSCSI, Some($entry)) };
    (@kind over_ahci $entry:path) => { of(&AHCI, Some($entry)) };
    (@kind over_filter $entry:path) => { Kind::Wdm { entry: Some($entry), device: None } };
    (@kind over_wdm_startio $entry:path) => {
        Kind::Wdm {
            entry: Some($entry),
            device: Some(|store, faults| Box::new(DiskController::new(store).with_faults(faults))),
        }
    };
    (@kind with_registry $entry:path) => { suspects!(@kind virtual_miniport $entry) };
    (@reads_registry with_registry) => { true };
    (@reads_registry over_ahci) => { AHCI.reads_registry };
    (@reads_registry $other:ident) => { false };
    (@sources with_registry) => { SOURCES };
    (@sources over_filter) => { OVER_FILTER };
    (@sources over_wdm_startio) => { OVER_WDM_STARTIO };
    (@sources virtual_miniport) => { SOURCES };
    (@sources over_vioscsi) => { OVER_VIOSCSI };
    (@sources over_ahci) => { OVER_AHCI };
}

/// A miniport with the hardware of another.
const fn of(other: &'static Driver, entry: kernel_sim::ddi::PDRIVER_INITIALIZE) -> Kind {
    match other.kind {
        Kind::Miniport { protocol, device, slot, .. } => Kind::Miniport { protocol, entry, device, slot },
        _ => panic!("one with hardware is asked for"),
    }
}

suspects! {
    over_vioscsi "suspect-ids" = MayStop("DRIVER_IRQL_NOT_LESS_OR_EQUAL"), with "--fault hostile", ids::TrustingEntry, ids::CarefulEntry, "looks requests up by the identifier that the device gives back: --fault hostile";
    over_vioscsi "suspect-sense" = MayStop("DRIVER_PAGE_FAULT_BEYOND_END_OF_ALLOCATION"), with "--fault hostile --memory guarded", sense::TrustingEntry, sense::CarefulEntry, "copies as much sense data as the device says, of which the request has room for less: --fault hostile --memory guarded";
    over_ahci "suspect-ports" = MayStop("SCSI_VERIFIER_DETECTED_VIOLATION"), with "--fault hostile", ports::TrustingEntry, ports::CarefulEntry, "serves every port that the adapter says has interrupted: --fault hostile";
    virtual_miniport "suspect-timer" = MayBreak("DataRace"), with "", timer::TrustingEntry, timer::CarefulEntry, "takes its list of finished requests without the lock in a timer";
    virtual_miniport "suspect-units" = MayStop("DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL"), with "--event hotplug --memory guarded", units::RemembersEntry, units::CarefulEntry, "keeps the extension of a unit that is removed: --event hotplug --memory guarded";
    virtual_miniport "suspect-unit-power" = MayBreak("IrqlKeApcLte1"), with "--event units", units::WaitsEntry, units::CarefulEntry, "waits when a unit is put to sleep: --event units";
    virtual_miniport "suspect-power" = MayBreak("RequestStatus"), with "--event units --luns 2", power::ForgetsFlagEntry, power::CarefulEntry, "takes the power of one unit for the adapter's: --event units --luns 2";
    virtual_miniport "suspect-unit-start" = MayBreak("IrqlKeApcLte1"), with "--event units", power::WaitsEntry, power::CarefulEntry, "waits when a unit is started: --event units";
    with_registry "suspect-registry" = MayStop("KMODE_EXCEPTION_NOT_HANDLED"), with "--fault registry", registry::TrustingEntry, registry::CarefulEntry, "divides by what it reads from the registry: --fault registry";
    over_wdm_startio "suspect-cleanup" = MayBreak("RequestStatus"), with "", cleanup::CancelsAllEntry, crate::wdm_startio::driver_entry, "cancels the requests of all when one gives its handle up";
    over_wdm_startio "suspect-cleanup-lost" = MayBreak("LostRequest"), with "", cleanup::LosesEntry, crate::wdm_startio::driver_entry, "takes requests off its queue when their handle is given up, and completes none";
    over_wdm_startio "suspect-cleanup-write" = MayBreak("LostRequest"), with "", cleanup::LosesWritesEntry, cleanup::CompletesWritesEntry, "cancels the reads of a handle that is given up, and keeps its writes for ever";
    over_filter "suspect-handle" = MayStop("DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL"), with "", handle::AtCleanupEntry, handle::AtCloseEntry, "frees what it keeps of a handle when that is given up, with requests under way";
    over_filter "suspect-filter-pending" = MayStop("DRIVER_VERIFIER_IOMANAGER_VIOLATION"), with "", crate::filter::DriverEntry::<filter::ForgetsPending>, crate::filter::driver_entry, "does not pass on that a read was pended below";
    over_filter "suspect-filter-frees" = MayStop("DRIVER_PAGE_FAULT_IN_FREED_SPECIAL_POOL"), with "", crate::filter::DriverEntry::<filter::ForgetsToKeep>, crate::filter::driver_entry, "lets the I/O manager go on with an IRP of its own that it has freed";
}

/// The drivers, in that order.
pub static ALL: [&Driver; SUSPECTS.len()] = {
    let mut all = [&SUSPECTS[0].driver; SUSPECTS.len()];
    let mut n = 0;
    while n < all.len() {
        all[n] = &SUSPECTS[n].driver;
        n += 1;
    }
    all
};
