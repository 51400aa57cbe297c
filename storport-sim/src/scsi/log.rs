//! Log pages: the header, the head of a parameter, and the codes of the pages a disk has (SPC-5, "Log
//! parameters").

use zerocopy::big_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

open_enum! {
    /// A log page code, six bits.
    #[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
    pub struct LogPage(u8);

    /// The list of pages there are.
    SUPPORTED = 0x00, "Supported Log Pages";
    /// How warm it is.
    TEMPERATURE = 0x0d, "Temperature";
    /// Room for notes of the application client.
    APPLICATION_CLIENT = 0x0f, "Application Client";
    /// Whether a failure is expected.
    INFORMATIONAL_EXCEPTIONS = 0x2f, "Informational Exceptions";
}

/// The four bytes every page begins with.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct LogHeader {
    /// [`Self::DS`], [`Self::SPF`], page code in bits 5..0.
    pub page: u8,
    /// Subpage code.
    pub subpage: u8,
    /// Bytes that follow the header.
    pub length: U16,
}
const _: () = assert!(size_of::<LogHeader>() == 4);

impl LogHeader {
    /// `page`: the parameters are never saved.
    pub const DS: u8 = 0x80;
    /// `page`: the subpage code means something.
    pub const SPF: u8 = 0x40;
}

/// The head of one parameter.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned, Clone, Copy, Debug)]
#[repr(C)]
pub struct LogParameterHeader {
    /// Which parameter.
    pub code: U16,
    /// DU, TSD and the format in bits 1..0; [`Self::BINARY_LIST`].
    pub control: u8,
    /// Bytes that follow.
    pub length: u8,
}
const _: () = assert!(size_of::<LogParameterHeader>() == 4);

impl LogParameterHeader {
    /// `control`: a list of bytes, not a counter.
    pub const BINARY_LIST: u8 = 0x03;
}
