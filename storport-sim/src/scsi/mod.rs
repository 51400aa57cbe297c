//! The SCSI words that cross the wire: command blocks, parameter data, status and sense.
//!
//! Everything here is a layout or a code. Nothing decides anything: the disk that answers lives in
//! [`disk`](crate::disk), and a class driver may use the same types to ask. Multi-byte fields are
//! big-endian types, so no reader swaps bytes by hand, and codes are *open*: a value without a name
//! is still a value, never an error.
//!
//! Layouts follow SPC-5 (primary commands), SBC-4 (block commands) and SAM-6 (statuses, LUNs); section
//! names are cited where a layout is declared.

#[macro_use]
mod open_enum;

mod additional_sense;
mod capacity;
mod cdb;
mod inquiry;
mod lba_status;
mod log;
mod lun;
mod mode;
mod opcode;
mod reservation;
mod sense;
mod status;
mod supported;
mod task_management;
mod unmap;
mod vpd;

#[cfg(test)]
mod tests;

pub use additional_sense::AdditionalSense;
pub use capacity::{ReadCapacity10Data, ReadCapacity16Data};
pub use cdb::{
    BlockCdb, CompareAndWrite, FormatHeader, FormatUnit, GetLbaStatus, Inquiry, LogSense, ModeSelect6,
    ModeSelect10, ModeSense6, ModeSense10, PersistentReserveIn, PersistentReserveOut, ReadCapacity16,
    ReadDefectData10, ReadDefectData12, ReportLuns, ReportSupportedOpcodes, ReportTaskManagement,
    RequestSense, Rw6, Rw10, Rw12, Rw16, StartStopUnit, Unmap,
};
pub use inquiry::{InquiryData, PeripheralDeviceType, PeripheralQualifier};
pub use lba_status::{LbaStatusDescriptor, LbaStatusHeader};
pub use log::{LogHeader, LogPage, LogParameterHeader};
pub use lun::{Lun, ReportLunsHeader};
pub use mode::{
    BlockDescriptorLong, BlockDescriptorShort, CachingPage, ControlExtensionPage, ControlPage,
    DisconnectPage, ErrorRecoveryPage, ExceptionsPage, ModeHeader6, ModeHeader10, ModePage,
};
pub use opcode::{Opcode, service_action};
pub use reservation::{FullStatusDescriptor, ReservationType, ReserveOutParameters};
pub use sense::{DescriptorSenseHeader, FieldPointer, FixedSense, Sense, SenseFormat, SenseKey};
pub use status::ScsiStatus;
pub use supported::{CommandDescriptor, CommandTimeouts, OneCommandHeader};
pub use task_management::TaskManagementData;
pub use unmap::{UnmapBlockDescriptor, UnmapHeader};
pub use vpd::{
    BlockCharacteristics, BlockLimits, DesignatorHeader, ExtendedInquiry, LogicalBlockProvisioning,
    VpdHeader, VpdPage,
};
