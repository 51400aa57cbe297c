//! HwStorAdapterControl and HwStorUnitControl: which types a miniport supports, and how each is called.
//!
//! Only types a miniport reports are sent to it. The callback page gives stop and restart DIRQL under the
//! interrupt lock; the lock table of StorPortAcquireSpinLock says no lock is held for any type. The callback
//! page is newer and goes type by type, so it is followed, unless the slot says otherwise
//! ([`PciSlot::control_without_lock`](super::PciSlot::control_without_lock)). A virtual adapter has no
//! interrupt and is called at PASSIVE_LEVEL.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter::AdapterState;
use super::machine;
use super::start::StartError;
use super::unit::Unit;
use crate::callbacks::{HW_STOR_ADAPTER_CONTROL, HW_STOR_UNIT_CONTROL};
use crate::ddi::{
    SCSI_ADAPTER_CONTROL_STATUS, SCSI_ADAPTER_CONTROL_TYPE, SCSI_SUPPORTED_CONTROL_TYPE_LIST,
    SCSI_UNIT_CONTROL_TYPE, STOR_ADAPTER_CONTROL_POWER, STOR_ADDR_BTL8, STOR_ADDR_BTL8_ADDRESS_LENGTH,
    STOR_ADDRESS_TYPE_BTL8, STOR_DEVICE_POWER_STATE, STOR_POWER_ACTION, STOR_POWER_CONTROL_HEADER,
    STOR_UNIT_CONTROL_POWER, ScsiAdapterControlMax, ScsiAdapterControlSuccess,
    ScsiAdapterControlUnsuccessful, ScsiAdapterPower, ScsiQuerySupportedControlTypes,
    ScsiQuerySupportedUnitControlTypes, ScsiRestartAdapter, ScsiStopAdapter, ScsiUnitControlMax,
    ScsiUnitPower, StorPowerActionNone,
};
use kernel_sim::ddi::{BOOLEAN, FALSE, PVOID};
use kernel_sim::frame::Frame;
use kernel_sim::image::Routine as _;
use kernel_sim::irql::Irql;
use kernel_sim::routine::Arg;
use std::ptr::null_mut;
use std::sync::atomic::{Ordering::Acquire, Ordering::Release};

impl AdapterState {
    /// Calls HwStorAdapterControl, at PASSIVE_LEVEL or as the type wants it.
    pub(super) fn control(
        &self,
        kind: SCSI_ADAPTER_CONTROL_TYPE,
        parameters: PVOID,
    ) -> SCSI_ADAPTER_CONTROL_STATUS {
        let Some(routine) = self.registration.data.HwAdapterControl else {
            return ScsiAdapterControlUnsuccessful;
        };
        // SAFETY: the miniport registered the routine for this call, and its extension lives as long as the
        // adapter.
        let body = || unsafe { routine.go((self.extension, kind, parameters)) };
        let is_locked = (kind == ScsiStopAdapter || kind == ScsiRestartAdapter)
            && self.hardware.as_ref().is_some_and(|h| h.slot.locks_control);
        let args = [
            Arg::Pointer(self.extension as usize),
            Arg::Value(kind as u64),
            Arg::Pointer(parameters as usize),
        ];
        let frame = Frame::new(&HW_STOR_ADAPTER_CONTROL, &args);
        if is_locked {
            self.call_with_interrupts_out(frame, body)
        } else {
            self.call(frame, Irql::PASSIVE, body)
        }
    }

    /// Calls HwStorAdapterControl for a type the miniport reported; `None` if it did not.
    pub(super) fn control_if_supported(&self, kind: SCSI_ADAPTER_CONTROL_TYPE) -> Option<bool> {
        self.supports(kind).then(|| self.control(kind, null_mut()) == ScsiAdapterControlSuccess)
    }

    pub(super) fn supports(&self, kind: SCSI_ADAPTER_CONTROL_TYPE) -> bool {
        self.control_types.load(Acquire) & 1 << kind != 0
    }

    /// ScsiAdapterPower, if the miniport reported it.
    pub(super) fn power(&self, state: STOR_DEVICE_POWER_STATE, action: STOR_POWER_ACTION) -> Option<bool> {
        if !self.supports(ScsiAdapterPower) {
            return None;
        }
        let block: *mut STOR_ADAPTER_CONTROL_POWER =
            machine().allocate_system(size_of::<STOR_ADAPTER_CONTROL_POWER>()).cast();
        if block.is_null() {
            return Some(false);
        }
        // SAFETY: a fresh block of that size.
        unsafe {
            *block = STOR_ADAPTER_CONTROL_POWER {
                Header: STOR_POWER_CONTROL_HEADER {
                    Version: 1,
                    Size: size_of::<STOR_ADAPTER_CONTROL_POWER>() as u32,
                    Address: null_mut(),
                },
                PowerAction: action,
                PowerState: state,
            };
        }
        let status = self.control(ScsiAdapterPower, block.cast());
        machine().free_system(block.cast());
        Some(status == ScsiAdapterControlSuccess)
    }

