//! Memory and the device: scatter/gather lists, physical addresses, and the map that admits them.
//!
//! A request's data, its SRB extension and its sense buffer are within the device's reach from HwStorBuildIo
//! to RequestComplete; the uncached extension and what the miniport allocated for DMA for as long as they
//! exist; the device extension and pool of the miniport from the moment their physical address was asked
//! for. Nothing else is. A list has an element per page: neighbouring pages of this machine are neighbours
//! in physical memory too, but no driver may count on that, so they are never merged (our choice).
//! Invariant: what was admitted for a request is revoked by the same record, whatever the miniport has
//! done to the SRB meanwhile.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter::AdapterState;
use super::hardware::{innermost, is_inside};
use super::unit::{Request, Slot, Unit};
use super::{adapter, machine};
use crate::callbacks::HW_STOR_FIND_ADAPTER;
use crate::callbacks::HW_STOR_SCATTER_GATHER;
use crate::ddi::{
    PCHAR, PPORT_CONFIGURATION_INFORMATION, PPOST_SCATER_GATHER_EXECUTE, PSCSI_REQUEST_BLOCK,
    PSTOR_SCATTER_GATHER_LIST, STOR_PHYSICAL_ADDRESS, STOR_SCATTER_GATHER_ELEMENT, STOR_SCATTER_GATHER_LIST,
    STOR_STATUS_INVALID_IRQL, STOR_STATUS_INVALID_PARAMETER, STOR_STATUS_SUCCESS, SrbGetDataTransferLength,
    SrbGetSenseInfoBuffer, SrbGetSenseInfoBufferLength,
};
use kernel_sim::bugcheck::SCSI_VERIFIER_DETECTED_VIOLATION;
use kernel_sim::ddi::{BOOLEAN, Call, LARGE_INTEGER, PULONG, PVOID, ULONG};
use kernel_sim::frame::Frame;
use kernel_sim::image::Routine as _;
use kernel_sim::irql::Irql;
use kernel_sim::routine::Arg;
use kernel_sim::unhooked;
use std::ptr::null_mut;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};

/// Bytes of a page.
pub(super) const PAGE: usize = 4096;

/// Elements of a list over `bytes` bytes at `address`.
fn elements(address: usize, bytes: usize) -> usize {
    (address % PAGE + bytes).div_ceil(PAGE)
}

/// Bytes of a list with that many elements.
fn list_bytes(elements: usize) -> usize {
    size_of::<STOR_SCATTER_GATHER_LIST>() + elements * size_of::<STOR_SCATTER_GATHER_ELEMENT>()
}

/// Writes a list over machine memory.
///
/// # Safety
/// `list` has room for the elements, and the memory is the machine's.
unsafe fn write_list(list: PSTOR_SCATTER_GATHER_LIST, address: usize, bytes: usize) {
    let machine = machine();
    // SAFETY: the caller made room for the elements, and the data is memory of the machine.
    unsafe {
        let at = (&raw mut (*list).List).cast::<STOR_SCATTER_GATHER_ELEMENT>();
        let (mut from, end, mut n) = (address, address + bytes, 0);
        while from < end {
            let next = (from / PAGE * PAGE + PAGE).min(end);
            at.add(n).write(STOR_SCATTER_GATHER_ELEMENT {
                PhysicalAddress: LARGE_INTEGER::new(machine.physical_of(from).unwrap_or(0) as i64),
                Length: (next - from) as ULONG,
                Reserved: 0,
            });
            (from, n) = (next, n + 1);
        }
        (*list).NumberOfElements = n as ULONG;
        (*list).Reserved = 0;
    }
}

/// Host ranges as the device sees them; those that are no memory of the machine, or empty, are left out.
fn physical_ranges(host: [(usize, usize); 3]) -> impl Iterator<Item = (u64, usize)> {
    let machine = machine();
    host.into_iter()
        .filter(|(_, bytes)| *bytes != 0)
        .filter_map(|(address, bytes)| Some((machine.physical_of(address)?, bytes)))
}

impl AdapterState {
    fn admit(&self, address: usize, bytes: usize) {
        if let Some(hardware) = &self.hardware
            && let Some(physical) = machine().physical_of(address)
        {
            machine().admit_dma(hardware.device, physical, bytes);
        }
    }

    fn revoke(&self, address: usize, bytes: usize) {
        if let Some(hardware) = &self.hardware
            && let Some(physical) = machine().physical_of(address)
        {
            machine().revoke_dma(hardware.device, physical, bytes);
        }
    }

