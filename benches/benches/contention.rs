//! What does a contended acquisition cost beside parking_lot?

use benches::{Watching, contention};
use criterion::{Criterion, criterion_group, criterion_main};

fn contended(c: &mut Criterion) {
    let mut group = c.benchmark_group("contended");
    for cpus in [2, 4] {
        group.bench_function(format!("{cpus} processors"), |b| {
            b.iter_custom(|n| contention::emulated(Watching::Sites, cpus, n));
        });
        group.bench_function(format!("{cpus} threads, peer parking_lot"), |b| {
            b.iter_custom(|n| contention::parking_lot(cpus, n));
        });
    }
    group.finish();
}

criterion_group!(benches, contended);
criterion_main!(benches);
