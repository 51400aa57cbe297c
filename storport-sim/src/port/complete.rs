//! The way out: `RequestComplete`, the completion DPC, the IRP.
//!
//! RequestComplete only notes that the SRB is done and asks for a DPC, on its own processor or on the one
//! that issued the request (DPC redirection); the DPC completes the IRPs of all that were noted, at
//! DISPATCH_LEVEL and in order. A request that ends in "busy" is sent again instead, as it was at first:
//! shipped miniports set DataTransferLength to 0 with any error (no page says who puts it back: our choice).
//! A virtual adapter can be told to complete inside the call ([`CompleteWhere::InCall`]).

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter::{AdapterState, UNITS_MAX};
use super::order;
use super::unit::{Request, Unit, state};
use super::{adapter, own_cx};
use crate::callbacks::STORPORT;
use crate::ddi::{
    PSCSI_REQUEST_BLOCK, SCSISTAT_BUSY, SCSISTAT_QUEUE_FULL, SP_UNTAGGED, SRB_FUNCTION_STORAGE_REQUEST_BLOCK,
    SRB_STATUS, SRB_STATUS_ABORTED, SRB_STATUS_BAD_FUNCTION, SRB_STATUS_BAD_SRB_BLOCK_LENGTH,
    SRB_STATUS_BUS_RESET, SRB_STATUS_BUSY, SRB_STATUS_COMMAND_TIMEOUT, SRB_STATUS_DATA_OVERRUN,
    SRB_STATUS_ERROR, SRB_STATUS_INVALID_LUN, SRB_STATUS_INVALID_PATH_ID, SRB_STATUS_INVALID_REQUEST,
    SRB_STATUS_INVALID_TARGET_ID, SRB_STATUS_NO_DEVICE, SRB_STATUS_NO_HBA, SRB_STATUS_PENDING,
    SRB_STATUS_SELECTION_TIMEOUT, SRB_STATUS_SUCCESS, SRB_STATUS_TIMEOUT, STORAGE_REQUEST_BLOCK,
    SrbGetDataTransferLength, SrbGetScsiStatus, SrbGetSrbStatus, SrbSetDataBuffer, SrbSetDataTransferLength,
    SrbSetSrbStatus, port_hint,
};
use kernel_sim::bugcheck::SCSI_VERIFIER_DETECTED_VIOLATION;
use kernel_sim::ddi::{
    Call, FALSE, IO_DISK_INCREMENT, IO_STATUS_BLOCK, IoCompleteRequest, KeSetEvent, NTSTATUS, PKDPC, PVOID,
    STATUS_CANCELLED, STATUS_DEVICE_BUSY, STATUS_DEVICE_DOES_NOT_EXIST, STATUS_INVALID_DEVICE_REQUEST,
    STATUS_IO_DEVICE_ERROR, STATUS_IO_TIMEOUT, STATUS_SUCCESS, UCHAR, as_system,
};
use kernel_sim::irql::Irql;
use kernel_sim::processor::Processor;
use kernel_sim::{report_address, unhooked};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU32, Ordering::Acquire, Ordering::Relaxed};

/// How often a request that ends in "busy" is sent again (registry value BusyRetryCount).
pub const BUSY_RETRIES_MAX: u8 = 20;
/// How long "busy" holds the unit, in microseconds (registry value BusyPauseTime).
const BUSY_PAUSE_US: u64 = 250_000;
/// Which part of a unit's requests must complete after "queue full" (registry value
/// QueueFullWaitIoPercentage, 25 %), as a divisor.
const QUEUE_FULL_WAIT_DIVISOR: u32 = 4;

/// A request that is done: unit, slot.
type Entry = (u16, u16);

/// Requests finished on one processor and not completed yet.
#[derive(Default)]
pub(super) struct Done {
    /// Those, and room for the next batch.
    lists: Mutex<(Vec<Entry>, Vec<Entry>)>,
    /// How many completions inside a call of the miniport are under way, one within the other.
    nested: AtomicU32,
}

/// Completions inside calls that nest at most; what comes deeper is left to the DPC.
const NESTED_MAX: u32 = 4;

