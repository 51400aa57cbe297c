//! Operation codes: byte 0 of every command block, and the service actions that share one.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

open_enum! {
    /// Byte 0 of a command block (SPC-5, "Operation codes").
    ///
    /// Named here is what the disk knows or a class driver may send; which of them the disk supports is said
    /// by REPORT SUPPORTED OPERATION CODES, not by this list.
    #[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
    pub struct Opcode(u8);

    /// Is the unit ready for media access?
    TEST_UNIT_READY = 0x00, "TEST UNIT READY";
    /// Sense data as a command of its own.
    REQUEST_SENSE = 0x03, "REQUEST SENSE";
    /// Make the medium empty.
    FORMAT_UNIT = 0x04, "FORMAT UNIT";
    /// Read, 21-bit address, at most 256 blocks.
    READ_6 = 0x08, "READ(6)";
    /// Write, 21-bit address, at most 256 blocks.
    WRITE_6 = 0x0a, "WRITE(6)";
    /// Who are you?
    INQUIRY = 0x12, "INQUIRY";
    /// Set mode pages, short header.
    MODE_SELECT_6 = 0x15, "MODE SELECT(6)";
    /// Keep other initiators out (SPC-2).
    RESERVE_6 = 0x16, "RESERVE(6)";
    /// Let other initiators in again (SPC-2).
    RELEASE_6 = 0x17, "RELEASE(6)";
    /// Read mode pages, short header.
    MODE_SENSE_6 = 0x1a, "MODE SENSE(6)";
    /// Spin up, spin down.
    START_STOP_UNIT = 0x1b, "START STOP UNIT";
    /// Test the device.
    SEND_DIAGNOSTIC = 0x1d, "SEND DIAGNOSTIC";
    /// Lock the door of removable media.
    PREVENT_ALLOW_MEDIUM_REMOVAL = 0x1e, "PREVENT ALLOW MEDIUM REMOVAL";
    /// Last block and block length, 32 bits.
    READ_CAPACITY_10 = 0x25, "READ CAPACITY(10)";
    /// Read, 32-bit address, 16-bit length.
    READ_10 = 0x28, "READ(10)";
    /// Write, 32-bit address, 16-bit length.
    WRITE_10 = 0x2a, "WRITE(10)";
    /// Write, then check the medium, or compare it with the data.
    WRITE_AND_VERIFY_10 = 0x2e, "WRITE AND VERIFY(10)";
    /// Check the medium, or compare it with data.
    VERIFY_10 = 0x2f, "VERIFY(10)";
    /// Read into the cache.
    PRE_FETCH_10 = 0x34, "PRE-FETCH(10)";
    /// Move the volatile cache to the medium.
    SYNCHRONIZE_CACHE_10 = 0x35, "SYNCHRONIZE CACHE(10)";
    /// Which blocks are bad?
    READ_DEFECT_DATA_10 = 0x37, "READ DEFECT DATA(10)";
    /// One block written many times.
    WRITE_SAME_10 = 0x41, "WRITE SAME(10)";
    /// Give ranges of blocks back.
    UNMAP = 0x42, "UNMAP";
    /// What the device counts and measures.
    LOG_SENSE = 0x4d, "LOG SENSE";
    /// Set mode pages, long header.
    MODE_SELECT_10 = 0x55, "MODE SELECT(10)";
    /// Keep other initiators out (SPC-2).
    RESERVE_10 = 0x56, "RESERVE(10)";
    /// Let other initiators in again (SPC-2).
    RELEASE_10 = 0x57, "RELEASE(10)";
    /// Read mode pages, long header.
    MODE_SENSE_10 = 0x5a, "MODE SENSE(10)";
    /// Who is registered, who holds the reservation?
    PERSISTENT_RESERVE_IN = 0x5e, "PERSISTENT RESERVE IN";
    /// Register, reserve, release, preempt.
    PERSISTENT_RESERVE_OUT = 0x5f, "PERSISTENT RESERVE OUT";
    /// Read, 64-bit address, 32-bit length.
    READ_16 = 0x88, "READ(16)";
    /// Write, 64-bit address, 32-bit length.
    WRITE_16 = 0x8a, "WRITE(16)";
    /// Write if the medium holds what the initiator thinks.
    COMPARE_AND_WRITE = 0x89, "COMPARE AND WRITE";
    /// Write what is on the medium or in the data.
    ORWRITE_16 = 0x8b, "ORWRITE(16)";
    /// Write, then check the medium, or compare it with the data.
    WRITE_AND_VERIFY_16 = 0x8e, "WRITE AND VERIFY(16)";
    /// Check the medium, or compare it with data.
    VERIFY_16 = 0x8f, "VERIFY(16)";
    /// Read into the cache.
    PRE_FETCH_16 = 0x90, "PRE-FETCH(16)";
    /// Move the volatile cache to the medium.
    SYNCHRONIZE_CACHE_16 = 0x91, "SYNCHRONIZE CACHE(16)";
    /// One block written many times.
    WRITE_SAME_16 = 0x93, "WRITE SAME(16)";
    /// Several commands, told apart by their service action.
    SERVICE_ACTION_IN_16 = 0x9e, "SERVICE ACTION IN(16)";
    /// Which logical units are there?
    REPORT_LUNS = 0xa0, "REPORT LUNS";
    /// Several commands, told apart by their service action.
    MAINTENANCE_IN = 0xa3, "MAINTENANCE IN";
    /// Read, 32-bit address and length.
    READ_12 = 0xa8, "READ(12)";
    /// Write, 32-bit address and length.
    WRITE_12 = 0xaa, "WRITE(12)";
    /// Write, then check the medium, or compare it with the data.
    WRITE_AND_VERIFY_12 = 0xae, "WRITE AND VERIFY(12)";
    /// Check the medium, or compare it with data.
    VERIFY_12 = 0xaf, "VERIFY(12)";
    /// Which blocks are bad?
    READ_DEFECT_DATA_12 = 0xb7, "READ DEFECT DATA(12)";
}

