//! The adapter by itself: registers, and in a machine where it can reach memory, driven by a program of our
//! own.

mod commands;
mod errors;
mod host;
mod plugging;
mod registers;
mod robustness;
