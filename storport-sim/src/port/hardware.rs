//! The hardware side of an adapter: what the bus gave it and what the miniport made of that.
//!
//! Register ranges and their mappings, configuration space, the uncached extension. Interrupts are in
//! `interrupt`, memory for DMA in `dma`. A virtual adapter has none of this. Invariant: a register
//! routine reaches only what StorPortGetDeviceBase mapped for this adapter.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter;
use super::adapter::AdapterState;
use super::interrupt::Interrupts;
use super::pci_slot::{CONFIG_SPACE_BYTES, PciSlot, RANGES_MAX, Range};
use crate::callbacks::{HW_STOR_ADAPTER_CONTROL, HW_STOR_FIND_ADAPTER};
use crate::ddi::{ACCESS_RANGE, BUS_DATA_TYPE, PCIConfiguration, STOR_PHYSICAL_ADDRESS};
use kernel_sim::bugcheck::SCSI_VERIFIER_DETECTED_VIOLATION;
use kernel_sim::bus;
use kernel_sim::ddi::{BOOLEAN, Call, FALSE, INTERFACE_TYPE, LARGE_INTEGER, PVOID, ULONG};
use kernel_sim::machine::Machine;
use kernel_sim::routine::Callback;
use parking_lot::Mutex;
use std::ptr::null_mut;

/// A range of registers as the machine sees it.
#[derive(Clone, Copy)]
struct Registers {
    /// Physical address of the first byte.
    physical: u64,
    bytes: u32,
    in_memory: bool,
}

/// Where configuration space has what firmware and the bus driver write.
mod config {
    /// The first base address register.
    pub const BASE_ADDRESSES: usize = 0x10;
    /// The last of six: where AHCI 1.3.1 (2.1.11) has its registers.
    pub const AHCI_BASE_ADDRESS: usize = 0x24;
    /// Subclass and class of a serial ATA controller.
    pub const CLASS: std::ops::Range<usize> = 0x0A..0x0C;
    pub const SATA: [u8; 2] = [0x06, 0x01];
    /// A 64-bit memory address.
    pub const MEMORY_64: u64 = 4;
    /// Where the list of capabilities begins, and the one of MSI-X with its bit that turns messages on.
    pub const CAPABILITIES: usize = 0x34;
    pub const MSI_X: u8 = 0x11;
    pub const MSI_X_ENABLE: u8 = 0x80;
}

/// The configuration space of a device that firmware and bus driver have set up: its registers have
/// addresses, its messages are on.
fn as_started(slot: &PciSlot, ranges: &[Registers]) -> Vec<u8> {
    let mut space = slot.config_space.clone();
    let mut put = |at: usize, bytes: &[u8]| {
        if let Some(to) = space.get_mut(at..at + bytes.len()).filter(|to| to.iter().all(|byte| *byte == 0)) {
            to.copy_from_slice(bytes);
        }
    };
    if slot.config_space.get(config::CLASS) == Some(&config::SATA) {
        if let Some(range) = ranges.first() {
            put(config::AHCI_BASE_ADDRESS, &(range.physical as u32).to_le_bytes());
        }
    } else {
        for (n, range) in ranges.iter().take(RANGES_MAX.min(3)).enumerate() {
            let address = range.physical | config::MEMORY_64;
            put(config::BASE_ADDRESSES + 8 * n, &address.to_le_bytes());
        }
    }
    let mut at = space.get(config::CAPABILITIES).copied().map_or(0, usize::from);
    // As many as fit, should the list be a circle.
    for _ in 0..48 {
        if at == 0 || at + 4 > space.len() {
            break;
        }
        if space[at] == config::MSI_X && slot.messages {
            space[at + 3] |= config::MSI_X_ENABLE;
        }
        at = usize::from(space[at + 1]);
    }
    space
}

