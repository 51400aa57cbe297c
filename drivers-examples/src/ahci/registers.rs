//! The adapter's registers (AHCI 1.3.1, section 3), and how this driver reaches them.
//!
//! An adapter that has been pulled out reads as all ones.

#![expect(unsafe_code, reason = "a driver calls layer 1, as in C")]

use super::ddi::*;

// Generic host control.
pub const CAP: usize = 0x00;
pub const GHC: usize = 0x04;
pub const IS: usize = 0x08;
pub const PI: usize = 0x0C;
pub const VS: usize = 0x10;
pub const CAP2: usize = 0x24;
pub const BOHC: usize = 0x28;

pub const CAP_S64A: u32 = 1 << 31;
pub const CAP_SNCQ: u32 = 1 << 30;
pub const GHC_AE: u32 = 1 << 31;
pub const GHC_IE: u32 = 1 << 1;
pub const GHC_HR: u32 = 1 << 0;
pub const CAP2_BOH: u32 = 1 << 0;
pub const BOHC_BOS: u32 = 1 << 0;
pub const BOHC_OOS: u32 = 1 << 1;

// One port's registers, from PORTS + PORT_BYTES * n.
pub const PORTS: usize = 0x100;
pub const PORT_BYTES: usize = 0x80;
pub const PXCLB: usize = 0x00;
pub const PXCLBU: usize = 0x04;
pub const PXFB: usize = 0x08;
pub const PXFBU: usize = 0x0C;
pub const PXIS: usize = 0x10;
pub const PXIE: usize = 0x14;
pub const PXCMD: usize = 0x18;
pub const PXTFD: usize = 0x20;
pub const PXSIG: usize = 0x24;
pub const PXSSTS: usize = 0x28;
pub const PXSCTL: usize = 0x2C;
pub const PXSERR: usize = 0x30;
pub const PXSACT: usize = 0x34;
pub const PXCI: usize = 0x38;

// PxIS, PxIE.
pub const IS_TFES: u32 = 1 << 30;
pub const IS_HBFS: u32 = 1 << 29;
pub const IS_HBDS: u32 = 1 << 28;
pub const IS_IFS: u32 = 1 << 27;
pub const IS_PRCS: u32 = 1 << 22;
pub const IS_PCS: u32 = 1 << 6;
pub const IS_SDBS: u32 = 1 << 3;
pub const IS_PSS: u32 = 1 << 1;
pub const IS_DHRS: u32 = 1 << 0;
/// The device has come, gone or changed.
pub const IS_PLUG: u32 = IS_PRCS | IS_PCS;
/// Memory or the wire failed: the port has to be reset.
pub const IS_FATAL: u32 = IS_HBFS | IS_HBDS | IS_IFS;
/// The interrupts that a port with a device enables.
pub const IE_ALL: u32 = IS_TFES | IS_FATAL | IS_PLUG | IS_SDBS | IS_PSS | IS_DHRS;

// PxCMD.
pub const CMD_ST: u32 = 1 << 0;
pub const CMD_SUD: u32 = 1 << 1;
pub const CMD_FRE: u32 = 1 << 4;
pub const CMD_CCS_SHIFT: u32 = 8;
pub const CMD_CR: u32 = 1 << 15;
pub const CMD_ATAPI: u32 = 1 << 24;

// PxTFD: status in bits 7:0, error in 15:8.
pub const STATUS_BSY: u32 = 1 << 7;
pub const STATUS_DF: u8 = 1 << 5;
pub const STATUS_DRQ: u32 = 1 << 3;

pub const SIGNATURE_ATAPI: u32 = 0xEB14_0101;

// PxSSTS and PxSCTL.
pub const DET: u32 = 0xF;
pub const DET_NOTHING: u32 = 0;
pub const DET_UP: u32 = 3;
pub const SCTL_DET_RESET: u32 = 1;
/// No transitions to partial or slumber.
pub const SCTL_IPM_NONE: u32 = 3 << 8;

// PxSERR.
pub const SERR_DIAG_X: u32 = 1 << 26;
pub const SERR_DIAG_N: u32 = 1 << 16;

/// Reads a register at `offset` from `base`.
///
/// # Safety
/// `base` is mapped for the adapter.
pub unsafe fn read(DeviceExtension: PVOID, base: *mut u8, offset: usize) -> u32 {
    StorPortReadRegisterUlong(DeviceExtension, base.wrapping_add(offset).cast())
}

/// Writes a register at `offset` from `base`.
///
/// # Safety
/// As for [`read`].
pub unsafe fn write(DeviceExtension: PVOID, base: *mut u8, offset: usize, value: u32) {
    StorPortWriteRegisterUlong(DeviceExtension, base.wrapping_add(offset).cast(), value)
}
