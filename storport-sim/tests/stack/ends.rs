//! What a client is told of a request, by how the miniport ended it: some rows of CLASS-STATUS.md that
//! drivers' error paths lean on, with numbers written out, and how different ends of one request come
//! together. Every row is walked by a test beside the table.

use crate::rig::{DISK_BYTES, assert_completed};
use kernel_sim::ddi::*;
use kernel_sim::machine::{Config, Execution, Machine};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use storport_sim::Medium;
use storport_sim::client::{Client, Rig};
use storport_sim::miniport::{Configuration, FindError, Srb, SrbStatus, VirtualMiniport, register};
use storport_sim::scsi::{AdditionalSense, Sense, SenseFormat, SenseKey};

const BYTES: usize = 4096;

/// How one read or write ends at the miniport.
#[derive(Clone, Copy)]
enum End {
    Status(u8),
    Sense(u8, u8, u8),
    /// So many bytes moved, and an SRB status.
    Moved(u32, u8),
    /// As the disk has it.
    Itself,
}

/// The ends of the next reads and writes, the last for all that follow; and how many there were.
#[derive(Default)]
struct Plan {
    ends: VecDeque<End>,
    tries: u32,
}

impl Plan {
    fn next(&mut self) -> Option<End> {
        let end = if self.ends.len() > 1 { self.ends.pop_front() } else { self.ends.front().copied() };
        self.tries += u32::from(end.is_some());
        end
    }
}

type Shared = Mutex<Plan>;

struct Obedient(Arc<Medium>, Arc<Shared>);

impl VirtualMiniport for Obedient {
    fn find_adapter(configuration: &mut Configuration<'_>) -> Result<Obedient, FindError> {
        configuration.set_maximum_transfer_length(BYTES as u32).set_addresses(1, 1, 1);
        let machine = Machine::current().ok_or(FindError::NotFound)?;
        let plan = Arc::new(Shared::default());
        machine.attach(Arc::clone(&plan));
        Medium::of(machine).map(|medium| Obedient(medium, plan)).ok_or(FindError::NotFound)
    }

    fn start_io(&self, mut srb: Srb) {
        let (lun, cdb) = (srb.lun(), srb.cdb());
        let planned = if matches!(cdb[0], 0x28 | 0x2A) { self.1.lock().next() } else { None };
        match planned.unwrap_or(End::Itself) {
            End::Status(status) => srb.complete(SrbStatus(status)),
            End::Sense(key, code, qualifier) => {
                srb.set_sense(
                    &Sense::new(SenseKey(key), AdditionalSense { code, qualifier }),
                    SenseFormat::Fixed,
                );
                srb.complete(SrbStatus::ERROR);
            }
            End::Moved(bytes, status) => {
                srb.set_transferred(bytes);
                srb.complete(SrbStatus(status));
            }
            End::Itself => {
                let done = self.0.execute(lun, &cdb, srb.data().into());
                srb.complete_as(&done);
            }
        }
    }

    fn reset_bus(&self, _: u8) -> bool {
        true
    }
}

unsafe extern "C-unwind" fn entry(driver: PDRIVER_OBJECT, path: PUNICODE_STRING) -> NTSTATUS {
    // SAFETY: the I/O manager passes a live driver object and the path of its registry key.
    unsafe { register::<Obedient>(driver, path) }
}

/// A plan by name, and what comes of it: status as a number, Information, tries.
type Case = (&'static str, &'static [End], (u32, usize, u32));

/// Reads `bytes` once for each plan.
fn outcomes(bytes: usize, plans: &'static [Case]) {
    let rig = Rig::new(Some(entry), 1, DISK_BYTES);
    let outcome = rig.run(Config::new(2, Execution::Seeded(1)).unwrap(), move |bench| {
        let plan = Machine::current().unwrap().attached::<Shared>().unwrap();
        let mut client = Client::new(bench.disk(0), bytes);
        for (name, ends, wanted) in plans {
            *plan.lock() = Plan { ends: ends.iter().copied().collect(), tries: 0 };
            let (status, information) = client.read(0, bytes);
            let tries = std::mem::take(&mut *plan.lock()).tries;
            assert_eq!((status as u32, information, tries), *wanted, "{name}");
        }
    });
    assert_completed(&outcome, "the plans");
}

#[test]
fn an_end_that_stays_the_same_has_the_status_that_windows_makes_of_it() {
    outcomes(
        BYTES,
        &[
            ("aborted", &[End::Status(0x02)], (0xC000_00B5, 0, 5)),
            ("bus reset", &[End::Status(0x0E)], (0xC000_0185, 0, 5)),
            ("no device", &[End::Status(0x08)], (0xC000_000E, 0, 1)),
            ("invalid LUN", &[End::Status(0x20)], (0xC000_000E, 0, 1)),
            ("selection time-out", &[End::Status(0x0A)], (0xC000_009D, 0, 1)),
            ("internal target failure", &[End::Sense(4, 0x44, 0)], (0xC000_0483, 0, 1)),
            ("block out of range", &[End::Sense(5, 0x21, 0)], (0xC000_0015, 0, 1)),
            ("no such unit", &[End::Sense(5, 0x25, 0)], (0xC000_000E, 0, 1)),
            ("access denied", &[End::Sense(7, 0x20, 2)], (0xC000_0022, 0, 1)),
        ],
    );
}

#[test]
fn a_success_with_fewer_bytes_is_a_success_with_so_much_information() {
    outcomes(
        BYTES,
        &[
            ("success of 512", &[End::Moved(512, 0x01)], (0, 512, 1)),
            ("overrun of 512", &[End::Moved(512, 0x12)], (0xC000_003C, 0, 1)),
            ("a recovered error", &[End::Sense(1, 0x18, 0)], (0, BYTES, 1)),
        ],
    );
}

#[test]
fn information_is_the_sum_over_the_pieces_that_succeeded() {
    // Two pieces: the adapter moves 4 KiB at a time.
    outcomes(
        2 * BYTES,
        &[
            ("both", &[End::Itself], (0, 2 * BYTES, 2)),
            ("the first is short", &[End::Moved(512, 0x01), End::Itself], (0, 512 + BYTES, 2)),
            ("the second fails", &[End::Itself, End::Status(0x08)], (0xC000_000E, BYTES, 2)),
        ],
    );
}

#[test]
fn different_ends_share_the_tries_of_a_request_and_the_last_one_names_it() {
    const AGAIN: End = End::Sense(6, 0x29, 0);
    outcomes(
        BYTES,
        &[
            ("passes at last", &[AGAIN, AGAIN, End::Status(0x0E), AGAIN, End::Itself], (0, BYTES, 5)),
            (
                "does not",
                &[AGAIN, AGAIN, End::Status(0x0E), AGAIN, End::Status(0x02), End::Itself],
                (0xC000_00B5, 0, 5),
            ),
            ("an error that is final ends it", &[AGAIN, End::Sense(3, 0x11, 0)], (0xC000_009C, 0, 2)),
        ],
    );
}
