//! A small Windows kernel in userspace: processors, IRQL, spin locks, DPCs, interrupts, threads, IRPs.
//!
//! A [`machine::Config`] becomes a running machine; driver code calls it through [`ddi`], the documented WDK
//! names. Two executors run the same code: a deterministic one, in which every interleaving is a choice of
//! one strategy, and a parallel one with a host thread per processor. This crate has never heard of Storport,
//! and knows no rules: it shows what happens to its watchers ([`hook`]).
//!
//! A machine of two processors, on which two locks are taken in two orders. Some seeds run through, others
//! end in the deadlock:
//!
//! ```
//! use kernel_sim::bugcheck::Ending;
//! use kernel_sim::ddi::*;
//! use kernel_sim::machine::{Config, Execution};
//!
//! struct Locks(KSPIN_LOCK, KSPIN_LOCK);
//!
//! /// The body of processor `cpu`. The locks lie in the machine's memory.
//! fn take_both(locks: &Locks, cpu: u8) {
//!     let (a, b) = ((&raw const locks.0).cast_mut(), (&raw const locks.1).cast_mut());
//!     let (first, second) = if cpu == 0 { (a, b) } else { (b, a) };
//!     // SAFETY: both locks are live, and a lock that is 0 is free.
//!     unsafe {
//!         let old = KeAcquireSpinLockRaiseToDpc(first);
//!         KeAcquireSpinLockAtDpcLevel(second);
//!         KeReleaseSpinLockFromDpcLevel(second);
//!         KeReleaseSpinLock(first, old);
//!     }
//! }
//!
//! let found = (0..100).find_map(|seed| {
//!     let config = Config::new(2, Execution::Seeded(seed)).unwrap();
//!     match config.run_on_every_processor(Locks(0, 0), take_both).ending {
//!         Ending::Deadlock(deadlock) => Some(deadlock),
//!         _ => None,
//!     }
//! });
//! assert_eq!(found.unwrap().what, "CPU 1, CPU 0 wait for each other's spin locks");
//! ```

#[macro_use]
pub mod ddi;

pub mod allocation_failure;
pub mod bugcheck;
pub mod bus;
pub mod choose;
pub mod dma;
mod evidence;
mod exec;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub mod fault;
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
#[path = "fault/elsewhere.rs"]
pub mod fault;
mod fiber;
pub mod frame;
pub mod guard;
mod handles;
pub mod hardware;
pub mod held;
mod here;
pub mod hook;
pub mod host_clock;
#[cfg(all(target_os = "linux", target_arch = "x86_64"))]
pub mod image;
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
#[path = "image/elsewhere.rs"]
pub mod image;
mod io;
pub mod irql;
mod kernel;
mod leftovers;
pub mod lent;
mod lives;
mod lookaside;
pub mod machine;
mod marks;
mod memory;
mod model;
pub mod moment;
mod nesting;
mod order;
pub mod own_sources;
mod panics;
pub mod pool;
mod power;
pub mod processor;
mod program;
mod registers;
mod registry;
pub mod registry_failure;
pub mod routine;
pub mod safe;
pub mod seen;
pub mod shared;
pub mod site;
pub mod split_mix;
pub mod stack;
pub mod stamp;
mod stopping;
mod string;
mod sync;
pub mod unhooked;
mod watching;
pub mod words;

pub use io::file::OpenFile;
pub use io::lower::LowerDevice;
pub use io::pnp::{PnpDevice, Power};
pub use memory::MACHINE_BASE;

/// A machine address as a debugger prints it: `ffffc000`00001240`.
#[must_use]
pub fn report_address(address: u64) -> String {
    format!("{:08x}`{:08x}", address >> 32, address & 0xFFFF_FFFF)
}
