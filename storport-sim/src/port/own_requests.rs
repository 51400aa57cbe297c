//! SRBs of the port driver's own: probes of the bus scan, flushes, shutdown, plug and play,
//! power, private requests.
//!
//! One at a time, from a thread at PASSIVE_LEVEL that waits for the end. They take the same way through
//! queue and miniport as a class driver's.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use super::adapter::AdapterState;
use super::complete::BUSY_RETRIES_MAX;
use super::machine;
use super::pass_through::Ended;
use super::unit::{Request, Unit};
use crate::ddi::{
    SCSI_IOCTL_DATA_IN, SCSI_IOCTL_DATA_OUT, SCSI_PASS_THROUGH_DIRECT, SRB_FLAGS_DATA_IN, SRB_FLAGS_DATA_OUT,
    SRB_FLAGS_DISABLE_SYNCH_TRANSFER, SRB_FLAGS_NO_DATA_TRANSFER, SRB_FLAGS_NO_QUEUE_FREEZE,
    SRB_FLAGS_UNSPECIFIED_DIRECTION, SRB_FUNCTION_EXECUTE_SCSI, SRB_FUNCTION_FLUSH, SRB_FUNCTION_IO_CONTROL,
    SRB_FUNCTION_SHUTDOWN, SRB_PNP_FLAGS_ADAPTER_REQUEST, SRB_STATUS, SRB_STATUS_ABORTED,
    SRB_STATUS_AUTOSENSE_VALID, SRB_STATUS_BUS_RESET, SRB_STATUS_DATA_OVERRUN, SRB_STATUS_ERROR,
    SRB_STATUS_SUCCESS, STOR_DEVICE_CAPABILITIES, STOR_DEVICE_POWER_STATE, SrbAssignSrbFlags, SrbGetCdb,
    SrbGetDataTransferLength, SrbGetScsiStatus, SrbGetSenseInfoBufferLength, SrbGetSrbStatus, SrbRoom,
    SrbSetCdbLength, SrbSetDataBuffer, SrbSetDataTransferLength, SrbSetSenseInfoBuffer,
    SrbSetSenseInfoBufferLength, SrbSetSrbFlags, SrbSetTimeOutValue, StorPowerActionNone,
    StorQueryCapabilities, set_function,
};
use kernel_sim::ddi::{
    Executive, FALSE, KEVENT, KeInitializeEvent, KeWaitForSingleObject, KernelMode, NotificationEvent, PVOID,
};
use std::ptr::null_mut;

/// Bytes of parameter data there is room for: REPORT LUNS with 255 units.
pub(super) const DATA_BYTES: usize = 8 + 255 * 8;
/// Bytes of sense data there is room for in a request of our own.
const SENSE_BYTES: usize = 32;
/// Bytes of sense data a client can ask for: the length is a byte.
const SENSE_BYTES_MAX: usize = u8::MAX as usize;
/// Seconds a request may take.
const TIMEOUT_S: u32 = 10;
/// How often a command that ends in an error is sent: a unit may have a unit attention to report first.
const TRIES: u32 = 4;
/// How many resets may end a command before it is given up; they say nothing about the unit, and each is the
/// end of a recovery that took its time.
const RESETS_MAX: u32 = 64;

const _: () = assert!(SENSE_BYTES_MAX <= DATA_BYTES);

/// One request and its data, in the machine's memory.
#[repr(C)]
struct Block {
    srb: SrbRoom,
    event: KEVENT,
    sense: [u8; SENSE_BYTES],
    data: [u8; DATA_BYTES],
}

/// What a command came to.
pub(super) enum Answer<'a> {
    /// Parameter data.
    Data(&'a [u8]),
    /// The unit refused the command.
    Refused,
    /// No unit is there.
    Nobody,
}

/// Sends requests of our own to the units of one adapter.
pub(super) struct OwnRequests<'a> {
    adapter: &'a AdapterState,
    block: *mut Block,
}

impl Drop for OwnRequests<'_> {
    fn drop(&mut self) {
        machine().free_system(self.block.cast());
    }
}

