//! The structures and scalar types of wdm.h, shaped as wdk-sys shapes them.
//!
//! Names, field names and anonymous-union names are those a driver would meet in wdk-sys. Sizes are
//! not those of Windows: fields that no modelled routine uses are left out, and a driver that
//! depends on `sizeof` or on undocumented fields is not supported.

use std::ffi::c_void;
use std::ptr::null_mut;

/// Scalar types.
mod scalars {
    #![expect(missing_docs, reason = "the scalar types of ntdef.h")]
    use super::c_void;
    pub type PVOID = *mut c_void;
    pub type UCHAR = u8;
    pub type PUCHAR = *mut u8;
    pub type CCHAR = i8;
    pub type CHAR = i8;
    pub type BOOLEAN = u8;
    pub type USHORT = u16;
    pub type SHORT = i16;
    pub type CSHORT = i16;
    pub type ULONG = u32;
    pub type PULONG = *mut u32;
    pub type LONG = i32;
    pub type PLONG = *mut i32;
    pub type ULONGLONG = u64;
    pub type LONGLONG = i64;
    pub type ULONG_PTR = usize;
    pub type SIZE_T = usize;
    pub type NTSTATUS = i32;
    pub type KIRQL = u8;
    pub type PKIRQL = *mut KIRQL;
    pub type KAFFINITY = u64;
    pub type KPRIORITY = i32;
    pub type HANDLE = *mut c_void;
    pub type PHANDLE = *mut HANDLE;
    pub type ACCESS_MASK = u32;
    pub type EVENT_TYPE = i32;
    pub type TIMER_TYPE = i32;
    pub type KDPC_IMPORTANCE = i32;
    pub type KWAIT_REASON = i32;
    pub type KPROCESSOR_MODE = i8;
    pub type KINTERRUPT_MODE = i32;
    pub type POOL_TYPE = i32;
    pub type POOL_FLAGS = u64;
    pub type WORK_QUEUE_TYPE = i32;
    pub type DEVICE_TYPE = u32;
    pub type MEMORY_CACHING_TYPE = i32;
    pub type LOCK_OPERATION = i32;
    pub type INTERFACE_TYPE = i32;
    pub type KSPIN_LOCK = usize;
    pub type PKSPIN_LOCK = *mut KSPIN_LOCK;
}
pub use super::resources::*;
pub use super::status::*;
pub use scalars::*;

