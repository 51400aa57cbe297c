//! Faults of driver code: a wild pointer, a stack overflow, an illegal instruction, an abort.
//!
//! The host tells of them by a signal on the thread that made them. Where that thread runs code on a kernel
//! stack of a machine, the signal becomes a bug check of the driver: the handler (`signal`) notes the
//! evidence and lets the thread go on, by a few lines of assembly (`trampoline`), in `caught`, on a stack
//! kept in reserve (`room`). There the call stack is walked, the machine stopped, and the fiber abandoned:
//! code that faulted between any two instructions cannot be unwound, so nothing on its stack is dropped.
//! A signal of any other thread, or of the simulator's own code, goes to the handler that was there before.
//!
//! Driver code that makes no call and never returns ends in the same way: the watchdog (`watchdog`) sees it
//! by the clock and sends a signal, whose handler redirects the thread like one that faulted.
//!
//! Invariant: the handler allocates nothing, takes no lock and calls no code but this module's.
//!
//! Linux on x86-64 only; on other hosts `elsewhere.rs` stands in, and a fault ends the process.

mod caught;
mod evidence;
mod line;
mod post;
mod room;
mod signal;
mod stop;
mod trampoline;
mod watchdog;

pub(crate) use signal::install;
pub use watchdog::hurry;
pub(crate) use watchdog::watch;
