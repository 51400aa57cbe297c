//! The smallest virtual miniport, at layer 1: every SRB is executed and completed inside HwStorStartIo.
#![expect(non_snake_case, reason = "the documented WDK names")]

use kernel_sim::machine::Machine;
use std::ptr::null_mut;
use std::sync::Arc;
use storport_sim::Medium;
use storport_sim::ddi::*;
use storport_sim::disk::DataPhase;
use storport_sim::scsi::Lun;

#[repr(C)]
pub struct Extension {
    /// Owned by the machine.
    medium: *const Medium,
    /// For the form of the driver that completes in a DPC.
    dpc: KDPC,
    lock: KSPIN_LOCK,
    kept: LIST_ENTRY,
}

/// What the form that completes in a DPC keeps of a request: the SRB's extension.
#[repr(C)]
struct Kept {
    entry: LIST_ENTRY,
    srb: PSCSI_REQUEST_BLOCK,
}

/// DriverEntry of the driver as it should be.
pub unsafe extern "C-unwind" fn entry(driver: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
    // SAFETY: the I/O manager passes a live driver object and the path of its registry key.
    unsafe { register(driver, path, |_| {}) }
}

/// DriverEntry of a form that keeps every request and completes it in a DPC of its own, on the last
/// processor.
pub unsafe extern "C-unwind" fn entry_that_completes_in_a_dpc(
    driver: PDRIVER_OBJECT,
    path: PUNICODE_STRING,
) -> NTSTATUS {
    // SAFETY: the I/O manager passes a live driver object and the path of its registry key.
    unsafe {
        register(driver, path, |data| {
            data.HwInitialize = Some(InitializeDpc);
            data.HwStartIo = Some(KeepForDpc);
        })
    }
}

unsafe extern "C-unwind" fn InitializeDpc(extension: PVOID) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension.
    unsafe {
        let e = &mut *extension.cast::<Extension>();
        KeInitializeSpinLock(&raw mut e.lock);
        InitializeListHead(&raw mut e.kept);
        KeInitializeDpc(&raw mut e.dpc, Some(CompleteKept), extension);
        let last = KeQueryActiveProcessorCount(null_mut()) - 1;
        KeSetTargetProcessorDpc(&raw mut e.dpc, last as CCHAR);
    }
    TRUE
}

unsafe extern "C-unwind" fn KeepForDpc(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now; the SRB
    // extension is ours with the SRB.
    unsafe {
        let e = extension.cast::<Extension>();
        let kept = (*srb).SrbExtension.cast::<Kept>();
        (*kept).srb = srb;
        ExInterlockedInsertTailList(&raw mut (*e).kept, kept.cast(), &raw mut (*e).lock);
        KeInsertQueueDpc(&raw mut (*e).dpc, null_mut(), null_mut());
    }
    TRUE
}

unsafe extern "C-unwind" fn CompleteKept(_dpc: PKDPC, extension: PVOID, _a1: PVOID, _a2: PVOID) {
    // SAFETY: the context is our extension; the list holds requests that are ours.
    unsafe {
        let e = extension.cast::<Extension>();
        loop {
            let kept = ExInterlockedRemoveHeadList(&raw mut (*e).kept, &raw mut (*e).lock).cast::<Kept>();
            if kept.is_null() {
                break;
            }
            let srb = (*kept).srb;
            execute(extension, srb);
            StorPortNotification(RequestComplete, extension, srb);
        }
    }
}

/// Registers the driver after `change` has had its way with the structure.
pub unsafe fn register(
    driver: PDRIVER_OBJECT,
    path: PUNICODE_STRING,
    change: impl FnOnce(&mut VIRTUAL_HW_INITIALIZATION_DATA),
) -> NTSTATUS {
    let mut data = VIRTUAL_HW_INITIALIZATION_DATA::zeroed();
    data.HwInitializationDataSize = size_of::<VIRTUAL_HW_INITIALIZATION_DATA>() as ULONG;
    data.AdapterInterfaceType = Internal;
    data.HwFindAdapter = Some(HwFindAdapter);
    data.HwInitialize = Some(HwInitialize);
    data.HwStartIo = Some(HwStartIo);
    data.HwResetBus = Some(HwResetBus);
    data.HwAdapterControl = Some(HwAdapterControl);
    data.DeviceExtensionSize = size_of::<Extension>() as ULONG;
    data.SrbExtensionSize = 64;
    data.SpecificLuExtensionSize = 16;
    data.MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
    data.TaggedQueuing = TRUE;
    data.AutoRequestSense = TRUE;
    data.MultipleRequestPerLu = TRUE;
    change(&mut data);
    // SAFETY: the driver object and the path are the I/O manager's, as the caller promises; it copies `data`.
    unsafe { StorPortInitialize(driver, path, (&raw mut data).cast(), null_mut()) }
}