    /// Puts what a request needs within the device's reach and writes its scatter/gather list. `false`:
    /// the request has more pages than the adapter takes, or the machine is out of memory for the list.
    pub(super) fn open_dma(&self, unit: &Unit, slot: u16, request: &Request) -> bool {
        if self.hardware.is_none() {
            return true;
        }
        let s = &unit.slots[usize::from(slot)];
        let srb: PVOID = request.srb.cast();
        // SAFETY: the SRB is ours until the miniport is called.
        let (bytes, sense, sense_bytes) = unsafe {
            let length = SrbGetDataTransferLength(srb) as usize;
            (length, SrbGetSenseInfoBuffer(srb), usize::from(SrbGetSenseInfoBufferLength(srb)))
        };
        let bytes = if request.data.is_null() { 0 } else { bytes };
        if bytes != 0 && !self.perf.omits_lists() && !self.write_slot_list(s, request.data as usize, bytes) {
            return false;
        }
        s.dma.data_bytes.store(bytes as u32, Relaxed);
        s.dma.has_list.store(bytes != 0 && !self.perf.omits_lists(), Relaxed);
        s.dma.sense.store(sense, Relaxed);
        s.dma.sense_bytes.store(if sense.is_null() { 0 } else { sense_bytes as u32 }, Relaxed);
        if let Some(hardware) = &self.hardware {
            machine().admit_dma_all(hardware.device, physical_ranges(self.reach_of(unit, slot, s)));
        }
        true
    }

    /// Takes back what [`AdapterState::open_dma`] gave: the request is complete.
    pub(super) fn close_dma(&self, unit: &Unit, slot: u16) {
        let Some(hardware) = &self.hardware else { return };
        let s = &unit.slots[usize::from(slot)];
        machine().revoke_dma_all(hardware.device, physical_ranges(self.reach_of(unit, slot, s)));
        s.dma.has_list.store(false, Relaxed);
    }

    /// The ranges a request lets the device reach, as its slot records them.
    pub(super) fn reach_of(&self, unit: &Unit, slot: u16, s: &Slot) -> [(usize, usize); 3] {
        [
            (s.data.load(Relaxed) as usize, s.dma.data_bytes.load(Relaxed) as usize),
            (s.dma.sense.load(Relaxed) as usize, s.dma.sense_bytes.load(Relaxed) as usize),
            (unit.srb_extension(slot) as usize, unit.srb_extension_bytes()),
        ]
    }

    fn write_slot_list(&self, s: &Slot, address: usize, bytes: usize) -> bool {
        let needed = elements(address, bytes);
        if needed > self.breaks_max() {
            return false;
        }
        let mut list = s.dma.list.load(Acquire);
        if list.is_null() || (s.dma.list_room.load(Relaxed) as usize) < needed {
            let room = needed.next_power_of_two().clamp(8, self.breaks_max().max(8));
            if !list.is_null() {
                machine().free_system(list.cast());
            }
            list = machine().allocate_system(list_bytes(room)).cast();
            s.dma.list.store(list, Release);
            s.dma.list_room.store(if list.is_null() { 0 } else { room as u32 }, Relaxed);
        }
        if list.is_null() {
            return false;
        }
        // SAFETY: room for the elements was just made; the data is the class driver's buffer, which lies
        // in the machine's memory.
        unsafe { write_list(list, address, bytes) };
        true
    }

    /// Memory of the miniport's that a device may be pointed at, with its bounds and whether it is within
    /// reach by now.
    fn own_memory(&self, call: &Call, address: usize) -> Option<(usize, usize)> {
        let within =
            |start: usize, bytes: usize| (address.wrapping_sub(start) < bytes).then_some((start, bytes));
        let extension = self.registration.data.DeviceExtensionSize as usize;
        let uncached = (self.uncached.0.load(Acquire) as usize, self.uncached.1.load(Acquire) as usize);
        let of_unit = |unit: &Unit| {
            let slot = unit.slot_of_extension(address)?;
            Some((unit.srb_extension(slot) as usize, unit.srb_extension_bytes()))
        };
        within(uncached.0, uncached.1)
            .or_else(|| self.units().find_map(of_unit))
            .or_else(|| {
                let found = within(self.extension as usize, extension)?;
                if !self.is_extension_admitted.swap(true, Relaxed) {
                    self.admit(found.0, found.1);
                }
                Some(found)
            })
            .or_else(|| self.allocations.reach(call, self, address))
    }

    pub(super) fn admit_memory(&self, address: usize, bytes: usize) {
        self.admit(address, bytes);
    }

    pub(super) fn revoke_memory(&self, address: usize, bytes: usize) {
        self.revoke(address, bytes);
    }
}

