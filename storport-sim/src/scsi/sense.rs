//! Sense data: why a command ended in CHECK CONDITION, and the two ways to write it down.
//!
//! [`Sense`] is the meaning; fixed (70h) and descriptor (72h) format are renderings of it, cut off at
//! whatever length the reader has. Both say only "current error": this disk defers none.

use zerocopy::big_endian::{U16, U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use super::AdditionalSense;

open_enum! {
    /// The class of a failure (SPC-5, "Sense key descriptions"); four bits on the wire.
    #[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
    pub struct SenseKey(u8);

    /// Nothing to say.
    NO_SENSE = 0x0, "NO SENSE";
    /// The command succeeded after device recovery.
    RECOVERED_ERROR = 0x1, "RECOVERED ERROR";
    /// The logical unit cannot be accessed now.
    NOT_READY = 0x2, "NOT READY";
    /// The medium, or the data on it, is bad.
    MEDIUM_ERROR = 0x3, "MEDIUM ERROR";
    /// The device is bad.
    HARDWARE_ERROR = 0x4, "HARDWARE ERROR";
    /// The request makes no sense to this device.
    ILLEGAL_REQUEST = 0x5, "ILLEGAL REQUEST";
    /// Something happened that the initiator should know before it goes on.
    UNIT_ATTENTION = 0x6, "UNIT ATTENTION";
    /// The block is protected from the operation.
    DATA_PROTECT = 0x7, "DATA PROTECT";
    /// Nothing is written there, or something is where nothing should be.
    BLANK_CHECK = 0x8, "BLANK CHECK";
    /// The vendor's own.
    VENDOR_SPECIFIC = 0x9, "VENDOR SPECIFIC";
    /// A copy between devices was given up.
    COPY_ABORTED = 0xa, "COPY ABORTED";
    /// The device gave the command up; it may be tried again.
    ABORTED_COMMAND = 0xb, "ABORTED COMMAND";
    /// Obsolete: a search found what it was for.
    EQUAL = 0xc, "EQUAL";
    /// The medium is full, and data is left.
    VOLUME_OVERFLOW = 0xd, "VOLUME OVERFLOW";
    /// Source data and medium differ.
    MISCOMPARE = 0xe, "MISCOMPARE";
    /// Reported later, and the command is done.
    COMPLETED = 0xf, "COMPLETED";
}

/// The field that an ILLEGAL REQUEST is about (SPC-5, "Field pointer sense key specific information").
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FieldPointer {
    /// `true` for a byte of the command block, `false` for one of the parameter list.
    pub in_cdb: bool,
    /// The first byte of the field, counted from 0.
    pub byte: u16,
    /// The most significant bit of the field (7..=0), if the field is not made of whole bytes.
    pub bit: Option<u8>,
}

/// How sense data is laid out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SenseFormat {
    /// Response code 70h, 18 bytes, INFORMATION limited to 32 bits. What Windows reads by default.
    Fixed,
    /// Response code 72h, 8 bytes and a descriptor for each thing there is to add.
    Descriptor,
}

/// Why a command failed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Sense {
    /// The class of the failure.
    pub key: SenseKey,
    /// What exactly.
    pub additional: AdditionalSense,
    /// INFORMATION: for block commands the first logical block that could not be processed; for a COMPARE AND
    /// WRITE that found a difference, the offset of the first byte that differs.
    pub information: Option<u64>,
    /// Which field was refused.
    pub field: Option<FieldPointer>,
}

impl Sense {
    /// The longest rendering, in bytes: descriptor format with both descriptors.
    pub const LEN_MAX: usize = 28;

    /// Nothing to report: what REQUEST SENSE returns on a quiet unit.
    pub const NO_SENSE: Self =
        Self::new(SenseKey::NO_SENSE, AdditionalSense::NO_ADDITIONAL_SENSE_INFORMATION);

    /// Sense with a key and a code, and nothing to add.
    pub const fn new(key: SenseKey, additional: AdditionalSense) -> Self {
        Self { key, additional, information: None, field: None }
    }

    /// 06/xx: `additional` has happened since the last command.
    pub const fn unit_attention(additional: AdditionalSense) -> Self {
        Self::new(SenseKey::UNIT_ATTENTION, additional)
    }

    /// 05/20/00: no such command here.
    pub const fn invalid_opcode() -> Self {
        let field = FieldPointer { in_cdb: true, byte: 0, bit: None };
        Self {
            field: Some(field),
            ..Self::new(SenseKey::ILLEGAL_REQUEST, AdditionalSense::INVALID_COMMAND_OPERATION_CODE)
        }
    }

