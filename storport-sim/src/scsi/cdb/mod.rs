//! Command descriptor blocks, laid out as they are sent.
//!
//! Commands that differ only in their operation code share a type: `Rw10` is READ(10), WRITE(10), VERIFY(10),
//! SYNCHRONIZE CACHE(10) and WRITE SAME(10). Flags stay bytes, because the same bit means different things to
//! different operation codes; the constants say which.

mod block;
mod primary;
mod reservation;
mod unit;

pub use block::{BlockCdb, CompareAndWrite, Rw6, Rw10, Rw12, Rw16};
pub use primary::{
    Inquiry, LogSense, ModeSelect6, ModeSelect10, ModeSense6, ModeSense10, ReportLuns,
    ReportSupportedOpcodes, ReportTaskManagement, RequestSense,
};
pub use reservation::{PersistentReserveIn, PersistentReserveOut};
pub use unit::{
    FormatHeader, FormatUnit, GetLbaStatus, ReadCapacity16, ReadDefectData10, ReadDefectData12,
    StartStopUnit, Unmap,
};
