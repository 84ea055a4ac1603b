//! Products over the ring beside single-precision products of the `gemm` crate of the same size, on one thread.
//!
//! The example `ratio` measures many more shapes in turns and prints the ratios.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tacita_ring::{ConvSpec, Generator, RingTensor, Seed, Sign, Window2d, conv2d_into, matmul_into};

fn random(shape: &[usize], stream: u8) -> RingTensor {
    let data = Generator::new(&Seed::from_bytes([0; 32]), &[stream]).vec(shape.iter().product());
    RingTensor::new(shape.to_vec(), data)
}

fn products(c: &mut Criterion) {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("the first pool of the process");
    for [m, n, k] in [[512, 512, 512], [1, 1000, 512], [16, 1024, 1024], [4096, 1, 4096]] {
        let (a, b, mut out) = (random(&[m, k], 1), random(&[k, n], 2), RingTensor::zeros(&[m, n]));
        let mut group = c.benchmark_group(format!("matmul_{m}x{k}_by_{k}x{n}"));
        group.throughput(Throughput::Elements((2 * m * n * k) as u64));
        group.bench_function("u64", |bench| {
            bench.iter(|| matmul_into(&mut out, black_box(&a), black_box(&b), Sign::Plus));
        });
        float(&mut group, [m, n, k]);
        group.finish();
    }
    for [channels, filters, size, kernel, stride] in [
        [3, 64, 224, 7, 2],
        [64, 64, 56, 3, 1],
        [128, 128, 28, 3, 1],
        [256, 256, 14, 3, 1],
        [512, 512, 7, 3, 1],
    ] {
        let window = Window2d { stride: [stride; 2], pads: [kernel / 2; 4], ..Window2d::new([kernel; 2]) };
        let spec = ConvSpec { window, groups: 1 };
        let (x, w) = (random(&[1, channels, size, size], 1), random(&[filters, channels, kernel, kernel], 2));
        let [height, width] = window.output([size; 2]).expect("the window fits");
        let mut out = RingTensor::zeros(&[1, filters, height, width]);
        let dims = [filters, height * width, channels * kernel * kernel];
        let mut group =
            c.benchmark_group(format!("conv_{kernel}x{kernel}_{stride}_{channels}_{filters}_{size}"));
        group.throughput(Throughput::Elements(2 * dims.iter().product::<usize>() as u64));
        group.bench_function("u64", |bench| {
            bench.iter(|| conv2d_into(&mut out, black_box(&x), black_box(&w), &spec, Sign::Plus));
        });
        float(&mut group, dims);
        group.finish();
    }
}

fn float<M: criterion::measurement::Measurement>(
    group: &mut criterion::BenchmarkGroup<M>,
    [m, n, k]: [usize; 3],
) {
    let (a, b, mut c) = (vec![1.0f32; m * k], vec![0.5f32; k * n], vec![0.0f32; m * n]);
    let row = |x: usize| isize::try_from(x).expect("a small matrix");
    group.bench_function("gemm_f32", |bench| {
        bench.iter(|| {
            let (a, b, c) = (black_box(&a), black_box(&b), black_box(&mut c));
            let (a, b, c) = (a.as_ptr(), b.as_ptr(), c.as_mut_ptr());
            let serial = gemm::Parallelism::None;
            // SAFETY: the vectors are row-major matrices of m × k, k × n and m × n elements.
            unsafe {
                gemm::gemm(
                    m,
                    n,
                    k,
                    c,
                    1,
                    row(n),
                    true,
                    a,
                    1,
                    row(k),
                    b,
                    1,
                    row(n),
                    1.0,
                    1.0,
                    false,
                    false,
                    false,
                    serial,
                );
            }
        });
    });
}

criterion_group!(benches, products);
criterion_main!(benches);
