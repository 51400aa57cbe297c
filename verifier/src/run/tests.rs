//! What is no finding against the driver: a panic in a source of this crate, a routine that is not modelled.

use super::{Chooser, Setup, once};
use crate::driver::{Driver, Expects, Kind};
use crate::finding::RunEnd;
use kernel_sim::machine::{Config, Outcome};
use std::ptr::null_mut;
use storport_sim::ddi::StorPortFreeHostMemoryBuffer;

/// A model whose body is a source file of this crate, as the workload is.
static FAILS_IN_THIS_CRATE: Driver = Driver {
    name: "fails-in-this-crate",
    aliases: &[],
    summary: "a model whose body is a source of this crate",
    expects: Expects::Clean,
    kind: Kind::Model { cpus: 1, run: &fails },
    cancels: false,
    reads_registry: false,
    image: None,
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

static CALLS_WHAT_IS_NOT_HERE: Driver = Driver {
    name: "calls-what-is-not-here",
    kind: Kind::Model { cpus: 1, run: &calls },
    ..FAILS_IN_THIS_CRATE
};

#[expect(unsafe_code, reason = "calls layer 1 as drivers do")]
fn calls(config: Config) -> Outcome {
    // SAFETY: the routine is known by name only, and looks at nothing.
    config.run(|| unsafe {
        StorPortFreeHostMemoryBuffer(null_mut());
    })
}

#[test]
fn a_routine_that_is_not_modelled_is_a_limit_and_no_finding() {
    let driver = &CALLS_WHAT_IS_NOT_HERE;
    let run = once(driver, &Setup::of_model(driver), 1, Chooser::Seeded, None).expect("it runs");
    let RunEnd::Limit(limit) = &run.end else { panic!("{:?}", run.end) };
    assert!(limit.what.contains("StorPortFreeHostMemoryBuffer"), "{}", limit.what);
    assert!(!run.end.is_finding() && run.end.stopped_by().is_none());
}