pub(crate) unsafe fn scatter_gather_list(
    call: &Call,
    extension: PVOID,
    srb: PSCSI_REQUEST_BLOCK,
) -> PSTOR_SCATTER_GATHER_LIST {
    let Some((unit, slot)) = adapter(call, extension).slot_of(call, srb) else { return null_mut() };
    let slot = &unit.slots[usize::from(slot)];
    if slot.dma.has_list.load(Relaxed) { slot.dma.list.load(Acquire) } else { null_mut() }
}

/// Within an SRB's data the length reaches to the end of the page, as the scatter/gather list has it;
/// elsewhere to the end of the memory. An address the miniport cannot have for DMA is stopped with
/// the parameters of SCSI port, since those of Storport are not published.
pub(crate) unsafe fn physical_address(
    call: &Call,
    extension: PVOID,
    srb: PSCSI_REQUEST_BLOCK,
    address: PVOID,
    length: PULONG,
) -> STOR_PHYSICAL_ADDRESS {
    let adapter = adapter(call, extension);
    call.check_output(length);
    let at = address as usize;
    let found = match (!srb.is_null()).then(|| of_request(call, adapter, srb, at)) {
        Some(Some(found)) => Some(found),
        _ => adapter.own_memory(call, at).map(|(start, bytes)| start + bytes - at),
    };
    let Some(bytes) = found else {
        let shown = call.machine().machine_address(at);
        let extension = call.machine().machine_address(extension as usize);
        call.bug_check(
            SCSI_VERIFIER_DETECTED_VIOLATION,
            [0x1006, extension, shown, 0],
            "the address is no memory that the miniport has for its device",
        );
    };
    // SAFETY: found in mapped memory above.
    unsafe { *length = bytes as ULONG };
    LARGE_INTEGER::new(call.machine().physical_of(at).unwrap_or(0) as i64)
}

/// Bytes from an address to the end of its page or buffer, within a request's data or sense buffer.
fn of_request(call: &Call, adapter: &AdapterState, srb: PSCSI_REQUEST_BLOCK, at: usize) -> Option<usize> {
    let (unit, slot) = adapter.slot_of(call, srb)?;
    let s = &unit.slots[usize::from(slot)];
    let data = at.wrapping_sub(s.data.load(Relaxed) as usize);
    let data_bytes = s.dma.data_bytes.load(Relaxed) as usize;
    if data < data_bytes {
        return Some((data_bytes - data).min(PAGE - at % PAGE));
    }
    let sense = at.wrapping_sub(s.dma.sense.load(Relaxed) as usize);
    let sense_bytes = s.dma.sense_bytes.load(Relaxed) as usize;
    (sense < sense_bytes).then(|| sense_bytes - sense)
}

/// NULL for an address that StorPortGetPhysicalAddress does not hand out for common memory.
pub(crate) unsafe fn virtual_address(
    call: &Call,
    extension: PVOID,
    physical: STOR_PHYSICAL_ADDRESS,
) -> PVOID {
    let adapter = adapter(call, extension);
    let host = call.machine().host_of(physical.QuadPart() as u64, 1);
    host.filter(|host| adapter.own_memory(call, *host).is_some()).map_or(null_mut(), |host| host as PVOID)
}

/// The memory is zeroed and begins with a page. A second call in the same HwStorFindAdapter returns the same
/// memory, as documented, however many bytes it asks for. One in a later HwStorFindAdapter gets other memory
/// if it asks for more: Storport releases what an adapter had when plug and play has stopped it (that it
/// keeps what is large enough is our choice).
pub(crate) unsafe fn uncached_extension(
    call: &Call,
    extension: PVOID,
    config: PPORT_CONFIGURATION_INFORMATION,
    bytes: ULONG,
) -> PVOID {
    let adapter = adapter(call, extension);
    call.check_output(config);
    // SAFETY: just found in mapped memory; plain data.
    let is_master = unsafe { (*config).Master } != 0;
    if !is_inside(call, &HW_STOR_FIND_ADAPTER) || !is_master || adapter.hardware.is_none() {
        let callback = u64::from(innermost(call).unwrap_or(0));
        call.bug_check(
            SCSI_VERIFIER_DETECTED_VIOLATION,
            [0x2002, callback, 0, 0],
            "StorPortGetUncachedExtension is for bus masters, in HwStorFindAdapter",
        );
    }
    let present = adapter.uncached.0.load(Acquire);
    let is_too_small =
        adapter.is_uncached_old.swap(false, SeqCst) && bytes > adapter.uncached.1.load(Acquire);
    if bytes == 0 || !present.is_null() && !is_too_small {
        return present;
    }
    let memory = unhooked::allocate_for_call(call, (bytes as usize).max(PAGE));
    if !memory.is_null() {
        adapter.free_uncached();
        adapter.uncached.1.store(bytes, Release);
        adapter.uncached.0.store(memory, Release);
        adapter.admit(memory as usize, bytes as usize);
    }
    memory
}

