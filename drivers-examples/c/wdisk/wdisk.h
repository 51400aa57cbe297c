/*
 * wdisk: a WDM disk driver in C, on the StartIo model, for the disk controller of storport-sim/src/controller.rs.
 *
 * Requests are queued by the I/O manager (IoStartPacket), StartIo programs the device, the interrupt service routine
 * asks for a DPC, the DPC completes the request and asks for the next one. While the device is stopped or asleep
 * requests wait in a cancel-safe queue. held.c has that queue and the counts of requests, requests.c the way of a
 * request, pnp.c plug and play and power.
 *
 * It is compiled as it is by `storsim cc`, and runs under `storsim run --sys`. With COMPLETE_UNDER_LOCK the DPC
 * completes a request while it holds the driver's spin lock, which SpinLockSafe finds.
 *
 * SPDX-License-Identifier: MIT
 */
#pragma once
#include <ntddk.h>
#include <ntdddisk.h>

/* Registers of the controller, as offsets into its window. */
#define REGISTER_ID 0x00
#define REGISTER_BLOCK_BYTES 0x04
#define REGISTER_CAPACITY 0x08
#define REGISTER_BLOCKS_MAX 0x10
#define REGISTER_RESET 0x14
#define REGISTER_LBA 0x18
#define REGISTER_DMA 0x20
#define REGISTER_BLOCKS 0x28
#define REGISTER_COMMAND 0x2C
#define REGISTER_STATUS 0x30
#define REGISTER_ERROR_CODE 0x34
#define REGISTER_INTERRUPT_STATUS 0x38
#define REGISTER_INTERRUPT_ENABLE 0x3C
#define REGISTERS_LENGTH 0x40

#define CONTROLLER_ID '1CDS'
#define COMMAND_READ 1
#define COMMAND_WRITE 2
#define COMMAND_FLUSH 3
#define STATUS_REGISTER_BUSY 1
#define STATUS_REGISTER_ERROR 2
#define INTERRUPT_DONE 1
#define ERROR_WRITE_PROTECTED 5

/* Bits of Held: why requests do not go to the device now. */
#define HELD_STOPPED 1
#define HELD_POWER 2
/* What the held queue says of a request that it does not take, because nothing is held any more. */
#define STATUS_NOT_HELD STATUS_RETRY

typedef enum _DEVICE_PHASE { NotStarted, Started, Removed } DEVICE_PHASE;
/* The device has no command; it has one that no interrupt has reported; it was pulled out and is given none. */
typedef enum _DEVICE_WORK { DeviceIdle, DeviceBusy, DeviceGone } DEVICE_WORK;

typedef struct _DEVICE_EXTENSION {
    /* Written while the device is started or stopped, and only read by requests. */
    PDEVICE_OBJECT DeviceObject, LowerDeviceObject;
    PUCHAR Registers;
    PKINTERRUPT Interrupt;
    ULONG SectorBytes, SectorsMax;
    ULONGLONG Sectors;

    KEVENT RemoveEvent;
    /* Signaled while no request is at the device or queued for it. */
    KEVENT IdleEvent;
    IO_CSQ HeldQueue;

    /* The interrupt's; DeviceError also the DPC's that it asks for. */
    ULONG DeviceError;
    DEVICE_WORK Work;

    /* Guards what follows. */
    KSPIN_LOCK Lock;
    DEVICE_PHASE Phase;
    /* Requests begun and not ended, plus one for the device itself until it is removed. */
    ULONG Outstanding;
    /* Those of them that are at the device or queued for it. */
    ULONG Active;
    ULONG Held;
    LIST_ENTRY HeldList;
    ULONG Completed, Failed;
    ULONGLONG BytesMoved;
} DEVICE_EXTENSION, *PDEVICE_EXTENSION;

FORCEINLINE PDEVICE_EXTENSION ExtensionOf(PDEVICE_OBJECT DeviceObject)
{
    return (PDEVICE_EXTENSION)DeviceObject->DeviceExtension;
}

FORCEINLINE ULONG ReadRegister(PDEVICE_EXTENSION Extension, ULONG Register)
{
    return READ_REGISTER_ULONG((PULONG)(Extension->Registers + Register));
}

FORCEINLINE VOID WriteRegister(PDEVICE_EXTENSION Extension, ULONG Register, ULONG Value)
{
    WRITE_REGISTER_ULONG((PULONG)(Extension->Registers + Register), Value);
}

/* held.c */
VOID InitializeHeldQueue(PDEVICE_EXTENSION Extension);
NTSTATUS CompleteWithStatus(PIRP Irp, NTSTATUS Status, ULONG_PTR Information);
/* A request begins. STATUS_PENDING: one for the device is to be held. */
NTSTATUS BeginRequest(PDEVICE_EXTENSION Extension, BOOLEAN ForDevice);
/* After this the device may be gone. */
VOID EndRequest(PDEVICE_EXTENSION Extension, BOOLEAN WasActive);
VOID SetPhase(PDEVICE_EXTENSION Extension, DEVICE_PHASE Phase);
BOOLEAN IsOf(PIRP Irp, PFILE_OBJECT FileObject);
BOOLEAN HoldOrStart(PDEVICE_OBJECT DeviceObject, PIRP Irp);
VOID Hold(PDEVICE_EXTENSION Extension, ULONG Reason);
VOID LetGo(PDEVICE_EXTENSION Extension, ULONG Reason);
VOID EndHeld(PDEVICE_EXTENSION Extension, PFILE_OBJECT FileObject, NTSTATUS Status);

/* requests.c */
DRIVER_STARTIO StartIo;
DRIVER_CANCEL Cancel;
KSERVICE_ROUTINE InterruptService;
IO_DPC_ROUTINE DpcForIsr;
DRIVER_DISPATCH CreateClose, Cleanup, ReadWriteFlush, DeviceControl;
VOID CancelQueued(PDEVICE_EXTENSION Extension, PFILE_OBJECT FileObject);
VOID GiveUp(PDEVICE_OBJECT DeviceObject, PIRP Irp, NTSTATUS Status);

/* pnp.c */
DRIVER_ADD_DEVICE AddDevice;
DRIVER_DISPATCH Pnp, Power;
