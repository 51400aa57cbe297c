//! The device extension, and the device's registers.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ddi::*;

/// Registers, as offsets into the window. The controller's page says what they do.
pub mod register {
    use super::SIZE_T;

    pub const ID: usize = 0x00;
    pub const BLOCK_BYTES: usize = 0x04;
    pub const CAPACITY: usize = 0x08;
    pub const BLOCKS_MAX: usize = 0x10;
    pub const RESET: usize = 0x14;
    pub const LBA: usize = 0x18;
    pub const DMA: usize = 0x20;
    pub const BLOCKS: usize = 0x28;
    pub const COMMAND: usize = 0x2C;
    pub const STATUS: usize = 0x30;
    pub const ERROR_CODE: usize = 0x34;
    pub const INTERRUPT_STATUS: usize = 0x38;
    pub const INTERRUPT_ENABLE: usize = 0x3C;
    /// Length of the register file.
    pub const LENGTH: SIZE_T = 0x40;
}

pub const CONTROLLER_ID: ULONG = u32::from_le_bytes(*b"SDC1");
pub const COMMAND_READ: ULONG = 1;
pub const COMMAND_WRITE: ULONG = 2;
pub const COMMAND_FLUSH: ULONG = 3;
pub const STATUS_BUSY: ULONG = 1;
pub const STATUS_ERROR: ULONG = 2;
pub const INTERRUPT_DONE: ULONG = 1;
pub const ERROR_WRITE_PROTECTED: ULONG = 5;

/// Values of `DEVICE_EXTENSION.State`.
pub const NOT_STARTED: ULONG = 0;
pub const STARTED: ULONG = 1;
pub const REMOVED: ULONG = 2;

/// Values of `DEVICE_EXTENSION.Device`: it has no command, it has one that no interrupt has reported, it was
/// pulled out and is given nothing more.
pub const DEVICE_IDLE: ULONG = 0;
pub const DEVICE_BUSY: ULONG = 1;
pub const DEVICE_GONE: ULONG = 2;

/// Bits of `DEVICE_EXTENSION.Held`: why requests do not go to the device now.
pub const HELD_STOPPED: ULONG = 1;
pub const HELD_POWER: ULONG = 2;

/// The device extension. The I/O manager hands it out zeroed.
///
/// Synchronization of the fields: the first group is written while the device is started or stopped and only
/// read by requests; the second belongs to the interrupt, `DeviceError` also to the DPC it asks for; the last
/// is guarded by `Lock`.
#[repr(C)]
pub struct DEVICE_EXTENSION {
    pub DeviceObject: PDEVICE_OBJECT,
    pub LowerDeviceObject: PDEVICE_OBJECT,
    pub Registers: PUCHAR,
    pub Interrupt: PKINTERRUPT,
    pub SectorBytes: ULONG,
    pub SectorsMax: ULONG,
    pub Sectors: ULONGLONG,
    pub RemoveEvent: KEVENT,
    /// Signaled while no request is at the device or queued for it.
    pub IdleEvent: KEVENT,
    /// The requests that are held, a queue that is safe to cancel.
    pub HeldQueue: IO_CSQ,

    /// The error code of the command that the interrupt reported.
    pub DeviceError: Shared<ULONG>,
    /// What the device is at.
    pub Device: Shared<ULONG>,

    pub Lock: KSPIN_LOCK,
    pub State: Shared<ULONG>,
    /// Requests begun and not ended, plus one for the device itself until it is removed.
    pub Outstanding: Shared<ULONG>,
    /// Those of them that are at the device or queued for it; they and the held ones are the others.
    pub Active: Shared<ULONG>,
    pub Held: Shared<ULONG>,
    pub HeldList: LIST_ENTRY,
    pub Completed: Shared<ULONG>,
    pub Failed: Shared<ULONG>,
    pub BytesMoved: Shared<ULONGLONG>,
}
pub type PDEVICE_EXTENSION = *mut DEVICE_EXTENSION;

