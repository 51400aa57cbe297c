//! The life of a unit's device: started, asked, asleep and awake, pulled out, removed.
//!
//! The miniport is told by HwStorUnitControl where it reported the type, otherwise by an SRB to the unit:
//! SRB_FUNCTION_PNP of a removal, SRB_FUNCTION_POWER of sleep and waking. Of a start it hears without
//! ScsiUnitStart only where the rig asks for it ([`StartOptions`](super::StartOptions)): the documentation
//! has StorStartDevice, and does not say when Storport sends it. A unit that does not respond keeps its
//! device until nothing of it is under way; one that is found at its address again is a new device, with an
//! extension of its own that Storport has zeroed. Invariant: ScsiUnitRemove is the last that a miniport hears
//! of a unit, and comes before ScsiUnitStart of the next at that address.

use super::adapter::AdapterState;
use super::gates::STOPPED;
use super::own_requests::OwnRequests;
use super::unit::Unit;
use super::{machine, own_cx};
use crate::ddi::{
    STOR_DEVICE_POWER_STATE, ScsiUnitRemove, ScsiUnitStart, ScsiUnitSurpriseRemoval, StorPowerDeviceD0,
    StorPowerDeviceD3, StorRemoveDevice, StorStartDevice, StorSurpriseRemoval,
};
use crate::wait::wait_while;
use kernel_sim::ddi::{KeFlushQueuedDpcs, PDEVICE_OBJECT};
use std::ptr::null_mut;
use std::sync::atomic::{Ordering::Acquire, Ordering::SeqCst};

impl AdapterState {
    /// A unit is about to get its device: IRP_MN_START_DEVICE of it.
    pub(super) fn unit_starts(&self, requests: &mut OwnRequests<'_>, unit: &Unit) {
        if !self.unit_control(unit, ScsiUnitStart) && self.announces_starts {
            requests.announce_to_unit(unit, StorStartDevice);
        }
    }

    /// A unit with a device does not respond any more: IRP_MN_SURPRISE_REMOVAL of it. The second time nothing
    /// happens.
    pub(super) fn unit_has_gone(&self, requests: &mut OwnRequests<'_>, unit: &Unit) {
        if unit.is_gone.swap(true, SeqCst) {
            return;
        }
        if !self.unit_control(unit, ScsiUnitSurpriseRemoval) {
            requests.announce_to_unit(unit, StorSurpriseRemoval);
        }
    }

    /// Removes the devices of units that do not respond: IRP_MN_REMOVE_DEVICE, when every handle is closed.
    /// A scan that is under way ends first, and none begins meanwhile.
    pub(super) fn remove_gone_units(&self) {
        self.hold_scans();
        if let Some(mut requests) = OwnRequests::new(self) {
            let is_left = |unit: &&Unit| unit.is_gone.load(SeqCst) && !unit.device.load(Acquire).is_null();
            while let Some(unit) = self.units().find(is_left) {
                self.remove_unit(&mut requests, unit);
            }
        }
        self.resume_scans();
    }

    /// Removes the device of a unit that does not respond. Requests that come later are refused, those that
    /// are under way are waited for. Its address is free then.
    pub(super) fn remove_unit(&self, requests: &mut OwnRequests<'_>, unit: &Unit) {
        unit.queue.lock().is_closed = true;
        wait_while(|| !unit.is_idle());
        if !self.unit_control(unit, ScsiUnitRemove) {
            requests.announce_to_unit(unit, StorRemoveDevice);
        }
        unit.queue.lock().is_removed = true;
        wait_while(|| !unit.is_idle());
        unit.gate.disarm(&own_cx());
        flush_dpcs();
        // Those who have it open keep the device object, which refuses everything.
        self.removed_devices.lock().push(unit.device.swap(null_mut(), SeqCst) as usize);
        self.forget_unit(unit);
    }

    /// Tells the miniport that the units' devices are removed, as the adapter's is about to be: where it
    /// reported ScsiUnitRemove. Others hear of the adapter only (our choice).
    pub(super) fn announce_removal_of_units(&self) {
        if self.is_asleep.load(SeqCst) {
            return;
        }
        for unit in self.units().filter(|unit| !unit.device.load(Acquire).is_null()) {
            self.unit_control(unit, ScsiUnitRemove);
        }
    }

    /// Asks for a unit's capabilities, as plug and play does of a device that it enumerates. `false`: there
    /// is no such unit, or it does not respond.
    pub(super) fn query_unit(&self, device: PDEVICE_OBJECT) -> bool {
        let (Some(unit), Some(mut requests)) = (self.present_unit(device), OwnRequests::new(self)) else {
            return false;
        };
        requests.query_capabilities(unit);
        true
    }

    /// Puts a unit to sleep: holds its requests back, waits for those that are out, and tells the miniport.
    /// Scans end first and are held too, since their probes would wait. `false`: there is no such unit, or it
    /// does not respond; then nothing has happened.
    pub(super) fn put_unit_to_sleep(&self, device: PDEVICE_OBJECT) -> bool {
        self.hold_scans();
        let Some(unit) = self.present_unit(device) else {
            self.resume_scans();
            return false;
        };
        unit.gate.close(&own_cx(), STOPPED, 0);
        wait_while(|| unit.recovering.load(Acquire) != 0 || unit.queue.lock().outstanding != 0);
        self.power_unit(unit, StorPowerDeviceD3);
        true
    }

    /// Wakes a unit that [`put_unit_to_sleep`](Self::put_unit_to_sleep) has put to sleep.
    pub(super) fn wake_unit(&self, device: PDEVICE_OBJECT) {
        if let Some(unit) = self.unit_of(device) {
            self.power_unit(unit, StorPowerDeviceD0);
            if unit.gate.open(STOPPED) {
                self.kick(unit);
            }
        }
        self.resume_scans();
    }

    /// A unit that was pulled out, or whose adapter was, is told of no power.
    fn power_unit(&self, unit: &Unit, state: STOR_DEVICE_POWER_STATE) {
        if self.is_gone.load(SeqCst) || unit.is_gone.load(SeqCst) || self.unit_power(unit, state) {
            return;
        }
        // Out of memory, it is not told.
        if let Some(mut requests) = OwnRequests::new(self) {
            requests.announce_power(unit, state, 0);
        }
    }

    fn present_unit(&self, device: PDEVICE_OBJECT) -> Option<&Unit> {
        let is_there = |unit: &&Unit| !self.is_gone.load(SeqCst) && !unit.is_gone.load(SeqCst);
        self.unit_of(device).filter(is_there)
    }

    /// No unit is at that address any more.
    pub(super) fn forget_unit(&self, unit: &Unit) {
        self.drop_unit(unit);
        unit.free_memory(machine());
    }
}

/// Waits for every DPC that is queued.
fn flush_dpcs() {
    #[expect(unsafe_code, reason = "a routine of layer 1")]
    // SAFETY: the thread of a scan or of a rig, at PASSIVE_LEVEL.
    unsafe {
        KeFlushQueuedDpcs();
    }
}
