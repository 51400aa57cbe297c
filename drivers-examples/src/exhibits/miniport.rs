//! Exhibits that need SRBs: one virtual miniport at layer 1, with one routine exchanged in each.
//!
//! It executes every SRB inside HwStorStartIo; an exhibit says what happens between that and RequestComplete.
//! Invariant: but for that routine nothing here is wrong.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(non_snake_case, reason = "the documented WDK names")]

use kernel_sim::machine::Machine;
use std::ptr::null_mut;
use std::sync::Arc;
use storport_sim::Medium;
use storport_sim::ddi::*;
use storport_sim::disk::DataPhase;
use storport_sim::scsi::{Lun, SenseFormat};

/// The adapter.
#[repr(C)]
struct Extension {
    /// Owned by the machine.
    Medium: *const Medium,
}

/// Declares the entry points of exhibits: `name: routine`, which is called with an SRB that was executed.
macro_rules! exhibits {
    ($($(#[$doc:meta])* $entry:ident: $finish:path;)+) => {$(
        $(#[$doc])*
        ///
        /// # Safety
        /// Called by the I/O manager with its own arguments.
        pub unsafe extern "C-unwind" fn $entry(Driver: PDRIVER_OBJECT, Path: PUNICODE_STRING) -> NTSTATUS {
            unsafe extern "C-unwind" fn HwStartIo(Extension: PVOID, Srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
                // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now.
                unsafe {
                    Execute(Extension, Srb);
                    $finish(Extension, Srb);
                    StorPortNotification(RequestComplete, Extension, Srb);
                }
                TRUE
            }
            // SAFETY: the I/O manager passes a live driver object and the path of its registry key.
            unsafe { Register(Driver, Path, Some(HwStartIo)) }
        }
    )+};
}

exhibits! {
    /// Completes requests that still say SRB_STATUS_PENDING.
    status_pending: SaysPending;
    /// Sets a flag bit beside the final status.
    status_pending_frozen: SaysFrozen;
    /// Takes StartIoLock twice.
    start_io_lock_twice: TakesTwice;
    /// Takes StartIoLock, gives it back, and takes it again.
    start_io_lock_again: TakesAgain;
}

/// Whether it is a read or write; what a scan sends is answered right.
unsafe fn MovesBlocks(Srb: PSCSI_REQUEST_BLOCK) -> bool {
    // SAFETY: the SRB is the miniport's.
    unsafe {
        (*Srb).Function == SRB_FUNCTION_EXECUTE_SCSI && matches!((*Srb).Cdb[0], 0x28 | 0x2A | 0x88 | 0x8A)
    }
}

unsafe fn SaysPending(_Extension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    // SAFETY: the SRB is the miniport's.
    unsafe {
        if MovesBlocks(Srb) {
            (*Srb).SrbStatus = SRB_STATUS_PENDING; // Wrong: it goes back like this.
        }
    }
}

unsafe fn SaysFrozen(_Extension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    // SAFETY: the SRB is the miniport's.
    unsafe {
        if MovesBlocks(Srb) {
            (*Srb).SrbStatus |= SRB_STATUS_QUEUE_FROZEN;
        }
    }
}

unsafe fn TakesTwice(Extension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    // SAFETY: the extension is the adapter's; the handles live on this stack until both locks are given back.
    unsafe {
        if !MovesBlocks(Srb) {
            return;
        }
        let (mut Outer, mut Inner): (STOR_LOCK_HANDLE, STOR_LOCK_HANDLE) = std::mem::zeroed();
        StorPortAcquireSpinLock(Extension, StartIoLock, null_mut(), &raw mut Outer);
        StorPortAcquireSpinLock(Extension, StartIoLock, null_mut(), &raw mut Inner); // Wrong.
        StorPortReleaseSpinLock(Extension, &raw mut Inner);
        StorPortReleaseSpinLock(Extension, &raw mut Outer);
    }
}

unsafe fn TakesAgain(Extension: PVOID, _Srb: PSCSI_REQUEST_BLOCK) {
    // SAFETY: the extension is the adapter's; the handle lives on this stack until the lock is given back.
    unsafe {
        for _ in 0..2 {
            let mut Handle: STOR_LOCK_HANDLE = std::mem::zeroed();
            StorPortAcquireSpinLock(Extension, StartIoLock, null_mut(), &raw mut Handle);
            StorPortReleaseSpinLock(Extension, &raw mut Handle);
        }
    }
}

unsafe fn Register(Driver: PDRIVER_OBJECT, Path: PUNICODE_STRING, StartIo: PHW_STARTIO) -> NTSTATUS {
    let mut Data = VIRTUAL_HW_INITIALIZATION_DATA::zeroed();
    Data.HwInitializationDataSize = size_of::<VIRTUAL_HW_INITIALIZATION_DATA>() as ULONG;
    Data.AdapterInterfaceType = Internal;
    Data.HwFindAdapter = Some(HwFindAdapter);
    Data.HwInitialize = Some(HwInitialize);
    Data.HwStartIo = StartIo;
    Data.HwResetBus = Some(HwResetBus);
    Data.HwAdapterControl = Some(HwAdapterControl);
    Data.DeviceExtensionSize = size_of::<Extension>() as ULONG;
    Data.MapBuffers = STOR_MAP_NON_READ_WRITE_BUFFERS;
    Data.TaggedQueuing = TRUE;
    Data.AutoRequestSense = TRUE;
    Data.MultipleRequestPerLu = TRUE;
    // SAFETY: the I/O manager passes a live driver object and the path of its registry key.
    unsafe { StorPortInitialize(Driver, Path, (&raw mut Data).cast(), null_mut()) }
}

unsafe extern "C-unwind" fn HwFindAdapter(
    DeviceExtension: PVOID,
    _HwContext: PVOID,
    _BusInformation: PVOID,
    _LowerDevice: PVOID,
    _ArgumentString: PCHAR,
    ConfigInfo: PPORT_CONFIGURATION_INFORMATION,
    _Again: PBOOLEAN,
) -> ULONG {
    // SAFETY: Storport passes the adapter's live extension.
    unsafe {
        let Some(medium) = Machine::current().and_then(Medium::of) else { return SP_RETURN_NOT_FOUND };
        (*DeviceExtension.cast::<Extension>()).Medium = Arc::as_ptr(&medium);
        (*ConfigInfo).VirtualDevice = TRUE;
        (*ConfigInfo).MaximumTransferLength = 64 << 10;
        (*ConfigInfo).MaximumNumberOfTargets = 1;
    }
    SP_RETURN_FOUND
}

unsafe extern "C-unwind" fn HwInitialize(_DeviceExtension: PVOID) -> BOOLEAN {
    TRUE
}

unsafe extern "C-unwind" fn HwResetBus(_DeviceExtension: PVOID, _PathId: ULONG) -> BOOLEAN {
    TRUE
}

unsafe extern "C-unwind" fn HwAdapterControl(
    _DeviceExtension: PVOID,
    _ControlType: SCSI_ADAPTER_CONTROL_TYPE,
    _Parameters: PVOID,
) -> SCSI_ADAPTER_CONTROL_STATUS {
    ScsiAdapterControlSuccess
}

/// Executes an SRB on the medium and fills in how it ended.
unsafe fn Execute(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) {
    // SAFETY: Storport passes the adapter's live extension and an SRB that this miniport has now; the SRB and
    // what it names are the miniport's until RequestComplete.
    unsafe {
        let s = &mut *Srb;
        if s.Function != SRB_FUNCTION_EXECUTE_SCSI {
            s.SrbStatus = SRB_STATUS_INVALID_REQUEST;
            return;
        }
        if s.TargetId != 0 {
            s.SrbStatus = SRB_STATUS_NO_DEVICE;
            return;
        }
        let mut Address = null_mut();
        if s.DataTransferLength != 0 {
            StorPortGetSystemAddress(DeviceExtension, Srb, &raw mut Address);
        }
        let length = s.DataTransferLength as usize;
        let data = match s.SrbFlags & SRB_FLAGS_UNSPECIFIED_DIRECTION {
            SRB_FLAGS_DATA_IN => DataPhase::In(std::slice::from_raw_parts_mut(Address.cast(), length)),
            SRB_FLAGS_DATA_OUT => DataPhase::Out(std::slice::from_raw_parts(Address.cast(), length)),
            _ => DataPhase::None,
        };
        let medium = &*(*DeviceExtension.cast::<Extension>()).Medium;
        let Some(lun) = Lun::new(s.Lun.into()) else {
            s.SrbStatus = SRB_STATUS_INVALID_LUN;
            return;
        };
        let done = medium.execute(lun, &s.Cdb[..s.CdbLength.into()], data);
        s.ScsiStatus = done.status.0;
        match done.sense {
            Some(sense) => {
                let room = (s.SenseInfoBuffer.cast::<u8>(), s.SenseInfoBufferLength.into());
                let room = std::slice::from_raw_parts_mut(room.0, room.1);
                s.SenseInfoBufferLength = sense.render(SenseFormat::Fixed, room) as u8;
                s.SrbStatus = SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID;
            }
            None if done.transferred < length => {
                s.DataTransferLength = done.transferred as u32;
                s.SrbStatus = SRB_STATUS_DATA_OVERRUN;
            }
            None => s.SrbStatus = SRB_STATUS_SUCCESS,
        }
    }
}
