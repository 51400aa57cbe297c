//! Layer 2: safe Rust for virtual miniports.
//!
//! A driver implements [`VirtualMiniport`] for its adapter and calls [`register`] in its entry point.
//! Everything here calls layer 1 ([`ddi`](crate::ddi)), so hooks and rules see the same calls, at the
//! driver's own lines. What it rules out is what types can: an [`Srb`] is completed once because
//! completing takes it, and the adapter extension exists only after `find_adapter`.
//!
//! ```text
//! adapter.rs        the trait, registration, the callbacks behind it
//! configuration.rs  what find_adapter fills in        extension.rs  where the adapter lies
//! srb.rs            requests                          status.rs     how they end
//! service.rs        service requests                  thread.rs     the adapter's own threads
//! storport.rs       Storport for calls that are about no request; memory
//! ```
//!
//! Locks, semaphores and rundown protection are the kernel's ([`kernel_sim::safe`]). A driver that completes
//! under its own locks, or in the wrong order, compiles as it would in C.

mod adapter;
mod configuration;
mod extension;
mod service;
mod srb;
mod status;
mod storport;
mod thread;

pub use adapter::{AdapterControl, UnitAddress, UnitControl, VirtualMiniport, register};
pub use configuration::{Configuration, FindError};
pub use service::ServiceIrp;
pub use srb::{Cdb, Data, Srb, SrbId};
pub use status::SrbStatus;
pub use storport::{Pooled, Storport};
pub use thread::THREADS_MAX;
