//! What a call of a routine that is known by name only does: it stops the run, at our limit and not at a
//! mistake of the driver's.

#![expect(unsafe_code, reason = "works on SRBs, IRPs and driver memory behind checked pointers")]

use kernel_sim::ddi::Call;

#[cold]
fn stop(call: &Call) -> ! {
    let callbacks = call.cpu.callbacks();
    let caller = callbacks.last().map_or("a thread", |kind| kind.name);
    call.not_modelled(format!("{}, called from {caller} at {}", call.ddi.name, call.site))
}

macro_rules! absent {
    ($($name:ident($($argument:ident: $ty:ident),*);)*) => {$(
        #[allow(clippy::too_many_arguments, reason = "the documented signatures")]
        pub(crate) unsafe fn $name<$($ty,)* R>(call: &Call, $($argument: $ty),*) -> R {
            let _ = ($($argument,)*);
            stop(call)
        }
    )*};
}

absent! {
    one(a: A);
    two(a: A, b: B);
    three(a: A, b: B, c: C);
    four(a: A, b: B, c: C, d: D);
    five(a: A, b: B, c: C, d: D, e: E);
    six(a: A, b: B, c: C, d: D, e: E, f: F);
    seven(a: A, b: B, c: C, d: D, e: E, f: F, g: G);
}
