//! Trims: the ranges of a data set become UNMAP commands.
//!
//! As Windows' disk class driver has it: ranges must be whole blocks on the disk; what is more than one
//! command may name (`provisioning.rs`) goes as several, one after the other, in the client's IRP. Ranges are
//! not shrunk to the unmap granularity: SBC lets the unit do what it can with the rest. Our choice: a list
//! has [`DESCRIPTORS_MAX`] ranges at most, whatever the unit would take. Invariant: the ranges are read from
//! the client's buffer piece by piece and checked each time, for the client may write to it meanwhile.

#![expect(unsafe_code, reason = "fills and reads IRPs and SRBs in driver memory")]

use super::capacity::Capacity;
use super::provisioning::Provisioning;
use crate::ddi::{
    DEVICE_DATA_SET_RANGE, DEVICE_MANAGE_DATA_SET_ATTRIBUTES, MDL, MDL_SOURCE_IS_NONPAGED_POOL, PIRP, PMDL,
    PVOID,
};
use crate::scsi::{UnmapBlockDescriptor, UnmapHeader};
use kernel_sim::machine::Machine;
use zerocopy::IntoBytes;

/// Ranges one command carries at most.
const DESCRIPTORS_MAX: usize = 256;
const HEADER_BYTES: usize = size_of::<UnmapHeader>();
const DESCRIPTOR_BYTES: usize = size_of::<UnmapBlockDescriptor>();
const LIST_BYTES: usize = HEADER_BYTES + DESCRIPTORS_MAX * DESCRIPTOR_BYTES;

/// The ranges of a request's buffer: where they begin in it and how many there are; `None` if the buffer does
/// not hold what its header says.
pub(super) fn ranges_of(
    header: &DEVICE_MANAGE_DATA_SET_ATTRIBUTES,
    input_bytes: usize,
) -> Option<(usize, usize)> {
    let (at, bytes) = (header.DataSetRangesOffset as usize, header.DataSetRangesLength as usize);
    let fits = at.checked_add(bytes).is_some_and(|end| end <= input_bytes);
    let header_bytes = size_of::<DEVICE_MANAGE_DATA_SET_ATTRIBUTES>();
    let is_whole = bytes != 0 && bytes.is_multiple_of(size_of::<DEVICE_DATA_SET_RANGE>());
    (fits && is_whole && at >= header_bytes && header.Size as usize == header_bytes)
        .then_some((at, bytes / size_of::<DEVICE_DATA_SET_RANGE>()))
}

/// A trim under way, in the machine's memory: the list of the present command, and how far the ranges have
/// come.
#[repr(C)]
pub(super) struct Trim {
    mdl: MDL,
    /// The MDL that the client's IRP had, to be put back.
    saved: PMDL,
    ranges: *const DEVICE_DATA_SET_RANGE,
    count: usize,
    /// The next range, and how many of its blocks are in earlier commands.
    next: usize,
    taken: u64,
    bytes: u32,
    list: [u8; LIST_BYTES],
}

/// First block and number of blocks of a range; `None` if it is not whole blocks of the disk.
fn blocks_of(range: &DEVICE_DATA_SET_RANGE, capacity: Capacity) -> Option<(u64, u64)> {
    let block_bytes = u64::from(capacity.block_bytes);
    let offset = u64::try_from(range.StartingOffset).ok()?;
    let end = offset.checked_add(range.LengthInBytes)?;
    let is_whole = offset.is_multiple_of(block_bytes) && range.LengthInBytes.is_multiple_of(block_bytes);
    (is_whole && end <= capacity.bytes()).then_some((offset / block_bytes, range.LengthInBytes / block_bytes))
}

impl Trim {
    /// A trim of `count` ranges at `ranges`, and its first list; null when the machine is out of memory.
    ///
    /// # Safety
    /// The ranges stay where they are until [`Trim::free`].
    pub(super) unsafe fn new(
        machine: &Machine,
        ranges: *const DEVICE_DATA_SET_RANGE,
        count: usize,
        irp: PIRP,
    ) -> *mut Trim {
        let trim: *mut Trim = machine.allocate_system(size_of::<Trim>()).cast();
        if !trim.is_null() {
            // SAFETY: a fresh zeroed block, and the client's live IRP.
            unsafe {
                let t = &mut *trim;
                (t.ranges, t.count, t.saved) = (ranges, count, (*irp).MdlAddress);
                let list: PVOID = (&raw mut t.list).cast();
                t.mdl.MdlFlags = MDL_SOURCE_IS_NONPAGED_POOL;
                t.mdl.StartVa = list;
                t.mdl.MappedSystemVa = list;
                t.mdl.ByteCount = LIST_BYTES as u32;
                (*irp).MdlAddress = &raw mut t.mdl;
            }
        }
        trim
    }

    /// Whether every range is whole blocks on the disk.
    pub(super) fn is_valid(&self, capacity: Capacity) -> bool {
        (0..self.count).all(|n| blocks_of(&self.range(n), capacity).is_some())
    }

    fn range(&self, n: usize) -> DEVICE_DATA_SET_RANGE {
        // SAFETY: `new` was given so many ranges, in the client's buffer, of any alignment.
        unsafe { self.ranges.add(n).read_unaligned() }
    }

    /// Writes the list of the next command, within the unit's limits; `false` if nothing is left.
    pub(super) fn advance(&mut self, capacity: Capacity, limits: Provisioning) -> bool {
        let ranges_max = (limits.descriptors_max as usize).min(DESCRIPTORS_MAX);
        let (mut n, mut room) = (0, u64::from(limits.blocks_max));
        while n < ranges_max && room != 0 && self.next < self.count {
            // A range that the client has spoilt meanwhile is left out.
            let (first, blocks) = blocks_of(&self.range(self.next), capacity).unwrap_or((0, 0));
            let here = blocks.saturating_sub(self.taken).min(room).min(u64::from(u32::MAX));
            if here != 0 {
                let descriptor = UnmapBlockDescriptor {
                    lba: (first + self.taken).into(),
                    blocks: (here as u32).into(),
                    reserved: 0.into(),
                };
                let at = HEADER_BYTES + n * DESCRIPTOR_BYTES;
                self.list[at..at + DESCRIPTOR_BYTES].copy_from_slice(descriptor.as_bytes());
                n += 1;
                room -= here;
                self.taken += here;
            }
            if self.taken >= blocks {
                (self.next, self.taken) = (self.next + 1, 0);
            }
        }
        // At most 256 descriptors of 16 bytes.
        let bytes = (n * DESCRIPTOR_BYTES) as u16;
        let header = UnmapHeader {
            data_length: (bytes + 6).into(),
            descriptors_length: bytes.into(),
            reserved: 0.into(),
        };
        self.list[..HEADER_BYTES].copy_from_slice(header.as_bytes());
        self.bytes = u32::from(bytes) + HEADER_BYTES as u32;
        n != 0
    }

    /// The present list.
    pub(super) fn list(&mut self) -> PVOID {
        (&raw mut self.list).cast()
    }

    /// Its length.
    pub(super) fn list_bytes(&self) -> u32 {
        self.bytes
    }

    /// Gives the IRP back as it came, and the memory.
    ///
    /// # Safety
    /// No command of the trim is out.
    pub(super) unsafe fn free(trim: *mut Trim, irp: PIRP) {
        let machine = Machine::current().expect("a request of a machine");
        // SAFETY: no command of the trim is out, so the IRP is the caller's; the block is `new`'s.
        unsafe { (*irp).MdlAddress = (*trim).saved };
        machine.free_system(trim.cast());
    }
}
