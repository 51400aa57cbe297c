//! The structures of storport.h that miniports with hardware meet, shaped as wdk-sys shapes them.
//!
//! Members the port driver keeps for itself are not public; sizes are not those of Windows.
#![expect(missing_docs, reason = "members have the WDK's names and meanings")]

use super::extended_srb::PSTOR_ADDRESS;
use super::structures::SCSI_ADAPTER_CONTROL_TYPE;
use kernel_sim::ddi::{
    BOOLEAN, KAFFINITY, KDPC, KINTERRUPT_MODE, KSPIN_LOCK, PHYSICAL_ADDRESS, PVOID, SHORT, UCHAR, ULONG,
    ULONG_PTR, USHORT,
};

pub type STOR_PHYSICAL_ADDRESS = PHYSICAL_ADDRESS;
pub type PSTOR_PHYSICAL_ADDRESS = *mut STOR_PHYSICAL_ADDRESS;
pub type BUS_DATA_TYPE = i32;
pub type SCSI_UNIT_CONTROL_TYPE = i32;
pub type SCSI_UNIT_CONTROL_STATUS = i32;
pub type STOR_DEVICE_POWER_STATE = i32;
pub type STOR_POWER_ACTION = i32;

/// A range of registers the bus gave the adapter.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ACCESS_RANGE {
    pub RangeStart: STOR_PHYSICAL_ADDRESS,
    pub RangeLength: ULONG,
    /// FALSE: port I/O.
    pub RangeInMemory: BOOLEAN,
}
pub type PACCESS_RANGE = *mut ACCESS_RANGE;

pub type PHW_MESSAGE_SIGNALED_INTERRUPT_ROUTINE =
    Option<unsafe extern "C-unwind" fn(HwDeviceExtension: PVOID, MessageId: ULONG) -> BOOLEAN>;
pub type PHW_PASSIVE_INITIALIZE_ROUTINE =
    Option<unsafe extern "C-unwind" fn(DeviceExtension: PVOID) -> BOOLEAN>;
pub type PSTOR_SYNCHRONIZED_ACCESS =
    Option<unsafe extern "C-unwind" fn(HwDeviceExtension: PVOID, Context: PVOID) -> BOOLEAN>;
pub type PHW_STATE_CHANGE = Option<
    unsafe extern "C-unwind" fn(
        HwDeviceExtension: PVOID,
        Context: PVOID,
        AddressType: SHORT,
        Address: PVOID,
        Status: ULONG,
    ),
>;
pub type PHW_WORKITEM =
    Option<unsafe extern "C-unwind" fn(HwDeviceExtension: PVOID, Context: PVOID, Worker: PVOID)>;
pub type PHW_DPC_ROUTINE = Option<
    unsafe extern "C-unwind" fn(
        Dpc: PSTOR_DPC,
        HwDeviceExtension: PVOID,
        SystemArgument1: PVOID,
        SystemArgument2: PVOID,
    ),
>;
/// The routine of `StorPortBuildScatterGatherList`; the first two arguments are to be ignored.
pub type PPOST_SCATER_GATHER_EXECUTE = Option<
    unsafe extern "C-unwind" fn(
        DeviceObject: *mut PVOID,
        Irp: *mut PVOID,
        ScatterGather: PSTOR_SCATTER_GATHER_LIST,
        Context: PVOID,
    ),
>;

/// Memory of an adapter, of which dumps are written through `DumpRegion`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MEMORY_REGION {
    pub VirtualBase: *mut UCHAR,
    pub PhysicalBase: STOR_PHYSICAL_ADDRESS,
    /// In bytes.
    pub Length: ULONG,
}
pub type PMEMORY_REGION = *mut MEMORY_REGION;

/// A deferred procedure call with a spin lock of its own (`DpcLock`).
#[repr(C)]
pub struct STOR_DPC {
    pub Dpc: KDPC,
    pub Lock: KSPIN_LOCK,
}
pub type PSTOR_DPC = *mut STOR_DPC;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct STOR_SCATTER_GATHER_ELEMENT {
    pub PhysicalAddress: STOR_PHYSICAL_ADDRESS,
    /// In bytes.
    pub Length: ULONG,
    pub Reserved: ULONG_PTR,
}
pub type PSTOR_SCATTER_GATHER_ELEMENT = *mut STOR_SCATTER_GATHER_ELEMENT;

/// Where a request's data is; `NumberOfElements` elements.
#[repr(C)]
pub struct STOR_SCATTER_GATHER_LIST {
    pub NumberOfElements: ULONG,
    pub Reserved: ULONG_PTR,
    pub List: [STOR_SCATTER_GATHER_ELEMENT; 0],
}
pub type PSTOR_SCATTER_GATHER_LIST = *mut STOR_SCATTER_GATHER_LIST;

/// What `StorPortGetMSIInfo` says of one message.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct MESSAGE_INTERRUPT_INFORMATION {
    pub MessageId: ULONG,
    pub MessageData: ULONG,
    pub MessageAddress: STOR_PHYSICAL_ADDRESS,
    pub InterruptVector: ULONG,
    pub InterruptLevel: ULONG,
    pub InterruptMode: KINTERRUPT_MODE,
}
pub type PMESSAGE_INTERRUPT_INFORMATION = *mut MESSAGE_INTERRUPT_INFORMATION;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct PROCESSOR_NUMBER {
    pub Group: USHORT,
    pub Number: UCHAR,
    pub Reserved: UCHAR,
}
pub type PPROCESSOR_NUMBER = *mut PROCESSOR_NUMBER;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct GROUP_AFFINITY {
    pub Mask: KAFFINITY,
    pub Group: USHORT,
    pub Reserved: [USHORT; 3],
}
pub type PGROUP_AFFINITY = *mut GROUP_AFFINITY;