/// What one adapter has of hardware.
pub(super) struct Hardware {
    /// The machine's number of the device.
    pub device: usize,
    pub slot: PciSlot,
    ranges: Vec<Registers>,
    /// Mapped ranges: host address, bytes.
    mappings: Mutex<Vec<(usize, usize)>>,
    config_space: Mutex<Vec<u8>>,
    pub interrupts: Interrupts,
}

impl Hardware {
    /// `None`: the machine has no such device.
    pub(super) fn new(machine: &Machine, slot: PciSlot) -> Option<Hardware> {
        let window = machine.device_window(slot.device)?;
        let registers = |r: &Range| Registers {
            physical: window + u64::from(r.offset),
            bytes: r.bytes,
            in_memory: r.in_memory,
        };
        machine.restrict_dma(slot.device);
        let ranges: Vec<Registers> = slot.register_ranges().iter().map(registers).collect();
        Some(Hardware {
            device: slot.device,
            mappings: Mutex::new(Vec::new()),
            config_space: Mutex::new(as_started(&slot, &ranges)),
            ranges,
            interrupts: Interrupts::new(machine, &slot)?,
            slot,
        })
    }

    /// The access ranges, as PORT_CONFIGURATION_INFORMATION lists them.
    pub(super) fn access_ranges(&self) -> impl Iterator<Item = ACCESS_RANGE> {
        self.ranges.iter().take(RANGES_MAX).map(|r| ACCESS_RANGE {
            RangeStart: LARGE_INTEGER::new(r.physical as i64),
            RangeLength: r.bytes,
            RangeInMemory: BOOLEAN::from(r.in_memory),
        })
    }

    /// Whether `width` bytes at a host address lie in one mapping.
    #[inline]
    fn is_mapped(&self, address: usize, width: usize) -> bool {
        self.mappings.lock().iter().any(|(at, bytes)| {
            address.checked_sub(*at).is_some_and(|offset| offset <= bytes.saturating_sub(width))
        })
    }
}

/// The innermost callback on the processor of a call: where the miniport calls from.
pub(super) fn innermost(call: &Call) -> Option<u16> {
    call.cpu.callbacks().last().map(|kind| kind.id)
}

/// Whether a call is made from the callback of this kind.
pub(super) fn is_inside(call: &Call, kind: &Callback) -> bool {
    innermost(call) == Some(kind.id)
}

pub(crate) unsafe fn device_base(
    call: &Call,
    extension: PVOID,
    _bus_type: INTERFACE_TYPE,
    _bus: ULONG,
    address: STOR_PHYSICAL_ADDRESS,
    bytes: ULONG,
    in_io_space: BOOLEAN,
) -> PVOID {
    let adapter = adapter(call, extension);
    let physical = address.QuadPart() as u64;
    let is_inside_of = |r: &&Registers| {
        r.in_memory == (in_io_space == FALSE)
            && physical.checked_sub(r.physical).is_some_and(|o| o + u64::from(bytes) <= u64::from(r.bytes))
    };
    let range = adapter.hardware.as_ref().and_then(|h| h.ranges.iter().find(is_inside_of).map(|_| h));
    let Some(hardware) = range else {
        let what =
            format!("{} bytes at physical address {physical:#x} were not assigned to the adapter", bytes);
        call.bug_check(SCSI_VERIFIER_DETECTED_VIOLATION, [0x2003, physical, u64::from(bytes), 0], what);
    };
    let Some(host) = call.machine().host_of(physical, bytes as usize) else { return null_mut() };
    hardware.mappings.lock().push((host, bytes as usize));
    host as PVOID
}

/// Outside HwStorFindAdapter Storport verification stops it, with unpublished parameters; here the mapping
/// goes then too.
pub(crate) unsafe fn free_device_base(call: &Call, extension: PVOID, mapped: PVOID) {
    let adapter = adapter(call, extension);
    let Some(hardware) = &adapter.hardware else { return };
    let mut mappings = hardware.mappings.lock();
    if let Some(at) = mappings.iter().rposition(|(host, _)| *host == mapped as usize) {
        mappings.remove(at);
    }
}

