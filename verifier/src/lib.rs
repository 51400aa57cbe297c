//! The verifier of drivers: rules that watch them, runs, schedules, reports, the command line.
//!
//! A [`driver::Driver`] describes a driver under test; [`run::once`] runs it once on a machine of
//! `kernel-sim` with the I/O of [`workload`], watched by [`rules`]; [`report`] renders what was
//! found; [`cli::main`] is the whole `storsim` program as one call, for your own drivers too.
//!
//! A piece of driver logic needs no driver: it is a model, checked from a test ([`check_model`]). This one
//! counts requests and forgets that two processors may do so at once:
//!
//! ```
//! use kernel_sim::shared::Shared;
//!
//! verifier::check_model(
//!     2,
//!     || Shared::new(0_u32),
//!     |started, _cpu| started.set(started.get() + 1), // Lost, if the other comes between the two.
//! )
//! .exhaustive()
//! .fails_with("DataRace");
//! ```

mod bounded_input;
mod check;
pub mod cli;
pub mod driver;
pub mod explain;
pub mod explore;
pub mod finding;
mod program;
pub mod report;
pub mod rules;
pub mod run;
pub mod schedule;
pub mod timeline;
pub mod topic;
pub mod trace;
pub mod workload;

pub use check::{Check, REPLAY, check, check_model};
/// Says that a panic raised in this crate is the simulator's failure, before code of this crate runs on a
/// machine.
fn register_sources() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| kernel_sim::own_sources::register(file!()));
}

pub use run::{DisturbanceCounts, Disturbances, Event, EventCounts};
