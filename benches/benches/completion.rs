//! What does the check at each completion call cost?

use benches::{Watching, completion};
use criterion::{Criterion, criterion_group, criterion_main};

fn calls(c: &mut Criterion) {
    let mut group = c.benchmark_group("completion call");
    for (name, watching) in [("nobody watching", Watching::Nobody), ("SpinLockSafe", Watching::Sites)] {
        group.bench_function(format!("IoCompleteRequest, {name}"), |b| {
            b.iter_custom(|n| completion::complete_requests(watching, n));
        });
        group.bench_function(format!("IoStartNextPacket, {name}"), |b| {
            b.iter_custom(|n| completion::start_next_packets(watching, n));
        });
    }
    group.finish();
}

criterion_group!(benches, calls);
criterion_main!(benches);
