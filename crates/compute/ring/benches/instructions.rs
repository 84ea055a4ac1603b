//! A regression guard: counts the kernels' instructions, which do not depend on the machine's load, and compares them
//! with limits.
//!
//! `cargo bench -p tacita-ring --bench instructions` runs each kernel under valgrind's callgrind, prints the counts, and
//! fails if one is above its limit. Valgrind knows no AVX-512, so these are the AVX2 kernels.
//!
//! Limits are a tenth above the counts, because compilers differ. A kernel that needs more for a good reason (fewer
//! cache misses, say) raises its limit in the same commit, with the reason; one that needs much less lowers it.

use std::hint::black_box;
use std::process::{Command, ExitCode};

use tacita_ring::simd::Level;
use tacita_ring::{
    BitTensor, ConvSpec, Exponential, FourierSum, Generator, RingTensor, Seed, Sign, Window2d, conv2d_into,
    conv2d_shape, decode, encode, matmul_into,
};

/// A kernel, its instruction limit, and the amount of its work.
struct Kernel {
    name: &'static str,
    /// The unit of work.
    unit: &'static str,
    /// The number of units in a run.
    units: u64,
    /// The limit on instructions for a thousand units.
    limit: u64,
    run: fn(),
}

const ELEMENTS: usize = 1 << 14;

const KERNELS: &[Kernel] = &[
    kernel("matrix product", "multiply-add", 96 * 128 * 256, 2790, || {
        let (a, b) = (random(&[96, 256], 1), random(&[256, 128], 2));
        let mut out = RingTensor::zeros(&[96, 128]);
        counted(|| matmul_into(&mut out, &a, &b, Sign::Plus));
    }),
    kernel("convolution 3×3", "multiply-add", 32 * 32 * 9 * 20 * 20, 3020, || {
        let window = Window2d { pads: [1; 4], ..Window2d::new([3; 2]) };
        convolution(&[1, 32, 20, 20], &[32, 32, 3, 3], &ConvSpec { window, groups: 1 });
    }),
    kernel("convolution 1×1", "multiply-add", 64 * 64 * 28 * 28, 3140, || {
        convolution(
            &[1, 64, 28, 28],
            &[64, 64, 1, 1],
            &ConvSpec { window: Window2d::new([1; 2]), groups: 1 },
        );
    }),
    kernel("convolution 3×3 in tiles", "multiply-add", 64 * 64 * 9 * 28 * 28, 1700, || {
        let window = Window2d { pads: [1; 4], ..Window2d::new([3; 2]) };
        convolution(&[1, 64, 28, 28], &[64, 64, 3, 3], &ConvSpec { window, groups: 1 });
    }),
    kernel("convolution 1×32 in tiles", "multiply-add", 64 * 64 * 32 * 200, 1340, || {
        let window = Window2d { pads: [0, 16, 0, 15], ..Window2d::new([1, 32]) };
        convolution(&[1, 64, 1, 200], &[64, 64, 1, 32], &ConvSpec { window, groups: 1 });
    }),
    kernel("depthwise convolution 3×3", "multiply-add", 32 * 9 * 28 * 28, 7780, || {
        let window = Window2d { pads: [1; 4], ..Window2d::new([3; 2]) };
        convolution(&[1, 32, 28, 28], &[32, 1, 3, 3], &ConvSpec { window, groups: 32 });
    }),
    kernel("generator", "element", ELEMENTS as u64, 9780, || {
        let (generator, mut out) = (generator(1), vec![0; ELEMENTS]);
        counted(|| generator.fill(0, &mut out));
    }),
    kernel("generator, added", "element", ELEMENTS as u64, 12_010, || {
        let (generator, mut out) = (generator(1), vec![0; ELEMENTS]);
        counted(|| generator.add_to(0, &mut out));
    }),
    kernel("sum", "element", ELEMENTS as u64, 1040, || {
        let (mut a, b) = (random(&[ELEMENTS], 1), random(&[ELEMENTS], 2));
        counted(|| a.add_assign(&b));
    }),
    kernel("bit planes of elements", "element", ELEMENTS as u64, 16_250, || {
        let x = generator(1).vec(ELEMENTS);
        counted(|| BitTensor::from_ring(&x));
    }),
    kernel("elements of a bit plane", "element", ELEMENTS as u64, 10_950, || {
        let bits = BitTensor::from_ring(&generator(1).vec(ELEMENTS));
        counted(|| bits.to_ring(63));
    }),
    kernel("fixed point of numbers", "element", ELEMENTS as u64, 19_840, || {
        let x = vec![1.25; ELEMENTS];
        counted(|| encode(&x, 16));
    }),
    kernel("numbers of fixed point", "element", ELEMENTS as u64, 2720, || {
        let x = generator(1).vec(ELEMENTS);
        counted(|| decode(&x, 16));
    }),
    kernel("harmonics dealt", "element", ELEMENTS as u64, 93_790, || {
        let (sum, x) = (harmonics(), generator(1).vec(ELEMENTS));
        let mut dealt = vec![0; ELEMENTS * sum.words()];
        counted(|| sum.cosines(&x, &mut dealt));
    }),
    kernel("harmonics opened", "element", ELEMENTS as u64, 161_410, || {
        let (sum, x) = (harmonics(), generator(1).vec(ELEMENTS));
        let (dealt, mut out) = (vec![0; ELEMENTS * sum.words()], vec![0; ELEMENTS]);
        counted(|| sum.add_difference(&x, &dealt, &mut out));
    }),
    kernel("exponential opened", "element", ELEMENTS as u64, 23_110, || {
        let exponential = Exponential { frac: 16, window: 4, small_bits: 40, large_bits: 17 };
        let (x, mut out) = (generator(1).vec(ELEMENTS), vec![0; ELEMENTS]);
        counted(|| exponential.large_factors(&x, &mut out));
    }),
];