/// Service actions: byte 1 bits 4..0 of the operation codes that have them.
pub mod service_action {
    /// READ CAPACITY(16), under [`SERVICE_ACTION_IN_16`](super::Opcode::SERVICE_ACTION_IN_16).
    pub const READ_CAPACITY_16: u8 = 0x10;
    /// GET LBA STATUS, under [`SERVICE_ACTION_IN_16`](super::Opcode::SERVICE_ACTION_IN_16).
    pub const GET_LBA_STATUS: u8 = 0x12;
    /// REPORT SUPPORTED OPERATION CODES, under [`MAINTENANCE_IN`](super::Opcode::MAINTENANCE_IN).
    pub const REPORT_SUPPORTED_OPERATION_CODES: u8 = 0x0c;
    /// REPORT SUPPORTED TASK MANAGEMENT FUNCTIONS, under [`MAINTENANCE_IN`](super::Opcode::MAINTENANCE_IN).
    pub const REPORT_SUPPORTED_TASK_MANAGEMENT_FUNCTIONS: u8 = 0x0d;

    /// READ KEYS, under [`PERSISTENT_RESERVE_IN`](super::Opcode::PERSISTENT_RESERVE_IN), as the next three.
    pub const READ_KEYS: u8 = 0x00;
    /// READ RESERVATION.
    pub const READ_RESERVATION: u8 = 0x01;
    /// REPORT CAPABILITIES.
    pub const REPORT_CAPABILITIES: u8 = 0x02;
    /// READ FULL STATUS.
    pub const READ_FULL_STATUS: u8 = 0x03;

    /// REGISTER, under [`PERSISTENT_RESERVE_OUT`](super::Opcode::PERSISTENT_RESERVE_OUT), as the rest.
    pub const REGISTER: u8 = 0x00;
    /// RESERVE.
    pub const RESERVE: u8 = 0x01;
    /// RELEASE.
    pub const RELEASE: u8 = 0x02;
    /// CLEAR.
    pub const CLEAR: u8 = 0x03;
    /// PREEMPT.
    pub const PREEMPT: u8 = 0x04;
    /// PREEMPT AND ABORT.
    pub const PREEMPT_AND_ABORT: u8 = 0x05;
    /// REGISTER AND IGNORE EXISTING KEY.
    pub const REGISTER_AND_IGNORE: u8 = 0x06;
}