pub unsafe fn Extension(DeviceObject: PDEVICE_OBJECT) -> PDEVICE_EXTENSION {
    (*DeviceObject).DeviceExtension.cast()
}

pub unsafe fn ReadRegister(Extension: PDEVICE_EXTENSION, Register: usize) -> ULONG {
    READ_REGISTER_ULONG((*Extension).Registers.add(Register).cast())
}

pub unsafe fn WriteRegister(Extension: PDEVICE_EXTENSION, Register: usize, Value: ULONG) {
    WRITE_REGISTER_ULONG((*Extension).Registers.add(Register).cast(), Value);
}

pub unsafe fn WriteRegister64(Extension: PDEVICE_EXTENSION, Register: usize, Value: ULONGLONG) {
    WRITE_REGISTER_ULONG64((*Extension).Registers.add(Register).cast(), Value);
}

/// A request for the device begins: that must be started, and stays until [`EndRequest`]. STATUS_PENDING: the
/// request is to be held, and ends with [`EndReference`] if it is not.
pub unsafe fn BeginRequest(Extension: PDEVICE_EXTENSION) -> NTSTATUS {
    let mut Irql: KIRQL = 0;
    let mut Status = STATUS_DEVICE_NOT_READY;

    KeAcquireSpinLock(&raw mut (*Extension).Lock, &raw mut Irql);
    if (*Extension).State.get() == STARTED {
        (*Extension).Outstanding.set((*Extension).Outstanding.get() + 1);
        if (*Extension).Held.get() == 0 {
            (*Extension).Active.set((*Extension).Active.get() + 1);
            Status = STATUS_SUCCESS;
        } else {
            Status = STATUS_PENDING;
        }
    }
    KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
    Status
}

/// A request that needs the driver alone begins; it ends with [`EndReference`].
pub unsafe fn BeginReference(Extension: PDEVICE_EXTENSION) -> NTSTATUS {
    let mut Irql: KIRQL = 0;
    let mut Status = STATUS_DEVICE_NOT_READY;

    KeAcquireSpinLock(&raw mut (*Extension).Lock, &raw mut Irql);
    if (*Extension).State.get() == STARTED {
        (*Extension).Outstanding.set((*Extension).Outstanding.get() + 1);
        Status = STATUS_SUCCESS;
    }
    KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);
    Status
}

/// A request of the device's has been completed. From here on the device may go away.
pub unsafe fn EndRequest(Extension: PDEVICE_EXTENSION) {
    End(Extension, 1);
}

/// As [`EndRequest`], for one that was not at the device.
pub unsafe fn EndReference(Extension: PDEVICE_EXTENSION) {
    End(Extension, 0);
}

unsafe fn End(Extension: PDEVICE_EXTENSION, WasActive: ULONG) {
    let mut Irql: KIRQL = 0;

    KeAcquireSpinLock(&raw mut (*Extension).Lock, &raw mut Irql);
    let Left = (*Extension).Outstanding.get() - 1;
    (*Extension).Outstanding.set(Left);
    if WasActive != 0 {
        let Active = (*Extension).Active.get() - 1;
        (*Extension).Active.set(Active);
        if Active == 0 && (*Extension).Held.get() != 0 {
            // With the lock held: once it is released the device may be gone.
            KeSetEvent(&raw mut (*Extension).IdleEvent, 0, FALSE);
        }
    }
    KeReleaseSpinLock(&raw mut (*Extension).Lock, Irql);

    if Left == 0 {
        KeSetEvent(&raw mut (*Extension).RemoveEvent, 0, FALSE);
    }
}

/// Completes a request that moved nothing, on the spot.
pub unsafe fn CompleteWithStatus(Irp: PIRP, Status: NTSTATUS) -> NTSTATUS {
    (*Irp).IoStatus = IO_STATUS_BLOCK::new(Status, 0);
    IoCompleteRequest(Irp, IO_NO_INCREMENT);
    Status
}