    /// 05/24/00: the command block's field at `byte` (and `bit`, its most significant one) is refused.
    pub const fn invalid_field(byte: u16, bit: Option<u8>) -> Self {
        let field = FieldPointer { in_cdb: true, byte, bit };
        Self {
            field: Some(field),
            ..Self::new(SenseKey::ILLEGAL_REQUEST, AdditionalSense::INVALID_FIELD_IN_CDB)
        }
    }

    /// 05/26/00: the parameter list's field at `byte` is refused.
    pub const fn invalid_parameter(byte: u16) -> Self {
        let field = FieldPointer { in_cdb: false, byte, bit: None };
        Self {
            field: Some(field),
            ..Self::new(SenseKey::ILLEGAL_REQUEST, AdditionalSense::INVALID_FIELD_IN_PARAMETER_LIST)
        }
    }

    /// 05/26/00: bit `bit` of the parameter list's byte at `byte` is refused.
    pub const fn invalid_parameter_bit(byte: u16, bit: u8) -> Self {
        let field = FieldPointer { in_cdb: false, byte, bit: Some(bit) };
        Self { field: Some(field), ..Self::invalid_parameter(byte) }
    }

    /// 05/1a/00: the parameter list is cut in the wrong place.
    pub const fn parameter_list_length() -> Self {
        Self::new(SenseKey::ILLEGAL_REQUEST, AdditionalSense::PARAMETER_LIST_LENGTH_ERROR)
    }

    /// The same, about logical block `lba`.
    pub const fn at_block(self, lba: u64) -> Self {
        Self { information: Some(lba), ..self }
    }

    /// Writes as much of this sense as fits into `out`; returns the bytes written.
    ///
    /// Cutting off is not an error: the ADDITIONAL SENSE LENGTH field counts what there would have been, as
    /// the standard asks. Bytes of `out` beyond the returned count are left as they were.
    pub fn render(&self, format: SenseFormat, out: &mut [u8]) -> usize {
        match format {
            SenseFormat::Fixed => copy_front(FixedSense::from(self).as_bytes(), out),
            SenseFormat::Descriptor => {
                let mut whole = [0; Self::LEN_MAX];
                let len = self.write_descriptors(&mut whole);
                copy_front(&whole[..len], out)
            }
        }
    }

    /// Reads sense data back, as a class driver does; `None` if it is too short to name a key, or not sense
    /// data.
    ///
    /// Deferred errors (71h, 73h) read like current ones. Fields beyond a cut are taken as absent.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        match bytes.first()? & 0x7f {
            0x70 | 0x71 => {
                // Bytes never sent read as zero (SPC-5, "Fixed format sense data").
                let mut whole = [0; size_of::<FixedSense>()];
                copy_front(bytes, &mut whole);
                let fixed: FixedSense = zerocopy::transmute!(whole);
                bytes.get(2)?;
                Some(Self {
                    key: SenseKey(fixed.key & 0x0f),
                    additional: AdditionalSense { code: fixed.code, qualifier: fixed.qualifier },
                    information: (fixed.response_code & 0x80 != 0).then(|| fixed.information.get().into()),
                    field: decode_field(fixed.key_specific),
                })
            }
            0x72 | 0x73 => {
                let (header, descriptors) = DescriptorSenseHeader::read_from_prefix(bytes).ok()?;
                let additional = AdditionalSense { code: header.code, qualifier: header.qualifier };
                let mut sense = Self::new(SenseKey(header.key & 0x0f), additional);
                let mut rest = descriptors;
                while let [kind, len, ..] = *rest {
                    let Some((body, next)) = rest[2..].split_at_checked(len.into()) else {
                        break;
                    };
                    match (kind, body) {
                        (0x00, &[valid, _, a, b, c, d, e, f, g, h]) if valid & 0x80 != 0 => {
                            sense.information = Some(u64::from_be_bytes([a, b, c, d, e, f, g, h]));
                        }
                        (0x02, &[_, _, a, b, c, _]) => sense.field = decode_field([a, b, c]),
                        _ => {}
                    }
                    rest = next;
                }
                Some(sense)
            }
            _ => None,
        }
    }

    fn write_descriptors(&self, out: &mut [u8; Self::LEN_MAX]) -> usize {
        let mut len = size_of::<DescriptorSenseHeader>();
        if let Some(information) = self.information {
            let information = InformationDescriptor {
                kind: 0x00,
                additional_length: 0x0a,
                valid: 0x80,
                reserved: 0,
                information: information.into(),
            };
            len += copy_front(information.as_bytes(), &mut out[len..]);
        }
        if let Some(field) = self.field {
            let [a, b, c] = encode_field(field);
            len += copy_front(&[0x02, 0x06, 0, 0, a, b, c, 0], &mut out[len..]);
        }
        let header = DescriptorSenseHeader {
            response_code: 0x72,
            key: self.key.0,
            code: self.additional.code,
            qualifier: self.additional.qualifier,
            reserved: [0; 3],
            // At most 20: LEN_MAX less the header.
            additional_length: (len - size_of::<DescriptorSenseHeader>()) as u8,
        };
        copy_front(header.as_bytes(), out);
        len
    }
}

