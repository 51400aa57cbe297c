/*
 * hbapiwmi.h for storsim: so much that miniports with WMI compile; the simulator sends no such request, and GUIDs and
 * sizes are not those of Windows. SPDX-License-Identifier: MIT
 */
#ifndef STORSIM_HBAPIWMI_H
#define STORSIM_HBAPIWMI_H
#include "ntddk.h"
#define MS_SM_AdapterInformationQueryGuid { 0, 0, 0, { 0 } }
#define MS_SM_PortInformationMethodsGuid { 1, 0, 0, { 0 } }
typedef struct _MS_SM_AdapterInformationQuery {
    ULONGLONG UniqueAdapterId;
    ULONG HBAStatus, NumberOfPorts, VendorSpecificID;
    WCHAR Manufacturer[65], SerialNumber[65], Model[257], ModelDescription[257], HardwareVersion[257];
    WCHAR DriverVersion[257], OptionROMVersion[257], FirmwareVersion[257], DriverName[257], HBASymbolicName[257];
    WCHAR RedundantOptionROMVersion[257], RedundantFirmwareVersion[257], MfgDomain[257];
} MS_SM_AdapterInformationQuery, *PMS_SM_AdapterInformationQuery;
typedef struct _MS_SMHBA_FC_Port {
    UCHAR NodeWWN[8], PortWWN[8];
    ULONG FcId, PortSupportedClassofService, NumberofDiscoveredPorts;
    UCHAR NumberofPhys;
    WCHAR PortSymbolicName[257];
} MS_SMHBA_FC_Port, *PMS_SMHBA_FC_Port;
typedef struct _MS_SMHBA_PORTATTRIBUTES {
    ULONG PortType, PortState, PortSpecificAttributesSize;
    WCHAR OSDeviceName[257];
    ULONGLONG Reserved;
    UCHAR PortSpecificAttributes[1];
} MS_SMHBA_PORTATTRIBUTES, *PMS_SMHBA_PORTATTRIBUTES;
#define STORSIM_SM_METHOD(name, number, ...) \
    typedef struct _##name##_IN { ULONG PortIndex; } name##_IN, *P##name##_IN; \
    typedef struct _##name##_OUT { ULONG HBAStatus; __VA_ARGS__ } name##_OUT, *P##name##_OUT; \
    enum { name = number, name##_IN_SIZE = sizeof(name##_IN), name##_OUT_SIZE = sizeof(name##_OUT) }
STORSIM_SM_METHOD(SM_GetPortType, 1, ULONG PortType;);
STORSIM_SM_METHOD(SM_GetAdapterPortAttributes, 2, MS_SMHBA_PORTATTRIBUTES PortAttributes;);
STORSIM_SM_METHOD(SM_GetDiscoveredPortAttributes, 3, MS_SMHBA_PORTATTRIBUTES PortAttributes;);
STORSIM_SM_METHOD(SM_GetPortAttributesByWWN, 4, MS_SMHBA_PORTATTRIBUTES PortAttributes;);
STORSIM_SM_METHOD(SM_GetProtocolStatistics, 5, ULONG Reserved;);
STORSIM_SM_METHOD(SM_GetPhyStatistics, 6, ULONG NumberOfPhyCounters; LONGLONG PhyCounter[1];);
STORSIM_SM_METHOD(SM_GetFCPhyAttributes, 7, ULONG Reserved;);
STORSIM_SM_METHOD(SM_GetSASPhyAttributes, 8, ULONG Reserved;);
#define SM_RefreshInformation 9
#endif
