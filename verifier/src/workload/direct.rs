//! The same workload applied to a backing store directly, with no driver and no machine between.
//!
//! What a run through a driver must leave on the disk, to compare with.

use super::expected::Expected;
use super::operations::{Operation, Operations, Part, Takes};
use super::options::{Amount, Options};
use storport_sim::disk::BackingStore;

/// Why a workload cannot be applied directly.
#[derive(Debug, thiserror::Error)]
pub enum DirectError {
    /// How far a run gets in a given time is no function of its options.
    #[error("--time cannot be repeated exactly: use --ios")]
    Timed,
    /// The store failed.
    #[error("{0}")]
    Io(#[from] std::io::Error),
}

/// Applies the writes, and for a driver that takes them the trims, of a run with these options on
/// `processors` processors. What is trimmed is zeros afterwards. Returns how many there were.
///
/// # Errors
/// When the amount is a time, or the store fails.
pub fn apply(
    store: &mut dyn BackingStore,
    options: &Options,
    processors: u8,
    takes_trims: bool,
) -> Result<u64, DirectError> {
    if matches!(options.amount, Amount::TimeNs(_)) {
        return Err(DirectError::Timed);
    }
    let unit_bytes = options.block_bytes.min;
    let jobs = options.jobs(processors, store.len_bytes());
    let mut buffer = vec![0; options.block_bytes.max as usize];
    let mut changes = 0;
    for n in 0..jobs {
        let part = Part::of(n, jobs, store.len_bytes() / u64::from(unit_bytes), 1);
        let mut expected = Expected::new(part, unit_bytes, false);
        for operation in Operations::new(options, n, jobs, part, Takes { service: false, trims: takes_trims })
        {
            match operation {
                Operation::Write { at } => {
                    let data = &mut buffer[..at.bytes(unit_bytes) as usize];
                    expected.stamp(at, data);
                    store.write_at(at.offset(unit_bytes), data)?;
                }
                Operation::Trim { at } => {
                    store.zero_at(at.offset(unit_bytes), at.bytes(unit_bytes).into())?;
                }
                Operation::Read { .. } | Operation::Flush | Operation::Service => continue,
            }
            changes += 1;
        }
    }
    store.flush()?;
    Ok(changes)
}
