//! The device: its extension, its interrupt, and the one command that it has at a time.
//!
//! The worker programs the device and waits; the interrupt service routine notes how the command ended, and
//! its DPC wakes the worker. Invariant: the device has a command exactly while `Device` says BUSY.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]
#![expect(unsafe_op_in_unsafe_fn, reason = "as in C: every routine works on raw pointers throughout")]

use super::*;
use crate::wdm_startio::device::{
    COMMAND_FLUSH, COMMAND_READ, COMMAND_WRITE, DEVICE_BUSY, DEVICE_GONE, DEVICE_IDLE, ERROR_WRITE_PROTECTED,
    INTERRUPT_DONE, register,
};

/// Sectors that are moved at once: longer requests go to the device in pieces.
const PIECE_SECTORS: ULONG = 4;
/// What `DeviceError` says of a command that was at the device when it was pulled out.
const ERROR_GONE: ULONG = ULONG::MAX;

/// The device extension. The I/O manager hands it out zeroed.
#[repr(C)]
pub(in super::super) struct DEVICE_EXTENSION {
    pub DeviceObject: PDEVICE_OBJECT,
    pub LowerDeviceObject: PDEVICE_OBJECT,
    pub Registers: PUCHAR,
    pub Interrupt: PKINTERRUPT,
    pub SectorBytes: ULONG,
    pub Sectors: ULONGLONG,
    /// Held by each request from its arrival to its completion.
    pub RemoveLock: IO_REMOVE_LOCK,

    /// Guards the queue, and `State` where it changes.
    pub Lock: KSPIN_LOCK,
    pub State: Shared<ULONG>,
    pub Queue: LIST_ENTRY,

    /// The worker, and what it waits for.
    pub Worker: PVOID,
    pub Bell: KSEMAPHORE,
    pub Ending: Shared<ULONG>,
    /// Pieces of the worker's request that are not done.
    pub PiecesLeft: Shared<ULONG>,

    /// What the device is at, and how its last command ended: of the interrupt.
    pub Device: Shared<ULONG>,
    pub DeviceError: Shared<ULONG>,
    pub CommandDone: KEVENT,
    /// The command for the device, written by the worker.
    pub Command: COMMAND,
}
pub(in super::super) type PDEVICE_EXTENSION = *mut DEVICE_EXTENSION;

#[repr(C)]
#[derive(Clone, Copy)]
pub(in super::super) struct COMMAND {
    Code: ULONG,
    Sector: ULONGLONG,
    Sectors: ULONG,
    Buffer: ULONGLONG,
}

pub(super) unsafe fn ReadRegister(Extension: PDEVICE_EXTENSION, Register: usize) -> ULONG {
    READ_REGISTER_ULONG((*Extension).Registers.add(Register).cast())
}

pub(super) unsafe fn WriteRegister(Extension: PDEVICE_EXTENSION, Register: usize, Value: ULONG) {
    WRITE_REGISTER_ULONG((*Extension).Registers.add(Register).cast(), Value);
}

/// Whole sectors, inside the disk, and described by an MDL.
pub(super) unsafe fn CheckTransfer(Extension: PDEVICE_EXTENSION, Irp: PIRP) -> NTSTATUS {
    let Stack = IoGetCurrentIrpStackLocation(Irp);
    let Transfer = (*Stack).Parameters.Read;
    let SectorBytes = (*Extension).SectorBytes;

    if (*Extension).State.read_acquire() != STARTED {
        return STATUS_DEVICE_NOT_READY;
    }
    if usize::from((*Stack).MajorFunction) == IRP_MJ_FLUSH_BUFFERS {
        return STATUS_SUCCESS;
    }
    let Offset = Transfer.ByteOffset.QuadPart as ULONGLONG;
    let Bytes = (*Extension).Sectors * ULONGLONG::from(SectorBytes);
    if Transfer.Length == 0
        || Transfer.Length % SectorBytes != 0
        || Offset % ULONGLONG::from(SectorBytes) != 0
    {
        return STATUS_INVALID_PARAMETER;
    }
    if Offset > Bytes || ULONGLONG::from(Transfer.Length) > Bytes - Offset {
        return STATUS_INVALID_PARAMETER;
    }
    if (*Irp).MdlAddress.is_null() || MmGetMdlByteCount((*Irp).MdlAddress) < Transfer.Length {
        return STATUS_INVALID_PARAMETER;
    }
    STATUS_SUCCESS
}

