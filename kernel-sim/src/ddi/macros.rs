//! `ddis!`: from one row, the hooked function, its number and its description.
//!
//! The row
//!
//! ```text
//! /// Takes a spin lock.
//! KeAcquireSpinLock(SpinLock: PKSPIN_LOCK, OldIrql: PKIRQL) -> (),
//!     header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, point => lock::acquire;
//! ```
//!
//! becomes
//!
//! ```text
//! pub static KeAcquireSpinLock: DdiInfo = ..;       // in `row`
//! pub unsafe fn KeAcquireSpinLock(SpinLock: PKSPIN_LOCK, OldIrql: PKIRQL) {
//!     let call = Call::new(&row::KeAcquireSpinLock, Location::caller());
//!     if call.is_slow(false) { /* hook entry, lock::acquire(&call, ..), hook exit */ }
//!     else { lock::acquire(&call, SpinLock, OldIrql); call.finish() }
//! }
//! ```
//!
//! The word before `=>` is the row's kind. `plain` is invisible to others. All other kinds are
//! scheduling points, and say what the call may change or see (`hook::Effect`), so that a search over
//! schedules knows which orders are the same:
//!
//! | kind | effect | |
//! | --- | --- | --- |
//! | `point` | anything | |
//! | `holding` | anything | rules may watch it while a lock is held |
//! | `poll` | anything | the caller only looks: loops of such calls are polling |
//! | `local` | its own processor | |
//! | `object` | the object of its first pointer | |
//! | `look` | looks at that object | polling |
//! | `acquire` | takes that spin lock | not enabled while another processor holds it |
//! | `clock` | looks at the clock | polling |
//! | `cell` | the body says | polling, where it changed nothing |
//! | `register` | the body says | polling |

/// Declares the DDIs of one crate. `base` is the first number.
#[macro_export]
macro_rules! ddis {
    (base $base:expr; $(
        $(#[doc = $doc:literal])+
        $name:ident($($arg:ident: $ty:ty),* $(,)?) -> $ret:ty,
            header $header:literal, irql $irql:tt, $coverage:ident, $kind:ident => $body:path;
    )+) => {
        #[allow(non_camel_case_types, reason = "the documented WDK names")]
        #[allow(clippy::enum_variant_names, reason = "the documented WDK names")]
        #[repr(u16)]
        enum Number { $($name),+ }

        /// What the table says of each routine, under the routine's name.
        #[expect(non_upper_case_globals, reason = "the documented WDK names")]
        pub mod row {
            use super::Number;
            $(
                $(#[doc = $doc])+
                pub static $name: $crate::hook::DdiInfo = $crate::hook::DdiInfo {
                    id: $base + Number::$name as u16,
                    name: stringify!($name),
                    header: $header,
                    irql: $crate::irql_range!($irql),
                    coverage: $crate::hook::Coverage::$coverage,
                    params: &[$((stringify!($arg), stringify!($ty))),*],
                    summary: concat!($($doc, "\n"),+),
                    polls: $crate::is_poll!($kind),
                    effect: $crate::row_effect!($kind),
                };
            )+
        }

        /// Every routine of this table, in order.
        pub static TABLE: &[&$crate::hook::DdiInfo] = &[$(&row::$name),+];

        $(
            $(#[doc = $doc])+
            #[doc = ""]
            #[doc = concat!("IRQL: ", $crate::irql_text!($irql), ". Declared by `", $header, "` on Windows.")]
            ///
            /// # Safety
            /// As on Windows: pointers are the caller's own or come from the kernel and stay valid
            /// for the call. A pointer outside the machine's memory is a bug check.
            #[allow(clippy::too_many_arguments, reason = "the documented signature")]
            #[inline(always)]
            #[track_caller]
            pub unsafe fn $name($($arg: $ty),*) -> $ret {
                let call = $crate::ddi::Call::new(&row::$name, ::std::panic::Location::caller());
                if call.is_slow($crate::is_holding!($kind)) {
                    #[allow(clippy::too_many_arguments, reason = "the documented signature")]
                    #[cold]
                    #[inline(never)]
                    unsafe fn slow(site: $crate::hook::Site, $($arg: $ty),*) -> $ret {
                        let call = &$crate::ddi::Call::new(&row::$name, site);
                        let args = [$($crate::hook::IntoArg::into_arg($arg)),*];
                        let Some(entered) = $crate::ddi::enter(call, &args, $crate::is_point!($kind), $crate::is_holding!($kind), $crate::is_acquire!($kind)) else {
                            return $crate::hook::StoppedAnswer::stopped();
                        };
                        // SAFETY: forwarded from the caller.
                        let answer = unsafe { $body(call, $($arg),*) };
                        $crate::ddi::leave(call, entered, $crate::hook::IntoArg::into_arg(answer));
                        answer
                    }
                    // SAFETY: forwarded from the caller.
                    return unsafe { slow(call.site, $($arg),*) };
                }
                // SAFETY: forwarded from the caller.
                let answer = unsafe { $body(&call, $($arg),*) };
                call.finish();
                answer
            }
        )+
    };
}

/// The documented IRQL range of a row.
#[doc(hidden)]
#[macro_export]
macro_rules! irql_range {
    (undocumented) => {
        None
    };
    (($lo:ident, $hi:ident)) => {
        Some(($crate::irql::Irql::$lo, $crate::irql::Irql::$hi))
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! irql_text {
    (undocumented) => {
        "undocumented"
    };
    (($lo:ident, $hi:ident)) => {
        concat!(stringify!($lo), " to ", stringify!($hi))
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! is_point {
    (plain) => {
        false
    };
    ($other:ident) => {
        true
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! is_poll {
    (poll) => {
        true
    };
    (look) => {
        true
    };
    (clock) => {
        true
    };
    (register) => {
        true
    };
    ($other:ident) => {
        false
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! is_holding {
    (holding) => {
        true
    };
    ($other:ident) => {
        false
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! is_acquire {
    (acquire) => {
        true
    };
    ($other:ident) => {
        false
    };
}

/// The effect that a row's kind stands for.
#[doc(hidden)]
#[macro_export]
macro_rules! row_effect {
    (plain) => {
        $crate::hook::Effect::Own
    };
    (local) => {
        $crate::hook::Effect::Own
    };
    (object) => {
        $crate::hook::Effect::Object
    };
    (look) => {
        $crate::hook::Effect::Look
    };
    (acquire) => {
        $crate::hook::Effect::Acquire
    };
    (clock) => {
        $crate::hook::Effect::Clock
    };
    (cell) => {
        $crate::hook::Effect::Body
    };
    (register) => {
        $crate::hook::Effect::Body
    };
    ($other:ident) => {
        $crate::hook::Effect::Everything
    };
}
