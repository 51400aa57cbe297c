//! SRBs sent to a unit as they are, without the disk class driver: no retries, and sense data to look at.

#![expect(unsafe_code, reason = "calls layer 1, as a client of the driver")]

use super::{Client, Device, allocate, machine};
use crate::Adapter;
use crate::ddi::*;
use std::ptr::null_mut;

/// Bytes of sense data there is room for.
const SENSE_BYTES: usize = 32;
/// Seconds a command may take.
const TIMEOUT_S: u32 = 10;

/// The data of a command, and its direction.
#[derive(Clone, Copy, Debug)]
pub enum Data<'a> {
    /// Nothing.
    None,
    /// So many bytes from the unit.
    In(usize),
    /// These bytes to the unit.
    Out(&'a [u8]),
}

/// The reply to a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UnitAnswer {
    /// `SrbStatus`, without its flags.
    pub status: UCHAR,
    /// Sense key, additional sense code and qualifier, if there is sense data.
    pub sense: Option<(u8, u8, u8)>,
    /// The information field of the sense data, if it is valid: the block that it is about.
    pub block: Option<u32>,
    /// The data that was moved.
    pub data: Vec<u8>,
}

impl UnitAnswer {
    /// The data of a command that succeeded.
    ///
    /// # Panics
    /// When it did not: `SRB_STATUS_SUCCESS`, or `SRB_STATUS_DATA_OVERRUN`, which says that it moved less.
    #[track_caller]
    pub fn good(self) -> Vec<u8> {
        let is_good = matches!(self.status, SRB_STATUS_SUCCESS | SRB_STATUS_DATA_OVERRUN);
        assert!(is_good, "status {:#x}, sense {:x?}", self.status, self.sense);
        self.data
    }
}

#[repr(C)]
struct Block {
    srb: SrbRoom,
    sense: [u8; SENSE_BYTES],
}

/// A client of one unit: the device of the port driver's that a disk device is attached to.
pub struct UnitClient {
    device: Device,
    is_extended: bool,
}

impl UnitClient {
    /// A client of the unit of a disk; `None` if the disk is none of the adapter's.
    #[must_use]
    pub fn new(adapter: &Adapter, disk: impl Into<Device>) -> Option<UnitClient> {
        let (device, is_extended) = adapter.unit_below(disk.into().object())?;
        Some(UnitClient { device: device.into(), is_extended })
    }

    /// Sends a command block and waits for what comes of it, ten seconds at most as far as Storport keeps
    /// that.
    ///
    /// # Panics
    /// When the block is longer than 16 bytes, and when the machine has no memory for it.
    #[track_caller]
    pub fn execute(&self, cdb: &[u8], data: Data<'_>) -> UnitAnswer {
        assert!(cdb.len() <= 16, "a command block of {} bytes", cdb.len());
        self.send(SRB_FUNCTION_EXECUTE_SCSI, cdb, data)
    }

    /// Sends an SRB of another function, a reset for instance, and waits for it; `SrbStatus` without its
    /// flags.
    #[track_caller]
    pub fn function(&self, function: UCHAR) -> UCHAR {
        self.send(function, &[], Data::None).status
    }

    #[track_caller]
    fn send(&self, function: UCHAR, cdb: &[u8], data: Data<'_>) -> UnitAnswer {
        let (bytes, direction) = match data {
            Data::None => (0, SRB_FLAGS_NO_DATA_TRANSFER),
            Data::In(bytes) => (bytes, SRB_FLAGS_DATA_IN),
            Data::Out(bytes) => (bytes.len(), SRB_FLAGS_DATA_OUT),
        };
        let block: *mut Block = allocate(size_of::<Block>()).cast();
        let mut client = Client::new(self.device, bytes);
        if let Data::Out(bytes) = data {
            client.data().copy_from_slice(bytes);
        }
        let buffer = client.data().as_mut_ptr();
        // SAFETY: a fresh block, and the client's buffer; both outlive the wait.
        let answer = unsafe {
            let srb = SrbRoom::prepare(&raw mut (*block).srb, self.is_extended);
            set_function(srb, function);
            SrbAssignSrbFlags(srb, direction | SRB_FLAGS_NO_QUEUE_FREEZE);
            SrbSetTimeOutValue(srb, TIMEOUT_S);
            SrbSetDataTransferLength(srb, bytes as ULONG);
            SrbSetDataBuffer(srb, if bytes == 0 { null_mut() } else { buffer.cast() });
            if function == SRB_FUNCTION_EXECUTE_SCSI {
                SrbSetSenseInfoBuffer(srb, (&raw mut (*block).sense).cast());
                SrbSetSenseInfoBufferLength(srb, SENSE_BYTES as UCHAR);
                SrbSetCdbLength(srb, cdb.len() as UCHAR);
                SrbGetCdb(srb).copy_from_nonoverlapping(cdb.as_ptr(), cdb.len());
            }
            let mdl = if bytes == 0 { null_mut() } else { client.describe(bytes) };
            client.send_filled(|irp, next| {
                irp.MdlAddress = mdl;
                next.MajorFunction = IRP_MJ_SCSI as UCHAR;
                next.Parameters.Scsi.Srb = srb;
            });
            client.wait();
            let moved = SrbGetDataTransferLength(srb) as usize;
            let sense = (*block).sense;
            let is_valid = SrbGetSrbStatus(srb) & SRB_STATUS_AUTOSENSE_VALID != 0;
            let information = u32::from_be_bytes([sense[3], sense[4], sense[5], sense[6]]);
            UnitAnswer {
                status: SRB_STATUS(SrbGetSrbStatus(srb)),
                sense: is_valid.then_some((sense[2] & 0xF, sense[12], sense[13])),
                block: (is_valid && sense[0] & 0x80 != 0).then_some(information),
                data: client.data()[..moved.min(bytes)].to_vec(),
            }
        };
        machine().free_system(block.cast());
        answer
    }
}
