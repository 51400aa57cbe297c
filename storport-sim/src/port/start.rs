//! An adapter as a test rig drives it: start, use, stop and restart, remove, pull out.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter::AdapterState;
use super::complete::CompleteWhere;
use super::hardware::Hardware;
use super::log::LogEntry;
use super::pci_slot::{Parameter, PciSlot};
use super::{Port, machine};
use crate::callbacks::STORPORT;
use crate::class::{DiskStatistics, Disks};
use crate::ddi::{
    SRB_STATUS_SUCCESS, ScsiAdapterSurpriseRemoval, StorRemoveDevice, StorSurpriseRemoval, srb_status_name,
};
use crate::wait::wait_while;
use kernel_sim::ddi::{PDEVICE_OBJECT, PDRIVER_OBJECT, as_system};
use kernel_sim::processor::Processor;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use thiserror::Error;

/// Why an adapter did not start.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum StartError {
    /// The driver never called StorPortInitialize.
    #[error("the driver is no miniport: it did not call StorPortInitialize")]
    NotAMiniport,
    /// HwStorFindAdapter returned this instead of SP_RETURN_FOUND.
    #[error("HwStorFindAdapter returned {0}, not SP_RETURN_FOUND")]
    NotFound(u32),
    /// A virtual miniport's HwStorFindAdapter left `VirtualDevice` FALSE.
    #[error("the miniport did not set VirtualDevice, and its interface type is Internal")]
    NotVirtual,
    /// A physical miniport's HwStorFindAdapter set `VirtualDevice`.
    #[error("the miniport set VirtualDevice, and its interface type is that of a bus")]
    NotPhysical,
    /// A physical miniport was started without a device, or a virtual one with a device.
    #[error("the miniport is {}", if *.is_virtual { "virtual and takes no device" } else { "physical and needs a device" })]
    WrongKind {
        /// What the miniport registered as.
        is_virtual: bool,
    },
    /// The machine has no device of that number.
    #[error("the machine has no device {0}")]
    NoDevice(usize),
    /// HwStorInitialize, the passive routine, or ScsiRestartAdapter failed.
    #[error("HwStorInitialize failed")]
    NotInitialized,
    /// The machine has no memory left, or no room for another adapter or unit.
    #[error("the machine has no memory left for the adapter")]
    OutOfMemory,
}

/// Why a rebalance of an adapter failed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum RebalanceError {
    /// The miniport ended StorStopDevice with this SRB status.
    #[error("SRB_FUNCTION_PNP with StorStopDevice ended with {}", in_words(*.0))]
    NotStopped(u8),
    /// It stopped, and did not start again.
    #[error(transparent)]
    NotStarted(StartError),
}

fn in_words(srb_status: u8) -> String {
    srb_status_name(srb_status).map_or_else(|| format!("{srb_status:#04x}"), str::to_owned)
}

/// What of a start is not documented, and is ours to choose.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct StartOptions {
    /// Where requests are completed that a virtual miniport has finished.
    pub completion: CompleteWhere,
    /// Whether a miniport without ScsiUnitStart hears of the start of each unit: SRB_FUNCTION_PNP with
    /// StorStartDevice.
    pub announces_starts: bool,
}

/// An adapter that has been started, with its disks.
///
/// What a test rig holds. Call everything here from a system thread at PASSIVE_LEVEL.
pub struct Adapter {
    adapter: Arc<AdapterState>,
    disks: Arc<Disks>,
    devices: Vec<PDEVICE_OBJECT>,
}

// SAFETY: device objects are the machine's; the handle may be used from any of its threads.
unsafe impl Send for Adapter {}
// SAFETY: the methods that change anything go through the adapter's own locks.
unsafe impl Sync for Adapter {}

impl Adapter {
    /// Starts the adapter of a loaded virtual miniport: HwStorFindAdapter, HwStorInitialize,
    /// ScsiQuerySupportedControlTypes, the bus scan, and a disk device on every unit found.
    ///
    /// # Errors
    /// When the miniport refuses or the machine has no room. Nothing is left behind then, except what
    /// the miniport itself did not free.
    pub fn start(driver: PDRIVER_OBJECT) -> Result<Adapter, StartError> {
        Adapter::start_on(driver, None, StartOptions::default(), BTreeMap::new())
    }

