//! Requests: an SRB that the miniport owns until it completes it.

#![expect(unsafe_code, reason = "wraps layer 1, whose contracts its types keep")]

use super::SrbStatus;
use crate::ddi::{
    PSCSI_REQUEST_BLOCK, RequestComplete, SCSI_REQUEST_BLOCK, SRB_FLAGS_DATA_IN, SRB_FLAGS_DATA_OUT,
    SRB_FLAGS_UNSPECIFIED_DIRECTION, SRB_FUNCTION_ABORT_COMMAND, SRB_FUNCTION_EXECUTE_SCSI,
    SRB_STATUS_AUTOSENSE_VALID, STOR_STATUS_SUCCESS, StorPortGetLogicalUnit, StorPortGetSystemAddress,
    StorPortNotification,
};
use crate::disk::{Completion, DataPhase};
use crate::scsi::{Lun, ScsiStatus, Sense, SenseFormat};
use kernel_sim::ddi::PVOID;
use std::ops::Deref;
use std::ptr::null_mut;

/// A request the miniport has. It may be kept and completed later, from any processor at or below
/// DISPATCH_LEVEL; one that is dropped without being completed is lost, and Storport times it out.
#[must_use = "a request that is not completed is lost"]
pub struct Srb {
    extension: PVOID,
    srb: PSCSI_REQUEST_BLOCK,
}

// SAFETY: the SRB is the miniport's until it is completed, on any processor.
unsafe impl Send for Srb {}

/// Which request: to compare with others the miniport has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SrbId(usize);

/// A command block, as long as the request says.
#[derive(Clone, Copy)]
pub struct Cdb {
    bytes: [u8; 16],
    length: u8,
}

impl Cdb {
    /// A command block of the first `length` bytes.
    #[must_use]
    pub const fn new(bytes: [u8; 16], length: u8) -> Cdb {
        Cdb { bytes, length }
    }
}

impl Deref for Cdb {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length).min(self.bytes.len())]
    }
}

