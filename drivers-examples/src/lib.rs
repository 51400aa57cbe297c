//! Drivers to run: clean ones, and ones that break a rule in the smallest way.
//!
//! Each is a module with an entry point and a row here. A driver author's own crate looks the same:
//! descriptors of drivers, and a `main` that hands them to `verifier::cli::main`.

pub mod ahci;
pub mod exhibits;
pub mod filter;
pub mod models;
pub mod museum;
pub mod ramdisk;
pub mod ramdisk_service_irp_under_lock;
pub mod suspects;
pub mod vandals;
pub mod vioscsi;
pub mod wdm_startio;

use storport_sim::controller::DiskController;
use storport_sim::hba::ahci::Ahci;
use storport_sim::hba::virtio_scsi::{self, VirtioScsi};
use verifier::driver::{Driver, Expects, Kind, Protocol, Source};
use verifier::sources;

const WDM_SOURCES: &[Source] = sources![
    "wdm_startio/mod.rs",
    "wdm_startio/complete_under_cancel_lock.rs",
    "wdm_startio/complete_under_lock.rs",
    "wdm_startio/ddi.rs",
    "wdm_startio/device.rs",
    "wdm_startio/dispatch.rs",
    "wdm_startio/driver.rs",
    "wdm_startio/held.rs",
    "wdm_startio/interrupt.rs",
    "wdm_startio/next_under_lock.rs",
    "wdm_startio/pnp.rs",
    "wdm_startio/power.rs",
    "wdm_startio/rare.rs",
    "wdm_startio/start_io.rs",
];

const RAMDISK_SOURCES: &[Source] = sources![
    "ramdisk/mod.rs",
    "ramdisk/outstanding.rs",
    "ramdisk/partner.rs",
    "ramdisk/service.rs",
    "ramdisk/statistics.rs",
    "ramdisk/workers.rs",
    "ramdisk_service_irp_under_lock.rs",
];

const AHCI_SOURCES: &[Source] = sources![
    "ahci/mod.rs",
    "ahci/adapter.rs",
    "ahci/ata.rs",
    "ahci/channel.rs",
    "ahci/control.rs",
    "ahci/ddi.rs",
    "ahci/device.rs",
    "ahci/find.rs",
    "ahci/interrupt.rs",
    "ahci/issue.rs",
    "ahci/own_command.rs",
    "ahci/recover.rs",
    "ahci/registers.rs",
    "ahci/sense.rs",
    "ahci/start.rs",
    "ahci/translate/ask.rs",
    "ahci/translate/block.rs",
    "ahci/translate/code.rs",
    "ahci/translate/inquiry.rs",
    "ahci/translate/mod.rs",
    "ahci/translate/parameters.rs",
];

const VIOSCSI_SOURCES: &[Source] = sources![
    "vioscsi/mod.rs",
    "vioscsi/bring_up.rs",
    "vioscsi/chain.rs",
    "vioscsi/complete.rs",
    "vioscsi/control.rs",
    "vioscsi/ddi.rs",
    "vioscsi/events.rs",
    "vioscsi/extension.rs",
    "vioscsi/find.rs",
    "vioscsi/initialize.rs",
    "vioscsi/interrupt.rs",
    "vioscsi/request.rs",
    "vioscsi/reset.rs",
    "vioscsi/ring.rs",
    "vioscsi/ring_lock.rs",
    "vioscsi/transport.rs",
    "vioscsi/virtio.rs",
    "vioscsi/virtio_scsi.rs",
];

const FILTER_SOURCES: &[Source] = sources!["filter/mod.rs"];

const MODEL_SOURCES: &[Source] = sources![
    "models/mod.rs",
    "models/bell.rs",
    "models/cancel_race.rs",
    "models/critical_sections.rs",
    "models/deadlocks_on_itself.rs",
    "models/isr_dpc.rs",
    "models/isr_never_returns.rs",
    "models/lock_order.rs",
    "models/panics.rs",
    "models/spins_on_register.rs",
    "models/test_and_set.rs",
    "models/timer_remove.rs",
];