unsafe extern "C-unwind" fn HwFindAdapter(
    extension: PVOID,
    _context: PVOID,
    _bus: PVOID,
    _lower: PVOID,
    _arguments: PCHAR,
    config: PPORT_CONFIGURATION_INFORMATION,
    _again: PBOOLEAN,
) -> ULONG {
    // SAFETY: Storport passes the adapter's live extension and a live configuration.
    unsafe {
        let Some(medium) = Medium::of(Machine::current().unwrap()) else { return SP_RETURN_NOT_FOUND };
        (*extension.cast::<Extension>()).medium = Arc::as_ptr(&medium);
        (*config).VirtualDevice = TRUE;
        (*config).MaximumTransferLength = 64 << 10;
        (*config).MaximumNumberOfTargets = 2;
    }
    SP_RETURN_FOUND
}

unsafe extern "C-unwind" fn HwInitialize(_extension: PVOID) -> BOOLEAN {
    TRUE
}

/// The driver's own spin lock.
pub fn lock_of(extension: PVOID) -> PKSPIN_LOCK {
    // SAFETY: the extension is the adapter's; only an address is taken.
    unsafe { &raw mut (*extension.cast::<Extension>()).lock }
}

/// Executes an SRB on the medium and fills in how it ended.
pub unsafe fn execute(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now; the SRB is
    // ours.
    unsafe {
        let s = &mut *srb;
        if s.Function != SRB_FUNCTION_EXECUTE_SCSI {
            s.SrbStatus = SRB_STATUS_INVALID_REQUEST;
            return;
        }
        if s.TargetId != 0 {
            s.SrbStatus = SRB_STATUS_NO_DEVICE;
            return;
        }
        let medium = &*(*extension.cast::<Extension>()).medium;
        let mut address = null_mut();
        if s.DataTransferLength != 0 {
            assert_eq!(StorPortGetSystemAddress(extension, srb, &raw mut address), STOR_STATUS_SUCCESS);
        }
        let length = s.DataTransferLength as usize;
        let data = match s.SrbFlags & SRB_FLAGS_UNSPECIFIED_DIRECTION {
            SRB_FLAGS_DATA_IN => DataPhase::In(std::slice::from_raw_parts_mut(address.cast(), length)),
            SRB_FLAGS_DATA_OUT => DataPhase::Out(std::slice::from_raw_parts(address.cast(), length)),
            _ => DataPhase::None,
        };
        let lun = Lun::new(s.Lun.into()).unwrap();
        storport_sim::end_srb(srb.cast(), &medium.execute(lun, &s.Cdb[..s.CdbLength.into()], data));
    }
}

unsafe extern "C-unwind" fn HwStartIo(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
    unsafe {
        execute(extension, srb);
        StorPortNotification(RequestComplete, extension, srb);
    }
    TRUE
}

unsafe extern "C-unwind" fn HwResetBus(_extension: PVOID, _path: ULONG) -> BOOLEAN {
    TRUE
}

unsafe extern "C-unwind" fn HwAdapterControl(
    _extension: PVOID,
    kind: SCSI_ADAPTER_CONTROL_TYPE,
    parameters: PVOID,
) -> SCSI_ADAPTER_CONTROL_STATUS {
    if kind == ScsiQuerySupportedControlTypes {
        // SAFETY: Storport's list, with a flag for each type below its maximum.
        unsafe {
            let list = parameters.cast::<SCSI_SUPPORTED_CONTROL_TYPE_LIST>();
            let flags = (&raw mut (*list).SupportedTypeList).cast::<BOOLEAN>();
            *flags.add(ScsiQuerySupportedControlTypes as usize) = TRUE;
            *flags.add(ScsiStopAdapter as usize) = TRUE;
        }
    }
    ScsiAdapterControlSuccess
}