impl<'a> OwnRequests<'a> {
    /// `None`: the machine is out of memory.
    pub(super) fn new(adapter: &'a AdapterState) -> Option<OwnRequests<'a>> {
        let block: *mut Block = machine().allocate_system(size_of::<Block>()).cast();
        (!block.is_null()).then_some(OwnRequests { adapter, block })
    }

    /// Sends a SCSI command that returns data.
    pub(super) fn ask(&mut self, unit: &Unit, cdb: &[u8]) -> Answer<'_> {
        let (mut errors, mut resets) = (0, 0);
        while errors < TRIES && resets < RESETS_MAX {
            let (status, bytes) = self.send(unit, SRB_FUNCTION_EXECUTE_SCSI, cdb);
            match status {
                SRB_STATUS_SUCCESS | SRB_STATUS_DATA_OVERRUN => {
                    // SAFETY: plain bytes of our block, which is ours alone while no SRB of it is out.
                    let data = unsafe { &(*self.block).data };
                    return Answer::Data(&data[..bytes.min(DATA_BYTES)]);
                }
                // These statuses do not tell whether a unit exists.
                SRB_STATUS_ERROR => errors += 1,
                SRB_STATUS_BUS_RESET | SRB_STATUS_ABORTED => resets += 1,
                _ => return Answer::Nobody,
            }
        }
        Answer::Refused
    }

    /// Tells the miniport to write back what it caches for a unit: SRB_FUNCTION_FLUSH.
    pub(super) fn flush(&mut self, unit: &Unit) {
        self.send(unit, SRB_FUNCTION_FLUSH, &[]);
    }

    /// Tells the miniport that the system shuts down: SRB_FUNCTION_SHUTDOWN.
    pub(super) fn shut_down(&mut self, unit: &Unit) {
        self.send(unit, SRB_FUNCTION_SHUTDOWN, &[]);
    }

    /// Tells the miniport what plug and play does to its adapter: SRB_FUNCTION_PNP.
    pub(super) fn announce(&mut self, unit: &Unit, action: u32) {
        // SAFETY: no SRB of the block is out.
        unsafe {
            let srb = self.prepare_pnp(action, SRB_PNP_FLAGS_ADAPTER_REQUEST);
            self.send_prepared(unit, srb, null_mut());
        }
    }

    /// As [`announce`](Self::announce), while requests are held back: it goes past them. Its status.
    pub(super) fn announce_held(&mut self, unit: &Unit, action: u32) -> u8 {
        // SAFETY: no SRB of the block is out.
        unsafe {
            let srb = self.prepare_pnp(action, SRB_PNP_FLAGS_ADAPTER_REQUEST);
            self.send_past_gates(unit, srb);
            SRB_STATUS(SrbGetSrbStatus(srb))
        }
    }

    /// Tells the miniport what plug and play does to a unit: SRB_FUNCTION_PNP without the adapter's flag.
    pub(super) fn announce_to_unit(&mut self, unit: &Unit, action: u32) {
        // SAFETY: no SRB of the block is out.
        unsafe {
            let srb = self.prepare_pnp(action, 0);
            self.send_prepared(unit, srb, null_mut());
        }
    }

    /// Asks the miniport for the capabilities of a unit: SRB_FUNCTION_PNP with StorQueryCapabilities. What it
    /// says, zeros if nothing, is used for nothing here.
    pub(super) fn query_capabilities(&mut self, unit: &Unit) {
        let block = self.block;
        // SAFETY: our block, which is ours alone until the SRB is sent, and again when it is done; its data
        // has room for the structure.
        unsafe {
            let srb = self.prepare_pnp(StorQueryCapabilities, 0);
            let data: PVOID = (&raw mut (*block).data).cast();
            data.cast::<STOR_DEVICE_CAPABILITIES>()
                .write_unaligned(STOR_DEVICE_CAPABILITIES { Version: 1, Capabilities: 0 });
            SrbSetDataBuffer(srb, data);
            SrbSetDataTransferLength(srb, size_of::<STOR_DEVICE_CAPABILITIES>() as u32);
            self.send_prepared(unit, srb, data);
        }
    }

