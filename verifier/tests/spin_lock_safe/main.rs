//! SpinLockSafe: what it reports, and what looks guilty and is not.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]

mod exhibits;
mod near_misses;
mod rig;
mod storport;
