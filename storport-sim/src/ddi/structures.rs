//! The structures of storport.h and srb.h that every miniport meets, shaped as wdk-sys shapes them.
//!
//! Sizes are not promised to be those of Windows: members that no Storport miniport may use (those of
//! slave DMA and of the first IDE controllers) are left out of `PORT_CONFIGURATION_INFORMATION`.

#![expect(unsafe_code, reason = "layer 1: pointers and contracts are those of storport.h")]
#![expect(missing_docs, reason = "members have the WDK's names and meanings")]

use super::hardware_structures::{ACCESS_RANGE, MEMORY_REGION, PHW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE};
use kernel_sim::ddi::{BOOLEAN, INTERFACE_TYPE, KINTERRUPT_MODE, KIRQL, PVOID, UCHAR, ULONG, USHORT};

pub type PCHAR = *mut i8;
pub type PWSTR = *mut u16;
pub type PBOOLEAN = *mut BOOLEAN;
pub type STOR_SPINLOCK = i32;
pub type STOR_SYNCHRONIZATION_MODEL = i32;
pub type INTERRUPT_SYNCHRONIZATION_MODE = i32;
pub type SCSI_ADAPTER_CONTROL_TYPE = i32;
pub type SCSI_ADAPTER_CONTROL_STATUS = i32;

/// Members that mean one thing to the port driver and another to the miniport.
#[repr(C)]
#[derive(Clone, Copy)]
pub union SCSI_REQUEST_BLOCK__bindgen_ty_1 {
    pub InternalStatus: ULONG,
    pub QueueSortKey: ULONG,
    pub LinkTimeoutValue: ULONG,
}

/// One request to an adapter: the classic SRB.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SCSI_REQUEST_BLOCK {
    pub Length: USHORT,
    pub Function: UCHAR,
    pub SrbStatus: UCHAR,
    pub ScsiStatus: UCHAR,
    pub PathId: UCHAR,
    pub TargetId: UCHAR,
    pub Lun: UCHAR,
    pub QueueTag: UCHAR,
    pub QueueAction: UCHAR,
    pub CdbLength: UCHAR,
    pub SenseInfoBufferLength: UCHAR,
    pub SrbFlags: ULONG,
    /// In bytes.
    pub DataTransferLength: ULONG,
    /// In seconds.
    pub TimeOutValue: ULONG,
    pub DataBuffer: PVOID,
    pub SenseInfoBuffer: PVOID,
    pub NextSrb: *mut SCSI_REQUEST_BLOCK,
    pub OriginalRequest: PVOID,
    pub SrbExtension: PVOID,
    pub __bindgen_anon_1: SCSI_REQUEST_BLOCK__bindgen_ty_1,
    /// The port driver's.
    pub Reserved: ULONG,
    pub Cdb: [UCHAR; 16],
}
pub type PSCSI_REQUEST_BLOCK = *mut SCSI_REQUEST_BLOCK;

pub type PHW_INITIALIZE = Option<unsafe extern "C-unwind" fn(DeviceExtension: PVOID) -> BOOLEAN>;
pub type PHW_STARTIO =
    Option<unsafe extern "C-unwind" fn(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) -> BOOLEAN>;
pub type PHW_BUILDIO = PHW_STARTIO;
pub type PHW_INTERRUPT = PHW_INITIALIZE;
pub type PHW_TIMER = Option<unsafe extern "C-unwind" fn(DeviceExtension: PVOID)>;
pub type PHW_TIMER_EX = Option<unsafe extern "C-unwind" fn(DeviceExtension: PVOID, Context: PVOID)>;
pub type PHW_RESET_BUS =
    Option<unsafe extern "C-unwind" fn(DeviceExtension: PVOID, PathId: ULONG) -> BOOLEAN>;
pub type PHW_ADAPTER_CONTROL = Option<
    unsafe extern "C-unwind" fn(
        DeviceExtension: PVOID,
        ControlType: SCSI_ADAPTER_CONTROL_TYPE,
        Parameters: PVOID,
    ) -> SCSI_ADAPTER_CONTROL_STATUS,