/// "05/24/00 INVALID FIELD IN CDB", the key as a digit pair, as people quote sense data.
impl std::fmt::Display for Sense {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:02x}/{}", self.key.0, self.additional)?;
        if let Some(FieldPointer { in_cdb, byte, bit }) = self.field {
            write!(f, ", {} byte {byte}", if in_cdb { "CDB" } else { "parameter list" })?;
            if let Some(bit) = bit {
                write!(f, " bit {bit}")?;
            }
        }
        if let Some(lba) = self.information {
            write!(f, ", block {lba}")?;
        }
        Ok(())
    }
}

impl std::fmt::Debug for Sense {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

/// Fixed format sense data (SPC-5, "Fixed format sense data").
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct FixedSense {
    /// 70h, with bit 7 (VALID) set if `information` holds something.
    pub response_code: u8,
    /// Obsolete.
    pub obsolete: u8,
    /// Sense key in bits 3..0; filemark, end of medium and incorrect length above it are never set here.
    pub key: u8,
    /// INFORMATION: the logical block, where it fits into 32 bits.
    pub information: U32,
    /// Bytes that follow this one: 10.
    pub additional_length: u8,
    /// Command-specific information; zero.
    pub command_specific: U32,
    /// ASC.
    pub code: u8,
    /// ASCQ.
    pub qualifier: u8,
    /// Field replaceable unit; zero.
    pub unit_code: u8,
    /// Sense key specific: SKSV, C/D, BPV, bit pointer; field pointer.
    pub key_specific: [u8; 3],
}
const _: () = assert!(size_of::<FixedSense>() == 18);

impl From<&Sense> for FixedSense {
    fn from(sense: &Sense) -> Self {
        // A block past 32 bits cannot be said in this format: VALID stays clear.
        let information = sense.information.and_then(|lba| u32::try_from(lba).ok());
        Self {
            response_code: if information.is_some() { 0xf0 } else { 0x70 },
            obsolete: 0,
            key: sense.key.0,
            information: information.unwrap_or(0).into(),
            additional_length: 10,
            command_specific: U32::ZERO,
            code: sense.additional.code,
            qualifier: sense.additional.qualifier,
            unit_code: 0,
            key_specific: sense.field.map_or([0; 3], encode_field),
        }
    }
}

/// The first 8 bytes of descriptor format sense data (SPC-5, "Descriptor format sense data").
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct DescriptorSenseHeader {
    /// 72h.
    pub response_code: u8,
    /// Sense key in bits 3..0.
    pub key: u8,
    /// ASC.
    pub code: u8,
    /// ASCQ.
    pub qualifier: u8,
    /// Reserved.
    pub reserved: [u8; 3],
    /// Bytes of descriptors that follow.
    pub additional_length: u8,
}
const _: () = assert!(size_of::<DescriptorSenseHeader>() == 8);

/// SPC-5, "Information sense data descriptor".
#[derive(IntoBytes, Immutable, Unaligned)]
#[repr(C)]
struct InformationDescriptor {
    kind: u8,
    additional_length: u8,
    valid: u8,
    reserved: u8,
    information: U64,
}
const _: () = assert!(size_of::<InformationDescriptor>() == 12);

/// SKSV, C/D, BPV and bit pointer in the first byte; the byte pointer in the other two.
fn encode_field(field: FieldPointer) -> [u8; 3] {
    let in_cdb = if field.in_cdb { 0x40 } else { 0 };
    let bit = field.bit.map_or(0, |bit| 0x08 | (bit & 7));
    let [high, low] = U16::new(field.byte).to_bytes();
    [0x80 | in_cdb | bit, high, low]
}

fn decode_field([flags, high, low]: [u8; 3]) -> Option<FieldPointer> {
    (flags & 0x80 != 0).then(|| FieldPointer {
        in_cdb: flags & 0x40 != 0,
        byte: u16::from_be_bytes([high, low]),
        bit: (flags & 0x08 != 0).then_some(flags & 7),
    })
}

/// Copies as much of `from` as `to` holds; returns how much that was.
fn copy_front(from: &[u8], to: &mut [u8]) -> usize {
    let len = from.len().min(to.len());
    to[..len].copy_from_slice(&from[..len]);
    len
}
