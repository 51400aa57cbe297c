//! Many schedules of one program: the strategies that make them, and their findings.
//!
//! A [`Program`] is a driver and how it is run; executed once under some strategy it gives one
//! [`Run`](crate::run::Run). A [`Strategy`] turns a seed into the choices of one execution. Invariant:
//! an execution depends on the program, the strategy and the seed, and on nothing that happened in
//! other executions; so seeds can be split over jobs, machines and days, and put together again.

mod actor;
pub mod budget;
mod by_environment;
mod calls;
mod conflicts;
pub mod deviations;
mod dice;
pub mod exhaustive;
mod failure;
pub mod findings;
mod ledger;
mod pct;
mod portfolio;
mod probe;
mod random;
mod repeat;
pub mod shard;
pub mod shrink;
mod steady;
mod steer;
pub mod stress;
pub mod summary;
mod totals;
mod urw;

use crate::topic::Topic;
use by_environment::{ByEnvironment, Prepare};

pub use crate::run::{Chooser, Program};
pub use failure::{CallSite, Failure};
pub use pct::{DEPTH_MAX, Pct};
pub use portfolio::Portfolio;
pub use probe::Probe;
pub use random::Random;
pub use repeat::Unrepeatable;
pub use steady::{PATIENCE, Steady, steady};
pub use totals::{FaultTotal, Totals};
pub use urw::Urw;

/// A way to choose schedules by seed.
pub trait Strategy: Send + Sync {
    /// Its word on the command line: `random`, `pct:3`.
    fn name(&self) -> String;

    /// What makes the choices in the execution of `seed`. Equal seeds give equal choosers, always.
    fn chooser(&self, seed: u64) -> Chooser;
}

/// The word of the search that makes every schedule instead of choosing by seed.
pub const EXHAUSTIVE: &str = "exhaustive";

/// Every strategy, in the order of the list.
pub static STRATEGIES: &[&Topic] =
    &[&portfolio::TOPIC, &random::TOPIC, &urw::TOPIC, &pct::TOPIC, &exhaustive::TOPIC];

/// Depth of `pct` where none is given.
const PCT_DEPTH: u8 = 3;

/// The strategy of that word, for a program: all but [`EXHAUSTIVE`].
///
/// # Errors
/// When there is none, with the words there are, and when the program cannot be run as asked.
pub fn strategy(name: &str, program: &Program) -> Result<Box<dyn Strategy>, String> {
    let (word, depth) = name.split_once(':').map_or((name, None), |(word, depth)| (word, Some(depth)));
    let depth = match (word, depth) {
        (_, None) => PCT_DEPTH,
        ("pct", Some(text)) => text
            .parse()
            .ok()
            .filter(|depth| (1..=DEPTH_MAX).contains(depth))
            .ok_or_else(|| format!("pct takes a depth of 1 to {DEPTH_MAX}, not '{text}'"))?,
        (_, Some(_)) => return Err(format!("only pct takes a number, not '{word}'")),
    };
    let prepare =
        |how: &Prepare<'_>| ByEnvironment::prepare(program, how).map_err(|e| format!("{name}: {e}"));
    match word {
        "random" => Ok(Box::new(Random)),
        "urw" => prepare(&|program| Ok(Box::new(Urw::prepare(program)?))),
        "pct" => prepare(&|program| Ok(Box::new(Pct::prepare(depth, program)?))),
        "portfolio" => prepare(&|program| Ok(Box::new(Portfolio::prepare(program)?))),
        _ => {
            let words: Vec<_> = STRATEGIES.iter().map(|topic| topic.name).collect();
            Err(format!("no strategy is called '{name}'; there are {}", words.join(", ")))
        }
    }
}