/// The bytes of configuration space that a request names: none for another kind of bus data, another
/// slot, or outside the callbacks the page names.
fn config_bytes(
    call: &Call,
    adapter: &AdapterState,
    kind: BUS_DATA_TYPE,
    slot: ULONG,
    offset: ULONG,
    length: ULONG,
) -> std::ops::Range<usize> {
    let allowed = is_inside(call, &HW_STOR_FIND_ADAPTER) || is_inside(call, &HW_STOR_ADAPTER_CONTROL);
    let known = adapter.hardware.as_ref().is_some_and(|h| h.slot.slot == slot);
    if !allowed || !known || kind != PCIConfiguration {
        return 0..0;
    }
    let start = (offset as usize).min(CONFIG_SPACE_BYTES);
    start..start.saturating_add(length as usize).min(CONFIG_SPACE_BYTES)
}

/// Returns how many bytes were read; 0 where the page allows no call.
pub(crate) unsafe fn bus_data(
    call: &Call,
    extension: PVOID,
    kind: ULONG,
    _bus: ULONG,
    slot: ULONG,
    buffer: PVOID,
    length: ULONG,
) -> ULONG {
    let adapter = adapter(call, extension);
    let range = config_bytes(call, adapter, kind as BUS_DATA_TYPE, slot, 0, length);
    let Some(hardware) = adapter.hardware.as_ref().filter(|_| !range.is_empty()) else { return 0 };
    let space = hardware.config_space.lock();
    copy_out(call, &space[range], buffer)
}

#[expect(clippy::too_many_arguments, reason = "the documented signature")]
pub(crate) unsafe fn set_bus_data_by_offset(
    call: &Call,
    extension: PVOID,
    kind: ULONG,
    _bus: ULONG,
    slot: ULONG,
    buffer: PVOID,
    offset: ULONG,
    length: ULONG,
) -> ULONG {
    let adapter = adapter(call, extension);
    let range = config_bytes(call, adapter, kind as BUS_DATA_TYPE, slot, offset, length);
    let Some(hardware) = adapter.hardware.as_ref().filter(|_| !range.is_empty()) else { return 0 };
    call.check_input_bytes(buffer.cast(), range.len(), "the buffer");
    let mut space = hardware.config_space.lock();
    // SAFETY: the driver's buffer was just found in readable memory.
    let from = unsafe { std::slice::from_raw_parts(buffer.cast::<u8>(), range.len()) };
    space[range.clone()].copy_from_slice(from);
    range.len() as ULONG
}

/// Stops the machine if the driver's buffer is not memory of the machine throughout.
pub(super) fn check_bytes(call: &Call, buffer: PVOID, bytes: usize) {
    call.check_output(buffer.cast::<u8>());
    if bytes > 1 {
        call.check_output(buffer.cast::<u8>().wrapping_add(bytes - 1));
    }
}

/// Copies bytes of ours into a driver's buffer; returns how many.
pub(super) fn copy_out(call: &Call, from: &[u8], to: PVOID) -> ULONG {
    if from.is_empty() {
        return 0;
    }
    check_bytes(call, to, from.len());
    // SAFETY: the driver's buffer was just found in mapped memory; ours is not in it.
    unsafe { from.as_ptr().copy_to_nonoverlapping(to.cast(), from.len()) };
    from.len() as ULONG
}

#[cold]
fn not_mapped(call: &Call, address: usize) -> ! {
    let shown = call.machine().machine_address(address);
    let what = format!("{}: the address is in no range that StorPortGetDeviceBase mapped", call.ddi.name);
    call.bug_check(SCSI_VERIFIER_DETECTED_VIOLATION, [0x2005, shown, 0, 0], what)
}

/// Whether an access is to registers that are mapped. Without an extension, any of a device are allowed: on
/// x64 these routines are macros that leave it out, and drivers pass NULL.
fn may_access(call: &Call, extension: PVOID, address: usize, width: usize) -> bool {
    extension.is_null()
        || adapter(call, extension).hardware.as_ref().is_some_and(|h| h.is_mapped(address, width))
}

