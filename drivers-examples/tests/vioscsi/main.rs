//! `vioscsi` over its adapter: data, faults, resets, life, under both executors.
//!
//! Some hundreds of schedules each by default, thousands with STORSIM_SOAK.

mod data;
mod faults;
mod life;
mod rig;
