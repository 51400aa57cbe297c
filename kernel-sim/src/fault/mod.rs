//! Faults of driver code: a wild pointer, a stack overflow, an illegal instruction, an abort.
//!
//! The host tells of them by a signal on the thread that made them. Where that thread runs code on a kernel
//! stack of a machine, the signal becomes a bug check of the driver: the handler ([`signal`]) notes the
//! evidence and lets the thread go on, by a few lines of assembly ([`trampoline`]), in [`caught`], on a stack
//! kept in reserve ([`room`]). There the call stack is walked, the machine stopped, and the fiber abandoned:
//! code that faulted between any two instructions cannot be unwound, so nothing on its stack is dropped.
//! A signal of any other thread, or of the simulator's own code, goes to the handler that was there before.
//!
//! Invariant: the handler allocates nothing, takes no lock and calls no code but this module's.
//!
//! Linux on x86-64 only; on other hosts a fault ends the process, as it does without this module.

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod caught;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod evidence;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod line;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod room;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod signal;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod stop;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
mod trampoline;

#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub(crate) use {room::furnish, signal::install};

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
mod elsewhere {
    /// Nothing: faults are not caught on this host.
    pub(crate) fn install() {}
    /// Nothing: faults are not caught on this host.
    pub(crate) fn furnish() {}
}
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
pub(crate) use elsewhere::{furnish, install};
