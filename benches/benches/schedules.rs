//! What does one schedule of a small model cost, and what does exploring add to it?

use benches::schedules::{direct, explored};
use criterion::{Criterion, criterion_group, criterion_main};
use verifier::rules::Selection;

fn schedules(c: &mut Criterion) {
    let mut group = c.benchmark_group("schedule of three lock pairs on 2 CPUs");
    group.bench_function("called directly", |b| b.iter_custom(|n| direct(0..n)));
    group.bench_function("explored, no rules", |b| b.iter_custom(|n| explored(n, Selection::none(), 1)));
    group.bench_function("explored, all rules", |b| b.iter_custom(|n| explored(n, Selection::all(), 1)));
    group.bench_function("explored, no rules, 2 jobs", |b| {
        b.iter_custom(|n| explored(n, Selection::none(), 2))
    });
    group.finish();
}

criterion_group!(benches, schedules);
criterion_main!(benches);
