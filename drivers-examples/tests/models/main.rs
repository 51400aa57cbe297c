//! The models do what their pages say: near misses fail under no schedule, races under some, and what
//! hangs ends in a report.
//!
//! `STORSIM_SOAK=1 cargo test --release -p drivers-examples --test models` tries more seeds, and compares
//! how soon each strategy finds what there is to find.
#![expect(unused_crate_dependencies, reason = "integration tests use a few of the crate's dependencies")]

mod counts;
mod hangs;
mod program;
mod races;
mod strategies;