>;
pub type PHW_FREE_ADAPTER_RESOURCES = Option<unsafe extern "C-unwind" fn(DeviceExtension: PVOID)>;
pub type PHW_PROCESS_SERVICE_REQUEST =
    Option<unsafe extern "C-unwind" fn(DeviceExtension: PVOID, Irp: PVOID)>;
pub type PHW_COMPLETE_SERVICE_IRP = Option<unsafe extern "C-unwind" fn(DeviceExtension: PVOID)>;
pub type PHW_INITIALIZE_TRACING =
    Option<unsafe extern "C-unwind" fn(DriverObject: PVOID, RegistryPath: PVOID)>;
pub type PHW_CLEANUP_TRACING = Option<unsafe extern "C-unwind" fn(DriverObject: PVOID)>;
pub type PHW_TRACING_ENABLED = Option<unsafe extern "C-unwind" fn(DeviceExtension: PVOID, Enabled: BOOLEAN)>;
pub type PHW_UNIT_CONTROL =
    Option<unsafe extern "C-unwind" fn(DeviceExtension: PVOID, ControlType: i32, Parameters: PVOID) -> i32>;
pub type PVIRTUAL_HW_FIND_ADAPTER = Option<
    unsafe extern "C-unwind" fn(
        DeviceExtension: PVOID,
        HwContext: PVOID,
        BusInformation: PVOID,
        LowerDevice: PVOID,
        ArgumentString: PCHAR,
        ConfigInfo: PPORT_CONFIGURATION_INFORMATION,
        Again: PBOOLEAN,
    ) -> ULONG,
>;
pub type PHW_FIND_ADAPTER = Option<
    unsafe extern "C-unwind" fn(
        DeviceExtension: PVOID,
        HwContext: PVOID,
        BusInformation: PVOID,
        ArgumentString: PCHAR,
        ConfigInfo: PPORT_CONFIGURATION_INFORMATION,
        Again: PBOOLEAN,
    ) -> ULONG,
>;

