//! What a miniport writes to the system's log: kept with the adapter, for a test rig to read.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter;
use super::dma::text;
use crate::ddi::{PCHAR, PSCSI_REQUEST_BLOCK, STOR_STATUS_SUCCESS};
use kernel_sim::ddi::{Call, PULONG, PVOID, UCHAR, ULONG};
use parking_lot::Mutex;

/// Entries kept of one adapter; later ones are lost.
const ENTRIES_MAX: usize = 256;

/// One entry of `StorPortLogError`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LogEntry {
    /// Bus, target and unit.
    pub address: (u8, u8, u8),
    /// An `SP_*` error code.
    pub error: u32,
    /// The miniport's own number for the place.
    pub unique_id: u32,
    /// Machine time, in nanoseconds.
    pub time_ns: u64,
}

/// The entries of one adapter.
#[derive(Default)]
pub(super) struct Log(Mutex<Vec<LogEntry>>);

impl Log {
    pub(super) fn entries(&self) -> Vec<LogEntry> {
        self.0.lock().clone()
    }
}

#[expect(clippy::too_many_arguments, reason = "the documented signature")]
pub(crate) unsafe fn error(
    call: &Call,
    extension: PVOID,
    _srb: PSCSI_REQUEST_BLOCK,
    path: UCHAR,
    target: UCHAR,
    lun: UCHAR,
    error: ULONG,
    unique_id: ULONG,
) {
    let mut entries = adapter(call, extension).log.0.lock();
    if entries.len() < ENTRIES_MAX {
        let time_ns = call.machine().time_ns();
        entries.push(LogEntry { address: (path, target, lun), error, unique_id, time_ns });
    }
}

pub(crate) unsafe fn system_event(call: &Call, extension: PVOID, _details: PVOID, _bytes: PULONG) -> ULONG {
    adapter(call, extension);
    STOR_STATUS_SUCCESS
}

/// The message is read, as a debugger would, so that one without an end is found.
pub(crate) unsafe fn debug_print(call: &Call, _level: ULONG, message: PCHAR) {
    // A driver in Rust may have made it on the host's heap, which is no memory of the machine.
    if call.is_readable(message as usize, 1) {
        text(call, message);
    }
}
