//! The SCSI disk behind every host adapter: command block in, data and sense out.
//!
//! [`ScsiDisk`] is one logical unit over a [`BackingStore`]; [`Target`] is what a host adapter addresses:
//! some disks by their logical unit number, and the answers for numbers where there is none.
//!
//! It is not a model of time: a command is finished when [`ScsiDisk::execute`] returns. Latency, queueing and
//! completion order belong to the host adapter and to the schedule. Errors come from a backing store that
//! fails, or from a [`FaultPlan`](fault::FaultPlan) given to the target. It reads no clock, and its only
//! random numbers are the plan's, from a seed, so the same commands over the same store give the same
//! answers.
//!
//! The invariant: whatever bytes arrive as a command block or a data buffer, `execute` answers as a target
//! would, never panics, and never touches the store outside its length.
//!
//! ```text
//! commands/         the one table: operation code, what it needs, its CDB usage map, its handler
//! transfer.rs       the data phase: what the command moves, what the initiator has room for
//! config.rs         what kind of disk: geometry, identity     attention.rs  initiators, unit attentions
//! io.rs             reads, writes, SYNCHRONIZE CACHE          cache.rs      what losing power loses
//! verify.rs         VERIFY, WRITE AND VERIFY                  provisioning.rs  UNMAP, WRITE SAME, LBA status
//! unit.rs           readiness, capacity, REQUEST SENSE        defect.rs     READ DEFECT DATA
//! inquiry.rs        INQUIRY and its VPD pages                 log.rs        LOG SENSE
//! mode/             MODE SENSE, MODE SELECT                   reservation/  RESERVE, PERSISTENT RESERVE
//! supported.rs      what is supported                         target.rs     several units, REPORT LUNS
//! format.rs         FORMAT UNIT
//! fault/            faults by plan                            store/        memory and files
//! ```
//!
//! SCSI-CONFORMANCE.md, beside this crate's manifest, lists every command with what it answers; it is written
//! by the tests that ask.

mod attention;
mod cache;
mod commands;
mod config;
mod defect;
pub mod fault;
mod format;
mod inquiry;
mod io;
mod log;
mod mode;
mod provisioning;
mod reservation;
mod store;
mod supported;
mod target;
mod transfer;
mod unit;
mod verify;

#[cfg(test)]
mod tests;

pub use attention::Nexus;
pub use config::{BlockSize, DiskError, Geometry, Identity, IdentityError};
pub use store::{BackingStore, FileStore, MemoryStore, StoreError};
pub use target::Target;
pub use transfer::{Completion, DataPhase};

use attention::Attentions;
use cache::VolatileCache;
use commands::{Command, Gate};
use mode::ModeParameters;
use reservation::Reservations;
use transfer::Transfer;

