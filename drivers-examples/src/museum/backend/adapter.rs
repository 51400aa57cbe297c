//! The adapter's life: it is found, started with the thread that is the backend, stopped, and registered at
//! all; and the one place that completes SRBs.
//!
//! Invariant: between a stop and the next start there is no backend, and nothing for it.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::command::{AllocateCommands, DeleteCommands};
use super::*;
use kernel_sim::machine::Machine;
use std::sync::Arc;
use storport_sim::Medium;

/// The whole extension of a form.
#[repr(C)]
struct WITH_MORE<M> {
    Base: ADAPTER,
    More: M,
}

/// What a form has besides.
pub(in super::super) unsafe fn More<F: Form + ?Sized>(Adapter: PADAPTER) -> *mut F::More {
    &raw mut (*Adapter.cast::<WITH_MORE<F::More>>()).More
}

/// `DriverEntry`.
pub(in super::super) unsafe extern "C-unwind" fn DriverEntry<F: Form>(
    DriverObject: PDRIVER_OBJECT,
    RegistryPath: PUNICODE_STRING,
) -> NTSTATUS {
    let mut Data: VIRTUAL_HW_INITIALIZATION_DATA = zeroed();

    Data.HwInitializationDataSize = size_of::<VIRTUAL_HW_INITIALIZATION_DATA>() as ULONG;
    Data.AdapterInterfaceType = Internal;
    Data.HwFindAdapter = Some(HwFindAdapter::<F>);
    Data.HwInitialize = Some(HwInitialize::<F>);
    Data.HwStartIo = Some(HwStartIo::<F>);
    Data.HwResetBus = Some(HwResetBus::<F>);
    Data.HwAdapterControl = Some(HwAdapterControl::<F>);
    Data.HwUnitControl = Some(HwUnitControl::<F>);
    Data.HwFreeAdapterResources = Some(HwFreeAdapterResources::<F>);
    if F::TAKES_SERVICE {
        Data.HwProcessServiceRequest = Some(HwProcessServiceRequest::<F>);
        Data.HwCompleteServiceIrp = Some(HwCompleteServiceIrp::<F>);
    }
    Data.DeviceExtensionSize = size_of::<WITH_MORE<F::More>>() as ULONG;
    Data.SrbExtensionSize = size_of::<REQUEST>() as ULONG;
    Data.MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
    Data.TaggedQueuing = TRUE;
    Data.AutoRequestSense = TRUE;
    Data.MultipleRequestPerLu = TRUE;
    StorPortInitialize(DriverObject, RegistryPath, (&raw mut Data).cast(), null_mut())
}

unsafe extern "C-unwind" fn HwFindAdapter<F: Form>(
    DeviceExtension: PVOID,
    _HwContext: PVOID,
    _BusInformation: PVOID,
    _LowerDevice: PVOID,
    _ArgumentString: PCHAR,
    ConfigInfo: PPORT_CONFIGURATION_INFORMATION,
    _Again: PBOOLEAN,
) -> ULONG {
    let Adapter: PADAPTER = DeviceExtension.cast();
    let Some(medium) = Machine::current().and_then(Medium::of) else { return SP_RETURN_NOT_FOUND };

    (*Adapter).Medium = Arc::as_ptr(&medium);
    KeInitializeSpinLock(&raw mut (*Adapter).Lock);
    InitializeListHead(&raw mut (*Adapter).Pending);
    InitializeListHead(&raw mut (*Adapter).Commands);
    KeInitializeSemaphore(&raw mut (*Adapter).Bell, 0, LONG::MAX);
    if !AllocateCommands(Adapter) {
        return SP_RETURN_ERROR;
    }
    F::Initialize(Adapter);
    (*ConfigInfo).VirtualDevice = TRUE;
    (*ConfigInfo).SynchronizationModel = StorSynchronizeFullDuplex;
    (*ConfigInfo).MaximumTransferLength = 16 << 10;
    (*ConfigInfo).NumberOfPhysicalBreaks = 5;
    (*ConfigInfo).MaximumNumberOfTargets = 1;
    SP_RETURN_FOUND
}

unsafe extern "C-unwind" fn HwInitialize<F: Form>(DeviceExtension: PVOID) -> BOOLEAN {
    StartBackend::<F>(DeviceExtension.cast())
}

unsafe fn StartBackend<F: Form>(Adapter: PADAPTER) -> BOOLEAN {
    let mut Thread: HANDLE = null_mut();

    (*Adapter).Ending.set(0);
    let Context = Adapter.cast();
    let Routine = Some(Backend::<F> as unsafe extern "C-unwind" fn(PVOID));
    let Status =
        PsCreateSystemThread(&raw mut Thread, 0, null_mut(), null_mut(), null_mut(), Routine, Context);
    if !NT_SUCCESS(Status) {
        return FALSE;
    }
    let Object = &raw mut (*Adapter).Thread;
    ObReferenceObjectByHandle(Thread, 0, null_mut(), KernelMode, Object, null_mut());
    ZwClose(Thread);
    TRUE
}

unsafe fn StopBackend(Adapter: PADAPTER) {
    if (*Adapter).Thread.is_null() {
        return;
    }
    (*Adapter).Ending.write_release(1);
    KeReleaseSemaphore(&raw mut (*Adapter).Bell, 0, 1, FALSE);
    KeWaitForSingleObject((*Adapter).Thread, Executive, KernelMode, FALSE, null_mut());
    ObDereferenceObject((*Adapter).Thread);
    (*Adapter).Thread = null_mut();
}

