//! `StorPortInitialize`: what a miniport registers in its `DriverEntry`.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::hardware::is_inside;
use super::{Port, adapter, dispatch};
use crate::callbacks::HW_STOR_INITIALIZE;
use crate::ddi::{
    HW_INITIALIZATION_DATA, Isa, PHW_INITIALIZATION_DATA, PHW_PASSIVE_INITIALIZE_ROUTINE, TurboChannel,
    VIRTUAL_HW_INITIALIZATION_DATA,
};
use kernel_sim::ddi::{
    BOOLEAN, Call, FALSE, IRP_MJ_CLOSE, IRP_MJ_CREATE, IRP_MJ_DEVICE_CONTROL, IRP_MJ_SCSI, Internal,
    NTSTATUS, PDRIVER_OBJECT, PUNICODE_STRING, PVOID, STATUS_INVALID_PARAMETER, STATUS_REVISION_MISMATCH,
    STATUS_SUCCESS, TRUE, ULONG,
};
use std::mem::offset_of;

/// What one driver registered.
#[derive(Clone, Copy)]
pub(crate) struct Registration {
    pub driver: PDRIVER_OBJECT,
    /// Whether it is a virtual miniport: its interface type is `Internal`.
    pub is_virtual: bool,
    pub data: VIRTUAL_HW_INITIALIZATION_DATA,
}

// SAFETY: the pointers are a driver's own and are only handed back to that driver.
unsafe impl Send for Registration {}
// SAFETY: the pointers are only copied here, and only handed back to their driver.
unsafe impl Sync for Registration {}

/// The sizes that HwInitializationDataSize may say. The structure has grown with Windows, always at its end,
/// and a miniport that was built for an older one has less of it: up to HwBuildIo at first, then the routines
/// of virtual miniports, those of tracing, and (Windows 8) extended SRBs and HwUnitControl. No page lists the
/// sizes; that every one of them is taken is our choice.
const SIZES: [usize; 4] = [
    offset_of!(VIRTUAL_HW_INITIALIZATION_DATA, HwFreeAdapterResources),
    offset_of!(VIRTUAL_HW_INITIALIZATION_DATA, HwInitializeTracing),
    offset_of!(VIRTUAL_HW_INITIALIZATION_DATA, FeatureSupport),
    size_of::<VIRTUAL_HW_INITIALIZATION_DATA>(),
];

/// The structure whose first bytes are at `from`; what is not there is zero, as a driver leaves what it does
/// not use.
///
/// # Safety
/// So many bytes can be read there.
pub(crate) unsafe fn with_zeros_behind(from: *const u8, bytes: usize) -> VIRTUAL_HW_INITIALIZATION_DATA {
    // Both structures have one layout: they differ in the type of one function pointer.
    const { assert!(size_of::<HW_INITIALIZATION_DATA>() == size_of::<VIRTUAL_HW_INITIALIZATION_DATA>()) };
    let mut data = VIRTUAL_HW_INITIALIZATION_DATA::zeroed();
    let bytes = bytes.min(size_of_val(&data));
    // SAFETY: the caller's bytes, plain numbers and pointers, go over the first of ours.
    unsafe { (&raw mut data).cast::<u8>().copy_from_nonoverlapping(from, bytes) };
    data
}

impl Port {
    /// What `driver` registered, if it is a miniport.
    pub(super) fn registration(&self, driver: PDRIVER_OBJECT) -> Option<Registration> {
        self.registrations.lock().iter().find(|r| std::ptr::eq(r.driver, driver)).copied()
    }
}

/// The body of StorPortInitialize.
///
/// Storport verification stops a NULL argument, with unpublished parameters; here it is refused with a
/// status, as without verification. Storport knows no ISA, EISA, MCA or TurboChannel adapters; they are
/// refused too. What a physical miniport must give is more than what a virtual one must: an interrupt routine
/// and HwStorAdapterControl.
pub(crate) unsafe fn storport_initialize(
    call: &Call,
    driver: PDRIVER_OBJECT,
    registry_path: PUNICODE_STRING,
    data: PHW_INITIALIZATION_DATA,
    _context: PVOID,
) -> NTSTATUS {
    crate::register_sources();
    if driver.is_null() || registry_path.is_null() || data.is_null() {
        return STATUS_INVALID_PARAMETER;
    }
    call.check_output(driver);
    // The size comes first, and says how much more there is.
    call.check_input(data.cast::<ULONG>());
    // SAFETY: just found in readable memory.
    let bytes = unsafe { *data.cast::<ULONG>() } as usize;
    if !SIZES.contains(&bytes) {
        return STATUS_REVISION_MISMATCH;
    }
    if !call.is_readable(data as usize, bytes) || !data.is_aligned() {
        call.bad_pointer(data as usize, "the HW_INITIALIZATION_DATA");
    }
    // SAFETY: as many bytes were just found in readable memory.
    let data = unsafe { with_zeros_behind(data.cast(), bytes) };
    if (Isa..=TurboChannel).contains(&data.AdapterInterfaceType) {
        return STATUS_INVALID_PARAMETER;
    }
    let is_virtual = data.AdapterInterfaceType == Internal;
    let complete = data.HwFindAdapter.is_some()
        && data.HwInitialize.is_some()
        && data.HwStartIo.is_some()
        && data.HwResetBus.is_some()
        && (is_virtual || data.HwInterrupt.is_some() && data.HwAdapterControl.is_some());
    if !complete {
        return STATUS_INVALID_PARAMETER;
    }
    // SAFETY: checked above; the driver object is the caller's to fill in during DriverEntry.
    unsafe {
        for major in [IRP_MJ_CREATE, IRP_MJ_CLOSE, IRP_MJ_DEVICE_CONTROL, IRP_MJ_SCSI] {
            (*driver).MajorFunction[major] = Some(dispatch::dispatch);
        }
        (*driver).DriverUnload = Some(unload);
    }
    let port = Port::of(call.machine());
    let mut registrations = port.registrations.lock();
    registrations.retain(|r| !std::ptr::eq(r.driver, driver));
    registrations.push(Registration { driver, is_virtual, data });
    STATUS_SUCCESS
}

/// Only in HwStorInitialize; elsewhere FALSE, and the routine is never called.
pub(crate) unsafe fn enable_passive(
    call: &Call,
    extension: PVOID,
    routine: PHW_PASSIVE_INITIALIZE_ROUTINE,
) -> BOOLEAN {
    let adapter = adapter(call, extension);
    if !is_inside(call, &HW_STOR_INITIALIZE) || routine.is_none() {
        return FALSE;
    }
    *adapter.passive_initialize.lock() = routine;
    TRUE
}

/// The unload routine Storport gives every miniport. One that wants its own chains to this.
unsafe extern "C-unwind" fn unload(driver: PDRIVER_OBJECT) {
    Port::of(super::machine()).registrations.lock().retain(|r| !std::ptr::eq(r.driver, driver));
}
