//! What watches drivers and tells their authors: rules, runs, schedules, reports, the command line.
//!
//! A [`driver::Driver`] describes a driver under test; [`run::once`] runs it once on a machine of
//! `kernel-sim` with the I/O of [`workload`], watched by [`rules`]; [`report`] renders what was
//! found; [`cli::main`] is the whole `storsim` program as one call, for your own drivers too.

mod check;
pub mod cli;
pub mod driver;
pub mod explore;
pub mod finding;
mod program;
pub mod report;
pub mod rules;
pub mod run;
pub mod schedule;
pub mod timeline;
pub mod trace;
pub mod workload;

pub use check::{Check, REPLAY, check, check_model};
pub use run::{DisturbanceCounts, Disturbances, Event, EventCounts};
