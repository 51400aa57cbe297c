//! The figures of the explorers we are compared with, as text: rates, schedules to a failure,
//! executions until nothing is left.
//!
//! `peers [SECONDS]` gives each exhaustive search so many seconds, 10 if it is not said. Run it on
//! one core (`taskset -c 0`), from the `bench` profile.

use benches::peers::loom::{self, Bounds};
use benches::peers::shuttle::{self, Explored, Scheduler};
use benches::programs::Program;
use std::process::ExitCode;
use std::time::Duration;

const ROUNDS: usize = 51;
const SEEDS: u64 = 100;
const LIMIT: usize = 10_000;
const PCT_DEPTHS: [usize; 2] = [2, 3];

fn main() -> ExitCode {
    let seconds = match std::env::args().nth(1).map(|text| text.parse()) {
        None => 10,
        Some(Ok(seconds)) => seconds,
        Some(Err(_)) => {
            eprintln!("error: peers [SECONDS]: a whole number of seconds is expected");
            return ExitCode::from(2);
        }
    };
    rates();
    failures();
    exhaustion(Duration::from_secs(seconds));
    ExitCode::SUCCESS
}

fn rates() {
    println!(
        "shuttle, {ROUNDS} rounds: steps an execution; executions/s, steps/s of the best; of the median"
    );
    for (program, iterations) in [
        (Program::Lock2x3, 5_000),
        (Program::Lock3x2, 5_000),
        (Program::TestAndSet, 5_000),
        (Program::Lock4x200, 60),
        (Program::LockEach4x200, 60),
    ] {
        rate(program, "random", |seed| shuttle::random(program, iterations, seed));
        rate(program, "pct 3", |seed| shuttle::pct(program, iterations, 3, seed));
    }
}

/// The best round stands first: a neighbour on the machine only ever makes a round longer.
fn rate(program: Program, scheduler: &str, explore: impl Fn(u64) -> Explored) {
    let mut rounds: Vec<_> = (0..ROUNDS as u64).map(explore).collect();
    rounds.sort_by_key(|round| round.took);
    let per_second = |count: u64, round: &Explored| count as f64 / round.took.as_secs_f64();
    print!(
        "{:>5} {scheduler:<7} {:>7.1}",
        program.name(),
        rounds[0].steps as f64 / rounds[0].executions as f64
    );
    for round in [&rounds[0], &rounds[ROUNDS / 2]] {
        print!(" {:>9.0} {:>10.0}", per_second(round.executions, round), per_second(round.steps, round));
    }
    println!();
}

fn failures() {
    println!("shuttle, schedules to failure over {SEEDS} seeds: median, mean, most, not found in {LIMIT}");
    for program in Program::ALL.into_iter().filter(|program| program.failure().is_some()) {
        failure(program, "random", Scheduler::Random);
        for depth in PCT_DEPTHS {
            failure(program, &format!("pct {depth}"), Scheduler::Pct { depth });
        }
    }
}

fn failure(program: Program, name: &str, scheduler: Scheduler) {
    let search = |seed| shuttle::schedules_to_failure(program, scheduler, seed, LIMIT);
    let mut found: Vec<u64> = (0..SEEDS).filter_map(search).collect();
    found.sort_unstable();
    let (Some(median), Some(most)) = (found.get(found.len() / 2), found.last()) else {
        println!("{:>5} {name:<7} never", program.name());
        return;
    };
    let mean = found.iter().sum::<u64>() as f64 / found.len() as f64;
    let lost = SEEDS - found.len() as u64;
    println!("{:>5} {name:<7} {median:>7} {mean:>9.1} {most:>7} {lost:>4}", program.name());
}

fn exhaustion(time: Duration) {
    println!("loom, at most {} s: preemption bound, executions, seconds, end", time.as_secs());
    for program in Program::ALL {
        for preemptions in [None, Some(2), Some(3)] {
            let explored = loom::exhaust(program, Bounds { preemptions, executions: None, time: Some(time) });
            let bound = preemptions.map_or("none".to_owned(), |n| n.to_string());
            let seconds = explored.took.as_secs_f64();
            let name = program.name();
            println!("{name:>5} {bound:<5} {:>9} {seconds:>9.3} {:?}", explored.executions, explored.ended);
        }
    }
}
