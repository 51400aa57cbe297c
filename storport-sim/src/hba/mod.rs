//! Host adapters modelled on published specifications, for miniports of real hardware.
//!
//! Each is a [`HardwareModel`](kernel_sim::hardware::HardwareModel) with the [`Medium`](crate::Medium) behind it,
//! and says by a [`PciSlot`](crate::PciSlot) what the bus knows of it.

pub mod ahci;