/// The data of a request.
#[derive(Debug)]
pub enum Data<'a> {
    /// None is moved.
    None,
    /// To be filled by the miniport.
    In(&'a mut [u8]),
    /// To be taken by the miniport.
    Out(&'a [u8]),
}

impl<'a> From<Data<'a>> for DataPhase<'a> {
    fn from(data: Data<'a>) -> DataPhase<'a> {
        match data {
            Data::None => DataPhase::None,
            Data::In(buffer) => DataPhase::In(buffer),
            Data::Out(buffer) => DataPhase::Out(buffer),
        }
    }
}

impl Srb {
    /// The request behind HwStorStartIo's arguments.
    ///
    /// # Safety
    /// The miniport has just been given this SRB, and this is the only handle to it.
    pub(super) unsafe fn new(extension: PVOID, srb: PSCSI_REQUEST_BLOCK) -> Srb {
        Srb { extension, srb }
    }

    fn block(&self) -> &SCSI_REQUEST_BLOCK {
        // SAFETY: the SRB is live and the miniport's own until `complete` consumes the handle.
        unsafe { &*self.srb }
    }

    pub(crate) fn block_mut(&mut self) -> &mut SCSI_REQUEST_BLOCK {
        // SAFETY: the SRB is live and the miniport's own until `complete` consumes the handle, which is
        // borrowed exclusively.
        unsafe { &mut *self.srb }
    }

    /// What the request is: `SRB_FUNCTION_EXECUTE_SCSI` for a SCSI command.
    #[must_use]
    pub fn function(&self) -> u8 {
        self.block().Function
    }

    /// Whether the request is a SCSI command; only those have a command block.
    #[must_use]
    pub fn is_scsi(&self) -> bool {
        self.function() == SRB_FUNCTION_EXECUTE_SCSI
    }

    /// Which request this is, as long as the miniport has it.
    #[must_use]
    pub fn id(&self) -> SrbId {
        SrbId(self.srb as usize)
    }

    /// The request that an `SRB_FUNCTION_ABORT_COMMAND` is to end; `None` for other functions. The miniport
    /// may not have it any more.
    #[must_use]
    pub fn victim(&self) -> Option<SrbId> {
        (self.function() == SRB_FUNCTION_ABORT_COMMAND).then(|| SrbId(self.block().NextSrb as usize))
    }

    /// The bus the request goes to.
    #[must_use]
    pub fn path(&self) -> u8 {
        self.block().PathId
    }

    /// The target on that bus.
    #[must_use]
    pub fn target(&self) -> u8 {
        self.block().TargetId
    }

    /// The logical unit of that target.
    #[must_use]
    pub fn lun(&self) -> Lun {
        Lun::new(u16::from(self.block().Lun)).expect("255 is a logical unit number")
    }

    /// The command block.
    #[must_use]
    pub fn cdb(&self) -> Cdb {
        Cdb { bytes: self.block().Cdb, length: self.block().CdbLength }
    }

    /// Bytes the request moves.
    #[must_use]
    pub fn transfer_length(&self) -> u32 {
        self.block().DataTransferLength
    }

    /// The unit's extension, which Storport zeroed when it found the unit; null if the miniport asked
    /// for none. `StorPortGetLogicalUnit`.
    #[track_caller]
    #[must_use]
    pub fn logical_unit_extension(&self) -> PVOID {
        let block = self.block();
        // SAFETY: the extension is the one Storport handed out with this SRB.
        unsafe { StorPortGetLogicalUnit(self.extension, block.PathId, block.TargetId, block.Lun) }
    }

    /// The request's data, by `StorPortGetSystemAddress`: at or below DISPATCH_LEVEL. `Data::None` also
    /// where Storport has no system address for it.
    #[track_caller]
    pub fn data(&mut self) -> Data<'_> {
        let (flags, length) = (self.block().SrbFlags, self.block().DataTransferLength as usize);
        let direction = flags & SRB_FLAGS_UNSPECIFIED_DIRECTION;
        if length == 0 || direction == 0 {
            return Data::None;
        }
        let mut address = null_mut();
        // SAFETY: the SRB is the miniport's; the output is on its stack.
        let status = unsafe { StorPortGetSystemAddress(self.extension, self.srb, &raw mut address) };
        if status != STOR_STATUS_SUCCESS || address.is_null() {
            return Data::None;
        }
        // SAFETY: the class driver's buffer of that length, which is the miniport's for as long as the
        // SRB is; the handle is borrowed meanwhile.
        unsafe {
            match direction {
                SRB_FLAGS_DATA_IN => Data::In(std::slice::from_raw_parts_mut(address.cast(), length)),
                SRB_FLAGS_DATA_OUT => Data::Out(std::slice::from_raw_parts(address.cast(), length)),
                // Either way, says the flag: the miniport knows from the command.
                _ => Data::In(std::slice::from_raw_parts_mut(address.cast(), length)),
            }
        }
    }

    /// Says how many bytes were moved, where that is fewer than asked for. Complete with
    /// [`SrbStatus::DATA_OVERRUN`] then.
    pub fn set_transferred(&mut self, bytes: u32) {
        self.block_mut().DataTransferLength = bytes;
    }

    /// Writes sense data in this layout, as much as there is room for, and CHECK CONDITION. Complete with
    /// [`SrbStatus::ERROR`] then.
    pub fn set_sense(&mut self, sense: &Sense, format: SenseFormat) {
        let block = self.block_mut();
        block.ScsiStatus = ScsiStatus::CHECK_CONDITION.0;
        if block.SenseInfoBuffer.is_null() {
            return;
        }
        // SAFETY: the class driver's buffer of that length, the miniport's for as long as the SRB is.
        let room = unsafe {
            std::slice::from_raw_parts_mut(
                block.SenseInfoBuffer.cast::<u8>(),
                usize::from(block.SenseInfoBufferLength),
            )
        };
        // At most as long as the room, whose length is a byte.
        block.SenseInfoBufferLength = sense.render(format, room) as u8;
        block.SrbStatus |= SRB_STATUS_AUTOSENSE_VALID;
    }

    /// Gives the request back to Storport: `StorPortNotification(RequestComplete)`. Storport completes the
    /// IRP later, in a DPC of its own.
    #[track_caller]
    pub fn complete(mut self, status: SrbStatus) {
        let block = self.block_mut();
        block.SrbStatus = (block.SrbStatus & SRB_STATUS_AUTOSENSE_VALID) | status.0;
        // SAFETY: the SRB is the miniport's, and the handle ends here.
        unsafe { StorPortNotification(RequestComplete, self.extension, self.srb) }
    }

    /// Completes the request with the status of a SCSI target.
    #[track_caller]
    pub fn complete_as(mut self, answer: &Completion) {
        let status = match &answer.sense {
            Some(sense) => {
                self.set_sense(sense, answer.sense_format);
                SrbStatus::ERROR
            }
            // A PRE-FETCH whose blocks all fit: SBC-4's other word for GOOD.
            None if answer.status == ScsiStatus::CONDITION_MET => {
                self.block_mut().ScsiStatus = answer.status.0;
                SrbStatus::SUCCESS
            }
            None if answer.status != ScsiStatus::GOOD => {
                self.block_mut().ScsiStatus = answer.status.0;
                SrbStatus::ERROR
            }
            None if answer.transferred as u64 != u64::from(self.transfer_length()) => {
                // Never more than the buffer, whose length fits.
                self.set_transferred(answer.transferred as u32);
                SrbStatus::DATA_OVERRUN
            }
            None if answer.expected > answer.transferred as u64 => SrbStatus::DATA_OVERRUN,
            None => SrbStatus::SUCCESS,
        };
        self.complete(status);
    }
}
