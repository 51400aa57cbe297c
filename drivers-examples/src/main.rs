//! `storsim`: the command line over the drivers of this crate.

use std::process::ExitCode;

fn main() -> ExitCode {
    verifier::cli::main(drivers_examples::ALL)
}
