//! A small Windows kernel in userspace: processors, IRQL, spin locks, DPCs, interrupts, threads, IRPs.
//!
//! A [`machine::Config`] becomes a running machine; driver code calls it through [`ddi`], the documented WDK
//! names. Two executors run the same code: a deterministic one, in which every interleaving is a choice of
//! one strategy, and a parallel one with a host thread per processor. This crate has never heard of Storport,
//! and knows no rules: it shows what happens to its watchers ([`hook`]).

#[macro_use]
pub mod ddi;

pub mod allocation_failure;
pub mod bugcheck;
pub mod bus;
pub mod choose;
pub mod dma;
mod exec;
mod fiber;
pub mod hardware;
pub mod hook;
pub mod host_clock;
mod io;
pub mod irql;
mod kernel;
mod lookaside;
pub mod machine;
mod memory;
mod model;
mod panics;
pub mod pool;
mod power;
pub mod processor;
mod registers;
pub mod safe;
pub mod shared;
pub mod split_mix;
mod sync;
pub mod unhooked;

pub use io::pnp::PnpDevice;
pub use memory::MACHINE_BASE;

/// A machine address as a debugger prints it: `ffffc000`00001240`.
#[must_use]
pub fn report_address(address: u64) -> String {
    format!("{:08x}`{:08x}", address >> 32, address & 0xFFFF_FFFF)
}
