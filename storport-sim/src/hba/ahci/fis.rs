//! Frames between adapter and device (Serial ATA 3.x, "FIS types"), as they lie in memory.
//!
//! One type comes from the host: the register FIS at the beginning of a command table. Four go back and are
//! copied to the received FIS area, each at its place (AHCI 1.3.1, 4.2.1). Layout only: what a frame does to
//! the registers is the port's business.

/// The first byte of a frame.
mod kind {
    pub const REGISTER_H2D: u8 = 0x27;
    pub const REGISTER_D2H: u8 = 0x34;
    pub const DMA_SETUP: u8 = 0x41;
    pub const PIO_SETUP: u8 = 0x5F;
    pub const SET_DEVICE_BITS: u8 = 0xA1;
}

/// Bytes of a register FIS.
pub(super) const REGISTER_BYTES: usize = 20;
/// Bytes of the largest frame to the host.
pub(super) const FRAME_MAX: usize = 28;
/// The I bit of a frame's second byte: interrupt when it has been received.
const INTERRUPT: u8 = 1 << 6;

/// A command for the device: a register FIS from the host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Taskfile {
    /// The C bit: a command, and not a write of the control register.
    pub is_command: bool,
    pub command: u8,
    pub features: u16,
    /// 48 bits.
    pub lba: u64,
    pub device: u8,
    pub count: u16,
    pub control: u8,
}

impl Taskfile {
    /// Bits of `control` and `device`.
    pub const SRST: u8 = 1 << 2;
    pub const FUA: u8 = 1 << 7;

    /// `None`: it is another kind of frame.
    pub(super) fn parse(raw: &[u8; REGISTER_BYTES]) -> Option<Taskfile> {
        if raw[0] != kind::REGISTER_H2D {
            return None;
        }
        let lba = u64::from_le_bytes([raw[4], raw[5], raw[6], raw[8], raw[9], raw[10], 0, 0]);
        Some(Taskfile {
            is_command: raw[1] & 0x80 != 0,
            command: raw[2],
            features: u16::from_le_bytes([raw[3], raw[11]]),
            lba,
            device: raw[7],
            count: u16::from_le_bytes([raw[12], raw[13]]),
            control: raw[15],
        })
    }

    /// Blocks of a 48-bit command: 0 stands for 65536.
    pub(super) fn blocks(&self, count: u16) -> u32 {
        if count == 0 { 0x1_0000 } else { u32::from(count) }
    }
}

/// The registers a device shows at the end of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Shadow {
    pub status: u8,
    pub error: u8,
    pub lba: u64,
    pub count: u16,
}

/// A frame on its way to the host.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Frame {
    /// Register FIS: a command was accepted (no interrupt), or ended.
    Register { shadow: Shadow, interrupts: bool },
    /// PIO setup: the data before it has moved, and `shadow.status` is the status afterwards.
    PioSetup { shadow: Shadow, bytes: u16 },
    /// DMA setup: which tag the data that follows belongs to.
    DmaSetup { tag: u8, bytes: u32, is_write: bool },
    /// Set device bits: these queued commands have ended.
    SetDeviceBits { ended: u32, status: u8, error: u8 },
}

impl Frame {
    /// Where in the received FIS area it goes, its bytes, and how many they are.
    pub(super) fn render(&self) -> (u64, [u8; FRAME_MAX], usize) {
        let mut raw = [0; FRAME_MAX];
        match *self {
            Frame::Register { shadow, interrupts } => {
                put_registers(&mut raw, kind::REGISTER_D2H, shadow, shadow.status);
                raw[1] = if interrupts { INTERRUPT } else { 0 };
                (0x40, raw, REGISTER_BYTES)
            }
            Frame::PioSetup { shadow, bytes } => {
                // The status before the data: busy with it. The one after is E_Status.
                put_registers(&mut raw, kind::PIO_SETUP, shadow, 0x58);
                raw[1] = INTERRUPT | 1 << 5;
                raw[15] = shadow.status;
                raw[16..18].copy_from_slice(&bytes.to_le_bytes());
                (0x20, raw, REGISTER_BYTES)
            }
            Frame::DmaSetup { tag, bytes, is_write } => {
                raw[0] = kind::DMA_SETUP;
                raw[1] = if is_write { 0 } else { 1 << 5 };
                raw[4] = tag;
                raw[20..24].copy_from_slice(&bytes.to_le_bytes());
                (0x00, raw, 28)
            }
            Frame::SetDeviceBits { ended, status, error } => {
                raw[0] = kind::SET_DEVICE_BITS;
                raw[1] = INTERRUPT;
                raw[2] = status & 0x77;
                raw[3] = error;
                raw[4..8].copy_from_slice(&ended.to_le_bytes());
                (0x58, raw, 8)
            }
        }
    }
}

fn put_registers(raw: &mut [u8; FRAME_MAX], kind: u8, shadow: Shadow, status: u8) {
    let lba = shadow.lba.to_le_bytes();
    raw[0] = kind;
    raw[2] = status;
    raw[3] = shadow.error;
    raw[4..7].copy_from_slice(&lba[..3]);
    raw[8..11].copy_from_slice(&lba[3..6]);
    raw[12..14].copy_from_slice(&shadow.count.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_read_as_it_is_laid_out() {
        let mut raw = [0; REGISTER_BYTES];
        raw[..16].copy_from_slice(&[0x27, 0x80, 0x60, 8, 1, 2, 3, 0x40, 4, 5, 6, 0, 0x10, 0, 0, 0]);
        let task = Taskfile::parse(&raw).unwrap();
        assert_eq!((task.command, task.features, task.lba), (0x60, 8, 0x0605_0403_0201));
        assert_eq!((task.count, task.device, task.is_command), (0x10, 0x40, true));
        raw[0] = 0x34;
        assert_eq!(Taskfile::parse(&raw), None);
    }

    #[test]
    fn frames_have_their_places() {
        let shadow = Shadow { status: 0x51, error: 0x40, lba: 0x0605_0403_0201, count: 7 };
        let (at, raw, bytes) = Frame::Register { shadow, interrupts: true }.render();
        assert_eq!((at, bytes), (0x40, 20));
        assert_eq!(raw[..14], [0x34, 0x40, 0x51, 0x40, 1, 2, 3, 0, 4, 5, 6, 0, 7, 0]);
        let (at, raw, bytes) = Frame::SetDeviceBits { ended: 0x8000_0001, status: 0x50, error: 0 }.render();
        assert_eq!((at, bytes), (0x58, 8));
        assert_eq!(raw[..8], [0xA1, 0x40, 0x50, 0, 1, 0, 0, 0x80]);
        let (at, raw, _) = Frame::PioSetup { shadow: Shadow { status: 0x50, ..shadow }, bytes: 512 }.render();
        assert_eq!((at, raw[0], raw[2], raw[15], raw[17]), (0x20, 0x5F, 0x58, 0x50, 2));
    }
}
