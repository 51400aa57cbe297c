/*
 * ntddscsi.h for storsim: control codes of miniports and the firmware requests among them
 * (learn.microsoft.com/windows-hardware/drivers/ddi/ntddscsi). SPDX-License-Identifier: MIT
 */
#ifndef STORSIM_NTDDSCSI_H
#define STORSIM_NTDDSCSI_H
#include "srb.h"
#define IOCTL_SCSI_MINIPORT_NOT_QUORUM_CAPABLE 0x001B0520
#define IOCTL_SCSI_MINIPORT_FIRMWARE 0x001B0780
#define ATA_FLAGS_DRDY_REQUIRED (1 << 0)
#define ATA_FLAGS_DATA_IN (1 << 1)
#define ATA_FLAGS_DATA_OUT (1 << 2)
#define ATA_FLAGS_48BIT_COMMAND (1 << 3)
#define ATA_FLAGS_USE_DMA (1 << 4)
#define ATA_FLAGS_NO_MULTIPLE (1 << 5)
#define FIRMWARE_FUNCTION_GET_INFO 1
#define FIRMWARE_FUNCTION_DOWNLOAD 2
#define FIRMWARE_FUNCTION_ACTIVATE 3
#define FIRMWARE_STATUS_SUCCESS 0
#define FIRMWARE_STATUS_INVALID_PARAMETER 4
#define FIRMWARE_STATUS_OUTPUT_BUFFER_TOO_SMALL 5
#define STORAGE_FIRMWARE_INFO_STRUCTURE_VERSION_V2 2
#define STORAGE_FIRMWARE_DOWNLOAD_STRUCTURE_VERSION_V2 2
#define STORAGE_FIRMWARE_ACTIVATE_STRUCTURE_VERSION 1
#define STORAGE_FIRMWARE_INFO_INVALID_SLOT 0xFF
typedef struct _FIRMWARE_REQUEST_BLOCK {
    ULONG Version, Size, Function, Flags, DataBufferOffset, DataBufferLength;
} FIRMWARE_REQUEST_BLOCK, *PFIRMWARE_REQUEST_BLOCK;
typedef struct _STORAGE_FIRMWARE_SLOT_INFO_V2 {
    UCHAR SlotNumber;
    BOOLEAN ReadOnly;
    UCHAR Reserved[6], Revision[16];
} STORAGE_FIRMWARE_SLOT_INFO_V2, *PSTORAGE_FIRMWARE_SLOT_INFO_V2;
typedef struct _STORAGE_FIRMWARE_INFO_V2 {
    ULONG Version, Size;
    BOOLEAN UpgradeSupport;
    UCHAR SlotCount, ActiveSlot, PendingActivateSlot;
    BOOLEAN FirmwareShared;
    UCHAR Reserved[3];
    ULONG ImagePayloadAlignment, ImagePayloadMaxSize;
    STORAGE_FIRMWARE_SLOT_INFO_V2 Slot[];
} STORAGE_FIRMWARE_INFO_V2, *PSTORAGE_FIRMWARE_INFO_V2;
typedef struct _STORAGE_FIRMWARE_DOWNLOAD_V2 {
    ULONG Version, Size;
    ULONGLONG Offset, BufferSize;
    UCHAR Slot, Reserved[3];
    ULONG ImageSize;
    UCHAR ImageBuffer[];
} STORAGE_FIRMWARE_DOWNLOAD_V2, *PSTORAGE_FIRMWARE_DOWNLOAD_V2;
typedef struct _STORAGE_FIRMWARE_ACTIVATE {
    ULONG Version, Size;
    UCHAR SlotToActivate, Reserved0[3];
} STORAGE_FIRMWARE_ACTIVATE, *PSTORAGE_FIRMWARE_ACTIVATE;
#include "ntddscsi_caches.h"
#endif
