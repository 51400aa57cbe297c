//! Constants of the WDK headers, as a table besides: what C headers are generated from.

/// A constant.
#[derive(Clone, Copy, Debug)]
pub struct Number {
    /// The documented name.
    pub name: &'static str,
    /// Its value.
    pub value: i64,
}

/// Declares constants, and a static that lists them.
#[macro_export]
macro_rules! wdk_numbers {
    (in $table:ident; $($name:ident: $ty:ty = $value:expr;)*) => {
        $(#[doc = concat!("`", stringify!($name), "` of the WDK headers.")] pub const $name: $ty = $value;)*
        /// The constants of this table.
        pub static $table: &[$crate::ddi::Number] =
            &[$($crate::ddi::Number { name: stringify!($name), value: $name as i64 }),*];
    };
}