/// Where a request is completed that a virtual miniport has finished.
///
/// On Windows both happen, for reasons that are not documented: drivers must be ready for either.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CompleteWhere {
    /// In a DPC of Storport's, after the miniport's call.
    #[default]
    InDpc,
    /// Inside RequestComplete where the level allows it: the class driver's next request may then reach
    /// HwStorStartIo before RequestComplete returns.
    InCall,
}

impl CompleteWhere {
    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            CompleteWhere::InDpc => "in-dpc",
            CompleteWhere::InCall => "in-call",
        }
    }
}

impl AdapterState {
    /// RequestComplete: the miniport gives an SRB back.
    pub(super) fn request_complete(&self, call: &Call, srb: PSCSI_REQUEST_BLOCK) {
        let Some((unit, slot)) =
            self.slot_of(call, srb).filter(|(u, s)| u.slots[usize::from(*s)].take_back())
        else {
            self.not_the_miniports(call, srb);
        };
        unit.slots[usize::from(slot)].given_back(call);
        // SAFETY: an SRB in a slot is live, and it is ours since `take_back`.
        if SRB_STATUS(unsafe { (*srb).SrbStatus }) == SRB_STATUS_PENDING {
            let (shown, extension) = self.shown(call, srb);
            let mut earlier = self.hands_of(call.machine(), srb, "completed");
            earlier.truncate(1);
            call.bug_check_after(
                SCSI_VERIFIER_DETECTED_VIOLATION,
                [0x1004, shown, extension, 0],
                format!("SRB {} completed with SRB_STATUS_PENDING", report_address(shown)),
                earlier,
            );
        }
        self.close_dma(unit, slot);
        self.end_loan(call, unit, slot);
        self.note_done(call, unit, slot);
    }

    /// Leaves a request that is ours again to the completion DPC of the processor it goes back to.
    pub(super) fn note_done(&self, call: &Call, unit: &Unit, slot: u16) {
        if self.completion == CompleteWhere::InCall
            && call.cpu.irql() <= Irql::DISPATCH
            && self.complete_in_call(call, unit, slot)
        {
            return;
        }
        let origin = unit.slots[usize::from(slot)].origin.load(Relaxed);
        let cpu = usize::from(self.perf.completes_on(origin, call.cpu.index()));
        let was_empty = {
            let mut lists = self.done[cpu].lists.lock();
            lists.0.push((unit.index, slot));
            lists.0.len() == 1
        };
        if was_empty {
            unhooked::queue_dpc(call, self.completion_dpc(cpu));
        }
    }

    /// The slot that records an SRB. The hint in the SRB is checked, and done without if a driver
    /// wrote over it.
    #[inline]
    pub(super) fn slot_of(&self, call: &Call, srb: PSCSI_REQUEST_BLOCK) -> Option<(&Unit, u16)> {
        if call.machine().is_guarded()
            && !call.machine().is_accessible(srb as usize, 1)
            && self.last_record(call.machine(), srb).is_some()
        {
            // One that was given back: its memory is closed.
            return None;
        }
        call.check_output(srb);
        // SAFETY: just found in mapped memory; plain data.
        if unsafe { (*srb).Function } == SRB_FUNCTION_STORAGE_REQUEST_BLOCK {
            call.check_output(srb.cast::<STORAGE_REQUEST_BLOCK>());
        }
        // SAFETY: found in mapped memory as far as its kind reaches; plain data.
        let hint = unsafe { port_hint(srb.cast()) };
        let records = |unit: &Unit, slot: u16| {
            unit.slots.get(usize::from(slot)).is_some_and(|s| {
                std::ptr::eq(s.given.load(Relaxed), srb) && s.state.load(Acquire) != state::FREE
            })
        };
        let (index, slot) = ((hint >> 16) as usize % UNITS_MAX, hint as u16);
        if let Some(unit) = self.unit_at(index)
            && records(unit, slot)
        {
            return Some((unit, slot));
        }
        self.units()
            .find_map(|unit| (0..unit.slots.len() as u16).find(|s| records(unit, *s)).map(|s| (unit, s)))
    }

    fn shown(&self, call: &Call, srb: PSCSI_REQUEST_BLOCK) -> (u64, u64) {
        let machine = call.machine();
        (machine.machine_address(srb as usize), machine.machine_address(self.extension as usize))
    }

