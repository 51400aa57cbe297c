//! What does one lock pair cost, hooked and not?

use benches::{Watching, locks};
use criterion::{Criterion, criterion_group, criterion_main};

fn pairs(c: &mut Criterion) {
    let mut group = c.benchmark_group("lock pair");
    group.bench_function("baseline", |b| b.iter_custom(locks::baseline_pairs));
    group.bench_function("nobody watching", |b| b.iter_custom(|n| locks::pairs(Watching::Nobody, n)));
    group.bench_function("SpinLockSafe counting", |b| b.iter_custom(|n| locks::pairs(Watching::Counted, n)));
    group.bench_function("SpinLockSafe with sites", |b| b.iter_custom(|n| locks::pairs(Watching::Sites, n)));
    group.bench_function("peer parking_lot", |b| b.iter_custom(locks::parking_lot_pairs));
    group.bench_function("peer parking_lot deadlock_detection", |b| {
        b.iter_custom(locks::detecting_parking_lot_pairs)
    });
    group.bench_function("peer tracing-mutex", |b| b.iter_custom(locks::tracing_mutex_pairs));
    group.finish();
}

fn nested_pairs(c: &mut Criterion) {
    let mut group = c.benchmark_group("lock pair inside another");
    group.bench_function("nobody watching", |b| b.iter_custom(|n| locks::nested_pairs(Watching::Nobody, n)));
    group.bench_function("LockOrder, a known nesting", |b| {
        b.iter_custom(|n| locks::nested_pairs(Watching::Order, n))
    });
    group.bench_function("peer tracing-mutex", |b| b.iter_custom(locks::nested_tracing_mutex_pairs));
    group.finish();
}

criterion_group!(benches, pairs, nested_pairs);
criterion_main!(benches);
