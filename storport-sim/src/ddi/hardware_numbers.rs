//! The constants of storport.h that miniports with hardware use, and those of power and plug and play.
#![expect(non_upper_case_globals, reason = "the documented WDK names")]

use super::hardware_structures::{
    BUS_DATA_TYPE, SCSI_UNIT_CONTROL_STATUS, SCSI_UNIT_CONTROL_TYPE, STOR_DEVICE_POWER_STATE,
    STOR_POWER_ACTION,
};
use super::structures::{INTERRUPT_SYNCHRONIZATION_MODE, SCSI_ADAPTER_CONTROL_TYPE, STOR_SPINLOCK};
use kernel_sim::ddi::{INTERFACE_TYPE, UCHAR, ULONG};

kernel_sim::wdk_numbers! {
    in HARDWARE_NUMBERS;

    InterruptSupportNone: INTERRUPT_SYNCHRONIZATION_MODE = 0;
    InterruptSynchronizeAll: INTERRUPT_SYNCHRONIZATION_MODE = 1;
    InterruptSynchronizePerMessage: INTERRUPT_SYNCHRONIZATION_MODE = 2;

    ThreadedDpcLock: STOR_SPINLOCK = 4;
    DpcLevelLock: STOR_SPINLOCK = 5;

    Isa: INTERFACE_TYPE = 1;
    Eisa: INTERFACE_TYPE = 2;
    MicroChannel: INTERFACE_TYPE = 3;
    TurboChannel: INTERFACE_TYPE = 4;
    PCIConfiguration: BUS_DATA_TYPE = 4;

    MINIPORT_REG_SZ: ULONG = 1;
    MINIPORT_REG_BINARY: ULONG = 3;
    MINIPORT_REG_DWORD: ULONG = 4;

    SCSI_DMA64_MINIPORT_SUPPORTED: UCHAR = 0x01;
    SCSI_DMA64_SYSTEM_SUPPORTED: UCHAR = 0x80;
    SCSI_DMA64_MINIPORT_FULL64BIT_SUPPORTED: UCHAR = 0x02;

    STOR_ADAPTER_FEATURE_ABORT_COMMAND: ULONG = 0x0000_0020;

    STOR_PERF_DPC_REDIRECTION: ULONG = 0x0000_0001;
    STOR_PERF_CONCURRENT_CHANNELS: ULONG = 0x0000_0002;
    STOR_PERF_INTERRUPT_MESSAGE_RANGES: ULONG = 0x0000_0004;
    STOR_PERF_ADV_CONFIG_LOCALITY: ULONG = 0x0000_0008;
    STOR_PERF_OPTIMIZE_FOR_COMPLETION_DURING_STARTIO: ULONG = 0x0000_0010;
    STOR_PERF_DPC_REDIRECTION_CURRENT_CPU: ULONG = 0x0000_0020;
    STOR_PERF_NO_SGL: ULONG = 0x0000_0040;
    STOR_PERF_VERSION: ULONG = 5;

    ScsiPowerSettingNotification: SCSI_ADAPTER_CONTROL_TYPE = 5;
    ScsiAdapterPower: SCSI_ADAPTER_CONTROL_TYPE = 6;
    ScsiAdapterPoFxPowerRequired: SCSI_ADAPTER_CONTROL_TYPE = 7;
    ScsiAdapterPoFxPowerActive: SCSI_ADAPTER_CONTROL_TYPE = 8;
    ScsiAdapterPoFxPowerSetFState: SCSI_ADAPTER_CONTROL_TYPE = 9;
    ScsiAdapterPoFxPowerControl: SCSI_ADAPTER_CONTROL_TYPE = 10;
    ScsiAdapterPrepareForBusReScan: SCSI_ADAPTER_CONTROL_TYPE = 11;
    ScsiAdapterSystemPowerHints: SCSI_ADAPTER_CONTROL_TYPE = 12;
    ScsiAdapterFilterResourceRequirements: SCSI_ADAPTER_CONTROL_TYPE = 13;
    ScsiAdapterPoFxMaxOperationalPower: SCSI_ADAPTER_CONTROL_TYPE = 14;
    ScsiAdapterPoFxSetPerfState: SCSI_ADAPTER_CONTROL_TYPE = 15;
    ScsiAdapterSurpriseRemoval: SCSI_ADAPTER_CONTROL_TYPE = 16;

    ScsiQuerySupportedUnitControlTypes: SCSI_UNIT_CONTROL_TYPE = 0;
    ScsiUnitUsage: SCSI_UNIT_CONTROL_TYPE = 1;
    ScsiUnitStart: SCSI_UNIT_CONTROL_TYPE = 2;
    ScsiUnitPower: SCSI_UNIT_CONTROL_TYPE = 3;
    ScsiUnitPoFxPowerInfo: SCSI_UNIT_CONTROL_TYPE = 4;
    ScsiUnitPoFxPowerRequired: SCSI_UNIT_CONTROL_TYPE = 5;
    ScsiUnitPoFxPowerActive: SCSI_UNIT_CONTROL_TYPE = 6;
    ScsiUnitPoFxPowerSetFState: SCSI_UNIT_CONTROL_TYPE = 7;
    ScsiUnitPoFxPowerControl: SCSI_UNIT_CONTROL_TYPE = 8;
    ScsiUnitRemove: SCSI_UNIT_CONTROL_TYPE = 9;
    ScsiUnitSurpriseRemoval: SCSI_UNIT_CONTROL_TYPE = 10;
    ScsiUnitControlMax: SCSI_UNIT_CONTROL_TYPE = 14;
    ScsiUnitControlSuccess: SCSI_UNIT_CONTROL_STATUS = 0;
    ScsiUnitControlUnsuccessful: SCSI_UNIT_CONTROL_STATUS = 1;

    SRB_PNP_FLAGS_ADAPTER_REQUEST: ULONG = 0x1;
    StorStartDevice: ULONG = 0x0;
    StorRemoveDevice: ULONG = 0x2;
    StorStopDevice: ULONG = 0x4;
    StorQueryCapabilities: ULONG = 0x9;
    StorQueryResourceRequirements: ULONG = 0xB;
    StorFilterResourceRequirements: ULONG = 0xD;
    StorSurpriseRemoval: ULONG = 0x17;

    SRB_POWER_FLAGS_ADAPTER_REQUEST: UCHAR = 0x1;
    StorPowerDeviceUnspecified: STOR_DEVICE_POWER_STATE = 0;
    StorPowerDeviceD0: STOR_DEVICE_POWER_STATE = 1;
    StorPowerDeviceD1: STOR_DEVICE_POWER_STATE = 2;
    StorPowerDeviceD2: STOR_DEVICE_POWER_STATE = 3;
    StorPowerDeviceD3: STOR_DEVICE_POWER_STATE = 4;
    StorPowerActionNone: STOR_POWER_ACTION = 0;
    StorPowerActionReserved: STOR_POWER_ACTION = 1;
    StorPowerActionSleep: STOR_POWER_ACTION = 2;
    StorPowerActionHibernate: STOR_POWER_ACTION = 3;
    StorPowerActionShutdown: STOR_POWER_ACTION = 4;

}
