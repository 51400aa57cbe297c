//! The status byte that ends every command (SAM-6, "Status codes").

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

open_enum! {
    /// How a command ended.
    ///
    /// The disk itself answers only [`GOOD`](Self::GOOD) and [`CHECK_CONDITION`](Self::CHECK_CONDITION); the
    /// others are here for the host adapters and fault models in front of it.
    #[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
    pub struct ScsiStatus(u8);

    /// The command did what it was asked.
    GOOD = 0x00, "GOOD";
    /// The command failed, or something else needs saying; sense data has the reason.
    CHECK_CONDITION = 0x02, "CHECK CONDITION";
    /// Obsolete since SAM-5: a comparison succeeded.
    CONDITION_MET = 0x04, "CONDITION MET";
    /// The logical unit cannot take a command now; try again.
    BUSY = 0x08, "BUSY";
    /// Obsolete since SAM-4: one of a chain of linked commands is done.
    INTERMEDIATE = 0x10, "INTERMEDIATE";
    /// Obsolete since SAM-4: the same, and a comparison succeeded.
    INTERMEDIATE_CONDITION_MET = 0x14, "INTERMEDIATE-CONDITION MET";
    /// Another initiator holds a reservation.
    RESERVATION_CONFLICT = 0x18, "RESERVATION CONFLICT";
    /// Obsolete since SPI-3: the command was ended early.
    COMMAND_TERMINATED = 0x22, "COMMAND TERMINATED";
    /// The logical unit's task set has no room; try again when a command has finished.
    QUEUE_FULL = 0x28, "TASK SET FULL";
    /// An auto-contingent allegiance is in force.
    ACA_ACTIVE = 0x30, "ACA ACTIVE";
    /// The command was aborted by another initiator.
    TASK_ABORTED = 0x40, "TASK ABORTED";
}
