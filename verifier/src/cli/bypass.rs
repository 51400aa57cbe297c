//! `storsim run --bypass-driver`: the same writes, straight to the image.

use super::ended::{Found, Refusal};
use crate::driver::{Driver, Kind};
use crate::run::{self, Contents, Setup};
use crate::workload;
use std::io::Write as _;
use storport_sim::disk::{BackingStore, FileStore};

pub(super) fn apply(driver: &Driver, setup: &Setup) -> Result<Found, Refusal> {
    let Contents::Image { path, writes } = &setup.contents else {
        return Err(Refusal("--bypass-driver needs --image".into()));
    };
    if !writes {
        return Err(Refusal("--bypass-driver: --rw only reads, so there is nothing to apply".into()));
    }
    // What stands behind a miniport is a SCSI disk, which takes them; a WDM driver's controller does not.
    let takes_trims = !matches!(driver.kind, Kind::Wdm { .. });
    let mut store = FileStore::open(path, false).map_err(|e| Refusal(format!("--image {e}")))?;
    run::check_size(setup, store.len_bytes())?;
    let writes = workload::apply(&mut store, &setup.workload, setup.cpus, takes_trims)?;
    let said =
        format!("applied {writes} writes of a run of {} to {} directly\n", driver.name, path.display());
    std::io::stdout().write_all(said.as_bytes()).map_err(|why| format!("standard output: {why}"))?;
    Ok(Found::Nothing)
}
