//! Compares the speed of products over the ring with single-precision products of the `gemm` crate on the same thread.
//!
//! For each shape, prints the medians of alternating runs and their ratio, and the ratio of the fastest runs, which is
//! more reliable on a machine that does other work. A convolution is compared with the matrix product of the same size,
//! for which `gemm` gets the matrix that it would otherwise have to build first.
//!
//! `cargo run --release -p tacita-ring --example ratio [rounds]`; `TACITA_SIMD=portable|avx2|avx512` chooses the
//! instruction set of the ring's side.

use std::hint::black_box;
use std::time::Instant;

use tacita_ring::simd::Level;
use tacita_ring::{
    ConvSpec, Generator, RingTensor, Seed, Sign, Window2d, conv2d_into, conv2d_shape, matmul_into,
};

fn main() {
    let rounds = std::env::args().nth(1).map_or(21, |rounds| rounds.parse().expect("rounds is a number"));
    // One thread, regardless of the machine.
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("the first pool of the process");
    println!("{:?}, medians of {rounds} runs taken in turns, one thread", Level::current());
    println!("{:<28} {:>14} {:>14} {:>7} {:>9}", "shape", "u64 Gop/s", "gemm f32", "ratio", "fastest");
    for [m, n, k] in [
        [512, 512, 512],
        [256, 256, 256],
        [128, 128, 128],
        [1, 1000, 512],
        [1, 4096, 4096],
        [4, 1024, 1024],
        [8, 1024, 1024],
        [16, 1024, 1024],
        [32, 1024, 1024],
        [1024, 1, 1024],
        [4096, 1, 4096],
        [1024, 4, 1024],
    ] {
        let (a, b) = (random(&[m, k], 1), random(&[k, n], 2));
        let mut out = RingTensor::zeros(&[m, n]);
        compare(&format!("{m}x{k} by {k}x{n}"), rounds, [m, n, k], || {
            matmul_into(&mut out, black_box(&a), black_box(&b), Sign::Plus);
        });
    }
    // ResNet-18, and a depthwise one: input channels, filters, input height and width, kernel, stride, groups, batch.
    for [c, o, size, kernel, stride, groups, batch] in [
        [3, 64, 224, 7, 2, 1, 1],
        [64, 64, 56, 3, 1, 1, 1],
        [64, 128, 56, 3, 2, 1, 1],
        [64, 128, 56, 1, 2, 1, 1],
        [128, 128, 28, 3, 1, 1, 1],
        [128, 256, 28, 3, 2, 1, 1],
        [128, 256, 28, 1, 2, 1, 1],
        [256, 256, 14, 3, 1, 1, 1],
        [256, 512, 14, 3, 2, 1, 1],
        [256, 512, 14, 1, 2, 1, 1],
        [512, 512, 7, 3, 1, 1, 1],
        [512, 512, 7, 3, 1, 1, 8],
        [96, 96, 56, 3, 1, 96, 1],
        [96, 96, 56, 3, 2, 96, 1],
    ] {
        let window = Window2d { stride: [stride; 2], pads: [kernel / 2; 4], ..Window2d::new([kernel; 2]) };
        let name = format!("{kernel}x{kernel}/{stride} {c}->{o} @{size} g{groups} n{batch}");
        compare_convolution(&name, rounds, [batch, c, size, size], o, &ConvSpec { window, groups });
    }
    // Wav2Letter: input channels, filters, input length, kernel, stride, padding.
    for [c, o, length, kernel, stride, pad] in
        [[250, 250, 1600, 48, 2, 23], [250, 250, 800, 7, 1, 3], [250, 2000, 800, 32, 1, 16]]
    {
        let pads = [0, pad, 0, pad];
        let window = Window2d { stride: [1, stride], pads, ..Window2d::new([1, kernel]) };
        let name = format!("1x{kernel}/{stride} {c}->{o} @{length}");
        compare_convolution(&name, rounds, [1, c, 1, length], o, &ConvSpec { window, groups: 1 });
    }
}

fn compare_convolution(name: &str, rounds: usize, x: [usize; 4], filters: usize, spec: &ConvSpec) {
    let [kh, kw] = spec.window.kernel;
    let (x, w) = (random(&x, 1), random(&[filters, x[1] / spec.groups, kh, kw], 2));
    let shape = conv2d_shape(x.shape(), w.shape(), spec).expect("the shapes fit");
    let mut out = RingTensor::zeros(&shape);
    let dims = [filters / spec.groups, shape[0] * shape[2] * shape[3], w.len() / filters];
    compare_many(name, rounds, dims, spec.groups, || {
        conv2d_into(&mut out, black_box(&x), black_box(&w), spec, Sign::Plus);
    });
}

fn random(shape: &[usize], stream: u8) -> RingTensor {
    let data = Generator::new(&Seed::from_bytes([0; 32]), &[stream]).vec(shape.iter().product());
    RingTensor::new(shape.to_vec(), data)
}

fn compare(name: &str, rounds: usize, dims: [usize; 3], ring: impl FnMut()) {
    compare_many(name, rounds, dims, 1, ring);
}

/// Times `ring` and `groups` single-precision products of size `[m, n, k]` in turns.
fn compare_many(name: &str, rounds: usize, [m, n, k]: [usize; 3], groups: usize, mut ring: impl FnMut()) {
    let (a, b, mut c) = (vec![1.0f32; m * k], vec![0.5f32; k * n], vec![0.0f32; m * n]);
    let mut float = || {
        for _ in 0..groups {
            float_product(black_box(&mut c), black_box(&a), black_box(&b), [m, n, k]);
        }
    };
    let (mut rings, mut floats) = (Vec::new(), Vec::new());
    // Small products are repeated, so that a measurement lasts a millisecond or so.
    let repeat = 1 + 20_000_000 / (m * n * k * groups);
    ring();
    float();
    for _ in 0..rounds {
        rings.push(time(repeat, &mut ring));
        floats.push(time(repeat, &mut float));
    }
    let giga = (2 * m * n * k * groups * repeat) as f64 / 1e9;
    let (rings, floats) = (sorted(rings), sorted(floats));
    let (ring, float) = (rings[rounds / 2], floats[rounds / 2]);
    let (ratio, fastest) = (float / ring, floats[0] / rings[0]);
    println!("{name:<28} {:>14.1} {:>14.1} {ratio:>7.3} {fastest:>9.3}", giga / ring, giga / float);
}

fn time(repeat: usize, f: &mut impl FnMut()) -> f64 {
    let start = Instant::now();
    (0..repeat).for_each(|_| f());
    start.elapsed().as_secs_f64()
}

fn sorted(mut times: Vec<f64>) -> Vec<f64> {
    times.sort_by(f64::total_cmp);
    times
}

/// `c += a·b`, all row-major.
fn float_product(c: &mut [f32], a: &[f32], b: &[f32], [m, n, k]: [usize; 3]) {
    let row = |x: usize| isize::try_from(x).expect("a small matrix");
    // SAFETY: the slices are row-major matrices of m × n, m × k and k × n elements.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            c.as_mut_ptr(),
            1,
            row(n),
            true,
            a.as_ptr(),
            1,
            row(k),
            b.as_ptr(),
            1,
            row(n),
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}
