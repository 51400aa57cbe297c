//! The only file of this driver that knows which kernel it is built for.

pub use kernel_sim::shared::Shared;
pub use storport_sim::ddi::*;
