//! The driver `ahci` on the AHCI adapter: data, errors, resets, and what happens to an adapter in its life.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]

mod faults;
mod io;
mod life;
mod packet;
mod rig;
mod translation;
