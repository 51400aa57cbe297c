//! Every row of the table through the whole stack: a miniport ends reads and writes so, and a client sees
//! what comes of it: its status, its Information, how often it was sent, and how long it waited between.

use super::page::subject;
use super::row::{End, Only, Row, When};
use super::table::{OTHER_SCSI, OTHER_SRB, SCSI, SENSE, SRB, SUCCESS};
use crate::client::{Client, Rig, assert_completed};
use crate::ddi::*;
use crate::miniport::{Configuration, FindError, Srb, SrbStatus, VirtualMiniport, register};
use crate::scsi::{AdditionalSense, Sense, SenseFormat};
use crate::{BUSY_RETRIES_MAX, Medium};
use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Execution, Machine};
use parking_lot::Mutex;
use std::sync::Arc;

const BYTES: u32 = 4096;
/// Bytes that an SRB says were moved where its row is a success.
const MOVED: u32 = 512;
/// A code that no row has.
const UNNAMED: u8 = 0x7E;

/// What the miniport does with the next read or write, and when it got them.
#[derive(Default)]
struct Script {
    row: Option<&'static Row>,
    format: Option<SenseFormat>,
    seen_us: Vec<u64>,
}

impl Script {
    /// How a command ends that reads or writes; `None`: as it does by itself.
    fn told(&mut self, cdb: &[u8], now_us: u64) -> Option<(&'static Row, SenseFormat)> {
        let row = self.row.filter(|_| matches!(cdb[0], 0x28 | 0x2A))?;
        self.seen_us.push(now_us);
        Some((row, self.format.unwrap_or(SenseFormat::Fixed)))
    }
}

type Shared = Mutex<Script>;

/// None while the adapter is started.
fn script() -> Option<Arc<Shared>> {
    Machine::current().and_then(Machine::attached::<Shared>)
}

struct Actor(Arc<Medium>);

impl VirtualMiniport for Actor {
    fn find_adapter(configuration: &mut Configuration<'_>) -> Result<Actor, FindError> {
        configuration.set_maximum_transfer_length(65536).set_addresses(1, 1, 1);
        Machine::current().and_then(Medium::of).map(Actor).ok_or(FindError::NotFound)
    }

    fn start_io(&self, mut srb: Srb) {
        let (lun, cdb) = (srb.lun(), srb.cdb());
        let now_us = kernel_sim::safe::interrupt_time_us();
        let told = script().and_then(|script| script.lock().told(&cdb, now_us));
        if let Some((row, format)) = told {
            return end_as(srb, row, format);
        }
        let done = self.0.execute(lun, &cdb, srb.data().into());
        srb.complete_as(&done);
    }

    fn reset_bus(&self, _: u8) -> bool {
        true
    }
}

fn end_as(mut srb: Srb, row: &Row, format: SenseFormat) {
    match row.when {
        When::Srb(status) => {
            if row.end == End::Success {
                srb.set_transferred(MOVED);
            }
            if row.end == End::OfTheSrb {
                srb.block_mut().__bindgen_anon_1.InternalStatus = STATUS_DEVICE_NOT_READY as u32;
            }
            // One without a name, which the two flags are not part of.
            srb.complete(SrbStatus(if status == 0xFF { 0x3F } else { status }));
        }
        When::Scsi(status) => {
            srb.block_mut().ScsiStatus = status;
            srb.complete(SrbStatus::ERROR);
        }
        When::Sense { key, code, qualifier, only } => {
            let additional =
                AdditionalSense { code: code.unwrap_or(UNNAMED), qualifier: qualifier.unwrap_or(UNNAMED) };
            if row.end == End::Success {
                srb.set_transferred(MOVED);
            }
            srb.set_sense(&Sense::new(key, additional), format);
            if only == Only::IncorrectLength {
                say_incorrect_length(&mut srb, format);
            }
            srb.complete(SrbStatus::ERROR);
        }
    }
}