const fn kernel(name: &'static str, unit: &'static str, units: u64, limit: u64, run: fn()) -> Kernel {
    Kernel { name, unit, units, limit, run }
}

/// The only function whose instructions, and those of its callees, are counted; callgrind selects it by this name.
#[inline(never)]
fn counted<R>(work: impl FnOnce() -> R) {
    black_box(work());
}

fn generator(stream: u8) -> Generator {
    Generator::new(&Seed::from_bytes([0; 32]), &[stream])
}

fn random(shape: &[usize], stream: u8) -> RingTensor {
    RingTensor::new(shape.to_vec(), generator(stream).vec(shape.iter().product()))
}

fn harmonics() -> FourierSum {
    FourierSum {
        frequency: 1 << 43,
        constant: 0,
        step: 2,
        cosine_bits: 34,
        terms: vec![(1 << 20, 1 << 27); 9],
    }
}

fn convolution(x: &[usize], w: &[usize], spec: &ConvSpec) {
    let shape = conv2d_shape(x, w, spec).expect("the shapes fit");
    let (x, w, mut out) = (random(x, 1), random(w, 2), RingTensor::zeros(&shape));
    counted(|| conv2d_into(&mut out, &x, &w, spec, Sign::Plus));
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [one, index, ..] = arguments.as_slice()
        && one == "--one"
    {
        // one thread, otherwise callgrind does not see the work of the others
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build_global();
        pool.expect("the first pool of the process");
        assert_eq!(Level::current(), Level::Avx2, "the limits are of AVX2 kernels, which valgrind can run");
        (KERNELS[index.parse::<usize>().expect("a number")].run)();
        return ExitCode::SUCCESS;
    }
    // `cargo test` runs this benchmark once, as any other, so that it keeps working
    if !arguments.iter().any(|argument| argument == "--bench") {
        KERNELS.iter().for_each(|kernel| (kernel.run)());
        return ExitCode::SUCCESS;
    }
    let mut failed = false;
    println!("{:<28} {:>14} {:>12} {:>8}", "instructions for 1,000", "of these", "taken", "limit");
    for (index, kernel) in KERNELS.iter().enumerate() {
        let taken = instructions(index) * 1000 / kernel.units;
        let verdict = if taken > kernel.limit { "  above its limit" } else { "" };
        failed |= taken > kernel.limit;
        println!("{:<28} {:>14} {taken:>12} {:>8}{verdict}", kernel.name, kernel.unit, kernel.limit);
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Runs a kernel in its own process, and returns callgrind's count for [`counted`].
fn instructions(index: usize) -> u64 {
    let program = std::env::current_exe().expect("where this program is");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--collect-atstart=no"])
        .arg("--toggle-collect=*instructions*counted*")
        .arg(program)
        .args(["--one", &index.to_string()])
        .output()
        .expect("valgrind is installed");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    let count = text.lines().find_map(|line| line.split_once("Collected : ")).map(|(_, count)| count.trim());
    let count = count.and_then(|count| count.parse().ok()).filter(|&count| count > 0);
    count.unwrap_or_else(|| panic!("callgrind counted nothing: {text}"))
}
