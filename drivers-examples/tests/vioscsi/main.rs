//! `vioscsi` over its adapter: data, faults, resets, life, under both executors.
//!
//! Some hundreds of schedules each by default, thousands with STORSIM_SOAK.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]

mod client;
mod data;
mod faults;
mod life;
mod rig;
