//! The same workload applied to a backing store directly, with no driver and no machine between.
//!
//! What a run through a driver must leave on the disk, to compare with.

use super::operations::{Operation, Operations, Part};
use super::options::{Amount, Options};
use super::pattern;
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

/// Applies the writes of a run with these options on `processors` processors.
///
/// # Errors
/// When the amount is a time, or the store fails.
pub fn apply(store: &mut dyn BackingStore, options: &Options, processors: u8) -> Result<u64, DirectError> {
    if matches!(options.amount, Amount::TimeNs(_)) {
        return Err(DirectError::Timed);
    }
    let block_bytes = u64::from(options.block_bytes);
    let blocks = store.len_bytes() / block_bytes;
    let jobs = options.jobs(processors, store.len_bytes());
    let mut buffer = vec![0; options.block_bytes as usize];
    let mut writes = 0;
    for n in 0..jobs {
        let part = Part::of(n, jobs, blocks);
        let mut generations = vec![0u32; usize::try_from(part.blocks).unwrap_or(0)];
        for operation in Operations::new(options, n, jobs, part, false) {
            if let Operation::Write { block } = operation {
                let generation = &mut generations[(block - part.first) as usize];
                *generation += 1;
                pattern::stamp(&mut buffer, block * block_bytes, *generation);
                store.write_at(block * block_bytes, &buffer)?;
                writes += 1;
            }
        }
    }
    store.flush()?;
    Ok(writes)
}
