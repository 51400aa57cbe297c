//! What does a request through a whole driver cost, with and without the rule?

use benches::Watching;
use benches::requests::Reads;
use criterion::{Criterion, criterion_group, criterion_main};
use drivers_examples::RAMDISK;

fn reads(c: &mut Criterion) {
    let mut group = c.benchmark_group("4 KiB read through ramdisk");
    group.bench_function("nobody watching", |b| {
        b.iter_custom(|n| Reads { depth: 1, ..Reads::through(&RAMDISK) }.time(n))
    });
    group.bench_function("SpinLockSafe", |b| {
        b.iter_custom(|n| Reads { depth: 1, watching: Watching::Sites, ..Reads::through(&RAMDISK) }.time(n))
    });
    group.bench_function("all rules and checks", |b| {
        b.iter_custom(|n| Reads { depth: 1, watching: Watching::All, ..Reads::through(&RAMDISK) }.time(n))
    });
    group.bench_function("peer: bare copy", |b| {
        let from = vec![1u8; 4096];
        let mut to = vec![0u8; 4096];
        b.iter(|| to.copy_from_slice(std::hint::black_box(&from)));
    });
    group.finish();
}

criterion_group!(benches, reads);
criterion_main!(benches);
