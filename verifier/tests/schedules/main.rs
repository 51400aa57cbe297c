//! Schedules: described, made again, shrunk, written and read.

mod deviations;
mod models;
mod shrinking;
mod steady;
