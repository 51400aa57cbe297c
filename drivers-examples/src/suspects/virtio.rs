//! The clean `vioscsi` with another DPC for its rings of requests.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

pub(super) use crate::vioscsi::ddi::*;
pub(super) use crate::vioscsi::extension::{AdapterExtension, srb_extension};
use crate::vioscsi::initialize::{make_dpcs, start};
use crate::vioscsi::interrupt::HwDpc;
pub(super) use crate::vioscsi::ring_lock::{lock, unlock};
use crate::vioscsi::virtio_scsi::FIRST_REQUEST_RING;
use std::ptr::null_mut;

/// What a suspect does with a ring of requests that has something: the ring is locked.
pub(super) trait Takes: 'static {
    /// Completes what has come back.
    unsafe fn Take(DeviceExtension: PVOID, Extension: *mut AdapterExtension, Ring: usize);
}

/// `DriverEntry`.
pub(super) unsafe extern "C-unwind" fn DriverEntry<T: Takes>(
    DriverObject: PDRIVER_OBJECT,
    RegistryPath: PUNICODE_STRING,
) -> NTSTATUS {
    let mut Data = crate::vioscsi::initialization_data();

    Data.HwInitialize = Some(HwInitialize::<T>);
    StorPortInitialize(DriverObject, RegistryPath, &raw mut Data, null_mut())
}

unsafe extern "C-unwind" fn HwInitialize<T: Takes>(DeviceExtension: PVOID) -> BOOLEAN {
    start(DeviceExtension, Some(HwPassiveInitialize::<T>))
}

unsafe extern "C-unwind" fn HwPassiveInitialize<T: Takes>(DeviceExtension: PVOID) -> BOOLEAN {
    make_dpcs(DeviceExtension, Some(DpcRoutine::<T>));
    TRUE
}

unsafe extern "C-unwind" fn DpcRoutine<T: Takes>(
    Dpc: PSTOR_DPC,
    DeviceExtension: PVOID,
    SystemArgument1: PVOID,
    SystemArgument2: PVOID,
) {
    let Extension: *mut AdapterExtension = DeviceExtension.cast();
    let Ring = SystemArgument1 as usize;

    if Ring < FIRST_REQUEST_RING {
        return HwDpc(Dpc, DeviceExtension, SystemArgument1, SystemArgument2);
    }
    let mut Handle: STOR_LOCK_HANDLE = std::mem::zeroed();
    lock(DeviceExtension, Extension, Ring, &mut Handle);
    loop {
        (*Extension).ring[Ring].disable_interrupts();
        T::Take(DeviceExtension, Extension, Ring);
        if (*Extension).ring[Ring].enable_interrupts() {
            break;
        }
    }
    unlock(DeviceExtension, &mut Handle);
}
