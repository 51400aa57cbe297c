//! `ramdisk` with a partner that misbehaves, and through the whole of an adapter's life.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]
#![expect(unused_crate_dependencies, reason = "integration tests use a few of the crate's dependencies")]

mod faults;
mod life;
mod rig;
mod service;