/// Has the device execute a request, piece by piece. It is gone when the last piece is done.
pub(super) unsafe fn Execute<F: Form>(Extension: PDEVICE_EXTENSION, Irp: PIRP) {
    let Stack = IoGetCurrentIrpStackLocation(Irp);
    let Transfer = (*Stack).Parameters.Read;

    if usize::from((*Stack).MajorFunction) == IRP_MJ_FLUSH_BUFFERS {
        (*Irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_SUCCESS, 0);
        (*Extension).PiecesLeft.set(1);
        ExecutePiece(Extension, Irp, COMMAND { Code: COMMAND_FLUSH, Sector: 0, Sectors: 0, Buffer: 0 });
        F::PieceDone(Extension, Irp);
        return;
    }
    let Code = if usize::from((*Stack).MajorFunction) == IRP_MJ_READ { COMMAND_READ } else { COMMAND_WRITE };
    let Buffer = MmGetPhysicalAddress(MmGetMdlVirtualAddress((*Irp).MdlAddress)).QuadPart as ULONGLONG;
    let First = Transfer.ByteOffset.QuadPart as ULONGLONG / ULONGLONG::from((*Extension).SectorBytes);
    let Count = Transfer.Length / (*Extension).SectorBytes;

    (*Irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_SUCCESS, Transfer.Length as ULONG_PTR);
    (*Extension).PiecesLeft.set(Count.div_ceil(PIECE_SECTORS));
    let mut Done = 0;
    while Done < Count {
        let Sectors = PIECE_SECTORS.min(Count - Done);
        let Command = COMMAND {
            Code,
            Sector: First + ULONGLONG::from(Done),
            Sectors,
            Buffer: Buffer + ULONGLONG::from(Done * (*Extension).SectorBytes),
        };
        ExecutePiece(Extension, Irp, Command);
        Done += Sectors;
        F::PieceDone(Extension, Irp);
    }
}

/// One command, and what it came to.
unsafe fn ExecutePiece(Extension: PDEVICE_EXTENSION, Irp: PIRP, Command: COMMAND) {
    (*Extension).Command = Command;
    if KeSynchronizeExecution((*Extension).Interrupt, Some(ProgramDevice), Extension.cast()) != FALSE {
        let CommandDone = (&raw mut (*Extension).CommandDone).cast();
        KeWaitForSingleObject(CommandDone, Executive, KernelMode, FALSE, null_mut());
    }
    match (*Extension).DeviceError.get() {
        0 => {}
        ERROR_GONE => (*Irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_DEVICE_NOT_CONNECTED, 0),
        ERROR_WRITE_PROTECTED => (*Irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_MEDIA_WRITE_PROTECTED, 0),
        _ => (*Irp).IoStatus = IO_STATUS_BLOCK::new(STATUS_IO_DEVICE_ERROR, 0),
    }
}

/// Writes the command into the registers. FALSE: the device was pulled out.
unsafe extern "C-unwind" fn ProgramDevice(Context: PVOID) -> BOOLEAN {
    let Extension: PDEVICE_EXTENSION = Context.cast();
    let Command = (*Extension).Command;

    if (*Extension).Device.get() == DEVICE_GONE {
        (*Extension).DeviceError.set(ERROR_GONE);
        return FALSE;
    }
    if Command.Code != COMMAND_FLUSH {
        let Registers = (*Extension).Registers;
        WRITE_REGISTER_ULONG64(Registers.add(register::LBA).cast(), Command.Sector);
        WRITE_REGISTER_ULONG64(Registers.add(register::DMA).cast(), Command.Buffer);
        WriteRegister(Extension, register::BLOCKS, Command.Sectors);
    }
    (*Extension).Device.set(DEVICE_BUSY);
    WriteRegister(Extension, register::COMMAND, Command.Code);
    TRUE
}

pub(super) unsafe extern "C-unwind" fn InterruptService(_Interrupt: PKINTERRUPT, Context: PVOID) -> BOOLEAN {
    let Extension: PDEVICE_EXTENSION = Context.cast();

    if (*Extension).Device.get() != DEVICE_BUSY {
        return FALSE; // Another device's, or one's that was pulled out.
    }
    let InterruptStatus = ReadRegister(Extension, register::INTERRUPT_STATUS);
    if InterruptStatus & INTERRUPT_DONE == 0 {
        return FALSE;
    }
    (*Extension).Device.set(DEVICE_IDLE);
    (*Extension).DeviceError.set(ReadRegister(Extension, register::ERROR_CODE));
    WriteRegister(Extension, register::INTERRUPT_STATUS, InterruptStatus);
    IoRequestDpc((*Extension).DeviceObject, null_mut(), null_mut());
    TRUE
}

pub(super) unsafe extern "C-unwind" fn DpcForIsr(
    _Dpc: PKDPC,
    DeviceObject: PDEVICE_OBJECT,
    _Irp: PIRP,
    _Context: PVOID,
) {
    let Extension: PDEVICE_EXTENSION = (*DeviceObject).DeviceExtension.cast();
    KeSetEvent(&raw mut (*Extension).CommandDone, 0, FALSE);
}

/// Gives the device nothing more; TRUE if it had a command, which no interrupt will report.
pub(super) unsafe extern "C-unwind" fn GiveDeviceUp(Context: PVOID) -> BOOLEAN {
    let Extension: PDEVICE_EXTENSION = Context.cast();

    let HadCommand = (*Extension).Device.get() == DEVICE_BUSY;
    (*Extension).Device.set(DEVICE_GONE);
    if HadCommand {
        (*Extension).DeviceError.set(ERROR_GONE);
    }
    BOOLEAN::from(HadCommand)
}
