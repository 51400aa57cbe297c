//! `ahci`: a Storport miniport for AHCI host adapters, after the logic of Microsoft's storahci.
//!
//! Each port is a bus of its own with one target; a disk's SCSI commands become ATA commands, queued ones
//! where the disk takes them, and an ATAPI device gets them as packets. It is written at layer 1, as a C
//! miniport would be, and reaches the kernel through `ddi` alone. What storahci has besides (power framework,
//! port multipliers, ATA pass-through, telemetry) is not here; the README's section lists it.
//!
//! ```text
//! find.rs       DriverEntry, HwStorFindAdapter, initialisation  adapter.rs      taken over, ports started
//! start.rs      a port's start and reset, by a timer            channel.rs      extensions, lists, the lock
//! issue.rs      HwStorBuildIo, HwStorStartIo, queue, slots      own_command.rs  the driver's own commands
//! interrupt.rs  HwStorInterrupt, DPC, HwStorResetBus            recover.rs      after an error
//! control.rs    stop, restart, removal                          sense.rs        ATA errors as sense data
//! translate/    SCSI to ATA
//! registers.rs, ata.rs, device.rs  what adapter and device define
//! ```
//!
//! The invariant that all of it serves: **an SRB ends once, and never while the device may still move its
//! data**. All state of a port is under the interrupt lock; what is finished is put on a list under it and
//! completed in a DPC without it.
#![expect(non_snake_case, non_upper_case_globals, reason = "the documented WDK names")]
#![expect(
    unsafe_op_in_unsafe_fn,
    clippy::missing_safety_doc,
    reason = "as in C: every routine works on raw pointers throughout, and is called as the WDK documents"
)]

mod adapter;
mod ata;
pub(crate) mod channel;
pub(crate) mod control;
pub(crate) mod ddi;
mod device;
pub(crate) mod find;
pub(crate) mod interrupt;
mod issue;
mod own_command;
mod recover;
pub(crate) mod registers;
mod sense;
mod start;
mod translate;

pub use find::{driver_entry, register};
pub use issue::HwBuildIo;