macro_rules! numbers {
    ($($name:ident: $ty:ty = $value:expr;)*) => {
        $(#[doc = concat!("`", stringify!($name), "` of the WDK headers.")] pub const $name: $ty = $value;)*
    };
}

numbers! {
    TRUE: BOOLEAN = 1;
    FALSE: BOOLEAN = 0;
    PASSIVE_LEVEL: KIRQL = 0;
    APC_LEVEL: KIRQL = 1;
    DISPATCH_LEVEL: KIRQL = 2;
    HIGH_LEVEL: KIRQL = 15;
    NotificationEvent: EVENT_TYPE = 0;
    SynchronizationEvent: EVENT_TYPE = 1;
    NotificationTimer: TIMER_TYPE = 0;
    SynchronizationTimer: TIMER_TYPE = 1;
    LowImportance: KDPC_IMPORTANCE = 0;
    MediumImportance: KDPC_IMPORTANCE = 1;
    HighImportance: KDPC_IMPORTANCE = 2;
    MediumHighImportance: KDPC_IMPORTANCE = 3;
    Executive: KWAIT_REASON = 0;
    KernelMode: KPROCESSOR_MODE = 0;
    UserMode: KPROCESSOR_MODE = 1;
    LevelSensitive: KINTERRUPT_MODE = 0;
    Latched: KINTERRUPT_MODE = 1;
    NonPagedPool: POOL_TYPE = 0;
    PagedPool: POOL_TYPE = 1;
    NonPagedPoolNx: POOL_TYPE = 512;
    POOL_FLAG_UNINITIALIZED: POOL_FLAGS = 0x2;
    POOL_FLAG_NON_PAGED: POOL_FLAGS = 0x40;
    POOL_FLAG_PAGED: POOL_FLAGS = 0x100;
    CriticalWorkQueue: WORK_QUEUE_TYPE = 0;
    DelayedWorkQueue: WORK_QUEUE_TYPE = 1;
    MmNonCached: MEMORY_CACHING_TYPE = 0;
    MmCached: MEMORY_CACHING_TYPE = 1;
    IRP_MJ_CREATE: usize = 0x00;
    IRP_MJ_CLOSE: usize = 0x02;
    IRP_MJ_READ: usize = 0x03;
    IRP_MJ_WRITE: usize = 0x04;
    IRP_MJ_FLUSH_BUFFERS: usize = 0x09;
    IRP_MJ_DEVICE_CONTROL: usize = 0x0e;
    IRP_MJ_INTERNAL_DEVICE_CONTROL: usize = 0x0f;
    IRP_MJ_SCSI: usize = 0x0f;
    IRP_MJ_SHUTDOWN: usize = 0x10;
    IRP_MJ_CLEANUP: usize = 0x12;
    IRP_MJ_PNP: usize = 0x1b;
    IRP_MJ_MAXIMUM_FUNCTION: usize = 0x1b;
    SL_PENDING_RETURNED: UCHAR = 0x01;
    SL_INVOKE_ON_CANCEL: UCHAR = 0x20;
    SL_INVOKE_ON_SUCCESS: UCHAR = 0x40;
    SL_INVOKE_ON_ERROR: UCHAR = 0x80;
    DO_DIRECT_IO: ULONG = 0x10;
    DO_BUFFERED_IO: ULONG = 0x04;
    DO_DEVICE_INITIALIZING: ULONG = 0x80;
    FILE_DEVICE_DISK: DEVICE_TYPE = 0x07;
    FILE_DEVICE_CONTROLLER: DEVICE_TYPE = 0x04;
    IO_NO_INCREMENT: CCHAR = 0;
    IO_DISK_INCREMENT: CCHAR = 1;
    IO_TYPE_IRP: CSHORT = 6;
    IO_TYPE_DEVICE: CSHORT = 3;
    IO_TYPE_DRIVER: CSHORT = 4;
    NormalPagePriority: ULONG = 16;
    MDL_MAPPED_TO_SYSTEM_VA: CSHORT = 0x1;
    MDL_SOURCE_IS_NONPAGED_POOL: CSHORT = 0x4;
    IRP_MN_START_DEVICE: UCHAR = 0x00;
    IRP_MN_QUERY_REMOVE_DEVICE: UCHAR = 0x01;
    IRP_MN_REMOVE_DEVICE: UCHAR = 0x02;
    IRP_MN_CANCEL_REMOVE_DEVICE: UCHAR = 0x03;
    IRP_MN_STOP_DEVICE: UCHAR = 0x04;
    IRP_MN_QUERY_STOP_DEVICE: UCHAR = 0x05;
    IRP_MN_CANCEL_STOP_DEVICE: UCHAR = 0x06;
    IRP_MN_SURPRISE_REMOVAL: UCHAR = 0x17;
    CmResourceTypeInterrupt: UCHAR = 2;
    CmResourceTypeMemory: UCHAR = 3;
    CmResourceShareDeviceExclusive: UCHAR = 1;
    CmResourceShareShared: UCHAR = 3;
    CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE: USHORT = 0;
    CM_RESOURCE_INTERRUPT_LATCHED: USHORT = 1;
    CM_RESOURCE_MEMORY_READ_WRITE: USHORT = 0;
    InterfaceTypeUndefined: INTERFACE_TYPE = -1;
    Internal: INTERFACE_TYPE = 0;
    PCIBus: INTERFACE_TYPE = 5;
    IOCTL_DISK_GET_LENGTH_INFO: ULONG = 0x0007_405C;
    DPC_OBJECT: UCHAR = 0x13;
    LOW_IMPORTANCE: KDPC_IMPORTANCE = 0;
    MEDIUM_IMPORTANCE: KDPC_IMPORTANCE = 1;
    HIGH_IMPORTANCE: KDPC_IMPORTANCE = 2;
    EVENT_NOTIFICATION_OBJECT: UCHAR = 0;
    EVENT_SYNCHRONIZATION_OBJECT: UCHAR = 1;
    SEMAPHORE_OBJECT: UCHAR = 5;
    THREAD_OBJECT: UCHAR = 6;
    TIMER_NOTIFICATION_OBJECT: UCHAR = 8;
    TIMER_SYNCHRONIZATION_OBJECT: UCHAR = 9;
}

/// Structures. A field's meaning is the WDK's.
mod structures {
    #![expect(missing_docs, reason = "fields have the WDK's names and meanings")]
    use super::*;

    /// A 64-bit integer in two halves.
    #[repr(C)]
    #[derive(Clone, Copy)]
    pub union LARGE_INTEGER {
        pub QuadPart: i64,
    }
    pub type PLARGE_INTEGER = *mut LARGE_INTEGER;
    pub type PHYSICAL_ADDRESS = LARGE_INTEGER;

    impl LARGE_INTEGER {
        /// A value.
        #[must_use]
        pub const fn new(value: i64) -> LARGE_INTEGER {
            LARGE_INTEGER { QuadPart: value }
        }

        /// The value.
        #[must_use]
        pub const fn QuadPart(self) -> i64 {
            // SAFETY: the union has one field.
            unsafe { self.QuadPart }
        }
    }

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub struct LIST_ENTRY {
        pub Flink: *mut LIST_ENTRY,
        pub Blink: *mut LIST_ENTRY,
    }
    pub type PLIST_ENTRY = *mut LIST_ENTRY;

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub struct SINGLE_LIST_ENTRY {
        pub Next: *mut SINGLE_LIST_ENTRY,
    }
    pub type PSINGLE_LIST_ENTRY = *mut SINGLE_LIST_ENTRY;

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub struct UNICODE_STRING {
        pub Length: USHORT,
        pub MaximumLength: USHORT,
        pub Buffer: *mut u16,
    }
    pub type PUNICODE_STRING = *mut UNICODE_STRING;

    #[repr(C)]
    pub struct DISPATCHER_HEADER {
        pub Type: UCHAR,
        pub Signalling: UCHAR,
        pub Size: UCHAR,
        pub Inserted: UCHAR,
        pub SignalState: LONG,
        pub WaitListHead: LIST_ENTRY,
    }

    #[repr(C)]
    pub struct KEVENT {
        pub Header: DISPATCHER_HEADER,
    }
    pub type PKEVENT = *mut KEVENT;

    #[repr(C)]
    pub struct KSEMAPHORE {
        pub Header: DISPATCHER_HEADER,
        pub Limit: LONG,
    }
    pub type PKSEMAPHORE = *mut KSEMAPHORE;

    #[repr(C)]
    pub struct KTIMER {
        pub Header: DISPATCHER_HEADER,
        pub DueTime: u64,
        pub TimerListEntry: LIST_ENTRY,
        pub Dpc: PKDPC,
        pub Processor: USHORT,
        pub Period: ULONG,
    }
    pub type PKTIMER = *mut KTIMER;

    pub type PKDEFERRED_ROUTINE = Option<
        unsafe extern "C-unwind" fn(
            Dpc: PKDPC,
            DeferredContext: PVOID,
            SystemArgument1: PVOID,
            SystemArgument2: PVOID,
        ),
    >;

    #[repr(C)]
    pub struct KDPC {
        pub Type: UCHAR,
        pub Importance: UCHAR,
        pub Number: USHORT,
        pub DpcListEntry: SINGLE_LIST_ENTRY,
        pub DeferredRoutine: PKDEFERRED_ROUTINE,
        pub DeferredContext: PVOID,
        pub SystemArgument1: PVOID,
        pub SystemArgument2: PVOID,
        pub DpcData: PVOID,
    }
    pub type PKDPC = *mut KDPC;
    pub type PRKDPC = *mut KDPC;

    impl KDPC {
        pub(crate) const UNLINKED: SINGLE_LIST_ENTRY = SINGLE_LIST_ENTRY { Next: null_mut() };
    }

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub struct KSPIN_LOCK_QUEUE {
        pub Next: *mut KSPIN_LOCK_QUEUE,
        pub Lock: PKSPIN_LOCK,
    }

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub struct KLOCK_QUEUE_HANDLE {
        pub LockQueue: KSPIN_LOCK_QUEUE,
        pub OldIrql: KIRQL,
    }
    pub type PKLOCK_QUEUE_HANDLE = *mut KLOCK_QUEUE_HANDLE;

    impl KLOCK_QUEUE_HANDLE {
        /// A handle as C declares it: not yet filled in.
        #[must_use]
        pub const fn new() -> KLOCK_QUEUE_HANDLE {
            KLOCK_QUEUE_HANDLE {
                LockQueue: KSPIN_LOCK_QUEUE { Next: null_mut(), Lock: null_mut() },
                OldIrql: 0,
            }
        }
    }

    impl Default for KLOCK_QUEUE_HANDLE {
        fn default() -> Self {
            KLOCK_QUEUE_HANDLE::new()
        }
    }

    pub type PKSERVICE_ROUTINE =
        Option<unsafe extern "C-unwind" fn(Interrupt: PKINTERRUPT, ServiceContext: PVOID) -> BOOLEAN>;
    pub type PKSYNCHRONIZE_ROUTINE =
        Option<unsafe extern "C-unwind" fn(SynchronizeContext: PVOID) -> BOOLEAN>;
    pub type PKSTART_ROUTINE = Option<unsafe extern "C-unwind" fn(StartContext: PVOID)>;

    /// Opaque on Windows; drivers hold pointers to it.
    #[repr(C)]
    pub struct KINTERRUPT {
        pub(crate) Type: u32,
        pub(crate) Vector: ULONG,
        pub(crate) ServiceRoutine: PKSERVICE_ROUTINE,
        pub(crate) ServiceContext: PVOID,
        pub(crate) ActualLock: PKSPIN_LOCK,
        pub(crate) OwnLock: KSPIN_LOCK,
        pub(crate) Irql: KIRQL,
        pub(crate) SynchronizeIrql: KIRQL,
    }
    pub type PKINTERRUPT = *mut KINTERRUPT;

    impl KINTERRUPT {
        pub(crate) const TYPE: u32 = u32::from_le_bytes(*b"KInt");
    }

    #[repr(C)]
    pub struct KDEVICE_QUEUE {
        pub Type: CSHORT,
        pub Size: CSHORT,
        pub DeviceListHead: LIST_ENTRY,
        pub Lock: KSPIN_LOCK,
        pub Busy: BOOLEAN,
    }
    pub type PKDEVICE_QUEUE = *mut KDEVICE_QUEUE;

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub struct KDEVICE_QUEUE_ENTRY {
        pub DeviceListEntry: LIST_ENTRY,
        pub SortKey: ULONG,
        pub Inserted: BOOLEAN,
    }
    pub type PKDEVICE_QUEUE_ENTRY = *mut KDEVICE_QUEUE_ENTRY;

    #[repr(C)]
    pub struct MDL {
        pub Next: *mut MDL,
        pub Size: CSHORT,
        pub MdlFlags: CSHORT,
        pub MappedSystemVa: PVOID,
        pub StartVa: PVOID,
        pub ByteCount: ULONG,
        pub ByteOffset: ULONG,
    }
    pub type PMDL = *mut MDL;

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub union IO_STATUS_BLOCK__bindgen_ty_1 {
        pub Status: NTSTATUS,
        pub Pointer: PVOID,
    }

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub struct IO_STATUS_BLOCK {
        pub __bindgen_anon_1: IO_STATUS_BLOCK__bindgen_ty_1,
        pub Information: ULONG_PTR,
    }
    pub type PIO_STATUS_BLOCK = *mut IO_STATUS_BLOCK;

    impl IO_STATUS_BLOCK {
        /// The status.
        #[must_use]
        pub fn Status(&self) -> NTSTATUS {
            // SAFETY: both readings of the union are plain data, and the status comes first.
            unsafe { self.__bindgen_anon_1.Status }
        }

        /// A block with a status and an information.
        #[must_use]
        pub const fn new(status: NTSTATUS, information: ULONG_PTR) -> IO_STATUS_BLOCK {
            IO_STATUS_BLOCK {
                __bindgen_anon_1: IO_STATUS_BLOCK__bindgen_ty_1 { Status: status },
                Information: information,
            }
        }
    }

    pub type PDRIVER_INITIALIZE = Option<
        unsafe extern "C-unwind" fn(DriverObject: PDRIVER_OBJECT, RegistryPath: PUNICODE_STRING) -> NTSTATUS,
    >;
    pub type PDRIVER_DISPATCH =
        Option<unsafe extern "C-unwind" fn(DeviceObject: PDEVICE_OBJECT, Irp: PIRP) -> NTSTATUS>;
    pub type PDRIVER_STARTIO = Option<unsafe extern "C-unwind" fn(DeviceObject: PDEVICE_OBJECT, Irp: PIRP)>;
    pub type PDRIVER_UNLOAD = Option<unsafe extern "C-unwind" fn(DriverObject: PDRIVER_OBJECT)>;
    pub type PDRIVER_ADD_DEVICE = Option<
        unsafe extern "C-unwind" fn(
            DriverObject: PDRIVER_OBJECT,
            PhysicalDeviceObject: PDEVICE_OBJECT,
        ) -> NTSTATUS,
    >;
    pub type PDRIVER_CANCEL = Option<unsafe extern "C-unwind" fn(DeviceObject: PDEVICE_OBJECT, Irp: PIRP)>;
    pub type PIO_COMPLETION_ROUTINE = Option<
        unsafe extern "C-unwind" fn(DeviceObject: PDEVICE_OBJECT, Irp: PIRP, Context: PVOID) -> NTSTATUS,
    >;
    pub type PIO_DPC_ROUTINE = Option<
        unsafe extern "C-unwind" fn(Dpc: PKDPC, DeviceObject: PDEVICE_OBJECT, Irp: PIRP, Context: PVOID),
    >;
    pub type PIO_WORKITEM_ROUTINE =
        Option<unsafe extern "C-unwind" fn(DeviceObject: PDEVICE_OBJECT, Context: PVOID)>;

    #[repr(C)]
    pub struct DRIVER_EXTENSION {
        pub DriverObject: PDRIVER_OBJECT,
        pub AddDevice: PDRIVER_ADD_DEVICE,
        pub ClientIdentification: PVOID,
        pub ClientExtension: PVOID,
    }
    pub type PDRIVER_EXTENSION = *mut DRIVER_EXTENSION;

    #[repr(C)]
    pub struct DRIVER_OBJECT {
        pub Type: CSHORT,
        pub Size: CSHORT,
        pub DeviceObject: PDEVICE_OBJECT,
        pub Flags: ULONG,
        pub DriverExtension: PDRIVER_EXTENSION,
        pub DriverInit: PDRIVER_INITIALIZE,
        pub DriverStartIo: PDRIVER_STARTIO,
        pub DriverUnload: PDRIVER_UNLOAD,
        pub MajorFunction: [PDRIVER_DISPATCH; IRP_MJ_MAXIMUM_FUNCTION + 1],
    }
    pub type PDRIVER_OBJECT = *mut DRIVER_OBJECT;

    #[repr(C)]
    pub struct DEVICE_OBJECT {
        pub Type: CSHORT,
        pub Size: USHORT,
        pub ReferenceCount: LONG,
        pub DriverObject: PDRIVER_OBJECT,
        pub NextDevice: PDEVICE_OBJECT,
        pub AttachedDevice: PDEVICE_OBJECT,
        pub CurrentIrp: PIRP,
        pub Flags: ULONG,
        pub Characteristics: ULONG,
        pub DeviceExtension: PVOID,
        pub DeviceType: DEVICE_TYPE,
        pub StackSize: CCHAR,
        pub AlignmentRequirement: ULONG,
        pub DeviceQueue: KDEVICE_QUEUE,
        pub Dpc: KDPC,
        pub SectorSize: USHORT,
        /// The device below, which Windows keeps in the device object's private extension.
        pub(crate) AttachedTo: PDEVICE_OBJECT,
        pub(crate) DeferredStartIo: BOOLEAN,
        pub(crate) NonCancelable: BOOLEAN,
        /// How many StartIo calls are active, and whether the next packet is owed to the driver when
        /// the present call returns (deferred StartIo): whether cancelable, whether by key, which key.
        pub(crate) StartIoActive: ULONG,
        pub(crate) StartIoOwed: BOOLEAN,
        pub(crate) StartIoOwedCancelable: BOOLEAN,
        pub(crate) StartIoOwedByKey: BOOLEAN,
        pub(crate) StartIoOwedKey: ULONG,
    }
    pub type PDEVICE_OBJECT = *mut DEVICE_OBJECT;

    /// Opaque; the simulator has no file objects.
    #[repr(C)]
    pub struct FILE_OBJECT {
        _opaque: [u8; 0],
    }
    pub type PFILE_OBJECT = *mut FILE_OBJECT;

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub struct IO_STACK_LOCATION_Parameters_Read {
        pub Length: ULONG,
        pub Key: ULONG,
        pub ByteOffset: LARGE_INTEGER,
    }

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub struct IO_STACK_LOCATION_Parameters_DeviceIoControl {
        pub OutputBufferLength: ULONG,
        pub InputBufferLength: ULONG,
        pub IoControlCode: ULONG,
        pub Type3InputBuffer: PVOID,
    }

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub struct IO_STACK_LOCATION_Parameters_Scsi {
        /// `PSCSI_REQUEST_BLOCK`, which this crate does not know.
        pub Srb: PVOID,
    }

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub struct IO_STACK_LOCATION_Parameters_StartDevice {
        pub AllocatedResources: PCM_RESOURCE_LIST,
        pub AllocatedResourcesTranslated: PCM_RESOURCE_LIST,
    }

    /// The answer to IOCTL_DISK_GET_LENGTH_INFO.
    #[repr(C)]
    #[derive(Clone, Copy)]
    pub struct GET_LENGTH_INFORMATION {
        /// Length in bytes.
        pub Length: LARGE_INTEGER,
    }
    pub type PGET_LENGTH_INFORMATION = *mut GET_LENGTH_INFORMATION;

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub struct IO_STACK_LOCATION_Parameters_Others {
        pub Argument1: PVOID,
        pub Argument2: PVOID,
        pub Argument3: PVOID,
        pub Argument4: PVOID,
    }

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub union IO_STACK_LOCATION_Parameters {
        pub Read: IO_STACK_LOCATION_Parameters_Read,
        pub Write: IO_STACK_LOCATION_Parameters_Read,
        pub DeviceIoControl: IO_STACK_LOCATION_Parameters_DeviceIoControl,
        pub Scsi: IO_STACK_LOCATION_Parameters_Scsi,
        pub StartDevice: IO_STACK_LOCATION_Parameters_StartDevice,
        pub Others: IO_STACK_LOCATION_Parameters_Others,
    }

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub struct IO_STACK_LOCATION {
        pub MajorFunction: UCHAR,
        pub MinorFunction: UCHAR,
        pub Flags: UCHAR,
        pub Control: UCHAR,
        pub Parameters: IO_STACK_LOCATION_Parameters,
        pub DeviceObject: PDEVICE_OBJECT,
        pub FileObject: PFILE_OBJECT,
        pub CompletionRoutine: PIO_COMPLETION_ROUTINE,
        pub Context: PVOID,
    }
    pub type PIO_STACK_LOCATION = *mut IO_STACK_LOCATION;

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub union IRP_AssociatedIrp {
        pub MasterIrp: PIRP,
        pub IrpCount: LONG,
        pub SystemBuffer: PVOID,
    }

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub union IRP_Overlay_1 {
        pub DeviceQueueEntry: KDEVICE_QUEUE_ENTRY,
        pub DriverContext: [PVOID; 4],
    }

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub union IRP_Overlay_2_1 {
        pub CurrentStackLocation: PIO_STACK_LOCATION,
    }

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub struct IRP_Overlay_2 {
        pub ListEntry: LIST_ENTRY,
        pub __bindgen_anon_1: IRP_Overlay_2_1,
    }

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub struct IRP_Overlay {
        pub __bindgen_anon_1: IRP_Overlay_1,
        pub Thread: PVOID,
        pub __bindgen_anon_2: IRP_Overlay_2,
        pub OriginalFileObject: PFILE_OBJECT,
    }

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub union IRP_Tail {
        pub Overlay: IRP_Overlay,
    }

    #[repr(C)]
    pub struct IRP {
        pub Type: CSHORT,
        pub Size: USHORT,
        pub MdlAddress: PMDL,
        pub Flags: ULONG,
        pub AssociatedIrp: IRP_AssociatedIrp,
        pub IoStatus: IO_STATUS_BLOCK,
        pub RequestorMode: KPROCESSOR_MODE,
        pub PendingReturned: BOOLEAN,
        pub StackCount: CHAR,
        pub CurrentLocation: CHAR,
        pub Cancel: BOOLEAN,
        pub CancelIrql: KIRQL,
        pub UserIosb: PIO_STATUS_BLOCK,
        pub UserEvent: PKEVENT,
        pub CancelRoutine: PDRIVER_CANCEL,
        pub UserBuffer: PVOID,
        pub Tail: IRP_Tail,
        /// Serial number and state, private to the simulator's I/O manager.
        pub(crate) Serial: u64,
        pub(crate) State: u32,
        pub(crate) Builder: u32,
    }
    pub type PIRP = *mut IRP;

    /// Opaque on Windows; drivers hold pointers to it.
    #[repr(C)]
    pub struct IO_WORKITEM {
        pub(crate) DeviceObject: PDEVICE_OBJECT,
        pub(crate) Queued: u32,
    }
    pub type PIO_WORKITEM = *mut IO_WORKITEM;

    /// Opaque on Windows; drivers hold pointers to it.
    #[repr(C)]
    pub struct KTHREAD {
        pub(crate) Header: DISPATCHER_HEADER,
        pub(crate) References: u32,
    }
    pub type PKTHREAD = *mut KTHREAD;

    /// Unused by the simulator: threads have no names.
    #[repr(C)]
    pub struct OBJECT_ATTRIBUTES {
        _opaque: [u8; 0],
    }
    pub type POBJECT_ATTRIBUTES = *mut OBJECT_ATTRIBUTES;

    #[repr(C)]
    #[derive(Clone, Copy)]
    pub struct CLIENT_ID {
        pub UniqueProcess: HANDLE,
        pub UniqueThread: HANDLE,
    }
    pub type PCLIENT_ID = *mut CLIENT_ID;
}
pub use structures::*;

impl crate::hook::IntoArg for LARGE_INTEGER {
    fn into_arg(self) -> crate::hook::Arg {
        crate::hook::Arg::Value(self.QuadPart() as u64)
    }
}
impl crate::hook::Quiet for LARGE_INTEGER {
    fn quiet() -> Self {
        LARGE_INTEGER::new(0)
    }
}
