//! The whole stack on a machine: client, class driver, port driver, a miniport at layer 1, disk.
//!
//! `rig/` has the miniports and the device that the tests use: `tiny` without hardware, `physical_driver`
//! over
//! `test_hba`. `physical/` are the tests with hardware, `layer2` those of miniports in safe Rust.

#![allow(unsafe_code, reason = "tests call layer 1 as drivers do")]

mod client;
mod ends;
mod hands;
mod io;
mod late;
mod layer2;
mod miniport_ways;
mod panics;
mod pass_through;
mod physical;
mod rig;
mod trim;
