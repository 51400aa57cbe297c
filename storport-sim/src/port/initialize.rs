//! `StorPortInitialize`: what a miniport registers in its `DriverEntry`.

use super::{Port, dispatch};
use crate::ddi::{HW_INITIALIZATION_DATA, PHW_INITIALIZATION_DATA, VIRTUAL_HW_INITIALIZATION_DATA};
use kernel_sim::ddi::{
    Cx, IRP_MJ_CLOSE, IRP_MJ_CREATE, IRP_MJ_DEVICE_CONTROL, IRP_MJ_SCSI, Internal, NTSTATUS, PDRIVER_OBJECT,
    PUNICODE_STRING, PVOID, STATUS_INVALID_PARAMETER, STATUS_NOT_SUPPORTED, STATUS_REVISION_MISMATCH,
    STATUS_SUCCESS,
};

/// What one driver registered.
#[derive(Clone, Copy)]
pub(crate) struct Registration {
    pub driver: PDRIVER_OBJECT,
    pub data: VIRTUAL_HW_INITIALIZATION_DATA,
}

// SAFETY: the pointers are a driver's own and are only handed back to that driver.
unsafe impl Send for Registration {}
// SAFETY: as above.
unsafe impl Sync for Registration {}

impl Port {
    /// What `driver` registered, if it is a miniport.
    pub(super) fn registration(&self, driver: PDRIVER_OBJECT) -> Option<Registration> {
        self.registrations.lock().iter().find(|r| std::ptr::eq(r.driver, driver)).copied()
    }
}

/// The body of StorPortInitialize.
///
/// Storport verification stops a NULL argument, with parameters nobody published; here it is
/// refused with a status, as without verification. Physical adapters are not here yet: an interface
/// type other than `Internal` is refused with STATUS_NOT_SUPPORTED.
pub(crate) unsafe fn storport_initialize(
    cx: &Cx,
    driver: PDRIVER_OBJECT,
    registry_path: PUNICODE_STRING,
    data: PHW_INITIALIZATION_DATA,
    _context: PVOID,
) -> NTSTATUS {
    if driver.is_null() || registry_path.is_null() || data.is_null() {
        return STATUS_INVALID_PARAMETER;
    }
    cx.check_output(driver);
    cx.check_output(data);
    // SAFETY: just found in mapped memory. Both structures have one layout: they differ in the type
    // of one function pointer.
    let data = unsafe { *data.cast::<VIRTUAL_HW_INITIALIZATION_DATA>() };
    const { assert!(size_of::<HW_INITIALIZATION_DATA>() == size_of::<VIRTUAL_HW_INITIALIZATION_DATA>()) };
    if data.HwInitializationDataSize as usize != size_of::<VIRTUAL_HW_INITIALIZATION_DATA>() {
        return STATUS_REVISION_MISMATCH;
    }
    if data.AdapterInterfaceType != Internal {
        return STATUS_NOT_SUPPORTED;
    }
    let complete = data.HwFindAdapter.is_some()
        && data.HwInitialize.is_some()
        && data.HwStartIo.is_some()
        && data.HwResetBus.is_some();
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
    let port = Port::of(cx.machine());
    let mut registrations = port.registrations.lock();
    registrations.retain(|r| !std::ptr::eq(r.driver, driver));
    registrations.push(Registration { driver, data });
    STATUS_SUCCESS
}

/// The unload routine Storport gives every miniport. One that wants its own chains to this.
unsafe extern "C-unwind" fn unload(driver: PDRIVER_OBJECT) {
    Port::of(super::machine()).registrations.lock().retain(|r| !std::ptr::eq(r.driver, driver));
}