    /// Tells the miniport of the power of a unit, or of its adapter: SRB_FUNCTION_POWER, while requests are
    /// held back: it goes past them.
    pub(super) fn announce_power(&mut self, unit: &Unit, state: STOR_DEVICE_POWER_STATE, flags: u8) {
        // SAFETY: no SRB of the block is out.
        unsafe {
            let srb = self.prepare();
            let (room, is_extended) = (&raw mut (*self.block).srb, self.adapter.takes_extended_srbs());
            SrbRoom::make_power(room, is_extended, state, StorPowerActionNone, flags);
            self.send_past_gates(unit, srb);
        }
    }

    /// An SRB of SRB_FUNCTION_PNP.
    ///
    /// # Safety
    /// No request is out.
    unsafe fn prepare_pnp(&mut self, action: u32, flags: u32) -> PVOID {
        // SAFETY: the caller has the block, with no SRB of it out.
        unsafe {
            let srb = self.prepare();
            let room = &raw mut (*self.block).srb;
            SrbRoom::make_pnp(room, self.adapter.takes_extended_srbs(), action, flags);
            srb
        }
    }

    /// Hands a private request to the miniport: SRB_FUNCTION_IO_CONTROL over a buffer of the machine's
    /// memory; its status.
    pub(super) fn io_control(&mut self, unit: &Unit, buffer: PVOID, bytes: u32, timeout_s: u32) -> u8 {
        // SAFETY: our block, which is ours alone until the SRB is sent, and again when it is done; the buffer
        // is the caller's until then.
        unsafe {
            let srb = self.prepare();
            set_function(srb, SRB_FUNCTION_IO_CONTROL);
            SrbAssignSrbFlags(srb, SRB_FLAGS_UNSPECIFIED_DIRECTION | SRB_FLAGS_NO_QUEUE_FREEZE);
            SrbSetTimeOutValue(srb, timeout_s);
            SrbSetDataBuffer(srb, buffer);
            SrbSetDataTransferLength(srb, bytes);
            self.send_prepared(unit, srb, buffer);
            SRB_STATUS(SrbGetSrbStatus(srb))
        }
    }

    /// Sends a client's command block, once, over its own buffer.
    pub(super) fn pass_through(&mut self, unit: &Unit, asked: &SCSI_PASS_THROUGH_DIRECT) -> Ended {
        let block = self.block;
        let direction = match asked.DataIn {
            _ if asked.DataTransferLength == 0 => SRB_FLAGS_NO_DATA_TRANSFER,
            SCSI_IOCTL_DATA_IN => SRB_FLAGS_DATA_IN,
            SCSI_IOCTL_DATA_OUT => SRB_FLAGS_DATA_OUT,
            _ => SRB_FLAGS_UNSPECIFIED_DIRECTION,
        };
        let data = if asked.DataTransferLength == 0 { null_mut() } else { asked.DataBuffer };
        let cdb_length = asked.CdbLength.min(16);
        let sense_room = usize::from(asked.SenseInfoLength).max(SENSE_BYTES);
        // SAFETY: our block, which is ours alone until the SRB is sent, and again when it is done; the data
        // is the client's until then. A command block has at most 16 bytes.
        unsafe {
            let srb = self.prepare();
            set_function(srb, SRB_FUNCTION_EXECUTE_SCSI);
            SrbSetSrbFlags(srb, direction);
            SrbSetTimeOutValue(srb, asked.TimeOutValue);
            // The data is the client's own, so there is room for sense data where answers to us would lie.
            SrbSetSenseInfoBuffer(srb, (&raw mut (*block).data).cast());
            SrbSetSenseInfoBufferLength(srb, sense_room as u8);
            SrbSetCdbLength(srb, cdb_length);
            SrbGetCdb(srb).copy_from_nonoverlapping(asked.Cdb.as_ptr(), cdb_length.into());
            SrbSetDataBuffer(srb, data);
            SrbSetDataTransferLength(srb, asked.DataTransferLength);
            self.send_prepared(unit, srb, data);
            let status = SrbGetSrbStatus(srb);
            let sense = if status & SRB_STATUS_AUTOSENSE_VALID == 0 {
                Vec::new()
            } else {
                let bytes = usize::from(SrbGetSenseInfoBufferLength(srb)).min(sense_room);
                let sense = &(*block).data;
                sense[..bytes].to_vec()
            };
            Ended {
                srb_status: SRB_STATUS(status),
                scsi_status: SrbGetScsiStatus(srb),
                moved: SrbGetDataTransferLength(srb).min(asked.DataTransferLength),
                sense,
            }
        }
    }

