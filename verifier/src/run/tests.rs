//! A panic in a source of this crate is no finding against the driver.

use super::{Chooser, Setup, once};
use crate::driver::{Driver, Expects, Kind};
use kernel_sim::machine::{Config, Outcome};

/// A model whose body is a source file of this crate, as the workload is.
static FAILS_IN_THIS_CRATE: Driver = Driver {
    name: "fails-in-this-crate",
    aliases: &[],
    summary: "a model whose body is a source of this crate",
    expects: Expects::Clean,
    kind: Kind::Model { cpus: 1, run: &fails },
    cancels: false,
    sources: &[],
};

fn fails(config: Config) -> Outcome {
    config.run(|| panic!("an invariant of the simulator"))
}

#[test]
#[should_panic(expected = "an invariant of the simulator")]
fn a_panic_in_a_source_of_this_crate_is_a_panic_of_the_caller() {
    let setup = Setup::of_model(&FAILS_IN_THIS_CRATE);
    let _ = once(&FAILS_IN_THIS_CRATE, &setup, 1, Chooser::Seeded, None);
    unreachable!("the run went on");
}