#[expect(unsafe_code, reason = "writes into the class driver's sense buffer")]
fn say_incorrect_length(srb: &mut Srb, format: SenseFormat) {
    let block = srb.block_mut();
    // SAFETY: the class driver's buffer, of 64 bytes, which is the miniport's until it completes the request.
    let sense = unsafe { std::slice::from_raw_parts_mut(block.SenseInfoBuffer.cast::<u8>(), 32) };
    match format {
        SenseFormat::Fixed => sense[2] |= 0x20,
        SenseFormat::Descriptor => {
            sense[7] = 4;
            sense[8..12].copy_from_slice(&[0x05, 0x02, 0, 0x20]);
            block.SenseInfoBufferLength = 12;
        }
    }
}

#[expect(unsafe_code, reason = "a driver's entry point")]
unsafe extern "C-unwind" fn entry(driver: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
    // SAFETY: the I/O manager passes a live driver object and the path of its registry key.
    unsafe { register::<Actor>(driver, path) }
}

/// What one request came to.
struct Seen {
    status: NTSTATUS,
    information: usize,
    at_us: Vec<u64>,
}

fn send(client: &mut Client, row: &'static Row, format: SenseFormat, writes: bool) -> Seen {
    let shared = script().expect("the walk has begun");
    *shared.lock() = Script { row: Some(row), format: Some(format), seen_us: Vec::new() };
    let (status, information) =
        if writes { client.write(0, BYTES as usize) } else { client.read(0, BYTES as usize) };
    let script = std::mem::take(&mut *shared.lock());
    Seen { status, information, at_us: script.seen_us }
}

fn on_a_machine(body: impl FnOnce(&mut Client) + Send + 'static) {
    let rig = Rig::new(Some(entry), 1, 1 << 20);
    let outcome = rig.run(Config::new(2, Execution::Seeded(1)).unwrap(), |bench| {
        Machine::current().unwrap().attach(Arc::new(Shared::default()));
        body(&mut Client::new(bench.disk(0), BYTES as usize));
    });
    assert_completed(&outcome, "the walk");
}

/// How often the port driver sends what the miniport ends so, for each try of the class driver.
fn tries_of_the_port_driver(row: &Row) -> usize {
    match row.when {
        When::Srb(SRB_STATUS_BUSY) | When::Scsi(SCSISTAT_BUSY | SCSISTAT_QUEUE_FULL) => {
            usize::from(BUSY_RETRIES_MAX) + 1
        }
        _ => 1,
    }
}

fn walk(client: &mut Client, row: &'static Row, format: SenseFormat) {
    let writes = matches!(row.when, When::Sense { only: Only::Writes, .. });
    let seen = send(client, row, format, writes);
    let name = subject(row);
    let (status, after_s) = match row.end {
        End::Success => (STATUS_SUCCESS, 0),
        End::Fail(status) => (status, 0),
        End::Again { status, after_s, .. } => (status, after_s),
        End::OfTheSrb => (STATUS_DEVICE_NOT_READY, 0),
    };
    assert_eq!(seen.status, status, "{name}");
    assert_eq!(seen.information, if status == STATUS_SUCCESS { MOVED as usize } else { 0 }, "{name}");
    let each = tries_of_the_port_driver(row);
    assert_eq!(seen.at_us.len(), row.end.tries() as usize * each, "{name}");
    // The first of each try of the class driver's.
    let at_us: Vec<u64> = seen.at_us.iter().copied().step_by(each).collect();
    let after_us = u64::from(after_s) * 1_000_000;
    for pair in at_us.windows(2) {
        let waited_us = pair[1] - pair[0];
        assert!(waited_us >= after_us, "{name}: again after {waited_us} us");
        assert!(each > 1 || waited_us < after_us + 1_000_000, "{name}: only after {waited_us} us");
    }
}

#[test]
fn every_row_comes_to_what_it_says() {
    on_a_machine(|client| {
        let rows = SRB.iter().chain(SCSI).chain([&SUCCESS, &OTHER_SRB, &OTHER_SCSI]);
        rows.for_each(|row| walk(client, row, SenseFormat::Fixed));
        for row in SENSE {
            walk(client, row, SenseFormat::Fixed);
            walk(client, row, SenseFormat::Descriptor);
        }
    });
}
