/*
 * ntddk.h for storsim: wdm.h, and the configuration space of PCI as its specification has it.
 * SPDX-License-Identifier: MIT
 */
#ifndef STORSIM_NTDDK_H
#define STORSIM_NTDDK_H
#include "wdm.h"

#define PCI_TYPE0_ADDRESSES 6
#define PCI_HEADER_TYPES \
    union { \
        struct { \
            ULONG BaseAddresses[PCI_TYPE0_ADDRESSES], CIS; \
            USHORT SubVendorID, SubSystemID; \
            ULONG ROMBaseAddress; \
            UCHAR CapabilitiesPtr, Reserved1[3]; \
            ULONG Reserved2; \
            UCHAR InterruptLine, InterruptPin, MinimumGrant, MaximumLatency; \
        } type0; \
        struct { ULONG Reserved[9]; UCHAR CapabilitiesPtr, Reserved1[3]; ULONG Reserved2[2]; } type1; \
        struct { ULONG SocketRegistersBaseAddress; UCHAR CapabilitiesPtr, Reserved1[3]; ULONG Reserved2[10]; } type2; \
    } u
#define PCI_COMMON_MEMBERS \
    USHORT VendorID, DeviceID, Command, Status; \
    UCHAR RevisionID, ProgIf, SubClass, BaseClass, CacheLineSize, LatencyTimer, HeaderType, BIST; \
    PCI_HEADER_TYPES
typedef struct _PCI_COMMON_HEADER { PCI_COMMON_MEMBERS; } PCI_COMMON_HEADER, *PPCI_COMMON_HEADER;
typedef struct _PCI_COMMON_CONFIG { PCI_COMMON_MEMBERS; UCHAR DeviceSpecific[192]; } PCI_COMMON_CONFIG, *PPCI_COMMON_CONFIG;
typedef struct _PCI_CAPABILITIES_HEADER { UCHAR CapabilityID, Next; } PCI_CAPABILITIES_HEADER, *PPCI_CAPABILITIES_HEADER;
#define PCI_DEVICE_TYPE 0
#define PCI_BRIDGE_TYPE 1
#define PCI_CARDBUS_BRIDGE_TYPE 2
#define PCI_MULTIFUNCTION 0x80
#define PCI_STATUS_CAPABILITIES_LIST 0x10
#define PCI_CAPABILITY_ID_POWER_MANAGEMENT 1
#define PCI_CAPABILITY_ID_MSI 5
#define PCI_CAPABILITY_ID_VENDOR_SPECIFIC 9
#define PCI_CAPABILITY_ID_PCI_EXPRESS 0x10
#define PCI_CAPABILITY_ID_MSIX 0x11
#define PCI_ADDRESS_IO_SPACE 1
#define PCI_ADDRESS_MEMORY_TYPE_MASK 6
#define PCI_ADDRESS_IO_ADDRESS_MASK 0xfffffffc
#define PCI_ADDRESS_MEMORY_ADDRESS_MASK 0xfffffff0
#define PCI_TYPE_32BIT 0
#define PCI_TYPE_20BIT 2
#define PCI_TYPE_64BIT 4
#define PCI_WHICHSPACE_CONFIG 0
#define PCIConfigurationSize 256
#define PCI_COMMON_HDR_LENGTH 64
#endif