const VANDAL_SOURCES: &[Source] = sources![
    "vandals/mod.rs",
    "vandals/allocates.rs",
    "vandals/descriptors.rs",
    "vandals/divide_by_zero.rs",
    "vandals/dpc_of_freed_memory.rs",
    "vandals/execute_data.rs",
    "vandals/global.rs",
    "vandals/host_mutex.rs",
    "vandals/illegal_instruction.rs",
    "vandals/irql_left_raised.rs",
    "vandals/lock_freed_held.rs",
    "vandals/lock_never_initialised.rs",
    "vandals/memory.rs",
    "vandals/null_read.rs",
    "vandals/panic_in_drop.rs",
    "vandals/shared_queue_handle.rs",
    "vandals/shared_wait_blocks.rs",
    "vandals/spin.rs",
    "vandals/stack_overflow.rs",
    "vandals/stall.rs",
    "vandals/timer_initialised_armed.rs",
    "vandals/wild_write.rs",
];

const RULE: &str = "SpinLockSafe";

/// A form of the WDM driver over the disk controller.
macro_rules! wdm {
    ($entry:path) => {
        Kind::Wdm {
            entry: Some($entry),
            device: Some(|store, faults| Box::new(DiskController::new(store).with_faults(faults))),
        }
    };
}

/// The clean WDM driver.
pub static WDM_STARTIO: Driver = Driver {
    name: "wdm-startio",
    aliases: &[],
    summary: "a clean WDM disk driver: StartIo, ISR, DpcForIsr, cancel, cleanup",
    expects: Expects::Clean,
    kind: wdm!(wdm_startio::driver_entry),
    cancels: true,
    reads_registry: false,
    image: None,
    sources: WDM_SOURCES,
};

/// Completes every request with its spin lock held.
pub static WDM_STARTIO_COMPLETE_UNDER_LOCK: Driver = Driver {
    name: "wdm-startio-complete-under-lock",
    aliases: &[],
    summary: "calls IoCompleteRequest with its spin lock held",
    expects: Expects::Breaks(RULE),
    kind: wdm!(wdm_startio::complete_under_lock::driver_entry),
    cancels: true,
    reads_registry: false,
    image: None,
    sources: WDM_SOURCES,
};

/// Starts every next request with its spin lock held.
pub static WDM_STARTIO_NEXT_UNDER_LOCK: Driver = Driver {
    name: "wdm-startio-next-under-lock",
    aliases: &[],
    summary: "calls IoStartNextPacket with its spin lock held",
    expects: Expects::Breaks(RULE),
    kind: wdm!(wdm_startio::next_under_lock::driver_entry),
    cancels: true,
    reads_registry: false,
    image: None,
    sources: WDM_SOURCES,
};

/// Completes with the cancel spin lock held.
pub static WDM_STARTIO_COMPLETE_UNDER_CANCEL_LOCK: Driver = Driver {
    name: "wdm-startio-complete-under-cancel-lock",
    aliases: &[],
    summary: "calls IoCompleteRequest with the cancel spin lock held",
    expects: Expects::Breaks(RULE),
    kind: wdm!(wdm_startio::complete_under_cancel_lock::driver_entry),
    cancels: true,
    reads_registry: false,
    image: None,
    sources: WDM_SOURCES,
};

/// Breaks the rule under few schedules only.
pub static WDM_STARTIO_RARE: Driver = Driver {
    name: "wdm-startio-rare",
    aliases: &[],
    summary: "calls IoCompleteRequest with its spin lock held, if an interrupt lands between two statements",
    expects: Expects::MayBreak(RULE),
    kind: wdm!(wdm_startio::rare::driver_entry),
    cancels: true,
    reads_registry: false,
    image: None,
    sources: WDM_SOURCES,
};

/// The clean filter driver.
pub static FILTER: Driver = Driver {
    name: "filter",
    aliases: &[],
    summary: "a clean filter driver above a disk that its bus driver serves",
    expects: Expects::Clean,
    kind: Kind::Wdm { entry: Some(filter::driver_entry), device: None },
    cancels: false,
    reads_registry: false,
    image: None,
    sources: FILTER_SOURCES,
};

/// The clean virtual miniport.
pub static RAMDISK: Driver = Driver {
    name: "ramdisk",
    aliases: &[],
    summary: "a clean Storport virtual miniport over memory or an image",
    expects: Expects::Clean,
    kind: Kind::VirtualMiniport { entry: Some(ramdisk::driver_entry) },
    cancels: false,
    reads_registry: true,
    image: None,
    sources: RAMDISK_SOURCES,
};

