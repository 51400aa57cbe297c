/*
 * wdm.h for storsim: documented types, structures and macros that drivers use, as on x64 Windows.
 *
 * Written from the public documentation (learn.microsoft.com/windows-hardware/drivers/ddi/wdm); layouts are those of
 * layouts.tsv, which a test compares with the simulator. What the WDK has as inline functions over processor
 * registers (KeGetCurrentIrql, KeRaiseIrql, Interlocked*) is imported here, so that the simulator sees the call.
 * Routines and numbers are generated from the simulator's tables: `storsim headers DIR`.
 *
 * SPDX-License-Identifier: MIT
 */
#ifndef STORSIM_WDM_H
#define STORSIM_WDM_H

#include <stdarg.h>
#include <stddef.h>
#include "sal.h"

#ifndef NTDDI_VERSION
#define NTDDI_VERSION 0x0A000000
#endif
#define NTDDI_WIN7 0x06010000
#define NTDDI_WIN8 0x06020000
#define NTDDI_WINBLUE 0x06030000
#define NTDDI_WIN10 0x0A000000
#define NTDDI_WINTHRESHOLD 0x0A000000
#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0A00
#endif

#define NTAPI
#define FASTCALL
#define FORCEINLINE static __forceinline
#define CFORCEINLINE FORCEINLINE
#define DECLSPEC_IMPORT __declspec(dllimport)
#define DECLSPEC_NORETURN __declspec(noreturn)
#define DECLSPEC_ALIGN(n) __declspec(align(n))
#define NTKERNELAPI DECLSPEC_IMPORT
#define NTSYSAPI DECLSPEC_IMPORT
#define CONST const
#define VOID void
#define UNALIGNED
#define POINTER_ALIGN DECLSPEC_ALIGN(8)
#define ANYSIZE_ARRAY 1
#define RTL_SIZEOF_THROUGH_FIELD(type, field) (offsetof(type, field) + sizeof(((type *)0)->field))
#define ALIGN_DOWN_BY(Length, Alignment) ((ULONG_PTR)(Length) & ~((ULONG_PTR)(Alignment) - 1))
#define ALIGN_UP_BY(Length, Alignment) ALIGN_DOWN_BY((ULONG_PTR)(Length) + (Alignment) - 1, (Alignment))
#define ALIGN_DOWN(Length, Type) ALIGN_DOWN_BY((Length), sizeof(Type))
#define ALIGN_UP(Length, Type) ALIGN_UP_BY((Length), sizeof(Type))
#define UNREFERENCED_PARAMETER(P) ((void)(P))
#define DBG_UNREFERENCED_LOCAL_VARIABLE(V) ((void)(V))
#define ARRAYSIZE(a) (sizeof(a) / sizeof((a)[0]))
#define RTL_NUMBER_OF(a) ARRAYSIZE(a)
#define FIELD_OFFSET(type, field) ((LONG)offsetof(type, field))
#define CONTAINING_RECORD(address, type, field) ((type *)((PCHAR)(address) - offsetof(type, field)))
#define min(a, b) (((a) < (b)) ? (a) : (b))
#define max(a, b) (((a) > (b)) ? (a) : (b))
#define C_ASSERT(e) _Static_assert(e, #e)
#define ASSERT(e) ((void)0)
#define ASSERTMSG(m, e) ((void)0)
#define NT_ASSERTMSG(m, e) ((void)0)
#define NT_ASSERT(e) ((void)0)
#define DbgBreakPoint() ((void)0)
#define KdPrint(x) ((void)0)
#define KdPrintEx(x) ((void)0)

/* Numbers and pointers to them. */
typedef void *PVOID, *HANDLE, **PHANDLE;
typedef char CHAR, CCHAR, *PCHAR, *PCCHAR, *PSTR, *PSZ;
typedef const char *PCSTR, *LPCSTR, *PCSZ;
typedef unsigned char UCHAR, BOOLEAN, BYTE, UINT8, *PUCHAR, *PBOOLEAN, *PBYTE, *PUINT8;
typedef short SHORT, CSHORT, INT16, *PSHORT;
typedef unsigned short USHORT, WORD, UINT16, WCHAR, *PUSHORT, *PUINT16, *PWSTR, *PWCHAR;
typedef const WCHAR *PCWSTR;
typedef int INT, BOOL, INT32, *PINT, *PBOOL;
typedef unsigned int UINT, UINT32, ULONG32, *PUINT, *PUINT32;
typedef long LONG, NTSTATUS, HRESULT, KPRIORITY, *PLONG, *PNTSTATUS;
typedef unsigned long ULONG, DWORD, ACCESS_MASK, DEVICE_TYPE, *PULONG, *PDWORD;
typedef long long LONGLONG, LONG64, INT64, LONG_PTR, *PLONGLONG, *PLONG64, *PLONG_PTR;
typedef unsigned long long ULONGLONG, ULONG64, UINT64, DWORD64, DWORDLONG, *PULONGLONG, *PULONG64, *PUINT64;
typedef unsigned long long ULONG_PTR, UINT_PTR, DWORD_PTR, SIZE_T, KAFFINITY, *PULONG_PTR, *PSIZE_T, *PKAFFINITY;
typedef ULONG_PTR KSPIN_LOCK, *PKSPIN_LOCK;
typedef UCHAR KIRQL, *PKIRQL;
typedef CHAR KPROCESSOR_MODE;
typedef ULONGLONG POOL_FLAGS;
#define MAXUCHAR 0xff
#define MAXUSHORT 0xffff
#define MAXULONG 0xffffffff
#define MAXLONG 0x7fffffff
#ifndef NULL
#define NULL ((void *)0)
#endif
#define ALL_PROCESSOR_GROUPS 0xffff

