//! What does an execution of a small program cost under a schedule explorer?

use benches::explorers;
use benches::peers::shuttle;
use benches::programs::Program;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::time::Duration;

/// Explores a program for a number of executions; returns how long it took.
type Explore = fn(Program, u64) -> Duration;

const EXPLORERS: [(&str, Explore); 4] = [
    ("random", |program, n| explorers::seeded(program, "random", n, 1).took),
    ("pct", |program, n| explorers::seeded(program, "pct:3", n, 1).took),
    ("peer shuttle random", |program, n| shuttle::random(program, executions_of(n), SEED).took),
    ("peer shuttle pct", |program, n| shuttle::pct(program, executions_of(n), PCT_DEPTH, SEED).took),
];

const SEED: u64 = 1;
const PCT_DEPTH: usize = 3;

fn executions_of(n: u64) -> usize {
    usize::try_from(n).expect("fewer executions than addresses")
}

fn executions(c: &mut Criterion) {
    let mut group = c.benchmark_group("executions");
    // An iteration is one execution. What a call costs once (stacks, for shuttle) is shared out over
    // its executions.
    group.throughput(Throughput::Elements(1));
    for program in [Program::Lock2x3, Program::Lock3x2, Program::Lock4x200] {
        for (explorer, explore) in EXPLORERS {
            group.bench_function(format!("{}, {explorer}", program.name()), |b| {
                b.iter_custom(|n| explore(program, n));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, executions);
criterion_main!(benches);