/// Completes a service IRP with its spin lock held.
pub static RAMDISK_SERVICE_IRP_UNDER_LOCK: Driver = Driver {
    name: "ramdisk-service-irp-under-lock",
    aliases: &[],
    summary: "completes a service IRP by IoCompleteRequest with its spin lock held",
    expects: Expects::Breaks(RULE),
    kind: Kind::VirtualMiniport { entry: Some(ramdisk_service_irp_under_lock::driver_entry) },
    cancels: false,
    reads_registry: true,
    image: None,
    sources: RAMDISK_SOURCES,
};

/// The clean miniport of an AHCI host adapter: four ports, a disk behind the first, one interrupt message.
pub static AHCI: Driver = Driver {
    name: "ahci",
    aliases: &[],
    summary: "a clean Storport miniport of an AHCI host adapter, after storahci",
    expects: Expects::Clean,
    kind: Kind::Miniport {
        protocol: Protocol::Ata,
        entry: Some(ahci::driver_entry),
        device: |medium, _| Box::new(Ahci::new(medium, 4).with_message()),
        slot: Ahci::slot,
    },
    cancels: false,
    reads_registry: true,
    image: None,
    sources: AHCI_SOURCES,
};

/// The clean miniport of a virtio SCSI adapter.
pub static VIOSCSI: Driver = Driver {
    name: "vioscsi",
    aliases: &[],
    summary: "a clean Storport miniport of virtio SCSI adapters: a ring per processor, MSI-X, DPCs",
    expects: Expects::Clean,
    kind: Kind::Miniport {
        protocol: Protocol::Scsi,
        entry: Some(vioscsi::driver_entry),
        device: |medium, cpus| Box::new(VirtioScsi::new(medium, virtio_scsi::Options::for_processors(cpus))),
        slot: || {
            virtio_scsi::slot(&virtio_scsi::Options::for_processors(virtio_scsi::REQUEST_QUEUES_MAX as u8))
        },
    },
    cancels: false,
    reads_registry: false,
    image: None,
    sources: VIOSCSI_SOURCES,
};

/// The drivers and models of this crate, in the order of `storsim list`.
static DRIVERS: &[&Driver] = &[
    &WDM_STARTIO,
    &WDM_STARTIO_COMPLETE_UNDER_LOCK,
    &WDM_STARTIO_NEXT_UNDER_LOCK,
    &WDM_STARTIO_COMPLETE_UNDER_CANCEL_LOCK,
    &WDM_STARTIO_RARE,
    &FILTER,
    &RAMDISK,
    &RAMDISK_SERVICE_IRP_UNDER_LOCK,
    &VIOSCSI,
    &AHCI,
    &models::ONE_LOCK_2X3,
    &models::ONE_LOCK_3X2,
    &models::ONE_LOCK_2X6,
    &models::ONE_LOCK_3X3,
    &models::TEST_AND_SET,
    &models::ONE_LOCK_4X200,
    &models::LOCK_EACH_4X200,
    &models::LOCK_ORDER,
    &models::LOCK_ORDER_KEPT,
    &models::CANCEL_RACE,
    &models::CANCEL_RACE_LOCKED,
    &models::LOCK_ORDER_BURIED,
    &models::LOCK_ORDER_BURIED_KEPT,
    &models::LOCK_ORDER_SKEWED,
    &models::LOCK_ORDER_SKEWED_KEPT,
    &models::ISR_DPC_RACE,
    &models::ISR_DPC_SYNCHRONIZED,
    &models::TIMER_REMOVE_RACE,
    &models::TIMER_REMOVE_FLUSHED,
    &models::SPINS_ON_REGISTER,
    &models::DEADLOCKS_ON_ITSELF,
    &models::ISR_NEVER_RETURNS,
    &models::PANICS,
];

/// Everything that `storsim` runs: the drivers and models, the museum, the suspects, the vandals, then the
/// exhibits.
pub static ALL: &[&Driver] = &{
    let parts: [&[&Driver]; 5] = [DRIVERS, &museum::ALL, &suspects::ALL, vandals::ALL, &exhibits::ALL];
    const OTHERS: usize = suspects::ALL.len() + vandals::ALL.len() + exhibits::ALL.len();
    let mut all = [DRIVERS[0]; DRIVERS.len() + museum::ALL.len() + OTHERS];
    let (mut part, mut at) = (0, 0);
    while part < parts.len() {
        let (_, rest) = all.split_at_mut(at);
        let (room, _) = rest.split_at_mut(parts[part].len());
        room.copy_from_slice(parts[part]);
        at += parts[part].len();
        part += 1;
    }
    all
};
