//! Images: drivers as PE files (.sys), run as they are.
//!
//! A file is parsed once ([`Image::load`]), mapped into the memory of each machine that is to run it, and
//! made as it was in the file at every power-on, its globals included. Its imports lead to the rows of the
//! DDI tables through `gate`, a few lines of assembly that note where the call came from; calls into it go
//! through [`Routine`], which knows by the address whose convention to call by. Lines come from DWARF in the
//! file, stacks from its unwind tables. An image that was built for it calls us before each load and store
//! (`access.rs`).
//!
//! Not here: any check of what the code does. It runs in this process like a driver in Rust does, and what it
//! does wrong is found in the same way. Not simulated: privileged instructions, structured exception
//! handling, imports of data.
//!
//! Invariant: an image lies at the same machine address in every run, and no host address of it gets into a
//! hash or a report.
//!
//! Linux on x86-64 only.

mod access;
mod activation;
mod export;
mod lines;
mod map;
mod parse;
mod registry;
mod routine;
mod runtime;
mod unwind;

pub use activation::{call, caller_site};
pub(crate) use activation::{innermost, is_probe};
pub use export::{Export, export};
pub(crate) use map::Mapped;
pub use parse::{Image, NotAnImage};
pub(crate) use routine::contains;
pub use routine::{Routine, Word, entry};
pub(crate) use unwind::frames_from;
