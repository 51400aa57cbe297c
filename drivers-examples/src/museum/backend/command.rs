//! Commands: a part of a request on its way to the backend and back, with a buffer of its own.
//!
//! Invariant: the backend touches the command and nothing of the SRB, which may have been completed by a
//! reset when it answers.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::*;
use std::slice::{from_raw_parts, from_raw_parts_mut};
use storport_sim::disk::{Completion, DataPhase};
use storport_sim::scsi::{Lun, ScsiStatus, SenseFormat};

const TAG: ULONG = u32::from_le_bytes(*b"Part");
const READ_10: u8 = 0x28;
const WRITE_10: u8 = 0x2A;
const READ_16: u8 = 0x88;
const WRITE_16: u8 = 0x8A;
/// Commands there are.
const COMMANDS: usize = 128;
/// Bytes of a block.
const BLOCK_BYTES: ULONG = 512;

#[repr(C)]
pub(in super::super) struct COMMAND {
    pub ListEntry: LIST_ENTRY,
    /// The number of the request it is a part of.
    pub Id: ULONGLONG,
    /// The request itself, for drivers that ask no list.
    pub Request: PREQUEST,
    pub IsWrite: bool,
    Lun: UCHAR,
    Block: ULONGLONG,
    /// Where its part of the request's data begins.
    pub Offset: ULONG,
    pub Bytes: ULONG,
    /// What the backend made of it; none if it is gone.
    Done: Option<Completion>,
    pub Buffer: [UCHAR; PART_BYTES as usize],
}

/// Whether an SRB is a read or write.
pub(in super::super) unsafe fn MovesBlocks(Srb: PSCSI_REQUEST_BLOCK) -> bool {
    (*Srb).Function == SRB_FUNCTION_EXECUTE_SCSI
        && matches!((*Srb).Cdb[0], READ_10 | WRITE_10 | READ_16 | WRITE_16)
}

/// The first block of a read or write.
unsafe fn FirstBlock(Srb: PSCSI_REQUEST_BLOCK) -> ULONGLONG {
    let Cdb = &(*Srb).Cdb;
    let Count = if matches!(Cdb[0], READ_10 | WRITE_10) { 4 } else { 8 };
    Cdb[2..2 + Count].iter().fold(0, |Block, Byte| Block << 8 | ULONGLONG::from(*Byte))
}

/// Lists the commands of a read or write; how many there are, 0 if too few are free. The
/// request of the SRB is ready to be entered.
pub(in super::super) unsafe fn BuildCommands(
    Adapter: PADAPTER,
    Srb: PSCSI_REQUEST_BLOCK,
    Parts: PLIST_ENTRY,
) -> LONG {
    let Request = RequestOf(Srb);
    let (mut Offset, mut Count, mut Data): (ULONG, LONG, PVOID) = (0, 0, null_mut());

    InitializeListHead(Parts);
    StorPortGetSystemAddress(Adapter.cast(), Srb, &raw mut Data);
    (*Request).Srb = Srb;
    (*Request).Data = Data.cast();
    (*Request).PartsLeft.set(0);
    (*Request).Failed.set(0);
    (*Request).Moved = ULONG::MAX;
    while Offset < (*Srb).DataTransferLength {
        let Command = TakeFree(Adapter);
        if Command.is_null() {
            FreeCommands(Adapter, Parts);
            return 0;
        }
        let Bytes = PART_BYTES.min((*Srb).DataTransferLength - Offset);
        (*Command).Request = Request;
        (*Command).IsWrite = (*Srb).SrbFlags & SRB_FLAGS_DATA_OUT != 0;
        (*Command).Lun = (*Srb).Lun;
        (*Command).Block = FirstBlock(Srb) + ULONGLONG::from(Offset / BLOCK_BYTES);
        (*Command).Offset = Offset;
        (*Command).Bytes = Bytes;
        if (*Command).IsWrite {
            let From = (*Request).Data.add(Offset as usize);
            From.copy_to_nonoverlapping((&raw mut (*Command).Buffer).cast(), Bytes as usize);
        }
        InsertTailList(Parts, &raw mut (*Command).ListEntry);
        Offset += Bytes;
        Count += 1;
    }
    Count
}