    #[cold]
    fn not_the_miniports(&self, call: &Call, srb: PSCSI_REQUEST_BLOCK) -> ! {
        let (shown, extension) = self.shown(call, srb);
        // Storport verification publishes the first parameter only.
        call.bug_check_after(
            SCSI_VERIFIER_DETECTED_VIOLATION,
            [0x2004, extension, shown, 0],
            format!(
                "SRB {} completed, but the miniport does not have it: completed twice",
                report_address(shown)
            ),
            self.hands_of(call.machine(), srb, "completed the first time"),
        )
    }

    /// Completes what was finished on this processor.
    fn complete_all(&self, cpu: &Processor) {
        let lists = &self.done[usize::from(cpu.index())].lists;
        let mut batch = {
            let mut lists = lists.lock();
            let spare = std::mem::take(&mut lists.1);
            std::mem::replace(&mut lists.0, spare)
        };
        for (unit, slot) in &batch {
            if let Some(unit) = self.unit_at(usize::from(*unit)) {
                self.complete(unit, *slot, None);
            }
        }
        batch.clear();
        lists.lock().1 = batch;
    }

    /// Completes a request here and now, on the miniport's stack. `false`: not so deep.
    fn complete_in_call(&self, call: &Call, unit: &Unit, slot: u16) -> bool {
        // What comes after a step of recovery may be HwStorResetBus, in which we may be.
        if slot == unit.spare_slot() {
            return false;
        }
        let nested = &self.done[usize::from(call.cpu.index())].nested;
        if nested.fetch_add(1, Relaxed) >= NESTED_MAX {
            nested.fetch_sub(1, Relaxed);
            return false;
        }
        as_system(call.cpu, &STORPORT, || {
            let before = unhooked::raise_irql(call.cpu, Irql::DISPATCH);
            self.complete(unit, slot, Some(call));
            // Before the level falls: on its way down the processor may switch threads.
            nested.fetch_sub(1, Relaxed);
            unhooked::restore_irql(call.cpu, before);
        });
        true
    }

    /// Completes one request: in our DPC, or inside the call `call` of the miniport.
    fn complete(&self, unit: &Unit, slot: u16, in_call: Option<&Call>) {
        let request = unit.slots[usize::from(slot)].request();
        order::request_goes_on(Processor::current(), &unit.slots[usize::from(slot)], request.srb.cast());
        if slot == unit.spare_slot() {
            self.recovery_step_done(unit, slot);
            return;
        }
        let srb: PVOID = request.srb.cast();
        // SAFETY: the SRB is ours between RequestComplete and the completion of its request.
        unsafe {
            SrbSetDataBuffer(srb, request.buffer);
            if is_busy(srb) && request.retries < BUSY_RETRIES_MAX && !self.is_gone.load(Relaxed) {
                self.go_round_again(unit, slot, request, SrbGetScsiStatus(srb));
                return;
            }
        }
        let (next, is_idle) = unit.release(slot);
        // SAFETY: the SRB is ours until its request is completed; the sender's IRP or event is live until
        // then.
        unsafe { finish(srb, &request, in_call) };
        self.count_completion(unit);
        if self.throttle.was_starved() {
            self.kick_all();
        }
        if let Some((slot, request)) = next {
            self.start(unit, slot, &request);
        } else if is_idle && self.removing.load(Acquire) {
            self.note_drained();
        }
    }

    fn go_round_again(&self, unit: &Unit, slot: u16, mut request: Request, scsi_status: u8) {
        request.retries += 1;
        let length = unit.slots[usize::from(slot)].length.load(Relaxed);
        // SAFETY: the SRB is ours until it is handed out again.
        unsafe { SrbSetDataTransferLength(request.srb.cast(), length) };
        let others = unit.queue.lock().outstanding - 1;
        if scsi_status == SCSISTAT_QUEUE_FULL && others > 0 {
            unit.gate.wait_for(others.div_ceil(QUEUE_FULL_WAIT_DIVISOR));
        } else {
            unit.gate.close_briefly(&own_cx(), BUSY_PAUSE_US);
        }
        unit.put_back(slot, request);
        self.count_completion(unit);
    }
}

