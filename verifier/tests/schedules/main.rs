//! Schedules: described, made again, shrunk, written and read.

#![allow(unsafe_code, reason = "tests call layer 1, as a driver does")]

mod deviations;
mod models;
mod shrinking;
mod steady;
mod waiting_threads;
