//! `storsim` as its users meet it: what it prints, what it refuses, what it leaves behind.
//!
//! `STORSIM_SOAK=1 cargo test --release -p drivers-examples --test cli` runs the same tests for longer:
//! more seeds, more replays, larger images, thirty seconds of real threads.
//! `STORSIM_BLESS=1` writes the blessed files in `blessed/` anew; read the diff before you keep it.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]

mod bad_input;
mod blessed;
mod clean;
mod durable;
mod edited;
mod environment;
mod exceptions;
mod exhibits;
mod explain;
mod faults;
mod findings;
mod images;
mod load;
mod merge;
mod museum;
mod output;
mod readme;
mod replay;
mod several;
mod storsim;
mod stress;
mod trace_hash;
mod width;
mod words;
