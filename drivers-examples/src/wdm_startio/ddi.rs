//! The only file of this driver that knows which kernel it is built for.

pub use kernel_sim::CONTAINING_RECORD;
pub use kernel_sim::ddi::*;
pub use kernel_sim::shared::Shared;
