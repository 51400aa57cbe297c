//! A physical miniport over a register-level device, in every mode Storport has.

mod bus;
mod dma;
mod io;
mod life;
mod locks;
mod recovery;
mod services;
mod system;
