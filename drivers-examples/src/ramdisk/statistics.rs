//! Counters of the ramdisk, and the service request that reports them.

use kernel_sim::safe::{SpinGuard, SpinLock};
use storport_sim::disk::Completion;
use storport_sim::scsi::{Opcode, ScsiStatus};

/// Logical units that are counted apart.
pub const UNITS_MAX: usize = 64;

/// The counts of one unit, in cache lines of their own: processors that work on different units do not meet.
#[repr(align(64))]
struct Unit(SpinLock<Counts>);

/// The counts of every unit.
pub struct Statistics([Unit; UNITS_MAX]);

impl Statistics {
    /// Nothing done yet.
    pub const fn new() -> Statistics {
        Statistics([const { Unit(SpinLock::new(Counts::NOTHING)) }; UNITS_MAX])
    }

    /// The counts of one unit, locked; the highest-numbered unit counts for those beyond.
    #[track_caller]
    pub fn of(&self, unit: usize) -> SpinGuard<'_, Counts> {
        self.0[unit.min(UNITS_MAX - 1)].0.lock()
    }
}

/// The counters of one unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counts {
    /// Commands that read blocks.
    pub reads: u64,
    /// Commands that wrote blocks.
    pub writes: u64,
    /// All other commands.
    pub others: u64,
    /// Commands that ended in an error.
    pub errors: u64,
}

impl Counts {
    /// Nothing done yet.
    pub const NOTHING: Counts = Counts { reads: 0, writes: 0, others: 0, errors: 0 };
    /// Bytes of one unit in a report.
    pub const BYTES: usize = 32;

    /// Counts a command and its end.
    pub fn count(&mut self, cdb: &[u8], answer: &Completion) {
        match cdb.first().copied().map(Opcode) {
            Some(Opcode::READ_6 | Opcode::READ_10 | Opcode::READ_12 | Opcode::READ_16) => self.reads += 1,
            Some(Opcode::WRITE_6 | Opcode::WRITE_10 | Opcode::WRITE_12 | Opcode::WRITE_16) => {
                self.writes += 1
            }
            _ => self.others += 1,
        }
        self.errors += u64::from(answer.status != ScsiStatus::GOOD);
    }

    /// The counts as a report has them: four little-endian numbers.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Counts::BYTES] {
        let mut bytes = [0; Counts::BYTES];
        let numbers = [self.reads, self.writes, self.others, self.errors];
        for (place, number) in bytes.chunks_exact_mut(8).zip(numbers) {
            place.copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    /// The counts of a report's unit.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Counts::BYTES]) -> Counts {
        let number = |at: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&bytes[at * 8..at * 8 + 8]);
            u64::from_le_bytes(number)
        };
        Counts { reads: number(0), writes: number(1), others: number(2), errors: number(3) }
    }
}
