//! Layer 1: the documented Storport names, letter for letter, beside those of the kernel.
//!
//! A miniport needs one import, `storport_sim::ddi::*`. `table` lists every StorPort routine as a row;
//! `structures` and `hardware_structures` have the structures of storport.h and srb.h as wdk-sys shapes
//! them, `numbers` and `hardware_numbers` their constants, `extended_srb` and `srb_helper` the SRBs of
//! Windows 8 and the accessors for both kinds, `storage` what clients of disks ask with, `notification` the
//! one routine that is variadic in C. The bodies are the port driver's (module `port`). Invariant: hooks fire
//! here and nowhere else, and no body calls another hooked routine, so what a rule sees is what the driver
//! called.

mod convert;
#[expect(non_camel_case_types, non_snake_case, reason = "the documented WDK names")]
mod extended_srb;
mod hardware_numbers;
#[expect(non_camel_case_types, non_snake_case, reason = "the documented WDK names")]
mod hardware_structures;
mod notification;
mod numbers;
#[expect(non_snake_case, reason = "the documented WDK names")]
mod pass_through;
mod srb_helper;
#[expect(non_snake_case, reason = "the documented WDK names")]
mod storage;
#[expect(non_camel_case_types, non_snake_case, reason = "the documented WDK names")]
mod structures;
#[expect(non_snake_case, reason = "the documented WDK names")]
mod table;

pub use kernel_sim::ddi::*;

pub use convert::*;
pub(crate) use extended_srb::SrbRoom;
pub use extended_srb::*;
pub use hardware_numbers::*;
pub use hardware_structures::*;
pub use notification::{
    BufferOverrunDetected, BusChangeDetected, LinkDown, LinkUp, NextLuRequest, NextRequest,
    NotificationArguments, QueryTickCount, RequestComplete, RequestTimerCall, ResetDetected,
    SCSI_NOTIFICATION_TYPE, StorPortNotification, WMIEvent, WMIReregister,
};
pub use numbers::*;
pub use pass_through::*;
pub use srb_helper::*;
pub(crate) use srb_helper::{port_hint, set_address, set_function, set_port_hint};
pub use storage::*;
pub use structures::*;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(crate) use table::thunk;
pub use table::*;

/// What the tables say of each routine, kernel and Storport, under the routine's name.
pub mod row {
    pub use super::table::row::*;
    pub use kernel_sim::ddi::row::*;
}

/// The arguments of each routine, kernel and Storport, by name, under the routine's name.
pub mod args {
    pub use super::table::args::*;
    pub use kernel_sim::ddi::args::*;
}

/// Every StorPort routine, in the order of the table.
pub static TABLE: &[&kernel_sim::routine::DdiInfo] = table::TABLE;
