//! The whole stack on a machine: client, class driver, port driver, a miniport at layer 1, disk.

#![allow(unsafe_code, reason = "tests call layer 1 as drivers do")]

mod client;
mod hands;
mod io;
mod late;
mod layer2;
mod miniport_ways;
mod panics;
mod physical;
mod rig;
mod trim;
