//! A virtual miniport that does everything right: a disk with a partner behind it.
//!
//! Requests that move data at hand (reads, writes, small questions) are executed and completed inside
//! `start_io`. What may take its time (a flush, an unmap, anything but those) goes to worker threads; what
//! the partner does not answer at once stays on a list until the answer comes, and both kinds are ended by
//! aborts and resets. What was done is counted per logical unit under a spin lock, and a service request asks
//! for the counts. Locks are held to count and to keep the lists: no call into Storport is made under one.
//!
//! The recovery of late requests is Storport's (abort, reset of the unit, HwStorResetBus); a reset ends what
//! is outstanding with SRB_STATUS_BUS_RESET, as the page of HwStorResetBus wants it. A partner that is gone
//! is told to Storport as a change of the bus, whose scan then finds no unit: what virtual miniports do whose
//! backend dies. Removal is Storport's order: nothing outstanding, service requests completed, threads ended,
//! resources freed.
//!
//! ```text
//! mod.rs        the adapter: callbacks, what goes where     partner.rs     who has the data
//! workers.rs    the threads' bell                           outstanding.rs requests by tag
//! service.rs    service requests                            statistics.rs  counts
//! ```
//!
//! `ramdisk_service_irp_under_lock` is this driver with one mistake.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

mod outstanding;
mod partner;
mod service;
mod statistics;
mod workers;

pub use service::Request;
pub use statistics::{Counts, UNITS_MAX};

use kernel_sim::ddi::{
    NTSTATUS, PDRIVER_OBJECT, PUNICODE_STRING, STATUS_BUFFER_TOO_SMALL, STATUS_INVALID_PARAMETER,
    STATUS_SUCCESS,
};
use kernel_sim::machine::Machine;
use kernel_sim::safe::{Rundown, SpinGuard, SpinLock};
use outstanding::{Job, Outstanding, Place, Scope, Tag};
use partner::{Partner, Promise, Reply};
use service::Waiting;
use statistics::Statistics;
use storport_sim::Medium;
use storport_sim::ddi::{
    SRB_FUNCTION_ABORT_COMMAND, SRB_FUNCTION_EXECUTE_SCSI, SRB_FUNCTION_FLUSH, SRB_FUNCTION_RESET_BUS,
    SRB_FUNCTION_RESET_DEVICE, SRB_FUNCTION_RESET_LOGICAL_UNIT, SRB_FUNCTION_SHUTDOWN,
};
use storport_sim::disk::Completion;
use storport_sim::miniport::{
    AdapterControl, Cdb, Configuration, FindError, ServiceIrp, Srb, SrbStatus, Storport, VirtualMiniport,
    register,
};
use storport_sim::scsi::Opcode;
use workers::Workers;

