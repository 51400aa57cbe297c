/*
 * scsiwmi.h for storsim: so much that miniports with WMI compile; the simulator sends no such request.
 * SPDX-License-Identifier: MIT
 */
#ifndef STORSIM_SCSIWMI_H
#define STORSIM_SCSIWMI_H
#include "srb.h"
typedef struct _SCSIWMIGUIDREGINFO { LPCGUID Guid; ULONG InstanceCount, Flags; } SCSIWMIGUIDREGINFO, *PSCSIWMIGUIDREGINFO;
typedef struct _SCSIWMI_REQUEST_CONTEXT {
    PVOID UserContext;
    ULONG BufferSize;
    PUCHAR Buffer;
    UCHAR MinorFunction, ReturnStatus;
    ULONG ReturnSize;
} SCSIWMI_REQUEST_CONTEXT, *PSCSIWMI_REQUEST_CONTEXT;
typedef UCHAR SCSIWMI_QUERY_REGINFO(PVOID DeviceContext, PSCSIWMI_REQUEST_CONTEXT RequestContext, PWCHAR *MofResourceName);
typedef BOOLEAN SCSIWMI_QUERY_DATABLOCK(
    PVOID Context, PSCSIWMI_REQUEST_CONTEXT DispatchContext, ULONG GuidIndex, ULONG InstanceIndex, ULONG InstanceCount,
    PULONG InstanceLengthArray, ULONG BufferAvail, PUCHAR Buffer);
typedef BOOLEAN SCSIWMI_SET_DATABLOCK(
    PVOID DeviceContext, PSCSIWMI_REQUEST_CONTEXT RequestContext, ULONG GuidIndex, ULONG InstanceIndex, ULONG BufferSize,
    PUCHAR Buffer);
typedef BOOLEAN SCSIWMI_SET_DATAITEM(
    PVOID DeviceContext, PSCSIWMI_REQUEST_CONTEXT RequestContext, ULONG GuidIndex, ULONG InstanceIndex, ULONG DataItemId,
    ULONG BufferSize, PUCHAR Buffer);
typedef BOOLEAN SCSIWMI_EXECUTE_METHOD(
    PVOID DeviceContext, PSCSIWMI_REQUEST_CONTEXT RequestContext, ULONG GuidIndex, ULONG InstanceIndex, ULONG MethodId,
    ULONG InBufferSize, ULONG OutBufferSize, PUCHAR Buffer);
typedef SCSIWMI_QUERY_REGINFO *PSCSIWMI_QUERY_REGINFO;
typedef SCSIWMI_QUERY_DATABLOCK *PSCSIWMI_QUERY_DATABLOCK;
typedef SCSIWMI_SET_DATABLOCK *PSCSIWMI_SET_DATABLOCK;
typedef SCSIWMI_SET_DATAITEM *PSCSIWMI_SET_DATAITEM;
typedef SCSIWMI_EXECUTE_METHOD *PSCSIWMI_EXECUTE_METHOD;
typedef struct _SCSIWMILIB_CONTEXT {
    ULONG GuidCount;
    PSCSIWMIGUIDREGINFO GuidList;
    PSCSIWMI_QUERY_REGINFO QueryWmiRegInfo;
    PSCSIWMI_QUERY_DATABLOCK QueryWmiDataBlock;
    PSCSIWMI_SET_DATABLOCK SetWmiDataBlock;
    PSCSIWMI_SET_DATAITEM SetWmiDataItem;
    PSCSIWMI_EXECUTE_METHOD ExecuteWmiMethod;
    PVOID WmiFunctionControl;
} SCSI_WMILIB_CONTEXT, *PSCSI_WMILIB_CONTEXT;
#define SRB_WMI_FLAGS_ADAPTER_REQUEST 1
FORCEINLINE BOOLEAN ScsiPortWmiDispatchFunction(
    PSCSI_WMILIB_CONTEXT WmiLibInfo, UCHAR MinorFunction, PVOID DeviceContext, PSCSIWMI_REQUEST_CONTEXT RequestContext,
    PVOID DataPath, ULONG BufferSize, PVOID Buffer)
{
    UNREFERENCED_PARAMETER(WmiLibInfo);
    UNREFERENCED_PARAMETER(MinorFunction);
    UNREFERENCED_PARAMETER(DeviceContext);
    UNREFERENCED_PARAMETER(RequestContext);
    UNREFERENCED_PARAMETER(DataPath);
    UNREFERENCED_PARAMETER(BufferSize);
    UNREFERENCED_PARAMETER(Buffer);
    return FALSE;
}
FORCEINLINE VOID ScsiPortWmiPostProcess(PSCSIWMI_REQUEST_CONTEXT RequestContext, UCHAR SrbStatus, ULONG BufferUsed)
{
    RequestContext->ReturnStatus = SrbStatus;
    RequestContext->ReturnSize = BufferUsed;
}
#define ScsiPortWmiGetReturnSize(RequestContext) ((RequestContext)->ReturnSize)
#define ScsiPortWmiGetReturnStatus(RequestContext) ((RequestContext)->ReturnStatus)
#endif