/// The two initialization structures differ in one member's type only.
macro_rules! initialization_data {
    ($(#[$doc:meta])* $name:ident, $pointer:ident, $find_adapter:ty) => {
        $(#[$doc])*
        #[repr(C)]
        #[derive(Clone, Copy)]
        pub struct $name {
            pub HwInitializationDataSize: ULONG,
            pub AdapterInterfaceType: INTERFACE_TYPE,
            pub HwInitialize: PHW_INITIALIZE,
            pub HwStartIo: PHW_STARTIO,
            pub HwInterrupt: PHW_INTERRUPT,
            pub HwFindAdapter: $find_adapter,
            pub HwResetBus: PHW_RESET_BUS,
            pub HwDmaStarted: PVOID,
            pub HwAdapterState: PVOID,
            pub DeviceExtensionSize: ULONG,
            pub SpecificLuExtensionSize: ULONG,
            pub SrbExtensionSize: ULONG,
            pub NumberOfAccessRanges: ULONG,
            pub Reserved: PVOID,
            pub MapBuffers: UCHAR,
            pub NeedPhysicalAddresses: BOOLEAN,
            pub TaggedQueuing: BOOLEAN,
            pub AutoRequestSense: BOOLEAN,
            pub MultipleRequestPerLu: BOOLEAN,
            pub ReceiveEvent: BOOLEAN,
            pub VendorIdLength: USHORT,
            pub VendorId: PVOID,
            pub PortVersionFlags: USHORT,
            pub DeviceIdLength: USHORT,
            pub DeviceId: PVOID,
            pub HwAdapterControl: PHW_ADAPTER_CONTROL,
            pub HwBuildIo: PHW_BUILDIO,
            pub HwFreeAdapterResources: PHW_FREE_ADAPTER_RESOURCES,
            pub HwProcessServiceRequest: PHW_PROCESS_SERVICE_REQUEST,
            pub HwCompleteServiceIrp: PHW_COMPLETE_SERVICE_IRP,
            pub HwInitializeTracing: PHW_INITIALIZE_TRACING,
            pub HwCleanupTracing: PHW_CLEANUP_TRACING,
            pub HwTracingEnabled: PHW_TRACING_ENABLED,
            pub FeatureSupport: ULONG,
            pub SrbTypeFlags: ULONG,
            pub AddressTypeFlags: ULONG,
            pub Reserved1: ULONG,
            pub HwUnitControl: PHW_UNIT_CONTROL,
        }
        pub type $pointer = *mut $name;

        impl $name {
            /// A structure as a driver's `RtlZeroMemory` leaves it.
            #[must_use]
            pub const fn zeroed() -> $name {
                // SAFETY: zero is a valid value for every member: numbers, null pointers and absent
                // routines.
                unsafe { std::mem::zeroed() }
            }
        }
    };
}

initialization_data! {
    /// The argument of `StorPortInitialize` in a miniport's `DriverEntry`.
    HW_INITIALIZATION_DATA, PHW_INITIALIZATION_DATA, PHW_FIND_ADAPTER
}
initialization_data! {
    /// The argument of `StorPortInitialize` in a virtual miniport's `DriverEntry`.
    VIRTUAL_HW_INITIALIZATION_DATA, PVIRTUAL_HW_INITIALIZATION_DATA, PVIRTUAL_HW_FIND_ADAPTER
}

pub type DMA_WIDTH = i32;
pub type DMA_SPEED = i32;

/// What `HwStorFindAdapter` completes: limits and properties of one adapter.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct PORT_CONFIGURATION_INFORMATION {
    pub Length: ULONG,
    pub SystemIoBusNumber: ULONG,
    pub AdapterInterfaceType: INTERFACE_TYPE,
    /// The IRQL of the line or of the first message.
    pub BusInterruptLevel: ULONG,
    pub BusInterruptVector: ULONG,
    pub InterruptMode: KINTERRUPT_MODE,
    /// In bytes.
    pub MaximumTransferLength: ULONG,
    pub NumberOfPhysicalBreaks: ULONG,
    /// Of DMA by the mainboard's controller, as are the next three: Storport has none.
    pub DmaChannel: ULONG,
    pub DmaPort: ULONG,
    pub DmaWidth: DMA_WIDTH,
    pub DmaSpeed: DMA_SPEED,
    pub AlignmentMask: ULONG,
    pub NumberOfAccessRanges: ULONG,
    /// As many as `NumberOfAccessRanges` says.
    pub AccessRanges: *mut [ACCESS_RANGE; 0],
    pub Reserved: PVOID,
    pub NumberOfBuses: UCHAR,
    pub InitiatorBusId: [UCHAR; 8],
    pub ScatterGather: BOOLEAN,
    pub Master: BOOLEAN,
    pub CachesData: BOOLEAN,
    pub AdapterScansDown: BOOLEAN,
    pub AtdiskPrimaryClaimed: BOOLEAN,
    pub AtdiskSecondaryClaimed: BOOLEAN,
    pub Dma32BitAddresses: BOOLEAN,
    pub DemandMode: BOOLEAN,
    pub MapBuffers: UCHAR,
    pub NeedPhysicalAddresses: BOOLEAN,
    pub TaggedQueuing: BOOLEAN,
    pub AutoRequestSense: BOOLEAN,
    pub MultipleRequestPerLu: BOOLEAN,
    pub ReceiveEvent: BOOLEAN,
    pub RealModeInitialized: BOOLEAN,
    pub BufferAccessScsiPortControlled: BOOLEAN,
    pub MaximumNumberOfTargets: UCHAR,
    pub SrbType: UCHAR,
    pub AddressType: UCHAR,
    pub SlotNumber: ULONG,
    /// Of a second interrupt, as are the next two, which Storport has none of either.
    pub BusInterruptLevel2: ULONG,
    pub BusInterruptVector2: ULONG,
    pub InterruptMode2: KINTERRUPT_MODE,
    pub DmaChannel2: ULONG,
    pub DmaPort2: ULONG,
    pub DmaWidth2: DMA_WIDTH,
    pub DmaSpeed2: DMA_SPEED,
    pub DeviceExtensionSize: ULONG,
    pub SpecificLuExtensionSize: ULONG,
    pub SrbExtensionSize: ULONG,
    pub Dma64BitAddresses: UCHAR,
    pub ResetTargetSupported: BOOLEAN,
    pub MaximumNumberOfLogicalUnits: UCHAR,
    pub WmiDataProvider: BOOLEAN,
    pub SynchronizationModel: STOR_SYNCHRONIZATION_MODEL,
    pub HwMSInterruptRoutine: PHW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE,
    pub InterruptSynchronizationMode: INTERRUPT_SYNCHRONIZATION_MODE,
    pub DumpRegion: MEMORY_REGION,
    /// In bytes.
    pub RequestedDumpBufferSize: ULONG,
    pub VirtualDevice: BOOLEAN,
    pub DumpMode: UCHAR,
    pub DmaAddressWidth: UCHAR,
    pub ExtendedFlags1: ULONG,
    pub MaxNumberOfIO: ULONG,
    pub MaxIOsPerLun: ULONG,
    pub InitialLunQueueDepth: ULONG,
    /// In microseconds.
    pub BusResetHoldTime: ULONG,
    pub FeatureSupport: ULONG,
}
pub type PPORT_CONFIGURATION_INFORMATION = *mut PORT_CONFIGURATION_INFORMATION;

impl PORT_CONFIGURATION_INFORMATION {
    /// A structure of zeros.
    #[must_use]
    pub const fn zeroed() -> PORT_CONFIGURATION_INFORMATION {
        // SAFETY: zero is a valid value for every member: numbers, null pointers and an absent routine.
        unsafe { std::mem::zeroed() }
    }
}

/// What `IOCTL_SCSI_MINIPORT` carries; `Length` bytes follow it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SRB_IO_CONTROL {
    pub HeaderLength: ULONG,
    pub Signature: [UCHAR; 8],
    /// In seconds.
    pub Timeout: ULONG,
    pub ControlCode: ULONG,
    pub ReturnCode: ULONG,
    /// In bytes, without the header.
    pub Length: ULONG,
}
pub type PSRB_IO_CONTROL = *mut SRB_IO_CONTROL;

