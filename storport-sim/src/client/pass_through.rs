//! Command blocks that a client sends to a disk by IOCTL_SCSI_PASS_THROUGH_DIRECT.
//!
//! Through the class driver's device, as a program on Windows does: no retries, and status and sense to look
//! at. Invariant: what a client cannot send is refused before anything is sent, with one line that says why.

#![expect(unsafe_code, reason = "calls layer 1, as a client of the driver")]

use super::{Client, Data, Device};
use crate::ddi::*;
use crate::scsi::ScsiStatus;
use std::ptr::null_mut;

/// Seconds a command may take.
const TIMEOUT_S: u32 = 10;
/// Bytes of sense data there is room for.
const SENSE_BYTES: usize = u8::MAX as usize;
const HEADER_BYTES: usize = size_of::<SCSI_PASS_THROUGH_DIRECT>();
/// Where the data begins in the client's buffer.
const DATA_AT: usize = 512;
/// Most bytes of data.
const DATA_BYTES_MAX: usize = 1 << 20;
const _: () = assert!(HEADER_BYTES + SENSE_BYTES <= DATA_AT);

/// Why a command cannot be sent.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CommandError {
    /// The command block is too short or too long.
    #[error("a command block has 1 to 16 bytes, not {0}")]
    Length(usize),
    /// Too much data.
    #[error("{0} bytes of data; {DATA_BYTES_MAX} at most")]
    Data(usize),
}

/// How a command ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CommandEnd {
    /// The status of the request: STATUS_SUCCESS if the unit has ended the command, in whatever way.
    pub status: NTSTATUS,
    /// The unit's status.
    pub scsi_status: ScsiStatus,
    /// Its sense data, if there is any.
    pub sense: Vec<u8>,
    /// Bytes that were moved.
    pub moved: usize,
    /// Those of a command that reads.
    pub data: Vec<u8>,
}

/// Whether a command can be sent.
///
/// # Errors
/// When it cannot.
pub fn check_command(cdb: &[u8], data: Data<'_>) -> Result<(), CommandError> {
    if !(1..=16).contains(&cdb.len()) {
        return Err(CommandError::Length(cdb.len()));
    }
    match bytes_of(data) {
        bytes if bytes > DATA_BYTES_MAX => Err(CommandError::Data(bytes)),
        _ => Ok(()),
    }
}

fn bytes_of(data: Data<'_>) -> usize {
    match data {
        Data::None => 0,
        Data::In(bytes) => bytes,
        Data::Out(bytes) => bytes.len(),
    }
}

/// Sends a command block to a disk and waits for its end. PASSIVE_LEVEL.
///
/// # Errors
/// When it cannot be sent: see [`check_command`].
///
/// # Panics
/// When the machine has no memory for it, and outside a machine.
#[track_caller]
pub fn send_command(disk: impl Into<Device>, cdb: &[u8], data: Data<'_>) -> Result<CommandEnd, CommandError> {
    check_command(cdb, data)?;
    let bytes = bytes_of(data);
    let mut client = Client::new(disk, DATA_AT + bytes);
    if let Data::Out(out) = data {
        client.data()[DATA_AT..].copy_from_slice(out);
    }
    let buffer = client.data().as_mut_ptr();
    let mut header = SCSI_PASS_THROUGH_DIRECT {
        Length: HEADER_BYTES as u16,
        ScsiStatus: 0,
        PathId: 0,
        TargetId: 0,
        Lun: 0,
        CdbLength: cdb.len() as u8,
        SenseInfoLength: SENSE_BYTES as u8,
        DataIn: match data {
            Data::None => SCSI_IOCTL_DATA_UNSPECIFIED,
            Data::In(_) => SCSI_IOCTL_DATA_IN,
            Data::Out(_) => SCSI_IOCTL_DATA_OUT,
        },
        DataTransferLength: bytes as ULONG,
        TimeOutValue: TIMEOUT_S,
        DataBuffer: if bytes == 0 { null_mut() } else { buffer.wrapping_add(DATA_AT).cast() },
        SenseInfoOffset: HEADER_BYTES as ULONG,
        Cdb: [0; 16],
    };
    header.Cdb[..cdb.len()].copy_from_slice(cdb);
    // SAFETY: the front of the client's buffer, with nothing out.
    unsafe { buffer.cast::<SCSI_PASS_THROUGH_DIRECT>().write_unaligned(header) };
    let code = IOCTL_SCSI_PASS_THROUGH_DIRECT;
    let room = HEADER_BYTES + SENSE_BYTES;
    let (status, _) = client.request(super::Request::Control { code, input: HEADER_BYTES, room });
    // SAFETY: as above; the request is back.
    let header = unsafe { buffer.cast::<SCSI_PASS_THROUGH_DIRECT>().read_unaligned() };
    let is_sent = status == STATUS_SUCCESS;
    let moved = if is_sent { (header.DataTransferLength as usize).min(bytes) } else { 0 };
    let sense = if is_sent { usize::from(header.SenseInfoLength).min(SENSE_BYTES) } else { 0 };
    let reads = matches!(data, Data::In(_));
    let all = client.data();
    Ok(CommandEnd {
        status,
        scsi_status: ScsiStatus(header.ScsiStatus),
        sense: all[HEADER_BYTES..HEADER_BYTES + sense].to_vec(),
        moved,
        data: if reads { all[DATA_AT..DATA_AT + moved].to_vec() } else { Vec::new() },
    })
}