/// Allocates the commands there are. `false`: there is no memory for them.
pub(super) unsafe fn AllocateCommands(Adapter: PADAPTER) -> bool {
    InitializeListHead(&raw mut (*Adapter).FreeCommands);
    let Memory: *mut COMMAND =
        ExAllocatePool2(POOL_FLAG_NON_PAGED, COMMANDS * size_of::<COMMAND>(), TAG).cast();
    (*Adapter).CommandMemory = Memory.cast();
    if !Memory.is_null() {
        for n in 0..COMMANDS {
            InsertTailList(&raw mut (*Adapter).FreeCommands, &raw mut (*Memory.add(n)).ListEntry);
        }
    }
    !Memory.is_null()
}

/// All commands have been freed: gives their memory back.
pub(super) unsafe fn DeleteCommands(Adapter: PADAPTER) {
    if !(*Adapter).CommandMemory.is_null() {
        ExFreePoolWithTag((*Adapter).CommandMemory, TAG);
        (*Adapter).CommandMemory = null_mut();
    }
}

/// A command that is free; NULL if there is none.
unsafe fn TakeFree(Adapter: PADAPTER) -> *mut COMMAND {
    let (mut Irql, mut Command): (KIRQL, *mut COMMAND) = (0, null_mut());

    KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
    if !IsListEmpty(&raw const (*Adapter).FreeCommands) {
        Command = RemoveHeadList(&raw mut (*Adapter).FreeCommands).cast();
    }
    KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
    Command
}

pub(in super::super) unsafe fn FreeCommands(Adapter: PADAPTER, List: PLIST_ENTRY) {
    while !IsListEmpty(List) {
        FreeCommand(Adapter, RemoveHeadList(List).cast());
    }
}

pub(in super::super) unsafe fn FreeCommand(Adapter: PADAPTER, Command: *mut COMMAND) {
    let mut Irql: KIRQL = 0;

    KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
    InsertTailList(&raw mut (*Adapter).FreeCommands, &raw mut (*Command).ListEntry);
    KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
}

/// The backend takes its next command and executes it; NULL if there is none. A command takes effect while
/// the lock is held, or it is forgotten by a reset: none takes effect after its request was ended.
pub(in super::super) unsafe fn NextCommand(Adapter: PADAPTER) -> *mut COMMAND {
    let (mut Irql, mut Command): (KIRQL, *mut COMMAND) = (0, null_mut());

    KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
    if !IsListEmpty(&raw const (*Adapter).Commands) {
        Command = RemoveHeadList(&raw mut (*Adapter).Commands).cast();
        (*Command).Done = Execute(Adapter, Command);
    }
    KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
    Command
}

/// Executes a part at the medium.
unsafe fn Execute(Adapter: PADAPTER, Command: *mut COMMAND) -> Option<Completion> {
    let c = &mut *Command;
    let Medium = &*(*Adapter).Medium;
    let lun = Lun::new(c.Lun.into()).filter(|_| !Medium.is_gone())?;
    let mut Cdb = [0; 16];
    Cdb[0] = if c.IsWrite { WRITE_16 } else { READ_16 };
    Cdb[2..10].copy_from_slice(&c.Block.to_be_bytes());
    Cdb[10..14].copy_from_slice(&(c.Bytes / BLOCK_BYTES).to_be_bytes());
    let Data = &mut c.Buffer[..c.Bytes as usize];
    Some(Medium.execute(lun, &Cdb, if c.IsWrite { DataPhase::Out(Data) } else { DataPhase::In(Data) }))
}

/// The SRB status that an executed part comes to; the SRB gets SCSI status and sense data.
unsafe fn PartStatus(Srb: PSCSI_REQUEST_BLOCK, Command: *mut COMMAND) -> UCHAR {
    let Some(Done) = (*Command).Done else { return SRB_STATUS_NO_DEVICE };

    if let Some(sense) = Done.sense {
        let room = from_raw_parts_mut((*Srb).SenseInfoBuffer.cast(), (*Srb).SenseInfoBufferLength.into());
        (*Srb).SenseInfoBufferLength = sense.render(SenseFormat::Fixed, room) as u8;
        (*Srb).ScsiStatus = Done.status.0;
        return SRB_STATUS_ERROR | SRB_STATUS_AUTOSENSE_VALID;
    }
    if Done.status != ScsiStatus::GOOD {
        (*Srb).ScsiStatus = Done.status.0;
        return SRB_STATUS_ERROR;
    }
    if Done.transferred < (*Command).Bytes as usize { SRB_STATUS_DATA_OVERRUN } else { SRB_STATUS_SUCCESS }
}

