//! `ddis!`: from one row, the hooked function, its number and its description.
//!
//! The row
//!
//! ```text
//! /// Takes a spin lock.
//! KeAcquireSpinLock = 6(SpinLock: PKSPIN_LOCK, OldIrql: PKIRQL) -> (),
//!     header "wdm.h", irql (PASSIVE, DISPATCH), Modelled, Acquire => lock::acquire;
//! ```
//!
//! becomes
//!
//! ```text
//! pub static KeAcquireSpinLock: DdiInfo = ..;       // in `row`
//! pub unsafe fn KeAcquireSpinLock(SpinLock: PKSPIN_LOCK, OldIrql: PKIRQL) {
//!     let call = Call::numbered(6, &row::KeAcquireSpinLock, Site::caller());
//!     if call.is_slow(true, ..) { /* hook entry, lock::acquire(&call, ..), hook exit */ }
//!     else { lock::acquire(&call, SpinLock, OldIrql); call.finish() }
//! }
//! ```
//!
//! where the body stands in `at::KeAcquireSpinLock`, which takes the site as an argument, and is reached by
//! images through `thunk::KeAcquireSpinLock`; together with `args::KeAcquireSpinLock`, in which a watcher
//! reads the arguments by name. The number after the name is the routine's own, in trace hashes too: a row
//! may stand wherever it belongs, and keeps its number. The word before `=>` is the row's
//! [`Kind`](crate::routine::Kind); `must_use` after it says that Microsoft's headers or pages want the result
//! inspected: so are then the function in Rust and the declaration in the generated C headers.

/// Declares DDIs, one row each.
#[macro_export]
macro_rules! ddis {
    ($(
        $(#[doc = $doc:literal])+
        $name:ident = $number:literal($($arg:ident: $ty:ty),* $(,)?) -> $ret:ty,
            header $header:literal, irql $irql:tt, $coverage:ident, $kind:ident $(, $must_use:ident)? => $body:path;
    )+) => {
        /// The row of each routine, under the routine's name.
        #[expect(non_upper_case_globals, reason = "the documented WDK names")]
        pub mod row {
            $(
                $(#[doc = $doc])+
                pub static $name: $crate::routine::DdiInfo = $crate::routine::DdiInfo {
                    id: $number,
                    name: stringify!($name),
                    header: $header,
                    irql: $crate::irql_range!($irql),
                    coverage: $crate::routine::Coverage::$coverage,
                    params: &[$((stringify!($arg), stringify!($ty))),*],
                    returns: stringify!($ret),
                    summary: concat!($($doc, "\n"),+),
                    kind: $crate::routine::Kind::$kind,
                    must_inspect: $crate::is_marked!($($must_use)?),
                };
            )+
        }

        /// The arguments of each routine by name, under the routine's name, as watchers read them
        /// ([`Event::args`](kernel_sim::hook::Event::args)).
        #[allow(non_camel_case_types, reason = "the documented WDK names")]
        pub mod args {
            $(
                #[doc = concat!("The arguments of `", stringify!($name), "`.")]
                #[derive(Clone, Copy, Debug)]
                #[allow(missing_docs, reason = "the documented parameters")]
                pub struct $name {
                    $(pub $arg: $crate::routine::Arg),*
                }

                impl $crate::routine::Arguments for $name {
                    const NUMBER: u16 = $number;

                    #[allow(unused_mut, unused_variables, reason = "a routine may have no parameters")]
                    fn read(args: &[$crate::routine::Arg]) -> Option<Self> {
                        let mut args = args.iter();
                        Some($name { $($arg: *args.next()?),* })
                    }
                }
            )+
        }

        /// Every routine of this table, in order.
        pub static TABLE: &[&$crate::routine::DdiInfo] = {
            const ROWS: &[&$crate::routine::DdiInfo] = &[$(&row::$name),+];
            $crate::routine::assert_distinct(ROWS);
            ROWS
        };

        /// Every routine as called from a given place.
        #[allow(non_snake_case, reason = "the documented WDK names")]
        mod at {
            use super::*;
            $(
                #[allow(clippy::too_many_arguments, reason = "the documented signature")]
                #[inline(always)]
                pub(super) unsafe fn $name(site: $crate::site::Site, $($arg: $ty),*) -> $ret {
                    const KIND: $crate::routine::Kind = $crate::routine::Kind::$kind;
                    let call = $crate::ddi::Call::numbered($number, &row::$name, site);
                    if call.is_slow(const { KIND.is_holding() }, const { $crate::irql_range!($irql) }) {
                        #[allow(clippy::too_many_arguments, reason = "the documented signature")]
                        #[cold]
                        #[inline(never)]
                        unsafe fn slow(site: $crate::site::Site, $($arg: $ty),*) -> $ret {
                            let call = &$crate::ddi::Call::numbered($number, &row::$name, site);
                            let args = [$($crate::routine::IntoArg::into_arg($arg)),*];
                            if const { KIND.is_acquire() }
                                && call.is_known_nesting(const { $crate::irql_range!($irql) }, &args)
                            {
                                // SAFETY: forwarded from the caller.
                                let answer = unsafe { $body(call, $($arg),*) };
                                call.finish();
                                return answer;
                            }
                            let Some(entered) = $crate::ddi::enter(call, &args, KIND) else {
                                return $crate::routine::StoppedAnswer::stopped();
                            };
                            // SAFETY: forwarded from the caller.
                            let answer = unsafe { $body(call, $($arg),*) };
                            $crate::ddi::leave(call, entered, $crate::routine::IntoArg::into_arg(answer));
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
        }

        /// Every routine as an image calls it: by Windows' convention, the place from the return address.
        #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
        #[allow(non_snake_case, reason = "the documented WDK names")]
        pub(crate) mod thunk {
            use super::*;
            $(
                #[allow(clippy::too_many_arguments, reason = "the documented signature")]
                pub(crate) unsafe extern "win64-unwind" fn $name($($arg: $ty),*) -> $ret {
                    let site = $crate::image::caller_site();
                    // SAFETY: forwarded from the caller.
                    unsafe { at::$name(site, $($arg),*) }
                }
            )+

            /// All of them.
            pub(crate) fn exports() -> Vec<$crate::image::Export> {
                vec![$($crate::image::Export {
                    name: stringify!($name),
                    address: $name as unsafe extern "win64-unwind" fn($($ty),*) -> $ret as usize,
                    arguments: <[&str]>::len(&[$(stringify!($arg)),*]) as u32,
                }),+]
            }
        }

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
            $(#[$must_use])?
            pub unsafe fn $name($($arg: $ty),*) -> $ret {
                // SAFETY: forwarded from the caller.
                unsafe { at::$name($crate::site::Site::caller(), $($arg),*) }
            }
        )+
    };
}

/// Whether a row says `must_use`.
#[doc(hidden)]
#[macro_export]
macro_rules! is_marked {
    () => {
        false
    };
    (must_use) => {
        true
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
