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

crate::wdk_numbers! {
    in WDM_NUMBERS;

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
    IRP_MJ_POWER: usize = 0x16;
    IRP_MJ_PNP: usize = 0x1b;
    IRP_MJ_MAXIMUM_FUNCTION: usize = 0x1b;
    SL_PENDING_RETURNED: UCHAR = 0x01;
    SL_INVOKE_ON_CANCEL: UCHAR = 0x20;
    SL_INVOKE_ON_SUCCESS: UCHAR = 0x40;
    SL_INVOKE_ON_ERROR: UCHAR = 0x80;
    DO_DIRECT_IO: ULONG = 0x10;
    DO_BUFFERED_IO: ULONG = 0x04;
    DO_POWER_PAGABLE: ULONG = 0x2000;
    DO_DEVICE_INITIALIZING: ULONG = 0x80;
    FILE_DEVICE_DISK: DEVICE_TYPE = 0x07;
    FILE_DEVICE_CONTROLLER: DEVICE_TYPE = 0x04;
    IO_NO_INCREMENT: CCHAR = 0;
    IO_DISK_INCREMENT: CCHAR = 1;
    IO_TYPE_IRP: CSHORT = 6;
    IO_TYPE_DEVICE: CSHORT = 3;
    IO_TYPE_DRIVER: CSHORT = 4;
    IO_TYPE_FILE: CSHORT = 5;
    NormalPagePriority: ULONG = 16;
    IoReadAccess: LOCK_OPERATION = 0;
    IoWriteAccess: LOCK_OPERATION = 1;
    IoModifyAccess: LOCK_OPERATION = 2;
    MDL_MAPPED_TO_SYSTEM_VA: CSHORT = 0x1;
    MDL_PAGES_LOCKED: CSHORT = 0x2;
    MDL_SOURCE_IS_NONPAGED_POOL: CSHORT = 0x4;
    IRP_MN_START_DEVICE: UCHAR = 0x00;
    IRP_MN_QUERY_REMOVE_DEVICE: UCHAR = 0x01;
    IRP_MN_REMOVE_DEVICE: UCHAR = 0x02;
    IRP_MN_CANCEL_REMOVE_DEVICE: UCHAR = 0x03;
    IRP_MN_STOP_DEVICE: UCHAR = 0x04;
    IRP_MN_QUERY_STOP_DEVICE: UCHAR = 0x05;
    IRP_MN_CANCEL_STOP_DEVICE: UCHAR = 0x06;
    IRP_MN_SURPRISE_REMOVAL: UCHAR = 0x17;
    IRP_MN_QUERY_CAPABILITIES: UCHAR = 0x09;
    IRP_MN_QUERY_PNP_DEVICE_STATE: UCHAR = 0x14;
    IRP_MN_SET_POWER: UCHAR = 0x02;
    IRP_MN_QUERY_POWER: UCHAR = 0x03;
    SystemPowerState: POWER_STATE_TYPE = 0;
    DevicePowerState: POWER_STATE_TYPE = 1;
    PowerSystemUnspecified: SYSTEM_POWER_STATE = 0;
    PowerSystemWorking: SYSTEM_POWER_STATE = 1;
    PowerSystemSleeping1: SYSTEM_POWER_STATE = 2;
    PowerSystemSleeping2: SYSTEM_POWER_STATE = 3;
    PowerSystemSleeping3: SYSTEM_POWER_STATE = 4;
    PowerSystemHibernate: SYSTEM_POWER_STATE = 5;
    PowerSystemShutdown: SYSTEM_POWER_STATE = 6;
    PowerDeviceUnspecified: DEVICE_POWER_STATE = 0;
    PowerDeviceD0: DEVICE_POWER_STATE = 1;
    PowerDeviceD1: DEVICE_POWER_STATE = 2;
    PowerDeviceD2: DEVICE_POWER_STATE = 3;
    PowerDeviceD3: DEVICE_POWER_STATE = 4;
    PowerActionNone: POWER_ACTION = 0;
    PowerActionSleep: POWER_ACTION = 2;
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
    MUTANT_OBJECT: UCHAR = 2;
    SEMAPHORE_OBJECT: UCHAR = 5;
    THREAD_OBJECT: UCHAR = 6;
    TIMER_NOTIFICATION_OBJECT: UCHAR = 8;
    TIMER_SYNCHRONIZATION_OBJECT: UCHAR = 9;
}

mod executive;
mod io;
mod kernel;
mod registry;
pub use executive::*;
pub use io::*;
pub use kernel::*;
pub use registry::*;

impl crate::routine::IntoArg for LARGE_INTEGER {
    fn into_arg(self) -> crate::routine::Arg {
        crate::routine::Arg::Value(self.QuadPart() as u64)
    }
}
impl crate::routine::StoppedAnswer for LARGE_INTEGER {
    fn stopped() -> Self {
        LARGE_INTEGER::new(0)
    }
}
