//! Registers, bus, interrupts, memory, registry: the StorPort routines about hardware and the system.

use crate::ddi::hardware_structures::{
    PMESSAGE_INTERRUPT_INFORMATION, PPOST_SCATER_GATHER_EXECUTE, PSTOR_PHYSICAL_ADDRESS,
    PSTOR_SCATTER_GATHER_LIST, STOR_PHYSICAL_ADDRESS,
};
use crate::ddi::structures::{PCHAR, PPORT_CONFIGURATION_INFORMATION, PSCSI_REQUEST_BLOCK};
use crate::port::{dma, hardware, interrupt, log, memory, query, registry};
use kernel_sim::ddi::{
    BOOLEAN, INTERFACE_TYPE, MEMORY_CACHING_TYPE, PUCHAR, PULONG, PVOID, SIZE_T, UCHAR, ULONG, ULONGLONG,
};

kernel_sim::ddis! {
    // The bus
    /// Maps a range of registers that the bus gave the adapter.
    StorPortGetDeviceBase = 640(
        HwDeviceExtension: PVOID, BusType: INTERFACE_TYPE, SystemIoBusNumber: ULONG, IoAddress: STOR_PHYSICAL_ADDRESS,
        NumberOfBytes: ULONG, InIoSpace: BOOLEAN,
    ) -> PVOID,
        header "storport.h", irql undocumented, Modelled, Plain => hardware::device_base;
    /// Unmaps a range of registers.
    StorPortFreeDeviceBase = 641(HwDeviceExtension: PVOID, MappedAddress: PVOID) -> (),
        header "storport.h", irql undocumented, Modelled, Plain => hardware::free_device_base;
    /// Reads the configuration space from its beginning; returns how many bytes were read.
    StorPortGetBusData = 642(
        DeviceExtension: PVOID, BusDataType: ULONG, SystemIoBusNumber: ULONG, SlotNumber: ULONG,
        Buffer: PVOID, Length: ULONG,
    ) -> ULONG,
        header "storport.h", irql undocumented, Modelled, Plain => hardware::bus_data;
    /// Writes part of the configuration space; returns how many bytes were written.
    StorPortSetBusDataByOffset = 643(
        DeviceExtension: PVOID, BusDataType: ULONG, SystemIoBusNumber: ULONG, SlotNumber: ULONG,
        Buffer: PVOID, Offset: ULONG, Length: ULONG,
    ) -> ULONG,
        header "storport.h", irql undocumented, Modelled, Plain => hardware::set_bus_data_by_offset;
    /// What a message is wired to.
    StorPortGetMSIInfo = 644(
        HwDeviceExtension: PVOID, MessageId: ULONG, InterruptInfo: PMESSAGE_INTERRUPT_INFORMATION,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), Modelled, Plain => interrupt::msi_info;

    // Memory and DMA
    /// Allocates memory that the device and the processors share.
    StorPortGetUncachedExtension = 645(
        HwDeviceExtension: PVOID, ConfigInfo: PPORT_CONFIGURATION_INFORMATION, NumberOfBytes: ULONG,
    ) -> PVOID,
        header "storport.h", irql undocumented, Modelled, Plain => dma::uncached_extension;
    /// The physical address of memory the device may be pointed at, and how far it reaches.
    StorPortGetPhysicalAddress = 646(
        HwDeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK, VirtualAddress: PVOID, Length: PULONG,
    ) -> STOR_PHYSICAL_ADDRESS,
        header "storport.h", irql undocumented, Modelled, Plain => dma::physical_address;
    /// The virtual address of a physical one that StorPortGetPhysicalAddress returned; else NULL.
    StorPortGetVirtualAddress = 647(HwDeviceExtension: PVOID, PhysicalAddress: STOR_PHYSICAL_ADDRESS) -> PVOID,
        header "storport.h", irql undocumented, Modelled, Plain => dma::virtual_address;
    /// Where an SRB's data is; NULL if it has none.
    StorPortGetScatterGatherList = 648(DeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK) -> PSTOR_SCATTER_GATHER_LIST,
        header "storport.h", irql undocumented, Modelled, Plain => dma::scatter_gather_list;
    /// Makes a list over a buffer of the miniport's and calls a routine with it.
    StorPortBuildScatterGatherList = 649(
        HwDeviceExtension: PVOID, Mdl: PVOID, CurrentVa: PVOID, Length: ULONG,
        ExecutionRoutine: PPOST_SCATER_GATHER_EXECUTE, Context: PVOID, WriteToDevice: BOOLEAN,
        ScatterGatherBuffer: PVOID, ScatterGatherBufferLength: ULONG,
    ) -> ULONG,
        header "storport.h", irql (DISPATCH, DISPATCH), Modelled, Point => dma::build_scatter_gather_list;
    /// Ends the use of such a list.
    StorPortPutScatterGatherList = 650(
        HwDeviceExtension: PVOID, ScatterGatherList: PSTOR_SCATTER_GATHER_LIST, WriteToDevice: BOOLEAN,
    ) -> ULONG,
        header "storport.h", irql (DISPATCH, DISPATCH), Modelled, Point => dma::put_scatter_gather_list;
    /// Allocates nonpaged memory, not zeroed.
    StorPortAllocatePool = 651(HwDeviceExtension: PVOID, NumberOfBytes: ULONG, Tag: ULONG, BufferPointer: *mut PVOID) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, Plain => memory::allocate_pool;
    /// Frees memory from StorPortAllocatePool.
    StorPortFreePool = 652(HwDeviceExtension: PVOID, BufferPointer: PVOID) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, Point => memory::free_pool;
    /// Allocates physically contiguous memory.
    StorPortAllocateContiguousMemorySpecifyCacheNode = 653(
        HwDeviceExtension: PVOID, NumberOfBytes: SIZE_T, LowestAcceptableAddress: STOR_PHYSICAL_ADDRESS,
        HighestAcceptableAddress: STOR_PHYSICAL_ADDRESS, BoundaryAddressMultiple: STOR_PHYSICAL_ADDRESS,
        CacheType: MEMORY_CACHING_TYPE, PreferredNode: ULONG, BufferPointer: *mut PVOID,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, Plain => memory::allocate_contiguous;
    /// Frees contiguous memory.
    StorPortFreeContiguousMemorySpecifyCache = 654(
        HwDeviceExtension: PVOID, BaseAddress: PVOID, NumberOfBytes: SIZE_T, CacheType: MEMORY_CACHING_TYPE,
    ) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Modelled, Point => memory::free_contiguous;
    /// Allocates memory that the device and the processors share, and returns its physical address.
    StorPortAllocateDmaMemory = 655(
        HwDeviceExtension: PVOID, NumberOfBytes: SIZE_T, LowestAcceptableAddress: STOR_PHYSICAL_ADDRESS,
        HighestAcceptableAddress: STOR_PHYSICAL_ADDRESS, BoundaryAddressMultiple: STOR_PHYSICAL_ADDRESS,
        CacheType: MEMORY_CACHING_TYPE, PreferredNode: ULONG, BufferPointer: *mut PVOID,
        PhysicalAddress: PSTOR_PHYSICAL_ADDRESS,
    ) -> ULONG,
        header "storport.h", irql undocumented, Modelled, Plain => memory::allocate_dma;
    /// Frees such memory.
    StorPortFreeDmaMemory = 656(
        HwDeviceExtension: PVOID, BaseAddress: PVOID, NumberOfBytes: SIZE_T, CacheType: MEMORY_CACHING_TYPE,
        PhysicalAddress: STOR_PHYSICAL_ADDRESS,
    ) -> ULONG,
        header "storport.h", irql undocumented, Modelled, Point => memory::free_dma;
    /// Copies memory that may overlap.
    StorPortMoveMemory = 657(Destination: PVOID, Source: PVOID, Length: ULONG) -> (),
        header "storport.h", irql undocumented, Modelled, Plain => dma::move_memory;

    // Registry and log
    /// Allocates the miniport's registry buffer.
    StorPortAllocateRegistryBuffer = 658(HwDeviceExtension: PVOID, Length: PULONG) -> PVOID,
        header "storport.h", irql undocumented, Modelled, Plain => registry::allocate_buffer;
    /// Frees the miniport's registry buffer.
    StorPortFreeRegistryBuffer = 659(HwDeviceExtension: PVOID, Buffer: PVOID) -> (),
        header "storport.h", irql undocumented, Modelled, Point => registry::free_buffer;
    /// Reads a parameter of the adapter.
    StorPortRegistryRead = 660(
        HwDeviceExtension: PVOID, ValueName: PUCHAR, Global: ULONG, Type: ULONG, Buffer: PVOID, BufferLength: PULONG,
    ) -> BOOLEAN,
        header "storport.h", irql (PASSIVE, PASSIVE), Modelled, Plain => registry::read;
    /// Writes a parameter of the adapter.
    StorPortRegistryWrite = 661(
        HwDeviceExtension: PVOID, ValueName: PUCHAR, Global: ULONG, Type: ULONG, Buffer: PVOID, BufferLength: ULONG,
    ) -> BOOLEAN,
        header "storport.h", irql (PASSIVE, PASSIVE), Modelled, Plain => registry::write;
    /// Writes an error to the system's log: kept with the adapter, for a rig to read.
    StorPortLogError = 662(
        HwDeviceExtension: PVOID, Srb: PSCSI_REQUEST_BLOCK, PathId: UCHAR, TargetId: UCHAR, Lun: UCHAR,
        ErrorCode: ULONG, UniqueId: ULONG,
    ) -> (),
        header "storport.h", irql undocumented, Modelled, Plain => log::error;
    /// Writes an event to the system's log. The event is not kept.
    StorPortLogSystemEvent = 663(HwDeviceExtension: PVOID, LogDetails: PVOID, MaximumSize: PULONG) -> ULONG,
        header "storport.h", irql (PASSIVE, DISPATCH), Ignored, Plain => log::system_event;

    /// Accepted and ignored: prints to a debugger. The C routine is variadic; here the message comes
    /// formatted.
    StorPortDebugPrint = 664(DebugPrintLevel: ULONG, DebugMessage: PCHAR) -> (),
        header "storport.h", irql undocumented, Ignored, Plain => log::debug_print;

    // What the adapter says of itself
    /// Sets how many requests the adapter takes at once, in HwStorInitialize or the passive routine.
    StorPortUpdateAdapterMaxIO = 665(HwDeviceExtension: PVOID, MaxIoCount: ULONG) -> ULONG,
        header "storport.h", irql undocumented, Modelled, Plain => query::update_max_io;
    /// Obsolete: always TRUE.
    StorPortValidateRange = 666(
        HwDeviceExtension: PVOID, BusType: INTERFACE_TYPE, SystemIoBusNumber: ULONG, IoAddress: STOR_PHYSICAL_ADDRESS,
        NumberOfBytes: ULONG, InIoSpace: BOOLEAN,
    ) -> BOOLEAN,
        header "storport.h", irql undocumented, Modelled, Plain => query::validate_range;
    /// Accepted and ignored: says what kind of bus is behind the adapter.
    StorPortSetAdapterBusType = 667(HwDeviceExtension: PVOID, BusType: ULONG) -> ULONG,
        header "storport.h", irql undocumented, Ignored, Plain => query::accepted_number;
    /// Accepted and ignored: says which features the adapter has.
    StorPortSetFeatureList = 668(HwDeviceExtension: PVOID, Category: ULONG, Buffer: PVOID) -> ULONG,
        header "storport.h", irql undocumented, Ignored, Plain => query::accepted_list;
    /// Says which power settings the miniport wants to hear of. None changes here.
    StorPortSetPowerSettingNotificationGuids = 669(HwDeviceExtension: PVOID, GuidCount: ULONG, Guid: PVOID) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), Ignored, Plain => query::accepted_list;
    /// Asks for memory to be in dumps. There are none here.
    StorPortMarkDumpMemory = 670(HwDeviceExtension: PVOID, Address: PVOID, Length: ULONGLONG, Flags: ULONG) -> ULONG,
        header "storport.h", irql (PASSIVE, HIGH), Ignored, Plain => query::accepted_dump_memory;

    // Registers
    /// Reads a 8-bit register.
    StorPortReadRegisterUchar = 671(HwDeviceExtension: PVOID, Register: *mut u8) -> u8,
        header "storport.h", irql undocumented, Modelled, Register => hardware::read_u8;
    /// Writes a 8-bit register.
    StorPortWriteRegisterUchar = 672(HwDeviceExtension: PVOID, Register: *mut u8, Value: u8) -> (),
        header "storport.h", irql undocumented, Modelled, Point => hardware::write_u8;
    /// Reads 8-bit values, one register after the other.
    StorPortReadRegisterBufferUchar = 673(HwDeviceExtension: PVOID, Register: *mut u8, Buffer: *mut u8, Count: ULONG) -> (),
        header "storport.h", irql undocumented, Modelled, Point => hardware::read_buffer_u8;
    /// Writes 8-bit values, one register after the other.
    StorPortWriteRegisterBufferUchar = 674(HwDeviceExtension: PVOID, Register: *mut u8, Buffer: *mut u8, Count: ULONG) -> (),
        header "storport.h", irql undocumented, Modelled, Point => hardware::write_buffer_u8;
    /// Reads a 16-bit register.
    StorPortReadRegisterUshort = 675(HwDeviceExtension: PVOID, Register: *mut u16) -> u16,
        header "storport.h", irql undocumented, Modelled, Register => hardware::read_u16;
    /// Writes a 16-bit register.
    StorPortWriteRegisterUshort = 676(HwDeviceExtension: PVOID, Register: *mut u16, Value: u16) -> (),
        header "storport.h", irql undocumented, Modelled, Point => hardware::write_u16;
    /// Reads 16-bit values, one register after the other.
    StorPortReadRegisterBufferUshort = 677(HwDeviceExtension: PVOID, Register: *mut u16, Buffer: *mut u16, Count: ULONG) -> (),
        header "storport.h", irql undocumented, Modelled, Point => hardware::read_buffer_u16;
    /// Writes 16-bit values, one register after the other.
    StorPortWriteRegisterBufferUshort = 678(HwDeviceExtension: PVOID, Register: *mut u16, Buffer: *mut u16, Count: ULONG) -> (),
        header "storport.h", irql undocumented, Modelled, Point => hardware::write_buffer_u16;
    /// Reads a 32-bit register.
    StorPortReadRegisterUlong = 679(HwDeviceExtension: PVOID, Register: *mut u32) -> u32,
        header "storport.h", irql undocumented, Modelled, Register => hardware::read_u32;
    /// Writes a 32-bit register.
    StorPortWriteRegisterUlong = 680(HwDeviceExtension: PVOID, Register: *mut u32, Value: u32) -> (),
        header "storport.h", irql undocumented, Modelled, Point => hardware::write_u32;
    /// Reads 32-bit values, one register after the other.
    StorPortReadRegisterBufferUlong = 681(HwDeviceExtension: PVOID, Register: *mut u32, Buffer: *mut u32, Count: ULONG) -> (),
        header "storport.h", irql undocumented, Modelled, Point => hardware::read_buffer_u32;
    /// Writes 32-bit values, one register after the other.
    StorPortWriteRegisterBufferUlong = 682(HwDeviceExtension: PVOID, Register: *mut u32, Buffer: *mut u32, Count: ULONG) -> (),
        header "storport.h", irql undocumented, Modelled, Point => hardware::write_buffer_u32;
    /// Reads a 64-bit register.
    StorPortReadRegisterUlong64 = 683(HwDeviceExtension: PVOID, Register: *mut u64) -> u64,
        header "storport.h", irql undocumented, Modelled, Register => hardware::read_u64;
    /// Writes a 64-bit register.
    StorPortWriteRegisterUlong64 = 684(HwDeviceExtension: PVOID, Register: *mut u64, Value: u64) -> (),
        header "storport.h", irql undocumented, Modelled, Point => hardware::write_u64;
    /// Reads 64-bit values, one register after the other.
    StorPortReadRegisterBufferUlong64 = 685(HwDeviceExtension: PVOID, Register: *mut u64, Buffer: *mut u64, Count: ULONG) -> (),
        header "storport.h", irql undocumented, Modelled, Point => hardware::read_buffer_u64;
    /// Writes 64-bit values, one register after the other.
    StorPortWriteRegisterBufferUlong64 = 686(HwDeviceExtension: PVOID, Register: *mut u64, Buffer: *mut u64, Count: ULONG) -> (),
        header "storport.h", irql undocumented, Modelled, Point => hardware::write_buffer_u64;

    // Ports
    /// Reads a 8-bit port.
    StorPortReadPortUchar = 687(HwDeviceExtension: PVOID, Port: *mut u8) -> u8,
        header "storport.h", irql undocumented, Modelled, Register => hardware::read_u8;
    /// Writes a 8-bit port.
    StorPortWritePortUchar = 688(HwDeviceExtension: PVOID, Port: *mut u8, Value: u8) -> (),
        header "storport.h", irql undocumented, Modelled, Point => hardware::write_u8;
    /// Reads 8-bit values, the same port again and again.
    StorPortReadPortBufferUchar = 689(HwDeviceExtension: PVOID, Port: *mut u8, Buffer: *mut u8, Count: ULONG) -> (),
        header "storport.h", irql undocumented, Modelled, Point => hardware::read_port_buffer_u8;
    /// Writes 8-bit values, the same port again and again.
    StorPortWritePortBufferUchar = 690(HwDeviceExtension: PVOID, Port: *mut u8, Buffer: *mut u8, Count: ULONG) -> (),
        header "storport.h", irql undocumented, Modelled, Point => hardware::write_port_buffer_u8;
    /// Reads a 16-bit port.
    StorPortReadPortUshort = 691(HwDeviceExtension: PVOID, Port: *mut u16) -> u16,
        header "storport.h", irql undocumented, Modelled, Register => hardware::read_u16;
    /// Writes a 16-bit port.
    StorPortWritePortUshort = 692(HwDeviceExtension: PVOID, Port: *mut u16, Value: u16) -> (),
        header "storport.h", irql undocumented, Modelled, Point => hardware::write_u16;
    /// Reads 16-bit values, the same port again and again.
    StorPortReadPortBufferUshort = 693(HwDeviceExtension: PVOID, Port: *mut u16, Buffer: *mut u16, Count: ULONG) -> (),
        header "storport.h", irql undocumented, Modelled, Point => hardware::read_port_buffer_u16;
    /// Writes 16-bit values, the same port again and again.
    StorPortWritePortBufferUshort = 694(HwDeviceExtension: PVOID, Port: *mut u16, Buffer: *mut u16, Count: ULONG) -> (),
        header "storport.h", irql undocumented, Modelled, Point => hardware::write_port_buffer_u16;
    /// Reads a 32-bit port.
    StorPortReadPortUlong = 695(HwDeviceExtension: PVOID, Port: *mut u32) -> u32,
        header "storport.h", irql undocumented, Modelled, Register => hardware::read_u32;
    /// Writes a 32-bit port.
    StorPortWritePortUlong = 696(HwDeviceExtension: PVOID, Port: *mut u32, Value: u32) -> (),
        header "storport.h", irql undocumented, Modelled, Point => hardware::write_u32;
    /// Reads 32-bit values, the same port again and again.
    StorPortReadPortBufferUlong = 697(HwDeviceExtension: PVOID, Port: *mut u32, Buffer: *mut u32, Count: ULONG) -> (),
        header "storport.h", irql undocumented, Modelled, Point => hardware::read_port_buffer_u32;
    /// Writes 32-bit values, the same port again and again.
    StorPortWritePortBufferUlong = 698(HwDeviceExtension: PVOID, Port: *mut u32, Buffer: *mut u32, Count: ULONG) -> (),
        header "storport.h", irql undocumented, Modelled, Point => hardware::write_port_buffer_u32;
}
