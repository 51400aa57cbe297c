//! How big a disk is: READ CAPACITY(16), or (10) where that is not understood.

use super::packet::SENSE_BYTES;
use crate::ddi::{
    SRB_FLAGS_DATA_IN, SRB_FLAGS_NO_QUEUE_FREEZE, SRB_FUNCTION_EXECUTE_SCSI, SRB_STATUS,
    SRB_STATUS_DATA_OVERRUN, SRB_STATUS_ERROR, SRB_STATUS_SUCCESS, SrbAssignSrbFlags, SrbGetCdb,
    SrbGetSrbStatus, SrbRoom, SrbSetCdbLength, SrbSetDataBuffer, SrbSetDataTransferLength,
    SrbSetSenseInfoBuffer, SrbSetSenseInfoBufferLength, SrbSetTimeOutValue, set_function,
};
use crate::scsi::{Opcode, ReadCapacity10Data, ReadCapacity16, ReadCapacity16Data, Rw10};
use kernel_sim::ddi::{
    Executive, FALSE, IRP_MJ_SCSI, IoAllocateIrp, IoCallDriver, IoFreeIrp, IoGetNextIrpStackLocation,
    IoSetCompletionRoutine, KEVENT, KeInitializeEvent, KeSetEvent, KeWaitForSingleObject, KernelMode, MDL,
    MDL_SOURCE_IS_NONPAGED_POOL, NTSTATUS, NotificationEvent, PDEVICE_OBJECT, PIRP, PVOID,
    STATUS_MORE_PROCESSING_REQUIRED,
};
use kernel_sim::machine::Machine;
use std::ptr::null_mut;
use zerocopy::{FromBytes, IntoBytes};

/// Seconds the question may take.
const TIMEOUT_S: u32 = 10;
/// How often it is asked while the answer is an error: a unit may have something to say first.
const TRIES: u32 = 4;

/// Size of a disk.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Capacity {
    pub blocks: u64,
    /// A power of two, at least 512.
    pub block_bytes: u32,
}

impl Capacity {
    pub(super) fn bytes(self) -> u64 {
        self.blocks.saturating_mul(u64::from(self.block_bytes))
    }
}

/// One question and its answer, in the machine's memory.
#[repr(C)]
struct Question {
    srb: SrbRoom,
    mdl: MDL,
    event: KEVENT,
    sense: [u8; SENSE_BYTES],
    data: [u8; 32],
}

/// Asks the unit below; `None` if it does not say anything that makes sense. PASSIVE_LEVEL.
pub(super) fn ask(machine: &Machine, lower: PDEVICE_OBJECT, is_extended: bool) -> Option<Capacity> {
    let question: *mut Question = machine.allocate_system(size_of::<Question>()).cast();
    if question.is_null() {
        return None;
    }
    // SAFETY: our own block and a live device object; blocks until the SRB is back.
    let capacity = unsafe {
        let long = send(lower, question, is_extended, ReadCapacity16::new(32).as_bytes())
            .and_then(|data| ReadCapacity16Data::read_from_bytes(&data).ok())
            .and_then(|data| checked(data.last_block.get(), data.block_length.get()));
        long.or_else(|| {
            let cdb = Rw10::new(Opcode::READ_CAPACITY_10, 0, 0);
            let data = send(lower, question, is_extended, cdb.as_bytes())?;
            let (data, _) = ReadCapacity10Data::read_from_prefix(&data).ok()?;
            checked(data.last_block.get().into(), data.block_length.get())
        })
    };
    machine.free_system(question.cast());
    capacity
}

fn checked(last_block: u64, block_bytes: u32) -> Option<Capacity> {
    let blocks = last_block.checked_add(1)?;
    (block_bytes.is_power_of_two() && block_bytes >= 512).then_some(Capacity { blocks, block_bytes })
}

/// Sends one command in an IRP of our own and waits; the data, if it succeeded.
unsafe fn send(
    lower: PDEVICE_OBJECT,
    question: *mut Question,
    is_extended: bool,
    cdb: &[u8],
) -> Option<[u8; 32]> {
    for _ in 0..TRIES {
        // SAFETY: forwarded from the caller.
        match unsafe { send_once(lower, question, is_extended, cdb)? } {
            SRB_STATUS_SUCCESS | SRB_STATUS_DATA_OVERRUN => {
                // SAFETY: the SRB is back, so the block is ours alone.
                return Some(unsafe { (*question).data });
            }
            SRB_STATUS_ERROR => {}
            _ => return None,
        }
    }
    None
}

unsafe fn send_once(
    lower: PDEVICE_OBJECT,
    question: *mut Question,
    is_extended: bool,
    cdb: &[u8],
) -> Option<u8> {
    // SAFETY: our own block, a live device object, and an IRP that we allocate and free.
    unsafe {
        question.write_bytes(0, 1);
        let q = &mut *question;
        let srb = SrbRoom::prepare(&raw mut q.srb, is_extended);
        let data: PVOID = (&raw mut q.data).cast();
        set_function(srb, SRB_FUNCTION_EXECUTE_SCSI);
        SrbAssignSrbFlags(srb, SRB_FLAGS_DATA_IN | SRB_FLAGS_NO_QUEUE_FREEZE);
        SrbSetCdbLength(srb, cdb.len() as u8);
        SrbGetCdb(srb).copy_from_nonoverlapping(cdb.as_ptr(), cdb.len());
        SrbSetDataBuffer(srb, data);
        SrbSetDataTransferLength(srb, q.data.len() as u32);
        SrbSetSenseInfoBuffer(srb, (&raw mut q.sense).cast());
        SrbSetSenseInfoBufferLength(srb, SENSE_BYTES as u8);
        SrbSetTimeOutValue(srb, TIMEOUT_S);
        q.mdl.MdlFlags = MDL_SOURCE_IS_NONPAGED_POOL;
        q.mdl.StartVa = data;
        q.mdl.MappedSystemVa = data;
        q.mdl.ByteCount = q.data.len() as u32;
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

/// The answer is here; whoever asked frees the IRP.
unsafe extern "C-unwind" fn answered(_device: PDEVICE_OBJECT, _irp: PIRP, event: PVOID) -> NTSTATUS {
    // SAFETY: the context is the event that `send_once` waits for.
    unsafe { KeSetEvent(event.cast(), 0, FALSE) };
    STATUS_MORE_PROCESSING_REQUIRED
}
