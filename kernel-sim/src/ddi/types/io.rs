//! Structures of the I/O manager: IRPs, devices, drivers, MDLs. A field's meaning is the WDK's.

#![expect(unsafe_code, reason = "layer 1: pointers and contracts are those of the WDK")]
#![expect(missing_docs, reason = "fields have the WDK's names and meanings")]

use super::*;
#[repr(C)]
pub struct MDL {
    pub Next: *mut MDL,
    pub Size: CSHORT,
    pub MdlFlags: CSHORT,
    /// The system's.
    pub(crate) Process: PVOID,
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
pub type PIO_COMPLETION_ROUTINE =
    Option<unsafe extern "C-unwind" fn(DeviceObject: PDEVICE_OBJECT, Irp: PIRP, Context: PVOID) -> NTSTATUS>;
pub type PIO_DPC_ROUTINE =
    Option<unsafe extern "C-unwind" fn(Dpc: PKDPC, DeviceObject: PDEVICE_OBJECT, Irp: PIRP, Context: PVOID)>;
pub type PIO_WORKITEM_ROUTINE =
    Option<unsafe extern "C-unwind" fn(DeviceObject: PDEVICE_OBJECT, Context: PVOID)>;

#[repr(C)]
pub struct DRIVER_EXTENSION {
    pub DriverObject: PDRIVER_OBJECT,
    pub AddDevice: PDRIVER_ADD_DEVICE,
    pub(crate) Count: ULONG,
    pub(crate) ServiceKeyName: UNICODE_STRING,
}
pub type PDRIVER_EXTENSION = *mut DRIVER_EXTENSION;

#[repr(C)]
pub struct DRIVER_OBJECT {
    pub Type: CSHORT,
    pub Size: CSHORT,
    pub DeviceObject: PDEVICE_OBJECT,
    pub Flags: ULONG,
    /// The system's, as are all members that are not public.
    pub(crate) DriverStart: PVOID,
    pub(crate) DriverSize: ULONG,
    pub(crate) DriverSection: PVOID,
    pub DriverExtension: PDRIVER_EXTENSION,
    pub DriverName: UNICODE_STRING,
    pub HardwareDatabase: PUNICODE_STRING,
    pub FastIoDispatch: PVOID,
    pub DriverInit: PDRIVER_INITIALIZE,
    pub DriverStartIo: PDRIVER_STARTIO,
    pub DriverUnload: PDRIVER_UNLOAD,
    pub MajorFunction: [PDRIVER_DISPATCH; IRP_MJ_MAXIMUM_FUNCTION + 1],
}
pub type PDRIVER_OBJECT = *mut DRIVER_OBJECT;

#[repr(C, align(16))]
pub struct DEVICE_OBJECT {
    pub Type: CSHORT,
    pub Size: USHORT,
    pub ReferenceCount: LONG,
    pub DriverObject: PDRIVER_OBJECT,
    pub NextDevice: PDEVICE_OBJECT,
    pub AttachedDevice: PDEVICE_OBJECT,
    pub CurrentIrp: PIRP,
    pub(crate) Timer: PVOID,
    pub Flags: ULONG,
    pub Characteristics: ULONG,
    pub(crate) Vpb: PVOID,
    pub DeviceExtension: PVOID,
    pub DeviceType: DEVICE_TYPE,
    pub StackSize: CCHAR,
    pub(crate) Queue: [usize; 9],
    pub AlignmentRequirement: ULONG,
    pub DeviceQueue: KDEVICE_QUEUE,
    pub Dpc: KDPC,
    pub(crate) ActiveThreadCount: ULONG,
    pub SecurityDescriptor: PVOID,
    pub(crate) DeviceLock: KEVENT,
    pub SectorSize: USHORT,
    pub(crate) Spare1: USHORT,
    pub(crate) DeviceObjectExtension: PVOID,
    pub(crate) Reserved: PVOID,
}
pub type PDEVICE_OBJECT = *mut DEVICE_OBJECT;

#[repr(C)]
pub struct FILE_OBJECT {
    pub Type: CSHORT,
    pub Size: CSHORT,
    pub DeviceObject: PDEVICE_OBJECT,
    pub(crate) Vpb: PVOID,
    pub FsContext: PVOID,
    pub FsContext2: PVOID,
    pub(crate) SectionObjectPointer: PVOID,
    pub(crate) PrivateCacheMap: PVOID,
    pub FinalStatus: NTSTATUS,
    pub RelatedFileObject: PFILE_OBJECT,
    pub LockOperation: BOOLEAN,
    pub DeletePending: BOOLEAN,
    pub ReadAccess: BOOLEAN,
    pub WriteAccess: BOOLEAN,
    pub DeleteAccess: BOOLEAN,
    pub SharedRead: BOOLEAN,
    pub SharedWrite: BOOLEAN,
    pub SharedDelete: BOOLEAN,
    pub Flags: ULONG,
    pub FileName: UNICODE_STRING,
    pub CurrentByteOffset: LARGE_INTEGER,
    pub(crate) Waiters: ULONG,
    pub(crate) Busy: ULONG,
    pub(crate) LastLock: PVOID,
    pub(crate) Lock: KEVENT,
    pub(crate) Event: KEVENT,
    pub(crate) CompletionContext: PVOID,
    pub(crate) IrpListLock: KSPIN_LOCK,
    pub(crate) IrpList: LIST_ENTRY,
    pub(crate) FileObjectExtension: PVOID,
}
pub type PFILE_OBJECT = *mut FILE_OBJECT;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct IO_STACK_LOCATION_Parameters_Read {
    pub Length: ULONG,
    pub __bindgen_padding_0: ULONG,
    pub Key: ULONG,
    pub __bindgen_padding_1: ULONG,
    pub ByteOffset: LARGE_INTEGER,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct IO_STACK_LOCATION_Parameters_DeviceIoControl {
    pub OutputBufferLength: ULONG,
    pub __bindgen_padding_0: ULONG,
    pub InputBufferLength: ULONG,
    pub __bindgen_padding_1: ULONG,
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

pub type POWER_STATE_TYPE = i32;
pub type SYSTEM_POWER_STATE = i32;
pub type DEVICE_POWER_STATE = i32;
pub type POWER_ACTION = i32;
/// Power states of the system, `PowerSystemUnspecified` included.
pub const POWER_SYSTEM_MAXIMUM: usize = 7;

#[repr(C)]
#[derive(Clone, Copy)]
pub union POWER_STATE {
    pub SystemState: SYSTEM_POWER_STATE,
    pub DeviceState: DEVICE_POWER_STATE,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct IO_STACK_LOCATION_Parameters_Power {
    pub SystemContext: ULONG,
    pub __bindgen_padding_0: ULONG,
    pub Type: POWER_STATE_TYPE,
    pub __bindgen_padding_1: ULONG,
    pub State: POWER_STATE,
    pub __bindgen_padding_2: ULONG,
    pub ShutdownType: POWER_ACTION,
}

#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct DEVICE_CAPABILITIES {
    pub Size: USHORT,
    pub Version: USHORT,
    pub _bitfield_1: ULONG,
    pub Address: ULONG,
    pub UINumber: ULONG,
    pub DeviceState: [DEVICE_POWER_STATE; POWER_SYSTEM_MAXIMUM],
    pub SystemWake: SYSTEM_POWER_STATE,
    pub DeviceWake: DEVICE_POWER_STATE,
    pub D1Latency: ULONG,
    pub D2Latency: ULONG,
    pub D3Latency: ULONG,
}
pub type PDEVICE_CAPABILITIES = *mut DEVICE_CAPABILITIES;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct IO_STACK_LOCATION_Parameters_DeviceCapabilities {
    pub Capabilities: PDEVICE_CAPABILITIES,
}

/// The output of IOCTL_DISK_GET_LENGTH_INFO.
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
    pub DeviceCapabilities: IO_STACK_LOCATION_Parameters_DeviceCapabilities,
    pub Power: IO_STACK_LOCATION_Parameters_Power,
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
    pub(crate) AuxiliaryBuffer: PVOID,
    pub __bindgen_anon_2: IRP_Overlay_2,
    pub OriginalFileObject: PFILE_OBJECT,
    pub(crate) IrpExtension: PVOID,
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
    pub(crate) AllocationProcessorNumber: USHORT,
    pub(crate) Reserved1: USHORT,
    pub MdlAddress: PMDL,
    pub Flags: ULONG,
    pub(crate) Reserved2: ULONG,
    pub AssociatedIrp: IRP_AssociatedIrp,
    pub(crate) ThreadListEntry: LIST_ENTRY,
    pub IoStatus: IO_STATUS_BLOCK,
    pub RequestorMode: KPROCESSOR_MODE,
    pub PendingReturned: BOOLEAN,
    pub StackCount: CHAR,
    pub CurrentLocation: CHAR,
    pub Cancel: BOOLEAN,
    pub CancelIrql: KIRQL,
    pub(crate) ApcEnvironment: CCHAR,
    pub(crate) AllocationFlags: UCHAR,
    pub UserIosb: PIO_STATUS_BLOCK,
    pub UserEvent: PKEVENT,
    pub(crate) AllocationSize: [u64; 2],
    pub CancelRoutine: PDRIVER_CANCEL,
    pub UserBuffer: PVOID,
    pub Tail: IRP_Tail,
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

#[repr(C)]
#[derive(Clone, Copy)]
pub struct CLIENT_ID {
    pub UniqueProcess: HANDLE,
    pub UniqueThread: HANDLE,
}
pub type PCLIENT_ID = *mut CLIENT_ID;