    /// As [`Adapter::start`], with these values under the adapter's `Parameters` key in the registry; names
    /// do not tell capitals from small letters.
    ///
    /// # Errors
    /// As for [`Adapter::start`].
    pub fn start_with_parameters<'a>(
        driver: PDRIVER_OBJECT,
        parameters: impl IntoIterator<Item = (&'a str, Parameter)>,
    ) -> Result<Adapter, StartError> {
        let parameters = parameters.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value));
        Adapter::start_on(driver, None, StartOptions::default(), parameters.collect())
    }

    /// As [`Adapter::start`], or [`Adapter::start_device`] where there is a slot, as `options` say.
    ///
    /// # Errors
    /// As for those.
    pub fn start_with(
        driver: PDRIVER_OBJECT,
        slot: Option<PciSlot>,
        options: StartOptions,
    ) -> Result<Adapter, StartError> {
        let parameters = slot.as_ref().map(|slot| slot.parameters.clone()).unwrap_or_default();
        Adapter::start_on(driver, slot, options, parameters)
    }

    /// Starts the adapter of a loaded physical miniport on a device: as [`Adapter::start`], with interrupts
    /// connected before HwStorInitialize, which runs at DIRQL, and the passive routine after it.
    ///
    /// # Errors
    /// As for [`Adapter::start`], and when the machine has no such device.
    pub fn start_device(driver: PDRIVER_OBJECT, slot: PciSlot) -> Result<Adapter, StartError> {
        Adapter::start_with(driver, Some(slot), StartOptions::default())
    }

    fn start_on(
        driver: PDRIVER_OBJECT,
        slot: Option<PciSlot>,
        options: StartOptions,
        parameters: BTreeMap<String, Parameter>,
    ) -> Result<Adapter, StartError> {
        crate::register_sources();
        as_system(Processor::current(), &STORPORT, || {
            let machine = machine();
            let port = Port::of(machine);
            let registration = port.registration(driver).ok_or(StartError::NotAMiniport)?;
            if registration.is_virtual != slot.is_none() {
                return Err(StartError::WrongKind { is_virtual: registration.is_virtual });
            }
            let hardware = match slot {
                Some(slot) => {
                    let device = slot.device;
                    Some(Hardware::new(machine, slot).ok_or(StartError::NoDevice(device))?)
                }
                None => None,
            };
            let adapter = Arc::new(
                AdapterState::new(machine, registration, hardware, options, parameters)
                    .ok_or(StartError::OutOfMemory)?,
            );
            if !port.enlist(&adapter) {
                return Err(StartError::OutOfMemory);
            }
            adapter.initialize_objects();
            let started = adapter.bring_up().and_then(|()| adapter.attach_disks());
            match started {
                Ok(disks) => {
                    port.own(Arc::clone(&disks));
                    Ok(Adapter { adapter, devices: disks.devices(), disks })
                }
                Err(error) => {
                    adapter.take_down();
                    Err(error)
                }
            }
        })
    }

    /// The disk devices found at the start, in the order of the scan: what IRP_MJ_READ, IRP_MJ_WRITE,
    /// IRP_MJ_FLUSH_BUFFERS and IOCTL_DISK_GET_LENGTH_INFO are sent to.
    #[must_use]
    pub fn disks(&self) -> &[PDEVICE_OBJECT] {
        &self.devices
    }

    /// The disk devices there are now: those of [`Adapter::disks`], and behind them what later scans found.
    /// One whose unit is gone stays, and refuses requests.
    #[must_use]
    pub fn all_disks(&self) -> Vec<PDEVICE_OBJECT> {
        self.disks.devices()
    }

    /// The disk devices whose unit was there at the last scan of its target, in the order they were found.
    #[must_use]
    pub fn present_disks(&self) -> Vec<PDEVICE_OBJECT> {
        let is_present = |disk: &PDEVICE_OBJECT| {
            let lower = self.disks.lower_of(*disk);
            lower.and_then(|lower| self.adapter.unit_of(lower)).is_some_and(|u| !u.is_gone.load(SeqCst))
        };
        self.disks.devices().into_iter().filter(is_present).collect()
    }

    /// The unit below a disk, and whether its SRBs are extended ones; `None` if the disk is none of this
    /// adapter's.
    pub(crate) fn unit_below(&self, disk: PDEVICE_OBJECT) -> Option<(PDEVICE_OBJECT, bool)> {
        Some((self.disks.lower_of(disk)?, self.adapter.takes_extended_srbs()))
    }

    /// The adapter's own device: what IOCTL_MINIPORT_PROCESS_SERVICE_IRP and IOCTL_SCSI_MINIPORT are sent to.
    #[must_use]
    pub fn device(&self) -> PDEVICE_OBJECT {
        self.adapter.device()
    }

    /// Whether the miniport has an HwStorProcessServiceRequest.
    #[must_use]
    pub fn accepts_service_requests(&self) -> bool {
        self.adapter.registration.data.HwProcessServiceRequest.is_some()
    }

    /// What has happened to the requests of one disk; `None` if the device is none of this adapter's.
    #[must_use]
    pub fn statistics(&self, disk: PDEVICE_OBJECT) -> Option<DiskStatistics> {
        self.disks.statistics(disk)
    }

    /// How long requests of its disks may take from now on, in seconds: the registry value TimeOutValue of
    /// Windows' disk class driver, which is 60. 0: for ever.
    pub fn set_timeout_s(&self, timeout_s: u32) {
        self.disks.set_timeout_s(timeout_s);
    }

    /// What the miniport wrote to the system's log with StorPortLogError, oldest first; 256 entries at most.
    #[must_use]
    pub fn log(&self) -> Vec<LogEntry> {
        self.adapter.log.entries()
    }

    /// Waits until every scan that BusChangeDetected asked for has ended. A stopped adapter scans nothing
    /// before its restart.
    pub fn wait_for_scans(&self) {
        wait_while(|| self.adapter.bus_change.is_busy());
    }

    /// Stops the adapter, as for a rebalance or for sleep: lets a scan of the bus end (plug and play does one
    /// thing to a device at a time), flushes a cache, holds requests back, waits for those that are out, and
    /// tells the miniport (ScsiAdapterPower to D3 if it supports that, else SRB_FUNCTION_POWER,
    /// ScsiStopAdapter and ScsiSetBootConfig). Requests that arrive meanwhile wait for the restart, and so do
    /// scans.
    pub fn stop(&self) {
        as_system(Processor::current(), &STORPORT, || self.adapter.stop());
    }

    /// Starts a stopped adapter again: ScsiAdapterPower to D0, or ScsiSetRunningConfig and
    /// ScsiRestartAdapter, or HwStorFindAdapter (at DISPATCH_LEVEL) and HwStorInitialize; without
    /// ScsiAdapterPower, SRB_FUNCTION_POWER at the end.
    ///
    /// # Errors
    /// When the miniport says it failed; the adapter stays stopped then.
    pub fn restart(&self) -> Result<(), StartError> {
        as_system(Processor::current(), &STORPORT, || self.adapter.restart())
    }

    /// Stops and starts the adapter as plug and play does to give its device other resources, or to tell it
    /// of a processor more: requests wait meanwhile, the miniport is told (SRB_FUNCTION_PNP with
    /// StorStopDevice, then ScsiStopAdapter where that is in use), the interrupts are disconnected, and it
    /// begins again with HwStorFindAdapter. The resources turn out to be the same. Of an adapter with
    /// hardware.
    ///
    /// # Errors
    /// When the miniport fails StorStopDevice, which no driver may (IRP_MN_STOP_DEVICE): the adapter stays
    /// stopped then. When it does not start again.
    pub fn rebalance(&self) -> Result<(), RebalanceError> {
        as_system(Processor::current(), &STORPORT, || {
            match self.adapter.stop_for_rebalance() {
                None | Some(SRB_STATUS_SUCCESS) => {}
                Some(status) => return Err(RebalanceError::NotStopped(status)),
            }
            self.adapter.start_after_rebalance().map_err(RebalanceError::NotStarted)
        })
    }

    /// Asks for the capabilities of one disk's unit, as plug and play does: SRB_FUNCTION_PNP with
    /// StorQueryCapabilities. `false`: the disk is none of this adapter's, or its unit is gone.
    pub fn query_unit(&self, disk: PDEVICE_OBJECT) -> bool {
        as_system(Processor::current(), &STORPORT, || {
            self.disks.lower_of(disk).is_some_and(|lower| self.adapter.query_unit(lower))
        })
    }

    /// Puts one disk's unit to sleep: holds its requests back, waits for those that are out, and tells the
    /// miniport (ScsiUnitPower to D3, or SRB_FUNCTION_POWER where that is not supported). Until
    /// [`Adapter::wake_unit`] its requests wait, and so do scans. `false`: the disk is none of this
    /// adapter's, or its unit is gone; then nothing has happened.
    pub fn put_unit_to_sleep(&self, disk: PDEVICE_OBJECT) -> bool {
        as_system(Processor::current(), &STORPORT, || {
            self.disks.lower_of(disk).is_some_and(|lower| self.adapter.put_unit_to_sleep(lower))
        })
    }

    /// Wakes a unit that [`Adapter::put_unit_to_sleep`] has put to sleep: ScsiUnitPower to D0, or
    /// SRB_FUNCTION_POWER.
    pub fn wake_unit(&self, disk: PDEVICE_OBJECT) {
        as_system(Processor::current(), &STORPORT, || {
            if let Some(lower) = self.disks.lower_of(disk) {
                self.adapter.wake_unit(lower);
            }
        });
    }

    /// Removes the devices of units that are gone, as when every handle to them is closed: the miniport is
    /// told (ScsiUnitRemove, or SRB_FUNCTION_PNP with StorRemoveDevice to the unit). Their disks stay for
    /// those who still have them open, and refuse requests. A scan that looks at the address again does the
    /// same.
    pub fn remove_gone_disks(&self) {
        as_system(Processor::current(), &STORPORT, || self.adapter.remove_gone_units());
    }

    /// Tells the miniport that the system shuts down: SRB_FUNCTION_SHUTDOWN to every unit.
    pub fn shut_down(&self) {
        as_system(Processor::current(), &STORPORT, || self.adapter.shut_down());
    }

    /// Removes the adapter: refuses new requests, waits for those that are out, flushes the miniport's
    /// cache if it has one, announces the removal to a physical miniport (SRB_FUNCTION_PNP), lets a virtual
    /// one complete its service requests, stops it (ScsiStopAdapter, if supported), has a virtual one free
    /// its resources, and deletes the devices.
    pub fn remove(self) {
        as_system(Processor::current(), &STORPORT, || {
            self.adapter.drain();
            self.disks.wait_for_delayed();
            self.adapter.flush_caches();
            self.adapter.announce_removal_of_units();
            self.adapter.announce(StorRemoveDevice);
            self.disks.detach();
            self.adapter.take_down();
        });
    }

    /// The adapter was pulled out (IRP_MN_SURPRISE_REMOVAL): new and waiting requests fail with
    /// SRB_STATUS_NO_DEVICE, and the miniport is told (ScsiAdapterSurpriseRemoval, or SRB_FUNCTION_PNP where
    /// that is not supported; of a virtual one, HwStorCompleteServiceIrp), but for one that ScsiStopAdapter
    /// has stopped, which is not called again until it is started. What the miniport has is its to end. The
    /// devices stay for those who still have them open, until [`Adapter::surprise_remove`]. The second time
    /// nothing happens.
    pub fn surprise_removal(&self) {
        as_system(Processor::current(), &STORPORT, || {
            if self.adapter.is_gone.swap(true, SeqCst) {
                return;
            }
            self.adapter.refuse_waiting();
            if self.adapter.is_asleep.load(SeqCst) {
                return;
            }
            if self.adapter.control_if_supported(ScsiAdapterSurpriseRemoval).is_none() {
                self.adapter.announce(StorSurpriseRemoval);
            }
            self.adapter.end_service_requests();
        });
    }

    /// What follows [`Adapter::surprise_removal`] when every handle to the devices is closed
    /// (IRP_MN_REMOVE_DEVICE), after that if it was not called: the requests the miniport has are waited for,
    /// and the adapter is removed. The miniport is not asked to flush; ScsiStopAdapter comes without
    /// hardware.
    pub fn surprise_remove(self) {
        self.surprise_removal();
        as_system(Processor::current(), &STORPORT, || {
            self.adapter.drain();
            self.disks.wait_for_delayed();
            self.adapter.announce_removal_of_units();
            self.adapter.announce(StorRemoveDevice);
            self.disks.detach();
            self.adapter.take_down();
        });
    }

    /// Resets one disk's unit while requests are under way, as the first step of recovery does whose turn is
    /// the unit's (SRB_FUNCTION_RESET_LOGICAL_UNIT, then what follows if the miniport fails it): what
    /// IOCTL_STORAGE_RESET_DEVICE and a class driver's own reset SRB come to. `false`: the disk is none of
    /// this adapter's, or recovery of its unit is under way already.
    pub fn reset_unit(&self, disk: PDEVICE_OBJECT) -> bool {
        as_system(Processor::current(), &STORPORT, || {
            let lower = self.disks.lower_of(disk);
            lower.is_some_and(|lower| self.adapter.at_dispatch_level(|| self.adapter.reset_unit_of(lower)))
        })
    }

    /// Resets a bus while requests are under way: HwStorResetBus, as in the last step of recovery, with
    /// everything held back meanwhile: what IOCTL_STORAGE_RESET_BUS comes to.
    pub fn reset_bus(&self, path: u8) {
        as_system(Processor::current(), &STORPORT, || {
            self.adapter.at_dispatch_level(|| self.adapter.reset_bus(path));
        });
    }
}