/// Takes a part's answer over into its request, which is pending. The lock is held. Whether it was the last.
pub(in super::super) unsafe fn TakeOver(Request: PREQUEST, Command: *mut COMMAND) -> bool {
    match PartStatus((*Request).Srb, Command) {
        SRB_STATUS_SUCCESS if (*Command).IsWrite => {}
        SRB_STATUS_SUCCESS => {
            let To = (*Request).Data.add((*Command).Offset as usize);
            To.copy_from_nonoverlapping((&raw const (*Command).Buffer).cast(), (*Command).Bytes as usize);
        }
        // What comes before it may have failed, and then all is sent again.
        SRB_STATUS_DATA_OVERRUN => {
            (*Request).Moved = (*Request).Moved.min((*Command).Offset);
            if (*Request).Failed.get() == 0 {
                (*Request).Failed.set(SRB_STATUS_DATA_OVERRUN);
            }
        }
        Failed => (*Request).Failed.set(Failed),
    }
    let Left = (*Request).PartsLeft.get() - 1;
    (*Request).PartsLeft.set(Left);
    Left == 0
}

/// What the parts of a request come to.
pub(in super::super) unsafe fn StatusOf(Request: PREQUEST) -> UCHAR {
    match (*Request).Failed.get() {
        0 => SRB_STATUS_SUCCESS,
        Failed => Failed,
    }
}

/// Takes an answer over; the SRB to complete, if it was the last of its request, and its status. The lock is
/// held.
pub(in super::super) unsafe fn TakeLast(
    Request: PREQUEST,
    Command: *mut COMMAND,
) -> (PSCSI_REQUEST_BLOCK, UCHAR) {
    if !TakeOver(Request, Command) {
        return (null_mut(), 0);
    }
    RemoveEntryList(&raw mut (*Request).ListEntry);
    let Status = StatusOf(Request);
    if Status == SRB_STATUS_DATA_OVERRUN {
        (*(*Request).Srb).DataTransferLength = (*Request).Moved;
    }
    ((*Request).Srb, Status)
}

/// An answer of the backend's: looks its request up, and ends it with the last part.
pub(in super::super) unsafe fn Answered<F: Form + ?Sized>(Adapter: PADAPTER, Command: *mut COMMAND) {
    let (mut Irql, mut Srb, mut Status): (KIRQL, PSCSI_REQUEST_BLOCK, UCHAR) = (0, null_mut(), 0);

    KeAcquireSpinLock(&raw mut (*Adapter).Lock, &raw mut Irql);
    let Request = FindRequest(Adapter, (*Command).Id);
    if !Request.is_null() {
        (Srb, Status) = TakeLast(Request, Command);
    }
    KeReleaseSpinLock(&raw mut (*Adapter).Lock, Irql);
    FreeCommand(Adapter, Command);
    if !Srb.is_null() {
        F::End(Adapter, Srb, Status);
    }
}

/// Executes an SRB that is no read or write on the spot, as the parts of it that need no backend.
pub(in super::super) unsafe fn ExecuteOther(Adapter: PADAPTER, Srb: PSCSI_REQUEST_BLOCK) {
    let s = &mut *Srb;
    let mut Address: PVOID = null_mut();

    if s.DataTransferLength != 0 {
        StorPortGetSystemAddress(Adapter.cast(), Srb, &raw mut Address);
    }
    let length = s.DataTransferLength as usize;
    let data = match s.SrbFlags & SRB_FLAGS_UNSPECIFIED_DIRECTION {
        SRB_FLAGS_DATA_IN => DataPhase::In(from_raw_parts_mut(Address.cast(), length)),
        SRB_FLAGS_DATA_OUT => DataPhase::Out(from_raw_parts(Address.cast(), length)),
        _ => DataPhase::None,
    };
    let Medium = &*(*Adapter).Medium;
    let Some(lun) = Lun::new(s.Lun.into()).filter(|_| !Medium.is_gone()) else {
        s.SrbStatus = SRB_STATUS_NO_DEVICE;
        return;
    };
    storport_sim::end_srb(Srb.cast(), &Medium.execute(lun, &s.Cdb[..s.CdbLength.into()], data));
}
