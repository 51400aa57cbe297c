//! The SCSI disk behind every host adapter: command block in, data and sense out.
//!
//! [`ScsiDisk`] is one logical unit over a [`BackingStore`]; [`Target`] is what a host adapter addresses: some
//! disks by their logical unit number, and the answers for numbers where there is none.
//!
//! It is not a model of time or of trouble: a command is finished when [`ScsiDisk::execute`] returns. Latency,
//! queueing and completion order belong to the host adapter and to the schedule; faults come from a backing
//! store that fails. It reads no clock and draws no random number, so the same commands over the same store
//! give the same answers.
//!
//! The invariant: whatever bytes arrive as a command block or a data buffer, `execute` answers as a target
//! would, never panics, and never touches the store outside its length.
//!
//! ```text
//! commands.rs       the one table: operation code, what it needs, its CDB usage map, its handler
//! transfer.rs       the data phase: what the command moves, what the initiator has room for
//! config.rs         what kind of disk: geometry, identity
//! io.rs             reads, writes, SYNCHRONIZE CACHE          verify.rs     VERIFY
//! provisioning.rs   UNMAP, WRITE SAME                         unit.rs       readiness, capacity, REQUEST SENSE
//! inquiry.rs        INQUIRY and its VPD pages                 mode.rs       MODE SENSE
//! supported.rs      REPORT SUPPORTED OPERATION CODES          target.rs     several units, REPORT LUNS
//! ```

mod commands;
mod config;
mod inquiry;
mod io;
mod mode;
mod provisioning;
mod store;
mod supported;
mod target;
mod transfer;
mod unit;
mod verify;

#[cfg(test)]
mod tests;

pub use config::{BlockSize, DiskError, Geometry, Identity, IdentityError};
pub use store::{BackingStore, FileStore, MemoryStore, StoreError};
pub use target::Target;
pub use transfer::{Completion, DataPhase};

use commands::{Command, Gate};
use transfer::Transfer;

use crate::scsi::{AdditionalSense, BlockCdb, Sense, SenseKey};

/// One logical unit: a direct access block device (SBC-4) over a backing store.
///
/// No protection information, no removable medium, thin provisioning with "unmapped reads as zero".
pub struct ScsiDisk {
    store: Box<dyn BackingStore>,
    geometry: Geometry,
    identity: Identity,
    /// Logical blocks; at least one.
    blocks: u64,
    /// START STOP UNIT has not stopped it.
    started: bool,
    /// What happened since the last command, oldest first.
    attentions: Vec<AdditionalSense>,
    /// Attentions are kept at all.
    attentive: bool,
}

/// A range of the backing store that is known to lie inside it, and the block it begins at.
#[derive(Clone, Copy)]
struct Extent {
    lba: u64,
    /// Bytes.
    offset: u64,
    /// Bytes.
    len: u64,
}

impl ScsiDisk {
    /// A disk that has just been powered on, with the unit attention that says so pending.
    ///
    /// Refuses a store that is empty or not a whole number of logical blocks long.
    pub fn new(
        store: Box<dyn BackingStore>,
        geometry: Geometry,
        identity: Identity,
    ) -> Result<Self, DiskError> {
        let (len, block) = (store.len_bytes(), u64::from(geometry.block_size.bytes()));
        if len == 0 {
            return Err(DiskError::Empty);
        }
        if !len.is_multiple_of(block) {
            return Err(DiskError::Ragged { len, block });
        }
        if geometry.physical_exponent > 15 {
            return Err(DiskError::PhysicalExponent(geometry.physical_exponent));
        }
        let attentions = vec![AdditionalSense::POWER_ON_OR_RESET];
        Ok(Self {
            store,
            geometry,
            identity,
            blocks: len / block,
            started: true,
            attentions,
            attentive: true,
        })
    }

    /// The same disk without unit attentions: none pending now, none ever. For uses that do not care to clear one.
    #[must_use]
    pub fn without_unit_attentions(mut self) -> Self {
        self.attentive = false;
        self.attentions.clear();
        self
    }

    /// How many logical blocks there are.
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Block size, physical blocks, write cache.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Vendor, product, revision and serial number.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Queues a unit attention, reported as CHECK CONDITION 06/xx by the next command that is not INQUIRY,
    /// REPORT LUNS or REQUEST SENSE, once.
    ///
    /// A condition already pending is not queued twice. Does nothing after
    /// [`without_unit_attentions`](Self::without_unit_attentions).
    pub fn raise_unit_attention(&mut self, additional: AdditionalSense) {
        if self.attentive && !self.attentions.contains(&additional) {
            self.attentions.push(additional);
        }
    }

