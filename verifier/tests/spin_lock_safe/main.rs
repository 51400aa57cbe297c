//! SpinLockSafe: what it reports, and what looks guilty and is not.

mod exhibits;
mod near_misses;
mod rig;
mod storport;