/// Bytes one request may move.
const TRANSFER_MAX: u32 = 256 << 10;
/// Worker threads, if the registry's `Workers` says nothing, and how many it may say.
const WORKERS: u32 = 2;
const WORKERS_MAX: u32 = 16;
/// The command that a flush or a shutdown becomes: SYNCHRONIZE CACHE(10) of all blocks.
const WRITE_BACK: Cdb =
    Cdb::new([Opcode::SYNCHRONIZE_CACHE_10.0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 10);
/// The only bus.
const PATH: u8 = 0;

/// The adapter.
pub struct Ramdisk {
    storport: Storport,
    partner: Partner,
    outstanding: Outstanding,
    workers: Workers,
    waiting: Waiting,
    statistics: Statistics,
    /// Whether the loss of the partner has been noticed.
    is_lost: SpinLock<bool>,
    /// Held where the adapter is used outside of a callback of Storport's, and to leave a request to such a
    /// use.
    rundown: Rundown,
}

/// The driver's entry point.
///
/// # Safety
/// Called by the I/O manager with its own arguments.
pub unsafe extern "C-unwind" fn driver_entry(
    driver: PDRIVER_OBJECT,
    registry_path: PUNICODE_STRING,
) -> NTSTATUS {
    // SAFETY: the I/O manager passes a live driver object and the path of its registry key.
    unsafe { register::<Ramdisk>(driver, registry_path) }
}

/// Whether a command is answered from what is at hand: it moves data or asks a small question.
fn is_at_hand(cdb: &[u8]) -> bool {
    let Some(opcode) = cdb.first().copied().map(Opcode) else { return false };
    matches!(
        opcode,
        Opcode::READ_6
            | Opcode::READ_10
            | Opcode::READ_12
            | Opcode::READ_16
            | Opcode::WRITE_6
            | Opcode::WRITE_10
            | Opcode::WRITE_12
            | Opcode::WRITE_16
            | Opcode::TEST_UNIT_READY
            | Opcode::REQUEST_SENSE
            | Opcode::INQUIRY
            | Opcode::REPORT_LUNS
            | Opcode::READ_CAPACITY_10
            | Opcode::SERVICE_ACTION_IN_16
            | Opcode::MODE_SENSE_6
            | Opcode::MODE_SENSE_10
    )
}

impl Ramdisk {
    /// The counts of one unit, locked; the highest-numbered unit counts for those beyond.
    #[track_caller]
    pub(crate) fn counts(&self, unit: usize) -> SpinGuard<'_, Counts> {
        self.statistics.of(unit)
    }

    fn complete(&self, srb: Srb, cdb: &Cdb, answer: &Completion) {
        // A partner that says it moved more than there was room for is not believed in anything else either.
        if answer.transferred > srb.transfer_length() as usize {
            return srb.complete(SrbStatus::ERROR);
        }
        self.counts(usize::from(srb.lun().number())).count(cdb, answer);
        srb.complete_as(answer);
    }

    /// Executes a command whose data is at hand.
    fn execute(&self, mut srb: Srb) {
        let (lun, cdb) = (srb.lun(), srb.cdb());
        match self.partner.ask(lun, &cdb, srb.data().into()) {
            Reply::Now(answer) => self.complete(srb, &cdb, &answer),
            Reply::Later(promise) => self.wait_for_partner(srb, promise),
            Reply::NoMemory => srb.complete(SrbStatus::BUSY),
            Reply::Gone => self.refuse(srb),
        }
    }

    /// Keeps a request until the partner answers. Where there is no memory for that, the partner has done it
    /// and does it once more when Storport sends the request again; that changes nothing for these commands.
    #[cold]
    fn wait_for_partner(&self, srb: Srb, promise: Promise) {
        let Some(_using) = self.rundown.acquire() else { return srb.complete(SrbStatus::NO_DEVICE) };
        match self.outstanding.add(self.storport, srb, Place::Partner) {
            Ok(tag) => self.partner.answer_under(tag, promise),
            Err(srb) => srb.complete(SrbStatus::BUSY),
        }
    }

    /// There is no partner any more.
    #[cold]
    fn refuse(&self, srb: Srb) {
        // No partner is left to answer what is outstanding.
        self.outstanding.end(Scope::All, SrbStatus::NO_DEVICE);
        let was_known = std::mem::replace(&mut *self.is_lost.lock(), true);
        if !was_known {
            self.tell_of_changes();
        }
        srb.complete(SrbStatus::NO_DEVICE);
    }

    /// Leaves a request to the workers.
    fn entrust(&self, srb: Srb) {
        let Some(_using) = self.rundown.acquire() else { return srb.complete(SrbStatus::NO_DEVICE) };
        match self.outstanding.add(self.storport, srb, Place::Queue) {
            Ok(_tag) => self.workers.ring(),
            Err(srb) => srb.complete(SrbStatus::BUSY),
        }
    }

    /// What a worker does about one request; `false` if there is none.
    fn work_on_one(&self) -> bool {
        // In this order: a request that was taken has to be completed.
        let Some(_using) = self.rundown.acquire() else { return false };
        let Some(Job { tag, mut srb }) = self.outstanding.take_job() else { return false };
        let cdb = if srb.is_scsi() { srb.cdb() } else { WRITE_BACK };
        match self.partner.ask(srb.lun(), &cdb, srb.data().into()) {
            Reply::Later(promise) => match self.outstanding.sent(Job { tag, srb }) {
                Ok(()) => self.partner.answer_under(tag, promise),
                Err((srb, status)) => srb.complete(status),
            },
            Reply::Now(answer) => self.finish(tag, srb, |srb| self.complete(srb, &cdb, &answer)),
            Reply::NoMemory => self.finish(tag, srb, |srb| srb.complete(SrbStatus::BUSY)),
            Reply::Gone => self.finish(tag, srb, |srb| self.refuse(srb)),
        }
        true
    }

    /// A worker is done with a request, which ends this way unless it was ended meanwhile.
    fn finish(&self, tag: Tag, srb: Srb, end: impl FnOnce(Srb)) {
        match self.outstanding.finish(tag) {
            Some(status) => srb.complete(status),
            None => end(srb),
        }
    }

    /// The partner has answered under a tag.
    fn answered(&self, tag: Tag, answer: &Completion) {
        let Some(_using) = self.rundown.acquire() else { return };
        if let Some(srb) = self.outstanding.answered(tag) {
            let cdb = srb.cdb();
            self.complete(srb, &cdb, answer);
        }
    }

    /// Gives one request up, unless the partner does not react: then a reset has to follow.
    fn abort(&self, srb: Srb) {
        let aborted = srb.victim().is_some_and(|victim| {
            self.partner.abort() && self.outstanding.end(Scope::One(victim), SrbStatus::ABORTED)
        });
        srb.complete(if aborted { SrbStatus::SUCCESS } else { SrbStatus::ABORT_FAILED });
    }

    /// Resets one unit, or all.
    fn reset(&self, scope: Scope) {
        self.partner.reset(if let Scope::Unit(lun) = scope { Some(lun) } else { None });
        self.outstanding.end(scope, SrbStatus::BUS_RESET);
    }

    /// Tells whom it concerns that units have come or gone.
    fn tell_of_changes(&self) {
        self.storport.bus_changed(PATH);
        self.waiting.tell();
    }

    fn report(&self, mut irp: ServiceIrp) {
        let units = self.partner.units_end().clamp(1, UNITS_MAX);
        let report = irp.buffer().chunks_exact_mut(Counts::BYTES).take(units);
        let mut bytes = 0;
        for (unit, place) in report.enumerate() {
            let counts = *self.counts(unit);
            place.copy_from_slice(&counts.to_bytes());
            bytes += place.len();
        }
        irp.complete(if bytes == 0 { STATUS_BUFFER_TOO_SMALL } else { STATUS_SUCCESS }, bytes);
    }
}

