//! A physical miniport over a register-level device, in every mode Storport has.

mod io;
