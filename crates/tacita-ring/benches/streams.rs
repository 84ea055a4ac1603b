//! The generator, the transposition into bits, a loop over bits in another crate, and data movement.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tacita_ring::simd::{Level, dispatch_at};
use tacita_ring::{BitTensor, Generator, RingTensor, Seed, Window2d, sum_pool2d};

const ELEMENTS: usize = 1 << 20;

fn generator(c: &mut Criterion) {
    let generator = Generator::new(&Seed::from_bytes([1; 32]), b"bench");
    for elements in [1 << 14, ELEMENTS] {
        let mut group = c.benchmark_group(format!("generator/{elements}"));
        group.throughput(Throughput::Bytes(8 * elements as u64));
        let mut out = vec![0; elements];
        let other = vec![1; elements];
        group.bench_function("memcpy", |b| b.iter(|| black_box(&mut out).copy_from_slice(black_box(&other))));
        group.bench_function("fill", |b| b.iter(|| generator.fill(black_box(3), &mut out)));
        group.bench_function("add_to", |b| b.iter(|| generator.add_to(black_box(3), &mut out)));
        group.finish();
    }
}

fn bits(c: &mut Criterion) {
    let x = Generator::new(&Seed::from_bytes([1; 32]), b"bench").vec(1 << 16);
    let mut group = c.benchmark_group("bits");
    group.throughput(Throughput::Elements(x.len() as u64));
    group.bench_function("from_ring", |b| b.iter(|| BitTensor::from_ring(black_box(&x))));
    let bits = BitTensor::from_ring(&x);
    group.bench_function("to_ring", |b| b.iter(|| bits.to_ring(black_box(63))));
    // A comparison's loop over planes, as a crate that uses this one writes it: does it vectorise?
    let mut borrow = vec![0; 8];
    for level in Level::supported() {
        group.bench_function(format!("borrow_{level:?}"), |b| {
            b.iter(|| {
                dispatch_at(
                    level,
                    #[inline(always)]
                    || {
                        for block in 0..bits.block_count() {
                            subtract(&mut borrow, bits.block(block));
                        }
                    },
                );
                black_box(&borrow);
            });
        });
    }
    group.finish();
}

/// The borrow of a chain over all planes: some AND and XOR a word.
#[inline(always)]
fn subtract(borrow: &mut [u64], planes: &[u64]) {
    let Some(borrow) = borrow.as_mut_array::<8>() else { return };
    for plane in planes.as_chunks::<8>().0 {
        for (borrow, &x) in borrow.iter_mut().zip(plane) {
            *borrow = (x & *borrow) ^ (!x & (*borrow ^ (x >> 1)));
        }
    }
}

fn movement(c: &mut Criterion) {
    let shape = [1, 64, 112, 112];
    let x = RingTensor::new(shape.to_vec(), vec![3; shape.iter().product()]);
    let bias = RingTensor::filled(&[64, 1, 1], 5);
    let mut group = c.benchmark_group("movement");
    group.throughput(Throughput::Bytes(8 * x.len() as u64));
    group.bench_function("clone", |b| b.iter(|| black_box(&x).clone()));
    group.bench_function("add", |b| b.iter(|| black_box(&x).add(&x)));
    group.bench_function("add_bias", |b| b.iter(|| black_box(&x).add(&bias)));
    group.bench_function("slice_every_second", |b| {
        b.iter(|| black_box(&x).slice(&[0; 4], &[1, 64, 112, 112], &[1, 1, 2, 2]));
    });
    group.bench_function("slice_columns", |b| {
        b.iter(|| black_box(&x).slice(&[0; 4], &[1, 64, 112, 112], &[1, 1, 1, 2]));
    });
    group.bench_function("pad", |b| b.iter(|| black_box(&x).pad(&[0, 0, 1, 1], &[0, 0, 1, 1], 7)));
    group.bench_function("transpose_last", |b| b.iter(|| black_box(&x).transpose(&[0, 1, 3, 2])));
    group.bench_function("transpose_channels_last", |b| b.iter(|| black_box(&x).transpose(&[0, 2, 3, 1])));
    group.bench_function("sum_spatial", |b| b.iter(|| black_box(&x).sum(&[2, 3], false)));
    group.bench_function("sum_channels", |b| b.iter(|| black_box(&x).sum(&[1], false)));
    let window = Window2d { stride: [2, 2], ..Window2d::new([2, 2]) };
    group.bench_function("sum_pool_2x2", |b| b.iter(|| sum_pool2d(black_box(&x), &window)));
    group.finish();
}

criterion_group!(benches, generator, bits, movement);
criterion_main!(benches);
