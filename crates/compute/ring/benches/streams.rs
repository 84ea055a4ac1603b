//! The generator, the transposition into bits, a loop over bits in another crate, and data movement.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tacita_ring::simd::{Level, Simd, WithSimd, dispatch_at, dispatch_with_at};
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
    // Loops over planes in a dependent crate: check that they vectorise.
    let mut out = vec![0; bits.words().len() / 4];
    for level in Level::supported() {
        group.bench_function(format!("nodes_{level:?}"), |b| {
            b.iter(|| {
                dispatch_at(
                    level,
                    #[inline(always)]
                    || nodes(black_box(&mut out), bits.words()),
                );
            });
        });
        group.bench_function(format!("nodes_vectors_{level:?}"), |b| {
            b.iter(|| dispatch_with_at(level, Nodes(black_box(&mut out), bits.words())));
        });
        group.bench_function(format!("chain_{level:?}"), |b| {
            b.iter(|| {
                dispatch_at(
                    level,
                    #[inline(always)]
                    || {
                        (0..bits.block_count()).for_each(
                            #[inline(always)]
                            |block| chain(&mut out[8 * block..][..8], bits.block(block)),
                        )
                    },
                );
            });
        });
    }
    group.finish();
}

/// One level of a tree: four planes into one.
#[inline(always)]
fn nodes(out: &mut [u64], planes: &[u64]) {
    let (out, planes) = (out.as_chunks_mut::<8>().0, planes.as_chunks::<8>().0);
    for (out, x) in out.iter_mut().zip(planes.chunks_exact(4)) {
        for i in 0..8 {
            out[i] = (x[0][i] & x[1][i]) ^ (x[2][i] & (x[3][i] ^ x[1][i]));
        }
    }
}

/// The same, in vectors.
struct Nodes<'a>(&'a mut [u64], &'a [u64]);

impl WithSimd for Nodes<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        for (out, x) in self.0.as_chunks_mut::<8>().0.iter_mut().zip(self.1.as_chunks::<32>().0) {
            let ((out, _), (x, _)) = (S::as_mut_simd_u64s(out), S::as_simd_u64s(x));
            let width = out.len();
            for i in 0..width {
                let b = x[width + i];
                let right = simd.and_u64s(x[2 * width + i], simd.xor_u64s(x[3 * width + i], b));
                out[i] = simd.xor_u64s(simd.and_u64s(x[i], b), right);
            }
        }
    }
}

/// A chain through all planes of a block, with its state in a local array.
#[inline(always)]
fn chain(out: &mut [u64], planes: &[u64]) {
    let mut state = [0; 8];
    for pair in planes.as_chunks::<8>().0.chunks_exact(2) {
        for i in 0..8 {
            state[i] = (pair[0][i] & state[i]) ^ (pair[1][i] & !state[i]);
        }
    }
    out.copy_from_slice(&state);
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