/// Reads a register of the adapter.
fn read(call: &Call, extension: PVOID, address: usize, width: usize) -> u64 {
    let mapped = may_access(call, extension, address, width);
    match mapped.then(|| bus::read_register(call, address, width as u8)).flatten() {
        Some(value) => value,
        None => not_mapped(call, address),
    }
}

/// Writes a register of the adapter.
fn write(call: &Call, extension: PVOID, address: usize, width: usize, value: u64) {
    let mapped = may_access(call, extension, address, width);
    if mapped.then(|| bus::write_register(call, address, width as u8, value)).flatten().is_none() {
        not_mapped(call, address);
    }
}

macro_rules! register_routines {
    ($($read:ident, $write:ident, $read_buffer:ident, $write_buffer:ident: $ty:ty;)*) => {$(
        pub(crate) unsafe fn $read(call: &Call, extension: PVOID, register: *mut $ty) -> $ty {
            read(call, extension, register as usize, size_of::<$ty>()) as $ty
        }

        pub(crate) unsafe fn $write(call: &Call, extension: PVOID, register: *mut $ty, value: $ty) {
            write(call, extension, register as usize, size_of::<$ty>(), u64::from(value));
        }

        pub(crate) unsafe fn $read_buffer(call: &Call, extension: PVOID, register: *mut $ty, buffer: *mut $ty, count: ULONG) {
            for n in 0..count as usize {
                let to = buffer.wrapping_add(n);
                call.check_output(to);
                // SAFETY: just found in mapped memory and aligned. A buffer routine reads one register
                // after the other.
                unsafe { *to = read(call, extension, register.wrapping_add(n) as usize, size_of::<$ty>()) as $ty };
            }
        }

        pub(crate) unsafe fn $write_buffer(call: &Call, extension: PVOID, register: *mut $ty, buffer: *mut $ty, count: ULONG) {
            for n in 0..count as usize {
                let from = buffer.wrapping_add(n);
                call.check_input(from);
                // SAFETY: just found in readable memory and aligned.
                let value = unsafe { *from };
                write(call, extension, register.wrapping_add(n) as usize, size_of::<$ty>(), u64::from(value));
            }
        }
    )*};
}

register_routines! {
    read_u8, write_u8, read_buffer_u8, write_buffer_u8: u8;
    read_u16, write_u16, read_buffer_u16, write_buffer_u16: u16;
    read_u32, write_u32, read_buffer_u32, write_buffer_u32: u32;
    read_u64, write_u64, read_buffer_u64, write_buffer_u64: u64;
}

macro_rules! port_buffer_routines {
    ($($read_buffer:ident, $write_buffer:ident: $ty:ty;)*) => {$(
        /// Every value is read from the same port, one after the other.
        pub(crate) unsafe fn $read_buffer(call: &Call, extension: PVOID, port: *mut $ty, buffer: *mut $ty, count: ULONG) {
            for n in 0..count as usize {
                let to = buffer.wrapping_add(n);
                call.check_output(to);
                // SAFETY: just found in mapped memory and aligned.
                unsafe { *to = read(call, extension, port as usize, size_of::<$ty>()) as $ty };
            }
        }

        /// Every value is written to the same port, one after the other.
        pub(crate) unsafe fn $write_buffer(call: &Call, extension: PVOID, port: *mut $ty, buffer: *mut $ty, count: ULONG) {
            for n in 0..count as usize {
                let from = buffer.wrapping_add(n);
                call.check_input(from);
                // SAFETY: just found in readable memory and aligned.
                let value = unsafe { *from };
                write(call, extension, port as usize, size_of::<$ty>(), u64::from(value));
            }
        }
    )*};
}

port_buffer_routines! {
    read_port_buffer_u8, write_port_buffer_u8: u8;
    read_port_buffer_u16, write_port_buffer_u16: u16;
    read_port_buffer_u32, write_port_buffer_u32: u32;
}
