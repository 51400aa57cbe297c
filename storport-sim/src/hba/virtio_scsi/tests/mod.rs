//! The device alone, driven by hand: registers, rings in test memory, faults, garbage.

mod faults;
mod garbage;
mod hand;
mod handshake;
mod management;
mod rings;