    /// Sends one SRB and waits until it is done; its status and transfer length. One with a command block
    /// asks for data.
    fn send(&mut self, unit: &Unit, function: u8, cdb: &[u8]) -> (u8, usize) {
        let block = self.block;
        // SAFETY: our block, which is ours alone until the SRB is sent, and again when it is done. A command
        // block has at most 16 bytes.
        unsafe {
            let srb = self.prepare();
            set_function(srb, function);
            SrbSetSenseInfoBuffer(srb, (&raw mut (*block).sense).cast());
            SrbSetSenseInfoBufferLength(srb, SENSE_BYTES as u8);
            let mut data = null_mut();
            if !cdb.is_empty() {
                SrbSetCdbLength(srb, cdb.len() as u8);
                SrbGetCdb(srb).copy_from_nonoverlapping(cdb.as_ptr(), cdb.len());
                SrbSetSrbFlags(srb, SRB_FLAGS_DATA_IN);
                data = (&raw mut (*block).data).cast();
                SrbSetDataBuffer(srb, data);
                SrbSetDataTransferLength(srb, DATA_BYTES as u32);
            }
            self.send_prepared(unit, srb, data);
            (SRB_STATUS(SrbGetSrbStatus(srb)), SrbGetDataTransferLength(srb) as usize)
        }
    }

    /// An empty SRB of the kind the adapter takes.
    ///
    /// # Safety
    /// No request is out.
    unsafe fn prepare(&mut self) -> PVOID {
        // SAFETY: the caller has the block, with no SRB of it out.
        unsafe {
            self.block.write_bytes(0, 1);
            let srb = SrbRoom::prepare(&raw mut (*self.block).srb, self.adapter.takes_extended_srbs());
            SrbSetTimeOutValue(srb, TIMEOUT_S);
            SrbAssignSrbFlags(srb, SRB_FLAGS_DISABLE_SYNCH_TRANSFER | SRB_FLAGS_NO_QUEUE_FREEZE);
            srb
        }
    }

    /// Sends the SRB in our block and waits until it is done.
    ///
    /// # Safety
    /// The SRB is the one `prepare` made, filled in.
    unsafe fn send_prepared(&mut self, unit: &Unit, srb: PVOID, data: PVOID) {
        // SAFETY: the caller prepared the SRB in the block, and waits until it is done.
        unsafe {
            let request = self.request(srb, data);
            self.adapter.submit(unit, &request);
            self.wait();
        }
    }

    /// As [`send_prepared`](Self::send_prepared), past everything that holds requests back. There must be
    /// none out.
    ///
    /// # Safety
    /// As for [`send_prepared`](Self::send_prepared).
    unsafe fn send_past_gates(&mut self, unit: &Unit, srb: PVOID) {
        // SAFETY: the caller prepared the SRB in the block, and waits until it is done.
        unsafe {
            // There is no second try: it would wait behind the gate.
            let request = Request { retries: BUSY_RETRIES_MAX, ..self.request(srb, null_mut()) };
            self.adapter.submit_past_gates(unit, &request);
            self.wait();
        }
    }

    /// The record of the SRB in our block, and its event, not signaled.
    ///
    /// # Safety
    /// No request is out.
    unsafe fn request(&mut self, srb: PVOID, data: PVOID) -> Request {
        // SAFETY: our block, with no SRB of it out.
        unsafe {
            let event = &raw mut (*self.block).event;
            KeInitializeEvent(event, NotificationEvent, FALSE);
            let srb = srb.cast();
            Request { srb, irp: null_mut(), event, mdl: null_mut(), data, buffer: data, retries: 0 }
        }
    }

    /// Waits until the request of our block is done.
    ///
    /// # Safety
    /// It has been sent.
    unsafe fn wait(&mut self) {
        // SAFETY: the event was initialized with the request; PASSIVE_LEVEL.
        unsafe {
            let event = &raw mut (*self.block).event;
            KeWaitForSingleObject(event.cast(), Executive, KernelMode, FALSE, null_mut());
        }
    }
}