/// The thread that is the backend.
unsafe extern "C-unwind" fn Backend<F: Form>(Context: PVOID) {
    let Adapter: PADAPTER = Context.cast();

    loop {
        let Bell = (&raw mut (*Adapter).Bell).cast();
        KeWaitForSingleObject(Bell, Executive, KernelMode, FALSE, null_mut());
        if (*Adapter).Ending.read_acquire() != 0 {
            break;
        }
        F::Work(Adapter);
    }
    PsTerminateSystemThread(STATUS_SUCCESS);
}

/// Reads and writes are for the backend, all else is done here.
unsafe extern "C-unwind" fn HwStartIo<F: Form>(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    let Adapter: PADAPTER = DeviceExtension.cast();

    if MovesBlocks(Srb) {
        F::StartIo(Adapter, Srb);
    } else if (*Srb).Function != SRB_FUNCTION_EXECUTE_SCSI {
        Complete(Adapter, Srb, SRB_STATUS_INVALID_REQUEST);
    } else if (*Srb).TargetId != 0 {
        Complete(Adapter, Srb, SRB_STATUS_NO_DEVICE);
    } else {
        F::Other(Adapter, Srb);
        F::Executed(Adapter, Srb);
        StorPortNotification(RequestComplete, DeviceExtension, Srb);
    }
    TRUE
}

unsafe extern "C-unwind" fn HwResetBus<F: Form>(DeviceExtension: PVOID, _PathId: ULONG) -> BOOLEAN {
    F::ResetBus(DeviceExtension.cast());
    TRUE
}

unsafe extern "C-unwind" fn HwAdapterControl<F: Form>(
    DeviceExtension: PVOID,
    ControlType: SCSI_ADAPTER_CONTROL_TYPE,
    Parameters: PVOID,
) -> SCSI_ADAPTER_CONTROL_STATUS {
    let Adapter: PADAPTER = DeviceExtension.cast();

    match ControlType {
        ScsiQuerySupportedControlTypes => {
            let List: *mut SCSI_SUPPORTED_CONTROL_TYPE_LIST = Parameters.cast();
            let Supported = (&raw mut (*List).SupportedTypeList).cast::<BOOLEAN>();
            for Type in [ScsiQuerySupportedControlTypes, ScsiStopAdapter, ScsiRestartAdapter] {
                if (Type as ULONG) < (*List).MaxControlType {
                    *Supported.add(Type as usize) = TRUE;
                }
            }
            ScsiAdapterControlSuccess
        }
        ScsiStopAdapter => {
            StopBackend(Adapter);
            ScsiAdapterControlSuccess
        }
        ScsiRestartAdapter if StartBackend::<F>(Adapter) != FALSE => ScsiAdapterControlSuccess,
        _ => ScsiAdapterControlUnsuccessful,
    }
}

unsafe extern "C-unwind" fn HwUnitControl<F: Form>(
    DeviceExtension: PVOID,
    ControlType: SCSI_UNIT_CONTROL_TYPE,
    Parameters: PVOID,
) -> SCSI_UNIT_CONTROL_STATUS {
    match ControlType {
        ScsiQuerySupportedUnitControlTypes => {
            let List: *mut SCSI_SUPPORTED_CONTROL_TYPE_LIST = Parameters.cast();
            let Supported = (&raw mut (*List).SupportedTypeList).cast::<BOOLEAN>();
            for Type in [ScsiQuerySupportedUnitControlTypes, ScsiUnitSurpriseRemoval] {
                if (Type as ULONG) < (*List).MaxControlType {
                    *Supported.add(Type as usize) = TRUE;
                }
            }
        }
        ScsiUnitSurpriseRemoval => {
            F::UnitRemoved(DeviceExtension.cast(), (*Parameters.cast::<STOR_ADDR_BTL8>()).Lun);
        }
        _ => return ScsiUnitControlUnsuccessful,
    }
    ScsiUnitControlSuccess
}

unsafe extern "C-unwind" fn HwFreeAdapterResources<F: Form>(DeviceExtension: PVOID) {
    StopBackend(DeviceExtension.cast());
    F::Free(DeviceExtension.cast());
    DeleteCommands(DeviceExtension.cast());
}

unsafe extern "C-unwind" fn HwProcessServiceRequest<F: Form>(DeviceExtension: PVOID, Irp: PVOID) {
    F::ServiceRequest(DeviceExtension.cast(), Irp.cast());
}

unsafe extern "C-unwind" fn HwCompleteServiceIrp<F: Form>(DeviceExtension: PVOID) {
    F::EndServiceRequests(DeviceExtension.cast());
}

/// Completes an SRB, which is in no list.
pub(in super::super) unsafe fn Complete(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK, Status: UCHAR) {
    (*Srb).SrbStatus = Status;
    StorPortNotification(RequestComplete, Adapter.cast(), Srb);
}

/// Whether the backend has gone away, and will not come back.
pub(in super::super) unsafe fn BackendIsGone(Adapter: PADAPTER) -> bool {
    (*(*Adapter).Medium).is_gone()
}

/// Whether units have come or gone since this was last asked.
pub(in super::super) unsafe fn UnitsHaveChanged(Adapter: PADAPTER) -> bool {
    let Medium = &*(*Adapter).Medium;
    std::iter::from_fn(|| Medium.take_change()).count() != 0
}
