//! Layer 2: safe Rust for virtual miniports.
//!
//! A driver implements [`VirtualMiniport`] for its adapter and calls [`register`] in its entry point.
//! Everything here calls layer 1 ([`ddi`](crate::ddi)), so hooks and rules see the same calls, at the
//! driver's own lines. What it rules out is what types can: an [`Srb`] is completed once because
//! completing takes it, and the adapter extension exists only after `find_adapter`.
//!
//! ```text
//! adapter.rs        the trait, registration, the callbacks behind it
//! configuration.rs  what find_adapter fills in       srb.rs      requests
//! status.rs         how requests end                 service.rs  service requests
//! ```
//!
//! A driver that completes under its own locks, or in the wrong order, compiles as it would in C.

mod adapter;
mod configuration;
mod service;
mod srb;
mod status;

pub use adapter::{AdapterControl, VirtualMiniport, register};
pub use configuration::{Configuration, FindError};
pub use service::ServiceIrp;
pub use srb::{Cdb, Data, Srb};
pub use status::SrbStatus;
