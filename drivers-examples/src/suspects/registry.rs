//! `suspect-registry`: a registry that always has what was once written to it.
//!
//! **What the driver does.** It has some queues, whose number stands in the registry: HwStorFindAdapter
//! writes the number to the adapter's parameters and reads it back, so that an administrator can look it up
//! there. Each request goes to the queue of its number, by remainder.
//!
//! **What goes wrong.** The read fails, and the buffer that StorPortAllocateRegistryBuffer has zeroed says
//! that there are no queues. The first request divides by it.
//!
//! **Why it is rare.** On the author's desk the value has been there since the driver was installed.
//!
//! **What Windows does.** The division faults: bug check 0x1E.
//!
//! **The near miss** looks what StorPortRegistryRead returned, and has a number of its own.
//!
//! **Found by** KMODE_EXCEPTION_NOT_HANDLED, with `--fault registry`, and in environments that are drawn so.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::miniport::{self, Execute, Routines};
use std::ptr::null_mut;
use storport_sim::ddi::*;

/// Queues, unless the registry says otherwise.
const QUEUES: ULONG = 4;
/// At most.
const QUEUES_MAX: usize = 16;

#[repr(C)]
struct Adapter {
    Base: miniport::Adapter,
    Queues: ULONG,
    Requests: LONG,
    /// Requests of each queue so far.
    Served: [LONG; QUEUES_MAX],
}
type PAdapter = *mut Adapter;

pub(super) unsafe extern "C-unwind" fn TrustingEntry(
    Driver: PDRIVER_OBJECT,
    Path: PUNICODE_STRING,
) -> NTSTATUS {
    Register::<false>(Driver, Path)
}

pub(super) unsafe extern "C-unwind" fn CarefulEntry(
    Driver: PDRIVER_OBJECT,
    Path: PUNICODE_STRING,
) -> NTSTATUS {
    Register::<true>(Driver, Path)
}

unsafe fn Register<const LOOKS: bool>(Driver: PDRIVER_OBJECT, Path: PUNICODE_STRING) -> NTSTATUS {
    let mut Data = Routines(Some(HwStartIo), size_of::<Adapter>());

    Data.HwFindAdapter = Some(HwFindAdapter::<LOOKS>);
    StorPortInitialize(Driver, Path, (&raw mut Data).cast(), null_mut())
}

unsafe extern "C-unwind" fn HwFindAdapter<const LOOKS: bool>(
    DeviceExtension: PVOID,
    HwContext: PVOID,
    BusInformation: PVOID,
    LowerDevice: PVOID,
    ArgumentString: PCHAR,
    ConfigInfo: PPORT_CONFIGURATION_INFORMATION,
    Again: PBOOLEAN,
) -> ULONG {
    let Adapter: PAdapter = DeviceExtension.cast();

    (*Adapter).Queues = ReadQueues::<LOOKS>(DeviceExtension);
    miniport::HwFindAdapter(
        DeviceExtension,
        HwContext,
        BusInformation,
        LowerDevice,
        ArgumentString,
        ConfigInfo,
        Again,
    )
}

/// Writes how many queues there are, and reads it back.
unsafe fn ReadQueues<const LOOKS: bool>(DeviceExtension: PVOID) -> ULONG {
    let mut Room = 2 * size_of::<ULONG>() as ULONG + 8;
    let mut Length = size_of::<ULONG>() as ULONG;
    let Buffer: *mut ULONG = StorPortAllocateRegistryBuffer(DeviceExtension, &raw mut Room).cast();

    if Buffer.is_null() {
        return QUEUES;
    }
    // The value to write, room for the one to read, and the name.
    let (Value, Name) = (Buffer.add(1), Buffer.add(2).cast::<UCHAR>());
    Name.copy_from_nonoverlapping(c"Queues".as_ptr().cast(), 7);
    *Buffer = QUEUES;
    StorPortRegistryWrite(DeviceExtension, Name, 1, MINIPORT_REG_DWORD, Buffer.cast(), Length);
    let Read =
        StorPortRegistryRead(DeviceExtension, Name, 1, MINIPORT_REG_DWORD, Value.cast(), &raw mut Length);
    // Wrong where it does not look: nothing may have been read.
    let Queues = if LOOKS && Read == FALSE { QUEUES } else { *Value };
    StorPortFreeRegistryBuffer(DeviceExtension, Buffer.cast());
    Queues.min(QUEUES_MAX as ULONG)
}

unsafe extern "C-unwind" fn HwStartIo(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN {
    let Adapter: PAdapter = DeviceExtension.cast();
    let Number = InterlockedIncrement(&raw mut (*Adapter).Requests) as ULONG;
    let Queue = Number % (*Adapter).Queues;

    InterlockedIncrement(&raw mut (*Adapter).Served[Queue as usize]);
    Execute(DeviceExtension, Srb);
    StorPortNotification(RequestComplete, DeviceExtension, Srb);
    TRUE
}
