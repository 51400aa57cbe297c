//! Trims: the ranges of a data set become UNMAP commands.
//!
//! As Windows' disk class driver has it: a unit takes UNMAP if its Logical Block Provisioning page (B2h) says
//! so and its Block Limits page (B0h) allows a number of blocks; ranges must be whole blocks on the disk;
//! what is more than one command may name goes as several, one after the other, in the client's IRP. The
//! pages are read when somebody first asks. Ranges are not shrunk to the unmap granularity: SBC lets the unit
//! do what it can with the rest. Our choice: a list has [`DESCRIPTORS_MAX`] ranges at most, whatever the unit
//! would take. Invariant: the ranges are read from the client's buffer piece by piece and checked each time,
//! for the buffer is the client's.

#![expect(unsafe_code, reason = "fills and reads IRPs and SRBs in driver memory")]

use super::device::Disk;
use super::question::ask;
use crate::ddi::{
    DEVICE_DATA_SET_RANGE, DEVICE_LB_PROVISIONING_DESCRIPTOR, DEVICE_MANAGE_DATA_SET_ATTRIBUTES, MDL,
    MDL_SOURCE_IS_NONPAGED_POOL, PIRP, PMDL, PVOID,
};
use crate::scsi::{
    BlockLimits, Inquiry, LogicalBlockProvisioning, UnmapBlockDescriptor, UnmapHeader, VpdHeader, VpdPage,
};
use kernel_sim::machine::Machine;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Ranges one command carries at most.
const DESCRIPTORS_MAX: usize = 64;
const HEADER_BYTES: usize = size_of::<UnmapHeader>();
const DESCRIPTOR_BYTES: usize = size_of::<UnmapBlockDescriptor>();
const LIST_BYTES: usize = HEADER_BYTES + DESCRIPTORS_MAX * DESCRIPTOR_BYTES;
/// Bytes asked of a page.
const PAGE_BYTES: u16 = 64;

/// What a unit says of giving blocks back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Provisioning {
    /// Blocks one UNMAP may name; not 0.
    pub blocks_max: u32,
    /// Ranges one UNMAP may carry; not 0.
    pub descriptors_max: u32,
    pub reads_zeros: bool,
    /// Blocks given back together; 0: not said.
    granularity: u32,
    /// The first aligned block, if said.
    alignment: Option<u32>,
}

impl Provisioning {
    /// The descriptor that a property query answers with.
    pub(super) fn descriptor(&self, block_bytes: u32) -> DEVICE_LB_PROVISIONING_DESCRIPTOR {
        type Descriptor = DEVICE_LB_PROVISIONING_DESCRIPTOR;
        let mut flags = Descriptor::THIN_PROVISIONING_ENABLED;
        if self.reads_zeros {
            flags |= Descriptor::THIN_PROVISIONING_READ_ZEROS;
        }
        if self.alignment.is_some() {
            flags |= Descriptor::UNMAP_GRANULARITY_ALIGNMENT_VALID;
        }
        let bytes = |blocks: u32| u64::from(blocks) * u64::from(block_bytes);
        Descriptor {
            Version: size_of::<Descriptor>() as u32,
            Size: size_of::<Descriptor>() as u32,
            _bitfield_1: flags,
            Reserved1: [0; 7],
            OptimalUnmapGranularity: bytes(self.granularity),
            UnmapGranularityAlignment: bytes(self.alignment.unwrap_or(0)),
            MaxUnmapLbaCount: self.blocks_max,
            MaxUnmapBlockDescriptorCount: self.descriptors_max,
        }
    }
}

/// What the disk's unit says; `None` if it takes no UNMAP, or does not answer now. PASSIVE_LEVEL the first
/// time.
pub(super) fn provisioning(machine: &Machine, disk: &Disk) -> Option<Provisioning> {
    if let Some(known) = disk.provisioning.get() {
        return *known;
    }
    let b2: LogicalBlockProvisioning = page(machine, disk, VpdPage::LOGICAL_BLOCK_PROVISIONING)?;
    let b0: BlockLimits = page(machine, disk, VpdPage::BLOCK_LIMITS)?;
    let (blocks, descriptors) = (b0.unmap_blocks_max.get(), b0.unmap_descriptors_max.get());
    let takes_unmap = b2.flags & LogicalBlockProvisioning::LBPU != 0 && blocks != 0 && descriptors != 0;
    let alignment = b0.unmap_alignment.get();
    let said = takes_unmap.then_some(Provisioning {
        blocks_max: blocks,
        descriptors_max: descriptors,
        reads_zeros: b2.flags & LogicalBlockProvisioning::LBPRZ != 0,
        granularity: b0.unmap_granularity.get(),
        alignment: (alignment >> 31 != 0).then_some(alignment & 0x7fff_ffff),
    });
    // Two threads may have asked; the answers are the same.
    let _ = disk.provisioning.set(said);
    said
}

/// One page of vital product data, without its header.
fn page<T: FromBytes + KnownLayout + Immutable>(machine: &Machine, disk: &Disk, page: VpdPage) -> Option<T> {
    let cdb = Inquiry::vpd(page, PAGE_BYTES);
    let answer = ask(machine, disk.lower, disk.is_extended, cdb.as_bytes(), PAGE_BYTES.into())?;
    let (header, body) = VpdHeader::read_from_prefix(&answer).ok()?;
    (header.page == page).then(|| T::read_from_prefix(body).ok()).flatten().map(|(page, _)| page)
}

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
    /// What the client's IRP had for an MDL.
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
fn blocks_of(range: &DEVICE_DATA_SET_RANGE, disk: &Disk) -> Option<(u64, u64)> {
    let block_bytes = u64::from(disk.capacity.block_bytes);
    let offset = u64::try_from(range.StartingOffset).ok()?;
    let end = offset.checked_add(range.LengthInBytes)?;
    let is_whole = offset.is_multiple_of(block_bytes) && range.LengthInBytes.is_multiple_of(block_bytes);
    (is_whole && end <= disk.capacity.bytes())
        .then_some((offset / block_bytes, range.LengthInBytes / block_bytes))
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
    pub(super) fn is_valid(&self, disk: &Disk) -> bool {
        (0..self.count).all(|n| blocks_of(&self.range(n), disk).is_some())
    }

    fn range(&self, n: usize) -> DEVICE_DATA_SET_RANGE {
        // SAFETY: `new` was given so many ranges, in the client's buffer, of any alignment.
        unsafe { self.ranges.add(n).read_unaligned() }
    }

    /// Writes the list of the next command; `false` if nothing is left.
    pub(super) fn advance(&mut self, disk: &Disk) -> bool {
        let Some(Some(limits)) = disk.provisioning.get() else { return false };
        let ranges_max = (limits.descriptors_max as usize).min(DESCRIPTORS_MAX);
        let (mut n, mut room) = (0, u64::from(limits.blocks_max));
        while n < ranges_max && room != 0 && self.next < self.count {
            // A range that has gone bad under our hands is left out.
            let (first, blocks) = blocks_of(&self.range(self.next), disk).unwrap_or((0, 0));
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
        // At most 64 descriptors of 16 bytes.
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
        // SAFETY: forwarded from the caller; the block is `new`'s.
        unsafe { (*irp).MdlAddress = (*trim).saved };
        machine.free_system(trim.cast());
    }
}
