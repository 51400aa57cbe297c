//! Codes a device may invent: a newtype with named constants, instead of an enum that would have to refuse.
//!
//! ```text
//! open_enum! {
//!     /// How a command ended.
//!     #[derive(FromBytes, ...)]
//!     pub struct ScsiStatus(u8);
//!     /// The command did what it was asked.
//!     GOOD = 0x00, "GOOD";
//! }
//! // becomes
//! pub struct ScsiStatus(pub u8);
//! impl ScsiStatus {
//!     pub const GOOD: Self = Self(0x00);
//!     pub const fn name(self) -> Option<&'static str>;  // Some("GOOD")
//! }
//! // with Display and Debug: "GOOD", or the number in hex
//! ```

/// Declares one open code; see the module page for an expanded row.
macro_rules! open_enum {
    (
        $(#[$meta:meta])*
        pub struct $name:ident($repr:ty);
        $( $(#[$row:meta])* $constant:ident = $value:literal, $text:literal; )*
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name(pub $repr);

        impl $name {
            $( $(#[$row])* pub const $constant: Self = Self($value); )*

            /// The name the standard gives this code, or `None` if this crate does not know it.
            pub const fn name(self) -> Option<&'static str> {
                match self {
                    $( Self::$constant => Some($text), )*
                    _ => None,
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match self.name() {
                    Some(name) => f.write_str(name),
                    None => write!(f, "{:#04x}", self.0),
                }
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                std::fmt::Display::fmt(self, f)
            }
        }
    };
}