typedef struct _GUID { ULONG Data1; USHORT Data2; USHORT Data3; UCHAR Data4[8]; } GUID, *PGUID, *LPGUID;
typedef const GUID *LPCGUID;
#ifdef INITGUID
#define DEFINE_GUID(n, l, a, b, c, d, e, f, g, h, i, j) const GUID n = { l, a, b, { c, d, e, f, g, h, i, j } }
#else
#define DEFINE_GUID(n, l, a, b, c, d, e, f, g, h, i, j) extern const GUID n
#endif

typedef union _LARGE_INTEGER {
    struct { ULONG LowPart; LONG HighPart; };
    struct { ULONG LowPart; LONG HighPart; } u;
    LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER, PHYSICAL_ADDRESS, *PPHYSICAL_ADDRESS;
typedef union _ULARGE_INTEGER {
    struct { ULONG LowPart; ULONG HighPart; };
    ULONGLONG QuadPart;
} ULARGE_INTEGER, *PULARGE_INTEGER;
typedef struct _LIST_ENTRY { struct _LIST_ENTRY *Flink, *Blink; } LIST_ENTRY, *PLIST_ENTRY;
typedef struct _SINGLE_LIST_ENTRY { struct _SINGLE_LIST_ENTRY *Next; } SINGLE_LIST_ENTRY, *PSINGLE_LIST_ENTRY;
typedef struct DECLSPEC_ALIGN(16) _SLIST_ENTRY { struct _SLIST_ENTRY *Next; } SLIST_ENTRY, *PSLIST_ENTRY;
typedef union DECLSPEC_ALIGN(16) _SLIST_HEADER { struct { ULONGLONG Alignment, Region; }; } SLIST_HEADER, *PSLIST_HEADER;
typedef struct _STRING { USHORT Length, MaximumLength; PCHAR Buffer; } STRING, ANSI_STRING, *PSTRING, *PANSI_STRING;
typedef struct _UNICODE_STRING { USHORT Length, MaximumLength; PWSTR Buffer; } UNICODE_STRING, *PUNICODE_STRING;
typedef const UNICODE_STRING *PCUNICODE_STRING;
typedef struct _GROUP_AFFINITY { KAFFINITY Mask; USHORT Group; USHORT Reserved[3]; } GROUP_AFFINITY, *PGROUP_AFFINITY;
typedef struct _PROCESSOR_NUMBER { USHORT Group; UCHAR Number, Reserved; } PROCESSOR_NUMBER, *PPROCESSOR_NUMBER;

/* Enumerations: their values are among the generated numbers. */
typedef LONG EVENT_TYPE, TIMER_TYPE, KDPC_IMPORTANCE, KWAIT_REASON, WAIT_TYPE, KINTERRUPT_MODE, INTERFACE_TYPE;
typedef LONG POOL_TYPE, WORK_QUEUE_TYPE, MEMORY_CACHING_TYPE, LOCK_OPERATION, BUS_DATA_TYPE, DMA_WIDTH, DMA_SPEED;
enum { Width8Bits, Width16Bits, Width32Bits, Width64Bits, WidthNoWrap };
enum { Compatible, TypeA, TypeB, TypeC, TypeF };
typedef LONG KEY_INFORMATION_CLASS, KEY_VALUE_INFORMATION_CLASS;
typedef LONG POWER_STATE_TYPE, SYSTEM_POWER_STATE, DEVICE_POWER_STATE, POWER_ACTION;

typedef struct _IRP *PIRP;
typedef struct _MDL MDL, *PMDL;
typedef struct _KDPC KDPC, *PKDPC, *PRKDPC;
typedef struct _DEVICE_OBJECT DEVICE_OBJECT, *PDEVICE_OBJECT;
typedef struct _DRIVER_OBJECT DRIVER_OBJECT, *PDRIVER_OBJECT;
typedef struct _KINTERRUPT *PKINTERRUPT;
typedef struct _KTHREAD *PKTHREAD, *PETHREAD;
typedef struct _IO_WORKITEM *PIO_WORKITEM;
typedef struct _FILE_OBJECT FILE_OBJECT, *PFILE_OBJECT;
typedef struct _OBJECT_ATTRIBUTES {
    ULONG Length;
    HANDLE RootDirectory;
    PUNICODE_STRING ObjectName;
    ULONG Attributes;
    PVOID SecurityDescriptor, SecurityQualityOfService;
} OBJECT_ATTRIBUTES, *POBJECT_ATTRIBUTES;
#define InitializeObjectAttributes(p, n, a, r, s) \
    ((void)((p)->Length = sizeof(OBJECT_ATTRIBUTES), (p)->RootDirectory = (r), (p)->ObjectName = (n), \
            (p)->Attributes = (a), (p)->SecurityDescriptor = (s), (p)->SecurityQualityOfService = NULL))
typedef struct _IO_CSQ IO_CSQ, *PIO_CSQ;

/* The registry. Structures of varying length: the last member is as long as another says. */
typedef struct _KEY_BASIC_INFORMATION {
    LARGE_INTEGER LastWriteTime;
    ULONG TitleIndex, NameLength;
    WCHAR Name[1];
} KEY_BASIC_INFORMATION, *PKEY_BASIC_INFORMATION;
typedef struct _KEY_FULL_INFORMATION {
    LARGE_INTEGER LastWriteTime;
    ULONG TitleIndex, ClassOffset, ClassLength, SubKeys, MaxNameLen, MaxClassLen, Values, MaxValueNameLen, MaxValueDataLen;
    WCHAR Class[1];
} KEY_FULL_INFORMATION, *PKEY_FULL_INFORMATION;
typedef struct _KEY_VALUE_BASIC_INFORMATION {
    ULONG TitleIndex, Type, NameLength;
    WCHAR Name[1];
} KEY_VALUE_BASIC_INFORMATION, *PKEY_VALUE_BASIC_INFORMATION;
typedef struct _KEY_VALUE_FULL_INFORMATION {
    ULONG TitleIndex, Type, DataOffset, DataLength, NameLength;
    WCHAR Name[1];
} KEY_VALUE_FULL_INFORMATION, *PKEY_VALUE_FULL_INFORMATION;
typedef struct _KEY_VALUE_PARTIAL_INFORMATION {
    ULONG TitleIndex, Type, DataLength;
    UCHAR Data[1];
} KEY_VALUE_PARTIAL_INFORMATION, *PKEY_VALUE_PARTIAL_INFORMATION;

typedef struct _DISPATCHER_HEADER {
    UCHAR Type, Signalling, Size, Inserted;
    LONG SignalState;
    LIST_ENTRY WaitListHead;
} DISPATCHER_HEADER;
typedef struct _KEVENT { DISPATCHER_HEADER Header; } KEVENT, *PKEVENT, *PRKEVENT;
typedef struct _KSEMAPHORE { DISPATCHER_HEADER Header; LONG Limit; } KSEMAPHORE, *PKSEMAPHORE, *PRKSEMAPHORE;
typedef struct _KMUTANT {
    DISPATCHER_HEADER Header;
    LIST_ENTRY MutantListEntry;
    PVOID OwnerThread;
    BOOLEAN Abandoned;
    UCHAR ApcDisable;
} KMUTANT, *PKMUTANT, *PRKMUTANT, KMUTEX, *PKMUTEX, *PRKMUTEX;
typedef struct _FAST_MUTEX {
    LONG Count;
    PVOID Owner;
    ULONG Contention;
    KEVENT Event;
    ULONG OldIrql;
} FAST_MUTEX, *PFAST_MUTEX, KGUARDED_MUTEX, *PKGUARDED_MUTEX;
typedef struct _KTIMER {
    DISPATCHER_HEADER Header;
    ULONGLONG DueTime;
    LIST_ENTRY TimerListEntry;
    PKDPC Dpc;
    USHORT Processor;
    ULONG Period;
} KTIMER, *PKTIMER;
typedef VOID KDEFERRED_ROUTINE(PKDPC Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2);
typedef KDEFERRED_ROUTINE *PKDEFERRED_ROUTINE;
struct _KDPC {
    UCHAR Type, Importance;
    USHORT Number;
    SINGLE_LIST_ENTRY DpcListEntry;
    KAFFINITY ProcessorHistory;
    PKDEFERRED_ROUTINE DeferredRoutine;
    PVOID DeferredContext, SystemArgument1, SystemArgument2, DpcData;
};
typedef struct _KSPIN_LOCK_QUEUE { struct _KSPIN_LOCK_QUEUE *Next; PKSPIN_LOCK Lock; } KSPIN_LOCK_QUEUE;
typedef struct _KLOCK_QUEUE_HANDLE { KSPIN_LOCK_QUEUE LockQueue; KIRQL OldIrql; } KLOCK_QUEUE_HANDLE, *PKLOCK_QUEUE_HANDLE;
typedef struct _KDEVICE_QUEUE {
    CSHORT Type, Size;
    LIST_ENTRY DeviceListHead;
    KSPIN_LOCK Lock;
    BOOLEAN Busy;
} KDEVICE_QUEUE, *PKDEVICE_QUEUE;
typedef struct _KDEVICE_QUEUE_ENTRY {
    LIST_ENTRY DeviceListEntry;
    ULONG SortKey;
    BOOLEAN Inserted;
} KDEVICE_QUEUE_ENTRY, *PKDEVICE_QUEUE_ENTRY;
typedef BOOLEAN KSERVICE_ROUTINE(PKINTERRUPT Interrupt, PVOID ServiceContext);
typedef KSERVICE_ROUTINE *PKSERVICE_ROUTINE;
typedef BOOLEAN KSYNCHRONIZE_ROUTINE(PVOID SynchronizeContext);
typedef KSYNCHRONIZE_ROUTINE *PKSYNCHRONIZE_ROUTINE;
typedef VOID KSTART_ROUTINE(PVOID StartContext);
typedef KSTART_ROUTINE *PKSTART_ROUTINE;
typedef struct _KWAIT_BLOCK { PVOID Reserved[6]; } KWAIT_BLOCK, *PKWAIT_BLOCK;
typedef struct _CLIENT_ID { HANDLE UniqueProcess, UniqueThread; } CLIENT_ID, *PCLIENT_ID;
typedef struct _EX_RUNDOWN_REF { union { ULONG_PTR Count; PVOID Ptr; }; } EX_RUNDOWN_REF, *PEX_RUNDOWN_REF;
typedef struct _ERESOURCE { PVOID Reserved[13]; } ERESOURCE, *PERESOURCE;
typedef PVOID ALLOCATE_FUNCTION(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag);
typedef ALLOCATE_FUNCTION *PALLOCATE_FUNCTION;
typedef VOID FREE_FUNCTION(PVOID Buffer);
typedef FREE_FUNCTION *PFREE_FUNCTION;
typedef struct DECLSPEC_ALIGN(64) _GENERAL_LOOKASIDE { UCHAR Reserved[96]; } GENERAL_LOOKASIDE;
typedef GENERAL_LOOKASIDE NPAGED_LOOKASIDE_LIST, PAGED_LOOKASIDE_LIST, *PNPAGED_LOOKASIDE_LIST, *PPAGED_LOOKASIDE_LIST;
typedef struct _IO_REMOVE_LOCK {
    struct { BOOLEAN Removed, Reserved[3]; LONG IoCount; KEVENT RemoveEvent; } Common;
} IO_REMOVE_LOCK, *PIO_REMOVE_LOCK;

/* I/O. */
typedef NTSTATUS DRIVER_INITIALIZE(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath);
typedef DRIVER_INITIALIZE *PDRIVER_INITIALIZE;
typedef NTSTATUS DRIVER_DISPATCH(PDEVICE_OBJECT DeviceObject, PIRP Irp);
typedef DRIVER_DISPATCH *PDRIVER_DISPATCH;
typedef VOID DRIVER_STARTIO(PDEVICE_OBJECT DeviceObject, PIRP Irp);
typedef DRIVER_STARTIO *PDRIVER_STARTIO;
typedef VOID DRIVER_UNLOAD(PDRIVER_OBJECT DriverObject);
typedef DRIVER_UNLOAD *PDRIVER_UNLOAD;
typedef NTSTATUS DRIVER_ADD_DEVICE(PDRIVER_OBJECT DriverObject, PDEVICE_OBJECT PhysicalDeviceObject);
typedef DRIVER_ADD_DEVICE *PDRIVER_ADD_DEVICE;
typedef VOID DRIVER_CANCEL(PDEVICE_OBJECT DeviceObject, PIRP Irp);
typedef DRIVER_CANCEL *PDRIVER_CANCEL;
typedef NTSTATUS IO_COMPLETION_ROUTINE(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context);
typedef IO_COMPLETION_ROUTINE *PIO_COMPLETION_ROUTINE;
typedef VOID IO_DPC_ROUTINE(PKDPC Dpc, PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context);
typedef IO_DPC_ROUTINE *PIO_DPC_ROUTINE;
typedef VOID IO_WORKITEM_ROUTINE(PDEVICE_OBJECT DeviceObject, PVOID Context);
typedef IO_WORKITEM_ROUTINE *PIO_WORKITEM_ROUTINE;

struct _MDL {
    struct _MDL *Next;
    CSHORT Size, MdlFlags;
    PVOID Process, MappedSystemVa, StartVa;
    ULONG ByteCount, ByteOffset;
};
typedef struct _IO_STATUS_BLOCK { union { NTSTATUS Status; PVOID Pointer; }; ULONG_PTR Information; } IO_STATUS_BLOCK, *PIO_STATUS_BLOCK;
typedef union _POWER_STATE { SYSTEM_POWER_STATE SystemState; DEVICE_POWER_STATE DeviceState; } POWER_STATE;
typedef struct _DEVICE_CAPABILITIES {
    USHORT Size, Version;
    ULONG Flags, Address, UINumber;
    DEVICE_POWER_STATE DeviceState[7];
    SYSTEM_POWER_STATE SystemWake;
    DEVICE_POWER_STATE DeviceWake;
    ULONG D1Latency, D2Latency, D3Latency;
} DEVICE_CAPABILITIES, *PDEVICE_CAPABILITIES;
#pragma pack(push, 4)
typedef struct _CM_PARTIAL_RESOURCE_DESCRIPTOR {
    UCHAR Type, ShareDisposition;
    USHORT Flags;
    union {
        struct { PHYSICAL_ADDRESS Start; ULONG Length; } Memory;
        struct { ULONG Level, Vector; KAFFINITY Affinity; } Interrupt;
    } u;
} CM_PARTIAL_RESOURCE_DESCRIPTOR, *PCM_PARTIAL_RESOURCE_DESCRIPTOR;
typedef struct _CM_PARTIAL_RESOURCE_LIST {
    USHORT Version, Revision;
    ULONG Count;
    CM_PARTIAL_RESOURCE_DESCRIPTOR PartialDescriptors[1];
} CM_PARTIAL_RESOURCE_LIST, *PCM_PARTIAL_RESOURCE_LIST;
typedef struct _CM_FULL_RESOURCE_DESCRIPTOR {
    INTERFACE_TYPE InterfaceType;
    ULONG BusNumber;
    CM_PARTIAL_RESOURCE_LIST PartialResourceList;
} CM_FULL_RESOURCE_DESCRIPTOR, *PCM_FULL_RESOURCE_DESCRIPTOR;
typedef struct _CM_RESOURCE_LIST { ULONG Count; CM_FULL_RESOURCE_DESCRIPTOR List[1]; } CM_RESOURCE_LIST, *PCM_RESOURCE_LIST;
#pragma pack(pop)
typedef struct _IO_STACK_LOCATION {
    UCHAR MajorFunction, MinorFunction, Flags, Control;
    union {
        struct { ULONG Length; ULONG POINTER_ALIGN Key; LARGE_INTEGER ByteOffset; } Read;
        struct { ULONG Length; ULONG POINTER_ALIGN Key; LARGE_INTEGER ByteOffset; } Write;
        struct {
            ULONG OutputBufferLength;
            ULONG POINTER_ALIGN InputBufferLength;
            ULONG POINTER_ALIGN IoControlCode;
            PVOID Type3InputBuffer;
        } DeviceIoControl;
        struct { PVOID Srb; } Scsi;
        struct { PCM_RESOURCE_LIST AllocatedResources, AllocatedResourcesTranslated; } StartDevice;
        struct { PDEVICE_CAPABILITIES Capabilities; } DeviceCapabilities;
        struct {
            ULONG SystemContext;
            POWER_STATE_TYPE POINTER_ALIGN Type;
            POWER_STATE POINTER_ALIGN State;
            POWER_ACTION POINTER_ALIGN ShutdownType;
        } Power;
        struct { PVOID Argument1, Argument2, Argument3, Argument4; } Others;
    } Parameters;
    PDEVICE_OBJECT DeviceObject;
    PFILE_OBJECT FileObject;
    PIO_COMPLETION_ROUTINE CompletionRoutine;
    PVOID Context;
} IO_STACK_LOCATION, *PIO_STACK_LOCATION;
typedef struct DECLSPEC_ALIGN(16) _IRP {
    CSHORT Type;
    USHORT Size;
    USHORT AllocationProcessorNumber, Reserved1;
    PMDL MdlAddress;
    ULONG Flags, Reserved2;
    union { struct _IRP *MasterIrp; LONG IrpCount; PVOID SystemBuffer; } AssociatedIrp;
    LIST_ENTRY ThreadListEntry;
    IO_STATUS_BLOCK IoStatus;
    KPROCESSOR_MODE RequestorMode;
    BOOLEAN PendingReturned;
    CHAR StackCount, CurrentLocation;
    BOOLEAN Cancel;
    KIRQL CancelIrql;
    CCHAR ApcEnvironment;
    UCHAR AllocationFlags;
    PIO_STATUS_BLOCK UserIosb;
    PKEVENT UserEvent;
    union { PVOID AsynchronousParameters[2]; LARGE_INTEGER AllocationSize; } Overlay;
    PDRIVER_CANCEL CancelRoutine;
    PVOID UserBuffer;
    union {
        struct {
            union { KDEVICE_QUEUE_ENTRY DeviceQueueEntry; PVOID DriverContext[4]; };
            PETHREAD Thread;
            PCHAR AuxiliaryBuffer;
            struct {
                LIST_ENTRY ListEntry;
                union { PIO_STACK_LOCATION CurrentStackLocation; ULONG PacketType; };
            };
            PFILE_OBJECT OriginalFileObject;
            PVOID IrpExtension;
        } Overlay;
        PVOID CompletionKey;
    } Tail;
} IRP;
struct _FILE_OBJECT {
    CSHORT Type, Size;
    PDEVICE_OBJECT DeviceObject;
    PVOID Vpb, FsContext, FsContext2, SectionObjectPointer, PrivateCacheMap;
    NTSTATUS FinalStatus;
    PFILE_OBJECT RelatedFileObject;
    BOOLEAN LockOperation, DeletePending, ReadAccess, WriteAccess, DeleteAccess;
    BOOLEAN SharedRead, SharedWrite, SharedDelete;
    ULONG Flags;
    UNICODE_STRING FileName;
    LARGE_INTEGER CurrentByteOffset;
    ULONG Waiters, Busy;
    PVOID LastLock;
    KEVENT Lock, Event;
    PVOID CompletionContext;
    KSPIN_LOCK IrpListLock;
    LIST_ENTRY IrpList;
    PVOID FileObjectExtension;
};
typedef struct _DRIVER_EXTENSION {
    PDRIVER_OBJECT DriverObject;
    PDRIVER_ADD_DEVICE AddDevice;
    ULONG Count;
    UNICODE_STRING ServiceKeyName;
} DRIVER_EXTENSION, *PDRIVER_EXTENSION;
struct _DRIVER_OBJECT {
    CSHORT Type, Size;
    PDEVICE_OBJECT DeviceObject;
    ULONG Flags;
    PVOID DriverStart;
    ULONG DriverSize;
    PVOID DriverSection;
    PDRIVER_EXTENSION DriverExtension;
    UNICODE_STRING DriverName;
    PUNICODE_STRING HardwareDatabase;
    PVOID FastIoDispatch;
    PDRIVER_INITIALIZE DriverInit;
    PDRIVER_STARTIO DriverStartIo;
    PDRIVER_UNLOAD DriverUnload;
    PDRIVER_DISPATCH MajorFunction[28];
};
struct DECLSPEC_ALIGN(16) _DEVICE_OBJECT {
    CSHORT Type;
    USHORT Size;
    LONG ReferenceCount;
    PDRIVER_OBJECT DriverObject;
    PDEVICE_OBJECT NextDevice, AttachedDevice;
    PIRP CurrentIrp;
    PVOID Timer;
    ULONG Flags, Characteristics;
    PVOID Vpb, DeviceExtension;
    DEVICE_TYPE DeviceType;
    CCHAR StackSize;
    union { LIST_ENTRY ListEntry; PVOID Wcb[9]; } Queue;
    ULONG AlignmentRequirement;
    KDEVICE_QUEUE DeviceQueue;
    KDPC Dpc;
    ULONG ActiveThreadCount;
    PVOID SecurityDescriptor;
    KEVENT DeviceLock;
    USHORT SectorSize, Spare1;
    PVOID DeviceObjectExtension, Reserved;
};
typedef VOID IO_CSQ_INSERT_IRP(PIO_CSQ Csq, PIRP Irp);
typedef IO_CSQ_INSERT_IRP *PIO_CSQ_INSERT_IRP;
typedef NTSTATUS IO_CSQ_INSERT_IRP_EX(PIO_CSQ Csq, PIRP Irp, PVOID InsertContext);
typedef IO_CSQ_INSERT_IRP_EX *PIO_CSQ_INSERT_IRP_EX;
typedef VOID IO_CSQ_REMOVE_IRP(PIO_CSQ Csq, PIRP Irp);
typedef IO_CSQ_REMOVE_IRP *PIO_CSQ_REMOVE_IRP;
typedef PIRP IO_CSQ_PEEK_NEXT_IRP(PIO_CSQ Csq, PIRP Irp, PVOID PeekContext);
typedef IO_CSQ_PEEK_NEXT_IRP *PIO_CSQ_PEEK_NEXT_IRP;
typedef VOID IO_CSQ_ACQUIRE_LOCK(PIO_CSQ Csq, PKIRQL Irql);
typedef IO_CSQ_ACQUIRE_LOCK *PIO_CSQ_ACQUIRE_LOCK;
typedef VOID IO_CSQ_RELEASE_LOCK(PIO_CSQ Csq, KIRQL Irql);
typedef IO_CSQ_RELEASE_LOCK *PIO_CSQ_RELEASE_LOCK;
typedef VOID IO_CSQ_COMPLETE_CANCELED_IRP(PIO_CSQ Csq, PIRP Irp);
typedef IO_CSQ_COMPLETE_CANCELED_IRP *PIO_CSQ_COMPLETE_CANCELED_IRP;
typedef struct _IO_CSQ_IRP_CONTEXT { ULONG Type; PIRP Irp; PIO_CSQ Csq; } IO_CSQ_IRP_CONTEXT, *PIO_CSQ_IRP_CONTEXT;
struct _IO_CSQ {
    ULONG Type;
    union { PIO_CSQ_INSERT_IRP CsqInsertIrp; PIO_CSQ_INSERT_IRP_EX CsqInsertIrpEx; };
    PIO_CSQ_REMOVE_IRP CsqRemoveIrp;
    PIO_CSQ_PEEK_NEXT_IRP CsqPeekNextIrp;
    PIO_CSQ_ACQUIRE_LOCK CsqAcquireLock;
    PIO_CSQ_RELEASE_LOCK CsqReleaseLock;
    PIO_CSQ_COMPLETE_CANCELED_IRP CsqCompleteCanceledIrp;
    PVOID ReservePointer;
};

#include "generated/wdm_numbers.h"
#include "generated/wdm_routines.h"

/* Statuses that the simulator itself has no use for. */
#define STATUS_BUFFER_OVERFLOW ((NTSTATUS)0x80000005L)
#define STATUS_INFO_LENGTH_MISMATCH ((NTSTATUS)0xC0000004L)
#define STATUS_NOT_FOUND ((NTSTATUS)0xC0000225L)
#define STATUS_DEVICE_CONFIGURATION_ERROR ((NTSTATUS)0xC0000182L)
#define STATUS_INVALID_BUFFER_SIZE ((NTSTATUS)0xC0000206L)

#define NT_SUCCESS(Status) ((NTSTATUS)(Status) >= 0)
#define NT_ERROR(Status) ((ULONG)(Status) >> 30 == 3)
#define PAGE_SIZE 0x1000
#define PAGE_SHIFT 12
#define ROUND_TO_PAGES(Size) (((ULONG_PTR)(Size) + PAGE_SIZE - 1) & ~(ULONG_PTR)(PAGE_SIZE - 1))
#define BYTES_TO_PAGES(Size) (((Size) >> PAGE_SHIFT) + (((Size) & (PAGE_SIZE - 1)) != 0))
#define BYTE_OFFSET(Va) ((ULONG)((ULONG_PTR)(Va) & (PAGE_SIZE - 1)))
#define PAGE_ALIGN(Va) ((PVOID)((ULONG_PTR)(Va) & ~(ULONG_PTR)(PAGE_SIZE - 1)))

/* Memory and strings. */
void *memset(void *, int, size_t);
void *memcpy(void *, const void *, size_t);
void *memmove(void *, const void *, size_t);
int memcmp(const void *, const void *, size_t);
size_t strlen(const char *);
int strcmp(const char *, const char *);
int strncmp(const char *, const char *, size_t);
size_t wcslen(const WCHAR *);
#define RtlZeroMemory(Destination, Length) memset((Destination), 0, (Length))
#define RtlFillMemory(Destination, Length, Fill) memset((Destination), (Fill), (Length))
#define RtlCopyMemory(Destination, Source, Length) memcpy((Destination), (Source), (Length))
#define RtlMoveMemory(Destination, Source, Length) memmove((Destination), (Source), (Length))
#define RtlEqualMemory(A, B, Length) (!memcmp((A), (B), (Length)))
NTSYSAPI SIZE_T RtlCompareMemory(const VOID *Source1, const VOID *Source2, SIZE_T Length);
NTSYSAPI ULONG DbgPrint(PCSTR Format, ...);
NTSYSAPI ULONG DbgPrintEx(ULONG ComponentId, ULONG Level, PCSTR Format, ...);
#define KeMemoryBarrier() __sync_synchronize()
#define MemoryBarrier() __sync_synchronize()
#define YieldProcessor() ((void)0)

FORCEINLINE PVOID ULongToPtr(ULONG Value) { return (PVOID)(ULONG_PTR)Value; }
FORCEINLINE ULONG PtrToUlong(const VOID *Value) { return (ULONG)(ULONG_PTR)Value; }

/* A bit of a word that others change too, by the interlocked routines that the simulator sees. */
FORCEINLINE UCHAR InterlockedBitTestAndSet(LONG volatile *Base, LONG Bit)
{
    return (UCHAR)(InterlockedOr((PLONG)Base + Bit / 32, (LONG)(1u << Bit % 32)) >> Bit % 32 & 1);
}
FORCEINLINE UCHAR InterlockedBitTestAndReset(LONG volatile *Base, LONG Bit)
{
    return (UCHAR)(InterlockedAnd((PLONG)Base + Bit / 32, (LONG)~(1u << Bit % 32)) >> Bit % 32 & 1);
}

/* Lists. */
FORCEINLINE VOID InitializeListHead(PLIST_ENTRY ListHead) { ListHead->Flink = ListHead->Blink = ListHead; }
FORCEINLINE BOOLEAN IsListEmpty(const LIST_ENTRY *ListHead) { return ListHead->Flink == ListHead; }
FORCEINLINE BOOLEAN RemoveEntryList(PLIST_ENTRY Entry)
{
    PLIST_ENTRY Next = Entry->Flink, Previous = Entry->Blink;
    Previous->Flink = Next;
    Next->Blink = Previous;
    return Next == Previous;
}
FORCEINLINE PLIST_ENTRY RemoveHeadList(PLIST_ENTRY ListHead)
{
    PLIST_ENTRY Entry = ListHead->Flink;
    RemoveEntryList(Entry);
    return Entry;
}
FORCEINLINE PLIST_ENTRY RemoveTailList(PLIST_ENTRY ListHead)
{
    PLIST_ENTRY Entry = ListHead->Blink;
    RemoveEntryList(Entry);
    return Entry;
}
FORCEINLINE VOID InsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY Entry)
{
    PLIST_ENTRY Last = ListHead->Blink;
    Entry->Flink = ListHead;
    Entry->Blink = Last;
    Last->Flink = Entry;
    ListHead->Blink = Entry;
}
FORCEINLINE VOID InsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY Entry)
{
    PLIST_ENTRY First = ListHead->Flink;
    Entry->Flink = First;
    Entry->Blink = ListHead;
    First->Blink = Entry;
    ListHead->Flink = Entry;
}

