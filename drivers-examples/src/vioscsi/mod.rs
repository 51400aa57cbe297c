//! `vioscsi`: a miniport of virtio SCSI adapters, after the one of virtio-win, at layer 1.
//!
//! A ring for task management, one for events, and one for requests per processor where the system grants a
//! message for each. HwStorBuildIo writes a request's descriptors into its SRB extension, HwStorStartIo puts
//! them into the ring of its channel, an interrupt only asks for the DPC of its ring, and the DPC takes out
//! what the device has given back.
//!
//! ```text
//! virtio.rs     the transport's registers and numbers      virtio_scsi.rs  the requests of a SCSI host
//! transport.rs  finding and driving the registers          ring.rs         the driver's side of a virtqueue
//! extension.rs  what adapter and request carry             ring_lock.rs    a ring's lock and notification
//! find.rs       HwStorFindAdapter                          initialize.rs   HwStorInitialize, DPCs
//! bring_up.rs   from a reset device to a running one       chain.rs        a request's descriptors
//! request.rs    HwStorBuildIo, HwStorStartIo               complete.rs     requests that come back
//! interrupt.rs  interrupt routines, the DPC                events.rs       units that come and go
//! reset.rs      task management, adapter reset             control.rs      adapter control
//! ```
//!
//! Each ring has one lock: the DpcLock of its DPC, for putting in and for taking out. Nothing else is shared
//! once the adapter runs. Several are taken in the order of the rings. Invariant: a request that is in a
//! ring's table of outstanding ones, and no other, is the device's; the routine that takes it out of the
//! table completes it.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(non_snake_case, non_upper_case_globals, reason = "the documented WDK names")]
#![expect(
    unsafe_op_in_unsafe_fn,
    reason = "as in C: every routine works on raw pointers throughout, and is called as the WDK documents"
)]

pub(crate) mod bring_up;
mod chain;
pub(crate) mod complete;
pub(crate) mod control;
pub(crate) mod ddi;
mod events;
pub(crate) mod extension;
pub(crate) mod find;
pub(crate) mod initialize;
pub(crate) mod interrupt;
pub(crate) mod request;
pub(crate) mod reset;
mod ring;
pub(crate) mod ring_lock;
mod transport;
pub(crate) mod virtio;
pub(crate) mod virtio_scsi;

use ddi::{
    ADDRESS_TYPE_FLAG_BTL8, HW_INITIALIZATION_DATA, NTSTATUS, PCIBus, PDRIVER_OBJECT, PUNICODE_STRING,
    SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK, STOR_MAP_NON_READ_WRITE_BUFFERS, StorPortInitialize, TRUE, ULONG,
};
use extension::{AdapterExtension, SrbExtension};
use std::ptr::null_mut;

/// DriverEntry.
///
/// # Safety
/// Called by the I/O manager.
pub unsafe extern "C-unwind" fn driver_entry(
    DriverObject: PDRIVER_OBJECT,
    RegistryPath: PUNICODE_STRING,
) -> NTSTATUS {
    let mut data = initialization_data();
    StorPortInitialize(DriverObject, RegistryPath, &raw mut data, null_mut())
}

/// What the driver registers.
pub(crate) unsafe fn initialization_data() -> HW_INITIALIZATION_DATA {
    let mut data = HW_INITIALIZATION_DATA::zeroed();
    data.HwInitializationDataSize = size_of::<HW_INITIALIZATION_DATA>() as ULONG;
    data.AdapterInterfaceType = PCIBus;
    data.HwFindAdapter = Some(find::HwFindAdapter);
    data.HwInitialize = Some(initialize::HwInitialize);
    data.HwBuildIo = Some(request::HwBuildIo);
    data.HwStartIo = Some(request::HwStartIo);
    data.HwInterrupt = Some(interrupt::HwInterrupt);
    data.HwResetBus = Some(reset::HwResetBus);
    data.HwAdapterControl = Some(control::HwAdapterControl);
    data.DeviceExtensionSize = size_of::<AdapterExtension>() as ULONG;
    data.SrbExtensionSize = size_of::<SrbExtension>() as ULONG;
    data.NumberOfAccessRanges = 1;
    data.MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
    data.NeedPhysicalAddresses = TRUE;
    data.TaggedQueuing = TRUE;
    data.AutoRequestSense = TRUE;
    data.MultipleRequestPerLu = TRUE;
    data.SrbTypeFlags = SRB_TYPE_FLAG_STORAGE_REQUEST_BLOCK;
    data.AddressTypeFlags = ADDRESS_TYPE_FLAG_BTL8;
    data
}
