//! The configuration of a disk: geometry, names, features.

use thiserror::Error;

/// Bytes per logical block.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum BlockSize {
    /// 512 bytes.
    #[default]
    B512,
    /// 4096 bytes ("4K native").
    B4096,
}

impl BlockSize {
    /// The size in bytes.
    pub const fn bytes(self) -> u32 {
        1 << self.shift()
    }

    /// The size as a power of two.
    pub(super) const fn shift(self) -> u32 {
        match self {
            Self::B512 => 9,
            Self::B4096 => 12,
        }
    }
}

/// Block sizes and caching of a disk. The default is 512-byte blocks on a solid state disk with a write
/// cache.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Geometry {
    /// Bytes per logical block.
    pub block_size: BlockSize,
    /// Logical blocks per physical block as a power of two, 0 ..= 15; 3 with 512-byte blocks is "512e".
    pub physical_exponent: u8,
    /// Rotations per minute, or 1 for a medium that does not rotate, or 0 for "not said".
    pub rotation_rate: u16,
    /// A write may complete before it is durable (the default of WCE, which MODE SELECT changes). Without it
    /// the store is flushed after every write.
    pub write_cache: bool,
}

impl Geometry {
    /// "512n": logical and physical blocks of 512 bytes.
    pub const NATIVE_512: Self =
        Self { block_size: BlockSize::B512, physical_exponent: 0, rotation_rate: 1, write_cache: true };
    /// "512e": logical blocks of 512 bytes, eight to a physical one.
    pub const EMULATED_512: Self = Self { physical_exponent: 3, ..Self::NATIVE_512 };
    /// "4Kn": logical and physical blocks of 4096 bytes.
    pub const NATIVE_4K: Self = Self { block_size: BlockSize::B4096, ..Self::NATIVE_512 };
}

impl Default for Geometry {
    fn default() -> Self {
        Self::NATIVE_512
    }
}

/// Why a disk could not be built over a store.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum DiskError {
    /// The store holds nothing.
    #[error("a disk needs at least one block, and its store is empty")]
    Empty,
    /// The store is not a whole number of blocks long.
    #[error("the store is {len} bytes long, not a multiple of the {block}-byte block")]
    Ragged {
        /// Length of the store, in bytes.
        len: u64,
        /// Length of a block, in bytes.
        block: u64,
    },
    /// The physical block exponent does not fit its four bits.
    #[error("a physical block exponent of {0}: the field ends at 15")]
    PhysicalExponent(u8),
}

/// The names of a disk: INQUIRY's three and a serial number.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Identity {
    pub(super) vendor: [u8; 8],
    pub(super) product: [u8; 16],
    pub(super) revision: [u8; 4],
    pub(super) serial: Box<str>,
}

impl Identity {
    /// The longest serial number, in bytes.
    pub const SERIAL_MAX: usize = 64;

    /// An identity of printable ASCII: a vendor of at most 8 characters, a product of 16, a revision of 4, a
    /// serial number of 1 ..= 64. Refuses anything longer, and any other character.
    pub fn new(vendor: &str, product: &str, revision: &str, serial: &str) -> Result<Self, IdentityError> {
        if serial.is_empty() {
            return Err(IdentityError::NoSerial);
        }
        check("serial number", serial, Self::SERIAL_MAX)?;
        Ok(Self {
            vendor: padded("vendor", vendor)?,
            product: padded("product", product)?,
            revision: padded("revision", revision)?,
            serial: serial.into(),
        })
    }

    /// The same names with a serial number of its own for the `n`th of several disks, counted from 0: the
    /// default's first has "1". Every designator follows from it.
    #[must_use]
    pub fn numbered(n: usize) -> Self {
        Self { serial: (n + 1).to_string().into(), ..Self::default() }
    }

    /// The serial number.
    pub fn serial(&self) -> &str {
        &self.serial
    }

    /// A locally assigned NAA name (SPC-5, "NAA Locally Assigned designator format"), the same for the same
    /// identity: 3h in the top four bits, then a 60-bit FNV-1a digest of the names and the serial number.
    pub fn naa(&self) -> u64 {
        let names = self.vendor.iter().chain(&self.product).chain(self.serial.as_bytes());
        let digest = names.fold(0xcbf2_9ce4_8422_2325_u64, |digest, &byte| {
            (digest ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        0x3 << 60 | digest >> 4
    }
}

/// "STORSIM  Virtual Disk", revision 1.0, serial number "1".
impl Default for Identity {
    fn default() -> Self {
        Self { vendor: *b"STORSIM ", product: *b"Virtual Disk    ", revision: *b"1.0 ", serial: "1".into() }
    }
}

/// Why a name cannot be said in INQUIRY data.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum IdentityError {
    /// It does not fit its field.
    #[error("{field} {value:?} is longer than {max} characters")]
    TooLong {
        /// Which name.
        field: &'static str,
        /// What was asked for.
        value: String,
        /// The room there is, in characters.
        max: usize,
    },
    /// It has a character that is not printable ASCII.
    #[error("{field} {value:?} is not printable ASCII")]
    NotAscii {
        /// Which name.
        field: &'static str,
        /// What was asked for.
        value: String,
    },
    /// Two disks without serial numbers would be one disk to multipath software.
    #[error("a disk needs a serial number")]
    NoSerial,
}

fn check(field: &'static str, value: &str, max: usize) -> Result<(), IdentityError> {
    if !value.bytes().all(|byte| matches!(byte, 0x20..=0x7e)) {
        return Err(IdentityError::NotAscii { field, value: value.into() });
    }
    if value.len() > max {
        return Err(IdentityError::TooLong { field, value: value.into(), max });
    }
    Ok(())
}

fn padded<const N: usize>(field: &'static str, value: &str) -> Result<[u8; N], IdentityError> {
    check(field, value, N)?;
    let mut out = [b' '; N];
    out[..value.len()].copy_from_slice(value.as_bytes());
    Ok(out)
}
