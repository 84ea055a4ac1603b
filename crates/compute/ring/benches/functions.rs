//! The kernels of functions: the work of the trusted dealer and of a party for each element.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tacita_ring::{Exponential, FourierSum, Generator, Seed};

const N: usize = 16_384;

fn functions(c: &mut Criterion) {
    let x = Generator::new(&Seed::from_bytes([1; 32]), b"bench").vec(N);
    let sum = FourierSum {
        frequency: 1 << 43,
        constant: 0,
        step: 2,
        cosine_bits: 34,
        terms: vec![(1 << 20, 1 << 27); 9],
    };
    let exponential = Exponential { frac: 16, window: 4, small_bits: 40, large_bits: 17 };
    let mut dealt = vec![0; N * sum.words()];
    let (mut out, mut more) = (vec![0; N], vec![0; N]);
    let mut group = c.benchmark_group("functions");
    group.throughput(Throughput::Elements(N as u64));
    group.bench_function("harmonics dealt", |b| b.iter(|| sum.cosines(black_box(&x), &mut dealt)));
    group.bench_function("harmonics opened", |b| {
        b.iter(|| sum.add_difference(black_box(&x), &dealt, &mut out))
    });
    group.bench_function("exponential dealt", |b| {
        b.iter(|| exponential.small_factors(black_box(&x), &mut out, &mut more))
    });
    group.bench_function("exponential opened", |b| {
        b.iter(|| exponential.large_factors(black_box(&x), &mut out))
    });
    group.finish();
}

criterion_group!(benches, functions);
criterion_main!(benches);