/// What `ScsiQuerySupportedControlTypes` asks for; `MaxControlType` flags follow it.
#[repr(C)]
pub struct SCSI_SUPPORTED_CONTROL_TYPE_LIST {
    pub MaxControlType: ULONG,
    pub SupportedTypeList: [BOOLEAN; 0],
}
pub type PSCSI_SUPPORTED_CONTROL_TYPE_LIST = *mut SCSI_SUPPORTED_CONTROL_TYPE_LIST;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct STOR_LOCK_HANDLE__bindgen_ty_1__bindgen_ty_1 {
    pub Next: PVOID,
    pub Lock: PVOID,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct STOR_LOCK_HANDLE__bindgen_ty_1 {
    pub LockQueue: STOR_LOCK_HANDLE__bindgen_ty_1__bindgen_ty_1,
    pub OldIrql: KIRQL,
}

/// What `StorPortAcquireSpinLock` fills in and `StorPortReleaseSpinLock` takes.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct STOR_LOCK_HANDLE {
    pub Lock: STOR_SPINLOCK,
    pub Context: STOR_LOCK_HANDLE__bindgen_ty_1,
}
pub type PSTOR_LOCK_HANDLE = *mut STOR_LOCK_HANDLE;

/// `STOR_REQUEST_INFO_V1`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct STOR_REQUEST_INFO {
    pub Version: USHORT,
    pub Size: USHORT,
    pub PriorityHint: ULONG,
    pub Flags: ULONG,
    pub Key: ULONG,
    pub Length: ULONG,
    pub IsWriteRequest: BOOLEAN,
    pub Reserved: [UCHAR; 3],
}
pub type PSTOR_REQUEST_INFO = *mut STOR_REQUEST_INFO;
