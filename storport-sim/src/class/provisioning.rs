//! Whether a unit takes UNMAP, and within which limits: read from its VPD pages.
//!
//! A unit takes UNMAP if its Logical Block Provisioning page (B2h) says so and its Block Limits page (B0h)
//! allows a number of blocks.

use super::question::ask;
use crate::ddi::DEVICE_LB_PROVISIONING_DESCRIPTOR;
use crate::scsi::{BlockLimits, Inquiry, LogicalBlockProvisioning, VpdHeader, VpdPage};
use kernel_sim::ddi::PDEVICE_OBJECT;
use kernel_sim::machine::Machine;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Bytes asked of a page.
const PAGE_BYTES: u16 = 64;

/// The limits of one UNMAP, and whether unmapped blocks read as zeros.
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
    /// Asks the unit `lower`. `Some(None)`: it takes no UNMAP; `None`: it does not say now. PASSIVE_LEVEL.
    pub(super) fn ask(
        machine: &Machine,
        lower: PDEVICE_OBJECT,
        is_extended: bool,
    ) -> Option<Option<Provisioning>> {
        let b2: LogicalBlockProvisioning =
            page(machine, lower, is_extended, VpdPage::LOGICAL_BLOCK_PROVISIONING)?;
        let b0: BlockLimits = page(machine, lower, is_extended, VpdPage::BLOCK_LIMITS)?;
        let (blocks, descriptors) = (b0.unmap_blocks_max.get(), b0.unmap_descriptors_max.get());
        let takes_unmap = b2.flags & LogicalBlockProvisioning::LBPU != 0 && blocks != 0 && descriptors != 0;
        let alignment = b0.unmap_alignment.get();
        Some(takes_unmap.then_some(Provisioning {
            blocks_max: blocks,
            descriptors_max: descriptors,
            reads_zeros: b2.flags & LogicalBlockProvisioning::LBPRZ != 0,
            granularity: b0.unmap_granularity.get(),
            alignment: (alignment >> 31 != 0).then_some(alignment & 0x7fff_ffff),
        }))
    }

    /// The descriptor that a property query returns.
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

/// One page of vital product data, without its header.
fn page<T: FromBytes + KnownLayout + Immutable>(
    machine: &Machine,
    lower: PDEVICE_OBJECT,
    is_extended: bool,
    page: VpdPage,
) -> Option<T> {
    let cdb = Inquiry::vpd(page, PAGE_BYTES);
    let answer = ask(machine, lower, is_extended, cdb.as_bytes(), PAGE_BYTES.into())?;
    let (header, body) = VpdHeader::read_from_prefix(&answer).ok()?;
    (header.page == page).then(|| T::read_from_prefix(body).ok()).flatten().map(|(page, _)| page)
}