    /// Asks for the supported types of adapter and unit control.
    pub(super) fn query_control_types(&self) -> Result<(), StartError> {
        let types = ScsiAdapterControlMax as usize;
        let supported = ask_for_types(types, |list| {
            self.control(ScsiQuerySupportedControlTypes, list);
        })?;
        self.control_types.store(supported, Release);
        let Some(routine) = self.registration.data.HwUnitControl else { return Ok(()) };
        let supported = ask_for_types(ScsiUnitControlMax as usize, |list| {
            let args = [
                Arg::Pointer(self.extension as usize),
                Arg::Value(ScsiQuerySupportedUnitControlTypes as u64),
                Arg::Pointer(list as usize),
            ];
            self.call(Frame::new(&HW_STOR_UNIT_CONTROL, &args), Irql::PASSIVE, || {
                // SAFETY: the miniport registered the routine for this call, and its extension lives as long
                // as the adapter.
                unsafe { routine.go((self.extension, ScsiQuerySupportedUnitControlTypes, list)) }
            });
        })?;
        self.unit_control_types.store(supported, Release);
        Ok(())
    }

    /// Calls HwStorUnitControl for one unit with its address, at PASSIVE_LEVEL, if the miniport reported the
    /// type. `false`: it did not, and was not told.
    pub(super) fn unit_control(&self, unit: &Unit, kind: SCSI_UNIT_CONTROL_TYPE) -> bool {
        self.call_unit_control(unit, kind, Irql::PASSIVE, |block| {
            // SAFETY: a block with an address.
            unsafe { (&raw mut (*block).address).cast() }
        })
    }

    /// As [`unit_control`](Self::unit_control) for ScsiUnitPower, which comes at DISPATCH_LEVEL.
    pub(super) fn unit_power(&self, unit: &Unit, state: STOR_DEVICE_POWER_STATE) -> bool {
        self.call_unit_control(unit, ScsiUnitPower, Irql::DISPATCH, |block| {
            // SAFETY: a fresh block, which the caller has for itself.
            unsafe {
                (*block).power = STOR_UNIT_CONTROL_POWER {
                    Address: (&raw mut (*block).address).cast(),
                    PowerAction: StorPowerActionNone,
                    PowerState: state,
                };
                (&raw mut (*block).power).cast()
            }
        })
    }

    fn call_unit_control(
        &self,
        unit: &Unit,
        kind: SCSI_UNIT_CONTROL_TYPE,
        at: Irql,
        parameters: impl FnOnce(*mut UnitParameters) -> PVOID,
    ) -> bool {
        let supported = self.unit_control_types.load(Acquire) & 1 << kind != 0;
        let Some(routine) = self.registration.data.HwUnitControl.filter(|_| supported) else { return false };
        let block: *mut UnitParameters = machine().allocate_system(size_of::<UnitParameters>()).cast();
        if block.is_null() {
            return false;
        }
        // SAFETY: a fresh block of that size.
        unsafe {
            (*block).address = STOR_ADDR_BTL8 {
                Type: u16::from(STOR_ADDRESS_TYPE_BTL8),
                Port: 0,
                AddressLength: STOR_ADDR_BTL8_ADDRESS_LENGTH,
                Path: unit.address.path,
                Target: unit.address.target,
                Lun: unit.address.lun,
                Reserved: 0,
            };
        }
        let parameters = parameters(block);
        let args = [
            Arg::Pointer(self.extension as usize),
            Arg::Value(kind as u64),
            Arg::Pointer(parameters as usize),
        ];
        self.call(Frame::new(&HW_STOR_UNIT_CONTROL, &args), at, || {
            // SAFETY: the miniport registered the routine for this call, and its extension lives as long as
            // the adapter.
            unsafe { routine.go((self.extension, kind, parameters)) }
        });
        machine().free_system(block.cast());
        true
    }
}

/// What HwStorUnitControl is given of a unit.
#[repr(C)]
struct UnitParameters {
    address: STOR_ADDR_BTL8,
    power: STOR_UNIT_CONTROL_POWER,
}

/// Has a list of flags filled in; returns the set as bits. Both kinds of lists have one layout.
fn ask_for_types(types: usize, ask: impl FnOnce(PVOID)) -> Result<u32, StartError> {
    let machine = machine();
    let list = machine.allocate_system(size_of::<SCSI_SUPPORTED_CONTROL_TYPE_LIST>() + types);
    if list.is_null() {
        return Err(StartError::OutOfMemory);
    }
    // SAFETY: a fresh zeroed block that holds the header and a flag per type.
    let supported = unsafe {
        let header = list.cast::<SCSI_SUPPORTED_CONTROL_TYPE_LIST>();
        (*header).MaxControlType = types as u32;
        ask(list);
        let flags =
            std::slice::from_raw_parts((&raw const (*header).SupportedTypeList).cast::<BOOLEAN>(), types);
        flags.iter().enumerate().filter(|(_, flag)| **flag != FALSE).fold(0, |set, (n, _)| set | 1 << n)
    };
    machine.free_system(list);
    Ok(supported)
}
