//! The only file of this driver that knows which kernel it is built for.

pub use storport_sim::ddi::*;