/// The routine runs inside the call, at the caller's DISPATCH_LEVEL and under no lock of Storport's; on
/// Windows it may also run later.
#[expect(clippy::too_many_arguments, reason = "the documented signature")]
pub(crate) unsafe fn build_scatter_gather_list(
    call: &Call,
    extension: PVOID,
    _mdl: PVOID,
    current: PVOID,
    length: ULONG,
    routine: PPOST_SCATER_GATHER_EXECUTE,
    context: PVOID,
    _write_to_device: BOOLEAN,
    buffer: PVOID,
    buffer_bytes: ULONG,
) -> ULONG {
    let adapter = adapter(call, extension);
    if call.cpu.irql() != Irql::DISPATCH {
        return STOR_STATUS_INVALID_IRQL;
    }
    let Some(routine) = routine else { return STOR_STATUS_INVALID_PARAMETER };
    let (address, bytes) = (current as usize, length as usize);
    if bytes == 0 {
        return STOR_STATUS_INVALID_PARAMETER;
    }
    super::hardware::check_bytes(call, current, bytes);
    if list_bytes(elements(address, bytes)) > buffer_bytes as usize {
        return crate::ddi::STOR_STATUS_BUFFER_TOO_SMALL;
    }
    super::hardware::check_bytes(call, buffer, buffer_bytes as usize);
    call.check_output(buffer.cast::<STOR_SCATTER_GATHER_LIST>());
    // SAFETY: room for the elements was checked, and both blocks are memory of the machine.
    unsafe { write_list(buffer.cast(), address, bytes) };
    adapter.admit(address, bytes);
    adapter.call(
        Frame::new(&HW_STOR_SCATTER_GATHER, &[Arg::Pointer(context as usize)]),
        Irql::DISPATCH,
        || {
            // SAFETY: the miniport gave the routine and its arguments together, for a call like this; they
            // live until it.
            unsafe { routine.go((null_mut(), null_mut(), buffer.cast(), context)) }
        },
    );
    STOR_STATUS_SUCCESS
}

/// A list that was not built is refused with STOR_STATUS_INVALID_PARAMETER as far as its first element
/// tells; the caller's buffer stays the caller's.
pub(crate) unsafe fn put_scatter_gather_list(
    call: &Call,
    extension: PVOID,
    list: PSTOR_SCATTER_GATHER_LIST,
    _write_to_device: BOOLEAN,
) -> ULONG {
    let adapter = adapter(call, extension);
    if call.cpu.irql() != Irql::DISPATCH {
        return STOR_STATUS_INVALID_IRQL;
    }
    call.check_output(list);
    // SAFETY: found in mapped memory; elements are looked at one by one as far as they are too.
    let total = unsafe {
        let count = (*list).NumberOfElements as usize;
        let at = (&raw mut (*list).List).cast::<STOR_SCATTER_GATHER_ELEMENT>();
        let mut total = 0;
        for n in 0..count {
            call.check_output(at.add(n));
            total += (*at.add(n)).Length as usize;
        }
        (count != 0).then(|| ((*at).PhysicalAddress.QuadPart() as u64, total))
    };
    let Some((physical, bytes)) = total else { return STOR_STATUS_INVALID_PARAMETER };
    if let Some(hardware) = &adapter.hardware {
        call.machine().revoke_dma(hardware.device, physical, bytes);
    }
    STOR_STATUS_SUCCESS
}

/// Copies memory that may overlap.
pub(crate) unsafe fn move_memory(call: &Call, to: PVOID, from: PVOID, bytes: ULONG) {
    if bytes == 0 {
        return;
    }
    super::hardware::check_bytes(call, to, bytes as usize);
    call.check_input_bytes(from.cast(), bytes as usize, "the memory to move");
    // SAFETY: one range was found in the machine's memory, the other in what can be read.
    unsafe { std::ptr::copy(from.cast::<u8>(), to.cast::<u8>(), bytes as usize) };
}

/// A C string of the driver's, which may be a constant; at most 256 characters.
pub(super) fn text(call: &Call, string: PCHAR) -> String {
    let mut text = String::new();
    for n in 0..256 {
        let at = string.wrapping_add(n);
        call.check_input(at);
        // SAFETY: just found in readable memory.
        match unsafe { *at } as u8 {
            0 => break,
            byte => text.push(char::from(byte)),
        }
    }
    text
}
