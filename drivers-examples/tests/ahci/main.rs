//! The driver `ahci` on the AHCI adapter: data, errors, resets, and what happens to an adapter in its life.

mod faults;
mod io;
mod life;
mod packet;
mod rig;
mod translation;