use crate::scsi::{AdditionalSense, BlockCdb, ScsiStatus, Sense, SenseKey};

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
    /// The medium is write-protected, whatever the store allows.
    is_write_protected: bool,
    /// Unit attentions that are pending, for each initiator.
    attentions: Attentions,
    mode: ModeParameters,
    reservations: Reservations,
    /// Blocks that a power failure would lose; `None` unless a volatile cache was asked for.
    cache: Option<VolatileCache>,
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
        Ok(Self {
            store,
            geometry,
            identity,
            blocks: len / block,
            started: true,
            is_write_protected: false,
            attentions: Attentions::after_power_on(),
            mode: ModeParameters::new(geometry.write_cache),
            reservations: Reservations::default(),
            cache: None,
        })
    }

    /// The same disk without unit attentions: none pending now, none ever. For uses that do not care to clear
    /// one.
    #[must_use]
    pub fn without_unit_attentions(mut self) -> Self {
        self.attentions.never();
        self
    }

    /// The same disk with a medium that cannot be written: MODE SENSE says so (WP), and what writes ends in
    /// 07/27/00, WRITE PROTECTED. Over a store that is read-only a disk is like that by itself.
    #[must_use]
    pub fn write_protected(mut self) -> Self {
        self.is_write_protected = true;
        self
    }

    /// The same disk with a volatile write cache of `blocks` logical blocks (at least one), so that
    /// [`power_loss`](Self::power_loss) has something to lose.
    ///
    /// Without it a write is on the medium at once, which a disk with a write cache is free to do; so is most
    /// of what a full cache was given, because the oldest blocks move on. What one command writes beyond the
    /// cache's size bypasses it.
    #[must_use]
    pub fn with_volatile_cache(mut self, blocks: u64) -> Self {
        self.cache = Some(VolatileCache::new(blocks, self.geometry.block_size.shift()));
        self
    }

    /// How many logical blocks there are.
    pub fn blocks(&self) -> u64 {
        self.blocks
    }

    /// Block size, physical blocks, write cache, as the disk was built.
    pub fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// Vendor, product, revision and serial number.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Queues a unit attention for every initiator that is known, reported as CHECK CONDITION 06/xx by its
    /// next command that is not INQUIRY, REPORT LUNS or REQUEST SENSE, once.
    ///
    /// A condition already pending is not queued twice. Does nothing after
    /// [`without_unit_attentions`](Self::without_unit_attentions).
    pub fn raise_unit_attention(&mut self, additional: AdditionalSense) {
        self.attentions.raise_for_others(None, additional);
    }

    /// Logical unit reset: pending attentions give way to 06/29/03, a stopped unit is started again, mode
    /// parameters are the saved ones, a RESERVE is over. Persistent reservations stay.
    ///
    /// What the write cache holds stays: a reset is not a power failure. Commands in flight are the host
    /// adapter's to abort; the disk has none.
    pub fn reset(&mut self) {
        self.started = true;
        self.mode.restore();
        self.reservations.reset();
        self.attentions.start_over(AdditionalSense::BUS_DEVICE_RESET);
    }

    /// The power fails and returns: blocks that were only in the write cache read again as they did before,
    /// unless `survives` says of their address that they made it. Returns how many were lost.
    ///
    /// Each block is either lost or not, none is torn. Addresses are asked about in ascending order, so a
    /// seed or a schedule can decide. Needs [`with_volatile_cache`](Self::with_volatile_cache); without it
    /// nothing is ever lost. Everything else is as after [`reset`](Self::reset), with 06/29/01 to say, and
    /// persistent reservations end, too, unless they were registered with APTPL. An error is the store's,
    /// about putting the old contents back.
    pub fn power_loss(&mut self, survives: impl FnMut(u64) -> bool) -> std::io::Result<u64> {
        self.reset();
        self.reservations.power_loss();
        self.attentions.start_over(AdditionalSense::POWER_ON);
        self.cache.as_mut().map_or(Ok(0), |cache| cache.lose(&mut *self.store, survives))
    }

    /// Logical blocks that [`power_loss`](Self::power_loss) could lose now.
    pub fn unflushed_blocks(&self) -> u64 {
        self.cache.as_ref().map_or(0, VolatileCache::blocks)
    }

    /// The write cache is enabled: WCE of the caching mode page, as it is now.
    pub fn write_cache_enabled(&self) -> bool {
        self.mode.current.write_cache
    }

    /// Executes one command, from command block to status.
    ///
    /// - `cdb` longer than the command is fine, the rest is ignored (host adapters send fixed-size fields);
    ///   shorter ends in 05/24/00 pointing at the first byte that is missing.
    /// - A bit set that the command's usage map leaves clear (reserved, obsolete or not supported) is
    ///   05/24/00.
    /// - An **In** buffer smaller than the command's data receives what fits, as on a bus whose host adapter
    ///   discards the rest; [`Completion::expected`] tells the adapter that there was more (an overrun).
    /// - An **Out** buffer smaller than the command's data is 0b/4b/00, DATA PHASE ERROR, with nothing
    ///   written: a target that waits for data that never comes gives the command up. So is data in the wrong
    ///   direction.
    /// - Data that the command does not want is left alone.
    /// - When the store fails: 03/11/00 on a read, 03/0c/00 on anything that writes or flushes.
    /// - Another initiator's reservation in the way is RESERVATION CONFLICT, without sense.
    pub fn execute(&mut self, cdb: &[u8], data: DataPhase<'_>) -> Completion {
        self.execute_from(Nexus::DEFAULT, cdb, data)
    }

    /// As [`execute`](Self::execute), for a command of this initiator.
    pub fn execute_from(&mut self, nexus: Nexus, cdb: &[u8], data: DataPhase<'_>) -> Completion {
        self.conclude(cdb, Transfer::new(nexus, data))
    }

    /// As [`execute_from`](Self::execute_from), where that changes nothing about the unit, so that several
    /// processors may be at it at once: a READ that succeeds, from a store that can be shared. `None`
    /// otherwise, and then nothing is done yet; `buffer` may hold anything.
    pub fn execute_shared(&self, nexus: Nexus, cdb: &[u8], buffer: &mut [u8]) -> Option<Completion> {
        let command = Command::find(cdb).ok()?;
        let handler = command.shared?;
        let cdb = command.checked(cdb).ok()?;
        if !self.attentions.quiet(nexus)
            || self.reservations.stop(nexus, command.access(&cdb))
            || !self.started
        {
            return None;
        }
        let mut transfer = Transfer::new(nexus, DataPhase::In(buffer));
        handler(self, &cdb, &mut transfer)?;
        Some(transfer.finish(Ok(()), self.mode.current.sense_format()))
    }

    /// Executes a command whose data phase is prepared.
    fn conclude(&mut self, cdb: &[u8], mut transfer: Transfer<'_>) -> Completion {
        let outcome = self.dispatch(cdb, &mut transfer);
        transfer.finish(outcome, self.mode.current.sense_format())
    }

    fn dispatch(&mut self, cdb: &[u8], transfer: &mut Transfer<'_>) -> Result<(), Sense> {
        let command = Command::find(cdb);
        let nexus = transfer.nexus();
        // An attention goes before everything, even before "no such command" (SAM-6, "Unit attention
        // conditions"). Whether it goes before RESERVATION CONFLICT is left to the device; here it does.
        if !self.attentions.quiet(nexus)
            && !command.is_ok_and(|command| command.gate == Gate::Always)
            && let Some(pending) = self.attentions.take(nexus)
        {
            return Err(Sense::unit_attention(pending));
        }
        let command = command?;
        let cdb = command.checked(cdb)?;
        if self.reservations.stop(nexus, command.access(&cdb)) {
            return transfer.end_with(ScsiStatus::RESERVATION_CONFLICT);
        }
        if command.gate >= Gate::Medium && !self.started {
            return Err(Self::STOPPED);
        }
        if command.gate == Gate::Write {
            self.check_writable()?;
        }
        (command.handler)(self, &cdb, transfer)
    }

    /// Whether the medium cannot be written.
    pub fn is_read_only(&self) -> bool {
        self.is_write_protected || self.store.is_read_only()
    }

    fn check_writable(&self) -> Result<(), Sense> {
        let additional = if self.is_read_only() {
            AdditionalSense::WRITE_PROTECTED
        } else if self.mode.current.write_protect {
            AdditionalSense::SOFTWARE_WRITE_PROTECTED
        } else {
            return Ok(());
        };
        Err(Sense::new(SenseKey::DATA_PROTECT, additional))
    }

    /// The sense of a unit that is stopped.
    const STOPPED: Sense = Sense::new(SenseKey::NOT_READY, AdditionalSense::INITIALIZING_COMMAND_REQUIRED);

    /// The blocks a command names, as bytes of the store; 05/21/00 if any of them is past the end.
    ///
    /// The block after the last, with a length of zero, is inside: a transfer of nothing may begin where the
    /// disk ends. SBC-4 leaves that one open; QEMU reads it the same way.
    fn extent(&self, cdb: &impl BlockCdb) -> Result<Extent, Sense> {
        self.extent_of(cdb.lba(), cdb.blocks())
    }

    /// As [`extent`](Self::extent), where a length of zero means "to the end".
    fn extent_or_rest(&self, cdb: &impl BlockCdb) -> Result<Extent, Sense> {
        let extent = self.extent(cdb)?;
        match cdb.blocks() {
            0 => self.extent_of(extent.lba, self.blocks - extent.lba),
            _ => Ok(extent),
        }
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
    /// The first `len` bytes of it.
    fn cut(self, len: usize) -> Self {
        Self { len: self.len.min(len as u64), ..self }
    }

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
            .field("mode", &self.mode)
            .field("reservations", &self.reservations)
            .field("unflushed_blocks", &self.unflushed_blocks())
            .finish_non_exhaustive()
    }
}