/* Fields that are shared without a lock: whole accesses, ordered or not. With storsim cc --race the simulator sees them as
 * such, and not as plain ones. */
#define SHARED_FIELD(Read, Write, Type, Reads, Writes) \
    FORCEINLINE Type Read(const volatile Type *Source) { return __atomic_load_n(Source, Reads); } \
    FORCEINLINE VOID Write(volatile Type *Destination, Type Value) { __atomic_store_n(Destination, Value, Writes); }
SHARED_FIELD(ReadAcquire, WriteRelease, LONG, __ATOMIC_ACQUIRE, __ATOMIC_RELEASE)
SHARED_FIELD(ReadNoFence, WriteNoFence, LONG, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
SHARED_FIELD(ReadAcquire8, WriteRelease8, CHAR, __ATOMIC_ACQUIRE, __ATOMIC_RELEASE)
SHARED_FIELD(ReadNoFence8, WriteNoFence8, CHAR, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
SHARED_FIELD(ReadAcquire16, WriteRelease16, SHORT, __ATOMIC_ACQUIRE, __ATOMIC_RELEASE)
SHARED_FIELD(ReadNoFence16, WriteNoFence16, SHORT, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
SHARED_FIELD(ReadAcquire64, WriteRelease64, LONG64, __ATOMIC_ACQUIRE, __ATOMIC_RELEASE)
SHARED_FIELD(ReadNoFence64, WriteNoFence64, LONG64, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
SHARED_FIELD(ReadUCharAcquire, WriteUCharRelease, UCHAR, __ATOMIC_ACQUIRE, __ATOMIC_RELEASE)
SHARED_FIELD(ReadUCharNoFence, WriteUCharNoFence, UCHAR, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
SHARED_FIELD(ReadUShortAcquire, WriteUShortRelease, USHORT, __ATOMIC_ACQUIRE, __ATOMIC_RELEASE)
SHARED_FIELD(ReadUShortNoFence, WriteUShortNoFence, USHORT, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
SHARED_FIELD(ReadULongAcquire, WriteULongRelease, ULONG, __ATOMIC_ACQUIRE, __ATOMIC_RELEASE)
SHARED_FIELD(ReadULongNoFence, WriteULongNoFence, ULONG, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
SHARED_FIELD(ReadULong64Acquire, WriteULong64Release, ULONG64, __ATOMIC_ACQUIRE, __ATOMIC_RELEASE)
SHARED_FIELD(ReadULong64NoFence, WriteULong64NoFence, ULONG64, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
SHARED_FIELD(ReadPointerAcquire, WritePointerRelease, PVOID, __ATOMIC_ACQUIRE, __ATOMIC_RELEASE)
SHARED_FIELD(ReadPointerNoFence, WritePointerNoFence, PVOID, __ATOMIC_RELAXED, __ATOMIC_RELAXED)
#undef SHARED_FIELD

/* IRPs. */
FORCEINLINE PIO_STACK_LOCATION IoGetCurrentIrpStackLocation(PIRP Irp) { return Irp->Tail.Overlay.CurrentStackLocation; }
FORCEINLINE PIO_STACK_LOCATION IoGetNextIrpStackLocation(PIRP Irp) { return Irp->Tail.Overlay.CurrentStackLocation - 1; }
FORCEINLINE VOID IoMarkIrpPending(PIRP Irp) { IoGetCurrentIrpStackLocation(Irp)->Control |= SL_PENDING_RETURNED; }
FORCEINLINE VOID IoSkipCurrentIrpStackLocation(PIRP Irp)
{
    Irp->CurrentLocation++;
    Irp->Tail.Overlay.CurrentStackLocation++;
}
FORCEINLINE VOID IoCopyCurrentIrpStackLocationToNext(PIRP Irp)
{
    PIO_STACK_LOCATION Next = IoGetNextIrpStackLocation(Irp);
    memcpy(Next, IoGetCurrentIrpStackLocation(Irp), FIELD_OFFSET(IO_STACK_LOCATION, CompletionRoutine));
    Next->Control = 0;
}
FORCEINLINE VOID IoSetCompletionRoutine(
    PIRP Irp, PIO_COMPLETION_ROUTINE Routine, PVOID Context, BOOLEAN OnSuccess, BOOLEAN OnError, BOOLEAN OnCancel)
{
    PIO_STACK_LOCATION Next = IoGetNextIrpStackLocation(Irp);
    Next->CompletionRoutine = Routine;
    Next->Context = Context;
    Next->Control = (UCHAR)((OnSuccess ? SL_INVOKE_ON_SUCCESS : 0) | (OnError ? SL_INVOKE_ON_ERROR : 0)
                            | (OnCancel ? SL_INVOKE_ON_CANCEL : 0));
}
FORCEINLINE VOID IoSetNextIrpStackLocation(PIRP Irp)
{
    Irp->CurrentLocation--;
    Irp->Tail.Overlay.CurrentStackLocation--;
}
FORCEINLINE VOID IoInitializeDpcRequest(PDEVICE_OBJECT DeviceObject, PIO_DPC_ROUTINE DpcRoutine)
{
    KeInitializeDpc(&DeviceObject->Dpc, (PKDEFERRED_ROUTINE)DpcRoutine, DeviceObject);
}
FORCEINLINE VOID IoRequestDpc(PDEVICE_OBJECT DeviceObject, PIRP Irp, PVOID Context)
{
    KeInsertQueueDpc(&DeviceObject->Dpc, Irp, Context);
}

/* MDLs. */
FORCEINLINE ULONG MmGetMdlByteCount(const MDL *Mdl) { return Mdl->ByteCount; }
FORCEINLINE ULONG MmGetMdlByteOffset(const MDL *Mdl) { return Mdl->ByteOffset; }
FORCEINLINE PVOID MmGetMdlVirtualAddress(const MDL *Mdl) { return (PVOID)((PCHAR)Mdl->StartVa + Mdl->ByteOffset); }

#endif
