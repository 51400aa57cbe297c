//! Questions of the class driver's own to a unit: one command with a little data in, and its end waited for.
//!
//! From a thread at PASSIVE_LEVEL. Invariant: the answer is the unit's or nothing; a command that was not
//! understood is `None`, as is one without an answer.

#![expect(unsafe_code, reason = "fills and reads IRPs and SRBs in driver memory")]

use crate::ddi::{
    SRB_FLAGS_DATA_IN, SRB_FLAGS_NO_QUEUE_FREEZE, SRB_FUNCTION_EXECUTE_SCSI, SRB_STATUS,
    SRB_STATUS_DATA_OVERRUN, SRB_STATUS_ERROR, SRB_STATUS_SUCCESS, SrbAssignSrbFlags, SrbGetCdb,
    SrbGetSrbStatus, SrbRoom, SrbSetCdbLength, SrbSetDataBuffer, SrbSetDataTransferLength,
    SrbSetSenseInfoBuffer, SrbSetSenseInfoBufferLength, SrbSetTimeOutValue, set_function,
};
use kernel_sim::ddi::{
    Executive, FALSE, IRP_MJ_SCSI, IoAllocateIrp, IoCallDriver, IoFreeIrp, IoGetNextIrpStackLocation,
    IoSetCompletionRoutine, KEVENT, KeInitializeEvent, KeSetEvent, KeWaitForSingleObject, KernelMode, MDL,
    MDL_SOURCE_IS_NONPAGED_POOL, NTSTATUS, NotificationEvent, PDEVICE_OBJECT, PIRP, PVOID,
    STATUS_MORE_PROCESSING_REQUIRED,
};
use kernel_sim::machine::Machine;
use std::ptr::null_mut;

/// Seconds the question may take.
const TIMEOUT_S: u32 = 10;
/// How often it is asked while the answer is an error: a unit may have something to say first.
const TRIES: u32 = 4;
/// Bytes of sense data there is room for.
const SENSE_BYTES: usize = 64;
/// Bytes of an answer there is room for.
const ANSWER_BYTES: usize = 64;

/// The data a unit returned; the bytes it did not send are zero.
pub(super) type Answer = [u8; ANSWER_BYTES];

/// One question and its answer, in the machine's memory.
#[repr(C)]
struct Room {
    srb: SrbRoom,
    mdl: MDL,
    event: KEVENT,
    sense: [u8; SENSE_BYTES],
    data: Answer,
}

/// Asks the unit `lower` for `bytes` bytes, at most [`ANSWER_BYTES`].
pub(super) fn ask(
    machine: &Machine,
    lower: PDEVICE_OBJECT,
    is_extended: bool,
    cdb: &[u8],
    bytes: u32,
) -> Option<Answer> {
    let room: *mut Room = machine.allocate_system(size_of::<Room>()).cast();
    if room.is_null() {
        return None;
    }
    // SAFETY: our own block and a live device object; blocks until the SRB is back.
    let answer = unsafe { send(lower, room, is_extended, cdb, bytes.min(ANSWER_BYTES as u32)) };
    machine.free_system(room.cast());
    answer
}

/// Sends one command in an IRP of our own and waits; the data, if it succeeded.
unsafe fn send(
    lower: PDEVICE_OBJECT,
    room: *mut Room,
    is_extended: bool,
    cdb: &[u8],
    bytes: u32,
) -> Option<Answer> {
    for _ in 0..TRIES {
        // SAFETY: our block and live device, as `ask` passed them.
        match unsafe { send_once(lower, room, is_extended, cdb, bytes)? } {
            SRB_STATUS_SUCCESS | SRB_STATUS_DATA_OVERRUN => {
                // SAFETY: the SRB is back, so the block is ours alone.
                return Some(unsafe { (*room).data });
            }
            SRB_STATUS_ERROR => {}
            _ => return None,
        }
    }
    None
}

unsafe fn send_once(
    lower: PDEVICE_OBJECT,
    room: *mut Room,
    is_extended: bool,
    cdb: &[u8],
    bytes: u32,
) -> Option<u8> {
    // SAFETY: our own block, a live device object, and an IRP that we allocate and free.
    unsafe {
        room.write_bytes(0, 1);
        let q = &mut *room;
        let srb = SrbRoom::prepare(&raw mut q.srb, is_extended);
        let data: PVOID = (&raw mut q.data).cast();
        set_function(srb, SRB_FUNCTION_EXECUTE_SCSI);
        SrbAssignSrbFlags(srb, SRB_FLAGS_DATA_IN | SRB_FLAGS_NO_QUEUE_FREEZE);
        SrbSetCdbLength(srb, cdb.len() as u8);
        SrbGetCdb(srb).copy_from_nonoverlapping(cdb.as_ptr(), cdb.len());
        SrbSetDataBuffer(srb, data);
        SrbSetDataTransferLength(srb, bytes);
        SrbSetSenseInfoBuffer(srb, (&raw mut q.sense).cast());
        SrbSetSenseInfoBufferLength(srb, SENSE_BYTES as u8);
        SrbSetTimeOutValue(srb, TIMEOUT_S);
        q.mdl.MdlFlags = MDL_SOURCE_IS_NONPAGED_POOL;
        q.mdl.StartVa = data;
        q.mdl.MappedSystemVa = data;
        q.mdl.ByteCount = bytes;
        KeInitializeEvent(&raw mut q.event, NotificationEvent, FALSE);
        let irp = IoAllocateIrp((*lower).StackSize, FALSE);
        if irp.is_null() {
            return None;
        }
        (*irp).MdlAddress = &raw mut q.mdl;
        let next = &mut *IoGetNextIrpStackLocation(irp);
        next.MajorFunction = IRP_MJ_SCSI as u8;
        next.Parameters.Scsi.Srb = srb;
        IoSetCompletionRoutine(irp, Some(answered), (&raw mut q.event).cast(), true, true, true);
        let _ = IoCallDriver(lower, irp);
        KeWaitForSingleObject((&raw mut q.event).cast(), Executive, KernelMode, FALSE, null_mut());
        (*irp).MdlAddress = null_mut();
        IoFreeIrp(irp);
        Some(SRB_STATUS(SrbGetSrbStatus(srb)))
    }
}

/// The answer is here; `send_once` frees the IRP.
unsafe extern "C-unwind" fn answered(_device: PDEVICE_OBJECT, _irp: PIRP, event: PVOID) -> NTSTATUS {
    // SAFETY: the context is the event that `send_once` waits for.
    unsafe { KeSetEvent(event.cast(), 0, FALSE) };
    STATUS_MORE_PROCESSING_REQUIRED
}
