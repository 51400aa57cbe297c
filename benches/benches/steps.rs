//! What does a scheduling step of the deterministic executor cost?

use benches::Watching;
use benches::steps::{Locks, run};
use criterion::{Criterion, criterion_group, criterion_main};

fn steps(c: &mut Criterion) {
    let mut group = c.benchmark_group("scheduling step");
    for (name, cpus, locks) in [
        ("1 CPU", 1, Locks::OneEach),
        ("4 CPUs, a lock each", 4, Locks::OneEach),
        ("4 CPUs, one lock", 4, Locks::Shared),
    ] {
        for (watched, watching) in [("nobody watching", Watching::Nobody), ("SpinLockSafe", Watching::Sites)]
        {
            // An iteration is one step: the time of a run is shared out over the steps it made.
            group.bench_function(format!("{name}, {watched}"), |b| {
                b.iter_custom(|n| {
                    let (took, steps) = run(watching, cpus, locks, n.max(1000));
                    took.mul_f64(n as f64 / steps as f64)
                });
            });
        }
    }
    group.finish();
}

criterion_group!(benches, steps);
criterion_main!(benches);
