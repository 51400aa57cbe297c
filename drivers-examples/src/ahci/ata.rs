//! Structures that adapter and device share with the driver: command lists, tables, received frames, command
//! codes.
//!
//! Layouts of AHCI 1.3.1, section 4, and ACS-3. Plain data, written and read under the interrupt lock or
//! before the device knows of it.

/// Bytes one request may move.
pub const TRANSFER_MAX: u32 = 256 << 10;
/// Elements of a request's PRD table: 256 KiB in pages, wherever in a page they begin.
pub const PRDS_MAX: usize = 65;
/// Bytes of a sector of identify data, of a log page, of TRIM ranges.
pub const SECTOR: usize = 512;

// Command codes.
pub const DATA_SET_MANAGEMENT: u8 = 0x06;
pub const READ_DMA_EXT: u8 = 0x25;
pub const READ_LOG_EXT: u8 = 0x2F;
pub const WRITE_DMA_EXT: u8 = 0x35;
pub const WRITE_DMA_FUA_EXT: u8 = 0x3D;
pub const READ_VERIFY_SECTORS_EXT: u8 = 0x42;
pub const READ_FPDMA_QUEUED: u8 = 0x60;
pub const WRITE_FPDMA_QUEUED: u8 = 0x61;
pub const PACKET: u8 = 0xA0;
pub const IDENTIFY_PACKET_DEVICE: u8 = 0xA1;
pub const STANDBY_IMMEDIATE: u8 = 0xE0;
pub const IDLE_IMMEDIATE: u8 = 0xE1;
pub const CHECK_POWER_MODE: u8 = 0xE5;
pub const FLUSH_CACHE_EXT: u8 = 0xEA;
pub const IDENTIFY_DEVICE: u8 = 0xEC;
pub const SET_FEATURES: u8 = 0xEF;

// Features of SET FEATURES.
pub const ENABLE_WRITE_CACHE: u8 = 0x02;
pub const DISABLE_WRITE_CACHE: u8 = 0x82;

/// The log page that tells which queued command failed.
pub const LOG_QUEUED_ERROR: u8 = 0x10;

/// One of the 32 entries of a command list.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct CommandHeader {
    pub flags: u32,
    /// Bytes that have moved, written by the adapter.
    pub bytes_moved: u32,
    pub table: u64,
    pub reserved: [u32; 4],
}

pub const HEADER_WRITE: u32 = 1 << 6;
pub const HEADER_ATAPI: u32 = 1 << 5;
pub const HEADER_PRDTL_SHIFT: u32 = 16;
/// Double words of a register FIS.
pub const HEADER_FRAME_LENGTH: u32 = 5;

/// An entry of a PRD table.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Prd {
    pub address: u64,
    pub reserved: u32,
    /// Bytes less one.
    pub count: u32,
}

/// A command table. Must begin at a multiple of 128.
#[repr(C)]
pub struct CommandTable {
    pub frame: [u8; 64],
    pub packet: [u8; 16],
    pub reserved: [u8; 48],
    pub prds: [Prd; PRDS_MAX],
}

/// The memory of a port that the device reaches: one page of the uncached extension.
#[repr(C)]
pub struct PortMemory {
    pub list: [CommandHeader; 32],
    pub received: [u8; 256],
    /// Table and data of the driver's own commands.
    pub table: CommandTable,
    pub data: [u8; SECTOR],
}
const _: () = assert!(size_of::<PortMemory>() <= 4096);
const _: () = assert!(std::mem::offset_of!(PortMemory, received) % 256 == 0);
const _: () = assert!(std::mem::offset_of!(PortMemory, table) % 128 == 0);

/// Offset of the last register FIS from the device in `received`.
pub const RECEIVED_REGISTERS: usize = 0x40;

/// A task file: what a register FIS to the device says.
#[derive(Clone, Copy, Default)]
pub struct Task {
    pub command: u8,
    pub features: u16,
    /// 48 bits.
    pub lba: u64,
    pub device: u8,
    pub count: u16,
}

/// Bits of [`Task::device`].
pub const DEVICE_LBA: u8 = 1 << 6;
pub const DEVICE_FUA: u8 = 1 << 7;

impl Task {
    /// A command without parameters.
    pub fn new(command: u8) -> Task {
        Task { command, ..Task::default() }
    }

    /// Writes the frame.
    pub fn write(&self, frame: &mut [u8; 64]) {
        let lba = self.lba.to_le_bytes();
        let (features, count) = (self.features.to_le_bytes(), self.count.to_le_bytes());
        frame.fill(0);
        frame[..16].copy_from_slice(&[
            0x27,
            0x80,
            self.command,
            features[0],
            lba[0],
            lba[1],
            lba[2],
            self.device,
            lba[3],
            lba[4],
            lba[5],
            features[1],
            count[0],
            count[1],
            0,
            0,
        ]);
    }
}