impl VirtualMiniport for Ramdisk {
    const SERVICE_REQUESTS: bool = true;
    const ABORTS_COMMANDS: bool = true;

    fn find_adapter(configuration: &mut Configuration<'_>) -> Result<Ramdisk, FindError> {
        let medium = Machine::current().and_then(Medium::of).ok_or(FindError::NotFound)?;
        let workers = configuration.parameter(c"Workers").unwrap_or(WORKERS).clamp(1, WORKERS_MAX);
        configuration.set_maximum_transfer_length(TRANSFER_MAX).set_addresses(1, 1, UNITS_MAX as u8);
        Ok(Ramdisk {
            storport: configuration.storport(),
            partner: Partner::new(medium),
            outstanding: Outstanding::new(),
            workers: Workers::new(workers),
            waiting: Waiting::new(),
            statistics: Statistics::new(),
            is_lost: SpinLock::new(false),
            rundown: Rundown::new(),
        })
    }

    fn initialize(&self) -> bool {
        self.partner.initialize();
        self.workers.initialize();
        true
    }

    /// The one on which answers come in, and the workers.
    fn threads(&self) -> u32 {
        1 + self.workers.count()
    }

    fn thread(&self, number: u32) {
        match number {
            0 => self.partner.serve(|tag, answer| self.answered(tag, answer)),
            _ => self.workers.work(|| self.work_on_one()),
        }
    }

    fn end_threads(&self) {
        self.rundown.run_down();
        // Storport waits for every request before it comes here; should one be left, it ends now.
        self.outstanding.end(Scope::All, SrbStatus::NO_DEVICE);
        self.partner.close();
        self.workers.end();
    }

    fn start_io(&self, srb: Srb) {
        match srb.function() {
            SRB_FUNCTION_EXECUTE_SCSI if is_at_hand(&srb.cdb()) => self.execute(srb),
            SRB_FUNCTION_EXECUTE_SCSI | SRB_FUNCTION_FLUSH | SRB_FUNCTION_SHUTDOWN => self.entrust(srb),
            SRB_FUNCTION_ABORT_COMMAND => self.abort(srb),
            SRB_FUNCTION_RESET_LOGICAL_UNIT => {
                self.reset(Scope::Unit(srb.lun()));
                srb.complete(SrbStatus::SUCCESS);
            }
            SRB_FUNCTION_RESET_DEVICE | SRB_FUNCTION_RESET_BUS => {
                self.reset(Scope::All);
                srb.complete(SrbStatus::SUCCESS);
            }
            _ => srb.complete(SrbStatus::INVALID_REQUEST),
        }
        if self.partner.units_have_changed() {
            self.tell_of_changes();
        }
    }

    fn reset_bus(&self, _path: u8) -> bool {
        self.reset(Scope::All);
        true
    }

    fn adapter_control(&self, control: AdapterControl) -> bool {
        if control == AdapterControl::Restart {
            self.partner.open();
            self.workers.begin_again();
            self.rundown.begin_again();
        }
        true
    }

    fn process_service_request(&self, mut irp: ServiceIrp) {
        match Request::of(irp.input()) {
            Some(Request::Report) => self.report(irp),
            Some(Request::Rescan) => {
                self.tell_of_changes();
                irp.complete(STATUS_SUCCESS, 0);
            }
            Some(Request::WaitForChange) => self.waiting.keep(irp),
            None => irp.complete(STATUS_INVALID_PARAMETER, 0),
        }
    }

    fn complete_service_irps(&self) {
        self.waiting.end();
    }
}