    /// Logical unit reset: pending attentions give way to 06/29/03, and a stopped unit is started again.
    ///
    /// What the write cache holds stays: a reset is not a power failure. Commands in flight are the host
    /// adapter's to abort; the disk has none.
    pub fn reset(&mut self) {
        self.started = true;
        self.attentions.clear();
        self.raise_unit_attention(AdditionalSense::BUS_DEVICE_RESET);
    }

    /// Executes one command, from command block to status.
    ///
    /// - `cdb` longer than the command is fine, the rest is ignored (host adapters send fixed-size fields);
    ///   shorter ends in 05/24/00 pointing at the first byte that is missing.
    /// - A bit set that the command's usage map leaves clear (reserved, obsolete or not supported) is 05/24/00.
    /// - An **In** buffer smaller than the command's data receives what fits, as on a bus whose host adapter
    ///   discards the rest; [`Completion::expected`] tells the adapter that there was more (an overrun).
    /// - An **Out** buffer smaller than the command's data is 0b/4b/00, DATA PHASE ERROR, with nothing written:
    ///   a target that waits for data that never comes gives the command up. So is data in the wrong direction.
    /// - Data that the command does not want is left alone.
    /// - When the store fails: 03/11/00 on a read, 03/0c/00 on anything that writes or flushes.
    pub fn execute(&mut self, cdb: &[u8], data: DataPhase<'_>) -> Completion {
        let mut transfer = Transfer::new(data);
        let outcome = self.dispatch(cdb, &mut transfer);
        transfer.finish(outcome)
    }

    fn dispatch(&mut self, cdb: &[u8], transfer: &mut Transfer<'_>) -> Result<(), Sense> {
        let command = Command::find(cdb);
        // An attention goes before everything, even before "no such command" (SAM-6, "Unit attention conditions").
        if !self.attentions.is_empty() && !command.is_ok_and(|command| command.gate == Gate::Always) {
            return Err(Sense::unit_attention(self.attentions.remove(0)));
        }
        let command = command?;
        let cdb = command.checked(cdb)?;
        if command.gate >= Gate::Medium && !self.started {
            return Err(Self::STOPPED);
        }
        if command.gate == Gate::Write && self.store.is_read_only() {
            return Err(Sense::new(SenseKey::DATA_PROTECT, AdditionalSense::WRITE_PROTECTED));
        }
        (command.handler)(self, &cdb, transfer)
    }

    /// What a stopped unit says.
    const STOPPED: Sense = Sense::new(SenseKey::NOT_READY, AdditionalSense::INITIALIZING_COMMAND_REQUIRED);

    /// The blocks a command names, as bytes of the store; 05/21/00 if any of them is past the end.
    ///
    /// The block after the last, with a length of zero, is inside: a transfer of nothing may begin where the
    /// disk ends. SBC-4 leaves that one open; QEMU reads it the same way.
    fn extent(&self, cdb: &impl BlockCdb) -> Result<Extent, Sense> {
        self.extent_of(cdb.lba(), cdb.blocks())
    }

    fn extent_of(&self, lba: u64, blocks: u64) -> Result<Extent, Sense> {
        // `blocks - lba` first: `lba + count` could wrap near 2^64.
        match self.blocks.checked_sub(lba) {
            Some(left) if blocks <= left => {
                let shift = self.geometry.block_size.shift();
                Ok(Extent { lba, offset: lba << shift, len: blocks << shift })
            }
            _ => Err(Sense::new(
                SenseKey::ILLEGAL_REQUEST,
                AdditionalSense::LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE,
            )),
        }
    }
}

/// A store says only that it failed, not where. The block named is the first of the transfer, so that a class
/// driver that believes INFORMATION takes nothing of it as good.
impl Extent {
    fn read_error(&self) -> Sense {
        Sense::new(SenseKey::MEDIUM_ERROR, AdditionalSense::UNRECOVERED_READ_ERROR).at_block(self.lba)
    }

    fn write_error(&self) -> Sense {
        Sense::new(SenseKey::MEDIUM_ERROR, AdditionalSense::WRITE_ERROR).at_block(self.lba)
    }
}

impl std::fmt::Debug for ScsiDisk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScsiDisk")
            .field("identity", &self.identity)
            .field("geometry", &self.geometry)
            .field("blocks", &self.blocks)
            .field("started", &self.started)
            .field("attentions", &self.attentions)
            .finish_non_exhaustive()
    }
}
