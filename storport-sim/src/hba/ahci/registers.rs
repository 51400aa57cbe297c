//! Where the registers are, and their bits (AHCI 1.3.1, section 3).
//!
//! Layout only. A driver has its own copy of these numbers, so that a mistake here is not shared.

// Generic host control (3.1).
pub(super) const CAP: usize = 0x00;
pub(super) const GHC: usize = 0x04;
pub(super) const IS: usize = 0x08;
pub(super) const PI: usize = 0x0C;
pub(super) const VS: usize = 0x10;
pub(super) const CAP2: usize = 0x24;
pub(super) const BOHC: usize = 0x28;
/// The first port's registers, and bytes from one port to the next.
pub(super) const PORTS: usize = 0x100;
pub(super) const PORT_STRIDE: usize = 0x80;

/// Version 1.3.1.
pub(super) const VERSION: u32 = 0x0001_0301;

pub(super) mod cap {
    pub const S64A: u32 = 1 << 31;
    pub const SNCQ: u32 = 1 << 30;
    pub const SSS: u32 = 1 << 27;
    pub const SCLO: u32 = 1 << 24;
    pub const ISS_GEN3: u32 = 3 << 20;
    /// Number of command slots, less one, is in bits 12:8.
    pub const NCS_SHIFT: u32 = 8;
}

pub(super) mod ghc {
    pub const AE: u32 = 1 << 31;
    pub const IE: u32 = 1 << 1;
    pub const HR: u32 = 1 << 0;
}

pub(super) mod bohc {
    /// CAP2: the register is there.
    pub const BOH: u32 = 1 << 0;
    pub const BOS: u32 = 1 << 0;
    pub const OOS: u32 = 1 << 1;
    pub const SOOE: u32 = 1 << 2;
    pub const OOC: u32 = 1 << 3;
}

/// Registers of a port (3.3), from its beginning.
pub(super) mod px {
    pub const CLB: usize = 0x00;
    pub const CLBU: usize = 0x04;
    pub const FB: usize = 0x08;
    pub const FBU: usize = 0x0C;
    pub const IS: usize = 0x10;
    pub const IE: usize = 0x14;
    pub const CMD: usize = 0x18;
    pub const TFD: usize = 0x20;
    pub const SIG: usize = 0x24;
    pub const SSTS: usize = 0x28;
    pub const SCTL: usize = 0x2C;
    pub const SERR: usize = 0x30;
    pub const SACT: usize = 0x34;
    pub const CI: usize = 0x38;
    pub const SNTF: usize = 0x3C;
    pub const FBS: usize = 0x40;
}

/// PxIS and PxIE.
pub(super) mod is {
    pub const TFES: u32 = 1 << 30;
    pub const HBFS: u32 = 1 << 29;
    pub const IFS: u32 = 1 << 27;
    pub const OFS: u32 = 1 << 24;
    /// Follows PxSERR.DIAG.N.
    pub const PRCS: u32 = 1 << 22;
    /// Follows PxSERR.DIAG.X.
    pub const PCS: u32 = 1 << 6;
    pub const DPS: u32 = 1 << 5;
    pub const UFS: u32 = 1 << 4;
    pub const SDBS: u32 = 1 << 3;
    pub const DSS: u32 = 1 << 2;
    pub const PSS: u32 = 1 << 1;
    pub const DHRS: u32 = 1 << 0;
    /// The interrupts that PxIE can enable here: there is no cold presence detection and no mechanical
    /// switch.
    pub const IMPLEMENTED: u32 =
        TFES | HBFS | IFS | OFS | PRCS | PCS | DPS | UFS | SDBS | DSS | PSS | DHRS | 1 << 28 | 1 << 26;
}

/// PxCMD.
pub(super) mod cmd {
    pub const ST: u32 = 1 << 0;
    pub const SUD: u32 = 1 << 1;
    pub const POD: u32 = 1 << 2;
    pub const CLO: u32 = 1 << 3;
    pub const FRE: u32 = 1 << 4;
    pub const CCS_SHIFT: u32 = 8;
    pub const CCS: u32 = 0x1F << CCS_SHIFT;
    pub const FR: u32 = 1 << 14;
    pub const CR: u32 = 1 << 15;
    pub const HPCP: u32 = 1 << 18;
    pub const ATAPI: u32 = 1 << 24;
    pub const DLAE: u32 = 1 << 25;
    /// The bits that software may set and clear. ICC is accepted and reads as idle: no link power states
    /// here.
    pub const WRITABLE: u32 = ST | SUD | FRE | ATAPI | DLAE;
}

/// The status byte of PxTFD.
pub(super) mod status {
    pub const BSY: u8 = 1 << 7;
    pub const DRDY: u8 = 1 << 6;
    pub const DF: u8 = 1 << 5;
    pub const DSC: u8 = 1 << 4;
    pub const DRQ: u8 = 1 << 3;
    pub const ERR: u8 = 1 << 0;
    /// Ready, nothing wrong.
    pub const GOOD: u8 = DRDY | DSC;
    /// Everything that can be said at once, but for BSY and DRQ.
    pub const ALL_BUT_BUSY: u8 = 0x77;
    /// The value of PxTFD where no device is.
    pub const NO_DEVICE: u8 = 0x7F;
}

/// The error byte of PxTFD.
pub(super) mod error {
    /// Interface CRC. No command here ends in it; drivers know it.
    pub const UNC: u8 = 1 << 6;
    pub const IDNF: u8 = 1 << 4;
    pub const ABRT: u8 = 1 << 2;
}

/// PxSSTS.
pub(super) mod ssts {
    /// Device there, link not up.
    pub const DET_PRESENT: u32 = 1;
    /// Link up at 6 Gb/s, interface active.
    pub const UP_GEN3: u32 = 0x133;
    /// The phy is switched off.
    pub const DET_OFFLINE: u32 = 4;
}

/// PxSCTL.
pub(super) mod sctl {
    pub const DET: u32 = 0xF;
    pub const DET_RESET: u32 = 1;
    pub const DET_OFFLINE: u32 = 4;
    pub const WRITABLE: u32 = 0xFFF;
}

/// PxSERR.
pub(super) mod serr {
    pub const DIAG_X: u32 = 1 << 26;
    pub const DIAG_N: u32 = 1 << 16;
    /// Protocol error, internal error.
    pub const ERR_P: u32 = 1 << 10;
    pub const ERR_E: u32 = 1 << 11;
}

/// PxSIG of a disk and of an ATAPI device.
pub(super) const SIGNATURE_ATA: u32 = 0x0000_0101;
pub(super) const SIGNATURE_ATAPI: u32 = 0xEB14_0101;