/// Performance options; `STOR_PERF_*` flags.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct PERF_CONFIGURATION_DATA {
    pub Version: ULONG,
    pub Size: ULONG,
    pub Flags: ULONG,
    pub ConcurrentChannels: ULONG,
    pub FirstRedirectionMessageNumber: ULONG,
    pub LastRedirectionMessageNumber: ULONG,
    pub DeviceNode: ULONG,
    pub Reserved: ULONG,
    /// One per message in the redirection range, allocated by the miniport.
    pub MessageTargets: PGROUP_AFFINITY,
}
pub type PPERF_CONFIGURATION_DATA = *mut PERF_CONFIGURATION_DATA;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct STARTIO_PERFORMANCE_PARAMETERS {
    pub Version: ULONG,
    pub Size: ULONG,
    pub MessageNumber: ULONG,
    pub ChannelNumber: ULONG,
}
pub type PSTARTIO_PERFORMANCE_PARAMETERS = *mut STARTIO_PERFORMANCE_PARAMETERS;

/// The beginning of the parameters of power control types.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct STOR_POWER_CONTROL_HEADER {
    /// 1.
    pub Version: ULONG,
    /// Bytes of the structure that begins with it.
    pub Size: ULONG,
    /// NULL for the adapter.
    pub Address: PSTOR_ADDRESS,
}
pub type PSTOR_POWER_CONTROL_HEADER = *mut STOR_POWER_CONTROL_HEADER;

/// The parameters of `ScsiAdapterPower`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct STOR_ADAPTER_CONTROL_POWER {
    pub Header: STOR_POWER_CONTROL_HEADER,
    pub PowerAction: STOR_POWER_ACTION,
    pub PowerState: STOR_DEVICE_POWER_STATE,
}
pub type PSTOR_ADAPTER_CONTROL_POWER = *mut STOR_ADAPTER_CONTROL_POWER;

/// The parameters of `ScsiUnitPower`.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct STOR_UNIT_CONTROL_POWER {
    pub Address: PSTOR_ADDRESS,
    pub PowerAction: STOR_POWER_ACTION,
    pub PowerState: STOR_DEVICE_POWER_STATE,
}
pub type PSTOR_UNIT_CONTROL_POWER = *mut STOR_UNIT_CONTROL_POWER;

/// What SRB_FUNCTION_PNP with `StorQueryCapabilities` asks for.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct STOR_DEVICE_CAPABILITIES {
    pub Version: USHORT,
    /// DeviceD1 is bit 0, then DeviceD2, LockSupported, EjectSupported, Removable, DockDevice, UniqueID,
    /// SilentInstall, SurpriseRemovalOK, NoDisplayInUI.
    pub Capabilities: ULONG,
}
pub type PSTOR_DEVICE_CAPABILITIES = *mut STOR_DEVICE_CAPABILITIES;

/// What `ScsiQuerySupportedUnitControlTypes` asks for; `MaxControlType` flags follow it.
#[repr(C)]
pub struct SCSI_SUPPORTED_UNIT_CONTROL_TYPE_LIST {
    pub MaxControlType: SCSI_ADAPTER_CONTROL_TYPE,
    pub SupportedTypeList: [BOOLEAN; 0],
}

/// The SRB of `SRB_FUNCTION_PNP`: a classic SRB, some of whose members are read otherwise.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SCSI_PNP_REQUEST_BLOCK {
    pub Length: USHORT,
    pub Function: UCHAR,
    pub SrbStatus: UCHAR,
    pub PnPSubFunction: UCHAR,
    pub PathId: UCHAR,
    pub TargetId: UCHAR,
    pub Lun: UCHAR,
    /// A `STOR_PNP_ACTION`. A classic SRB has the members of its queueing here.
    pub PnPAction: ULONG,
    pub SrbFlags: ULONG,
    pub DataTransferLength: ULONG,
    pub TimeOutValue: ULONG,
    pub DataBuffer: PVOID,
    pub SenseInfoBuffer: PVOID,
    pub NextSrb: PVOID,
    pub OriginalRequest: PVOID,
    pub SrbExtension: PVOID,
    pub SrbPnPFlags: ULONG,
    pub Reserved: ULONG,
    pub Reserved4: [UCHAR; 16],
}

/// The SRB of `SRB_FUNCTION_POWER`: a classic SRB, some of whose members are read otherwise.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct SCSI_POWER_REQUEST_BLOCK {
    pub Length: USHORT,
    pub Function: UCHAR,
    pub SrbStatus: UCHAR,
    pub SrbPowerFlags: UCHAR,
    pub PathId: UCHAR,
    pub TargetId: UCHAR,
    pub Lun: UCHAR,
    pub DevicePowerState: STOR_DEVICE_POWER_STATE,
    pub SrbFlags: ULONG,
    pub DataTransferLength: ULONG,
    pub TimeOutValue: ULONG,
    pub DataBuffer: PVOID,
    pub SenseInfoBuffer: PVOID,
    pub NextSrb: PVOID,
    pub OriginalRequest: PVOID,
    pub SrbExtension: PVOID,
    pub PowerAction: STOR_POWER_ACTION,
    pub Reserved: ULONG,
    pub Reserved5: [UCHAR; 16],
}
pub type PSCSI_POWER_REQUEST_BLOCK = *mut SCSI_POWER_REQUEST_BLOCK;

/// A spin lock for the `StorPortInterlocked*List` routines.
pub type STOR_KSPIN_LOCK = KSPIN_LOCK;
pub type PSTOR_KSPIN_LOCK = *mut STOR_KSPIN_LOCK;