/// Hands a finished request back to its sender.
pub(super) unsafe fn finish(srb: PVOID, request: &Request, in_call: Option<&Call>) {
    // SAFETY: the caller's request is finished, so its SRB is ours and its sender's IRP or event is live.
    unsafe {
        if request.irp.is_null() {
            KeSetEvent(request.event, 0, FALSE);
        } else {
            let moved = SrbGetDataTransferLength(srb) as usize;
            (*request.irp).IoStatus = IO_STATUS_BLOCK::new(nt_status(SrbGetSrbStatus(srb)), moved);
            match in_call {
                // Not a call of the miniport's, though it is made inside one.
                Some(call) => unhooked::complete_irp(call, request.irp),
                None => IoCompleteRequest(request.irp, IO_DISK_INCREMENT),
            }
        }
    }
}

/// Whether the miniport asks for the request to be sent again later.
unsafe fn is_busy(srb: PVOID) -> bool {
    // SAFETY: the caller has an SRB that is done, which is ours and live.
    unsafe {
        match SRB_STATUS(SrbGetSrbStatus(srb)) {
            SRB_STATUS_BUSY => true,
            SRB_STATUS_ERROR => matches!(SrbGetScsiStatus(srb), SCSISTAT_BUSY | SCSISTAT_QUEUE_FULL),
            _ => false,
        }
    }
}

/// What an SRB status says as an NTSTATUS; the class driver knows better where there is sense data.
pub(super) fn nt_status(srb_status: u8) -> NTSTATUS {
    match SRB_STATUS(srb_status) {
        SRB_STATUS_SUCCESS | SRB_STATUS_DATA_OVERRUN => STATUS_SUCCESS,
        SRB_STATUS_BUSY => STATUS_DEVICE_BUSY,
        SRB_STATUS_ABORTED => STATUS_CANCELLED,
        SRB_STATUS_TIMEOUT | SRB_STATUS_COMMAND_TIMEOUT | SRB_STATUS_BUS_RESET => STATUS_IO_TIMEOUT,
        SRB_STATUS_INVALID_LUN
        | SRB_STATUS_INVALID_PATH_ID
        | SRB_STATUS_INVALID_TARGET_ID
        | SRB_STATUS_NO_DEVICE
        | SRB_STATUS_NO_HBA
        | SRB_STATUS_SELECTION_TIMEOUT => STATUS_DEVICE_DOES_NOT_EXIST,
        SRB_STATUS_INVALID_REQUEST | SRB_STATUS_BAD_FUNCTION | SRB_STATUS_BAD_SRB_BLOCK_LENGTH => {
            STATUS_INVALID_DEVICE_REQUEST
        }
        _ => STATUS_IO_DEVICE_ERROR,
    }
}

/// Storport's completion DPC, one per processor.
pub(super) unsafe extern "C-unwind" fn completion_dpc(_dpc: PKDPC, context: PVOID, _a1: PVOID, _a2: PVOID) {
    let cpu = Processor::current();
    // SAFETY: the context is the adapter, which is kept until the machine has come to rest.
    let adapter = unsafe { &*context.cast::<AdapterState>() };
    as_system(cpu, &STORPORT, || adapter.complete_all(cpu));
}

/// Every request the miniport has at the addresses named, in the order of units and slots. SP_UNTAGGED stands
/// for all; the page forbids it for the unit in full duplex, which is not enforced.
pub(crate) unsafe fn complete_requests(
    call: &Call,
    extension: PVOID,
    path: UCHAR,
    target: UCHAR,
    lun: UCHAR,
    status: UCHAR,
) {
    let adapter = adapter(call, extension);
    let is_meant = |wanted: UCHAR, actual: u8| wanted == SP_UNTAGGED || wanted == actual;
    for unit in adapter.units() {
        let a = unit.address;
        if !(is_meant(path, a.path) && is_meant(target, a.target) && is_meant(lun, a.lun)) {
            continue;
        }
        for (n, slot) in unit.slots.iter().enumerate() {
            if slot.take_back() {
                slot.given_back(call);
                // SAFETY: the SRB is ours since `take_back`.
                unsafe { SrbSetSrbStatus(slot.request().srb.cast(), status) };
                adapter.close_dma(unit, n as u16);
                adapter.end_loan(call, unit, n as u16);
                adapter.note_done(call, unit, n as u16);
            }
        }
    }
}
